"""Looking at usage, beside what the plan allows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import Field

from application.queries import USUAL_ROWS, Page, Params, Row, query
from domain.billing.catalogue import Meter
from domain.billing.settling import listed
from domain.billing.usage import month_of
from domain.kernel.permissions import Permission
from domain.tenancy.plans import Plan
from projections.operational.paging import Select, page
from projections.runtime.reading import clock_of

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class UsageRow(Row):
    """How much is used. `period`: a month, UTC, of what flows; null: it stands.

    `limit` is today's, and null for months that are over and for what has none; `share`: used of the limit, in percent.
    `beyond`: how much went beyond the limit, as blocks are settled. `reported`: how much of that is billed by use, and
    `expected`: what that comes to, in minor units of `currency` before discounts and taxes; approximate until it is
    invoiced, with the cycle that it was reported in; null where nothing is reported.
    """

    meter: Meter
    period: str | None
    used: int
    limit: int | None
    share: float | None
    beyond: int
    reported: int
    expected: int | None
    currency: str | None
    updated_position: int


class UsageFilters(Params):
    """Which usage."""

    meter: Meter | None = None
    month: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}$", description="A month, UTC: 2026-11.")


class _Stored(Row):
    meter: Meter
    period: str
    used: int
    beyond: int
    reported: int
    amount: int | None
    currency: str | None
    plan: str | None
    limits: dict[str, int] | None
    updated_position: int


@query(
    context="billing",
    path="usage",
    permission=Permission.BILLING_READ,
    params=UsageFilters,
    row=UsageRow,
    projections=("usage", "billing_accounts"),
)
async def usage(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: UsageFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[UsageRow]:
    """What is used of each meter, the newest months first; what was never used is not listed."""
    select = Select(
        "billing.usage",
        "usage",
        "usage",
        joined="LEFT JOIN {billing_accounts}.accounts a ON a.tenant_id = t.tenant_id",
        computed={"plan": "a.plan", "limits": "a.limits"},
    )
    select.where("t.meter = %(meter)s", meter=None if params.meter is None else params.meter.value)
    select.where("t.period = %(month)s", month=params.month)
    found = await page(connection, scope, _Stored, select, params, cursor, limit)
    now = clock_of(connection)
    shown = [_shown(row, now) for row in found.rows]
    return Page(shown, found.cursor, found.position, found.auth_epoch, found.places)


def _shown(row: _Stored, now: datetime) -> UsageRow:
    limits = row.limits
    if limits is None and row.plan is not None:
        limits = listed(Plan(row.plan), now.date()).limits
    limit = (limits or {}).get(row.meter) if row.period in ("", month_of(now)) else None
    return UsageRow(
        meter=row.meter,
        period=row.period or None,
        used=row.used,
        limit=limit,
        share=round(100 * row.used / limit, 2) if limit else None,
        beyond=row.beyond,
        reported=row.reported,
        expected=row.amount,
        currency=row.currency,
        updated_position=row.updated_position,
    )
