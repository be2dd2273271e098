"""Looking at lists. Who is on one: contacts filtered by `list_id`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.kernel.permissions import Permission
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class ListRow(Row):
    """A list; `members` counts the contacts on it that are there."""

    list_id: UUID
    workspace_id: UUID
    name: str
    archived: bool
    members: int
    created_position: int
    updated_position: int
    created_at: datetime


class ListFilters(Params):
    """Which lists."""

    workspace_id: UUID | None = None
    archived: bool | None = None


@query(
    context="audience",
    path="lists",
    permission=Permission.CONTACTS_READ,
    params=ListFilters,
    row=ListRow,
    projections=("lists",),
)
async def lists(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: ListFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[ListRow]:
    """Lists, the newest first."""
    select = Select("audience.lists", "lists", "lists")
    select.within(scope)
    select.where("t.workspace_id = %(workspace_id)s", workspace_id=params.workspace_id)
    select.where("t.archived = %(archived)s", archived=params.archived)
    return await page(connection, scope, ListRow, select, params, cursor, limit)


@query(
    context="audience",
    path="lists/{id}",
    permission=Permission.CONTACTS_READ,
    params=ById,
    row=ListRow,
    projections=("lists",),
)
async def contact_list(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[ListRow]:
    """One list."""
    select = Select("audience.contact_list", "lists", "lists")
    select.within(scope)
    select.where("t.list_id = %(id)s", id=params.id)
    return await one(connection, scope, ListRow, select, params)
