"""The report of permissions that end by themselves: how many in which week, by law and basis."""

from __future__ import annotations

from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import Field, model_validator

from application.ports.analytics import Column
from projections.olap.report import Day, Parameters, ReportDefinition, define


class EndsParameters(Parameters):
    """Which ends, by their days, and whose; bound as `$from_`, `$to` and `$workspace_id`."""

    from_: Annotated[
        Day | None,
        Field(alias="from", description="First day of an end (UTC); from the first unless given."),
    ] = None
    to: Annotated[
        Day | None,
        Field(description="Last day of an end (UTC), included, also one to come; all unless given."),
    ] = None

    workspace_id: Annotated[
        UUID | None,
        Field(description="Only permissions that one client has, whose workspace this is."),
    ] = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_ is not None and self.to is not None and self.from_ > self.to:
            raise ValueError("from must not be after to")
        return self


_WEEK: Final = "date_trunc('week', ends_at)::DATE"
_ENDS: Final = """
            ($from_::DATE IS NULL OR ends_at::DATE >= $from_::DATE)
            AND ($to::DATE IS NULL OR ends_at::DATE <= $to::DATE)
            AND ($workspace_id::UUID IS NULL OR workspace_id = $workspace_id::UUID)"""

LAPSES: Final[ReportDefinition] = define(
    "lapses",
    "Permissions that end by themselves, by week, law and basis",
    "How many permissions for ordinary advertisements end in a week, as announced 30 days ahead, and how many did end; "
    "of a person who permitted it to several clients, as many as these. "
    "What was announced and has not lapsed a week later was renewed, opted out of, or erased. An activity: weeks may "
    "be summed within a stage.",
    EndsParameters,
    (
        Column("week", "dimension", "date", "Monday of the week of the end, UTC."),
        Column("law", "dimension", "text", "Country code of the law under which it ends."),
        Column(
            "basis", "dimension", "text", "Basis that ends, such as consent; none where the rule has none."
        ),
        Column("stage", "dimension", "text", "announced (ahead), or lapsed (it came)."),
        Column("permissions", "measure", "permissions", "Number of announcements.", "activity"),
    ),
    rows=f"""
        SELECT
            {_WEEK} AS week,
            coalesce(law, 'none') AS law,
            coalesce(basis, 'none') AS basis,
            stage,
            count(*) AS permissions
        FROM fact_lapse
        WHERE {_ENDS}
        GROUP BY ALL
        ORDER BY ALL
    """,  # noqa: S608 - our own conditions
    events=f"""
        SELECT position, 1 AS weight
        FROM fact_lapse
        WHERE
            {_WEEK} = $cell_week::DATE
            AND coalesce(law, 'none') = $cell_law
            AND coalesce(basis, 'none') = $cell_basis
            AND stage = $cell_stage
            AND {_ENDS}
    """,  # noqa: S608 - our own conditions
    reaches_ahead=True,
)
