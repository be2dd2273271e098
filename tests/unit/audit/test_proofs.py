"""Files of C2SP tlog-proof are written, read and checked with nothing but a verifier key in hand."""

import base64

import pytest

from adapters.keys.ed25519 import public_key, signer, verify
from domain.audit.checkpoints import Checkpoint
from domain.audit.errors import MalformedProof
from domain.audit.notes import Note, SignatureType, VerifierKey, signed
from domain.audit.paths import inclusion_proof
from domain.audit.proofs import TlogProof
from domain.audit.tiles import nodes_from, tiles_grown
from domain.audit.tree import Frontier, leaf_hash
from tests.support import naive_tree
from tests.support.note_verifier import verified

ORIGIN = "mail.example/ledger"
SEED = bytes(range(32))
LOG = VerifierKey(ORIGIN, SignatureType.ED25519, public_key(SEED))
ENTRIES = [b"%d" % n for n in range(300)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
# The specification's example, with two of its hashes and a short signature.
EXAMPLE = """c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

— example.com/fancylog hI2DJw==
""".encode()


def proof_of(index: int, size: int, extra: bytes | None = None, origin: str = ORIGIN) -> TlogProof:
    growth = Frontier().adding(LEAVES[:size])
    tiles = dict(tiles_grown(0, growth, lambda _: b""))
    checkpoint = Checkpoint.of(origin, size, growth.frontier.root, epoch=0)
    note = Note(checkpoint.text).with_signature(signed(checkpoint.text, LOG, signer(SEED)))
    hashes = inclusion_proof(index, size, nodes_from(tiles.__getitem__, size))
    return TlogProof(index, hashes, note.to_bytes(), extra)


def check(proof: TlogProof, leaf: bytes, origin: str = ORIGIN) -> tuple[bool, str]:
    verdict = proof.verified(leaf, origin=origin, keys=[LOG], verify=verify)
    return verdict.holds, verdict.words


def test_the_specifications_example_is_read_and_written() -> None:
    proof = TlogProof.read(EXAMPLE)
    assert (proof.index, len(proof.hashes)) == (73894, 2)
    assert proof.hashes[0] == base64.b64decode("gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=")
    assert proof.checkpoint.startswith(b"example.com/fancylog\n109482\n")
    assert (proof.extra or b"").startswith(b"age-v1.2.1-darwin-arm64.tar.gz")
    assert proof.to_bytes() == EXAMPLE


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 2), (299, 300), (255, 256), (256, 257), (7, 300)])
def test_a_proof_is_a_file_that_can_be_checked(index: int, size: int) -> None:
    made = proof_of(index, size)
    read = TlogProof.read(made.to_bytes())
    assert read == made
    assert check(read, LEAVES[index]) == (True, f"The leaf is number {index} of the tree of {size} leaves.")
    # Without a line of the product: the file is as the specification says, the hashes as RFC 6962.
    lines = made.to_bytes().split(b"\n\n", 1)[0].decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", f"index {index}"]
    assert [base64.b64decode(line) for line in lines[2:]] == naive_tree.path(index, ENTRIES[:size])
    assert verified(made.to_bytes().split(b"\n\n", 1)[1], str(LOG)) == {ORIGIN: None}


def test_what_is_extra_is_carried() -> None:
    for extra in (b"", b"with \n anything \xff"):
        made = proof_of(3, 8, extra)
        assert TlogProof.read(made.to_bytes()).extra == extra
        assert check(made, LEAVES[3])[0]


def test_a_verdict_says_what_is_wrong() -> None:
    made = proof_of(3, 8)
    other = proof_of(3, 9)
    assert check(made, LEAVES[4]) == (False, "The proof of leaf 3 leads to another root than the tree's.")
    assert check(TlogProof(3, made.hashes, other.checkpoint), LEAVES[3])[1].startswith(
        "The proof has too few hashes"
    )
    assert (
        check(TlogProof(8, made.hashes, made.checkpoint), LEAVES[3])[1] == "A tree of 8 leaves has no leaf 8."
    )
    assert check(proof_of(3, 8, origin="mail.example/other"), LEAVES[3]) == (
        False,
        "The checkpoint is of 'mail.example/other', not of 'mail.example/ledger'.",
    )
    altered = made.checkpoint.replace(b"\n8\n", b"\n9\n")
    assert "is not right" in check(TlogProof(3, made.hashes, altered), LEAVES[3])[1]
    assert check(TlogProof(3, made.hashes, b"no note"), LEAVES[3]) == (
        False,
        "An empty line stands before the signatures, and a newline ends the last.",
    )
    words = made.verified(LEAVES[3], origin=ORIGIN, keys=[], verify=verify).words
    assert words.startswith("No key that is trusted signed the note.")
    note = Note("no checkpoint\n").with_signature(signed("no checkpoint\n", LOG, signer(SEED)))
    assert check(TlogProof(3, made.hashes, note.to_bytes()), LEAVES[3]) == (
        False,
        "It has at least three lines, and a newline ends each.",
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"c2sp.org/tlog-proof@v1", b"c2sp.org/tlog-proof@v2"),
        (b"c2sp.org/tlog-proof@v1\n", b""),
        (b"@v1\n", b"@v1\r\n"),
        (b"index 3\n", b""),
        (b"index 3\n", b"index 3\nindex 3\n"),
        (b"index 3", b"index 03"),
        (b"index 3", b"index -3"),
        (b"index 3", b"index  3"),
        (b"index 3", b"index 9223372036854775808"),
        (b"index 3", b"Index 3"),
        (b"index 3", "index ٣".encode()),
        (b"index 3\n", b"index 3\nAAAA\n"),
        (b"index 3\n", b"index 3\n\xff\n"),
        (b"index 3\n", b"index 3\nextra AAAA\n"),
        (b"index 3\n", b"index 3\n" + base64.b64encode(bytes(32)) + b"\n \n"),
        (b"index 3\n", b"index 3\n" + (base64.b64encode(bytes(32)) + b"\n") * 64),
        (b"index 3\n", b"extra AAA\nindex 3\n"),
        (b"index 3\n", b"extra AAB=\nindex 3\n"),
        (b"index 3\n", b"extra AAAA\nextra AAAA\nindex 3\n"),
        (b"\n\n", b"\n"),
    ],
)
def test_what_is_no_proof_is_refused(old: bytes, new: bytes) -> None:
    data = proof_of(3, 8).to_bytes()
    spoilt = data.replace(old, new)
    assert spoilt != data
    with pytest.raises(MalformedProof):
        TlogProof.read(spoilt)


def test_a_proof_that_is_too_long_is_refused_unread() -> None:
    with pytest.raises(MalformedProof, match="2,000,000 bytes"):
        TlogProof.read(bytes(2_000_001))
    with pytest.raises(MalformedProof):
        TlogProof(-1, (), b"")
