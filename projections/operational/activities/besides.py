"""What is told of a person besides their own streams: what their data are used for, and which lists they are on.

Of requests that name nobody it tells which there are: who asked stands in the log, sealed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from projections.runtime.reading import snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

_STANDING: Final = (
    "SELECT t.record FROM {activities}.activities t WHERE t.tenant_id = %(tenant_id)s AND t.ended_at IS NULL "
    "ORDER BY t.created_position"
)
_LISTS: Final = (
    "SELECT m.contact_id, l.name FROM {lists}.list_members m JOIN {lists}.lists l USING (tenant_id, list_id) "
    "WHERE m.tenant_id = %(tenant_id)s AND m.contact_id = ANY(%(contacts)s) ORDER BY l.created_position"
)
_OF_NOBODY: Final = (
    "SELECT t.request_id FROM {subject_requests}.subject_requests t WHERE t.tenant_id = %(tenant_id)s "
    "AND t.addressee_id IS NULL AND t.details_destroyed IS NOT TRUE ORDER BY t.created_position"
)


class BesidesInViews:
    """Reads the views."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        """Connections of `pool` see one tenant's rows."""
        self._pool = pool

    async def activities(self, tenant_id: UUID) -> list[dict[str, Any]]:
        """See `Besides.activities`. GDPR Art. 15(1)(a) to (d)."""
        rows = await self._read(tenant_id, "activities", _STANDING, {})
        return [row[0] for row in rows]

    async def lists(self, tenant_id: UUID, contacts: Sequence[UUID]) -> dict[UUID, list[str]]:
        """See `Besides.lists`."""
        found: dict[UUID, list[str]] = {}
        for contact_id, name in await self._read(tenant_id, "lists", _LISTS, {"contacts": list(contacts)}):
            found.setdefault(contact_id, []).append(name)
        return found

    async def of_nobody(self, tenant_id: UUID) -> list[UUID]:
        """See `Besides.of_nobody`."""
        return [row[0] for row in await self._read(tenant_id, "subject_requests", _OF_NOBODY, {})]

    async def _read(self, tenant_id: UUID, view: str, text: str, values: dict[str, Any]) -> list[Any]:
        async with self._pool.connection() as connection, snapshot(connection, tenant_id, (view,)) as at:
            query = text.format_map(at.schemas).encode()
            return await (await connection.execute(query, {"tenant_id": tenant_id, **values})).fetchall()
