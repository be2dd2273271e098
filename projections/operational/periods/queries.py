"""Looking at months of the books."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from application.queries import USUAL_ROWS, Page, Params, Row, query
from domain.kernel.permissions import Permission
from projections.operational.paging import Select, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class PeriodRow(Row):
    """A month that was locked by name. Everything before the first of them is closed as long as any is.

    `reopened_at`, `reopened_by` and `reason` are of the last time that it was opened again, and stay when it is locked
    anew. How that was explained stands in the history alone.
    """

    period: str
    locked: bool
    locked_at: datetime
    locked_by: UUID
    reopened_at: datetime | None
    reopened_by: UUID | None
    reason: str | None
    created_position: int
    updated_position: int


class PeriodFilters(Params):
    """Which months."""

    locked: bool | None = None


@query(
    context="finance",
    path="periods",
    permission=Permission.REPORTS_READ,
    params=PeriodFilters,
    row=PeriodRow,
    projections=("periods",),
)
async def periods(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: PeriodFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[PeriodRow]:
    """Months of the books, the one that was locked last first."""
    select = Select("finance.periods", "periods", "periods")
    select.where("t.locked = %(locked)s", locked=params.locked)
    return await page(connection, scope, PeriodRow, select, params, cursor, limit)
