"""Signed notes as C2SP signed-note says: what is made, what is read, who signed.

Vectors: the example of signed-note's section on verifier keys, and the keys and signatures with which the Go project
tests its package note (golang.org/x/mod/sumdb/note, note_test.go).
"""

import base64

import pytest
from cryptography.exceptions import InvalidSignature

from adapters.keys.ed25519 import public_key, signer, verify
from domain.audit.checkpoints import Checkpoint
from domain.audit.errors import (
    MalformedNote,
    MalformedVerifierKey,
    NoteNotSigned,
    VerifierKeysCollide,
    WrongSignature,
)
from domain.audit.notes import (
    MOST_BYTES,
    MOST_SIGNATURES,
    Note,
    Signature,
    SignatureType,
    Verified,
    VerifierKey,
    cosigned,
    opened,
    read_signature,
    signed,
)
from tests.support.note_verifier import verified

FOO = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO_SIGNED = (
    "This is an example message.\n\n— example.com/foo"
    " Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
BY_PETER = (
    "— PeterNeumann"
    " x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
BY_ENOCH = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
SEED = bytes(range(32))
WITNESS = VerifierKey("witness.example/w1", SignatureType.COSIGNATURE, public_key(SEED))
LOG = VerifierKey("mail.example/ledger", SignatureType.ED25519, public_key(SEED))


def peter() -> VerifierKey:
    return VerifierKey.read(PETER)


def note(*lines: str) -> Note:
    return Note.read(f"{TEXT}\n{''.join(lines)}".encode())


def changed(old: str, new: str) -> bytes:
    return f"{TEXT}\n{BY_PETER.replace(old, new)}".encode()


def test_the_specifications_example() -> None:
    read = Note.read(FOO_SIGNED)
    assert read.text == "This is an example message.\n"
    assert read.to_bytes() == FOO_SIGNED
    assert opened(read, [VerifierKey.read(FOO)], verify) == (Verified(VerifierKey.read(FOO), None),)
    assert verified(FOO_SIGNED, FOO) == {"example.com/foo": None}


def test_a_signature_is_the_one_that_others_make() -> None:
    key = VerifierKey("PeterNeumann", SignatureType.ED25519, public_key(PETERS_SEED))
    assert str(key) == PETER
    made = Note(TEXT).with_signature(signed(TEXT, key, signer(PETERS_SEED)))
    assert made.to_bytes() == f"{TEXT}\n{BY_PETER}".encode()
    assert made.with_signature(made.signatures[0]) == made


def test_unknown_keys_are_ignored_and_known_ones_found() -> None:
    both = note(BY_PETER, BY_ENOCH)
    enoch = VerifierKey.read(ENOCH)
    assert opened(both, [peter()], verify) == (Verified(peter(), None),)
    assert opened(both, [enoch, peter()], verify) == (Verified(peter(), None), Verified(enoch, None))
    assert opened(note(BY_PETER, BY_PETER), [peter(), peter()], verify) == (Verified(peter(), None),)
    with pytest.raises(NoteNotSigned):
        opened(both, [], verify)
    with pytest.raises(NoteNotSigned):
        opened(note(BY_ENOCH), [peter()], verify)


def test_a_key_of_the_same_name_or_the_same_id_is_another_key() -> None:
    namesake = VerifierKey("PeterNeumann", SignatureType.ED25519, public_key(SEED))
    renamed = note(BY_PETER.replace("PeterNeumann", "PeterNewman"))
    with pytest.raises(NoteNotSigned):
        opened(note(BY_PETER), [namesake], verify)
    with pytest.raises(NoteNotSigned):
        opened(renamed, [peter()], verify)


def test_what_a_trusted_key_did_not_make_spoils_the_note() -> None:
    read = note(BY_PETER)
    altered = Note(TEXT.replace("your", "our"), read.signatures)
    longer = Note(TEXT, (read.signatures[0]._replace(made=read.signatures[0].made + b"\x00"),))
    with_wrong_one = note(BY_ENOCH, BY_PETER.replace("ZJku", "ZJkv"))
    for wrong in (altered, longer, with_wrong_one):
        with pytest.raises(WrongSignature, match=r"PeterNeumann\+c74f20a3 is not right"):
            opened(wrong, [peter(), VerifierKey.read(ENOCH)], verify)


def test_two_keys_that_cannot_be_told_apart_are_refused() -> None:
    class Alike(VerifierKey):
        key_id = b"same"

    one = Alike("a", SignatureType.ED25519, bytes(32))
    other = Alike("a", SignatureType.ED25519, bytes(31) + b"\x01")
    with pytest.raises(VerifierKeysCollide):
        opened(note(BY_PETER), [one, other], verify)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        TEXT.encode(),
        f"{TEXT}\n".encode(),
        f"{TEXT}\n{BY_PETER[:-1]}".encode(),
        f"{TEXT}{BY_PETER}".encode(),
        f"\x01{TEXT}\n{BY_PETER}".encode(),
        f"{TEXT}\n{BY_PETER}".replace("\n", "\r\n").encode(),
        b"\xff" + f"{TEXT}\n{BY_PETER}".encode(),
        f"{TEXT}\n{BY_PETER}Another line.\n".encode(),
        f"{TEXT}\n{BY_PETER}\n{BY_ENOCH}x\n".encode(),
        changed("PeterNeumann", "Peter Neumann"),
        changed("PeterNeumann", "Peter+Neumann"),
        changed("PeterNeumann", "Peter\u2003Neumann"),
        changed("PeterNeumann", ""),
        changed("— ", "- "),
        changed("— ", "—"),
        changed("x08g", "x08_"),
        changed("nAM=", "nAN="),
        changed("nAM=", "nAM"),
        changed("nAM=", "nAM= "),
        f"{TEXT}\n— PeterNeumann x08gow==\n".encode(),
        f"{TEXT}\n— PeterNeumann\n".encode(),
        f"{TEXT}\n{BY_PETER * (MOST_SIGNATURES + 1)}".encode(),
        f"{'x' * MOST_BYTES}\n\n{BY_PETER}".encode(),
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedNote):
        Note.read(data)


def test_sixteen_signatures_are_read_as_every_verifier_must() -> None:
    assert len(note(*[BY_ENOCH] * 15, BY_PETER).signatures) == 16


def test_a_text_may_have_empty_lines_and_lines_like_signatures() -> None:
    text = f"\n\nsaid\n\n{BY_PETER}\n"
    made = Note(text).with_signature(signed(text, LOG, signer(SEED)))
    assert Note.read(made.to_bytes()) == made
    assert verified(made.to_bytes(), str(LOG)) == {LOG.name: None}


@pytest.mark.parametrize("text", ["", "no newline", "a\tb\n", "a\r\n", "\x1b\n", "\udcff\n"])
def test_no_note_is_made_that_could_not_be_read(text: str) -> None:
    with pytest.raises(MalformedNote):
        Note(text)
    with pytest.raises(MalformedNote):
        Note("text\n", (Signature("two words", b"1234", b"x"),))


def test_what_is_no_verifier_key_is_refused() -> None:
    """Every part of a key, and every key with one character changed, as the Go project tries them."""
    assert str(peter()) == PETER
    parts = {PETER[i:j] for i in range(len(PETER)) for j in range(i + 1, len(PETER) + 1)} - {PETER}
    changed = {PETER[:i] + chr(ord(PETER[i]) + 1) + PETER[i + 1 :] for i in range(len(PETER))}
    longer = "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=="
    of_another_type = "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    for text in [*parts, *changed, longer, of_another_type, "", "a+b", PETER + "\n", PETER.upper()]:
        with pytest.raises(MalformedVerifierKey):
            VerifierKey.read(text)


def test_what_no_line_can_name_is_no_keys_name() -> None:
    for name in ("", "two words", "a+b", "a\u00a0b", "a\nb", "a\x00", "a\udcff"):
        with pytest.raises(MalformedVerifierKey):
            VerifierKey(name, SignatureType.ED25519, bytes(32))


def test_a_witness_signs_the_text_and_the_moment() -> None:
    text = Checkpoint.of(LOG.name, 3, bytes(32), epoch=0).text
    cosignature = cosigned(text, WITNESS, signer(SEED), at=1_679_315_147)
    both = Note(text).with_signature(signed(text, LOG, signer(SEED))).with_signature(cosignature)
    assert read_signature(both.to_bytes().decode().splitlines()[-1]) == cosignature
    assert opened(both, [LOG, WITNESS], verify) == (Verified(LOG, None), Verified(WITNESS, 1_679_315_147))
    assert verified(both.to_bytes(), str(LOG), str(WITNESS)) == {LOG.name: None, WITNESS.name: 1_679_315_147}
    later = cosignature._replace(made=b"\x00" * 7 + b"\x01" + cosignature.made[8:])
    beyond_message = f"cosignature/v1\ntime {2**63}\n{text}".encode()
    beyond = cosignature._replace(made=b"\x80" + bytes(7) + signer(SEED)(beyond_message))
    for wrong in (later, beyond, cosignature._replace(made=cosignature.made[:11])):
        with pytest.raises(WrongSignature):
            opened(Note(text, (wrong,)), [WITNESS], verify)


def test_a_key_of_one_type_makes_and_verifies_no_other() -> None:
    same_key = VerifierKey(WITNESS.name, SignatureType.ED25519, WITNESS.public_key)
    text = "seen\n"
    with pytest.raises(MalformedVerifierKey):
        signed(text, WITNESS, signer(SEED))
    with pytest.raises(MalformedVerifierKey):
        cosigned(text, same_key, signer(SEED), at=1)
    with pytest.raises(MalformedNote):
        cosigned(text, WITNESS, signer(SEED), at=2**63)
    with pytest.raises(NoteNotSigned):
        opened(Note(text, (cosigned(text, WITNESS, signer(SEED), at=1),)), [same_key], verify)


def test_the_tests_own_verifier_finds_what_is_wrong() -> None:
    with pytest.raises(InvalidSignature):
        verified(FOO_SIGNED.replace(b"example message", b"exemple message"), FOO)
    with pytest.raises(InvalidSignature):
        verified(FOO_SIGNED, PETER)


def test_what_is_no_key_has_signed_nothing() -> None:
    assert not verify(bytes(32), b"message", bytes(64))
    assert not verify(b"short", b"message", bytes(64))
