"""The reports of what is done and of contacts, and the register of all reports and of the facts behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from application.offered import FACTS, OFFERED, Offered
from application.ports.analytics import Column
from projections.olap.bridge_report import BRIDGE_REPORTS
from projections.olap.churn_reports import CHURN_REPORTS
from projections.olap.converted_reports import CONVERTED_REPORTS
from projections.olap.cost_reports import COST_REPORTS
from projections.olap.described import tables
from projections.olap.margin_reports import MARGIN_REPORTS
from projections.olap.mrr_reports import MRR_REPORTS
from projections.olap.permission_reports import PERMISSION_REPORTS
from projections.olap.report import DaysParameters, Parameters, ReportDefinition, define
from projections.olap.rights_reports import RIGHTS_REPORTS
from projections.olap.scorecard_report import SCORECARD_REPORTS
from projections.olap.target_reports import TARGET_REPORTS
from projections.olap.usage_reports import USAGE_REPORTS

ROW_CAP: Final = 10_000


class ActivityParameters(DaysParameters):
    """Which days, and which part of the product."""

    context: Annotated[
        str | None, Field(description="Only events of this context, such as audience.", max_length=60)
    ] = None


class ContactsParameters(Parameters):
    """Whose contacts, how finely, and as of when."""

    workspace_id: Annotated[UUID | None, Field(description="Only contacts of this workspace.")] = None
    by_subscriber_type: Annotated[bool, Field(description="Split by subscriber type as well.")] = False


_ACTIVITY: Final = define(
    "activity",
    "Activity by day and actor",
    "How many events each kind of actor caused, by day (UTC) and context. An activity, not a balance: days may be "
    "summed.",
    ActivityParameters,
    (
        Column("day", "dimension", "date", "Day on which the events were recorded, UTC."),
        Column("context", "dimension", "text", "Part of the product, the first half of the event's name."),
        Column("actor_kind", "dimension", "text", "Who acted: api_key, member, staff, workflow or system."),
        Column("events", "measure", "events", "Number of events.", "activity"),
    ),
    rows="""
        SELECT day, context, actor_kind, sum(events)::BIGINT AS events
        FROM fact_event_daily
        WHERE
            ($from_::DATE IS NULL OR day >= $from_::DATE)
            AND ($to::DATE IS NULL OR day <= $to::DATE)
            AND ($context::VARCHAR IS NULL OR context = $context)
        GROUP BY ALL
        ORDER BY day, context, actor_kind
    """,
    events="""
        SELECT position, 1 AS weight
        FROM fact_event
        WHERE
            day = $cell_day::DATE
            AND context = $cell_context
            AND actor_kind = $cell_actor_kind
            AND ($from_::DATE IS NULL OR day >= $from_::DATE)
            AND ($to::DATE IS NULL OR day <= $to::DATE)
            AND ($context::VARCHAR IS NULL OR context = $context)
    """,
)

_CONTACTS: Final = define(
    "contacts_by_segment",
    "Contacts by country and source",
    "How many contacts there are, by country and source, now or as of a position. A balance, not an activity: do not "
    "sum it over time. Segments without contacts are left out; what an event does not say is counted as unknown.",
    ContactsParameters,
    (
        Column("country", "dimension", "text", "ISO 3166-1 code of the contact's country, or unknown."),
        Column("source", "dimension", "text", "Where the contact came from, or unknown."),
        Column(
            "subscriber_type",
            "dimension",
            "text",
            "Kind of subscriber, or unknown; empty unless split by it.",
        ),
        Column("contacts", "measure", "contacts", "Number of contacts.", "balance"),
    ),
    rows="""
        SELECT
            coalesce(country, 'unknown') AS country,
            coalesce(source, 'unknown') AS source,
            CASE WHEN $by_subscriber_type THEN coalesce(subscriber_type, 'unknown') END AS subscriber_type,
            sum(delta)::BIGINT AS contacts
        FROM fact_contact_change
        WHERE
            $workspace_id::UUID IS NULL OR workspace_id = $workspace_id::UUID
        GROUP BY ALL
        HAVING sum(delta) <> 0
        ORDER BY country, source, subscriber_type
    """,
    events="""
        SELECT position, sum(delta)::BIGINT AS weight
        FROM fact_contact_change
        WHERE
            coalesce(country, 'unknown') = $cell_country
            AND coalesce(source, 'unknown') = $cell_source
            AND CASE WHEN $by_subscriber_type THEN coalesce(subscriber_type, 'unknown') END
                IS NOT DISTINCT FROM $cell_subscriber_type::VARCHAR
            AND ($workspace_id::UUID IS NULL OR workspace_id = $workspace_id::UUID)
        GROUP BY position
    """,
)

REPORTS: Final[Mapping[str, ReportDefinition]] = {
    definition.info.name: definition
    for definition in (
        _ACTIVITY,
        _CONTACTS,
        *COST_REPORTS,
        *PERMISSION_REPORTS,
        *RIGHTS_REPORTS,
        *TARGET_REPORTS,
        *USAGE_REPORTS,
        *MRR_REPORTS,
        *CONVERTED_REPORTS,
        *CHURN_REPORTS,
        *BRIDGE_REPORTS,
        *MARGIN_REPORTS,
        *SCORECARD_REPORTS,
    )
}

FACTS.update({table.name: table.permission for table in tables()})
OFFERED.update({name: Offered(report.info, report.read) for name, report in REPORTS.items()})
