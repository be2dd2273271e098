"""Whatever is handed in as a note, a checkpoint or a proof is read or refused by name; no altered one is believed."""

import random
from collections.abc import Callable, Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.keys.ed25519 import public_key, signer, verify
from domain.audit.checkpoints import Checkpoint
from domain.audit.errors import MalformedCheckpoint, MalformedNote, MalformedProof, MalformedVerifierKey
from domain.audit.notes import Note, SignatureType, VerifierKey, cosigned, opened, read_signature, signed
from domain.audit.paths import inclusion_proof
from domain.audit.proofs import TlogProof
from domain.audit.tree import Frontier, leaf_hash
from domain.kernel.errors import Refusal
from tests.support.note_verifier import verified

SEED = bytes(range(32))
LOG = VerifierKey("mail.example/ledger", SignatureType.ED25519, public_key(SEED))
WITNESS = VerifierKey("witness.example/w1", SignatureType.COSIGNATURE, public_key(SEED))
LEAVES = [leaf_hash(b"%d" % n) for n in range(5)]
GROWTH = Frontier().adding(LEAVES)
CHECKPOINT = Checkpoint.of(LOG.name, 5, GROWTH.frontier.root, epoch=29_740_320, kept=3)
LETTER = st.characters(codec="utf-8", exclude_categories=["Cc"])
TEXT = st.text(LETTER | st.just("\n"), max_size=60).map("{}\n".format)
NAME = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Z"], exclude_characters="+"), min_size=1
)


def note_of(text: str) -> Note:
    bare = Note(text).with_signature(signed(text, LOG, signer(SEED)))
    return bare.with_signature(cosigned(text, WITNESS, signer(SEED), at=1_764_324_000))


def read_node(level: int, index: int) -> bytes:
    return GROWTH.runs[level].hashes[index]


def with_a_bit_flipped(data: bytes) -> Iterator[bytes]:
    """One for each byte of the data: a bit of it, drawn."""
    drawn = random.Random(9162)
    for at, byte in enumerate(data):
        yield data[:at] + bytes([byte ^ 1 << drawn.randrange(8)]) + data[at + 1 :]


def test_no_note_with_a_bit_flipped_is_believed_of_all_who_signed_it() -> None:
    made = note_of(CHECKPOINT.text).to_bytes()
    assert len(opened(Note.read(made), [LOG, WITNESS], verify)) == 2
    for wrong in with_a_bit_flipped(made):
        try:
            believed = {one.key for one in opened(Note.read(wrong), [LOG, WITNESS], verify)}
        except Refusal:
            continue
        # What changed is the other's signature line, until it is nobody's that is known.
        assert len(believed) == 1
        assert Note.read(wrong).text == CHECKPOINT.text


def test_no_proof_with_a_bit_flipped_is_believed() -> None:
    checkpoint = Note(CHECKPOINT.text).with_signature(signed(CHECKPOINT.text, LOG, signer(SEED))).to_bytes()
    made = TlogProof(3, inclusion_proof(3, 5, read_node), checkpoint)

    def holds(proof: TlogProof) -> bool:
        return proof.verified(LEAVES[3], origin=LOG.name, keys=[LOG], verify=verify).holds

    assert holds(TlogProof.read(made.to_bytes()))
    for wrong in with_a_bit_flipped(made.to_bytes()):
        try:
            read = TlogProof.read(wrong)
        except MalformedProof:
            continue
        assert not holds(read)


@settings(max_examples=60)
@given(TEXT, NAME)
def test_a_note_of_any_text_and_name_is_read_as_it_was_written(text: str, name: str) -> None:
    key = VerifierKey(name, SignatureType.ED25519, public_key(SEED))
    assert VerifierKey.read(str(key)) == key
    made = Note(text).with_signature(signed(text, key, signer(SEED)))
    assert Note.read(made.to_bytes()) == made
    assert [one.key for one in opened(made, [key], verify)] == [key]
    assert verified(made.to_bytes(), str(key)) == {name: None}


PIECES = st.lists(
    st.sampled_from(
        [
            b"\n",
            b"\n\n",
            b"c2sp.org/tlog-proof@v1\n",
            b"extra ",
            b"index ",
            b"0",
            b"7\n",
            b"AAAA",
            b"=\n",
            "— a ".encode(),
            b"+",
            b" ",
            "ü".encode(),
            b"\xff",
            CHECKPOINT.text.encode(),
        ]
    )
    | st.binary(max_size=4),
    max_size=9,
).map(b"".join)


def written_again(read: Callable[[], object]) -> object:
    """What was read; None where it was refused, in words."""
    try:
        return read()
    except (MalformedCheckpoint, MalformedNote, MalformedProof, MalformedVerifierKey) as refused:
        words = refused.detail
    assert words.endswith(".")
    return None


@settings(max_examples=300)
@given(PIECES)
def test_whatever_is_handed_in_is_read_or_refused_by_name(data: bytes) -> None:
    text = data.decode(errors="replace")
    assert written_again(lambda: Note.read(data).to_bytes()) in {None, data}
    assert written_again(lambda: TlogProof.read(data).to_bytes()) in {None, data}
    assert written_again(lambda: Checkpoint.read(text).text) in {None, text}
    assert written_again(lambda: VerifierKey.read(text)) is None
    assert written_again(lambda: read_signature(text).name) in {None, "a"}
