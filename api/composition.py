"""The parts of a process that executes commands and answers questions: wired here, once, for every door."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool

import application.handlers
import projections.operational.views
from adapters.blobs.local import LocalBlobs
from adapters.duckdb.client import FlightAnalytics
from adapters.duckdb.sql import FlightSql
from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.log import PostgresLog
from adapters.eventstore.snapshots import PostgresSnapshots
from adapters.eventstore.tables import ACCESS_LOG
from adapters.exports.files import ExportedFiles
from adapters.folders.local import LocalFolders
from adapters.intake.aside import InChildren
from adapters.intake.world import WORLD
from adapters.keys.maker import CoalescedKeys
from adapters.keys.siv import AesSiv
from adapters.keys.sqlite import SqliteKeyStore
from adapters.postgres.prompt import PromptConnection
from adapters.postgres.rate_limiter import PostgresRates
from adapters.postgres.roles import Role
from adapters.press.typst import TypstPress
from adapters.smtp.server import SmtpServer
from api.analytics import olap_settings
from api.http.callers import Callers
from api.ops.spans import commands_with
from api.ops.tracing import NO_TRACER
from api.parts import Composition
from api.payments import payments_of
from api.postings import postings_of
from application.access_entries import AccessEntries
from application.authentication import Authenticator
from application.batch import Batches
from application.blame import Blame
from application.causes import Tracing
from application.certifying import Certification, Terms
from application.completeness import Checkpoints
from application.credentials import SecretHasher
from application.delivering.making import Making
from application.delivering.running import Deliveries
from application.delivering.watched import WatchedMail
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
from application.previewing import Previewing
from application.rate_limits import RateLimits
from application.reading import AccessLog
from application.rejudging import Rejudging
from application.replay import Replay
from application.shown_secrets import ShownSecrets
from application.snapshots import Snapshots
from application.undoing.preview import Undoing
from application.unit import Streams
from domain.audience.contact_import import FILES_KEPT
from projections.audit.evidence import EvidenceSource
from projections.audit.queries import LedgerInViews
from projections.audit.shown import TreesInDatabase
from projections.jobs.due import begun
from projections.operational.activities.besides import BesidesInViews
from projections.operational.consents.suppressed import SuppressedPeople
from projections.operational.contacts.audience import ContactAudience
from projections.operational.members.billing_people import BillingPeopleInViews
from projections.operational.standings.due import StandingLapses
from projections.runtime.lookback import LookBack
from projections.runtime.purging import TablePurge
from projections.runtime.reading import RebuiltConnection
from projections.runtime.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from api.ops.tracing import Tracer
    from api.settings import Settings
    from application.commanding import Clock
    from application.ports.analytics import Analytics
    from application.ports.payments import PaymentGateway
    from application.ports.sql import SqlRunner

__all__ = ["Composition", "composed", "now"]

RECONNECT_FOR: Final = 3.0

Pool = AsyncConnectionPool[AsyncConnection[Any]]
REGISTERED = (application.handlers, projections.operational.views)
"""Importing these makes the registries of commands and queries complete."""


def now() -> datetime:
    """The moment."""
    return datetime.now(UTC)


@asynccontextmanager
async def composed(
    settings: Settings,
    server: str,
    *,
    clock: Clock = now,
    analytics: Analytics | None = None,
    payments: PaymentGateway | None = None,
    sql: SqlRunner | None = None,
    tracer: Tracer = NO_TRACER,
) -> AsyncIterator[Composition]:
    """Everything, started over the database at `server` (any address of it); at the end, finished and closed."""
    appender, loader = settings.dsn(Role.APPENDER, server), settings.dsn(Role.LOADER, server)
    keys = SqliteKeyStore(settings.keys_folder, settings.master_key_bytes)
    codec = JsonCodec(keys)
    key_maker = CoalescedKeys(codec.ring)
    blobs = LocalBlobs(settings.blobs_folder, keys)
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(PostgresLog(appender, loader))
        access = await stack.enter_async_context(PostgresLog(appender, loader, ACCESS_LOG, hints=False))
        views = await stack.enter_async_context(_pool(settings.dsn(Role.REQUEST, server), 8))
        counting = await stack.enter_async_context(_pool(appender, 2))
        # Where the views stand may be known of every tenant by the role that moves them alone.
        projector = settings.dsn(Role.PROJECTOR, server)
        waiting = await stack.enter_async_context(
            Waiting(lambda: AsyncConnection.connect(projector, autocommit=True, connect_timeout=5))
        )
        lookback = await stack.enter_async_context(
            LookBack(
                partial(_session, settings.dsn(Role.REQUEST, server)),
                log,
                codec,
                keys,
                projections.operational.views.VIEWS,
            )
        )
        if analytics is None:
            analytics = FlightAnalytics(olap_settings(settings, server))
            stack.push_async_callback(analytics.close)
        if payments is None and (payments := payments_of(settings)) is not None:
            stack.push_async_callback(payments.close)
        if sql is None:
            sql = FlightSql(olap_settings(settings, server))
            stack.push_async_callback(sql.close)
        entries = AccessEntries(access)
        reading = AccessLog(access, codec, key_maker, clock)
        denials = Denials(reading, clock)
        stack.push_async_callback(denials.close)
        streams = Streams(log, codec, keys, Snapshots(PostgresSnapshots(counting)), entries)
        replay, accesses = Replay(log, codec), Replay(access, codec)
        causes = Tracing(log, codec, partial(begun, codec))
        archive = LawArchive(log, codec)
        commands = commands_with(tracer)(log, codec, keys, key_maker, streams, clock)
        stack.push_async_callback(commands.blocks.close)
        authenticator = Authenticator(log, streams, keys, clock)
        hasher = SecretHasher(keys)
        door_tokens = DoorTokens(keys, AesSiv())
        packs = Packs(commands, analytics, blobs, TypstPress())
        ledger = LedgerInViews(views)
        all_trees = TreesInDatabase(
            lambda: AsyncConnection.connect(projector, autocommit=True, connect_timeout=5)
        )
        folders = LocalFolders(settings.deliveries_folder)
        mail = WatchedMail(SmtpServer(settings.smtp, clock))
        yield Composition(
            settings=settings,
            clock=clock,
            log=log,
            keys=keys,
            codec=codec,
            blobs=blobs,
            authenticator=authenticator,
            callers=Callers(authenticator, log),
            commands=commands,
            batches=Batches(commands),
            imports=Imports(commands, blobs, WORLD, clock, InChildren()),
            aside=InChildren(at_once=1),
            certification=Certification(
                commands,
                TablePurge(projector, projections.operational.views.VIEWS, files_kept=FILES_KEPT),
                analytics,
                Terms(timedelta(days=settings.wal_days), timedelta(days=settings.backup_days)),
            ),
            lapses=StandingLapses(views),
            replay=replay,
            blame=Blame(replay, codec),
            causes=causes,
            knowing=Knowing(log, codec, replay, accesses),
            undoing=Undoing(log, codec, replay, causes, commands),
            law_archive=archive,
            rejudging=Rejudging(log, codec, replay, archive, clock),
            previewing=Previewing(log, codec, ContactAudience(views), streams),
            disclosing=Disclosing(log, codec, streams, BesidesInViews(views)),
            access=reading,
            denials=denials,
            accesses=accesses,
            ledger=ledger,
            evidence=lambda tenant_id: EvidenceSource(
                Connection.connect(settings.dsn(Role.REQUEST, server), autocommit=True, connect_timeout=5),
                tenant_id,
            ),
            entries=entries,
            rates=RateLimits(PostgresRates(counting)),
            hasher=hasher,
            secrets=ShownSecrets(keys, hasher, log, codec, clock),
            door_tokens=door_tokens,
            doors=Doors(commands),
            suppressions=SuppressionExport(streams, SuppressedPeople(views)),
            links=Links(door_tokens, settings.public_url),
            views=views,
            waiting=waiting,
            lookback=lookback,
            analytics=analytics,
            payments=payments,
            sql=sql,
            packs=packs,
            deliveries=Deliveries(
                commands,
                Making(commands, analytics, packs, ExportedFiles(), Checkpoints(ledger)),
                blobs,
                folders,
                mail,
            ),
            noted=NotedCheckpoints(log, codec, streams),
            postings=postings_of(settings, commands, ledger, all_trees, folders, mail),
            notices=Notices(commands, codec, BillingPeopleInViews(views), mail, settings.public_url),
        )


class _Session(PromptConnection, RebuiltConnection):
    """A session for views as they were."""


async def _session(dsn: str) -> _Session:
    connection = await _Session.connect(dsn, autocommit=True, connect_timeout=5)
    await _in_utc(connection)
    return connection


def _pool(dsn: str, largest: int) -> Pool:
    """Connections that are made when needed; a caller waits five seconds for one at most.

    One that cannot be made is soon given up, and made for the next caller: else it would be tried again after twice as
    long each time, and nobody served until then though the database is back.
    """
    return AsyncConnectionPool(
        dsn,
        min_size=1,
        max_size=largest,
        timeout=5,
        reconnect_timeout=RECONNECT_FOR,
        open=False,
        configure=_in_utc,
        connection_class=PromptConnection,
        kwargs={"autocommit": True, "connect_timeout": 5},
    )


async def _in_utc(connection: AsyncConnection[Any]) -> None:
    """Whatever zone the server is set to, moments come back in UTC: another zone may have no such year."""
    await connection.execute("SET timezone = 'UTC'")
