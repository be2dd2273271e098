"""The reports of what is earned: margin, and what a customer is worth and costs to win."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from application.ports.analytics import Column
from domain.kernel.permissions import Permission
from projections.olap.cost_reports import Dating
from projections.olap.finance_sql import ACCRUING, CAC_TOLD, SPANS, accrued, where_marketed
from projections.olap.mrr_sql import CHANGES, CURRENCY, MrrParameters, money, percent, positive, ratio
from projections.olap.report import DaysParameters, ReportDefinition, define

_GRAIN: Final = Field(description="How long a period is; weeks begin on Monday.")


class MarginParameters(DaysParameters):
    """Which days, dated how, and how long a period is."""

    grain: Annotated[Literal["week", "month", "quarter", "year"], _GRAIN] = "month"
    dating: Dating = "posting"


PERIOD: Final = Column(
    "period", "dimension", "date", "First day of the period, UTC; the first and last may be cut short."
)
_ACCURACY: Final = Column(
    "accuracy",
    "dimension",
    "text",
    "exact, or approximate: something in the costs has no invoice yet.",
    tells=True,
)
REVENUE: Final = money(
    "revenue",
    "activity",
    "Lines of paid invoices over the days of their service, less discounts, tax, refunds and what disputes took.",
)
COST: Final = money("cost", "activity", "Costs over the days that they cover, without marketing.")
ACQUISITION: Final = money(
    "acquisition", "activity", "Marketing: what was spent to win customers; no part of the margin."
)
MARGIN: Final = money("margin", "activity", "revenue - cost.")
GROSS: Final = ratio(
    "gross_margin", "Gross margin: margin / revenue; empty where revenue is not above 0.", "margin", "revenue"
)

_EARNED: Final = f"""
    {ACCRUING},
    bounds AS (
        SELECT
            coalesce($from_::DATE, (SELECT min(first_on) FROM accruing)) AS first,
            coalesce($to::DATE, $last_day::DATE) AS last
    ),
    {SPANS},
    {accrued("span")},
    labelled AS (
        SELECT
            period,
            currency,
            CASE WHEN bool_or(approximate AND amount <> 0) THEN 'approximate' ELSE 'exact' END AS accuracy
        FROM accrued
        GROUP BY period, currency
    )"""  # noqa: S608 - our own SQL

_MARGIN: Final = define(
    "margin",
    "Margin",
    "What was earned and what it cost, by period and currency: paid invoices over the days of their service, without "
    "tax and less discounts, refunds and lost disputes, beside the costs of the same days. Marketing stands apart. "
    "What has no invoice yet makes a row approximate. Activities: they may be summed over periods within a currency. "
    "Revenue is that of the subscriptions in this log: a customer's own log tells what it pays for the product, set "
    "beside the costs that it entered.",
    MarginParameters,
    (PERIOD, CURRENCY, _ACCURACY, REVENUE, COST, MARGIN, GROSS, ACQUISITION),
    rows=f"""
        WITH {_EARNED}
        SELECT
            period,
            currency,
            accuracy,
            coalesce(sum(amount) FILTER (kind = 'revenue'), 0)::BIGINT AS revenue,
            coalesce(sum(amount) FILTER (kind = 'cost'), 0)::BIGINT AS cost,
            revenue - cost AS margin,
            {percent("margin", "revenue")} AS gross_margin,
            coalesce(sum(amount) FILTER (kind = 'acquisition'), 0)::BIGINT AS acquisition
        FROM accrued
        JOIN labelled USING (period, currency)
        GROUP BY period, currency, accuracy
        ORDER BY period, currency
    """,  # noqa: S608 - our own SQL
    events=f"""
        WITH {_EARNED}
        SELECT
            position,
            sum(CASE WHEN $cell_measure = 'margin' AND kind = 'cost' THEN -amount ELSE amount END)::BIGINT AS weight
        FROM accrued
        JOIN labelled USING (period, currency)
        WHERE
            period = $cell_period::DATE
            AND currency = $cell_currency
            AND accuracy = $cell_accuracy
            AND (kind = $cell_measure OR $cell_measure = 'margin' AND kind IN ('revenue', 'cost'))
        GROUP BY position
        HAVING weight <> 0
    """,  # noqa: S608 - our own SQL
    permission=Permission.COSTS_READ,
)


class UnitParameters(MrrParameters):
    """Which days, under which definitions, how long a period is, and as of when."""

    grain: Annotated[Literal["month", "quarter", "year"], _GRAIN] = "month"


# `counted` has a row for each event of each part of a figure. Months are looked at one by one, so that churn is a rate
# a month however long a period is. A customer stands for one, and opens to the last telling that changed what it pays.
_COUNTED: Final = f"""
    {CHANGES},
    {ACCRUING},
    bounds AS (
        SELECT
            coalesce(
                $from_::DATE, least((SELECT min(day) FROM moved), (SELECT min(first_on) FROM accruing))
            ) AS first,
            coalesce($to::DATE, $last_day::DATE) AS last
    ),
    {SPANS},
    month AS MATERIALIZED (
        SELECT
            period,
            greatest(begins, first) AS first,
            least(last_day(begins), last) AS last,
            last_day(begins) >= last AS closes
        FROM (
            SELECT
                period, first, last,
                unnest(generate_series(date_trunc('month', first)::TIMESTAMP, last::TIMESTAMP, INTERVAL 1 MONTH))::DATE
                    AS begins
            FROM span
        )
    ),
    {accrued("span")},
    held AS MATERIALIZED (
        SELECT
            period,
            month.first AS since,
            closes,
            currency,
            tenant,
            coalesce(sum(amount) FILTER (day < month.first), 0) AS opened_with,
            sum(amount) AS ended_with,
            max(position) FILTER (day < month.first) AS opened_by,
            max(position) AS ended_by,
            max(position) FILTER (day >= month.first AND kind = 'new') AS new_by,
            coalesce(sum(amount) FILTER (day >= month.first AND kind = 'new'), 0) AS new_with
        FROM month
        JOIN moved ON moved.day <= month.last
        GROUP BY ALL
    ),
    counted AS (
        SELECT period, currency, 'mrr' AS part, position, amount AS weight
        FROM span
        JOIN moved ON moved.day <= span.last
        UNION ALL
        SELECT period, currency, 'customers', ended_by, 1 FROM held WHERE closes AND ended_with > 0
        UNION ALL
        SELECT period, currency, 'customer_months', opened_by, 1 FROM held WHERE opened_with > 0
        UNION ALL
        SELECT period, currency, 'customers_lost', ended_by, 1 FROM held WHERE opened_with > 0 AND ended_with = 0
        UNION ALL
        SELECT period, currency, 'new_customers', new_by, 1 FROM held WHERE new_with > 0
        UNION ALL
        SELECT period, currency, kind, position, amount FROM accrued WHERE kind IN ('revenue', 'acquisition')
        UNION ALL
        SELECT period, currency, 'margin', position, CASE kind WHEN 'cost' THEN -amount ELSE amount END
        FROM accrued
        WHERE kind IN ('revenue', 'cost')
    )"""  # noqa: S608 - our own SQL
_PARTS: Final = (
    "mrr",
    "customers",
    "revenue",
    "margin",
    "customer_months",
    "customers_lost",
    "acquisition",
    "new_customers",
)
_SUMMED: Final = ",\n            ".join(
    f"coalesce(sum(weight) FILTER (part = '{part}'), 0)::BIGINT AS {part}" for part in _PARTS
)


def _count(name: str, unit: str, about: str, nature: Literal["balance", "activity"]) -> Column:
    return Column(name, "measure", unit, about, nature)


def _of(name: str, unit: str, about: str, *parts: str) -> Column:
    return Column(name, "measure", unit, about, "ratio", parts)


_UNIT_ECONOMICS: Final = define(
    "unit_economics",
    "Unit economics",
    "What a customer pays, is worth and costs to win, by period and currency. ARPA is MRR by the customers who pay at "
    "the end; churn is customers lost by customers at the start, summed over the period's months: a rate a month; LTV "
    "is ARPA x gross margin / churn; CAC is marketing by new customers; payback is CAC / (ARPA x gross margin), in "
    "months. What cannot be told is empty and says why: nobody has left yet, nobody came, nothing was earned, no "
    "marketing was entered. "
    "Customers are those whose subscriptions are in this log. Each ratio has what it is made of beside it.",
    UnitParameters,
    (
        PERIOD,
        CURRENCY,
        Column("ltv_told", "dimension", "text", "told, or why LTV cannot be told.", tells=True),
        Column("cac_told", "dimension", "text", "told, or why CAC cannot be told.", tells=True),
        money("mrr", "balance", "MRR at the end of the period."),
        _count("customers", "customers", "Customers who pay at the end of the period.", "balance"),
        _of(
            "arpa",
            "minor units",
            "Average revenue per account, a month: mrr / customers.",
            "mrr",
            "customers",
        ),
        REVENUE,
        MARGIN,
        GROSS,
        _count(
            "customer_months",
            "customers",
            "Customers who paid at the start of each month, summed.",
            "activity",
        ),
        _count(
            "customers_lost",
            "customers",
            "Customers who paid at a month's start and not at its end.",
            "activity",
        ),
        ratio(
            "customer_churn",
            "Customer churn a month: customers_lost / customer_months.",
            "customers_lost",
            "customer_months",
        ),
        _of(
            "ltv",
            "minor units",
            "Lifetime value: arpa x gross_margin / customer_churn.",
            "mrr",
            "customers",
            "margin",
            "revenue",
            "customers_lost",
            "customer_months",
        ),
        ACQUISITION,
        _count("new_customers", "customers", "Customers who began to pay in the period.", "activity"),
        _of(
            "cac",
            "minor units",
            "Acquisition cost: acquisition / new_customers.",
            "acquisition",
            "new_customers",
        ),
        _of(
            "cac_payback",
            "months",
            "Months until a customer has paid back what it cost to win: cac / (arpa x gross_margin).",
            "acquisition",
            "new_customers",
            "mrr",
            "customers",
            "margin",
            "revenue",
        ),
        _of(
            "ltv_to_cac",
            "ratio",
            "ltv / cac, neither of them rounded.",
            "mrr",
            "customers",
            "margin",
            "revenue",
            "customers_lost",
            "customer_months",
            "acquisition",
            "new_customers",
        ),
    ),
    rows=f"""
        WITH {_COUNTED},
        summed AS (SELECT period, currency, {_SUMMED} FROM counted GROUP BY period, currency),
        rated AS (
            SELECT
                *,
                mrr::DOUBLE / {positive("customers")} AS each,
                margin::DOUBLE / {positive("revenue")} AS share,
                customers_lost::DOUBLE / {positive("customer_months")} AS leaving,
                {where_marketed(f"acquisition::DOUBLE / {positive('new_customers')}")} AS winning,
                each * share / {positive("leaving")} AS worth
            FROM summed
        )
        SELECT
            period,
            currency,
            CASE
                WHEN customers = 0 THEN 'cannot be told: no customers'
                WHEN revenue = 0 THEN 'cannot be told: no revenue yet'
                WHEN revenue < 0 THEN 'cannot be told: more revenue went back than came'
                WHEN customer_months = 0 THEN 'cannot be told: no customers at the start'
                WHEN customers_lost = 0 THEN 'cannot be told: no churn yet'
                ELSE 'told'
            END AS ltv_told,
            {CAC_TOLD} AS cac_told,
            mrr,
            customers,
            round(each)::BIGINT AS arpa,
            revenue,
            margin,
            {percent("margin", "revenue")} AS gross_margin,
            customer_months,
            customers_lost,
            {percent("customers_lost", "customer_months")} AS customer_churn,
            round(worth)::BIGINT AS ltv,
            acquisition,
            new_customers,
            round(winning)::BIGINT AS cac,
            CASE WHEN each * share > 0 THEN winning / (each * share) END AS cac_payback,
            worth / {positive("winning")} AS ltv_to_cac
        FROM rated
        ORDER BY period, currency
    """,  # noqa: S608 - our own SQL
    events=f"""
        WITH {_COUNTED}
        SELECT position, sum(weight)::BIGINT AS weight
        FROM counted
        WHERE period = $cell_period::DATE AND currency = $cell_currency AND part = $cell_measure
        GROUP BY position
        HAVING sum(weight) <> 0
    """,  # noqa: S608 - our own SQL
    permission=Permission.COSTS_READ,
    named_by_words=True,
)

MARGIN_REPORTS: Final[tuple[ReportDefinition, ...]] = (_MARGIN, _UNIT_ECONOMICS)
