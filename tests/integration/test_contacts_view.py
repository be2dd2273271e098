from typing import Any
from uuid import UUID

import psycopg
import pytest

from application.queries import CursorMismatch, PersonalFilter, Scope
from domain.audience.contact import ContactCreated, ContactErased, ContactRemoved, ContactUpdated, Segment
from domain.kernel.personal import SEALED, KeyKind
from projections.operational.contacts.handler import CONTACTS
from projections.operational.contacts.queries import ContactFilters, contacts
from projections.operational.imports.handler import IMPORTS
from projections.operational.lists.handler import LISTS
from tests.support.database import Database
from tests.support.projecting import World, fresh


def created(email: str = "Anna.Weiss@example.org", **fields: object) -> ContactCreated:
    return ContactCreated.model_validate(
        {
            "contact_id": fresh(),
            "workspace_id": UUID(int=7),
            "addressee_id": fresh(),
            "email": email,
            "segment": Segment(country="DE"),
            **fields,
        }
    )


def ids(contact: ContactCreated) -> dict[str, Any]:
    return contact.model_dump(include={"contact_id", "workspace_id", "addressee_id"})


def stream(contact: ContactCreated) -> str:
    return f"contact:{contact.contact_id}"


@pytest.fixture
def world(database: Database) -> World:
    return World(database, [CONTACTS, IMPORTS, LISTS])


async def test_a_contact_shows_until_it_is_removed(world: World) -> None:
    tenant = fresh()
    contact = created(first_name="Anna", company="Acme")
    world.append(tenant, (stream(contact), contact))
    world.project()
    page = await world.ask("audience.contacts", Scope(tenant))
    assert [row.email for row in page.rows] == ["Anna.Weiss@example.org"]
    assert (page.position.n, page.auth_epoch) == (1, 1)
    change = ContactUpdated.model_validate(
        {
            **ids(contact),
            "before": {"company": "Acme"},
            "after": {"company": "Größe"},
            "segment_before": Segment(country="DE"),
            "segment_after": Segment(country="FR"),
        }
    )
    world.append(tenant, (stream(contact), change))
    world.project()
    (row,) = (await world.ask("audience.contacts", Scope(tenant), q="GRÖSSE anna")).rows
    assert (row.company, row.country, row.first_name) == ("Größe", "FR", "Anna")
    gone = ContactRemoved.model_validate({**ids(contact), "segment": Segment(), "reason": "requested"})
    world.append(tenant, (stream(contact), gone))
    world.project()
    page = await world.ask("audience.contacts", Scope(tenant))
    assert (page.rows, page.position.n) == ([], 3)


async def test_filters_narrow_and_an_address_is_found_however_it_is_spelled(world: World) -> None:
    tenant, workspace = fresh(), fresh()
    anna = created("Anna@Example.org", segment=Segment(country="FR"))
    bob = created("bob@example.org", workspace_id=workspace, last_name="O_Neil%")
    world.append(tenant, (stream(anna), anna), (stream(bob), bob))
    world.project()

    async def found(**filters: Any) -> list[str]:
        return [row.email for row in (await world.ask("audience.contacts", Scope(tenant), **filters)).rows]

    assert await found() == ["bob@example.org", "Anna@Example.org"]
    assert await found(email="ANNA@example.ORG") == ["Anna@Example.org"]
    assert await found(email="not an address") == []
    assert await found(country="FR") == ["Anna@Example.org"]
    assert await found(workspace_id=workspace) == ["bob@example.org"]
    assert await found(q="o_neil%") == ["bob@example.org"]
    assert await found(q="%") == ["bob@example.org"]
    confined = await world.ask("audience.contacts", Scope(tenant, workspaces=frozenset({workspace})))
    assert [row.email for row in confined.rows] == ["bob@example.org"]


async def test_free_text_finds_phones_and_the_values_of_attributes(world: World) -> None:
    tenant = fresh()
    anna = created(phone="+4930123456", attributes={"Stadt": "Köln", "crm": "A-17"})
    world.append(tenant, (stream(anna), anna))
    world.project()

    async def found(text: str) -> int:
        return len((await world.ask("audience.contacts", Scope(tenant), q=text)).rows)

    assert [await found(text) for text in ("+49 30 123456", "KÖLN", "a-17 köln", "anna 0123")] == [1, 1, 1, 1]
    assert [await found(text) for text in ("stadt", "0124", "KölnA-17")] == [0, 0, 0]
    change = ContactUpdated.model_validate(
        {**ids(anna), "before": {"attributes": {}}, "after": {"attributes": {"crm": "B-18"}, "phone": None}}
        | {"segment_before": anna.segment, "segment_after": anna.segment}
    )
    world.append(tenant, (stream(anna), change))
    world.project()
    assert [await found(text) for text in ("b-18", "köln", "123456")] == [1, 0, 0]


async def test_pages_neither_repeat_nor_skip_while_contacts_come_and_go(world: World) -> None:
    tenant = fresh()
    people = [created(f"p{n}@example.org") for n in range(7)]
    world.append(tenant, *((stream(one), one) for one in people))
    world.project()
    first = await world.ask("audience.contacts", Scope(tenant), None, 3)
    late = created("late@example.org")
    gone = ContactRemoved.model_validate({**ids(people[4]), "segment": Segment(), "reason": "requested"})
    world.append(tenant, (stream(late), late), (stream(people[4]), gone))
    world.project()
    second = await world.ask("audience.contacts", Scope(tenant), first.cursor, 3)
    third = await world.ask("audience.contacts", Scope(tenant), second.cursor, 3)
    shown = [row.email for page in (first, second, third) for row in page.rows]
    assert shown == [f"p{n}@example.org" for n in (6, 5, 4, 3, 2, 1, 0)]
    assert third.cursor is None
    assert first.cursor is not None
    for scope, cursor, filters in (
        (Scope(tenant), first.cursor, {"country": "DE"}),
        (Scope(fresh()), first.cursor, {}),
        (Scope(tenant), "no cursor of ours", {}),
        (Scope(tenant), first.cursor[:-4], {}),
    ):
        with pytest.raises(CursorMismatch):
            await world.ask("audience.contacts", scope, cursor, 3, **filters)


async def test_without_the_permission_values_are_sealed_and_cannot_be_guessed(world: World) -> None:
    tenant = fresh()
    contact = created(first_name="Anna")
    world.append(tenant, (stream(contact), contact))
    world.project()
    scope = Scope(tenant, personal=False)
    (row,) = (await world.ask("audience.contacts", scope)).rows
    shown = row.model_dump(include={"email", "first_name", "attributes", "country"})
    assert shown == {"email": SEALED, "first_name": SEALED, "attributes": SEALED, "country": "DE"}
    for filters in ({"q": "anna"}, {"email": "anna.weiss@example.org"}):
        with pytest.raises(PersonalFilter):
            await world.ask("audience.contacts", scope, **filters)


async def test_an_erased_person_leaves_the_live_view_and_no_replay_brings_them_back(world: World) -> None:
    tenant = fresh()
    contact = created(first_name="Anna")
    world.append(tenant, (stream(contact), contact))
    world.project()
    world.append(
        tenant,
        (stream(contact), ContactErased.model_validate({**ids(contact), "segment": contact.segment})),
    )
    world.keys.destroy([(tenant, str(contact.addressee_id), KeyKind.PROFILE)])
    world.project()
    assert world.rows("contacts", "contacts") == []
    other = created("b@example.org", first_name="Bea")
    world.append(tenant, (stream(other), other))
    world.keys.destroy([(tenant, str(other.addressee_id), KeyKind.PROFILE)])
    world.project()
    (row,) = world.rows("contacts", "contacts")
    assert (row["email"], row["email_match"], row["first_name"]) == ("[erased]", None, "[erased]")


async def test_a_tenant_sees_nothing_of_another(world: World) -> None:
    mine, other = fresh(), fresh()
    contact = created()
    world.append(other, (stream(contact), contact))
    world.project()
    assert (await world.ask("audience.contacts", Scope(mine))).rows == []
    with psycopg.connect(world.database.request) as connection:
        rows = connection.execute("SELECT * FROM views_contacts_v4_1.contacts").fetchall()
        assert rows == []


async def test_an_address_is_looked_up_and_not_searched_for(world: World) -> None:
    """Postgres has no samples of addresses: left to itself it reads all rows in the order of the page."""
    tenant = fresh()
    contact = created("one@example.org")
    world.append(tenant, (stream(contact), contact))
    world.project()
    with psycopg.connect(world.database.projector, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO views_contacts_v4_1.contacts (tenant_id, contact_id, workspace_id, addressee_id, email, "
            "email_match, source, created_position, created_at, updated_at, updated_position) "
            "SELECT %s, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), g || '@x.example', g || '@x.example', "
            "'api', g + 1, now(), now(), g + 1 FROM generate_series(1, 200000) g",
            (tenant,),
        )
        connection.execute("ANALYZE views_contacts_v4_1.contacts")

    async with await psycopg.AsyncConnection.connect(world.database.request, autocommit=True) as asking:

        async def read() -> int:
            await asking.execute("SELECT pg_stat_force_next_flush()")
            found = await asking.execute(
                "SELECT sum(idx_tup_fetch) + sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname = 'contacts'"
            )
            row = await found.fetchone()
            assert row is not None
            return int(row[0])

        wanted = ContactFilters(email="one@example.org")
        before = await read()
        (one,) = (await contacts(asking, Scope(tenant), wanted)).rows
        assert one.email == "one@example.org"
        assert 0 < await read() - before < 1_000
