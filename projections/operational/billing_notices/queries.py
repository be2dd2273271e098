"""Looking at letters that billing owes, and at what became of them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.billing.notices import NoticeKind, NotSentReason
from domain.kernel.permissions import Permission
from projections.operational.billing_notices.waiting import COMPUTED, JOINED, TROUBLES
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope

_Status = Literal["owed", "sent", "partly", "not_sent"]


class NoticeRow(Row):
    """A letter. `happened_at`: when what it tells came to be; `mailed`: to how many members it went.

    `meter` and `threshold`: of usage; `invoice_id`: of a payment. `withheld`: members who were sent nothing, and why;
    `reason`: why nobody was; `trouble`: why the mail server took nothing over, as of the last try while it is owed;
    `next_try_at`: when it is tried again, if it waits.
    """

    notice_id: UUID
    kind: NoticeKind
    status: _Status
    happened_at: datetime
    meter: str | None
    threshold: int | None
    invoice_id: UUID | None
    settled_at: datetime | None
    reason: NotSentReason | None
    trouble: str | None
    next_try_at: datetime | None
    mailed: int | None
    withheld: list[dict[str, Any]] | None
    created_position: int
    updated_position: int


class NoticeFilters(Params):
    """Which letters."""

    kind: NoticeKind | None = None
    status: _Status | None = None


def _notices(name: str) -> Select:
    values = {"troubles": list(TROUBLES)}
    return Select(name, "billing_notices", "notices", joined=JOINED, computed=COMPUTED, values=values)


@query(
    context="billing",
    path="notices",
    permission=Permission.BILLING_READ,
    params=NoticeFilters,
    row=NoticeRow,
    projections=("billing_notices",),
)
async def notices(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: NoticeFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[NoticeRow]:
    """Letters about usage, trials, payments and access, the newest first, and what became of them."""
    select = _notices("billing.notices")
    select.where("t.kind = %(kind)s", kind=params.kind)
    select.where("t.status = %(status)s", status=params.status)
    return await page(connection, scope, NoticeRow, select, params, cursor, limit)


@query(
    context="billing",
    path="notices/{id}",
    permission=Permission.BILLING_READ,
    params=ById,
    row=NoticeRow,
    projections=("billing_notices",),
)
async def notice(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[NoticeRow]:
    """One letter."""
    select = _notices("billing.notice")
    select.where("t.notice_id = %(id)s", id=params.id)
    return await one(connection, scope, NoticeRow, select, params)
