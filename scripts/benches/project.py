"""Projections: how fast a view is rebuilt against the library's own runner, and how soon a commit can be seen.

`ratio_vs_projection_runner` compares `rebuild_events_per_s`, a rebuild by the product's whole loop and its helper
process, and `runner_events_per_s`, the library's runner from its first event to its last as it comes (one process, each
event committed by itself): contact_created with six personal fields, which ours decrypts and the runner has in the
clear. `lag_p99_ms` runs from the acknowledged commit to the row that a reader sees, at 500 commands of one event a
second, with all that the product's projector runs, on a small database and on one of 10,000 tenants, a thousand of them
active. `peak_rss_mb` is that of the rebuilding processes, the projector's and its helper's, added up.
"""

from __future__ import annotations

import asyncio
import functools
import multiprocessing
import random
import resource
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.conninfo import conninfo_to_dict

from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.log import PostgresLog
from adapters.keys.sqlite import SqliteKeyStore
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import migrate
from adapters.postgres.policies import policies_for_view
from adapters.postgres.roles import Role
from application.ports.codec import Cause
from application.ports.log import Append, NewEvent
from domain.audience.contact import ContactCreated, Segment
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.ids import AddresseeId, ContactId, WorkspaceId, new_id
from projections.jobs.due import JOBS
from projections.operational.contacts.handler import CONTACTS
from projections.operational.views import VIEWS
from projections.runtime import builds
from projections.runtime.facts import Projection
from projections.runtime.projector import ProjectorSettings, run_projector
from scripts.benches import project_peer
from scripts.benches.peaks import peak_mb

RATE = 500
_ALL = (*VIEWS, JOBS)
CAUSE = Cause(Actor(ActorKind.SYSTEM, UUID(int=1)), UUID(int=2), "Bench", UUID(int=3))
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Bed:
    """A migrated Postgres and a key store, as processes are told of them."""

    projector: str
    appender: str
    loader: str
    admin: str
    keys: Path

    def settings(self, projections: Sequence[Projection]) -> ProjectorSettings:
        """What a projector on it needs."""
        return ProjectorSettings(
            self.projector,
            JsonCodec(SqliteKeyStore(self.keys), ciphers=5_000),
            projections,
            policies_for_view,
            again=functools.partial(self.settings, projections),
        )


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the shape of every bench
    """The figures; `quick` takes about 35 s."""
    with _bed() as bed:
        _record(bed, 60_000 if quick else 200_000)
        rate, rss = _in_a_process(_rebuild, bed)
        peer = _peer(bed, 1_000 if quick else 8_000)
    with _bed() as bed:
        small = _lag(bed, 4 if quick else 20)
    with _bed() as bed:
        _open_logs(bed, 10_000)
        large = _lag(bed, 4 if quick else 20)
    return {
        "ratio_vs_projection_runner": rate / peer,
        "rebuild_events_per_s": rate,
        "runner_events_per_s": peer,
        "peak_rss_mb": rss,
        "lag_p50_ms": _quantile(small, 0.5),
        "lag_p99_ms": _quantile(small, 0.99),
        "lag_p50_ms_10k_tenants": _quantile(large, 0.5),
        "lag_p99_ms_10k_tenants": _quantile(large, 0.99),
    }


@contextmanager
def _bed() -> Iterator[Bed]:
    with tempfile.TemporaryDirectory(prefix="penguinmails-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres runs as another user where this runs as root
        with EmbeddedPostgres(folder / "data") as server:
            migrate(server.admin_dsn, server.passwords)
            yield Bed(
                server.dsn(Role.PROJECTOR),
                server.dsn(Role.APPENDER),
                server.dsn(Role.LOADER),
                server.admin_dsn,
                folder / "keys",
            )


def _contact(number: int) -> ContactCreated:
    now = datetime.now(UTC)
    return ContactCreated(
        contact_id=ContactId(new_id(now)),
        workspace_id=WorkspaceId(UUID(int=9)),
        addressee_id=AddresseeId(new_id(now)),
        email=f"anna.{number}@example{number % 977}.org",
        first_name="Anna",
        last_name=f"Weiss {number % 9973}",
        company=f"Pinguin und Partner {number % 331}",
        title="Head of marketing",
        phone="+49 30 1234567",
        segment=Segment(country="DE"),
    )


def _encoded(codec: JsonCodec, tenant: UUID, number: int) -> NewEvent:
    contact = _contact(number)
    return codec.encode(tenant, [(f"contact:{contact.contact_id}", contact)], CAUSE)[0]


def _record(bed: Bed, count: int, tenants: int = 20) -> None:
    """`count` contacts over some tenants, straight into the log."""
    keys = SqliteKeyStore(bed.keys)
    codec = JsonCodec(keys)
    now = datetime.now(UTC)
    with psycopg.connect(bed.admin) as connection:
        for _ in range(tenants):
            tenant = new_id(now)
            each = count // tenants
            contacts = [_contact(number) for number in range(each)]
            pairs = [(f"contact:{contact.contact_id}", contact) for contact in contacts]
            stored = codec.encode(tenant, pairs, CAUSE)
            connection.execute("INSERT INTO log.heads VALUES (%s, 1, %s, %s, 1)", (tenant, each, now))
            with connection.cursor().copy("COPY log.events FROM STDIN") as copy:
                for position, event in enumerate(stored, 1):
                    copy.write_row(
                        (
                            *(tenant, position, event.stream, 1, event.name, event.schema_version),
                            *(event.payload, event.metadata, now),
                        )
                    )
    keys.close()
    with psycopg.connect(bed.admin, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE log.events")
        connection.execute("CHECKPOINT")


def _rebuild(bed: Bed, answer: Any) -> None:
    """A rebuild as an operator begins it, from its beginning until readers see it: the whole loop of the product."""
    settings = bed.settings([CONTACTS])
    stop = threading.Event()
    with psycopg.connect(bed.projector, autocommit=True) as connection:
        events = connection.execute("SELECT sum(position)::int FROM log.heads").fetchone()
        began = time.perf_counter()
        builds.rebuild(connection, CONTACTS, policies_for_view)
        running = threading.Thread(target=run_projector, args=(settings, stop))
        running.start()
        while builds.live_schema(connection, CONTACTS.name) is None:
            time.sleep(0.01)
        took = time.perf_counter() - began
    stop.set()
    running.join()
    helpers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    answer.send((0 if events is None else events[0] / took, peak_mb() + helpers))


def _in_a_process(body: Any, bed: Bed) -> tuple[float, float]:
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=body, args=(bed, theirs))
    process.start()
    theirs.close()
    answer: tuple[float, float] = ours.recv()
    process.join()
    return answer


def _peer(bed: Bed, count: int) -> float:
    at = conninfo_to_dict(bed.admin)
    environment = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(at["dbname"]),
        "POSTGRES_HOST": str(at["host"]),
        "POSTGRES_PORT": str(at.get("port", 5432)),
        "POSTGRES_USER": str(at["user"]),
        "POSTGRES_PASSWORD": str(at.get("password", "")),
    }
    contacts = [_contact(number) for number in range(count)]
    return project_peer.events_per_s(
        environment,
        [{name: str(getattr(one, name, "DE")) for name in project_peer.COLUMNS} for one in contacts],
    )


def _open_logs(bed: Bed, count: int) -> None:
    """Logs that began and are quiet, each with one event that no view takes in."""
    now = datetime.now(UTC)
    tenants = [new_id(now) for _ in range(count)]
    with psycopg.connect(bed.admin) as connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO log.heads VALUES (%s, 1, 1, %s, 1)", [(t, now) for t in tenants])
        cursor.executemany(
            "INSERT INTO log.events VALUES (%s, 1, 'x:1', 1, 'bench.began', 1, '{}', '{}', %s)",
            [(tenant, now) for tenant in tenants],
        )
    with psycopg.connect(bed.admin, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE log.heads")


def _project(bed: Bed, stop: Any) -> None:
    ended = threading.Event()

    def end() -> None:
        stop.wait()
        ended.set()

    threading.Thread(target=end, daemon=True).start()
    run_projector(bed.settings(_ALL), ended)


def _lag(bed: Bed, seconds: int) -> list[float]:
    """Milliseconds from acknowledged commit to visible row, of samples taken all along."""
    stop = _SPAWN.Event()
    process = _SPAWN.Process(target=_project, args=(bed, stop))
    process.start()
    try:
        return asyncio.run(_load(bed, seconds))
    finally:
        stop.set()
        process.join()


async def _load(bed: Bed, seconds: int) -> list[float]:
    codec = JsonCodec(SqliteKeyStore(bed.keys))
    tenants = (await _tenants(bed))[:1_000]
    for tenant in tenants:
        _encoded(codec, tenant, 0)  # the tenants are not new: what seals their keys is there
    schema = await _caught_up(bed)
    samples: list[float] = []
    latest: list[tuple[UUID, str, float]] = []
    ended = asyncio.Event()
    async with PostgresLog(bed.appender, bed.loader) as log:
        watching = [asyncio.create_task(_watch(bed, schema, latest, samples, ended)) for _ in range(3)]
        began = time.perf_counter()
        pending: set[asyncio.Task[None]] = set()
        for number in range(RATE * seconds):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            tenant = random.choice(tenants)  # noqa: S311 - no secret
            task = asyncio.create_task(_append(log, tenant, _encoded(codec, tenant, number), latest))
            pending.add(task)
            task.add_done_callback(pending.discard)
        await asyncio.gather(*pending)
        ended.set()
        await asyncio.gather(*watching)
    # The first second fills caches that a running system has.
    return samples[len(samples) // seconds :]


async def _append(
    log: PostgresLog, tenant: UUID, event: NewEvent, latest: list[tuple[UUID, str, float]]
) -> None:
    await log.append(Append(tenant, (event,), ((event.stream, 0),)))
    latest[:] = [(tenant, event.stream.partition(":")[2], time.perf_counter())]


async def _watch(
    bed: Bed, schema: str, latest: list[tuple[UUID, str, float]], samples: list[float], ended: asyncio.Event
) -> None:
    text = f"SELECT 1 FROM {schema}.contacts WHERE tenant_id = %s AND contact_id = %s"  # noqa: S608 - a name of our own
    async with await psycopg.AsyncConnection.connect(bed.projector, autocommit=True) as connection:
        while not ended.is_set():
            if not latest:
                await asyncio.sleep(0.001)
                continue
            tenant, contact, acknowledged = latest.pop()
            while await _none(connection, text, tenant, contact):  # noqa: ASYNC110 - the row is in the database
                await asyncio.sleep(0.001)
            samples.append((time.perf_counter() - acknowledged) * 1000)


async def _none(connection: psycopg.AsyncConnection[Any], text: str, tenant: UUID, contact: str) -> bool:
    return await (await connection.execute(text.encode(), (tenant, contact))).fetchone() is None


async def _tenants(bed: Bed) -> list[UUID]:
    """The tenants there are; four where there are none."""
    async with await psycopg.AsyncConnection.connect(bed.admin) as connection:
        found = [
            tenant
            for (tenant,) in await (await connection.execute("SELECT tenant_id FROM log.heads")).fetchall()
        ]
        if not found:
            found = [new_id(datetime.now(UTC)) for _ in range(4)]
            for tenant in found:
                await connection.execute("INSERT INTO log.heads VALUES (%s, 1, 0, now(), 1)", (tenant,))
        return found


async def _caught_up(bed: Bed) -> str:
    """Wait until every view stands at every log's head; the schema of the contacts."""
    async with await psycopg.AsyncConnection.connect(bed.projector, autocommit=True) as connection:
        while True:
            await asyncio.sleep(0.2)
            schema = await (
                await connection.execute(
                    "SELECT schema_name FROM ops.projection_versions WHERE name = 'contacts' AND state = 'live'"
                )
            ).fetchone()
            behind = await (
                await connection.execute(
                    "SELECT count(*) FROM log.heads h WHERE position > 0 AND %s > (SELECT count(*) FROM "
                    "ops.projection_positions p WHERE p.tenant_id = h.tenant_id AND p.position = h.position)",
                    (len(_ALL),),
                )
            ).fetchone()
            if schema is not None and behind == (0,):
                return str(schema[0])


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


if __name__ == "__main__":
    for name, figure in run(quick=True).items():
        print(f"{name}: {figure:,.1f}")
