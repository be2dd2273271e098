"""Looking at exchange rates."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.finance.calendar import Month, first_day, last_day
from domain.kernel.money import CurrencyCode
from domain.kernel.permissions import Permission
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class ExchangeRateRow(Row):
    """On `day` one unit of `base` came to `rate` units of `quote`. `recorded_times` above 1: it was corrected."""

    rate_id: UUID
    base: str
    quote: str
    day: date
    rate: str
    source: str
    recorded_times: int
    created_position: int
    updated_position: int
    created_at: datetime


class ExchangeRateFilters(Params):
    """Which rates; `currency`: those of pairs that it is part of, `month`: those of its days."""

    currency: CurrencyCode | None = None
    month: Month | None = None


@query(
    context="finance",
    path="exchange-rates",
    permission=Permission.REPORTS_READ,
    params=ExchangeRateFilters,
    row=ExchangeRateRow,
    projections=("exchange_rates",),
)
async def exchange_rates(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: ExchangeRateFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[ExchangeRateRow]:
    """Exchange rates as they hold, the one of a pair and day that was recorded last first."""
    select = Select("finance.exchange_rates", "exchange_rates", "exchange_rates")
    select.where("%(currency)s IN (t.base, t.quote)", currency=params.currency)
    if params.month is not None:
        within = "t.day BETWEEN %(first)s AND %(last)s"
        select.where(within, first=first_day(params.month), last=last_day(params.month))
    return await page(connection, scope, ExchangeRateRow, select, params, cursor, limit)


@query(
    context="finance",
    path="exchange-rates/{id}",
    permission=Permission.REPORTS_READ,
    params=ById,
    row=ExchangeRateRow,
    projections=("exchange_rates",),
)
async def exchange_rate(
    connection: AsyncConnection[Any], scope: Scope, params: ById
) -> Page[ExchangeRateRow]:
    """One exchange rate."""
    select = Select("finance.exchange_rate", "exchange_rates", "exchange_rates")
    select.where("t.rate_id = %(id)s", id=params.id)
    return await one(connection, scope, ExchangeRateRow, select, params)
