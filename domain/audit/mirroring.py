"""A log's mirror: its tiles and its latest checkpoint as files, where others can read them (C2SP tlog-tiles).

Tiles never change, partial ones are named with their width: so nothing but the checkpoint is ever replaced, and that
only by one that what the mirror holds is the beginning of. Bundles of entries are left out: it holds hashes alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from domain.audit.checkpoints import Checkpoint
from domain.audit.notes import Note
from domain.audit.origins import LogId, Origin
from domain.audit.tiles import Tile, tiles_changed
from domain.kernel.errors import Refusal

CHECKPOINT: Final = "checkpoint"
_FIRST_EPOCH: Final = 1


class MirrorContradicts(Exception):
    """A mirror holds another past than the log has now, or something else in its place. Keep both as evidence."""


def folder_of(origin: Origin) -> str:
    """The folder of a log in an epoch: what a restore lost makes another log of it, with tiles of its own."""
    kind = origin.log.value
    return kind if origin.epoch == _FIRST_EPOCH else f"{kind}/epoch-{origin.epoch}"


def checkpoint_in(note: bytes, log: LogId, epoch: int, size: int) -> Checkpoint | None:
    """The checkpoint that a log's tree was signed as; None where the note is none, or another's."""
    try:
        checkpoint = Checkpoint.read(Note.read(note).text)
        origin = Origin.read(checkpoint.origin)
    except Refusal:
        return None
    told = (origin.tenant_id, origin.log, origin.epoch, checkpoint.epoch, checkpoint.size)
    return checkpoint if told == (*log, epoch, epoch, size) else None


def own_note(note: bytes, checkpoint: Checkpoint) -> bytes:
    """The note with the log's own signatures alone: those of witnesses are kept apart."""
    read = Note.read(note)
    return Note(read.text, tuple(one for one in read.signatures if one.name == checkpoint.origin)).to_bytes()


def held_by(held: bytes | None, checkpoint: Checkpoint) -> Checkpoint | None:
    """The checkpoint that a mirror holds which is to hold `checkpoint`; None: it holds nothing yet.

    Raises `MirrorContradicts`. Its root is to be held against the log: `refuse_another_past`.
    """
    if held is None:
        return None
    try:
        there = Checkpoint.read(Note.read(held).text)
    except Refusal as refusal:
        raise MirrorContradicts("What is there is no checkpoint.") from refusal
    if there.origin != checkpoint.origin:
        raise MirrorContradicts(f"A checkpoint of {there.origin!r} is there, not of {checkpoint.origin!r}.")
    if there.size > checkpoint.size:
        raise MirrorContradicts(f"It holds {there.size} events, and the log has {checkpoint.size} now.")
    return there


def refuse_another_past(there: Checkpoint, root: bytes) -> None:
    """Hold what a mirror holds against the log, which has this root at that size. Raises `MirrorContradicts`."""
    if there.root != root:
        raise MirrorContradicts(f"Of {there.size} events it holds another root than the log has now.")


def tiles_missing(there: Checkpoint | None, checkpoint: Checkpoint) -> Iterator[Tile]:
    """The tiles that a mirror lacks, level by level."""
    return tiles_changed(0 if there is None else there.size, checkpoint.size)
