"""Every row of one tenant in the database, for the end of its log: found by the catalogue, none forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from psycopg import Connection

SIGNED: Final = frozenset({"ledger.checkpoints", "ledger.epochs"})
"""Tables that keep their rows: what was signed of a log, and which epochs it had, outlives it."""
_LAST: Final = ("log.events", "log.access_events", "log.heads", "log.access_heads")
"""Deleted at the end: while a head is there, it is plain that the log is."""

# Tables alone, and no partitions or views: rows stand in tables.
_TABLES: Final = """
    SELECT n.nspname, c.relname FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
    ORDER BY 1, 2
"""
_HOLDS: Final = """
    SELECT stream, name, version, payload FROM log.events
    WHERE tenant_id = %s AND name IN ('audience.legal_hold_placed', 'audience.legal_hold_released')
    ORDER BY position
"""


class DatabaseRows:
    """The rows of tenants, through the role for maintenance that `dsn` connects as. Raises psycopg's errors."""

    def __init__(self, dsn: str) -> None:
        """Nothing is opened yet."""
        self._dsn = dsn

    def counted(self, tenant_id: UUID) -> dict[str, int]:
        """How many rows the tenant has by table, those without any left out."""
        with psycopg.connect(self._dsn) as connection:
            return _told(self._each(connection, "SELECT count(*) FROM {} WHERE tenant_id = %s", tenant_id))

    def deleted(self, tenant_id: UUID) -> dict[str, int]:
        """Delete them all in one transaction, or none; how many there were by table."""
        with psycopg.connect(self._dsn) as connection:
            statement = (
                "WITH gone AS (DELETE FROM {} WHERE tenant_id = %s RETURNING 1) SELECT count(*) FROM gone"
            )
            return _told(self._each(connection, statement, tenant_id))

    def heads(self, tenant_id: UUID) -> dict[str, tuple[int, int]]:
        """Epoch and last position of each of the tenant's logs that there is."""
        with psycopg.connect(self._dsn) as connection:
            rows = connection.execute(
                "SELECT 'events', epoch, position FROM log.heads WHERE tenant_id = %(tenant)s "
                "UNION ALL SELECT 'access', epoch, position FROM log.access_heads WHERE tenant_id = %(tenant)s",
                {"tenant": tenant_id},
            ).fetchall()
        return {log: (epoch, position) for log, epoch, position in rows}

    def holds_over_people(self, tenant_id: UUID) -> Iterator[tuple[str, str, int, bytes]]:
        """Stream, name, version and payload of each event that places a hold over somebody, or ends one."""
        with psycopg.connect(self._dsn) as connection, connection.cursor("holds") as cursor:
            cursor.execute(_HOLDS, (tenant_id,))
            yield from cursor

    def _each(
        self, connection: Connection[Any], statement: LiteralString, tenant_id: UUID
    ) -> Iterator[tuple[str, int]]:
        names = {f"{schema}.{table}": (schema, table) for schema, table in connection.execute(_TABLES)}
        for name in sorted(names.keys() - SIGNED, key=lambda one: (one in _LAST, _place(one), one)):
            made = sql.SQL(statement).format(sql.Identifier(*names[name]))
            row = connection.execute(made, (tenant_id,)).fetchone()
            yield name, 0 if row is None else row[0]


def _place(name: str) -> int:
    return _LAST.index(name) if name in _LAST else 0


def _told(found: Iterator[tuple[str, int]]) -> dict[str, int]:
    return {name: count for name, count in found if count}
