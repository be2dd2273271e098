"""Snapshots in `ops.snapshots`: one row a stream, in the database of its log, so that a restore takes both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from application.ports.log import LogUnavailable
from application.ports.snapshots import Snapshot

if TYPE_CHECKING:
    from uuid import UUID

_STREAMS: Final = "SELECT tenant_id, stream FROM ops.snapshots LIMIT %s"
_LOAD: Final = "SELECT version, state FROM ops.snapshots WHERE tenant_id = %s AND stream = %s AND schema = %s"
_SAVE: Final = (
    "INSERT INTO ops.snapshots AS s (tenant_id, stream, version, schema, state) VALUES (%s, %s, %s, %s, %s)"
    " ON CONFLICT (tenant_id, stream) DO UPDATE"
    " SET version = excluded.version, schema = excluded.schema, state = excluded.state"
    " WHERE s.schema <> excluded.schema OR s.version < excluded.version"
)


class PostgresSnapshots:
    """Implements `SnapshotStore`."""

    def __init__(self, pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]]) -> None:
        """`pool` connects as the appender and is the caller's to open and close."""
        self._pool = pool

    async def streams(self, limit: int) -> list[tuple[UUID, str]]:
        """See `SnapshotStore.streams`."""
        with _in_the_ports_words():
            async with self._pool.connection() as connection:
                return await (await connection.execute(_STREAMS, (limit,))).fetchall()

    async def load(self, tenant_id: UUID, stream: str, schema: str) -> Snapshot | None:
        """See `SnapshotStore.load`."""
        with _in_the_ports_words():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(_LOAD, (tenant_id, stream, schema))
                row = await cursor.fetchone()
        return None if row is None else Snapshot(row[0], bytes(row[1]))

    async def save(self, tenant_id: UUID, stream: str, schema: str, snapshot: Snapshot) -> None:
        """See `SnapshotStore.save`."""
        with _in_the_ports_words():
            async with self._pool.connection() as connection:
                await connection.execute(_SAVE, (tenant_id, stream, snapshot.version, schema, snapshot.state))


class MemorySnapshots:
    """Implements `SnapshotStore` as a dictionary: for tests of what stands on it."""

    def __init__(self) -> None:
        """Start empty."""
        self._kept: dict[tuple[UUID, str], tuple[str, Snapshot]] = {}

    async def streams(self, limit: int) -> list[tuple[UUID, str]]:
        """See `SnapshotStore.streams`."""
        return list(self._kept)[:limit]

    async def load(self, tenant_id: UUID, stream: str, schema: str) -> Snapshot | None:
        """See `SnapshotStore.load`."""
        known = self._kept.get((tenant_id, stream))
        return None if known is None or known[0] != schema else known[1]

    async def save(self, tenant_id: UUID, stream: str, schema: str, snapshot: Snapshot) -> None:
        """See `SnapshotStore.save`."""
        known = self._kept.get((tenant_id, stream))
        if known is None or known[0] != schema or known[1].version < snapshot.version:
            self._kept[tenant_id, stream] = schema, snapshot


@contextmanager
def _in_the_ports_words() -> Iterator[None]:
    try:
        yield
    except (psycopg.OperationalError, PoolTimeout) as error:
        raise LogUnavailable("the database cannot be reached; try again") from error
