"""The reports: each one's meaning, parameters, columns and SQL.

Report SQL names the fact tables plainly and never the tenant: `query.scoped` puts common table expressions of the same
names in front, which hold one tenant's rows. A report that reaches past them is refused when it is registered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from application.ports.analytics import Column, ReportInfo
from domain.kernel.permissions import Permission

ROW_CAP: Final = 10_000
_PAST_THE_SCOPE: Final = re.compile(
    r"\b(main|temp|system|memory|dim_tenant|positions|meta|tenant_key)\b|\bquery", re.IGNORECASE
)


class Parameters(BaseModel):
    """Base of what reports take."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ActivityParameters(Parameters):
    """Which days, and which part of the product."""

    from_: Annotated[
        date | None, Field(alias="from", description="First day (UTC); from the beginning unless given.")
    ] = None
    to: Annotated[date | None, Field(description="Last day (UTC), included; until now unless given.")] = None
    context: Annotated[
        str | None, Field(description="Only events of this context, such as audience.", max_length=60)
    ] = None

    @model_validator(mode="after")
    def _in_order(self) -> ActivityParameters:
        if self.from_ is not None and self.to is not None and self.from_ > self.to:
            raise ValueError("from must not be after to")
        return self


class ContactsParameters(Parameters):
    """Whose contacts, how finely, and as of when."""

    workspace_id: Annotated[UUID | None, Field(description="Only contacts of this workspace.")] = None
    by_subscriber_type: Annotated[bool, Field(description="Split by subscriber type as well.")] = False
    at_position: Annotated[
        int | None, Field(ge=0, description="As of this position of the log; as of now unless given.")
    ] = None


@dataclass(frozen=True, slots=True)
class ReportDefinition:
    """A report with its SQL.

    `rows` selects `columns` in order; `events` selects (position, weight) of the events behind the cell whose
    dimensions are bound as `$cell_<name>`. The parameters are bound as `$<name>`.
    """

    info: ReportInfo
    parameters: type[Parameters]
    rows: str
    events: str

    def __post_init__(self) -> None:
        """Refuse SQL that could see more than one tenant's rows."""
        for text in (self.rows, self.events):
            found = _PAST_THE_SCOPE.search(text)
            if found:
                raise ValueError(
                    f"report {self.info.name}: SQL must not name {found[0]!r}; use the fact tables plainly"
                )


def _define(
    name: str,
    title: str,
    about: str,
    parameters: type[Parameters],
    columns: tuple[Column, ...],
    *,
    rows: str,
    events: str,
) -> ReportDefinition:
    info = ReportInfo(
        name, title, about, Permission.REPORTS_READ.value, columns, parameters.model_json_schema()
    )
    return ReportDefinition(info, parameters, rows, events)


_ACTIVITY: Final = _define(
    "activity",
    "Activity by day and actor",
    "How many events each kind of actor caused, by day (UTC) and context. An activity, not a balance: days may be "
    "summed.",
    ActivityParameters,
    (
        Column("day", "dimension", "date", "Day on which the events were recorded, UTC."),
        Column("context", "dimension", "text", "Part of the product, the first half of the event's name."),
        Column("actor_kind", "dimension", "text", "Who acted: api_key, member, staff, workflow or system."),
        Column("events", "measure", "events", "Number of events."),
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

_CONTACTS: Final = _define(
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
        Column("contacts", "measure", "contacts", "Number of contacts."),
    ),
    rows="""
        SELECT
            coalesce(country, 'unknown') AS country,
            coalesce(source, 'unknown') AS source,
            CASE WHEN $by_subscriber_type THEN coalesce(subscriber_type, 'unknown') END AS subscriber_type,
            sum(delta)::BIGINT AS contacts
        FROM fact_contact_change
        WHERE
            ($workspace_id::UUID IS NULL OR workspace_id = $workspace_id::UUID)
            AND ($at_position::BIGINT IS NULL OR position <= $at_position::BIGINT)
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
            AND ($at_position::BIGINT IS NULL OR position <= $at_position::BIGINT)
        GROUP BY position
    """,
)

REPORTS: Final[Mapping[str, ReportDefinition]] = {
    definition.info.name: definition for definition in (_ACTIVITY, _CONTACTS)
}
