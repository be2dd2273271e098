"""Looking at erasures: how far each is, its certificate, and the legal holds."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.audience.erasure_events import KeptBecause, KeptRecord, PurgedStore
from domain.kernel.permissions import Permission
from projections.operational.paging import Select, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope


class ErasureRow(Row):
    """An erased person, by an id that names nobody. `complete_by`: nothing of them is in any backup from then on.

    `evidence_until`: when the key of the proof is destroyed; null while a legal hold stands, and after it was.
    """

    addressee_id: UUID
    status: Literal["erased", "key_destroyed", "certified"]
    erased_at: datetime
    key_destroyed_at: datetime | None
    certified_at: datetime | None
    complete_by: datetime | None
    evidence_ends: datetime | None
    evidence_until: datetime | None
    evidence_destroyed_at: datetime | None
    held: bool
    created_position: int
    updated_position: int


class CertificateRow(ErasureRow):
    """An erasure with its certificate: what became of each store, what is kept and why; null until it is certified."""

    stores: list[PurgedStore] | None
    kept: list[KeptRecord] | None
    positions: dict[str, int] | None
    evidence_by: list[KeptBecause]


class ErasureFilters(Params):
    """Which erasures."""

    addressee_id: UUID | None = None
    status: Literal["erased", "key_destroyed", "certified"] | None = None
    held: bool | None = None


class HoldRow(Row):
    """A legal hold, by the version of its event in the addressee's stream."""

    addressee_id: UUID
    entry: int
    placed_at: datetime
    released_at: datetime | None
    created_position: int
    updated_position: int


class HoldFilters(Params):
    """Which legal holds."""

    addressee_id: UUID | None = None
    standing: bool | None = None


_HELD = {
    "held": "EXISTS (SELECT FROM {erasures}.legal_holds l WHERE l.tenant_id = %(tenant_id)s "
    "AND l.addressee_id = t.addressee_id AND l.released_at IS NULL)"
}


def _of_the_tenant(select: Select, scope: Scope) -> Select:
    """Erased people are the tenant's, and no workspace's: who is kept to workspaces sees none."""
    if scope.workspaces is not None:
        select.conditions.append("false")
    return select


@query(
    context="audience",
    path="erasures",
    permission=Permission.CONTACTS_ERASE,
    params=ErasureFilters,
    row=ErasureRow,
    projections=("erasures",),
)
async def erasures(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: ErasureFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[ErasureRow]:
    """Erasures, the newest first: how far each is."""
    select = _of_the_tenant(Select("audience.erasures", "erasures", "erasures", computed=_HELD), scope)
    select.where("t.addressee_id = %(addressee_id)s", addressee_id=params.addressee_id)
    select.where("t.status = %(status)s", status=params.status)
    select.where(f"{_HELD['held']} = %(held)s", held=params.held)
    return await page(connection, scope, ErasureRow, select, params, cursor, limit)


@query(
    context="audience",
    path="erasures/{id}",
    permission=Permission.CONTACTS_ERASE,
    params=ById,
    row=CertificateRow,
    projections=("erasures",),
)
async def erasure(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[CertificateRow]:
    """One erasure, by the addressee's id, with its certificate."""
    select = _of_the_tenant(Select("audience.erasure", "erasures", "erasures", computed=_HELD), scope)
    select.where("t.addressee_id = %(id)s", id=params.id)
    return await one(connection, scope, CertificateRow, select, params)


@query(
    context="audience",
    path="legal_holds",
    permission=Permission.CONTACTS_ERASE,
    params=HoldFilters,
    row=HoldRow,
    projections=("erasures",),
)
async def legal_holds(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: HoldFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[HoldRow]:
    """Legal holds, the newest first."""
    select = _of_the_tenant(Select("audience.legal_holds", "erasures", "legal_holds"), scope)
    select.where("t.addressee_id = %(addressee_id)s", addressee_id=params.addressee_id)
    select.where("(t.released_at IS NULL) = %(standing)s", standing=params.standing)
    return await page(connection, scope, HoldRow, select, params, cursor, limit)
