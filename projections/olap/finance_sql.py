"""How revenue and costs accrue together, as SQL that reports are put together from.

Over one tenant's facts, dated by `$dating`: `effective`, the days of the service or of what a cost covers; or
`posting`, where what fell into closed months when it became known stands on the first day open then. Everything accrues
evenly over its days, the first of which take what is left over by the division. What is revenue says `revenue_entry`.
"""

from __future__ import annotations

from typing import Final

from projections.olap.cost_sql import through

ACCRUING: Final = """
    entry AS (
        SELECT 'revenue' AS kind, position, currency, amount, covers_from, covers_to, false AS approximate
        FROM revenue_entry
        UNION ALL
        SELECT
            CASE WHEN category = 'marketing' THEN 'acquisition' ELSE 'cost' END,
            position,
            currency,
            amount,
            covers_from,
            covers_to,
            approximate
        FROM fact_cost
    ),
    accruing AS MATERIALIZED (
        SELECT
            entry.*,
            CASE
                WHEN $dating = 'posting' THEN greatest(covers_from, closing.open_from)
                ELSE covers_from
            END AS first_on,
            greatest(covers_to, first_on) AS last_on,
            covers_to - covers_from + 1 AS days,
            abs(amount) // days AS each_day,
            abs(amount) % days AS days_with_more
        FROM entry
        ASOF LEFT JOIN fact_period AS closing ON entry.position > closing.position
    )"""
"""Common table expressions: `accruing` holds what is earned and spent, with the days over which it is."""


def accrued(periods: str) -> str:
    """What accrues in each row of `periods` (period, first, last), in a table `accrued` with a row for each entry."""
    return f"""
    accrued AS MATERIALIZED (
        SELECT
            span.period,
            kind,
            position,
            currency,
            approximate,
            sign(amount)::BIGINT * (
                ({through("least(span.last, last_on)")}) - ({through("greatest(span.first, first_on) - 1")})
            ) AS amount
        FROM {periods} AS span
        JOIN accruing ON first_on <= span.last AND last_on >= span.first
    )"""  # noqa: S608 - our own SQL


MARKETED: Final = """currency IN (
                SELECT currency FROM fact_cost WHERE category = 'marketing' GROUP BY currency HAVING sum(amount) <> 0
            )"""
"""Whether marketing was ever entered in the currency of a row: where none was, nobody knows what a customer cost."""
CAC_TOLD: Final = f"""CASE
                WHEN new_customers = 0 THEN 'cannot be told: no new customers'
                WHEN NOT {MARKETED} THEN 'cannot be told: no marketing spend was entered'
                ELSE 'told'
            END"""
"""Whether CAC can be told, or why not, as SQL over `new_customers`."""


def where_marketed(figure: str) -> str:
    """A figure that is made of marketing, as SQL: NULL where none was ever entered."""
    return f"(CASE WHEN {MARKETED} THEN {figure} END)"


STEP: Final = """CASE $grain
                    WHEN 'year' THEN INTERVAL 1 YEAR
                    WHEN 'quarter' THEN INTERVAL 3 MONTH
                    WHEN 'month' THEN INTERVAL 1 MONTH
                    ELSE INTERVAL 7 DAY
                END"""
SPANS: Final = f"""
    span AS MATERIALIZED (
        SELECT
            begins AS period,
            greatest(begins, first) AS first,
            least((begins + {STEP})::DATE - 1, last) AS last,
            (begins + {STEP})::DATE - 1 AS ends
        FROM (
            SELECT
                first,
                last,
                unnest(
                    generate_series(date_trunc($grain, first)::TIMESTAMP, last::TIMESTAMP, {STEP})
                )::DATE AS begins
            FROM bounds
        )
    )"""  # noqa: S608 - our own SQL
"""The periods from the first day to the last of `bounds`: when each begins, its days within them, and its last day."""
