"""Looking at saved queries."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class SavedQueryRow(Row):
    """A saved query. `author_id`: the member who wrote what it asks, or the key that acts for nobody."""

    query_id: UUID
    title: str
    sql: Profile[str]
    author_id: UUID
    saved_at: datetime
    changed_at: datetime
    created_position: int
    updated_position: int


class SavedQueryFilters(Params):
    """Which saved queries."""

    author_id: UUID | None = None


@query(
    context="sql",
    path="queries",
    permission=Permission.REPORTS_SQL,
    params=SavedQueryFilters,
    row=SavedQueryRow,
    projections=("saved_queries",),
)
async def queries(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: SavedQueryFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[SavedQueryRow]:
    """Saved queries, the newest first."""
    select = Select("sql.queries", "saved_queries", "saved_queries")
    select.where("t.author_id = %(author_id)s", author_id=params.author_id)
    return await page(connection, scope, SavedQueryRow, select, params, cursor, limit)


@query(
    context="sql",
    path="queries/{id}",
    permission=Permission.REPORTS_SQL,
    params=ById,
    row=SavedQueryRow,
    projections=("saved_queries",),
)
async def saved_query(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[SavedQueryRow]:
    """One saved query."""
    select = Select("sql.saved_query", "saved_queries", "saved_queries")
    select.where("t.query_id = %(id)s", id=params.id)
    return await one(connection, scope, SavedQueryRow, select, params)
