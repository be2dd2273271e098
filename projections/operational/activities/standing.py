"""What is done with people's data now: what a person who asks is told of it (GDPR Art. 15(1)(a) to (d))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from projections.runtime.reading import snapshot

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

_STANDING: Final = (
    "SELECT t.record FROM {activities}.activities t WHERE t.tenant_id = %(tenant_id)s AND t.ended_at IS NULL "
    "ORDER BY t.created_position"
)


class StandingActivities:
    """Reads the record of processing activities."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        """Connections of `pool` see one tenant's rows."""
        self._pool = pool

    async def of(self, tenant_id: UUID) -> list[dict[str, Any]]:
        """See `Activities.of`."""
        async with (
            self._pool.connection() as connection,
            snapshot(connection, tenant_id, ("activities",)) as at,
        ):
            text = _STANDING.format_map(at.schemas)
            rows = await (await connection.execute(text.encode(), {"tenant_id": tenant_id})).fetchall()
        return [row[0] for row in rows]
