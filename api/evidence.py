"""An evidence bundle gathered for a question: what the logs hold of it, and what proves it."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from adapters.evidence.schemas import schema_of
from adapters.evidence.source import Asked, Hidden, LogPart
from adapters.evidence.writing import bundle, from_byte
from adapters.keys.ed25519 import verify
from application.completeness import Completeness, signed_in
from application.completeness import Hidden as LeftOut
from application.ports.positions import Position
from application.proving import NothingSigned
from domain.audit.checkpoints import Checkpoint
from domain.audit.errors import (
    ForeignCheckpoint,
    LogNotWhole,
    LongerCheckpoint,
    MalformedCheckpoint,
    MalformedNote,
)
from domain.audit.notes import Note, SignatureType, VerifierKey, opened
from domain.audit.origins import LogId, LogKind, Origin
from projections.audit.evidence import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from application.law_archive import LawArchive
    from application.ports.evidence import EvidenceAsked
    from application.ports.ledger import KeyTold, Ledger, SignedTree
    from application.replay import Replay
    from projections.audit.evidence import Choice, EvidenceSource

_PRODUCT: Final = "PenguinMails"
_PAGE: Final = 1_000
_RECENT: Final = 100
"""Checkpoints kept for ever that a bundle brings, the newest; of older ones the last of each month."""


class Parts(Protocol):
    """What of a composition a bundle is gathered from."""

    @property
    def ledger(self) -> Ledger:
        """Trees, checkpoints, keys."""

    @property
    def replay(self) -> Replay:
        """Where a period of the log of events lies."""

    @property
    def accesses(self) -> Replay:
        """The same of the log of readings."""

    @property
    def law_archive(self) -> LawArchive:
        """Law packs as they were given."""

    def evidence(self, tenant_id: UUID, /) -> EvidenceSource:
        """A tenant's events and tiles."""


@dataclass(frozen=True, slots=True)
class Of:
    """One log of a bundle: the checkpoint it is proven against, older ones, and which positions are looked at."""

    log: LogId
    note: bytes
    size: int
    older: tuple[bytes, ...]
    choice: Choice
    splits: tuple[int, ...] = ()
    proofs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a bundle is written from, once the question was judged: nothing of it can be refused any more."""

    tenant_id: UUID
    question: Mapping[str, object]
    logs: tuple[Of, ...]
    packs: Mapping[str, bytes]
    keys: tuple[VerifierKey, ...]
    installation: str
    from_byte: int = 0

    @property
    def checkpoints(self) -> dict[str, str]:
        """What to ask with for the same bytes again."""
        return {one.log.log.value: one.note.decode() for one in self.logs}

    def completeness(self) -> Completeness:
        """The certificate of the whole, by the log of events if it is in it: the bundle's own tells each log apart."""
        hidden = Counter[tuple[str, str]]()
        for one in self.logs:
            for name, value, rows in one.choice.hidden:
                hidden[name, value] += rows
        rows = sum(one.choice.chosen.count for one in self.logs)
        told = self.logs[-1]  # in order of their names
        epoch = Checkpoint.read(Note.read(told.note).text).epoch or 0
        return Completeness(
            self.tenant_id,
            Position(epoch, told.size),
            rows,
            signed_in(told.note),
            tuple(LeftOut(*key, number) for key, number in hidden.items()),
            log=told.log.log,
        )


async def gather(parts: Parts, tenant_id: UUID, asked: EvidenceAsked) -> Gathered:
    """Judge a question, and choose.

    Raises `NothingSigned`, `LogNotWhole`, and refusals of checkpoints that were handed in.
    """
    keys = await parts.ledger.keys()
    if not keys:
        raise NothingSigned
    with closing(await asyncio.to_thread(parts.evidence, tenant_id)) as source:
        logs = tuple(
            [await _of(parts, source, LogId(tenant_id, kind), asked, keys) for kind in sorted(asked.logs)]
        )
    return await gathered(parts, tenant_id, asked.told(), logs, keys, asked.from_byte)


async def gathered(
    parts: Parts,
    tenant_id: UUID,
    question: Mapping[str, object],
    logs: Sequence[Of],
    keys: Sequence[KeyTold],
    from_byte: int = 0,
) -> Gathered:
    """What was chosen, with the packs that its decisions name, and the keys."""
    packs = await parts.law_archive.texts({version for one in logs for version in one.choice.packs})
    trusted = tuple(VerifierKey(keys[-1].name, SignatureType.ED25519, key.public_key) for key in keys)
    return Gathered(tenant_id, question, tuple(logs), packs, trusted, keys[-1].name, from_byte)


async def _of(
    parts: Parts, source: EvidenceSource, log: LogId, asked: EvidenceAsked, keys: Sequence[KeyTold]
) -> Of:
    tree = await parts.ledger.tree(log)
    if tree is None:
        raise NothingSigned
    note, size = tree.note, _stored(tree, log).size
    given = asked.checkpoints.get(log.log)
    if given is not None:
        note = given.encode()
        size = _own(note, log, keys, size).size
    compared = [one.encode() for one in asked.compare]
    older = [one for one in compared if _of_log(one, log)]
    for one in older:
        _own(one, log, keys, size)
    replay = parts.replay if log.log is LogKind.EVENTS else parts.accesses
    _, end = await replay.positions(log.tenant_id, None, None)
    if end < size:
        raise LogNotWhole(
            f"The log {log.log} ends at position {end}, and {size} were signed: position {end + 1} is missing, unless a"
            " restore was just told; see `penguinmails audit fsck`."
        )
    await asyncio.to_thread(source.must_have_tiles, log, size)
    after, last = await replay.positions(log.tenant_id, asked.after, asked.before)
    kept = [one for one in await kept_of(parts, log) if one.size <= size]
    for row in kept:
        told = _stored(row, log)
        if (told.epoch, told.size) != (row.epoch, row.size):
            raise LogNotWhole(
                f"The checkpoint of {row.size} events of the log {log.log} in the database says that it is of"
                f" {told.size}, of epoch {told.epoch}."
            )
    wanted = Wanted(asked.about, asked.names, asked.actor)
    choice = await asyncio.to_thread(source.choose, log, after + 1, min(last, size), wanted)
    return Of(
        log,
        note,
        size,
        tuple(dict.fromkeys((*older, *(one.note for one in kept if one.note != note)))),
        choice,
    )


def _stored(tree: SignedTree, log: LogId) -> Checkpoint:
    """What a checkpoint in the database says. Raises `LogNotWhole` for what is none."""
    try:
        found = Checkpoint.read(Note.read(tree.note).text)
        origin = Origin.read(found.origin)
    except (MalformedNote, MalformedCheckpoint) as fault:
        raise LogNotWhole(
            f"The checkpoint of {tree.size} events of the log {log.log} in the database is none: {fault.detail}"
        ) from fault
    if (origin.tenant_id, origin.log) != log:
        raise LogNotWhole(
            f"The checkpoint of {tree.size} events of the log {log.log} in the database is of another log."
        )
    return found


def _of_log(note: bytes, log: LogId) -> bool:
    """Whether a checkpoint is of this log, in whatever epoch. Raises `ForeignCheckpoint` for one of another tenant."""
    origin = Origin.read(Checkpoint.read(Note.read(note).text).origin)
    if origin.tenant_id != log.tenant_id:
        raise ForeignCheckpoint
    return origin.log is log.log


def _own(note: bytes, log: LogId, keys: Sequence[KeyTold], size: int) -> Checkpoint:
    """A checkpoint that somebody handed in, if it is of this log, signed by us, and of no more events than `size`."""
    read = Note.read(note)
    checkpoint = Checkpoint.read(read.text)
    if not _of_log(note, log):
        raise ForeignCheckpoint
    opened(
        read,
        [VerifierKey(checkpoint.origin, SignatureType.ED25519, key.public_key) for key in keys],
        verify,
    )
    if checkpoint.size > size:
        raise LongerCheckpoint(
            f"It is of {checkpoint.size} events, and {size} are signed now. Keep it: it shows what is missing."
        )
    return checkpoint


async def kept_of(parts: Parts, log: LogId) -> list[SignedTree]:
    """The newest of the checkpoints that are kept for ever, of others the last of each month and epoch."""
    found: list[SignedTree] = []
    after = (0, -1)
    while page := await parts.ledger.kept(log, after=after, limit=_PAGE):
        found += page
        after = page[-1].epoch, page[-1].size
        months = {(one.epoch, one.signed_at.year, one.signed_at.month): one for one in found[:-_RECENT]}
        found = [*months.values(), *found[-_RECENT:]]
    return found


def written(parts: Parts, gathered: Gathered) -> Iterator[bytes]:
    """The bundle's bytes. It may take minutes and blocks: read it in a thread."""
    with closing(parts.evidence(gathered.tenant_id)) as source:
        yield from from_byte(gathered.from_byte, bundle(_asked(source, gathered)))


def _asked(source: EvidenceSource, gathered: Gathered) -> Asked:
    parts = [
        LogPart(
            log=one.log.log,
            chosen=one.choice.chosen,
            envelopes=partial(source.envelopes, one.log, one.choice.chosen),
            read=partial(source.tile, one.log),
            checkpoint=one.note,
            looked_at=(one.choice.first, one.choice.last),
            hidden=[Hidden(*hidden) for hidden in one.choice.hidden],
            older=one.older,
            splits=one.splits,
            proofs=one.proofs,
        )
        for one in gathered.logs
    ]
    return Asked(
        tenant=gathered.tenant_id,
        product=_PRODUCT,
        installation=gathered.installation,
        question=gathered.question,
        parts=parts,
        keys=gathered.keys,
        schema_of=schema_of,
        packs=gathered.packs,
    )
