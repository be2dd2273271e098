"""What operators see of the projections: how far behind, what is parked and why; and what they can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from projections.runtime.positions import retry

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from psycopg import Connection

__all__ = ["BuildStatus", "Parked", "parked", "retry", "status"]


@dataclass(frozen=True, slots=True)
class BuildStatus:
    """One build. `events` not taken in yet, over `tenants_behind` logs; `seconds`: the age of the oldest of them.

    `parked`: tenants for whom it stopped at an event. `state`: `live`, `filling`, `retired` or `scratch`.
    """

    projection: str
    version: int
    build: int
    schema: str
    state: str
    tenants_behind: int
    events: int
    seconds: float
    parked: int


@dataclass(frozen=True, slots=True)
class Parked:
    """A projection that stopped for a tenant: at which event, since when, and the class of what went wrong."""

    projection: str
    build: int
    tenant_id: UUID
    position: int
    error: str
    since: datetime


def status(connection: Connection[Any]) -> list[BuildStatus]:
    """Every build there is, by name."""
    return [BuildStatus(*row) for row in connection.execute(_STATUS).fetchall()]


def parked(connection: Connection[Any]) -> list[Parked]:
    """What stopped, the latest first; `retry(connection, tenant_id, projection)` lets it try again."""
    rows = connection.execute(
        "SELECT projection, build, tenant_id, error_position, error, updated_at FROM ops.projection_positions "
        "WHERE state = 'poisoned' ORDER BY updated_at DESC"
    )
    return [Parked(*row) for row in rows]


_STATUS: Final = """
    SELECT v.name, v.version, v.build, v.schema_name, v.state,
        count(h.tenant_id) FILTER (WHERE h.behind > 0),
        coalesce(sum(h.behind), 0)::bigint,
        coalesce(extract(epoch FROM clock_timestamp() - min(e.recorded_at)), 0)::float8,
        count(*) FILTER (WHERE h.parked)
    FROM ops.projection_versions v
    LEFT JOIN LATERAL (
        SELECT h.tenant_id, coalesce(p.state = 'poisoned', false) AS parked, coalesce(p.position, 0) AS position,
            CASE WHEN p.epoch < h.epoch THEN h.position ELSE h.position - coalesce(p.position, 0) END AS behind
        FROM log.heads h
        LEFT JOIN ops.projection_positions p
            ON p.projection = v.name AND p.build = v.build AND p.tenant_id = h.tenant_id
        WHERE v.state IN ('live', 'filling') AND (p.position IS NULL OR p.position < h.position OR p.epoch < h.epoch)
            AND h.position > 0
    ) h ON true
    LEFT JOIN LATERAL (
        SELECT recorded_at FROM log.events e WHERE e.tenant_id = h.tenant_id AND e.position = h.position + 1
    ) e ON true
    GROUP BY v.name, v.version, v.build, v.schema_name, v.state
    ORDER BY v.name, v.build
"""
