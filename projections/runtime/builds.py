"""Builds: a projection's tables in a schema of their own, filled from the logs, shown once they are complete.

A new version of a projection, or a rebuild of the same, fills beside the live build. Readers take the live one; it
changes in one transaction. The retired one stays for a while, for readers that are still in it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql
from psycopg.errors import LockNotAvailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import timedelta

    from psycopg import Connection

    from projections.runtime.facts import Projection

    Policies = Callable[..., Iterable[sql.Composed]]
    """`policies(schema, *tables)`: the statements that put new tables under the matrix of rights."""

log = logging.getLogger(__name__)

_LOCK: Final = 7_305_122_418


@dataclass(frozen=True, slots=True)
class Build:
    """One build of a projection. `live`: readers see it."""

    projection: Projection
    number: int
    schema: str
    live: bool


def refresh(
    connection: Connection[Any], projections: Iterable[Projection], policies: Policies
) -> list[Build]:
    """The builds this process fills: those of its own versions; makes what is missing.

    A projection's first build is live at once. A build of a newer version than ours is left to newer processes, and
    no older one is begun. A build that fills for an older version than ours is given up.
    """
    builds: list[Build] = []
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        for projection in projections:
            rows = _rows(connection, projection.name)
            newest = max((version for _, version, _, _ in rows), default=0)
            for number, version, schema, state in rows:
                if version == projection.version:
                    builds.append(Build(projection, number, schema, live=state == "live"))
                elif state == "filling" and version < projection.version:
                    _mark(connection, projection.name, number, "retired")
            if newest < projection.version:
                builds.append(_make(connection, projection, policies, "filling" if rows else "live"))
    return builds


def filling(connection: Connection[Any], projections: Iterable[Projection]) -> list[Build]:
    """The builds of this process's own versions that are not shown yet; makes none."""
    return [
        Build(projection, number, schema, live=False)
        for projection in projections
        for number, version, schema, state in _rows(connection, projection.name)
        if state == "filling" and version == projection.version
    ]


def rebuild(connection: Connection[Any], projection: Projection, policies: Policies) -> Build:
    """Begin a build beside the live one, of the same version or a new one; the projector fills and swaps it."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        for number, _, _, state in _rows(connection, projection.name):
            if state == "filling":
                _mark(connection, projection.name, number, "retired")
        return _make(connection, projection, policies, "filling")


def scratch(connection: Connection[Any], projection: Projection, policies: Policies) -> Build:
    """A build that is never shown: to compare with the live one. `drop` it afterwards."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        return _make(connection, projection, policies, "scratch")


def swap(connection: Connection[Any], build: Build) -> bool:
    """Show `build` in place of the live one, if it has caught up with it and with every log.

    Caught up: at or past the live build for each tenant, and no event left out that is older than a second. A parked
    tenant holds nothing up where it stands no better in the live build; nor where that is of an older version which
    nobody fills any more, and somebody is well served by the new one: all tenants would stand still for one.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        names = {"name": build.projection.name, "build": build.number, "version": build.projection.version}
        abandoned = connection.execute(_ABANDONED, names).fetchone()
        behind = connection.execute(_NOT_CAUGHT_UP, {**names, "abandoned": abandoned is not None}).fetchone()
        if behind is not None:
            return False
        connection.execute(
            "UPDATE ops.projection_versions SET state = 'retired', changed_at = now() "
            "WHERE name = %(name)s AND state = 'live'",
            names,
        )
        _mark(connection, build.projection.name, build.number, "live")
    log.info("projection %s: build %d is live", build.projection.name, build.number)
    return True


def drop_retired(connection: Connection[Any], names: Iterable[str], after: timedelta) -> int:
    """Drop builds retired longer than `after` ago, and forgotten scratch ones; one still being read waits its turn."""
    rows = connection.execute(
        "SELECT name, build, schema_name FROM ops.projection_versions "
        "WHERE name = ANY(%s) AND (state = 'retired' AND changed_at < now() - %s "
        "OR state = 'scratch' AND changed_at < now() - interval '6 hours')",
        (list(names), after),
    ).fetchall()
    dropped = 0
    for name, number, schema in rows:
        try:
            drop(connection, name, number, schema)
        except LockNotAvailable:
            log.info("projection %s: build %d is still being read", name, number)
        else:
            dropped += 1
    return dropped


def drop(connection: Connection[Any], name: str, number: int, schema: str) -> None:
    """Drop one build with its positions. Raises `LockNotAvailable` while somebody reads it."""
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '200ms'")
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
        connection.execute(
            "DELETE FROM ops.projection_positions WHERE projection = %s AND build = %s", (name, number)
        )
        connection.execute(
            "DELETE FROM ops.projection_versions WHERE name = %s AND build = %s", (name, number)
        )


def live_schema(connection: Connection[Any], name: str) -> tuple[int, str] | None:
    """Number and schema of the live build."""
    row = connection.execute(
        "SELECT build, schema_name FROM ops.projection_versions WHERE name = %s AND state = 'live'", (name,)
    ).fetchone()
    return None if row is None else (row[0], row[1])


def _rows(connection: Connection[Any], name: str) -> list[tuple[int, int, str, str]]:
    return connection.execute(
        "SELECT build, version, schema_name, state FROM ops.projection_versions "
        "WHERE name = %s AND state IN ('live', 'filling') ORDER BY build",
        (name,),
    ).fetchall()


def _make(connection: Connection[Any], projection: Projection, policies: Policies, state: str) -> Build:
    row = connection.execute(
        "SELECT coalesce(max(build), 0) + 1 FROM ops.projection_versions WHERE name = %s", (projection.name,)
    ).fetchone()
    number: int = row[0] if row else 1
    schema = f"views_{projection.name}_v{projection.version}_{number}"
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    for table in projection.tables.values():
        for statement in table.ddl(schema):
            connection.execute(statement.encode())
    for protection in policies(schema, *projection.tables):
        connection.execute(protection)
    connection.execute(
        "INSERT INTO ops.projection_versions (name, build, version, schema_name, state) VALUES (%s, %s, %s, %s, %s)",
        (projection.name, number, projection.version, schema, state),
    )
    return Build(projection, number, schema, live=state == "live")


def _mark(connection: Connection[Any], name: str, number: int, state: str) -> None:
    connection.execute(
        "UPDATE ops.projection_versions SET state = %s, changed_at = now() WHERE name = %s AND build = %s",
        (state, name, number),
    )


_ABANDONED: Final = """
    SELECT 1
    FROM log.heads h
    JOIN ops.projection_versions v ON v.name = %(name)s AND v.state = 'live' AND v.version < %(version)s
    LEFT JOIN ops.projection_positions l
        ON l.projection = v.name AND l.build = v.build AND l.tenant_id = h.tenant_id
    JOIN ops.projection_positions n
        ON n.projection = v.name AND n.build = %(build)s AND n.tenant_id = h.tenant_id
    WHERE n.state = 'live' AND n.position = h.position AND h.recorded_at < now() - interval '5 seconds'
        AND (l.tenant_id IS NULL OR (l.state = 'live' AND (l.epoch, l.position) < (h.epoch, h.position)))
    LIMIT 1
"""
_NOT_CAUGHT_UP: Final = """
    SELECT 1
    FROM log.heads h
    LEFT JOIN ops.projection_positions n
        ON n.projection = %(name)s AND n.build = %(build)s AND n.tenant_id = h.tenant_id
    LEFT JOIN ops.projection_versions v ON v.name = %(name)s AND v.state = 'live'
    LEFT JOIN ops.projection_positions l
        ON l.projection = v.name AND l.build = v.build AND l.tenant_id = h.tenant_id
    WHERE h.position > 0 AND (n.tenant_id IS NULL OR CASE n.state WHEN 'poisoned' THEN
        (l.state IS DISTINCT FROM 'poisoned' OR (n.epoch, n.position) < (l.epoch, l.position))
        AND (v.version = %(version)s OR NOT %(abandoned)s)
    ELSE
        n.epoch <> h.epoch
        OR h.position - n.position > 1000
        OR (n.position < h.position AND h.recorded_at < now() - interval '1 second')
        OR (n.epoch, n.position) < (l.epoch, l.position)
    END)
    LIMIT 1
"""
