"""Appending: durable events and batches through the log, beside the library's recorder and raw inserts.

All on one embedded Postgres with fsync on, in turns (ours, peer, ours, peer), medians of the turns.

- `ratio_vs_eventsourcing`: single events from 64 async callers through `PostgresLog`, against 64 threads on the
  `eventsourcing` library's `PostgresApplicationRecorder` as it comes.
- `ratio_vs_raw_insert`: the same against one-row inserts of the same width into a table of the same shape and indexes,
  by `pgbench -M prepared` with 64 clients.
- `command_ratio_vs_eventsourcing`: as the first, but with receipt, metadata and two fields encrypted for their subject.
- `ratio_vs_emmett`, where Node and npm are there: the first against Emmett's Postgres store (`append_emmett`).
- `batch_ratio_vs_eventsourcing`: batches of 1,000 of one stream from 4 callers, against the same recorder, 4 threads;
  `batch_of_streams_events_per_s` has a thousand streams in each.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import uvloop
from eventsourcing.persistence import ApplicationRecorder, PersistenceError, StoredEvent
from eventsourcing.postgres import PostgresFactory
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.log import PostgresLog
from adapters.keys.sqlite import SqliteKeyStore
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import migrate
from adapters.postgres.roles import Role
from application.ports.codec import Cause
from application.ports.log import Append, NewEvent, ReceiptKey
from domain.audience.contact import ContactUpdated, Segment
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.ids import AddresseeId, ContactId, WorkspaceId
from scripts.benches.append_emmett import emmett

CALLERS = 64
BATCH = 1_000
BATCH_CALLERS = 4
_TAKES = 4
_STANDS_STILL = 10.0
PAYLOAD = b'{"what":"%s"}' % (b"x" * 140)
METADATA = b'{"who":"%s"}' % (b"y" * 190)
CAUSE = Cause(
    Actor(ActorKind.API_KEY, UUID(int=1), UUID(int=2)),
    UUID(int=3),
    "UpdateContact",
    UUID(int=3),
    ip="192.0.2.7",
    workspace=UUID(int=4),
)
SUBJECTS = 1_000
_SHAPE = """
    tenant_id uuid NOT NULL, position bigint NOT NULL, stream text COLLATE "C" NOT NULL, version bigint NOT NULL,
    name text COLLATE "C" NOT NULL, schema_version smallint NOT NULL, payload bytea NOT NULL,
    metadata bytea NOT NULL, recorded_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, stream, version), UNIQUE (tenant_id, position)
"""


@dataclass(frozen=True)
class Turn:
    """What one turn gave: events a second, and the callers' waits in ms where they were measured."""

    rate: float
    waits: tuple[float, ...] = ()


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the shape of every bench
    """The figures; `quick` takes about 35 s."""
    seconds, rounds = (0.8, 3) if quick else (5.0, 5)
    with tempfile.TemporaryDirectory(prefix="penguinmails-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder) / "data") as server:
            migrate(server.admin_dsn, server.passwords)
            keys = SqliteKeyStore(Path(folder) / "keys")
            with _library(server) as recorder, emmett(server.admin_dsn, CALLERS) as peer:
                turns = _in_turns(Bed(server, JsonCodec(keys)), recorder, peer, seconds, rounds)
            keys.close()
    return _figures(turns)


class Bed:
    """The log to measure, on the server that the peers use too."""

    def __init__(self, server: EmbeddedPostgres, codec: JsonCodec) -> None:
        """Have four tenants, and subjects whose keys exist."""
        self.server = server
        self.codec = codec
        self.tenants = [uuid4() for _ in range(4)]
        self.subjects = [AddresseeId(uuid4()) for _ in range(SUBJECTS)]
        self.workspace = WorkspaceId(uuid4())
        for tenant in self.tenants:
            events = [("contact:0", self.update(n)) for n in range(SUBJECTS)]
            codec.encode(tenant, events, CAUSE)

    def update(self, n: int) -> ContactUpdated:
        """An event with two encrypted fields."""
        return ContactUpdated(
            contact_id=ContactId(uuid4()),
            workspace_id=self.workspace,
            addressee_id=self.subjects[n % SUBJECTS],
            before={"title": "Head of Growth"},
            after={"title": "Chief Marketing Officer", "company": "Ada Analytics Ltd"},
            segment_before=Segment(country="GB"),
            segment_after=Segment(country="GB"),
        )

    def bare(self, n: int) -> Append:
        """One event and its expected version: the log's own work."""
        stream = f"contact:{uuid4()}"
        event = NewEvent(stream, "audience.contact_updated", 1, PAYLOAD, METADATA)
        return Append(self.tenants[n % 4], (event,), ((stream, 0),))

    def command(self, n: int) -> Append:
        """What a command appends: sealed payload, metadata, receipt."""
        event, tenant = self.update(n), self.tenants[n % 4]
        stream = f"contact:{event.contact_id}"
        new = self.codec.encode(tenant, [(stream, event)], CAUSE)
        receipt = ReceiptKey(os.urandom(32), os.urandom(32), uuid4(), "audience.update-contact")
        return Append(tenant, tuple(new), ((stream, 0),), receipt)

    def batch(self, n: int) -> Append:
        """A thousand events of one stream, as the peer's."""
        stream = f"contact:{uuid4()}"
        event = NewEvent(stream, "audience.contact_updated", 1, PAYLOAD, METADATA)
        return Append(self.tenants[n % 4], (event,) * BATCH, ((stream, 0),))

    def spread(self, n: int) -> Append:
        """A thousand events of a thousand streams, as an import's."""
        batch = uuid4().hex[:28]
        events = (
            NewEvent(f"contact:{batch}{i:04}", "audience.contact_updated", 1, PAYLOAD, METADATA)
            for i in range(BATCH)
        )
        return Append(self.tenants[n % 4], tuple(events))

    def turn(self, make: Callable[[int], Append], callers: int, seconds: float) -> Turn:
        """So many callers, each waiting for its append before the next, on uvloop."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(self._call(make, callers, seconds))

    async def _call(self, make: Callable[[int], Append], callers: int, seconds: float) -> Turn:
        waits: list[float] = []
        events = 0
        async with PostgresLog(self.server.dsn(Role.APPENDER), self.server.dsn(Role.LOADER)) as log:
            for tenant in self.tenants:
                await log.append(Append(tenant, (), opens_log=True))
            started = time.perf_counter()

            async def caller(n: int) -> None:
                nonlocal events
                while time.perf_counter() < started + seconds:
                    asked = time.perf_counter()
                    events += len((request := make(n)).events)
                    await log.append(request)
                    waits.append(1_000 * (time.perf_counter() - asked))

            await asyncio.gather(*(caller(n) for n in range(callers)))
            return Turn(events / (time.perf_counter() - started), tuple(waits))


def _in_turns(
    bed: Bed,
    recorder: ApplicationRecorder,
    peer: Callable[[float], float] | None,
    seconds: float,
    rounds: int,
) -> dict[str, list[Turn]]:
    measured: dict[str, Callable[[], Turn]] = {
        "bare": lambda: bed.turn(bed.bare, CALLERS, seconds),
        "eventsourcing": lambda: _threads(bed.server, recorder, 1, CALLERS, seconds),
        "raw": lambda: _pgbench(bed.server, seconds),
        "command": lambda: bed.turn(bed.command, CALLERS, seconds),
        "batch": lambda: bed.turn(bed.batch, BATCH_CALLERS, seconds),
        "spread": lambda: bed.turn(bed.spread, BATCH_CALLERS, seconds),
        "eventsourcing_batch": lambda: _threads(bed.server, recorder, BATCH, BATCH_CALLERS, seconds),
    }
    if peer is not None:
        measured["emmett"] = lambda: Turn(peer(seconds))
    turns: dict[str, list[Turn]] = {name: [] for name in measured}
    for _ in range(rounds):
        for name, measure in measured.items():
            turns[name].append(measure())
    return turns


def _figures(turns: dict[str, list[Turn]]) -> dict[str, float]:
    rates = {name: statistics.median(turn.rate for turn in done) for name, done in turns.items()}
    figures = {
        "ratio_vs_eventsourcing": rates["bare"] / rates["eventsourcing"],
        "ratio_vs_raw_insert": rates["bare"] / rates["raw"],
        "command_ratio_vs_eventsourcing": rates["command"] / rates["eventsourcing"],
        "batch_events_per_s": rates["batch"],
        "batch_ratio_vs_eventsourcing": rates["batch"] / rates["eventsourcing_batch"],
        "batch_of_streams_events_per_s": rates["spread"],
        "events_per_s": rates["bare"],
        "command_events_per_s": rates["command"],
        "eventsourcing_events_per_s": rates["eventsourcing"],
        "eventsourcing_batch_events_per_s": rates["eventsourcing_batch"],
        "raw_inserts_per_s": rates["raw"],
    }
    if "emmett" in rates:
        figures |= {
            "ratio_vs_emmett": rates["bare"] / rates["emmett"],
            "emmett_events_per_s": rates["emmett"],
        }
    for name in ("bare", "command"):
        waits = sorted(wait for turn in turns[name] for wait in turn.waits)
        prefix = "" if name == "bare" else f"{name}_"
        figures[f"{prefix}p50_ms"] = waits[len(waits) // 2]
        figures[f"{prefix}p99_ms"] = waits[len(waits) * 99 // 100]
    return figures


@contextmanager
def _library(server: EmbeddedPostgres) -> Iterator[ApplicationRecorder]:
    """The library's recorder with its factory's defaults, and the raw peer's table, in a database of their own."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE peers")
    address = conninfo_to_dict(server.admin_dsn, dbname="peers")
    with psycopg.connect(make_conninfo(server.admin_dsn, dbname="peers")) as connection:
        connection.execute(f"CREATE TABLE raw ({_SHAPE})")
    names = {"dbname": "DBNAME", "host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    factory = PostgresFactory({f"POSTGRES_{theirs}": str(address[ours]) for ours, theirs in names.items()})
    try:
        yield factory.application_recorder()
    finally:
        factory.close()


def _threads(
    server: EmbeddedPostgres, recorder: ApplicationRecorder, size: int, callers: int, seconds: float
) -> Turn:
    """As many threads on the library's recorder, each inserting streams of `size` events.

    Its pipeline sometimes stands still for ever with batches of a thousand: such a turn is ended and taken again.
    """
    for _ in range(_TAKES):
        done, started = [0] * callers, time.perf_counter()
        threads = [
            threading.Thread(target=_insert, args=(recorder, size, started + seconds, done, n), daemon=True)
            for n in range(callers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, started + seconds + _STANDS_STILL - time.perf_counter()))
        took = time.perf_counter() - started
        if not any(thread.is_alive() for thread in threads):
            return Turn(sum(done) / took)
        print(
            "the library's recorder stands still: its connections are ended, and it is measured again",
            file=sys.stderr,
        )
        # It tries again on connections of its own, and may stand still on those too.
        with psycopg.connect(server.admin_dsn, autocommit=True) as connection:
            while alive := [thread for thread in threads if thread.is_alive()]:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'peers'"
                )
                alive[0].join(0.2)
    raise RuntimeError(f"the library's recorder stood still {_TAKES} times")


def _insert(recorder: ApplicationRecorder, size: int, ends: float, done: list[int], n: int) -> None:
    state = PAYLOAD + METADATA
    while time.perf_counter() < ends:
        stream = uuid4()
        events = [StoredEvent(stream, i + 1, "audience.contact_updated", state) for i in range(size)]
        try:
            recorder.insert_events(events)
        except PersistenceError:
            return  # its connection was ended: the turn does not count
        done[n] += size


def _pgbench(server: EmbeddedPostgres, seconds: float) -> Turn:
    """Raw inserts by Postgres's own load generator, 64 clients."""
    address = conninfo_to_dict(server.admin_dsn, dbname="peers")
    script = (
        "\\set tenant random(0, 3)\n\\set position random(1, 9000000000000000000)\n"
        "INSERT INTO raw VALUES (('00000000-0000-4000-8000-00000000000' || :tenant)::uuid, :position,"
        " 'contact:' || gen_random_uuid(), 1, 'audience.contact_updated', 1,"
        f" '{PAYLOAD.decode()}'::bytea, '{METADATA.decode()}'::bytea, clock_timestamp());\n"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        told = subprocess.run(
            [
                server.binaries.postgres.with_name("pgbench"),
                *("-n", "-M", "prepared", "-c", str(CALLERS), "-j", "2", "-f", file.name),
                *("-T", str(max(2, round(seconds)))),
            ],
            env={
                "PGHOST": str(address["host"]),
                "PGPORT": str(address["port"]),
                "PGUSER": str(address["user"]),
                "PGPASSWORD": str(address["password"]),
                "PGDATABASE": "peers",
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 30,
        ).stdout
    found = re.search(r"tps = ([\d.]+)", told)
    if found is None:
        raise RuntimeError(f"pgbench told no rate: {told}")
    return Turn(float(found[1]))
