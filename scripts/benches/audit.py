"""The audit ledger: how fast the notary brings trees forward, and how soon what was is told.

- `notarise_events_per_s`: a log of 1,000,000 events, from none of it being signed to all of it: envelopes, hashes,
  tiles, checkpoints, the notary's memory. Envelopes have about 850 bytes.
- `notarise_in_small_logs_per_s`: the same number over 1,000 logs that all are behind by a fifth of their events.
- `hash_ratio`: `notarise_events_per_s` over the rate at which this interpreter alone hashes such envelopes into a tree.
"""

from __future__ import annotations

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
from domain.audit.tree import Frontier, leaves_of
from domain.kernel.ids import new_id
from projections.audit.notary import Notary

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
    INSERT INTO log.heads VALUES (%s, 1, %s, '2026-03-01Z', 1)
    ON CONFLICT (tenant_id) DO UPDATE SET position = excluded.position
"""


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the shape of every bench
    """The figures; `quick` takes about 20 s."""
    events = _MILLION // 20 if quick else _MILLION
    with tempfile.TemporaryDirectory(prefix="penguinmails-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with EmbeddedPostgres(folder / "data") as server:
            migrate(server.admin_dsn, server.passwords)
            memory = SqliteNotaryMemory(folder / "keys", "bench.example")
            keys = KeptSigningKeys(SqliteKeyStore(folder / "keys"), memory)
            connect = partial(psycopg.connect, server.dsn(Role.NOTARY), autocommit=True)
            with connect() as connection, psycopg.connect(server.admin_dsn, autocommit=True) as admin:
                notary = Notary(connect, memory, keys, lambda: datetime.now(UTC))
                notary.tell_keys(connection)
                _fill(admin, new_id(datetime.now(UTC)), 0, events)
                one = _rate(events, partial(_signed, notary, connection))
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
    return {
        "notarise_events_per_s": one,
        "notarise_in_small_logs_per_s": many,
        "hash_ratio": one / _hashed(min(events, 100_000)),
    }


def _fill(admin: psycopg.Connection, tenant: UUID, after: int, up_to: int) -> None:
    """Events of a log, as an append leaves them."""
    told = {"tenant": tenant, "text": secrets.token_hex(200), "metadata": f'{{"actor":"{"x" * 200}"}}'}
    for start in range(after, up_to, _CHUNK):
        end = min(up_to, start + _CHUNK)
        admin.execute(_FILL, {**told, "after": start, "up_to": end})
    admin.execute(_HEAD, (tenant, up_to))


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
