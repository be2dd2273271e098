"""Reports of costs: by category, by whom they are borne, and how estimates compare with their invoices."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, ValidationInfo, field_validator

from application.ports.analytics import Column
from domain.finance.calendar import Month
from domain.kernel.money import Currency
from domain.kernel.permissions import Permission
from projections.olap.cost_sql import between, divided, keys
from projections.olap.report import Day, DaysParameters, Parameters, ReportDefinition, define

Dating = Annotated[
    Literal["effective", "posting"],
    Field(
        description="effective: on the days that it covers. posting: what was entered late, for months closed by then, "
        "on the first day that was open.",
    ),
]
InCurrency = Annotated[
    Currency | None, Field(description="Only this currency, such as USD; each by itself unless given.")
]


class CostsParameters(DaysParameters):
    """Which days, and dated how."""

    to: Annotated[
        Day | None,
        Field(description="Last day (UTC), included; all unless given, also those to come."),
    ] = None
    dating: Dating = "posting"
    currency: InCurrency = None


def _in_order(to: str | None, given: ValidationInfo) -> str | None:
    from_ = given.data.get("from_")
    if from_ is not None and to is not None and from_ > to:
        raise ValueError("to lies before from; exchange them")
    return to


class MonthsParameters(Parameters):
    """Which months, and dated how; bound as `$from_` and `$to`."""

    from_: Annotated[
        Month | None,
        Field(alias="from", description="First month, as 2026-10; from the beginning unless given."),
    ] = None
    to: Annotated[
        Month | None,
        Field(description="Last month, included; all unless given, also those to come."),
    ] = None
    dating: Dating = "posting"
    currency: InCurrency = None

    _ordered = field_validator("to")(_in_order)


_MONTH: Final = Column("month", "dimension", "date", "First day of the month.")
_CURRENCY: Final = Column("currency", "dimension", "currency", "Currency; amounts of two are never added.")
_ACCURACY: Final = Column(
    "accuracy", "dimension", "text", "exact, or approximate: something in it has no invoice yet."
)
_AMOUNT: Final = Column(
    "amount", "measure", "minor units", "Cost in minor units of the currency.", "activity"
)
_IN_CURRENCY: Final = "($currency::VARCHAR IS NULL OR currency = $currency)"

_BY_DAYS: Final = between("$from_::DATE", "$to::DATE")
_LABEL: Final = "CASE WHEN approximate THEN 'approximate' ELSE 'exact' END"

_BY_CATEGORY: Final = define(
    "costs_by_category",
    "Costs by month and category",
    "What was spent, by month, category and currency, accrued evenly over the days that each cost covers. What has no "
    "invoice yet stands in rows of its own, as approximate. An activity: months may be summed within a currency.",
    CostsParameters,
    (
        _MONTH,
        Column(
            "category", "dimension", "text", "What for: server, ip, domain, mailbox, staff_time, and so on."
        ),
        _CURRENCY,
        _ACCURACY,
        _AMOUNT,
    ),
    rows=f"""
        WITH {_BY_DAYS}
        SELECT month, category, currency, {_LABEL} AS accuracy, sum(amount)::BIGINT AS amount
        FROM accrued
        WHERE {_IN_CURRENCY}
        GROUP BY ALL
        HAVING sum(amount) <> 0
        ORDER BY ALL
    """,  # noqa: S608 - our own SQL
    events=f"""
        WITH {_BY_DAYS}
        SELECT position, sum(amount)::BIGINT AS weight
        FROM accrued
        WHERE
            month = $cell_month::DATE
            AND category = $cell_category
            AND currency = $cell_currency
            AND {_LABEL} = $cell_accuracy
            AND {_IN_CURRENCY}
        GROUP BY position
        HAVING sum(amount) <> 0
    """,  # noqa: S608 - our own SQL
    permission=Permission.COSTS_READ,
    reaches_ahead=True,
)

_MONTHS: Final = ("($from_ || '-01')::DATE", "last_day(($to || '-01')::DATE)")
_BY_MONTHS: Final = between(*_MONTHS)
_BORNE: Final = f"""
    {_BY_MONTHS},
    {keys(*_MONTHS)},
    borne AS MATERIALIZED (
        SELECT
            position,
            cost_id,
            month,
            CASE
                WHEN assigned = 'tenant' THEN 'whole'
                WHEN pool IS NULL THEN 'direct'
                WHEN (month, pool) IN (SELECT (month, pool) FROM keys) THEN 'allocated'
                ELSE 'unallotted'
            END AS share,
            holder_id,
            pool,
            currency,
            amount,
            approximate
        FROM accrued
        WHERE {_IN_CURRENCY}
    ),
    uncertain AS (
        SELECT month, share, holder_id, pool, currency, bool_or(uncertain) AS approximate
        FROM (
            SELECT
                month, share, holder_id, pool, currency, coalesce(sum(amount) FILTER (approximate), 0) <> 0 AS uncertain
            FROM borne
            GROUP BY month, share, holder_id, pool, currency, cost_id
        )
        GROUP BY ALL
    )
"""  # noqa: S608 - our own SQL
_TOTALS: Final = """
    SELECT month, pool, currency, max(position) AS position, sum(amount) AS amount
    FROM borne
    WHERE share = 'allocated'
    GROUP BY ALL
"""
_AFTER_EACH: Final = """
    SELECT
        month, pool, currency, position,
        sum(sum(amount)) OVER (PARTITION BY month, pool, currency ORDER BY position) AS amount
    FROM borne
    WHERE
        share = 'allocated'
        AND share = $cell_share
        AND month = $cell_month::DATE
        AND pool = $cell_pool
        AND currency = $cell_currency
    GROUP BY month, pool, currency, position
"""
_SAME_CELL: Final = """
            month = $cell_month::DATE
            AND share = $cell_share
            AND pool IS NOT DISTINCT FROM $cell_pool::VARCHAR
            AND currency = $cell_currency"""

_BY_WORKSPACE: Final = define(
    "costs_by_workspace",
    "Costs by month and by whom they are borne",
    "What each workspace (in the platform's books: each customer) costs, by month and currency: what was entered as "
    "its own, and its part of shared pools by their rules, to the minor unit. What no rule divides, and what is of the "
    "whole tenant, has rows of its own: all rows of a month add up to its costs. An activity: months may be summed "
    "within a currency.",
    MonthsParameters,
    (
        _MONTH,
        Column(
            "share",
            "dimension",
            "text",
            "direct: entered as its own. allocated: its part of a pool. unallotted: a pool without a rule, or with "
            "nothing to divide by. whole: of the whole tenant.",
        ),
        Column(
            "holder_id", "dimension", "text", "Workspace, or customer; empty for what is unallotted or whole."
        ),
        Column("pool", "dimension", "text", "Pool of shared costs; empty for what is in none."),
        _CURRENCY,
        _ACCURACY,
        _AMOUNT,
    ),
    rows=f"""
        WITH {_BORNE}, {divided(_TOTALS)},
        parts AS (
            SELECT month, share, holder_id, pool, currency, amount FROM borne WHERE share <> 'allocated'
            UNION ALL
            SELECT month, 'allocated', holder_id, pool, currency, amount FROM divided
        )
        SELECT
            part.month,
            part.share,
            part.holder_id::VARCHAR AS holder_id,
            part.pool,
            part.currency,
            {_LABEL} AS accuracy,
            sum(part.amount)::BIGINT AS amount
        FROM parts AS part
        JOIN uncertain
            ON part.month = uncertain.month
            AND part.share = uncertain.share
            AND part.currency = uncertain.currency
            AND part.pool IS NOT DISTINCT FROM uncertain.pool
            AND (part.share = 'allocated' OR part.holder_id IS NOT DISTINCT FROM uncertain.holder_id)
        GROUP BY ALL
        HAVING sum(part.amount) <> 0
        ORDER BY ALL
    """,  # noqa: S608 - our own SQL
    events=f"""
        WITH {_BORNE}, {divided(_AFTER_EACH)},
        own AS (
            SELECT position, sum(amount) AS weight
            FROM borne
            WHERE
                {_SAME_CELL}
                AND share <> 'allocated'
                AND holder_id::VARCHAR IS NOT DISTINCT FROM $cell_holder_id::VARCHAR
            GROUP BY position
            UNION ALL
            SELECT position, amount - lag(amount, 1, 0) OVER (ORDER BY position) AS weight
            FROM divided
            WHERE holder_id::VARCHAR = $cell_holder_id
        )
        SELECT position, weight::BIGINT AS weight
        FROM own
        WHERE
            weight <> 0
            AND $cell_accuracy IN (
                SELECT {_LABEL}
                FROM uncertain
                WHERE
                    {_SAME_CELL}
                    AND (share = 'allocated' OR holder_id::VARCHAR IS NOT DISTINCT FROM $cell_holder_id::VARCHAR)
            )
    """,  # noqa: S608 - our own SQL
    permission=Permission.COSTS_READ,
    reaches_ahead=True,
)

_CONFIRMED: Final = f"""
    told AS (
        SELECT position, change, amount, effective_on, category, provider, currency
        FROM fact_cost
        WHERE change IN ('estimated', 'confirmed')
        UNION ALL
        -- A cost that is taken back takes its estimate and its invoice with it.
        SELECT
            reversed.position,
            cost.change,
            -cost.amount,
            cost.effective_on,
            cost.category,
            cost.provider,
            cost.currency
        FROM fact_cost AS reversed
        JOIN fact_cost AS cost USING (cost_id)
        WHERE reversed.change = 'reversed' AND cost.change IN ('estimated', 'confirmed')
    ),
    confirmed AS (
        SELECT
            told.position,
            date_trunc(
                'month', CASE WHEN $dating = 'posting' THEN greatest(effective_on, open_from) ELSE effective_on END
            )::DATE AS month,
            category,
            provider,
            currency,
            -amount * (told.change = 'estimated')::BIGINT AS estimated,
            amount * (told.change = 'confirmed')::BIGINT AS confirmed
        FROM told
        ASOF LEFT JOIN fact_period AS period ON told.position > period.position
        WHERE {_IN_CURRENCY}
    ),
    within AS (
        SELECT *, confirmed - estimated AS difference
        FROM confirmed
        WHERE
            ($from_::VARCHAR IS NULL OR month >= ($from_ || '-01')::DATE)
            AND ($to::VARCHAR IS NULL OR month <= ($to || '-01')::DATE)
    )
"""  # noqa: S608 - our own SQL

_VARIANCE: Final = define(
    "cost_variance",
    "Estimates and their invoices",
    "By how much invoices differ from what was estimated, of the costs that were confirmed, by the month of their "
    "document; what was taken back since is none of them. An activity: months may be summed within a currency.",
    MonthsParameters,
    (
        _MONTH,
        Column("category", "dimension", "text", "What for."),
        Column("provider", "dimension", "text", "Company that was paid."),
        _CURRENCY,
        Column("difference", "measure", "minor units", "What was invoiced beyond the estimate.", "activity"),
        Column("estimated", "measure", "minor units", "What was estimated.", "activity"),
        Column("confirmed", "measure", "minor units", "What was invoiced.", "activity"),
    ),
    rows=f"""
        WITH {_CONFIRMED}
        SELECT
            month,
            category,
            provider,
            currency,
            sum(difference)::BIGINT AS difference,
            sum(estimated)::BIGINT AS estimated,
            sum(confirmed)::BIGINT AS confirmed
        FROM within
        GROUP BY ALL
        HAVING sum(estimated) <> 0 OR sum(confirmed) <> 0
        ORDER BY ALL
    """,  # noqa: S608 - our own SQL
    events=f"""
        WITH {_CONFIRMED}
        SELECT
            position,
            sum(
                CASE $cell_measure WHEN 'estimated' THEN estimated WHEN 'confirmed' THEN confirmed ELSE difference END
            )::BIGINT AS weight
        FROM within
        WHERE
            month = $cell_month::DATE
            AND category = $cell_category
            AND provider = $cell_provider
            AND currency = $cell_currency
        GROUP BY position
    """,  # noqa: S608 - our own SQL
    permission=Permission.COSTS_READ,
    reaches_ahead=True,
)

COST_REPORTS: Final[tuple[ReportDefinition, ...]] = (_BY_CATEGORY, _BY_WORKSPACE, _VARIANCE)
