"""Looking at the record of processing activities."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from domain.rights.register import ActivityRole
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class ActivityRow(Row):
    """An activity, with what GDPR Art. 30 lists in `record`; ended ones stay."""

    activity_id: UUID
    title: str
    role: str
    record: dict[str, Any]
    contacts: Profile[str | None]
    entered_at: datetime
    changed_at: datetime
    reviewed_at: datetime | None
    ended_at: datetime | None
    created_position: int
    updated_position: int


class ActivityFilters(Params):
    """Which activities."""

    role: ActivityRole | None = None
    ended: bool | None = None


@query(
    context="rights",
    path="activities",
    permission=Permission.REQUESTS_READ,
    params=ActivityFilters,
    row=ActivityRow,
    projections=("activities",),
)
async def activities(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: ActivityFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[ActivityRow]:
    """The record of processing activities, the newest first."""
    select = Select("rights.activities", "activities", "activities")
    select.where("t.role = %(role)s", role=params.role)
    select.where("(t.ended_at IS NOT NULL) = %(ended)s", ended=params.ended)
    return await page(connection, scope, ActivityRow, select, params, cursor, limit)


@query(
    context="rights",
    path="activities/{id}",
    permission=Permission.REQUESTS_READ,
    params=ById,
    row=ActivityRow,
    projections=("activities",),
)
async def activity(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[ActivityRow]:
    """One activity."""
    select = Select("rights.activity", "activities", "activities")
    select.where("t.activity_id = %(id)s", id=params.id)
    return await one(connection, scope, ActivityRow, select, params)
