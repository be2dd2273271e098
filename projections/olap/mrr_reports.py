"""The reports of monthly recurring revenue: its movements, every change, by subscription, and a year of it."""

from __future__ import annotations

from typing import Final

from application.ports.analytics import Column
from projections.olap.mrr_sql import (
    CURRENCY,
    END,
    FLOW_WEIGHT,
    FLOWS,
    MOVED,
    MOVEMENTS,
    PERIOD,
    START,
    SUBSCRIPTION,
    GrainParameters,
    MrrParameters,
    money,
    periods,
)
from projections.olap.report import ReportDefinition, define

_BY_GRAIN: Final = periods("$grain")
_BY_MONTH: Final = periods("'month'")

_MRR: Final = define(
    "mrr",
    "MRR and its movements",
    "Monthly recurring revenue at the start and at the end of each period, and what moved it: start + new + expansion "
    "+ reactivation - contraction - churn = end, to the minor unit, in each currency, under the profile's definitions. "
    "Movements are activities and may be summed over periods; start and end are balances and may not.",
    GrainParameters,
    (PERIOD, CURRENCY, START, *MOVEMENTS, END),
    rows=f"""
        WITH {_BY_GRAIN}
        SELECT period, currency, {FLOWS}
        FROM period
        JOIN moved ON moved.day <= period.last
        GROUP BY period, currency
        ORDER BY period, currency
    """,  # noqa: S608 - our own SQL
    events=f"""
        WITH {_BY_GRAIN}
        SELECT position, sum(weight)::BIGINT AS weight
        FROM (
            SELECT position, {FLOW_WEIGHT} AS weight
            FROM period
            JOIN moved ON moved.day <= period.last
            WHERE period.period = $cell_period::DATE AND currency = $cell_currency
        )
        GROUP BY position
        HAVING sum(weight) <> 0
    """,  # noqa: S608 - our own SQL
)

_CHANGES: Final = define(
    "mrr_changes",
    "Every change of MRR",
    "Each change of each subscription's monthly recurring revenue, with the day on which it took effect and the one on "
    "which it was posted. An activity: amounts of one currency may be summed; contraction and churn are below zero.",
    MrrParameters,
    (
        Column("effective_on", "dimension", "date", "Day on which it took effect, UTC."),
        Column(
            "posted_on",
            "dimension",
            "date",
            "Day on which it was posted: another where its month was closed before it was recorded.",
        ),
        CURRENCY,
        Column("kind", "dimension", "text", "new, expansion, reactivation, contraction or churn."),
        SUBSCRIPTION,
        money("amount", "activity", "By how much MRR changed, with its sign."),
    ),
    rows=f"""
        WITH {MOVED}
        SELECT
            effective_on,
            posted_on,
            currency,
            kind,
            subscription_id::VARCHAR AS subscription,
            sum(amount)::BIGINT AS amount
        FROM moved, bounds
        WHERE day BETWEEN first AND last
        GROUP BY ALL
        ORDER BY ALL
    """,  # noqa: S608 - our own SQL
    events=f"""
        WITH {MOVED}
        SELECT position, sum(amount)::BIGINT AS weight
        FROM moved, bounds
        WHERE
            day BETWEEN first AND last
            AND effective_on = $cell_effective_on::DATE
            AND posted_on = $cell_posted_on::DATE
            AND currency = $cell_currency
            AND kind = $cell_kind
            AND subscription_id::VARCHAR = $cell_subscription
        GROUP BY position
    """,  # noqa: S608 - our own SQL
)

_PER_SUBSCRIPTION: Final = define(
    "mrr_per_subscription",
    "MRR of each subscription at each month's end",
    "Monthly recurring revenue of each subscription at the end of each month. A balance: sum it over subscriptions of "
    "one currency, never over months. Subscriptions that come to nothing are left out.",
    MrrParameters,
    (
        Column("month", "dimension", "date", "First day of the month, UTC; the last month may be cut short."),
        SUBSCRIPTION,
        CURRENCY,
        money("mrr", "balance", "MRR at the end of the month."),
    ),
    rows=f"""
        WITH {_BY_MONTH}
        SELECT period AS month, subscription_id::VARCHAR AS subscription, currency, sum(amount)::BIGINT AS mrr
        FROM period
        JOIN moved ON moved.day <= period.last
        GROUP BY ALL
        HAVING sum(amount) <> 0
        ORDER BY ALL
    """,  # noqa: S608 - our own SQL
    events=f"""
        WITH {_BY_MONTH}
        SELECT position, sum(amount)::BIGINT AS weight
        FROM period
        JOIN moved ON moved.day <= period.last
        WHERE
            period.period = $cell_month::DATE
            AND subscription_id::VARCHAR = $cell_subscription
            AND currency = $cell_currency
        GROUP BY position
        HAVING sum(amount) <> 0
    """,  # noqa: S608 - our own SQL
)

_ARR: Final = define(
    "arr",
    "Annual recurring revenue",
    "Twelve times the monthly recurring revenue at the end of each period, by currency. A balance.",
    GrainParameters,
    (
        PERIOD,
        CURRENCY,
        money("arr", "balance", "12 x MRR at the end of the period."),
        money("mrr", "balance", "MRR at the end of the period."),
    ),
    rows=f"""
        WITH {_BY_GRAIN}
        SELECT period, currency, (12 * sum(amount))::BIGINT AS arr, sum(amount)::BIGINT AS mrr
        FROM period
        JOIN moved ON moved.day <= period.last
        GROUP BY period, currency
        ORDER BY period, currency
    """,  # noqa: S608 - our own SQL
    events=f"""
        WITH {_BY_GRAIN}
        SELECT position, (CASE $cell_measure WHEN 'arr' THEN 12 ELSE 1 END * sum(amount))::BIGINT AS weight
        FROM period
        JOIN moved ON moved.day <= period.last
        WHERE period.period = $cell_period::DATE AND currency = $cell_currency
        GROUP BY position
        HAVING sum(amount) <> 0
    """,  # noqa: S608 - our own SQL
)

MRR_REPORTS: Final[tuple[ReportDefinition, ...]] = (_MRR, _CHANGES, _PER_SUBSCRIPTION, _ARR)
