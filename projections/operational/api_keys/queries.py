"""Looking at API keys."""

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


class ApiKeyRow(Row):
    """A key. `live`: neither revoked nor of a person who is gone; it may have expired (`expires_at`).

    `permissions` and `workspaces` narrow the role; None: all that the role has.
    """

    api_key_id: UUID
    label: str
    role: str
    permissions: list[str] | None
    workspaces: list[UUID] | None
    person_id: UUID | None
    expires_at: datetime | None
    live: bool
    created_position: int
    updated_position: int
    created_at: datetime


class ApiKeyFilters(Params):
    """Which keys."""

    live: bool | None = None
    person_id: UUID | None = None


_LIVE = (
    "(NOT t.revoked AND NOT EXISTS (SELECT FROM {api_keys}.people_gone g "
    "WHERE g.tenant_id = t.tenant_id AND g.person_id = t.person_id))"
)


@query(
    context="tenancy",
    path="api-keys",
    permission=Permission.API_KEYS_READ,
    params=ApiKeyFilters,
    row=ApiKeyRow,
    projections=("api_keys",),
)
async def api_keys(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: ApiKeyFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[ApiKeyRow]:
    """API keys, the newest first."""
    select = Select("tenancy.api_keys", "api_keys", "api_keys", computed={"live": _LIVE})
    select.where(f"{_LIVE} = %(live)s", live=params.live)
    select.where("t.person_id = %(person_id)s", person_id=params.person_id)
    return await page(connection, scope, ApiKeyRow, select, params, cursor, limit)


@query(
    context="tenancy",
    path="api-keys/{id}",
    permission=Permission.API_KEYS_READ,
    params=ById,
    row=ApiKeyRow,
    projections=("api_keys",),
)
async def api_key(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[ApiKeyRow]:
    """One API key."""
    select = Select("tenancy.api_key", "api_keys", "api_keys", computed={"live": _LIVE})
    select.where("t.api_key_id = %(id)s", id=params.id)
    return await one(connection, scope, ApiKeyRow, select, params)
