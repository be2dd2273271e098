"""What has caught up with a place in a tenant's log: every view, and analytics. For receipts, by HTTP and by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from application.ports.analytics import AnalyticsError
from application.ports.log import LogUnavailable
from application.ports.positions import Position

if TYPE_CHECKING:
    from uuid import UUID

    from api.parts import Composition

ANALYTICS: Final = "analytics"
"""Its name among the views: the file of facts that every report is made from."""
_STANDING: Final = """
    SELECT v.name, coalesce(p.epoch, 0), coalesce(p.position, 0), coalesce(p.state, 'live')
    FROM ops.projection_versions v
    LEFT JOIN ops.projection_positions p
        ON p.projection = v.name AND p.build = v.build AND p.tenant_id = %s
    WHERE v.state = 'live' ORDER BY v.name
"""


async def caught_up(parts: Composition, tenant_id: UUID, wanted: Position) -> dict[str, dict[str, Any]]:
    """By view: `reached`, whether it shows what happened up to `wanted`; `stopped`, whether it stands at some event.

    Analytics that cannot be asked now has None for both. Raises `LogUnavailable`.
    """
    try:
        async with parts.views.connection() as connection, connection.transaction():
            await connection.execute("SELECT set_config('app.tenant_id', %s, true)", (str(tenant_id),))
            cursor = await connection.execute(_STANDING, (tenant_id,))
            rows = await cursor.fetchall()
    except (OperationalError, PoolTimeout) as error:
        raise LogUnavailable("the database cannot be reached; try again") from error
    views = {
        name: {"reached": Position(at, n) >= wanted, "stopped": state == "poisoned"}
        for name, at, n, state in rows
    }
    return {ANALYTICS: await _analytics(parts, tenant_id, wanted), **views}


async def _analytics(parts: Composition, tenant_id: UUID, wanted: Position) -> dict[str, Any]:
    try:
        standing = await parts.analytics.standing(tenant_id)
    except AnalyticsError:
        return {"reached": None, "stopped": None}
    return {"reached": standing.position >= wanted, "stopped": standing.stopped}
