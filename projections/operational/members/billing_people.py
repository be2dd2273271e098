"""The members who may read their tenant's bills."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from domain.kernel.ids import MemberId
from domain.kernel.permissions import TENANT_ROLES, Permission
from projections.runtime.reading import snapshot

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

_ROLES: Final = sorted(role for role, held in TENANT_ROLES.items() if Permission.BILLING_READ in held)
_ASKED: Final = """
    SELECT t.member_id FROM {members}.members t
    WHERE t.tenant_id = %(tenant_id)s AND t.status = 'joined' AND t.role = ANY(%(roles)s)
    ORDER BY t.created_position, t.member_id
"""


class BillingPeopleInViews:
    """Implements `BillingPeople`."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        """Connections of `pool` see one tenant's rows."""
        self._pool = pool

    async def of(self, tenant_id: UUID) -> list[MemberId]:
        """See `BillingPeople.of`."""
        async with (
            self._pool.connection() as connection,
            snapshot(connection, tenant_id, ("members",)) as at,
        ):
            asked = {"tenant_id": tenant_id, "roles": _ROLES}
            cursor = await connection.execute(_ASKED.format_map(at.schemas).encode(), asked)
            return [MemberId(member_id) for (member_id,) in await cursor.fetchall()]
