"""How far each access log was looked through: `ops.access_watches`, one row a tenant.

Apart from the views: it is no function of a log, and may be lost. A log of a new epoch is looked through from its
beginning: what was told of it before is not told again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from application.ports.watching import Behind

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool


class PostgresWatchCursors:
    """Implements `WatchCursors`. `pool` connects as the role that owns the views."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        """Read and write through `pool`."""
        self._pool = pool

    async def behind(self, limit: int) -> list[Behind]:
        """See `WatchCursors.behind`."""
        async with self._pool.connection() as connection:
            rows = await connection.execute(_BEHIND, (limit,))
            return [Behind(*row) async for row in rows]

    async def reached(self, tenant_id: UUID, epoch: int, position: int) -> None:
        """See `WatchCursors.reached`."""
        async with self._pool.connection() as connection:
            await connection.execute(_REACHED, (tenant_id, epoch, position))


_BEHIND: Final = """
    SELECT h.tenant_id, h.epoch, CASE WHEN w.epoch = h.epoch THEN w.position ELSE 0 END, h.position
    FROM log.access_heads h LEFT JOIN ops.access_watches w USING (tenant_id)
    WHERE h.position > 0 AND (w.epoch IS DISTINCT FROM h.epoch OR w.position < h.position)
    ORDER BY w.looked_at NULLS FIRST LIMIT %s
"""
_REACHED: Final = """
    INSERT INTO ops.access_watches AS w (tenant_id, epoch, position, looked_at)
    VALUES (%s, %s, %s, clock_timestamp())
    ON CONFLICT (tenant_id) DO UPDATE
    SET epoch = EXCLUDED.epoch, position = EXCLUDED.position, looked_at = EXCLUDED.looked_at
    WHERE (w.epoch, w.position) < (EXCLUDED.epoch, EXCLUDED.position)
"""
