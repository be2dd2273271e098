"""Looking at break-glass grants."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class GrantRow(Row):
    """A grant. An approved one works until `expires_at`, also before the event that says it expired."""

    grant_id: UUID
    status: str
    requested_by: UUID
    scope: list[str]
    ticket: str
    reason: Profile[str]
    hours: int
    decided_by: UUID | None
    expires_at: datetime | None
    revoked_by_tenant: bool | None
    created_position: int
    updated_position: int
    created_at: datetime


class GrantFilters(Params):
    """Which grants."""

    status: Literal["requested", "approved", "denied", "revoked", "expired"] | None = None


@query(
    context="tenancy",
    path="grants",
    permission=Permission.GRANTS_READ,
    params=GrantFilters,
    row=GrantRow,
    projections=("grants",),
)
async def grants(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: GrantFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[GrantRow]:
    """Grants into this tenant, the newest first."""
    select = Select("tenancy.grants", "grants", "grants")
    select.where("t.status = %(status)s", status=params.status)
    return await page(connection, scope, GrantRow, select, params, cursor, limit)


@query(
    context="tenancy",
    path="grants/{id}",
    permission=Permission.GRANTS_READ,
    params=ById,
    row=GrantRow,
    projections=("grants",),
)
async def grant(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[GrantRow]:
    """One grant."""
    select = Select("tenancy.grant", "grants", "grants")
    select.where("t.grant_id = %(id)s", id=params.id)
    return await one(connection, scope, GrantRow, select, params)
