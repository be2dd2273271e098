"""What the doors of a process answer with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from application.ports.positions import Position

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

    from api.http.callers import Callers
    from api.settings import Settings
    from application.access_entries import AccessEntries
    from application.authentication import Authenticator
    from application.batch import Batches
    from application.blame import Blame
    from application.causes import Tracing
    from application.certifying import Certification
    from application.commanding import Clock, Commands
    from application.credentials import SecretHasher
    from application.delivering.running import Deliveries
    from application.denials import Denials
    from application.disclosing import Disclosing
    from application.door_tokens import DoorTokens
    from application.doors import Doors
    from application.exporting import SuppressionExport
    from application.importing.service import Imports
    from application.knowing import Knowing
    from application.law_archive import LawArchive
    from application.links import Links
    from application.noted import NotedCheckpoints
    from application.noticing.running import Notices
    from application.packs.sealing import Packs
    from application.ports.analytics import Analytics
    from application.ports.aside import Aside
    from application.ports.blobs import BlobStore
    from application.ports.codec import EventCodec
    from application.ports.keys import KeyStore
    from application.ports.lapses import Lapses
    from application.ports.ledger import Ledger
    from application.ports.log import TenantLog
    from application.ports.payments import PaymentGateway
    from application.ports.sql import SqlRunner
    from application.posting.running import Postings
    from application.previewing import Previewing
    from application.rate_limits import RateLimits
    from application.reading import AccessLog
    from application.rejudging import Rejudging
    from application.replay import Replay
    from application.shown_secrets import ShownSecrets
    from application.undoing.preview import Undoing
    from projections.audit.evidence import EvidenceSource
    from projections.runtime.lookback import LookBack
    from projections.runtime.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Composition:
    """Every part, started.

    `accesses` replays the tenants' second logs, `entries` reads them as they are reviewed; `views` connects as the role
    that sees one tenant's rows at a time.
    """

    settings: Settings
    clock: Clock
    log: TenantLog
    keys: KeyStore
    codec: EventCodec
    blobs: BlobStore
    authenticator: Authenticator
    callers: Callers
    commands: Commands
    batches: Batches
    imports: Imports
    certification: Certification
    lapses: Lapses
    replay: Replay
    blame: Blame
    causes: Tracing
    undoing: Undoing
    knowing: Knowing
    law_archive: LawArchive
    rejudging: Rejudging
    previewing: Previewing
    disclosing: Disclosing
    access: AccessLog
    denials: Denials
    accesses: Replay
    ledger: Ledger
    evidence: Callable[[UUID], EvidenceSource]
    entries: AccessEntries
    rates: RateLimits
    hasher: SecretHasher
    secrets: ShownSecrets
    door_tokens: DoorTokens
    doors: Doors
    suppressions: SuppressionExport
    links: Links
    views: AsyncConnectionPool[AsyncConnection[Any]]
    waiting: Waiting
    lookback: LookBack
    analytics: Analytics
    sql: SqlRunner
    packs: Packs
    deliveries: Deliveries
    notices: Notices
    postings: Postings
    noted: NotedCheckpoints
    aside: Aside
    payments: PaymentGateway | None = None

    async def position_of(self, tenant_id: UUID) -> str:
        """The token of where a tenant's log stands."""
        head = await self.log.head(tenant_id)
        return Position(head.epoch, head.position).token() if head else Position(1, 0).token()
