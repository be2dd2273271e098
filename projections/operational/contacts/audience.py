"""Who is in an audience: the addressees of a workspace's contacts, or of those on some lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from projections.runtime.reading import snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from uuid import UUID

    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

    from application.queries import Scope

_PAGE: Final = 5_000
_PROJECTIONS: Final = ("contacts", "lists")
_WHO: Final = (
    "FROM {contacts}.contacts t WHERE t.tenant_id = %(tenant_id)s AND t.workspace_id = %(workspace_id)s "
    "AND (%(list_ids)s::uuid[] IS NULL OR t.contact_id IN (SELECT contact_id FROM {lists}.list_members "
    "WHERE tenant_id = %(tenant_id)s AND list_id = ANY(%(list_ids)s::uuid[])))"
)
_PAGE_OF: Final = (
    f"SELECT t.addressee_id, t.created_position {_WHO} AND t.created_position > %(after)s "
    "ORDER BY t.created_position LIMIT %(limit)s"
)


class ContactAudience:
    """Reads the views, a page at a time: nobody holds a connection while people are judged."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        """Connections of `pool` see one tenant's rows."""
        self._pool = pool

    async def of(
        self, scope: Scope, workspace_id: UUID, list_ids: Sequence[UUID] | None
    ) -> AsyncIterator[tuple[list[UUID], int]]:
        """See `People.of`."""
        values: dict[str, Any] = {
            "tenant_id": scope.tenant_id,
            "workspace_id": workspace_id,
            "list_ids": None if list_ids is None else list(list_ids),
            "after": 0,
            "limit": _PAGE,
        }
        people: int | None = None
        while True:
            async with (
                self._pool.connection() as connection,
                snapshot(connection, scope.tenant_id, _PROJECTIONS) as at,
            ):
                if people is None:
                    text = f"SELECT count(*) {_WHO}".format_map(at.schemas)
                    counted = await (await connection.execute(text.encode(), values)).fetchone()
                    people = 0 if counted is None else counted[0]
                rows = await (
                    await connection.execute(_PAGE_OF.format_map(at.schemas).encode(), values)
                ).fetchall()
            if not rows:
                return
            values["after"] = rows[-1][1]
            yield [row[0] for row in rows], people
