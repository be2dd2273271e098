"""Sweeps: jobs that rows of a view make due, and not single events: many at once, and one job for all of a tenant's.

A hundred thousand people may have the same moment. So a tenant has one open run of a sweep at most, which works through
all that is due; what it did comes back as events that move the rows on. What is still due a while after it ended, since
the view was behind or somebody's clock was, makes the next run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from projections.runtime.builds import live_schema

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class Sweep:
    """A workflow that is due for a tenant while rows of `table` in `view` have a past moment in their column `at`.

    The table has an index over `at` and the tenant. The job's subject is the tenant.
    """

    name: str
    view: str
    table: str
    at: str


SWEEPS: Final = (Sweep("permission.announce", "standings", "standings", "due_at"),)
_BY_NAME: Final = {sweep.name: sweep for sweep in SWEEPS}
AGAIN_AFTER: Final = timedelta(seconds=10)
"""How long the next run waits for the view to take in what the last one did."""


def take_sweeps(
    connection: Connection[Any], patience: timedelta, again_after: timedelta = AGAIN_AFTER, limit: int = 100
) -> list[UUID]:
    """Mark runs to be sent now, as `take_due` marks jobs; among them those whose message or worker got lost.

    A run's id follows from the one before: two dispatchers that look at the same moment begin one.
    """
    taken: list[UUID] = []
    for sweep in SWEEPS:
        live = live_schema(connection, sweep.view)
        if live is not None:
            text = _taking(connection, sweep, live[1])
            values = {
                "workflow": sweep.name,
                "patience": patience,
                "again_after": again_after,
                "limit": limit,
            }
            taken += [job for (job,) in connection.execute(text.encode(), values)]
    return taken


def swept(connection: Connection[Any], workflow: str, tenant_id: UUID) -> tuple[int, UUID] | None:
    """Position of the event behind the row that is due longest, and the subject; None where nothing is due any more."""
    sweep = _BY_NAME[workflow]
    live = live_schema(connection, sweep.view)
    if live is None:
        return None
    row = connection.execute(
        f"SELECT updated_position FROM {live[1]}.{sweep.table} d "  # noqa: S608 - names of our own
        f"WHERE tenant_id = %s AND {sweep.at} <= clock_timestamp() AND {_open(connection)} "
        f"ORDER BY {sweep.at} LIMIT 1".encode(),
        (tenant_id,),
    ).fetchone()
    return None if row is None else (row[0], tenant_id)


def is_sweep(workflow: str) -> bool:
    """Whether rows of a view make it due."""
    return workflow in _BY_NAME


def _taking(connection: Connection[Any], sweep: Sweep, schema: str) -> str:
    return _TAKE.format(rows=f"{schema}.{sweep.table}", at=sweep.at, is_open=_open(connection))


def _open(connection: Connection[Any]) -> str:
    """That the tenant of a row `d` is not closed: in its log nothing works any more, and nothing is announced."""
    live = live_schema(connection, "tenants")
    if live is None:
        return "true"
    return (
        f"NOT EXISTS (SELECT FROM {live[1]}.tenants t "
        "WHERE t.tenant_id = d.tenant_id AND t.status = 'closed')"
    )


# The runs of those tenants alone are looked up that have something due: most have not, and runs stay for a month.
_TAKE: Final = """
    WITH begun AS (
        INSERT INTO ops.job_runs AS r (job_id, tenant_id, workflow, state, until)
        SELECT md5(concat_ws('|', %(workflow)s::text, d.tenant_id, runs.ended_at))::uuid, d.tenant_id, %(workflow)s,
            'sent', clock_timestamp() + %(patience)s
        FROM (SELECT DISTINCT tenant_id FROM {rows} WHERE {at} <= clock_timestamp()) d
        CROSS JOIN LATERAL (
            SELECT bool_or(state IN ('sent', 'running', 'waiting')) AS is_open,
                max(updated_at) FILTER (WHERE state IN ('done', 'failed')) AS ended_at
            FROM ops.job_runs one WHERE one.workflow = %(workflow)s AND one.tenant_id = d.tenant_id
        ) runs
        WHERE {is_open} AND runs.is_open IS NOT TRUE
            AND (runs.ended_at IS NULL OR runs.ended_at <= clock_timestamp() - %(again_after)s)
        LIMIT %(limit)s
        ON CONFLICT DO NOTHING
        RETURNING r.job_id
    ), lost AS (
        UPDATE ops.job_runs SET state = 'sent', until = clock_timestamp() + %(patience)s, worker = NULL,
            updated_at = clock_timestamp()
        WHERE workflow = %(workflow)s AND state IN ('sent', 'running', 'waiting') AND until <= clock_timestamp()
        RETURNING job_id
    )
    SELECT job_id FROM begun UNION ALL SELECT job_id FROM lost
"""
