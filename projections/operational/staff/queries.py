"""Looking at staff."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.kernel.permissions import Permission, StaffRole
from domain.kernel.personal import Profile
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class StaffRow(Row):
    """Somebody who works for the platform."""

    staff_id: UUID
    role: str
    email: Profile[str]
    full_name: Profile[str]
    created_position: int
    updated_position: int
    created_at: datetime


class StaffFilters(Params):
    """Which of them."""

    role: StaffRole | None = None


@query(
    context="platform",
    path="staff",
    permission=Permission.PLATFORM_STAFF_MANAGE,
    params=StaffFilters,
    row=StaffRow,
    projections=("staff",),
)
async def staff(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: StaffFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[StaffRow]:
    """The platform's people, the newest first."""
    select = Select("platform.staff", "staff", "staff")
    select.where("t.role = %(role)s", role=params.role)
    return await page(connection, scope, StaffRow, select, params, cursor, limit)


@query(
    context="platform",
    path="staff/{id}",
    permission=Permission.PLATFORM_STAFF_MANAGE,
    params=ById,
    row=StaffRow,
    projections=("staff",),
)
async def staff_member(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[StaffRow]:
    """One of the platform's people."""
    select = Select("platform.staff_member", "staff", "staff")
    select.where("t.staff_id = %(id)s", id=params.id)
    return await one(connection, scope, StaffRow, select, params)
