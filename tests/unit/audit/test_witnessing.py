"""Requests to witnesses, what they find, and the rule of how many must have cosigned."""

from collections.abc import Sequence

import pytest

from adapters.keys.ed25519 import public_key, signer, verify
from domain.audit.errors import (
    MalformedAddCheckpoint,
    MalformedNote,
    MalformedQuorum,
    NoteNotSigned,
    WrongSignature,
)
from domain.audit.notes import Note, SignatureType, VerifierKey, cosigned
from domain.audit.witnessing import (
    MOST_BYTES,
    AddCheckpoint,
    Cosigned,
    Found,
    Quorum,
    Submitted,
    Verdict,
    cosignature_in,
    judged,
    submitted,
)
from tests.support.naive_tree import mth
from tests.support.witnesses import Log


def log(size: int) -> Log:
    made = Log("ledger.test/1/events/1")
    made.grow(size)
    return made


def seed(number: int) -> bytes:
    return bytes([number]) * 32


def key(number: int) -> VerifierKey:
    return VerifierKey(f"witness.test/{number}", SignatureType.COSIGNATURE, public_key(seed(number)))


def lines(text: str, *numbers: int, at: int = 1_790_000_000) -> bytes:
    made = tuple(cosigned(text, key(number), signer(seed(number)), at=at) for number in numbers)
    return Note(text, made).to_bytes().removeprefix(f"{text}\n".encode())


def test_the_specifications_example_is_read_and_made_as_it_stands() -> None:
    example = (
        "old 20852014\n"
        "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
        "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
        "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
        "\n"
        "example.com/behind-the-sofa\n"
        "20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        "\n"
        "— example.com/behind-the-sofa"
        " Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    ).encode()
    request = AddCheckpoint.read(example)
    assert (request.old, len(request.proof)) == (20_852_014, 4)
    assert Note.read(request.checkpoint).text.startswith("example.com/behind-the-sofa\n20852163\n")
    assert request.to_bytes() == example


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"old 5",
        b"old 05\n\nx",
        b"old 5\r\n\nx",
        b"Old 5\n\nx",
        b"old 5\nQQ==\n\nx",
        b"old 5\n\xff\n\nx",
        b"old 5\n" + b"A" * 42 + b"B=\n\nx",
        b"old 0\n\n" + b"x" * MOST_BYTES,
    ],
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedAddCheckpoint):
        AddCheckpoint.read(data)


@pytest.mark.parametrize(("old", "proof"), [(-1, ()), (0, (b"short",)), (1, (bytes(32),) * 64)])
def test_what_could_not_be_read_back_is_not_made(old: int, proof: tuple[bytes, ...]) -> None:
    with pytest.raises(MalformedAddCheckpoint):
        AddCheckpoint(old, proof, b"")


def test_keys_under_another_name_sign_nothing() -> None:
    asked = log(3)
    other = VerifierKey("ledger.test/2/events/1", SignatureType.ED25519, asked.vkey.public_key)

    def found(keys: Sequence[VerifierKey]) -> Found | None:
        told = submitted(asked.request(0, 3), lambda _: keys, verify)
        return told.found if isinstance(told, Verdict) else None

    assert found([asked.vkey]) is None
    assert found([]) is Found.UNKNOWN_LOG
    assert found([other]) is Found.NOT_SIGNED
    assert found([other, asked.vkey]) is None


def test_every_pair_of_sizes_goes_on_and_no_other_tree_does() -> None:
    asked = log(9)
    for old in range(10):
        for size in range(old, 10):
            told = submitted(asked.request(old, size), lambda _: [asked.vkey], verify)
            assert isinstance(told, Submitted)
            last = Cosigned(old, mth(asked.entries[:old]))
            assert judged(told, last).found is Found.CONSISTENT
            assert judged(told, Cosigned(old + 1, last.root)) == Verdict(
                Found.OTHER_SIZE, "Another size of this log was cosigned last.", old + 1
            )
            if old:
                wrong = judged(told, Cosigned(old, mth([b"other", *asked.entries[1:old]]))).found
                assert wrong is (Found.TWO_ROOTS if old == size else Found.NOT_PROVEN)


def test_a_cosignature_is_found_among_others() -> None:
    text = log(3).text(3)
    signature, at = cosignature_in(lines(text, 1, 2, 3), text, key(2), verify)
    assert (signature.name, at) == ("witness.test/2", 1_790_000_000)


def test_a_witness_that_signs_something_else_has_not_cosigned() -> None:
    asked = log(4)
    text = asked.text(4)
    with pytest.raises(WrongSignature):
        cosignature_in(lines(asked.text(3), 1), text, key(1), verify)
    with pytest.raises(NoteNotSigned):
        cosignature_in(lines(text, 2), text, key(1), verify)
    for answer in (b"", b"\n", b"ok\n", b"\xff\n", b"\xe2\x80\x94 witness.test/1\n"):
        with pytest.raises(MalformedNote):
            cosignature_in(answer, text, key(1), verify)


def test_a_quorum_counts_witnesses_and_not_lines() -> None:
    text = log(3).text(3)
    rule = Quorum.of([key(1), key(2), key(3)])
    assert rule.least == 2

    def by(*made: bytes) -> tuple[bool, list[str]]:
        told = rule.judged(Note.read(f"{text}\n".encode() + b"".join(made)), verify)
        return told.reached, [one.key.name for one in told.by]

    assert by(lines(text, 1)) == (False, ["witness.test/1"])
    assert by(lines(text, 1), lines(text, 1, at=1_790_000_001)) == (False, ["witness.test/1"])
    assert by(lines(text, 1, 4)) == (False, ["witness.test/1"])
    assert by(lines(text, 3, 4, 1)) == (True, ["witness.test/1", "witness.test/3"])
    wrong = lines(log(2).text(2), 2)
    assert by(wrong, lines(text, 1, 3)) == (True, ["witness.test/1", "witness.test/3"])
    assert by(wrong, lines(text, 1)) == (False, ["witness.test/1"])


def test_a_quorum_that_cannot_be_kept_is_refused() -> None:
    renamed = VerifierKey("witness.test/again", SignatureType.COSIGNATURE, key(1).public_key)
    for witnesses, least in (([key(1)], 2), ([key(1)], -1), ([key(1), renamed], 1), ([log(0).vkey], 1)):
        with pytest.raises(MalformedQuorum):
            Quorum.of(witnesses, least)
    assert Quorum.of([]).judged(Note.read(log(1).note(1)), verify).reached
