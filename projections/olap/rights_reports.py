"""Reports of people's requests about their data: how many, how they ended, and whether that was in time."""

from __future__ import annotations

from typing import Final

from application.ports.analytics import Column
from projections.olap.report import DaysParameters, ReportDefinition, define

_DAYS: Final = """
            ($from_::DATE IS NULL OR day >= $from_::DATE)
            AND ($to::DATE IS NULL OR day <= $to::DATE)"""

_REQUESTS: Final = define(
    "subject_requests",
    "Requests of people about their data, by day, step and law",
    "How many requests were received, made longer, missed and ended, and how long they took. An activity: days may be "
    "summed; steps may not, since a request goes through several. The mean is taken_seconds by requests.",
    DaysParameters,
    (
        Column("day", "dimension", "date", "Day on which it was recorded, UTC."),
        Column(
            "step",
            "dimension",
            "text",
            "received, extended, missed (its term was over), and at the end fulfilled, nothing_held, refused or "
            "withdrawn.",
        ),
        Column("kind", "dimension", "text", "What was asked for."),
        Column("law", "dimension", "text", "Law whose term is the one to keep; none: our policy."),
        Column("requests", "measure", "requests", "Number of requests that took this step.", "activity"),
        Column(
            "in_time",
            "measure",
            "requests",
            "Number of those answered before their term was over.",
            "activity",
        ),
        Column(
            "entered_late",
            "measure",
            "requests",
            "Number of those in time by an acknowledgement that was entered after the term was over.",
            "activity",
        ),
        Column(
            "taken_seconds",
            "measure",
            "seconds",
            "Sum of the times from receipt to end.",
            "activity",
            scale=1_000_000,
        ),
    ),
    rows=f"""
        SELECT
            day,
            step,
            kind,
            coalesce(law, 'none') AS law,
            count(*) AS requests,
            count(*) FILTER (in_time) AS in_time,
            count(*) FILTER (entered_late) AS entered_late,
            coalesce(sum(taken_us), 0)::BIGINT / 1e6 AS taken_seconds
        FROM fact_subject_request
        WHERE {_DAYS}
        GROUP BY ALL
        ORDER BY day, step, kind, law
    """,  # noqa: S608 - our own conditions
    events=f"""
        SELECT position, weight
        FROM (
            SELECT
                position,
                CASE $cell_measure
                    WHEN 'in_time' THEN in_time::BIGINT
                    WHEN 'entered_late' THEN entered_late::BIGINT
                    WHEN 'taken_seconds' THEN taken_us
                    ELSE 1
                END AS weight
            FROM fact_subject_request
            WHERE
                day = $cell_day::DATE
                AND step = $cell_step
                AND kind = $cell_kind
                AND coalesce(law, 'none') = $cell_law
                AND {_DAYS}
        )
        WHERE weight <> 0
    """,  # noqa: S608 - our own conditions
)

RIGHTS_REPORTS: Final[tuple[ReportDefinition, ...]] = (_REQUESTS,)
