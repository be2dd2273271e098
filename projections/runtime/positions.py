"""Where each build stands in each log: who is behind, and the compare-and-set that moves a batch on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from psycopg import Connection

    from projections.runtime.builds import Build


MOST_BEHIND: Final = 10_000
"""How many pairs of build and log one look gives at most."""


class Overtaken(Exception):
    """Somebody else moved these positions since they were read: nothing of the batch may be kept."""


@dataclass(frozen=True, slots=True)
class Behind:
    """One build that has not taken in the whole of one log. `known`: it has a position row. `epoch`: that row's."""

    build: Build
    tenant_id: UUID
    known: bool
    epoch: int
    position: int
    head_epoch: int
    head: int


@dataclass(frozen=True, slots=True)
class Step:
    """A build's move from `old` to `new` in one log, whose epoch stays."""

    build: Build
    tenant_id: UUID
    known: bool
    epoch: int
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log stands."""

    tenant_id: UUID
    epoch: int
    position: int
    recorded_at: datetime


def heads_since(connection: Connection[Any], since: datetime) -> list[Head]:
    """The heads of logs written to at or after `since`."""
    rows = connection.execute(
        "SELECT tenant_id, epoch, position, recorded_at FROM log.heads WHERE recorded_at >= %s AND position > 0",
        (since,),
        binary=True,
    )
    return [Head(*row) for row in rows]


def find_behind(
    connection: Connection[Any],
    builds: Sequence[Build],
    tenants: Sequence[UUID] | None = None,
    limit: int = MOST_BEHIND,
) -> list[Behind]:
    """Who is behind, of these tenants or of all, those that waited longest first. Parked ones are left out.

    One statement for all builds.
    """
    wanted = {
        "projections": [build.projection.name for build in builds],
        "builds": [build.number for build in builds],
        "limit": limit,
    }
    if tenants is None:
        rows = connection.execute(_BEHIND_OF_ALL, wanted, binary=True).fetchall()
    else:
        rows = connection.execute(
            _BEHIND_OF_SOME, {**wanted, "tenants": list(tenants)}, binary=True
        ).fetchall()
    return [Behind(builds[index - 1], *rest) for index, *rest in rows]


_BUILDS: Final = """
    unnest(%(projections)s::text[], %(builds)s::int[]) WITH ORDINALITY AS b(projection, build, index)
"""
_THERE: Final = "p.projection = b.projection AND p.build = b.build AND p.tenant_id = h.tenant_id"
_COLUMNS_BEHIND: Final = """
    b.index, h.tenant_id, p.tenant_id IS NOT NULL, coalesce(p.epoch, h.epoch), coalesce(p.position, 0),
    h.epoch, h.position
"""
_IS_BEHIND: Final = """
    h.position > 0
    AND (p.tenant_id IS NULL OR (p.state = 'live' AND (p.position < h.position OR p.epoch < h.epoch)))
    ORDER BY p.updated_at NULLS FIRST, h.tenant_id
    LIMIT %(limit)s
"""
_BEHIND_OF_ALL: Final = f"""
    SELECT {_COLUMNS_BEHIND} FROM log.heads h CROSS JOIN {_BUILDS} LEFT JOIN ops.projection_positions p ON {_THERE}
    WHERE {_IS_BEHIND}
"""  # noqa: S608 - constants
# LIMIT 1 keeps the plan on the index, whatever the planner thinks of the number of tenants.
_BEHIND_OF_SOME: Final = f"""
    SELECT {_COLUMNS_BEHIND} FROM log.heads h CROSS JOIN {_BUILDS}
    LEFT JOIN LATERAL (SELECT * FROM ops.projection_positions p WHERE {_THERE} LIMIT 1) p ON true
    WHERE h.tenant_id = ANY(%(tenants)s) AND {_IS_BEHIND}
"""  # noqa: S608 - constants


def move(connection: Connection[Any], steps: Sequence[Step]) -> None:
    """Move every step's position row, or raise `Overtaken` if any is not where the step begins."""
    for known, statement in ((True, _MOVE), (False, _BEGIN)):
        rows = [_row(step) | {"new": step.new} for step in steps if step.known is known]
        if rows:
            done = connection.execute(statement, [orjson.dumps(rows).decode()])
            if done.rowcount != len(rows):
                raise Overtaken(Overtaken.__doc__)


def park(connection: Connection[Any], step: Step, error: str) -> None:
    """Stop one build for one tenant at the event after `step.old`; `error` names a class, never a value.

    Raises `Overtaken`.
    """
    with connection.transaction():
        if not step.known:
            move(connection, [Step(step.build, step.tenant_id, known=False, epoch=step.epoch, old=0, new=0)])
        row = _row(step) | {"error": error, "at": step.new}
        if connection.execute(_PARK, [orjson.dumps([row]).decode()]).rowcount != 1:
            raise Overtaken(Overtaken.__doc__)


def retry(connection: Connection[Any], tenant_id: UUID, projection: str) -> int:
    """Let a parked projection of a tenant try again; how many builds of it were parked."""
    with connection.transaction():
        return connection.execute(
            "UPDATE ops.projection_positions SET state = 'live', error = NULL, error_position = NULL, "
            "updated_at = now() WHERE tenant_id = %s AND projection = %s AND state = 'poisoned'",
            (tenant_id, projection),
        ).rowcount


def start_again(connection: Connection[Any], behind: Behind) -> None:
    """Drop a tenant's rows of a build and put it at the beginning of the log's new epoch. Raises `Overtaken`.

    After a restore lost the end of a log: what was made from the lost events must go.
    """
    build = behind.build
    with connection.transaction():
        moved = connection.execute(
            "UPDATE ops.projection_positions SET epoch = %s, position = 0, updated_at = now() WHERE "
            "projection = %s AND build = %s AND tenant_id = %s AND epoch = %s AND position = %s AND state = 'live'",
            (
                behind.head_epoch,
                build.projection.name,
                build.number,
                behind.tenant_id,
                behind.epoch,
                behind.position,
            ),
        )
        if moved.rowcount != 1:
            raise Overtaken(Overtaken.__doc__)
        for table in build.projection.tables:
            connection.execute(
                f"DELETE FROM {build.schema}.{table} WHERE tenant_id = %s".encode(),  # noqa: S608 - names are of our own declarations
                (behind.tenant_id,),
            )


def _row(step: Step) -> dict[str, Any]:
    return {
        "projection": step.build.projection.name,
        "build": step.build.number,
        "tenant_id": step.tenant_id,
        "epoch": step.epoch,
        "old": step.old,
    }


_COLUMNS: Final = "projection text, build int, tenant_id uuid, epoch int, old bigint"
_AT_ITS_PLACE: Final = """
    p.projection = s.projection AND p.build = s.build AND p.tenant_id = s.tenant_id
    AND p.epoch = s.epoch AND p.position = s.old AND p.state = 'live'
"""
_MOVE: Final = f"""
    UPDATE ops.projection_positions p SET position = s.new, updated_at = clock_timestamp()
    FROM json_to_recordset(%s::json) AS s({_COLUMNS}, new bigint) WHERE {_AT_ITS_PLACE}
"""  # noqa: S608 - constants
_BEGIN: Final = f"""
    INSERT INTO ops.projection_positions (projection, build, tenant_id, epoch, position)
    SELECT projection, build, tenant_id, epoch, new FROM json_to_recordset(%s::json) AS s({_COLUMNS}, new bigint)
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants
_PARK: Final = f"""
    UPDATE ops.projection_positions p
    SET state = 'poisoned', error = s.error, error_position = s.at, updated_at = clock_timestamp()
    FROM json_to_recordset(%s::json) AS s({_COLUMNS}, error text, at bigint) WHERE {_AT_ITS_PLACE}
"""  # noqa: S608 - constants
