"""Entries of the access log for those who review and watch it: read in order, in pieces, nothing of them opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson

from application.as_of import last_before
from domain.access.entries import Entry, Tally
from domain.access.reads import ReadKind, RequestsDenied
from domain.kernel.commands import ActorKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from application.ports.log import Head, Recorded, TenantLog

_AT_ONCE: Final = 1_000


class AccessEntries:
    """Reads tenants' second logs."""

    def __init__(self, log: TenantLog) -> None:
        """`log` is the access log, not the log of events."""
        self._log = log

    async def head(self, tenant_id: UUID) -> Head | None:
        """Where the log stands; None where nobody ever read."""
        return await self._log.head(tenant_id)

    async def between(self, tenant_id: UUID, after: int, to: int) -> AsyncIterator[list[Entry]]:
        """The entries after one position, up to another, some at a time."""
        while after < to:
            rows = await self._log.read_log(tenant_id, after=after, limit=min(_AT_ONCE, to - after), up_to=to)
            if not rows:
                return
            yield [_entry(row) for row in rows]
            after = rows[-1].position

    async def at(self, tenant_id: UUID, position: int) -> Entry | None:
        """One entry."""
        async for entries in self.between(tenant_id, position - 1, position):
            return entries[0]
        return None

    async def until(self, head: Head, moment: datetime) -> int:
        """The last position that was recorded at or before a moment."""
        return await last_before(self._log, head, moment, inclusive=True)

    async def tally(self, tenant_id: UUID, after: int, to: int) -> Tally:
        """What the log holds after one position, up to another."""
        tally = Tally()
        async for entries in self.between(tenant_id, after, to):
            tally.add(entries)
        return tally


def _entry(row: Recorded) -> Entry:
    payload, metadata = orjson.loads(row.payload), orjson.loads(row.metadata)
    actor = metadata["actor"]
    denied = row.name == RequestsDenied.name
    return Entry(
        position=row.position,
        at=row.recorded_at,
        reader_id=UUID(actor["member"] or payload["reader_id"]),
        kind=ReadKind.DENIED.value if denied else payload["kind"],
        query=payload["query"],
        rows=0 if denied else payload["rows"] or 0,
        requests=payload["requests"] if denied else 1,
        staff=actor["kind"] == ActorKind.STAFF,
    )
