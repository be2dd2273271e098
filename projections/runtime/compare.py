"""Whether a rebuild equals the live view, row by row: for tests, for operators, for the crash harness."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import IsolationLevel

from projections.runtime import builds
from projections.runtime.batch import take_in
from projections.runtime.positions import find_behind
from projections.runtime.shares import shares

if TYPE_CHECKING:
    from psycopg import Connection

    from projections.runtime.builds import Build
    from projections.runtime.projector import ProjectorSettings

_LAPS = 50


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows of one table that stand in the live view alone, and in the rebuilt one alone."""

    table: str
    only_live: int
    only_rebuilt: int


@dataclass(slots=True)
class Comparison:
    """What was compared: `tenants` whose live view stood at the rebuilt position; `skipped` moved on meanwhile."""

    projection: str
    tenants: int = 0
    skipped: int = 0
    rows: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """No row differs, and something was compared or there was nothing."""
        return not self.differences


def compare(settings: ProjectorSettings, connection: Connection[Any], name: str) -> Comparison:
    """Rebuild a projection aside, compare it with the live one, drop it. Raises `LookupError` where none is live.

    The projector may run meanwhile; on a busy system some tenants have always moved on and are skipped.
    """
    (projection,) = (one for one in settings.projections if one.name == name)
    live = builds.live_schema(connection, name)
    if live is None:
        raise LookupError(f"projection {name} has no live build")
    scratch = builds.scratch(connection, projection, settings.policies)
    try:
        _fill(settings, connection, scratch)
        return _compared(connection, scratch, *live)
    finally:
        builds.drop(connection, name, scratch.number, scratch.schema)


def _fill(settings: ProjectorSettings, connection: Connection[Any], build: Build) -> None:
    """Bring it to the heads; a few last laps for what was appended meanwhile."""
    laps = 0
    while laps < _LAPS and (behind := find_behind(connection, [build])):
        steps = shares(behind, settings.catch_up_batch)
        take_in(connection, settings.codec, steps)
        if sum(one.head - one.position for one in behind) <= settings.catch_up_batch:
            laps += 1


def _compared(connection: Connection[Any], scratch: Build, number: int, schema: str) -> Comparison:
    result = Comparison(scratch.projection.name)
    names = {"name": scratch.projection.name, "live": number, "scratch": scratch.number}
    before = connection.isolation_level
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with connection.transaction():
            rows = connection.execute(
                "SELECT h.tenant_id, coalesce((l.epoch, l.position) = (s.epoch, s.position), false) FROM log.heads h "
                "LEFT JOIN ops.projection_positions l ON l.projection = %(name)s AND l.build = %(live)s "
                "AND l.tenant_id = h.tenant_id "
                "LEFT JOIN ops.projection_positions s ON s.projection = %(name)s AND s.build = %(scratch)s "
                "AND s.tenant_id = h.tenant_id WHERE h.position > 0",
                names,
            ).fetchall()
            level = [tenant for tenant, same in rows if same]
            result.tenants, result.skipped = len(level), len(rows) - len(level)
            for table in scratch.projection.tables:
                result.rows += _count(connection, f"SELECT * FROM {schema}.{table} {_OF}", level)  # noqa: S608 - names are of our own declarations
                live_alone, rebuilt_alone = (
                    _count(
                        connection,
                        f"SELECT * FROM {one}.{table} {_OF} EXCEPT ALL SELECT * FROM {other}.{table} {_OF}",  # noqa: S608 - names are of our own declarations
                        level,
                    )
                    for one, other in ((schema, scratch.schema), (scratch.schema, schema))
                )
                if live_alone or rebuilt_alone:
                    result.differences.append(Difference(table, live_alone, rebuilt_alone))
    finally:
        connection.isolation_level = before
    return result


_OF = "WHERE tenant_id = ANY(%(tenants)s)"


def _count(connection: Connection[Any], rows: str, tenants: list[Any]) -> int:
    text = f"SELECT count(*) FROM ({rows}) rows"  # noqa: S608 - made of our own names
    found = connection.execute(text.encode(), {"tenants": tenants}).fetchone()
    return 0 if found is None else int(found[0])
