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
_CONTROL: Final = re.compile(r"[\x00-\x1f]")
_EPOCH: Final = "epoch"
_KEPT: Final = "kept"
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
        if not all(self._lines()) or any(_CONTROL.search(line) for line in self._lines()):
            raise MalformedCheckpoint("Its origin and extensions are lines that are not empty.")
        if not 0 <= self.size <= MOST_LEAVES or len(self.root) != HASH_BYTES:
            raise MalformedCheckpoint(f"A size is not negative, and a root has {HASH_BYTES} bytes.")
        for name in (_EPOCH, _KEPT):
            self._told(name)
        if (self.kept or 0) > self.size:
            raise MalformedCheckpoint(f"It says that {self.kept} leaves were kept, and has {self.size}.")

    @classmethod
    def of(cls, origin: str, size: int, root: bytes, *, epoch: int, kept: int | None = None) -> Self:
        """The checkpoint of a log of ours in this epoch; `kept`: what an epoch that lost a tail began with."""
        told = {_EPOCH: epoch, _KEPT: kept}
        return cls(origin, size, root, tuple(f"{name} {n}" for name, n in told.items() if n is not None))

    @property
    def epoch(self) -> int | None:
        """The log's epoch; None where the checkpoint tells none."""
        return self._told(_EPOCH)

    @property
    def kept(self) -> int | None:
        """How many leaves of the epoch before this one began with; None where nothing was lost."""
        return self._told(_KEPT)

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

    def _told(self, name: str) -> int | None:
        """The number that the one extension line of this name tells."""
        told = [line for line in self.extensions if line.partition(" ")[0] == name]
        if len(told) > 1:
            raise MalformedCheckpoint(f"Two of its lines tell the {name}.")
        return _number(told[0].partition(" ")[2], f"What its {name} is") if told else None


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
