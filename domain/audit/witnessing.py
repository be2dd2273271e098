"""Witnesses: who saw how far a log had come, and says so under its checkpoint (C2SP tlog-witness, tlog-cosignature).

A log sends each witness a checkpoint and the proof that it goes on from what this witness cosigned before. A witness
remembers one checkpoint of each log, the largest that it cosigned, and cosigns none that this one does not begin. What
shows another past than the witnesses saw lacks their signatures.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Self

from domain.audit.checkpoints import Checkpoint
from domain.audit.errors import MalformedAddCheckpoint, MalformedQuorum
from domain.audit.notes import (
    Note,
    Signature,
    SignatureType,
    Verified,
    VerifierKey,
    Verify,
    opened,
    read_signature,
)
from domain.audit.paths import verify_consistency
from domain.audit.tree import EMPTY_ROOT, HASH_BYTES
from domain.kernel.errors import Refusal

MOST_HASHES: Final = 63
"""So many lines of a proof may be sent (tlog-witness, add-checkpoint)."""

MOST_BYTES: Final = 131_072
"""So long may a request be: 63 hashes, and a checkpoint with more than the 16 signatures that all must accept."""

MOST_ANSWERED: Final = 16_384
"""So much of an answer is read: a few lines."""

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_OLD: Final = "old "


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """What a witness is sent: the size that it cosigned last, a proof from there, and the note, byte for byte."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    def __post_init__(self) -> None:
        """Refuse what could not be read back."""
        if self.old < 0 or len(self.proof) > MOST_HASHES:
            raise MalformedAddCheckpoint(
                f"The old size is not negative, and at most {MOST_HASHES} hashes follow."
            )
        if any(len(one) != HASH_BYTES for one in self.proof):
            raise MalformedAddCheckpoint(f"A hash of the proof has {HASH_BYTES} bytes.")

    def to_bytes(self) -> bytes:
        """The body of the request (tlog-witness, add-checkpoint)."""
        lines = (f"{_OLD}{self.old}", *(base64.b64encode(one).decode() for one in self.proof), "")
        return "".join(f"{line}\n" for line in lines).encode() + self.checkpoint

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The request in a body. Its checkpoint is not looked at: see `Witness.judged`."""
        if len(data) > MOST_BYTES:
            raise MalformedAddCheckpoint(f"A request has at most {MOST_BYTES:,} bytes.")
        head, gap, checkpoint = data.partition(b"\n\n")
        try:
            first, *hashes = head.decode("ascii").split("\n")
        except UnicodeDecodeError as fault:
            raise MalformedAddCheckpoint("Above the checkpoint it is ASCII.") from fault
        old = first.removeprefix(_OLD)
        if not gap or not first.startswith(_OLD) or not _NUMBER.fullmatch(old):
            raise MalformedAddCheckpoint(
                "It begins with `old` and a size in decimal digits; an empty line stands before the checkpoint."
            )
        return cls(int(old), tuple(map(_hash, hashes)), checkpoint)


class Found(StrEnum):
    """What a witness finds of a request."""

    CONSISTENT = "consistent"
    MALFORMED = "malformed"
    UNKNOWN_LOG = "unknown_log"
    NOT_SIGNED = "not_signed"
    OTHER_SIZE = "other_size"
    """It last cosigned another size than the request goes on from; the answer tells which."""
    TWO_ROOTS = "two_roots"
    """It cosigned this size with another root: the log told two pasts."""
    NOT_PROVEN = "not_proven"
    """The proof does not show that what it cosigned is the beginning of this."""


class Cosigned(NamedTuple):
    """The largest tree of a log that a witness cosigned; of a log that it knows nothing of, the empty one."""

    size: int = 0
    root: bytes = EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class Submitted:
    """A checkpoint that one of its log's own keys signed, and how it is shown that it goes on from the old size."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found, in words. `size`: what the witness last cosigned, where that is another than was asked from."""

    found: Found
    words: str
    size: int | None = None


def submitted(
    data: bytes, keys_of: Callable[[str], Sequence[VerifierKey]], verify: Verify
) -> Submitted | Verdict:
    """What a request asks for, or why it is none; nothing is remembered of a log to find that.

    `keys_of`: the keys that a log of this origin is trusted by; none for a log that the witness does not know.
    """
    try:
        request = AddCheckpoint.read(data)
        note = Note.read(request.checkpoint)
        checkpoint = Checkpoint.read(note.text)
    except Refusal as refusal:
        return Verdict(Found.MALFORMED, refusal.detail)
    keys = keys_of(checkpoint.origin)
    if not keys:
        return Verdict(Found.UNKNOWN_LOG, "No log of this origin is known here.")
    try:
        opened(note, keys, verify)
    except Refusal as refusal:
        return Verdict(Found.NOT_SIGNED, refusal.detail)
    if request.old > checkpoint.size:
        return Verdict(Found.MALFORMED, "The old size is above that of the checkpoint.")
    return Submitted(request.old, request.proof, note, checkpoint)


def judged(asked: Submitted, last: Cosigned) -> Verdict:
    """Whether a checkpoint goes on from what was cosigned last of its log: to be entered in the same turn."""
    checkpoint = asked.checkpoint
    if asked.old != last.size:
        return Verdict(Found.OTHER_SIZE, "Another size of this log was cosigned last.", last.size)
    if checkpoint.size == last.size and checkpoint.root != last.root:
        return Verdict(Found.TWO_ROOTS, "This size of this log was cosigned with another root.")
    shown = verify_consistency(last.size, last.root, checkpoint.size, checkpoint.root, asked.proof)
    return Verdict(Found.CONSISTENT if shown.holds else Found.NOT_PROVEN, shown.words)


def cosignature_in(answer: bytes, text: str, key: VerifierKey, verify: Verify) -> tuple[Signature, int]:
    """The witness's signature under this text in its answer, and the POSIX second that it names.

    Lines by other keys are ignored. Raises `MalformedNote`, `NoteNotSigned` or `WrongSignature`.
    """
    lines = answer.decode(errors="surrogateescape").removesuffix("\n").split("\n")
    signatures = tuple(read_signature(line) for line in lines)
    mine = [one for one in signatures if (one.name, one.key_id) == (key.name, key.key_id)][:1]
    ((_, at),) = opened(Note(text, tuple(mine)), [key], verify)
    return mine[0], at or 0


@dataclass(frozen=True, slots=True)
class Quorum:
    """At least so many of these witnesses must have cosigned a checkpoint for it to be believed."""

    least: int
    witnesses: tuple[VerifierKey, ...]

    def __post_init__(self) -> None:
        """Refuse a rule that nobody could keep, or that one witness could keep for two."""
        if any(one.type is not SignatureType.COSIGNATURE for one in self.witnesses):
            raise MalformedQuorum("A witness's verifier key is of type 0x04: it signs a text with a moment.")
        if min(len({one.public_key for one in self.witnesses}), len(set(self.names))) < len(self.witnesses):
            raise MalformedQuorum(
                "Two of the witnesses have one key or one name: whoever has it would count twice."
            )
        if not 0 <= self.least <= len(self.witnesses):
            raise MalformedQuorum(f"Of {len(self.witnesses)} witnesses {self.least} cannot be asked for.")

    @classmethod
    def of(cls, witnesses: Iterable[VerifierKey], least: int | None = None) -> Self:
        """The rule for these witnesses; without a number, more than half of them."""
        named = tuple(witnesses)
        return cls((len(named) // 2 + 1 if named else 0) if least is None else least, named)

    @property
    def names(self) -> tuple[str, ...]:
        """What the witnesses are called."""
        return tuple(one.name for one in self.witnesses)

    def judged(self, note: Note, verify: Verify) -> QuorumVerdict:
        """Whether enough of them cosigned a note. Its log's own signature is another question: see `opened`."""
        seen: list[Verified] = []
        for key in self.witnesses:
            try:
                seen += opened(note, [key], verify)[:1]
            except Refusal:
                continue  # one that did not sign, or not this: it does not count, and the others still may
        names = ", ".join(one.key.name for one in seen) or "none"
        return QuorumVerdict(
            len(seen) >= self.least,
            f"Of {len(self.witnesses)} witnesses {len(seen)} cosigned ({names}); {self.least} are asked for.",
            tuple(seen),
        )


class QuorumVerdict(NamedTuple):
    """Whether a quorum was reached, in words, and who cosigned when."""

    reached: bool
    words: str
    by: tuple[Verified, ...]


def _hash(line: str) -> bytes:
    try:
        data = base64.b64decode(line, validate=True)
    except ValueError:
        data = b""
    if base64.b64encode(data).decode() != line or not data:
        raise MalformedAddCheckpoint(
            "Between the old size and the empty line stand hashes in base64, a line each."
        )
    return data
