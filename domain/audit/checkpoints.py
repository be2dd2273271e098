"""Checkpoints: how large a log is and what its root is, as the text that is signed (C2SP tlog-checkpoint).

A line each for the log's origin, its size and its root, then extension lines. Of these our logs write one or two: the
epoch that the log is in, and, where a restore that lost its tail began that epoch, how many leaves it kept.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final, Self

from domain.audit.errors import MalformedCheckpoint, TwoRoots
from domain.audit.tree import HASH_BYTES, MOST_LEAVES

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_FOREIGN: Final = re.compile(r"[\x00-\x1f\ud800-\udfff]")
_EPOCH: Final = "epoch "
_KEPT: Final = "kept "
_LINES: Final = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree's head. `extensions` are lines that the tree does not vouch for, only who signs."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what could not be read back as it is."""
        if not all(self._lines()) or any(_FOREIGN.search(line) for line in self._lines()):
            raise MalformedCheckpoint("Its origin and extensions are lines of UTF-8 that are not empty.")
        if not 0 <= self.size <= MOST_LEAVES or len(self.root) != HASH_BYTES:
            raise MalformedCheckpoint(f"A size is not negative, and a root has {HASH_BYTES} bytes.")

    @classmethod
    def of(cls, origin: str, size: int, root: bytes, *, epoch: int, kept: int | None = None) -> Self:
        """The checkpoint of a log of ours in this epoch; `kept`: what an epoch that lost a tail began with."""
        if epoch < 0 or not 0 <= (kept or 0) <= size:
            raise MalformedCheckpoint(
                f"Of {size} leaves {kept} cannot have been kept, or no epoch is {epoch}."
            )
        told = (f"{_EPOCH}{epoch}",) if kept is None else (f"{_EPOCH}{epoch}", f"{_KEPT}{kept}")
        return cls(origin, size, root, told)

    @property
    def epoch(self) -> int | None:
        """The log's epoch, from the first extension line; None where that is another, as in logs of others."""
        return _told(_EPOCH, self.extensions[:1])

    @property
    def kept(self) -> int | None:
        """With how many leaves this epoch began, from the line after the epoch's; None where nothing was lost."""
        return None if self.epoch is None else _told(_KEPT, self.extensions[1:2])

    @property
    def text(self) -> str:
        """The text that is signed (tlog-checkpoint, Note text)."""
        return "".join(f"{line}\n" for line in self._lines())

    @classmethod
    def read(cls, text: str) -> Self:
        """The checkpoint that a note's text is (tlog-checkpoint, Note text)."""
        *lines, rest = text.split("\n")
        if rest or len(lines) < _LINES:
            raise MalformedCheckpoint("It has at least three lines, and a newline ends each.")
        origin, size, root, *extensions = lines
        return cls(origin, _number(size, "Its second line"), _hash(root), tuple(extensions))

    def _lines(self) -> tuple[str, ...]:
        return (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)


def refuse_two_roots(one: Checkpoint, other: Checkpoint) -> None:
    """Raise `TwoRoots` where two checkpoints of one origin, epoch and size differ in their roots.

    Of other origins, epochs or sizes this says nothing: two sizes of one epoch take a proof of consistency, and what an
    epoch kept of the one before is told by `kept`.
    """
    same = (one.origin, one.epoch, one.size) == (other.origin, other.epoch, other.size)
    if same and one.root != other.root:
        raise TwoRoots(
            f"Of {one.origin} with {one.size} leaves there are two roots, {one.root.hex()} and {other.root.hex()}:"
            " its history was changed. Keep both checkpoints as evidence."
        )


def _told(name: str, line: tuple[str, ...]) -> int | None:
    """The number that a line of this name tells."""
    number = "".join(line).removeprefix(name)
    return int(number) if line != (number,) and _NUMBER.fullmatch(number) else None


def _number(text: str, what: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise MalformedCheckpoint(f"{what} is a number in decimal digits, without leading zeros.")
    return int(text)


def _hash(text: str) -> bytes:
    try:
        root = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):  # ValueError: letters that are not ASCII
        root = b""
    if base64.b64encode(root).decode() != text:
        raise MalformedCheckpoint("Its third line is the root in base64.")
    return root
