"""Whose permissions are due to be announced: a tenant's rows whose moment has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from domain.audience.lapse import OneLapse
from projections.runtime.reading import snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

_DUE: Final = """
    SELECT t.due_at, t.addressee_id, t.sender_id, t.due_for, nullif(t.sender_id, t.tenant_id)
    FROM {standings}.standings t
    WHERE t.tenant_id = %(tenant_id)s AND t.due_at <= clock_timestamp()
        AND (%(due_at)s::timestamptz IS NULL
            OR (t.due_at, t.addressee_id, t.sender_id) > (%(due_at)s, %(addressee_id)s::uuid, %(sender_id)s::uuid))
    ORDER BY t.due_at, t.addressee_id, t.sender_id LIMIT %(limit)s
"""


class StandingLapses:
    """Reads the view, a page at a time: nobody holds a connection while people are judged."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        """Connections of `pool` see one tenant's rows."""
        self._pool = pool

    async def due(self, tenant_id: UUID, together: int) -> AsyncIterator[list[OneLapse]]:
        """See `Lapses.due`. Rows that the events of a page move on are passed already, whenever that shows."""
        values: dict[str, Any] = {
            "tenant_id": tenant_id,
            "due_at": None,
            "addressee_id": None,
            "sender_id": None,
            "limit": together,
        }
        while True:
            async with (
                self._pool.connection() as connection,
                snapshot(connection, tenant_id, ("standings",)) as at,
            ):
                cursor = await connection.execute(_DUE.format_map(at.schemas).encode(), values)
                rows = await cursor.fetchall()
            if not rows:
                return
            values |= dict(zip(("due_at", "addressee_id", "sender_id"), rows[-1][:3], strict=True))
            yield [
                OneLapse(addressee_id=who, lapses_at=lapses_at, workspace_id=client)
                for _, who, _, lapses_at, client in rows
            ]
