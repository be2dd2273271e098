"""How far each run of each webhook endpoint has come: `ops.webhook_runs`, one row a run.

Apart from the view, which can be rebuilt: a cursor that was lost would send everything again. What there is to send
follows from the view `webhook_endpoints`, and no further than that view has come, so that a pause at a position holds
from that position on.
"""

from __future__ import annotations

from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any, Final

from application.ports.webhooks import Progress, Run

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

_PROGRESS: Final = tuple(field.name for field in fields(Progress))


class PostgresWebhookRuns:
    """Implements `WebhookRuns`. `pool` connects as the role that owns the views."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        """Read and write through `pool`."""
        self._pool = pool

    async def due(self, now: datetime, limit: int, share: int) -> list[Run]:
        """See `WebhookRuns.due`."""
        async with self._pool.connection() as connection:
            live = await (await connection.execute(_LIVE)).fetchone()
            if live is None or limit <= 0:
                return []
            text = _DUE.format(schema=live[1]).encode()
            asked = {"build": live[0], "now": now, "limit": limit, "share": share}
            rows = await connection.execute(text, asked)
            return [
                Run(tenant, run, endpoint, url, tuple(events), tuple(secrets), *rest)
                async for tenant, run, endpoint, url, events, secrets, *rest in rows
            ]

    async def claim(self, run: Run, worker: UUID, now: datetime) -> Progress | None:
        """See `WebhookRuns.claim`."""
        values = {
            "tenant": run.tenant_id,
            "run": run.run_id,
            "endpoint": run.endpoint_id,
            "epoch": run.epoch,
            "position": run.after,
            "era": run.era,
            "now": now,
            "worker": worker,
        }
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_CLAIM.encode(), values)).fetchone()
        return None if row is None else Progress(*row)

    async def move(self, run: Run, worker: UUID, before: Progress, after: Progress) -> bool:
        """See `WebhookRuns.move`."""
        async with self._pool.connection() as connection:
            moved = await connection.execute(
                _MOVE.encode(), (*astuple(after), run.tenant_id, run.run_id, worker, before.position)
            )
            return moved.rowcount == 1

    async def release(self, run: Run, worker: UUID) -> None:
        """See `WebhookRuns.release`."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "UPDATE ops.webhook_runs SET worker = NULL, lease_until = NULL "
                "WHERE tenant_id = %s AND run_id = %s AND worker = %s",
                (run.tenant_id, run.run_id, worker),
            )


_LIVE: Final = (
    "SELECT build, schema_name FROM ops.projection_versions "
    "WHERE name = 'webhook_endpoints' AND state = 'live'"
)
_FREE: Final = "(d.lease_until IS NULL OR d.lease_until <= clock_timestamp())"
# A run's place is its rank among the tenant's, behind those that are under way. Places are worked out before the limit,
# over what is due at this moment alone; secrets are looked up for what is given.
_DUE: Final = f"""
    WITH busy AS (
        SELECT tenant_id, count(*) AS turns FROM ops.webhook_runs
        WHERE lease_until > clock_timestamp() GROUP BY tenant_id
    ), due AS (
    SELECT r.tenant_id, r.run_id, r.endpoint_id, e.url, e.events, e.era, r.after_position,
        least(r.last_position, p.position) AS up_to, p.epoch, r.last_position IS NOT NULL AS replay, d.next_at,
        coalesce(b.turns, 0) + row_number() OVER (
            PARTITION BY r.tenant_id ORDER BY d.next_at NULLS FIRST, r.run_id) AS place
    FROM {{schema}}.webhook_endpoints e
    JOIN {{schema}}.webhook_runs r ON r.tenant_id = e.tenant_id AND r.endpoint_id = e.endpoint_id
    JOIN ops.projection_positions p ON p.projection = 'webhook_endpoints' AND p.build = %(build)s
        AND p.tenant_id = e.tenant_id
    LEFT JOIN ops.webhook_runs d ON d.tenant_id = r.tenant_id AND d.run_id = r.run_id
    LEFT JOIN busy b ON b.tenant_id = r.tenant_id
    WHERE e.state = 'active' AND {_FREE} AND (
        d.epoch < p.epoch
        OR (coalesce(d.position, r.after_position) < least(r.last_position, p.position)
            AND (d.run_id IS NULL OR d.next_at <= %(now)s OR d.era <> e.era)))
    )
    SELECT tenant_id, run_id, endpoint_id, url, events,
        ARRAY(SELECT s.secret_id FROM {{schema}}.webhook_secrets s
              WHERE s.tenant_id = due.tenant_id AND s.endpoint_id = due.endpoint_id
              AND (s.retires_at IS NULL OR s.retires_at > %(now)s) ORDER BY s.retires_at NULLS FIRST),
        era, after_position, up_to, epoch, replay
    FROM due WHERE place <= %(share)s ORDER BY place, next_at NULLS FIRST LIMIT %(limit)s
"""  # noqa: S608 - constants
# After a restore that lost its tail the log is in a new epoch: the cursor goes back to the last event that is still
# there and that it had reached. Positions of the lost tail are given anew, moments are not; events that were recorded
# together share a moment, and are told apart by their positions.
_CLAIM: Final = f"""
    INSERT INTO ops.webhook_runs AS d
        (tenant_id, run_id, endpoint_id, epoch, position, era, next_at, worker, lease_until)
    VALUES (%(tenant)s, %(run)s, %(endpoint)s, %(epoch)s, %(position)s, %(era)s, %(now)s, %(worker)s,
        clock_timestamp() + interval '30 s')
    ON CONFLICT (tenant_id, run_id) DO UPDATE SET
        worker = excluded.worker,
        lease_until = excluded.lease_until,
        position = CASE WHEN d.epoch >= excluded.epoch THEN d.position ELSE greatest(excluded.position, (
            SELECT e.position FROM log.events e WHERE e.tenant_id = d.tenant_id AND e.recorded_at <= d.reached_at
                AND e.position <= d.position
            ORDER BY e.position DESC LIMIT 1)) END,
        epoch = greatest(d.epoch, excluded.epoch),
        era = excluded.era,
        next_at = excluded.next_at,
        attempts = CASE WHEN d.era = excluded.era AND d.epoch >= excluded.epoch THEN d.attempts ELSE 0 END,
        failures = CASE WHEN d.era = excluded.era AND d.epoch >= excluded.epoch THEN d.failures ELSE 0 END
    WHERE {_FREE}
    RETURNING {", ".join(f"d.{name}" for name in _PROGRESS)}
"""  # noqa: S608 - constants
_MOVE: Final = f"""
    UPDATE ops.webhook_runs SET {", ".join(f"{name} = %s" for name in _PROGRESS)}
    WHERE tenant_id = %s AND run_id = %s AND worker = %s AND position = %s
"""  # noqa: S608 - constants
