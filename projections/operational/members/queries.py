"""Looking at members."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.kernel.permissions import Permission, TenantRole
from domain.kernel.personal import Profile
from projections.operational.paging import Select, matching, needs_personal, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class MemberRow(Row):
    """A person of the tenant. `status`: `invited` (until `expires_at`) or `joined`. `workspaces`: role by workspace."""

    member_id: UUID
    email: Profile[str]
    full_name: Profile[str]
    role: str
    status: str
    expires_at: datetime | None
    owner: bool
    workspaces: dict[UUID, str]
    created_position: int
    updated_position: int
    created_at: datetime


class MemberFilters(Params):
    """Which members. `email`: who has exactly this address."""

    personal: ClassVar[frozenset[str]] = frozenset({"email"})

    email: Annotated[str, Field(max_length=320)] | None = None
    status: Literal["invited", "joined"] | None = None
    role: TenantRole | None = None


_COMPUTED = {
    "owner": "EXISTS (SELECT FROM {members}.owners o WHERE o.tenant_id = t.tenant_id AND o.member_id = t.member_id)",
    "workspaces": "(SELECT coalesce(jsonb_object_agg(w.workspace_id, w.role), '{{}}') "
    "FROM {members}.member_workspaces w WHERE w.tenant_id = t.tenant_id AND w.member_id = t.member_id)",
}


@query(
    context="tenancy",
    path="members",
    permission=Permission.MEMBERS_READ,
    params=MemberFilters,
    row=MemberRow,
    projections=("members",),
)
async def members(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: MemberFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[MemberRow]:
    """Members and people invited, the newest first."""
    needs_personal(scope, params)
    select = Select("tenancy.members", "members", "members", computed=_COMPUTED)
    select.find("email_match", matching(params.email))
    select.where("t.status = %(status)s", status=params.status)
    select.where("t.role = %(role)s", role=params.role)
    return await page(connection, scope, MemberRow, select, params, cursor, limit)


@query(
    context="tenancy",
    path="members/{id}",
    permission=Permission.MEMBERS_READ,
    params=ById,
    row=MemberRow,
    projections=("members",),
)
async def member(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[MemberRow]:
    """One member."""
    select = Select("tenancy.member", "members", "members", computed=_COMPUTED)
    select.where("t.member_id = %(id)s", id=params.id)
    return await one(connection, scope, MemberRow, select, params)
