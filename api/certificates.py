"""Permission certificates: of one message, the bundle of what its decisions rest on, and of nobody else."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING, Final
from uuid import UUID

from adapters.evidence import format as named
from api.evidence import Of, gathered, kept_of
from application.proving import DecidedForSeveral, NothingDecided, NothingSigned, NotYetSigned
from domain.audit.origins import LogId, LogKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.evidence import Gathered
    from api.parts import Composition
    from application.ports.ledger import SignedTree
    from projections.audit.evidence import Certified, Decided, EvidenceSource

_MOST_NAMED: Final = 10


async def certify(
    parts: Composition, tenant_id: UUID, of: UUID | int, *, whole: bool, compare: Sequence[int] = ()
) -> tuple[Gathered, UUID]:
    """What the certificate of a message, or of a decision at a position, is written from; and whose it is.

    `whole`: with all that the person's stream told by then. `compare`: sizes of checkpoints that somebody keeps.
    Raises `NothingSigned`, `NothingDecided`, `DecidedForSeveral`, `NotYetSigned`.
    """
    log = LogId(tenant_id, LogKind.EVENTS)
    keys, tree = await parts.ledger.keys(), await parts.ledger.tree(log)
    if not keys or tree is None:
        raise NothingSigned
    with closing(await asyncio.to_thread(parts.evidence, tenant_id)) as source:
        decided = await asyncio.to_thread(_decided, source, log, of)
        found = await asyncio.to_thread(source.certified, log, decided, whole=whole)
    if found.choice.last > tree.size:
        raise NotYetSigned(
            f"The last word on this message is event {found.choice.last}, and {tree.size} are signed so far. Ask again"
            " in a few seconds."
        )
    older = _older(found, tree, [one for one in await kept_of(parts, log) if one.size <= tree.size])
    splits = tuple(sorted({size for size in compare if 0 < size <= tree.size}))
    chosen = Of(log, tree.note, tree.size, older, found.choice, splits, found.proofs)
    question = {named.CERTIFICATE: {"message": str(decided.message_id), "whole": whole}}
    whose = UUID(decided.stream.partition(":")[2])
    return await gathered(parts, tenant_id, question, [chosen], keys), whose


def _decided(source: EvidenceSource, log: LogId, of: UUID | int) -> Decided:
    """Which message, to whom. Raises `NothingDecided` and `DecidedForSeveral`."""
    if isinstance(of, int):
        found = source.decided_at(log, of)
        if found is None:
            raise NothingDecided
        return found
    people = source.decided_on(log, of)
    if not people:
        raise NothingDecided
    if len(people) > 1:
        places = ", ".join(str(position) for _, position in people[:_MOST_NAMED])
        raise DecidedForSeveral(f"{DecidedForSeveral.rule()} Such positions are: {places}.")
    return people[0][0]


def _older(found: Certified, tree: SignedTree, kept: Sequence[SignedTree]) -> tuple[bytes, ...]:
    """Of the checkpoints that are kept for ever the last of each epoch, and the first that has all of this."""
    picked = {one.epoch: one for one in kept}
    first = next((one for one in kept if one.size >= found.choice.last), None)
    notes = [one.note for one in (first, *picked.values()) if one is not None and one.note != tree.note]
    return tuple(dict.fromkeys(notes))
