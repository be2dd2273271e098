"""Looking at contacts: one by id or exact address, free text, filters, pages."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field, StringConstraints

from application.queries import USUAL_ROWS, ById, Page, Params, Row, query
from domain.audience.intake.vocabularies import Source, SubscriberType
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from domain.kernel.places import CountryCode
from projections.operational.contacts.schema import FOLDED
from projections.operational.paging import Select, matching, needs_personal, one, page

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from application.queries import Scope

_SEARCHED = (*(f"folded_{name}" for name in FOLDED), "email_match")


class ContactRow(Row):
    """A contact as the view shows it."""

    contact_id: UUID
    workspace_id: UUID
    addressee_id: UUID
    email: Profile[str]
    first_name: Profile[str | None]
    last_name: Profile[str | None]
    company: Profile[str | None]
    title: Profile[str | None]
    phone: Profile[str | None]
    attributes: Profile[dict[str, str]]
    country: str | None
    subscriber_type: str | None
    source: str
    import_id: UUID | None
    created_position: int
    updated_position: int
    created_at: datetime
    updated_at: datetime


class ContactFilters(Params):
    """Which contacts. `email`: exactly this address. `import_id`: those that an import made or changed.

    `q`: every word of it stands in name, company, title, phone, address or the value of an attribute.
    """

    personal: ClassVar[frozenset[str]] = frozenset({"q", "email"})

    q: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None = None
    email: Annotated[str, Field(max_length=320)] | None = None
    country: CountryCode | None = None
    subscriber_type: SubscriberType | None = None
    source: Source | None = None
    workspace_id: UUID | None = None
    list_id: UUID | None = None
    import_id: UUID | None = None


@query(
    context="audience",
    path="contacts",
    permission=Permission.CONTACTS_READ,
    reveals_with=Permission.CONTACTS_READ_PERSONAL,
    params=ContactFilters,
    row=ContactRow,
    projections=("contacts", "imports", "lists"),
)
async def contacts(
    connection: AsyncConnection[Any],
    scope: Scope,
    params: ContactFilters,
    cursor: str | None = None,
    limit: int = USUAL_ROWS,
) -> Page[ContactRow]:
    """Contacts, the newest first."""
    needs_personal(scope, params)
    select = Select("audience.contacts", "contacts", "contacts")
    select.within(scope)
    select.find("email_match", matching(params.email))
    select.where("t.country = %(country)s", country=params.country)
    select.where("t.subscriber_type = %(subscriber_type)s", subscriber_type=params.subscriber_type)
    select.where("t.source = %(source)s", source=params.source)
    select.where("t.workspace_id = %(workspace_id)s", workspace_id=params.workspace_id)
    select.where(
        "t.contact_id IN (SELECT contact_id FROM {lists}.list_members "
        "WHERE tenant_id = %(tenant_id)s AND list_id = %(list_id)s)",
        list_id=params.list_id,
    )
    select.where(
        "t.contact_id IN (SELECT contact_id FROM {imports}.import_contacts "
        "WHERE tenant_id = %(tenant_id)s AND import_id = %(import_id)s)",
        import_id=params.import_id,
    )
    for index, word in enumerate((params.q or "").casefold().split()):
        found = " OR ".join(f"strpos(t.{column}, %(word_{index})s) > 0" for column in _SEARCHED)
        select.where(f"({found})", **{f"word_{index}": word})
    return await page(connection, scope, ContactRow, select, params, cursor, limit)


@query(
    context="audience",
    path="contacts/{id}",
    permission=Permission.CONTACTS_READ,
    reveals_with=Permission.CONTACTS_READ_PERSONAL,
    params=ById,
    row=ContactRow,
    projections=("contacts",),
)
async def contact(connection: AsyncConnection[Any], scope: Scope, params: ById) -> Page[ContactRow]:
    """One contact."""
    select = Select("audience.contact", "contacts", "contacts")
    select.within(scope)
    select.where("t.contact_id = %(id)s", id=params.id)
    return await one(connection, scope, ContactRow, select, params)
