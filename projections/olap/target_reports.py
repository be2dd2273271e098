"""The report of targets: what was aimed at, by figure and period, to be set beside what came of it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from application.ports.analytics import Column
from projections.olap.report import Parameters, ReportDefinition, define


class TargetsParameters(Parameters):
    """Which targets."""

    metric: Annotated[
        str | None, Field(description="Only targets of this figure, such as mrr.", max_length=60)
    ] = None
    period_kind: Annotated[
        Literal["month", "quarter", "year", "standing"] | None,
        Field(description="Only targets of periods of this kind; standing ones hold in all."),
    ] = None


_STANDING: Final = """
    standing AS (
        SELECT *, value_text AS aim, value_to_text AS aim_to
        FROM fact_target
        QUALIFY
            row_number() OVER (PARTITION BY target_id ORDER BY position DESC) = 1
            AND change = 'set'
            AND ($metric::VARCHAR IS NULL OR metric = $metric)
            AND ($period_kind::VARCHAR IS NULL OR period_kind = $period_kind)
    )
"""

_TARGETS: Final = define(
    "targets",
    "Targets by figure and period",
    "What figures should be, as it was said last: a balance, never summed. A document may aim at two values for one "
    "period; both stand here.",
    TargetsParameters,
    (
        Column("metric", "dimension", "text", "Figure, by its name in reports."),
        Column("period_kind", "dimension", "text", "month, quarter, year, or standing: every period."),
        Column("period", "dimension", "text", "Period, such as 2026-Q4; empty for a standing target."),
        Column("segment", "dimension", "text", "Customers that it is about; empty: all."),
        Column("comparison", "dimension", "text", "at_least, at_most or range."),
        Column("value", "dimension", "text", "What is aimed at, a decimal as it was written."),
        Column("value_to", "dimension", "text", "Upper end of a range."),
        Column("unit", "dimension", "text", "What it is counted in."),
        Column("targets", "measure", "targets", "Number of targets that say this.", "balance"),
    ),
    rows=f"""
        WITH {_STANDING}
        SELECT
            metric, period_kind, period, segment, comparison, aim AS value, aim_to AS value_to, unit,
            count(*) AS targets
        FROM standing
        GROUP BY ALL
        ORDER BY ALL
    """,  # noqa: S608 - our own SQL
    events=f"""
        WITH {_STANDING}
        SELECT position, count(*) AS weight
        FROM standing
        WHERE
            metric = $cell_metric
            AND period_kind = $cell_period_kind
            AND period IS NOT DISTINCT FROM $cell_period::VARCHAR
            AND segment IS NOT DISTINCT FROM $cell_segment::VARCHAR
            AND comparison = $cell_comparison
            AND aim = $cell_value
            AND aim_to IS NOT DISTINCT FROM $cell_value_to::VARCHAR
            AND unit = $cell_unit
        GROUP BY position
    """,  # noqa: S608 - our own SQL
)

TARGET_REPORTS: Final[tuple[ReportDefinition, ...]] = (_TARGETS,)
