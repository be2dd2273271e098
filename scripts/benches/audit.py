"""The audit ledger: how fast the notary brings trees forward, and how soon what was is told.

- `notarise_events_per_s`: a log of 1,000,000 events, from none of it being signed to all of it: envelopes, hashes,
  tiles, checkpoints, the notary's memory. Envelopes have about 850 bytes.
- `notarise_in_small_logs_per_s`: the same number over 1,000 logs that all are behind by a fifth of their events.
- `notarise_cpu_us`: this process's CPU time of each event, of the first of these.
- `hash_ratio`: `notarise_events_per_s` over the rate at which this interpreter alone hashes such envelopes into a tree.
- `export_s_per_million`: a bundle of that log's events, all of them, written to a file by the product's export.
- `verify_s_per_million`, `verify_peak_mb`: that bundle, verified in a process of its own with the installation's key.
- `state_as_of_p50_ms`: a stream's state as of a moment within that log; `blame_ms`: the event of each of its fields as
  of a moment; `difference_ms`: what changed in a stream between two moments. Medians; streams of ten events.
- `..._cpu_...`: the CPU time of this process, Postgres's not counted; of verifying, of the process that does it.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import psycopg

from adapters.keys.notary import KeptSigningKeys, SqliteNotaryMemory
from adapters.keys.sqlite import SqliteKeyStore
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import migrate
from adapters.postgres.roles import Role
from domain.audit.notes import SignatureType, VerifierKey
from domain.audit.origins import LogId, LogKind
from domain.audit.tree import Frontier, leaves_of
from domain.kernel.ids import new_id
from projections.audit.notary import Notary
from scripts.benches.audit_asked import asked, put_in
from scripts.benches.audit_bundle import bundled

_MILLION = 1_000_000
_LOGS = 1_000
_CHUNK = 50_000
_FILL = """
    INSERT INTO log.events
    SELECT %(tenant)s, n, 'contact:' || %(tenant)s || n, 1, 'audience.contact_created', 1,
        convert_to('{"n":' || n || ',"sealed":"' || %(text)s || '"}', 'UTF8'), convert_to(%(metadata)s, 'UTF8'),
        timestamptz '2026-03-01Z' + n * interval '1 ms'
    FROM generate_series(%(after)s + 1, %(up_to)s) n
"""
_HEAD = """
    INSERT INTO log.heads VALUES (%(tenant)s, 1, %(up_to)s, timestamptz '2026-03-01Z' + %(up_to)s * interval '1 ms', 1)
    ON CONFLICT (tenant_id) DO UPDATE SET position = excluded.position, recorded_at = excluded.recorded_at
"""


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the shape of every bench
    """The figures; `quick` takes about 20 s."""
    events = _MILLION // 20 if quick else _MILLION
    with tempfile.TemporaryDirectory(prefix="penguinmails-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with EmbeddedPostgres(folder / "data") as server:
            migrate(server.admin_dsn, server.passwords)
            memory, store = (
                SqliteNotaryMemory(folder / "keys", "bench.example"),
                SqliteKeyStore(folder / "keys"),
            )
            keys = KeptSigningKeys(store, memory)
            connect = partial(psycopg.connect, server.dsn(Role.NOTARY), autocommit=True)
            with connect() as connection, psycopg.connect(server.admin_dsn, autocommit=True) as admin:
                notary = Notary(connect, memory, keys, lambda: datetime.now(UTC))
                notary.tell_keys(connection)
                tenant = new_id(datetime.now(UTC))
                _fill(admin, tenant, 0, events)
                streams = put_in(admin, store, tenant, events)
                admin.execute("VACUUM ANALYZE log.events")
                cpu = time.process_time()
                one = _rate(events, partial(_signed, notary, connection))
                cpu = time.process_time() - cpu
                (key,) = keys.signing()
                trusted = VerifierKey(memory.name, SignatureType.ED25519, key.public_key)
                of = LogId(tenant, LogKind.EVENTS)
                more = bundled(server, of, trusted, events, folder / "bundle.zip")
                more |= asyncio.run(asked(server, store, tenant, streams, events))
                logs = [new_id(datetime.now(UTC)) for _ in range(_LOGS // 10 if quick else _LOGS)]
                each = events // len(logs)
                for log in logs:
                    _fill(admin, log, 0, each * 4 // 5)
                _signed(notary, connection)
                for log in logs:
                    _fill(admin, log, each * 4 // 5, each)
                admin.execute("VACUUM ANALYZE log.events")
                many = _rate((each - each * 4 // 5) * len(logs), partial(_signed, notary, connection))
            memory.close()
            store.close()
    return {
        "notarise_events_per_s": one,
        "notarise_cpu_us": cpu / events * 1_000_000,
        "notarise_in_small_logs_per_s": many,
        "hash_ratio": one / _hashed(min(events, 100_000)),
        **more,
    }


def _fill(admin: psycopg.Connection, tenant: UUID, after: int, up_to: int) -> None:
    """Events of a log, as an append leaves them."""
    told = {
        "tenant": tenant,
        "text": secrets.token_hex(200),
        "metadata": f'{{"actor":{{"id":"{"x" * 200}"}}}}',
    }
    for start in range(after, up_to, _CHUNK):
        end = min(up_to, start + _CHUNK)
        admin.execute(_FILL, {**told, "after": start, "up_to": end})
    admin.execute(_HEAD, {"tenant": tenant, "up_to": up_to})


def _signed(notary: Notary, connection: psycopg.Connection) -> None:
    while notary.step(connection):
        pass


def _rate(count: int, work: partial[None]) -> float:
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def _hashed(count: int) -> float:
    """Events a second that this interpreter hashes into a tree."""
    envelopes = [b"%d" % n + bytes(840) for n in range(count)]
    started, tree = time.perf_counter(), Frontier()
    for start in range(0, count, 2_000):
        tree = tree.adding(leaves_of(envelopes[start : start + 2_000])).frontier
    return count / (time.perf_counter() - started)
