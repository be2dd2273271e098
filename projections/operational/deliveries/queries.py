"""Looking at schedules and at what became of their due times."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.kernel.permissions import Permission
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope

_READ = Permission.REPORTS_SCHEDULE
_FOLDER: Final = (
    "CASE WHEN t.status = 'under_way' THEN (SELECT s.folder FROM {deliveries}.schedules s"
    " WHERE s.tenant_id = t.tenant_id AND s.schedule_id = t.schedule_id) ELSE t.folder END"
)
"""What is under way goes where its schedule says: a schedule that is changed drops it."""


class ScheduleRow(Row):
    """A schedule. `recipients`: members by their ids. `next_at`: when it is due next; empty: never as it stands."""

    schedule_id: UUID
    status: Literal["active", "paused", "removed"]
    title: str
    items: list[dict[str, Any]]
    frequency: str
    weekday: str | None
    at: str
    time_zone: str
    folder: str | None
    recipients: list[UUID]
    author_id: UUID
    next_at: datetime | None
    created_position: int
    updated_position: int


class DeliveryRow(Row):
    """What became of a due time.

    `files`: each with its hash, size, definition and the position and moment that it is as of. `folder`: where they
    are, or go as long as it is `under_way`. `partly`: members of
    `withheld` were sent nothing, or items of `refused` could not be made, and why; `folder_failed`: why the files are
    in no folder. `mailed` counts from the first letter on, the rest is told once it is settled. `skipped`: how many due
    times passed while nothing ran, from this one on.
    """

    delivery_id: UUID
    schedule_id: UUID
    status: Literal["under_way", "delivered", "partly", "failed", "dropped", "skipped"]
    day: date
    due_at: datetime
    settled_at: datetime | None
    log_position: str | None
    as_of: datetime | None
    files: list[dict[str, Any]] | None
    folder: str | None
    mailed: int | None
    withheld: list[dict[str, Any]] | None
    refused: list[dict[str, Any]] | None
    folder_failed: str | None
    reason: str | None
    skipped: int | None
    created_position: int
    updated_position: int


class ScheduleFilters(Params):
    """Which schedules."""

    status: Literal["active", "paused", "removed"] | None = None


class DeliveryFilters(Params):
    """Which deliveries."""

    schedule_id: UUID | None = None
    status: Literal["under_way", "delivered", "partly", "failed", "dropped", "skipped"] | None = None


@query(
    context="reports",
    path="schedules",
    permission=_READ,
    params=ScheduleFilters,
    row=ScheduleRow,
    projections=("deliveries",),
)
async def schedules(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: ScheduleFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[ScheduleRow]:
    """Schedules of reports and packs, the newest first."""
    select = Select("reports.schedules", "deliveries", "schedules")
    select.where("t.status = %(status)s", status=params.status)
    return await page(connection, scope, ScheduleRow, select, params, cursor, limit)


@query(
    context="reports",
    path="schedules/{id}",
    permission=_READ,
    params=ById,
    row=ScheduleRow,
    projections=("deliveries",),
)
async def schedule(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[ScheduleRow]:
    """One schedule."""
    select = Select("reports.schedule", "deliveries", "schedules")
    select.where("t.schedule_id = %(id)s", id=params.id)
    return await one(connection, scope, ScheduleRow, select, params)


@query(
    context="reports",
    path="deliveries",
    permission=_READ,
    params=DeliveryFilters,
    row=DeliveryRow,
    projections=("deliveries",),
)
async def deliveries(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: DeliveryFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[DeliveryRow]:
    """What was delivered by schedules, and what was not, the newest first."""
    select = Select("reports.deliveries", "deliveries", "deliveries", computed={"folder": _FOLDER})
    select.where("t.schedule_id = %(schedule_id)s", schedule_id=params.schedule_id)
    select.where("t.status = %(status)s", status=params.status)
    return await page(connection, scope, DeliveryRow, select, params, cursor, limit)


@query(
    context="reports",
    path="deliveries/{id}",
    permission=_READ,
    params=ById,
    row=DeliveryRow,
    projections=("deliveries",),
)
async def delivery(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[DeliveryRow]:
    """One delivery."""
    select = Select("reports.delivery", "deliveries", "deliveries", computed={"folder": _FOLDER})
    select.where("t.delivery_id = %(id)s", id=params.id)
    return await one(connection, scope, DeliveryRow, select, params)
