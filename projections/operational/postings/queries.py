"""Looking at postings."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.kernel.permissions import Permission
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope

_READ = Permission.LEDGER_POST


class PostingRow(Row):
    """A posting, and what became of its latest due time: `outcome`, from `due_at` on to `path`.

    `posted`: each log's size and root, and how many files were written. `passed`: members who were sent nothing, and
    why. `others` and `others_failed` count logs of other tenants. `log` and `path`: where a place holds another past.
    """

    posting_id: UUID
    status: Literal["active", "stopped"]
    title: str
    logs: list[str]
    frequency: str
    folder: str | None
    bucket: str | None
    recipients: list[UUID]
    every_tenant: bool
    author_id: UUID
    next_at: datetime | None
    outcome: Literal["posted", "failed"] | None
    due_at: datetime | None
    settled_at: datetime | None
    posted: list[dict[str, Any]] | None
    mailed: int | None
    passed: list[dict[str, Any]] | None
    others: int | None
    others_failed: int | None
    reason: str | None
    log: str | None
    path: str | None
    created_position: int
    updated_position: int


class PostingFilters(Params):
    """Which postings."""

    status: Literal["active", "stopped"] | None = None
    outcome: Literal["posted", "failed"] | None = None


@query(
    context="ledger",
    path="postings",
    permission=_READ,
    params=PostingFilters,
    row=PostingRow,
    projections=("postings",),
)
async def postings(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: PostingFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[PostingRow]:
    """Where checkpoints are posted, the newest posting first."""
    select = Select("ledger.postings", "postings", "postings")
    select.where("t.status = %(status)s", status=params.status)
    select.where("t.outcome = %(outcome)s", outcome=params.outcome)
    return await page(connection, scope, PostingRow, select, params, cursor, limit)


@query(
    context="ledger",
    path="postings/{id}",
    permission=_READ,
    params=ById,
    row=PostingRow,
    projections=("postings",),
)
async def posting(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[PostingRow]:
    """One posting."""
    select = Select("ledger.posting", "postings", "postings")
    select.where("t.posting_id = %(id)s", id=params.id)
    return await one(connection, scope, PostingRow, select, params)
