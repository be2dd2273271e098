"""Looking at tenants: one's own, and the platform's register."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.kernel.permissions import Permission
from domain.tenancy.tenant import SendsFor
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class TenantRow(Row):
    """A tenant as it sees itself. `commands_a_minute` None: the plan's own rate."""

    id: UUID
    name: str
    slug: str
    plan: str
    status: str
    country: str | None
    sends_for: SendsFor
    commands_a_minute: int | None
    created_at: datetime
    updated_position: int


class RegistrationRow(Row):
    """A customer as the platform's register has it: `open` or `closed`. Whether it is suspended, its own log says."""

    id: UUID
    name: str
    slug: str
    plan: str
    status: str
    country: str | None
    sends_for: SendsFor
    created_position: int
    created_at: datetime


class RegistrationFilters(Params):
    """Which customers."""

    status: Literal["open", "closed"] | None = None
    slug: str | None = None


@query(
    context="tenancy",
    path="tenants/{id}",
    permission=Permission.TENANT_READ,
    params=ById,
    row=TenantRow,
    projections=("tenants",),
)
async def tenant(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[TenantRow]:
    """The caller's own tenant; any other id is not found."""
    select = Select("tenancy.tenant", "tenants", "tenants", order=("id",))
    select.where("t.id = %(id)s", id=params.id)
    return await one(connection, scope, TenantRow, select, params)


@query(
    context="platform",
    path="tenants",
    permission=Permission.PLATFORM_TENANTS_READ,
    params=RegistrationFilters,
    row=RegistrationRow,
    projections=("tenants",),
)
async def tenants(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: RegistrationFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[RegistrationRow]:
    """The platform's customers, the newest first."""
    select = Select("platform.tenants", "tenants", "registrations")
    select.where("t.status = %(status)s", status=params.status)
    select.where("t.slug = %(slug)s", slug=params.slug)
    return await page(connection, scope, RegistrationRow, select, params, cursor, limit)
