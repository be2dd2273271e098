"""The scorecard: each metric of the catalogue by period, what came of it beside what was aimed at.

Every actual is a numerator, or one over a denominator, and both are sums over events: `counted` has a row for each
event of each. So a figure opens to what it is made of, also where the figure itself is a ratio.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from application.ports.analytics import Column
from domain.kernel.money import CURRENCIES
from domain.kernel.permissions import Permission
from projections.finance.metrics import CATALOGUE, MONEY
from projections.olap.finance_sql import ACCRUING, SPANS, accrued
from projections.olap.mrr_sql import CHANGES, MrrParameters
from projections.olap.report import ReportDefinition, define
from projections.olap.sql import quoted


class ScorecardParameters(MrrParameters):
    """Which days, under which definitions, how long a period is, and as of when."""

    grain: Annotated[
        Literal["month", "quarter", "year"],
        Field(description="How long a period is. A target counts in periods of its own length, or in all."),
    ] = "quarter"
    metric: Annotated[str | None, Field(description="Only this metric, such as mrr.", max_length=60)] = None


def _word(text: str | None) -> str:
    return "NULL" if text is None else quoted(text)


_METRICS: Final = ", ".join(
    f"({quoted(one.id)}, {quoted(one.group)}, {quoted(one.unit)}, {quoted(one.nature)}, {_word(one.because)})"
    for one in CATALOGUE.metrics
)
_DIGITS: Final = " ".join(
    f"WHEN currency IN ({', '.join(quoted(code) for code, of in CURRENCIES.items() if of == digits)})"
    f" THEN {10**digits}"
    for digits in (0, 3)
)
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
                least(
                    (SELECT min(day) FROM moved),
                    (SELECT min(first_on) FROM accruing),
                    (SELECT min(day) FROM used),
                    $last_day::DATE
                )
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
        SELECT 'mrr' AS metric, 'numerator' AS part, period, currency, position, amount AS weight FROM movement
        UNION ALL
        SELECT 'arr', 'numerator', period, currency, position, 12 * amount FROM movement
        UNION ALL
        SELECT 'gross_churn', 'numerator', period, currency, position, -amount
        FROM movement
        WHERE within AND {_LOST}
        UNION ALL
        SELECT 'gross_churn', 'denominator', period, currency, position, amount FROM movement WHERE NOT within
        UNION ALL
        SELECT 'quick_ratio', 'numerator', period, currency, position, amount
        FROM movement
        WHERE within AND {_GAINED}
        UNION ALL
        SELECT 'quick_ratio', 'denominator', period, currency, position, -amount
        FROM movement
        WHERE within AND {_LOST}
        UNION ALL
        SELECT kind, 'numerator', period, currency, position, amount FROM accrued WHERE kind IN ('revenue', 'cost')
        UNION ALL
        SELECT
            'gross_margin', 'numerator', period, currency, position, CASE kind WHEN 'cost' THEN -amount ELSE amount END
        FROM accrued
        WHERE kind IN ('revenue', 'cost')
        UNION ALL
        SELECT 'gross_margin', 'denominator', period, currency, position, amount FROM accrued WHERE kind = 'revenue'
        UNION ALL
        SELECT 'emails_sent', 'numerator', period, NULL, position, delta FROM sent WHERE NOT before
        UNION ALL
        SELECT 'email_volume_growth', 'numerator', period, NULL, position, CASE WHEN before THEN -delta ELSE delta END
        FROM sent
        WHERE known
        UNION ALL
        SELECT 'email_volume_growth', 'denominator', period, NULL, position, delta FROM sent WHERE before
        UNION ALL
        SELECT 'team_members', 'numerator', period, NULL, position, delta FROM staff
        UNION ALL
        SELECT 'team_expansion_rate', 'numerator', period, NULL, position, delta FROM staff WHERE within
        UNION ALL
        SELECT 'team_expansion_rate', 'denominator', period, NULL, position, delta FROM staff WHERE NOT within
    )"""  # noqa: S608 - our own SQL

_NAMED: Final = """CASE $grain
                WHEN 'year' THEN strftime(span.period, '%Y')
                WHEN 'quarter' THEN year(span.period)::VARCHAR || '-Q' || quarter(span.period)::VARCHAR
                ELSE strftime(span.period, '%Y-%m')
            END"""
_REACHED: Final = """CASE comparison
                WHEN 'at_least' THEN round(actual, 6) >= aim
                WHEN 'at_most' THEN round(actual, 6) <= aim
                ELSE round(actual, 6) BETWEEN aim AND aim_to
            END"""

_SCORECARD: Final = define(
    "scorecard",
    "Scorecard",
    "Each metric of the catalogue by period: what came of it beside what was aimed at, and in words whether it was "
    "attained. A ratio stands beside its numerator and denominator; amounts of two currencies are never added, and a "
    "target in one is set beside the actual in the same. What is not told says why. Only this log is looked at: "
    "metrics about all customers are platform-wide, which no report is yet.",
    ScorecardParameters,
    (
        Column("metric", "dimension", "text", "Metric, by its name in the catalogue and in targets."),
        Column(
            "group", "dimension", "text", "financial, product, customer or growth; other: in no catalogue."
        ),
        Column("period", "dimension", "date", "First day of the period, UTC."),
        Column("stage", "dimension", "text", "over, open: it is not over yet, or ahead."),
        Column("currency", "dimension", "currency", "Currency; empty for what is no amount, or has none."),
        Column(
            "unit",
            "dimension",
            "text",
            "What actual and target are in; money in major units of the currency.",
        ),
        Column("segment", "dimension", "text", "Customers that the target is about; empty: all."),
        Column("comparison", "dimension", "text", "at_least, at_most or range; empty: no target."),
        Column("target", "dimension", "text", "What is aimed at, a decimal as it was written."),
        Column("target_to", "dimension", "text", "Upper end of a range."),
        Column(
            "status",
            "dimension",
            "text",
            "attained, not_attained; attained_so_far, not_attained_yet: the period is open; no_target; no_actual; "
            "nothing_to_divide_by; ahead; not_by_segment; unit_differs; not_built; platform_wide; unknown_metric.",
        ),
        Column("because", "dimension", "text", "Why there is no actual, where the catalogue says it."),
        Column(
            "numerator", "measure", "units", "Actual, or its numerator: minor units, or a count.", "balance"
        ),
        Column("denominator", "measure", "units", "Of a ratio, its denominator.", "balance"),
        Column(
            "actual",
            "measure",
            "number",
            "What came of it, in the unit: numerator, or numerator / denominator.",
            "ratio",
            ("numerator", "denominator"),
        ),
        Column(
            "variance",
            "measure",
            "number",
            "Actual less target; of a range less its nearer end, 0 within it.",
            "ratio",
            ("numerator", "denominator"),
        ),
    ),
    rows=f"""
        WITH {_COUNTED},
        metric AS (SELECT * FROM (VALUES {_METRICS}) AS told (metric, grp, unit, nature, because)),
        came AS (
            SELECT
                metric,
                period,
                currency,
                sum(weight) FILTER (part = 'numerator') AS above,
                sum(weight) FILTER (part = 'denominator') AS below
            FROM counted
            GROUP BY metric, period, currency
        ),
        came_of AS (
            SELECT
                came.metric,
                period,
                currency,
                coalesce(above, 0)::BIGINT AS numerator,
                CASE nature WHEN 'ratio' THEN coalesce(below, 0)::BIGINT END AS denominator,
                CASE
                    WHEN nature = 'ratio' THEN
                        CASE unit WHEN 'percent' THEN 100 ELSE 1 END * numerator::DOUBLE / nullif(denominator, 0)
                    WHEN unit = {quoted(MONEY)} THEN numerator::DOUBLE / CASE {_DIGITS} ELSE 100 END
                    ELSE numerator::DOUBLE
                END AS actual
            FROM came
            JOIN metric ON metric.metric = came.metric
        ),
        standing AS (
            SELECT metric, period_kind, period AS of_period, segment, comparison, value AS aim, value_to AS aim_to,
                value_text, value_to_text, unit AS aim_unit
            FROM fact_target
            QUALIFY row_number() OVER (PARTITION BY target_id ORDER BY position DESC) = 1 AND change = 'set'
        ),
        aimed AS (
            SELECT DISTINCT span.period, standing.* EXCLUDE (period_kind, of_period)
            FROM span
            JOIN standing
                ON period_kind = 'standing' OR (period_kind = $grain AND of_period = {_NAMED})
        ),
        beside AS (
            SELECT
                aimed.period, aimed.metric, segment, comparison, aim, aim_to, value_text, value_to_text, aim_unit,
                coalesce(came_of.currency, CASE WHEN metric.unit = {quoted(MONEY)} THEN aim_unit END) AS currency,
                numerator, denominator, actual
            FROM aimed
            LEFT JOIN metric ON metric.metric = aimed.metric
            LEFT JOIN came_of
                ON came_of.metric = aimed.metric
                AND came_of.period = aimed.period
                AND aimed.segment IS NULL
                AND (metric.unit <> {quoted(MONEY)} OR came_of.currency = aim_unit)
        ),
        line AS (
            SELECT * FROM beside
            UNION ALL BY NAME
            SELECT * FROM came_of
            WHERE NOT EXISTS (
                SELECT 1
                FROM beside
                WHERE
                    beside.metric = came_of.metric
                    AND beside.period = came_of.period
                    AND beside.currency IS NOT DISTINCT FROM came_of.currency
                    AND beside.segment IS NULL
            )
            UNION ALL BY NAME
            SELECT metric.metric, span.period
            FROM metric CROSS JOIN span
            WHERE
                NOT EXISTS (SELECT 1 FROM beside WHERE beside.metric = metric.metric AND beside.period = span.period)
                AND NOT EXISTS (
                    SELECT 1 FROM came_of WHERE came_of.metric = metric.metric AND came_of.period = span.period
                )
        ),
        judged AS (
            SELECT
                line.*,
                coalesce(grp, 'other') AS grp,
                because,
                metric.unit AS own_unit,
                CASE
                    WHEN span.first > $last_day::DATE THEN 'ahead'
                    WHEN span.ends > $last_day::DATE OR span.last < span.ends THEN 'open'
                    ELSE 'over'
                END AS stage,
                {_REACHED} AS reached,
                CASE
                    WHEN comparison = 'range' AND reached THEN 0
                    WHEN comparison = 'range' AND actual > aim_to THEN actual - aim_to::DOUBLE
                    ELSE actual - aim::DOUBLE
                END AS variance
            FROM line
            JOIN span USING (period)
            LEFT JOIN metric ON metric.metric = line.metric
        ),
        said AS (
            SELECT
                *,
                CASE
                    WHEN grp = 'other' THEN 'unknown_metric'
                    WHEN because LIKE 'not built%' THEN 'not_built'
                    WHEN because IS NOT NULL THEN 'platform_wide'
                    WHEN segment IS NOT NULL THEN 'not_by_segment'
                    WHEN
                        comparison IS NOT NULL
                        AND CASE own_unit WHEN {quoted(MONEY)} THEN currency <> aim_unit ELSE aim_unit <> own_unit END
                        THEN 'unit_differs'
                    WHEN numerator IS NULL AND stage = 'ahead' THEN 'ahead'
                    WHEN numerator IS NULL THEN 'no_actual'
                    WHEN actual IS NULL THEN 'nothing_to_divide_by'
                    WHEN comparison IS NULL THEN 'no_target'
                    WHEN stage = 'open' THEN CASE WHEN reached THEN 'attained_so_far' ELSE 'not_attained_yet' END
                    WHEN reached THEN 'attained'
                    ELSE 'not_attained'
                END AS status
            FROM judged
        )
        SELECT
            metric,
            grp AS "group",
            period,
            stage,
            currency,
            CASE WHEN own_unit = {quoted(MONEY)} THEN currency ELSE coalesce(own_unit, aim_unit) END AS unit,
            segment,
            comparison,
            value_text AS target,
            value_to_text AS target_to,
            status,
            because,
            numerator,
            denominator,
            actual,
            CASE WHEN status <> 'unit_differs' THEN variance END AS variance
        FROM said
        WHERE $metric::VARCHAR IS NULL OR metric = $metric
        ORDER BY period, grp, metric, currency, segment, comparison, target
    """,  # noqa: S608 - our own SQL
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
)

SCORECARD_REPORTS: Final[tuple[ReportDefinition, ...]] = (_SCORECARD,)
