"""Looking at reviews of the access log."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from application.queries import USUAL_ROWS, Page, Params, Row, query
from domain.access.policy import RuleName
from domain.kernel.permissions import Permission
from projections.operational.paging import Select, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope

_VIEW: Final = "access_reviews"


class SignOffRow(Row):
    """A sign-off. `of_reader`: it is of what this officer read themselves; what only whole periods tell is null then.

    `own_entries` of a period are the signer's own, which it does not sign. `readers`: those who read most, a hundred at
    most of `readers_count`. Positions are of the access log. What was noted stands in the history.
    """

    review_id: UUID
    of_reader: UUID | None
    signed_by: UUID
    signed_at: datetime
    epoch: int | None
    after_position: int
    to_position: int
    entries: int
    own_entries: int | None
    staff_entries: int | None
    denied_requests: int | None
    kinds: dict[str, int] | None
    readers: list[dict[str, Any]] | None
    readers_count: int | None
    first_at: datetime | None
    last_at: datetime | None
    created_position: int
    updated_position: int


class QuestionRow(Row):
    """A question about an entry of the access log. Without `outcome` it is open."""

    question_id: UUID
    review_id: UUID | None
    entry_position: int
    reader_id: UUID
    doubt: str
    asked_by: UUID
    asked_at: datetime
    outcome: str | None
    answered_by: UUID | None
    answered_at: datetime | None
    created_position: int
    updated_position: int


class AlertRow(Row):
    """What a rule told of one reader's entries, from the first position to the last: they add up to `measured`.

    `reader_id`: the member, or the key that acts for nobody, or the staff. Without `acknowledged_by` it is open.
    """

    alert_id: UUID
    rule: str
    reader_id: UUID
    staff: bool
    counts: str
    measured: int
    threshold: int
    minutes: int
    epoch: int
    first_position: int
    last_position: int
    first_at: datetime
    last_at: datetime
    raised_at: datetime
    acknowledged_by: UUID | None
    acknowledged_at: datetime | None
    created_position: int
    updated_position: int


class SignOffFilters(Params):
    """Which sign-offs."""

    signed_by: UUID | None = None


class QuestionFilters(Params):
    """Which questions."""

    open: bool | None = None
    reader_id: UUID | None = None


class AlertFilters(Params):
    """Which alerts."""

    open: bool | None = None
    rule: RuleName | None = None
    reader_id: UUID | None = None


@query(
    context="access",
    path="reviews",
    permission=Permission.ACCESS_READ,
    params=SignOffFilters,
    row=SignOffRow,
    projections=(_VIEW,),
)
async def reviews(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: SignOffFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[SignOffRow]:
    """Sign-offs of the access log, the last first."""
    select = Select("access.reviews", _VIEW, "sign_offs")
    select.where("t.signed_by = %(signed_by)s", signed_by=params.signed_by)
    return await page(connection, scope, SignOffRow, select, params, cursor, limit)


@query(
    context="access",
    path="questions",
    permission=Permission.ACCESS_READ,
    params=QuestionFilters,
    row=QuestionRow,
    projections=(_VIEW,),
)
async def questions(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: QuestionFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[QuestionRow]:
    """Questions about entries of the access log, the newest first."""
    select = Select("access.questions", _VIEW, "questions")
    select.where("(t.outcome IS NULL) = %(open)s", open=params.open)
    select.where("t.reader_id = %(reader_id)s", reader_id=params.reader_id)
    return await page(connection, scope, QuestionRow, select, params, cursor, limit)


@query(
    context="access",
    path="alerts",
    permission=Permission.ACCESS_READ,
    params=AlertFilters,
    row=AlertRow,
    projections=(_VIEW,),
)
async def alerts(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: AlertFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[AlertRow]:
    """Alerts on the access log, the newest first."""
    select = Select("access.alerts", _VIEW, "alerts")
    select.where("(t.acknowledged_by IS NULL) = %(open)s", open=params.open)
    select.where("t.rule = %(rule)s", rule=params.rule)
    select.where("t.reader_id = %(reader_id)s", reader_id=params.reader_id)
    return await page(connection, scope, AlertRow, select, params, cursor, limit)
