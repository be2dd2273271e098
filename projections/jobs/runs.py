"""What becomes of a job between being due and being over: `ops.job_runs`, one row a job.

sent -> running -> done, or waiting for another attempt, or failed: then somebody has to look. `until` is how long the
present state holds: the time to send, the message's patience, the worker's lease, the pause before the next attempt.
Correctness rests on the row: messages may come late, twice or never.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from projections.jobs.sweeps import SWEEPS, is_sweep, swept
from projections.runtime.builds import live_schema

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID

    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class Leased:
    """A job that is this worker's until its lease ends. `attempt` counts from 1."""

    job_id: UUID
    tenant_id: UUID
    workflow: str
    attempt: int


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that was given up: `error` is the class of what went wrong last."""

    job_id: UUID
    tenant_id: UUID
    workflow: str
    attempts: int
    error: str
    since: datetime


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How many jobs: `due` now and not taken up (the oldest for `oldest_s` seconds), `later`, and by state."""

    due: int
    later: int
    sent: int
    running: int
    waiting: int
    failed: int
    oldest_s: float


def take_due(connection: Connection[Any], patience: timedelta, limit: int = 100) -> list[UUID]:
    """Mark jobs to be sent now, the longest due first; the caller commits, and then sends within `patience`.

    A message that came before the commit would find no job, and be lost. Among the jobs are those whose message got
    lost, whose worker died, or whose pause is over.
    """
    live = live_schema(connection, "jobs")
    if live is None:
        return []
    text = _TAKE.format(schema=live[1])
    return [job for (job,) in connection.execute(text.encode(), {"patience": patience, "limit": limit})]


def wait_for(connection: Connection[Any], jobs: list[UUID], patience: timedelta) -> None:
    """Wait so long, from now, for the messages of jobs to be taken up; those that were taken up are left alone."""
    if jobs:
        connection.execute(
            "UPDATE ops.job_runs SET until = clock_timestamp() + %s WHERE job_id = ANY(%s) AND state = 'sent'",
            (patience, jobs),
        )


def lease(connection: Connection[Any], job_id: UUID, worker: UUID, term: timedelta) -> Leased | None:
    """Make the job this worker's; None where it is another's, is over, was given up, or has to wait."""
    row = connection.execute(_LEASE, {"job": job_id, "worker": worker, "term": term}).fetchone()
    return None if row is None else Leased(*row)


def renew(connection: Connection[Any], job_id: UUID, worker: UUID, term: timedelta) -> bool:
    """Hold the job for longer; False where it is another's by now."""
    return (
        connection.execute(
            "UPDATE ops.job_runs SET until = clock_timestamp() + %s "
            "WHERE job_id = %s AND worker = %s AND state = 'running'",
            (term, job_id, worker),
        ).rowcount
        == 1
    )


def settle(
    connection: Connection[Any],
    leased: Leased,
    worker: UUID,
    state: str,
    *,
    pause: timedelta,
    error: str | None = None,
    counts: bool = True,
) -> bool:
    """Enter how an attempt ended; False, and nothing is entered, where the job is another's by now.

    `error`: the class of what went wrong, or a word for what a job waits for. `counts=False`: the attempt was
    interrupted, or only waits, and does not count.
    """
    return (
        connection.execute(
            "UPDATE ops.job_runs SET state = %s, until = clock_timestamp() + %s, error = %s, worker = NULL, "
            "attempts = attempts - %s, updated_at = clock_timestamp() "
            "WHERE job_id = %s AND worker = %s AND state = 'running'",
            (state, pause, error, 0 if counts else 1, leased.job_id, worker),
        ).rowcount
        == 1
    )


def due_job(connection: Connection[Any], leased: Leased) -> tuple[int, UUID] | None:
    """Position and subject of a job that is still due; None where an event ended it."""
    if is_sweep(leased.workflow):
        return swept(connection, leased.workflow, leased.tenant_id)
    live = live_schema(connection, "jobs")
    if live is None:
        return None
    row = connection.execute(
        f"SELECT position, subject_id FROM {live[1]}.jobs WHERE tenant_id = %s AND job_id = %s".encode(),  # noqa: S608 - a name of our own
        (leased.tenant_id, leased.job_id),
    ).fetchone()
    return None if row is None else (row[0], row[1])


def failed_jobs(connection: Connection[Any]) -> list[FailedJob]:
    """The jobs that were given up, the latest first."""
    rows = connection.execute(
        "SELECT job_id, tenant_id, workflow, attempts, coalesce(error, ''), updated_at FROM ops.job_runs "
        "WHERE state = 'failed' ORDER BY updated_at DESC"
    )
    return [FailedJob(*row) for row in rows]


def retry_job(connection: Connection[Any], job_id: UUID) -> bool:
    """Give a failed job all its attempts again, at once; False where it had not failed."""
    return (
        connection.execute(
            "UPDATE ops.job_runs SET state = 'waiting', attempts = 0, until = clock_timestamp(), "
            "updated_at = clock_timestamp() WHERE job_id = %s AND state = 'failed'",
            (job_id,),
        ).rowcount
        == 1
    )


def counts(connection: Connection[Any]) -> JobCounts:
    """How it stands, for metrics and health."""
    live = live_schema(connection, "jobs")
    if live is None:
        return JobCounts(0, 0, 0, 0, 0, 0, 0.0)
    values = {"sweeps": [sweep.name for sweep in SWEEPS]}
    row = connection.execute(_COUNTS.format(schema=live[1]).encode(), values).fetchone()
    return JobCounts(*row) if row is not None else JobCounts(0, 0, 0, 0, 0, 0, 0.0)


def forget(connection: Connection[Any], after: timedelta) -> int:
    """Drop rows of jobs that left the list of those due longer than `after` ago."""
    live = live_schema(connection, "jobs")
    if live is None:
        return 0
    text = (
        "DELETE FROM ops.job_runs r WHERE updated_at < now() - %s AND state <> 'running' AND NOT EXISTS "  # noqa: S608 - a name of our own
        f"(SELECT FROM {live[1]}.jobs j WHERE j.tenant_id = r.tenant_id AND j.job_id = r.job_id)"
    )
    return connection.execute(text.encode(), (after,)).rowcount


_OPEN: Final = (
    "r.job_id IS NULL OR (r.state IN ('sent', 'running', 'waiting') AND r.until <= clock_timestamp())"
)
_TAKE: Final = f"""
    INSERT INTO ops.job_runs AS r (job_id, tenant_id, workflow, state, until)
    SELECT j.job_id, j.tenant_id, j.workflow, 'sent', clock_timestamp() + %(patience)s
    FROM {{schema}}.jobs j LEFT JOIN ops.job_runs r ON r.job_id = j.job_id
    WHERE j.due_at <= clock_timestamp() AND ({_OPEN})
    ORDER BY j.due_at LIMIT %(limit)s
    ON CONFLICT (job_id) DO UPDATE SET state = 'sent', until = excluded.until, worker = NULL,
        updated_at = clock_timestamp() WHERE {_OPEN}
    RETURNING r.job_id
"""  # noqa: S608 - constants
_LEASE: Final = """
    UPDATE ops.job_runs SET state = 'running', worker = %(worker)s, attempts = attempts + 1,
        until = clock_timestamp() + %(term)s, updated_at = clock_timestamp()
    WHERE job_id = %(job)s AND state IN ('sent', 'running', 'waiting')
        AND (state = 'sent' OR until <= clock_timestamp())
    RETURNING job_id, tenant_id, workflow, attempts
"""
_COUNTS: Final = """
    SELECT count(*) FILTER (WHERE j.due_at <= now() AND (r.job_id IS NULL OR r.state IN ('sent', 'waiting'))),
        count(*) FILTER (WHERE j.due_at > now()),
        count(*) FILTER (WHERE r.state = 'sent'),
        count(*) FILTER (WHERE r.state = 'running'),
        count(*) FILTER (WHERE r.state = 'waiting'),
        count(*) FILTER (WHERE r.state = 'failed'),
        coalesce(extract(epoch FROM now() - min(j.due_at) FILTER (
            WHERE j.due_at <= now() AND (r.job_id IS NULL OR r.state IN ('sent', 'waiting')))), 0)::float8
    FROM (
        SELECT job_id, due_at FROM {schema}.jobs
        UNION ALL SELECT job_id, updated_at FROM ops.job_runs WHERE workflow = ANY(%(sweeps)s) AND state <> 'done'
    ) j LEFT JOIN ops.job_runs r ON r.job_id = j.job_id
"""
