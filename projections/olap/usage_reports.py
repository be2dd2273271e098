"""The report of usage: what was used of each meter, month by month."""

from __future__ import annotations

from typing import Final

from application.ports.analytics import Column
from projections.olap.report import DaysParameters, ReportDefinition, define

_DAYS: Final = """
            ($from_::DATE IS NULL OR day >= $from_::DATE)
            AND ($to::DATE IS NULL OR day <= $to::DATE)"""

_USAGE: Final = define(
    "usage",
    "Usage by month and meter",
    "How much came to be used of each meter in a month (UTC), and how much was given up. Of messages, net is what the "
    "month used. Users and workspaces stand from month to month: what is used of them is the sum of net from the "
    "beginning on. What a plan allows is no part of it: see the view billing/usage.",
    DaysParameters,
    (
        Column("month", "dimension", "date", "First day of the month, UTC."),
        Column("meter", "dimension", "text", "What is used: users, workspaces or emails."),
        Column("net", "measure", "units", "What was taken, less what was given up.", "activity"),
        Column("taken", "measure", "units", "What came to be used.", "activity"),
        Column("released", "measure", "units", "What was given up.", "activity"),
    ),
    rows=f"""
        SELECT
            month,
            meter,
            sum(delta)::BIGINT AS net,
            count(*) FILTER (delta > 0) AS taken,
            count(*) FILTER (delta < 0) AS released
        FROM fact_usage
        WHERE {_DAYS}
        GROUP BY ALL
        ORDER BY month, meter
    """,  # noqa: S608 - our own conditions
    events=f"""
        SELECT position, weight
        FROM (
            SELECT
                position,
                CASE $cell_measure
                    WHEN 'taken' THEN greatest(delta, 0)
                    WHEN 'released' THEN greatest(-delta, 0)
                    ELSE delta
                END AS weight
            FROM fact_usage
            WHERE month = $cell_month::DATE AND meter = $cell_meter AND {_DAYS}
        )
        WHERE weight <> 0
    """,  # noqa: S608 - our own conditions
)

USAGE_REPORTS: Final[tuple[ReportDefinition, ...]] = (_USAGE,)
