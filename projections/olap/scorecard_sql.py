"""What scorecards share, of one log or of all customers: columns, actuals beside targets, and the words for both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from application.ports.analytics import Column
from domain.kernel.money import CURRENCIES
from projections.finance.metrics import CATALOGUE, MONEY, Metric
from projections.olap.mrr_sql import positive
from projections.olap.sql import quoted

_MONEY: Final = quoted(MONEY)


def _word(text: str | None) -> str:
    return "NULL" if text is None else quoted(text)


def _metrics(because: Callable[[Metric], str | None]) -> str:
    return ", ".join(
        f"({quoted(one.id)}, {quoted(one.group)}, {quoted(one.unit)}, {quoted(one.nature)}, {quoted(one.better)},"
        f" {_word(because(one))})"
        for one in CATALOGUE.metrics
    )


_DIGITS: Final = " ".join(
    f"WHEN currency IN ({', '.join(quoted(code) for code, of in CURRENCIES.items() if of == digits)})"
    f" THEN {10**digits}"
    for digits in (0, 3)
)
_CODES: Final = ", ".join(map(quoted, CURRENCIES))
_NAMED: Final = """CASE $grain
                WHEN 'year' THEN strftime(span.period, '%Y')
                WHEN 'quarter' THEN year(span.period)::VARCHAR || '-Q' || quarter(span.period)::VARCHAR
                ELSE strftime(span.period, '%Y-%m')
            END"""
_REACHED: Final = """CASE comparison
                WHEN 'at_least' THEN round(actual, 6) >= aim
                WHEN 'at_most' THEN round(actual, 6) <= aim
                ELSE CASE better WHEN 'higher' THEN round(actual, 6) >= aim ELSE round(actual, 6) <= aim_to END
            END"""

COLUMNS: Final = (
    Column("metric", "dimension", "text", "Metric, by its name in the catalogue and in targets."),
    Column(
        "group",
        "dimension",
        "text",
        "financial, product, customer or growth; other: in no catalogue.",
        tells=True,
    ),
    Column("period", "dimension", "date", "First day of the period, UTC."),
    Column(
        "stage",
        "dimension",
        "text",
        "over, open: it is not over yet, or not all of it was asked for; or ahead.",
        tells=True,
    ),
    Column("currency", "dimension", "currency", "Currency; empty for what is no amount, or has none."),
    Column(
        "unit",
        "dimension",
        "text",
        "What actual and target are in; money in major units of the currency.",
    ),
    Column("segment", "dimension", "text", "Customers that the target is about; empty: all."),
    Column(
        "comparison",
        "dimension",
        "text",
        "at_least, at_most or range, which what is better than it attains too; empty: no target.",
        tells=True,
    ),
    Column("target", "dimension", "text", "What is aimed at, a decimal as it was written.", tells=True),
    Column("target_to", "dimension", "text", "Upper end of a range.", tells=True),
    Column(
        "status",
        "dimension",
        "text",
        "attained, not_attained; attained_so_far, not_attained_yet: the period is open; no_target; no_actual; "
        "nothing_to_divide_by; ahead; not_by_segment; unit_differs; not_built; platform_wide; "
        "of_each_customer; unknown_metric.",
        tells=True,
    ),
    Column(
        "because", "dimension", "text", "Why there is no actual, where the catalogue says it.", tells=True
    ),
    Column("numerator", "measure", "units", "Actual, or its numerator: minor units, or a count.", "balance"),
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
)


def card(came: str, because: Callable[[Metric], str | None]) -> str:
    """The rows of a scorecard, after the common table expressions `span` and those that `came` needs.

    `came`: a query (metric, period, currency, above, below, parted, quotient) of what came of each: sums over events,
    or where it is not `parted`, the figure itself. Money is in minor units. `because`: why a metric is not
    told, or None.
    """
    return f"""
        metric AS (SELECT * FROM (VALUES {_metrics(because)}) AS told (metric, grp, unit, nature, better, because)),
        came AS MATERIALIZED ({came}),
        came_of AS MATERIALIZED (
            SELECT
                came.metric,
                period,
                currency,
                true AS told,
                CASE WHEN parted THEN coalesce(above, 0)::BIGINT END AS numerator,
                CASE WHEN parted AND nature = 'ratio' THEN coalesce(below, 0)::BIGINT END AS denominator,
                CASE
                    WHEN NOT parted THEN quotient
                    WHEN nature = 'ratio' THEN
                        CASE unit WHEN 'percent' THEN 100 ELSE 1 END * numerator::DOUBLE / {positive("denominator")}
                    ELSE numerator::DOUBLE
                END / CASE WHEN unit <> {_MONEY} THEN 1 {_DIGITS} ELSE 100 END AS actual
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
        beside AS MATERIALIZED (
            SELECT
                aimed.period, aimed.metric, segment, comparison, aim, aim_to, value_text, value_to_text, aim_unit,
                coalesce(
                    came_of.currency,
                    CASE WHEN metric.unit = {_MONEY} AND aim_unit IN ({_CODES}) THEN aim_unit END
                ) AS currency,
                told, numerator, denominator, actual
            FROM aimed
            LEFT JOIN metric ON metric.metric = aimed.metric
            LEFT JOIN came_of
                ON came_of.metric = aimed.metric
                AND came_of.period = aimed.period
                AND aimed.segment IS NULL
                AND (metric.unit <> {_MONEY} OR came_of.currency = aim_unit)
        ),
        shown AS MATERIALIZED (
            SELECT * FROM beside
            UNION ALL BY NAME
            SELECT came_of.*
            FROM came_of
            ANTI JOIN (SELECT * FROM beside WHERE segment IS NULL) AS beside
                ON beside.metric = came_of.metric
                AND beside.period = came_of.period
                AND beside.currency IS NOT DISTINCT FROM came_of.currency
        ),
        line AS (
            SELECT * FROM shown
            UNION ALL BY NAME
            SELECT metric, period FROM metric CROSS JOIN span ANTI JOIN shown USING (metric, period)
        ),
        judged AS (
            SELECT
                line.*,
                coalesce(grp, 'other') AS grp,
                because,
                metric.unit AS own_unit,
                CASE
                    WHEN span.first > $last_day::DATE THEN 'ahead'
                    WHEN span.ends > $last_day::DATE OR span.last < span.ends OR span.first > span.period THEN 'open'
                    ELSE 'over'
                END AS stage,
                {_REACHED} AS reached,
                CASE
                    WHEN comparison = 'range' AND round(actual, 6) BETWEEN aim AND aim_to THEN 0
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
                    WHEN because LIKE 'platform-wide%' THEN 'platform_wide'
                    WHEN because IS NOT NULL THEN 'of_each_customer'
                    WHEN segment IS NOT NULL THEN 'not_by_segment'
                    WHEN
                        comparison IS NOT NULL
                        AND CASE own_unit WHEN {_MONEY} THEN currency IS NULL ELSE aim_unit <> own_unit END
                        THEN 'unit_differs'
                    WHEN told IS NULL AND stage = 'ahead' THEN 'ahead'
                    WHEN told IS NULL THEN 'no_actual'
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
            CASE WHEN own_unit = {_MONEY} THEN coalesce(currency, aim_unit) ELSE coalesce(own_unit, aim_unit) END
                AS unit,
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
        ORDER BY period, grp, metric, currency, segment, comparison, target, target_to, unit
    """  # noqa: S608 - our own SQL
