"""The scorecard: each metric of the catalogue by period, what came of it beside what was aimed at.

Every actual is a numerator, or one over a denominator, and both are sums over events: `counted` has a row for each
event of each. So a figure opens to what it is made of, also where the figure itself is a ratio.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from domain.kernel.permissions import Permission
from projections.olap.finance_sql import ACCRUING, SPANS, accrued
from projections.olap.mrr_sql import CHANGES, MrrParameters
from projections.olap.report import ReportDefinition, define
from projections.olap.scorecard_sql import COLUMNS, card


class ScorecardParameters(MrrParameters):
    """Which days, under which definitions, how long a period is, and as of when."""

    grain: Annotated[
        Literal["month", "quarter", "year"],
        Field(description="How long a period is. A target counts in periods of its own length, or in all."),
    ] = "quarter"
    metric: Annotated[str | None, Field(description="Only this metric, such as mrr.", max_length=60)] = None


_IN_PERIOD: Final = "day BETWEEN span.first AND span.last"
_LOST: Final = "kind IN ('contraction', 'churn')"
_GAINED: Final = "kind IN ('new', 'expansion')"

_COUNTED: Final = f"""
    {CHANGES},
    {ACCRUING},
    used AS MATERIALIZED (SELECT meter, month AS day, delta, position FROM fact_usage),
    bounds AS (
        SELECT
            coalesce(
                $from_::DATE,
                date_trunc(
                    $grain,
                    least(
                        (SELECT min(day) FROM moved),
                        (SELECT min(first_on) FROM accruing),
                        (SELECT min(day) FROM used),
                        $last_day::DATE
                    )
                )::DATE
            ) AS first,
            coalesce($to::DATE, $last_day::DATE) AS last
    ),
    {SPANS},
    past AS MATERIALIZED (
        SELECT * REPLACE (least(last, $last_day::DATE) AS last) FROM span WHERE first <= $last_day::DATE
    ),
    {accrued("past")},
    movement AS (
        SELECT span.period, currency, position, amount, kind, day, {_IN_PERIOD} AS within
        FROM past AS span
        JOIN moved ON moved.day <= span.last
    ),
    sent AS (
        SELECT now.period, was.first IS NOT NULL AS known, before, position, delta
        FROM past AS now
        LEFT JOIN past AS was ON was.ends = now.period - 1
        CROSS JOIN (VALUES (false), (true)) AS side (before)
        JOIN used ON
            meter = 'emails'
            AND day BETWEEN
                CASE WHEN before THEN was.period ELSE now.period END
                AND CASE WHEN before THEN was.ends ELSE now.last END
    ),
    staff AS (
        SELECT span.period, position, delta, day >= span.first AS within
        FROM past AS span
        JOIN used ON meter = 'users' AND day <= span.last
    ),
    counted AS (
        SELECT part.metric, part.part, period, currency, position, part.weight
        FROM (
            SELECT period, currency, position, unnest([
                {{'metric': 'mrr', 'part': 'numerator', 'weight': amount}},
                {{'metric': 'arr', 'part': 'numerator', 'weight': 12 * amount}},
                {{
                    'metric': 'gross_churn',
                    'part': CASE WHEN within THEN 'numerator' ELSE 'denominator' END,
                    'weight': CASE WHEN NOT within THEN amount WHEN {_LOST} THEN -amount END
                }},
                {{
                    'metric': 'quick_ratio',
                    'part': CASE WHEN {_GAINED} THEN 'numerator' ELSE 'denominator' END,
                    'weight': CASE WHEN within AND {_GAINED} THEN amount WHEN within AND {_LOST} THEN -amount END
                }}
            ]) AS part
            FROM movement
            UNION ALL
            SELECT period, currency, position, unnest([
                {{'metric': kind, 'part': 'numerator', 'weight': amount}},
                {{
                    'metric': 'gross_margin',
                    'part': 'numerator',
                    'weight': CASE kind WHEN 'cost' THEN -amount ELSE amount END
                }},
                {{
                    'metric': 'gross_margin',
                    'part': 'denominator',
                    'weight': CASE kind WHEN 'revenue' THEN amount END
                }}
            ])
            FROM accrued
            WHERE kind IN ('revenue', 'cost')
            UNION ALL
            SELECT period, NULL, position, unnest([
                {{'metric': 'emails_sent', 'part': 'numerator', 'weight': CASE WHEN NOT before THEN delta END}},
                {{
                    'metric': 'email_volume_growth',
                    'part': 'numerator',
                    'weight': CASE WHEN known THEN CASE WHEN before THEN -delta ELSE delta END END
                }},
                {{
                    'metric': 'email_volume_growth',
                    'part': 'denominator',
                    'weight': CASE WHEN before THEN delta END
                }}
            ])
            FROM sent
            UNION ALL
            SELECT period, NULL, position, unnest([
                {{'metric': 'team_members', 'part': 'numerator', 'weight': delta}},
                {{
                    'metric': 'team_expansion_rate',
                    'part': CASE WHEN within THEN 'numerator' ELSE 'denominator' END,
                    'weight': delta
                }}
            ])
            FROM staff
        )
        WHERE part.weight IS NOT NULL
    )"""  # noqa: S608 - our own SQL

_CAME: Final = """
            SELECT
                metric,
                period,
                currency,
                sum(weight) FILTER (part = 'numerator') AS above,
                sum(weight) FILTER (part = 'denominator') AS below,
                true AS parted,
                NULL::DOUBLE AS quotient
            FROM counted
            GROUP BY metric, period, currency"""

_SCORECARD: Final = define(
    "scorecard",
    "Scorecard",
    "Each metric of the catalogue by period: what came of it beside what was aimed at, and in words whether it was "
    "attained. A ratio stands beside its numerator and denominator; amounts of two currencies are never added, and a "
    "target in one is set beside the actual in the same. What is not told says why. Only this log is looked at: "
    "metrics about all customers are in the platform's own scorecard.",
    ScorecardParameters,
    COLUMNS,
    rows=f"""
        WITH {_COUNTED},
        {card(_CAME, lambda metric: metric.because)}
    """,
    events=f"""
        WITH {_COUNTED}
        SELECT position, sum(weight)::BIGINT AS weight
        FROM counted
        WHERE
            metric = $cell_metric
            AND period = $cell_period::DATE
            AND currency IS NOT DISTINCT FROM $cell_currency::VARCHAR
            AND part = $cell_measure
            AND $cell_segment::VARCHAR IS NULL
        GROUP BY position
        HAVING sum(weight) <> 0
    """,  # noqa: S608 - our own SQL
    permission=Permission.COSTS_READ,
    named_by_words=True,
)

SCORECARD_REPORTS: Final[tuple[ReportDefinition, ...]] = (_SCORECARD,)
