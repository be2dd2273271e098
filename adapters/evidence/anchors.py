"""Checkpoints that a log is compared with: those in the bundle, and older ones that somebody kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Self

from adapters.keys.ed25519 import verify
from domain.audit.checkpoints import Checkpoint
from domain.audit.errors import MalformedCheckpoint
from domain.audit.notes import Note, SignatureType, VerifierKey, opened
from domain.audit.origins import Origin


@dataclass(frozen=True, slots=True)
class Anchor:
    """A checkpoint to compare with. `given` apart from the bundle, it is what the reader trusts; `mirror` has tiles.

    `counts`: where it holds, it shows something. One that came along, signed by a key that came along, does not.
    """

    label: str
    note: Note
    checkpoint: Checkpoint
    origin: Origin
    given: bool = False
    mirror: Path | None = None
    counts: bool = True

    @classmethod
    def read(cls, label: str, data: bytes, *, given: bool = False, mirror: Path | None = None) -> Self:
        """The checkpoint in these bytes. Raises `MalformedNote` or `MalformedCheckpoint`."""
        note = Note.read(data)
        checkpoint = Checkpoint.read(note.text)
        origin = Origin.read(checkpoint.origin)
        if origin.epoch != checkpoint.epoch:
            raise MalformedCheckpoint(
                f"Its origin names epoch {origin.epoch}, and itself {checkpoint.epoch}."
            )
        return cls(label, note, checkpoint, origin, given, mirror)

    @property
    def log(self) -> tuple[str, str, str]:
        """The log that it is of, whatever its epoch: installation, tenant, log."""
        return self.origin.name, str(self.origin.tenant_id), self.origin.log

    def __str__(self) -> str:
        """The checkpoint in words."""
        return f"{self.label} (epoch {self.origin.epoch}, {self.checkpoint.size} positions)"


def signers(anchor: Anchor, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Which of the installation's keys signed it. Raises `NoteNotSigned`, `WrongSignature`, `VerifierKeysCollide`.

    An installation signs for every log of every tenant, under the log's name each time: a key that is trusted under the
    name of the installation, or of one of its logs, is trusted for all of them.
    """
    own, installation = [], anchor.origin.name
    for key in keys:
        ours = key.name == installation or key.name.startswith(f"{installation}/")
        if key.type is SignatureType.ED25519 and ours:
            own.append(VerifierKey(anchor.checkpoint.origin, key.type, key.public_key))
    return tuple(dict.fromkeys(one.key for one in opened(anchor.note, own, verify)))


def seen_at(anchor: Anchor, witness: VerifierKey) -> int:
    """When this witness said they had seen it. Raises `NoteNotSigned` and `WrongSignature`."""
    return max(one.at or 0 for one in opened(anchor.note, [witness], verify))


def kept(anchor: Anchor, known: Sequence[Anchor], epoch: int) -> int | None:
    """How many positions of this checkpoint's epoch the log kept up to a later epoch; None: nothing was lost."""
    told = [
        one.checkpoint.kept
        for one in known
        if anchor.origin.epoch < one.origin.epoch <= epoch and one.checkpoint.kept is not None
    ]
    return min(told, default=None)


class Compared(Enum):
    """How a checkpoint stands to the tree that was made."""

    HOLDS = auto()
    DIFFERS = auto()
    LONGER = auto()
    LOST = auto()
    LATER = auto()
    BETWEEN = auto()
    """Its size lies within a gap: nothing can be said."""


def compared(anchor: Anchor, head: Anchor, known: Sequence[Anchor], roots: dict[int, bytes]) -> Compared:
    """Whether the tree with these roots is the one that the checkpoint tells of, or has grown from it."""
    size = anchor.checkpoint.size
    if anchor.origin.epoch > head.origin.epoch:
        return Compared.LATER
    survived = kept(anchor, known, head.origin.epoch)
    if survived is not None and size > survived:
        return Compared.LOST
    if size > head.checkpoint.size:
        return Compared.LONGER
    if size not in roots:
        return Compared.BETWEEN
    return Compared.HOLDS if roots[size] == anchor.checkpoint.root else Compared.DIFFERS
