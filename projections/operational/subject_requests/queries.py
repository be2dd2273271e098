"""Looking at requests: what is due, and the log of how each was answered."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from application.queries import USUAL_ROWS, ById, NamedByLaw, Page, Params, Row, query
from domain.kernel.moments import Moment
from domain.kernel.permissions import Permission
from domain.rights.kinds import RequestKind, RequestOutcome
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class SubjectRequestRow(Row):
    """A request. It holds what a log of requests has to (11 CCR 7101(b)), and says of nobody that they asked.

    `law`: whose term is the one to keep; null: none sets one, and it is our policy's. `due`: the last day in time,
    which is over at `due_at`. `terms`: what every law says. `identity`: unchecked, asked, verified or failed.
    `acknowledged_at`: when the person was told that it came, as was entered at `acknowledgement_entered_at`.
    `in_time`: answered, or a complaint acknowledged, before its term was over; `entered_late`: so it is, by what was
    entered after that; null where nobody told yet. `ground`: why it was refused.
    """

    request_id: UUID
    addressee_id: UUID | None
    kind: str
    channel: str
    by_agent: bool
    place: str | None
    place_assumed: bool
    received_at: datetime
    submitted_at: datetime
    law: str | None
    due: str
    due_at: datetime
    terms: list[dict[str, Any]]
    acknowledge_by: str | None
    acknowledged_at: datetime | None
    acknowledgement_entered_at: datetime | None
    identity: str
    extended: bool
    state: str
    done_at: datetime | None
    outcome: str | None
    ground: str | None
    closed_at: datetime | None
    in_time: bool | None
    entered_late: bool | None
    approaching: bool
    missed: bool
    details_until: datetime | None
    details_destroyed: bool
    created_position: int
    updated_position: int


class SubjectRequestFilters(Params):
    """Which requests. `due_before`: their term is over before this moment; `missed`: it was over before they ended."""

    state: Literal["open", "closed"] | None = None
    kind: RequestKind | None = None
    outcome: RequestOutcome | None = None
    addressee_id: UUID | None = None
    law: Annotated[str | None, NamedByLaw("law")] = None
    due_before: Moment | None = None
    missed: bool | None = None


@query(
    context="rights",
    path="requests",
    permission=Permission.REQUESTS_READ,
    params=SubjectRequestFilters,
    row=SubjectRequestRow,
    projections=("subject_requests",),
)
async def requests(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: SubjectRequestFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[SubjectRequestRow]:
    """Requests of people about their data, the newest first."""
    select = Select("rights.requests", "subject_requests", "subject_requests")
    select.where("t.state = %(state)s", state=params.state)
    select.where("t.kind = %(kind)s", kind=params.kind)
    select.where("t.outcome = %(outcome)s", outcome=params.outcome)
    select.where("t.addressee_id = %(addressee_id)s", addressee_id=params.addressee_id)
    select.where("t.law = %(law)s", law=params.law)
    select.where("t.due_at <= %(due_before)s", due_before=params.due_before)
    select.where("t.missed = %(missed)s", missed=params.missed)
    return await page(connection, scope, SubjectRequestRow, select, params, cursor, limit)


@query(
    context="rights",
    path="requests/{id}",
    permission=Permission.REQUESTS_READ,
    params=ById,
    row=SubjectRequestRow,
    projections=("subject_requests",),
)
async def request(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[SubjectRequestRow]:
    """One request."""
    select = Select("rights.request", "subject_requests", "subject_requests")
    select.where("t.request_id = %(id)s", id=params.id)
    return await one(connection, scope, SubjectRequestRow, select, params)
