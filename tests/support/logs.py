"""What tests of the tenant log share: requests to write, and what must be true of a database afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID, uuid4

import psycopg

from adapters.eventstore.log import LogThread, PostgresLog
from application.ports.log import Append, NewEvent, ReceiptKey
from tests.support.database import Database


def event(stream: str, content: str = "x", *, version: int | None = None) -> NewEvent:
    """An event whose payload names `content`."""
    return NewEvent(stream, "test.happened", 1, f'{{"what":"{content}"}}'.encode(), b"{}", version=version)


def key(of: str = "", body: str = "") -> ReceiptKey:
    """A receipt key: the same for the same texts, a fresh one for none."""
    made = of.encode().ljust(32, b".") if of else os.urandom(32)
    return ReceiptKey(made, body.encode().ljust(32, b"."), uuid4(), "test.happen")


@contextmanager
def running(database: Database) -> Iterator[LogThread]:
    """A log on a thread of its own, as one process has it."""
    thread = LogThread(PostgresLog(database.appender, database.loader))
    try:
        yield thread
    finally:
        thread.close()


def opened(thread: LogThread, *tenants: UUID) -> tuple[UUID, ...]:
    """Logs of these tenants, or of a fresh one."""
    for tenant in tenants or (tenants := (uuid4(),)):
        thread.sync.append(Append(tenant, (), opens_log=True))
    return tenants


def assert_sound(admin: str) -> dict[UUID, list[tuple[int, str, int, str]]]:
    """Check every log of a database; gives (position, stream, version, payload) of its events by tenant."""
    logs: dict[UUID, list[tuple[int, str, int, str]]] = {}
    with psycopg.connect(admin) as connection:
        heads: dict[UUID, tuple[int, datetime]] = {
            tenant: (position, moment)
            for tenant, position, moment in connection.execute(
                "SELECT tenant_id, position, recorded_at FROM log.heads"
            )
        }
        rows = connection.execute(
            "SELECT tenant_id, position, stream, version, convert_from(payload, 'UTF8'), recorded_at"
            " FROM log.events ORDER BY tenant_id, position"
        ).fetchall()
        receipts = connection.execute(
            "SELECT tenant_id, first_position, last_position FROM log.receipts"
        ).fetchall()
    for tenant, (position, moment) in heads.items():
        own = [row for row in rows if row[0] == tenant]
        assert [row[1] for row in own] == list(range(1, position + 1)), "positions are 1..head without a gap"
        times = [row[5] for row in own]
        assert times == sorted(times), "time order is position order"
        assert not times or times[-1] <= moment
        versions: dict[str, int] = {}
        for _, _, stream, version, _, _ in own:
            assert version == versions.get(stream, 0) + 1, "versions of a stream are 1..n without a gap"
            versions[stream] = version
        logs[tenant] = [row[1:5] for row in own]
    assert {row[0] for row in rows} <= heads.keys()
    taken: dict[UUID, set[int]] = {}
    for tenant, first, last in receipts:
        assert last <= heads[tenant][0]
        positions = set(range(first, last + 1))
        assert not positions & taken.setdefault(tenant, set()), "an event belongs to one receipt at most"
        taken[tenant] |= positions
    return logs
