"""Looking at costs, and at the rules by which they are divided."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.costs.entry import Category
from domain.finance.calendar import Month, first_day, last_day
from domain.kernel.permissions import Permission
from domain.kernel.text import ShortText
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class CostRow(Row):
    """A cost as it stands. `state`: entered, confirmed or reversed; a reversed one counts no more.

    `approximate`: there is no invoice of it. `estimated_amount`: what it was before it was confirmed.
    """

    cost_id: UUID
    category: str
    amount: int
    estimated_amount: int | None
    currency: str
    covers_from: date
    covers_to: date
    incurred_on: date
    provider: str
    resource: str | None
    assigned: str
    workspace_id: UUID | None
    customer_id: UUID | None
    pool: str | None
    acquires: str | None
    approximate: bool
    basis: str
    reference: str | None
    minutes: int | None
    hourly_rate: int | None
    state: str
    reversal_reason: str | None
    created_position: int
    updated_position: int
    created_at: datetime


class CostFilters(Params):
    """Which costs; `month`: those that cover a day of it."""

    month: Month | None = None
    category: Category | None = None
    provider: ShortText | None = None
    approximate: bool | None = None
    state: str | None = None


class AllocationRuleRow(Row):
    """How a pool is divided from a day on, until the next rule's; `shares` are of fixed weights alone."""

    pool: str
    from_day: date
    allocated_by: str
    shares: list[dict[str, Any]]
    created_position: int
    updated_position: int
    created_at: datetime


class AllocationRuleFilters(Params):
    """Which rules."""

    pool: ShortText | None = None


@query(
    context="costs",
    path="costs",
    permission=Permission.COSTS_READ,
    params=CostFilters,
    row=CostRow,
    projections=("costs",),
)
async def costs(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: CostFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[CostRow]:
    """Costs, the latest entered first."""
    select = Select("costs.costs", "costs", "costs")
    if params.month is not None:
        covered = "t.covers_from <= %(last)s AND t.covers_to >= %(first)s"
        select.where(covered, first=first_day(params.month), last=last_day(params.month))
    for name in ("category", "provider", "approximate", "state"):
        select.where(f"t.{name} = %({name})s", **{name: getattr(params, name)})
    return await page(connection, scope, CostRow, select, params, cursor, limit)


@query(
    context="costs",
    path="costs/{id}",
    permission=Permission.COSTS_READ,
    params=ById,
    row=CostRow,
    projections=("costs",),
)
async def cost(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[CostRow]:
    """One cost."""
    select = Select("costs.cost", "costs", "costs")
    select.where("t.cost_id = %(id)s", id=params.id)
    return await one(connection, scope, CostRow, select, params)


@query(
    context="costs",
    path="allocation-rules",
    permission=Permission.COSTS_READ,
    params=AllocationRuleFilters,
    row=AllocationRuleRow,
    projections=("costs",),
)
async def allocation_rules(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: AllocationRuleFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[AllocationRuleRow]:
    """Rules of pools, the latest made first."""
    select = Select("costs.allocation_rules", "costs", "allocation_rules")
    select.where("t.pool = %(pool)s", pool=params.pool)
    return await page(connection, scope, AllocationRuleRow, select, params, cursor, limit)
