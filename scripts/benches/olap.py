"""Analytics: how fast the facts are built anew from Postgres, in how much memory, and how soon a report answers.

`events_per_s` is a rebuild: logs in Postgres -> Arrow -> facts in DuckDB, verified, sorted and committed. The log is
that of tenants who write to their contacts: of 20 events, two contacts are met (addressee_registered, email_claimed,
contact_created each), one consent is recorded, one contact changes or goes, and 12 tell of messages (two contacts,
three messages each, dispatched and delivered). `import_log_events_per_s` is the same for a log of imports alone, where
every third event is a contact_created, the longest there is. Events are the codec's own, personal fields sealed, with
fresh ids; those of messages, which the product does not have yet, are an opt-out's by another name. They lie in the log
as appends do: 100 tenants by turns, up to 1,000 events each. `peak_rss_mb` is the rebuilding process's;
`tenant_by_tenant_events_per_s` is how a file is brought up that is not empty; `report_p50_ms` is a report over it all.
`limit_ratio` is `events_per_s` over the rate at which the same query is read from Postgres into Arrow and thrown away.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias
from uuid import UUID

import psycopg

from adapters.duckdb.projector import Projector
from adapters.duckdb.settings import OlapSettings
from adapters.duckdb.source import PostgresLogs
from adapters.duckdb.store import Store
from adapters.eventstore.codec import JsonCodec
from adapters.keys.memory import MemoryKeyStore
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import migrate
from adapters.postgres.roles import Role
from application.ports.codec import Cause
from domain.audience.addressee_events import AddresseeRegistered
from domain.audience.consent_events import ConsentRecorded, OptedOut
from domain.audience.contact import ContactCreated, ContactRemoved, ContactUpdated, Segment
from domain.audience.email_claim import EmailClaimed
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, ContactId, WorkspaceId
from projections.olap.query import run_report
from scripts.benches.peaks import peak_mb

TENANTS: Final = 100
CHUNK: Final = 1_000
Mix: TypeAlias = "tuple[Event | tuple[str, Event], ...]"
"""Events, some under another stored name."""

_SPAWN: Final = multiprocessing.get_context("spawn")
_TENANT: Final = UUID("0198c0de-0000-7000-8000-000000000001")
_CONTACT: Final = ContactId(UUID("0198c0de-0000-7000-8000-0000000000c0"))
_ADDRESSEE: Final = AddresseeId(UUID("0198c0de-0000-7000-8000-0000000000ad"))
_WORKSPACE: Final = WorkspaceId(UUID("0198c0de-0000-7000-8000-000000000005"))
_CAUSE: Final = Cause(
    Actor(ActorKind.API_KEY, UUID(int=1)), UUID(int=2), "ImportChunk", UUID(int=3), ip="203.0.113.7"
)
_BY_WORKER: Final = Cause(
    Actor(ActorKind.WORKFLOW, UUID(int=1)), UUID(int=2), "Send", UUID(int=3), channel="worker"
)
_GERMAN: Final = Segment(country="DE", subscriber_type="business", source="import")
_CANADIAN: Final = _GERMAN.model_copy(update={"country": "CA"})
_MET: Final = (
    AddresseeRegistered(addressee_id=_ADDRESSEE, email="anna.weiss@example.org"),
    EmailClaimed(addressee_id=_ADDRESSEE, workspace_id=_WORKSPACE, contact_id=_CONTACT),
    ContactCreated(
        contact_id=_CONTACT,
        workspace_id=_WORKSPACE,
        addressee_id=_ADDRESSEE,
        email="anna.weiss@example.org",
        first_name="Anna",
        last_name="Weiss",
        company="Pinguin und Partner",
        title="Head of marketing",
        phone="+49 30 1234567",
        segment=_GERMAN,
    ),
)
_CONSENT: Final = ConsentRecorded(
    addressee_id=_ADDRESSEE,
    occurred_on=date(2026, 3, 1),
    source="import",
    wording="I agree to receive news about penguins.",
    recorded_by="import",
)
_CHANGED: Final = ContactUpdated(
    contact_id=_CONTACT,
    workspace_id=_WORKSPACE,
    addressee_id=_ADDRESSEE,
    before={"title": "Head of marketing"},
    after={"title": "Managing director"},
    segment_before=_GERMAN,
    segment_after=_CANADIAN,
)
_GONE: Final = ContactRemoved(
    contact_id=_CONTACT, workspace_id=_WORKSPACE, addressee_id=_ADDRESSEE, segment=_GERMAN, reason="requested"
)
_OPT_OUT: Final = OptedOut(
    addressee_id=_ADDRESSEE, occurred_at=datetime(2026, 3, 1, tzinfo=UTC), channel="reply"
)
_MESSAGES: Final = (("sending.message_dispatched", _OPT_OUT), ("sending.message_delivered", _OPT_OUT))
_NINETEEN: Final = (*_MET * 2, _CONSENT, *_MESSAGES * 6)
_LIFE: Final[Mix] = (*_NINETEEN, _CHANGED, *_NINETEEN, _GONE)
"""Forty events, over and over."""
_IMPORTS: Final[Mix] = _MET

_EVENTS: Final = """
    INSERT INTO log.events (
        tenant_id, position, stream, version, name, schema_version, payload, metadata, recorded_at
    )
    SELECT
        tenant.id,
        place.position,
        kind.category || ':' || CASE kind.category WHEN 'email_claim' THEN encode(sha256(fresh.id::text::bytea), 'hex')
            ELSE fresh.id::text END,
        1,
        kind.name,
        1,
        convert_to(replace(kind.payload, %(contact)s, fresh.id::text), 'UTF8'),
        convert_to(kind.metadata, 'UTF8'),
        timestamptz '2026-03-01' + place.position * interval '2 minutes'
    FROM generate_series(0, %(chunks)s - 1) AS chunk (n)
    CROSS JOIN (SELECT n, md5('tenant' || n)::uuid AS id FROM generate_series(1, %(tenants)s) AS n) AS tenant
    CROSS JOIN LATERAL (
        SELECT chunk.n * %(chunk)s + x AS position FROM generate_series(1, %(chunk)s) AS x
    ) AS place
    CROSS JOIN LATERAL (SELECT md5(tenant.n || '/' || place.position)::uuid AS id) AS fresh
    JOIN json_to_recordset(%(mix)s) AS kind (n int, category text, name text, payload text, metadata text)
        ON kind.n = place.position %% %(kinds)s
"""
_HEADS: Final = """
    INSERT INTO log.heads (tenant_id, epoch, position, recorded_at, auth_epoch)
    SELECT tenant_id, 1, max(position), max(recorded_at), 0 FROM log.events GROUP BY tenant_id
"""


@dataclass(frozen=True)
class Bed:
    """A Postgres with logs in it, and a folder for files."""

    projector: str
    folder: Path


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the shape of every bench
    """The figures, over 2,000,000 events (`quick`: 200,000)."""
    with _bed(_LIFE, 200_000 if quick else 2_000_000) as bed:
        limit = _read(bed)
        rebuilt = _in_a_process(bed, at_once=True)
        slow = _in_a_process(bed, at_once=False)
    with _bed(_IMPORTS, 100_000 if quick else 1_000_000) as bed:
        imports = _in_a_process(bed, at_once=True)
    return {
        "events_per_s": rebuilt["events_per_s"],
        "limit_ratio": rebuilt["events_per_s"] / limit,
        "peak_rss_mb": rebuilt["peak_rss_mb"],
        "file_mb": rebuilt["file_mb"],
        "report_p50_ms": rebuilt["report_p50_ms"],
        "import_log_events_per_s": imports["events_per_s"],
        "tenant_by_tenant_events_per_s": slow["events_per_s"],
        "tenant_by_tenant_peak_rss_mb": slow["peak_rss_mb"],
    }


@contextmanager
def _bed(mix: Mix, events: int) -> Iterator[Bed]:
    with tempfile.TemporaryDirectory(prefix="penguinmails-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres runs as another user where this runs as root
        with EmbeddedPostgres(folder / "data") as server:
            migrate(server.admin_dsn, server.passwords)
            with psycopg.connect(server.admin_dsn, autocommit=True) as connection:
                _write(connection, mix, events)
            yield Bed(server.dsn(Role.PROJECTOR), folder)


def _write(connection: psycopg.Connection[Any], mix: Mix, events: int) -> None:
    """Logs of `events` events. The keys are built after the rows: the same table, made in half the time."""
    keys = connection.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = 'log.events'::regclass AND contype IN ('p', 'u')"
    ).fetchall()
    for constraint, _ in keys:
        connection.execute(f"ALTER TABLE log.events DROP CONSTRAINT {constraint}")
    chunk = min(CHUNK, events // TENANTS)
    parameters = {
        "contact": str(_CONTACT),
        "chunks": events // TENANTS // chunk,
        "chunk": chunk,
        "tenants": TENANTS,
        "mix": json.dumps(_kinds(mix)),
        "kinds": len(mix),
    }
    connection.execute("SET synchronous_commit = off")
    connection.execute(_EVENTS, parameters)
    for constraint, definition in keys:
        connection.execute(f"ALTER TABLE log.events ADD CONSTRAINT {constraint} {definition}")
    connection.execute(_HEADS)
    connection.execute("VACUUM ANALYZE log.events")
    connection.execute("CHECKPOINT")


def _kinds(mix: Mix) -> list[dict[str, Any]]:
    """What the codec makes of each event of the mix."""
    codec = JsonCodec(MemoryKeyStore())
    categories = {"email_claimed": "email_claim", "contact": "contact"}
    kinds = []
    for number, entry in enumerate(mix):
        name, event = entry if isinstance(entry, tuple) else (entry.name, entry)
        cause = _BY_WORKER if isinstance(entry, tuple) else _CAUSE
        (stored,) = codec.encode(_TENANT, [("contact:x", event)], cause)
        short = stored.name.partition(".")[2]
        category = categories.get(short) or categories.get(short.partition("_")[0], "addressee")
        kinds.append(
            {
                "n": number,
                "category": category,
                "name": name,
                "payload": stored.payload.decode(),
                "metadata": stored.metadata.decode(),
            }
        )
    return kinds


def _read(bed: Bed) -> float:
    """Events a second out of Postgres, with nothing done to them."""
    source = PostgresLogs(bed.projector)
    began = time.perf_counter()
    with source.everything() as everything:
        events = sum(table.num_rows for table in everything.tables)
    took = time.perf_counter() - began
    source.close()
    return float(events / took)


def _in_a_process(bed: Bed, *, at_once: bool) -> dict[str, float]:
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_build, args=(bed, at_once, theirs))
    process.start()
    theirs.close()
    figures: dict[str, float] = ours.recv()
    process.join()
    return figures


def _build(bed: Bed, at_once: bool, answer: Any) -> None:  # noqa: FBT001 - a process's arguments
    path = bed.folder / f"{'at-once' if at_once else 'by-tenant'}.duckdb"
    settings = OlapSettings(folder=bed.folder, database_url=bed.projector)
    store, source = Store(path, settings), PostgresLogs(bed.projector)
    projector = Projector(store, source, fill_at_once=at_once)
    began = time.perf_counter()
    while projector.step():
        pass
    store.writing.execute("CHECKPOINT")
    seconds = time.perf_counter() - began
    peak = peak_mb()
    tenant = next(iter(projector.tracked))
    reports = []
    for _ in range(50):
        began = time.perf_counter()
        run_report(store.writing, "activity", tenant, {})
        run_report(store.writing, "contacts_by_segment", tenant, {})
        reports.append((time.perf_counter() - began) / 2 * 1000)
    answer.send(
        {
            "events_per_s": projector.events / seconds,
            "peak_rss_mb": peak,
            "file_mb": path.stat().st_size / 2**20,
            "report_p50_ms": statistics.median(reports),
        }
    )
    source.close()
    store.close()
