"""The product's own export over a database, without the rest of an installation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg_pool import AsyncConnectionPool

from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.log import PostgresLog
from adapters.eventstore.tables import ACCESS_LOG
from adapters.keys.memory import MemoryKeyStore
from adapters.postgres.roles import Role
from api.evidence import gather, written
from application.law_archive import LawArchive
from application.ports.evidence import EvidenceAsked
from application.replay import Replay
from domain.audit.origins import LogId
from projections.audit.evidence import EvidenceSource
from projections.audit.queries import LedgerInViews


@dataclass(frozen=True, slots=True)
class Parts:
    """What an export is made from; see `api.evidence.Parts`."""

    ledger: LedgerInViews
    replay: Replay
    accesses: Replay
    law_archive: LawArchive
    dsn: str

    def evidence(self, tenant_id: UUID) -> EvidenceSource:
        """A tenant's events and tiles."""
        return EvidenceSource(psycopg.connect(self.dsn, autocommit=True), tenant_id)


async def export(role: Callable[[Role], str], of: LogId, names: Sequence[str] = ()) -> Iterator[bytes]:
    """A bundle of a log's events, all or those of some names, in chunks. `role` gives each role's address.

    Raises what `gather` raises; the chunks, what `bundle` raises.
    """
    appender, loader = role(Role.APPENDER), role(Role.LOADER)
    codec = JsonCodec(MemoryKeyStore())
    log = PostgresLog(appender, loader, hints=False)
    access = PostgresLog(appender, loader, ACCESS_LOG, hints=False)
    pool = AsyncConnectionPool(
        role(Role.REQUEST), min_size=1, max_size=2, kwargs={"autocommit": True}, open=False
    )
    async with pool:
        parts = Parts(
            LedgerInViews(pool),
            Replay(log, codec),
            Replay(access, codec),
            LawArchive(log, codec),
            role(Role.REQUEST),
        )
        try:
            gathered = await gather(parts, of.tenant_id, EvidenceAsked(logs=[of.log], names=list(names)))
        finally:
            await log.stop()
            await access.stop()
    return written(parts, gathered)
