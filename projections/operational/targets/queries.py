"""Looking at targets."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.finance.calendar import PeriodKind
from domain.finance.target import PeriodText, Slug
from domain.kernel.permissions import Permission
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class TargetRow(Row):
    """A target. `period` null: it holds in every period. `value_to` is of a range alone; both are decimals."""

    target_id: UUID
    metric: str
    period_kind: str
    period: str | None
    segment: str | None
    comparison: str
    value: str
    value_to: str | None
    unit: str
    source: str | None
    withdrawn: bool
    created_position: int
    updated_position: int
    created_at: datetime


class TargetFilters(Params):
    """Which targets; `of_period`: those of this month, quarter or year itself."""

    metric: Slug | None = None
    period_kind: PeriodKind | None = None
    of_period: PeriodText | None = None
    withdrawn: bool | None = None


@query(
    context="finance",
    path="targets",
    permission=Permission.REPORTS_READ,
    params=TargetFilters,
    row=TargetRow,
    projections=("targets",),
)
async def targets(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: TargetFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[TargetRow]:
    """Targets, the one that was set last first."""
    select = Select("finance.targets", "targets", "targets")
    select.where("t.period = %(of_period)s", of_period=params.of_period)
    for name in ("metric", "period_kind", "withdrawn"):
        select.where(f"t.{name} = %({name})s", **{name: getattr(params, name)})
    return await page(connection, scope, TargetRow, select, params, cursor, limit)


@query(
    context="finance",
    path="targets/{id}",
    permission=Permission.REPORTS_READ,
    params=ById,
    row=TargetRow,
    projections=("targets",),
)
async def target(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[TargetRow]:
    """One target."""
    select = Select("finance.target", "targets", "targets")
    select.where("t.target_id = %(id)s", id=params.id)
    return await one(connection, scope, TargetRow, select, params)
