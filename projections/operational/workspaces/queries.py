"""Looking at workspaces."""

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


class WorkspaceRow(Row):
    """A workspace. `country`: where the client is established whose it is; null: nobody said."""

    workspace_id: UUID
    name: str
    country: str | None
    archived: bool
    created_position: int
    updated_position: int
    created_at: datetime


class WorkspaceFilters(Params):
    """Which workspaces."""

    archived: bool | None = None


@query(
    context="tenancy",
    path="workspaces",
    permission=Permission.WORKSPACES_READ,
    params=WorkspaceFilters,
    row=WorkspaceRow,
    projections=("workspaces",),
)
async def workspaces(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: WorkspaceFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[WorkspaceRow]:
    """Workspaces, the newest first."""
    select = Select("tenancy.workspaces", "workspaces", "workspaces")
    select.within(scope)
    select.where("t.archived = %(archived)s", archived=params.archived)
    return await page(connection, scope, WorkspaceRow, select, params, cursor, limit)


@query(
    context="tenancy",
    path="workspaces/{id}",
    permission=Permission.WORKSPACES_READ,
    params=ById,
    row=WorkspaceRow,
    projections=("workspaces",),
)
async def workspace(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[WorkspaceRow]:
    """One workspace."""
    select = Select("tenancy.workspace", "workspaces", "workspaces")
    select.within(scope)
    select.where("t.workspace_id = %(id)s", id=params.id)
    return await one(connection, scope, WorkspaceRow, select, params)
