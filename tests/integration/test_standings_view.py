"""Standings are found, counted and kept to those who may see them, at whatever moment they are looked at."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from application.queries import CursorMismatch, Scope
from domain.audience.addressee_events import (
    AddresseeDescribed,
    DescriptionTakenBack,
    PermissionLapsing,
    RelationRecorded,
)
from domain.audience.consent_events import OptedOut
from domain.audience.erasure_events import AddresseeErased
from domain.audience.lapse import announced
from domain.audience.standing import standing_of
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, WorkspaceId
from projections.operational.contacts.handler import CONTACTS
from projections.operational.standings.handler import STANDINGS
from tests.support.database import Database
from tests.support.projecting import World, fresh
from tests.support.standing_people import consented, contact, opened, registered, state_of, stream

TODAY = datetime.now(UTC).date()


@pytest.fixture
def world(database: Database) -> World:
    return World(database, [STANDINGS, CONTACTS])


def years_ago(years: int, days: int = 0) -> date:
    """A day so many years before the day that is so many days from today."""
    day = TODAY + timedelta(days=days)
    return day.replace(year=day.year - years, day=min(day.day, 28))


async def test_those_whose_permission_ends_soon_are_found_with_the_days_that_are_left(world: World) -> None:
    tenant = opened(world)
    soon, later, never, over = (AddresseeId(fresh()) for _ in range(4))
    for person, country, on in (
        (soon, "FR", years_ago(3, 12)),
        (later, "FR", years_ago(3, 100)),
        (never, "GB", years_ago(3, 12)),
        (over, "FR", years_ago(3, -40)),
    ):
        world.append(tenant, *stream(person, registered(person, country), consented(person, on)))
    world.project()

    async def found(days: int, **filters: Any) -> list[UUID]:
        page = await world.ask("audience.standings", Scope(tenant), expiring_within_days=days, **filters)
        return [row.addressee_id for row in page.rows]

    assert await found(20) == [soon]
    assert await found(366) == [later, soon]
    assert await found(366, law="ca") == []
    assert await found(366, law="fr", basis="consent", verdict="allow") == [later, soon]
    (row,) = (await world.ask("audience.standings", Scope(tenant), addressee_id=soon)).rows
    ends = datetime.combine(
        years_ago(3, 12).replace(year=years_ago(3, 12).year + 3),
        datetime.min.time(),
        ZoneInfo("Europe/Paris"),
    )
    assert (row.until, row.entries) == (ends, [2])
    assert row.days_left == (ends - datetime.now(UTC)).days
    (row,) = (await world.ask("audience.standings", Scope(tenant), addressee_id=over)).rows
    assert (row.verdict, row.until, row.days_left) == ("deny", None, None)


async def test_coverage_counts_everybody_once_and_looks_ahead(world: World) -> None:
    tenant, here, there = opened(world), fresh(), fresh()
    people = [AddresseeId(fresh()) for _ in range(5)]
    ann, ben, cleo, dan, eve = people
    world.append(
        tenant,
        *stream(ann, registered(ann, "FR"), consented(ann, years_ago(3, 12))),
        *stream(ben, registered(ben, "FR"), consented(ben, years_ago(1))),
        *stream(cleo, registered(cleo, "US")),
        *stream(dan, registered(dan, None)),
        *stream(
            eve,
            registered(eve, "US"),
            OptedOut(addressee_id=eve, occurred_at=datetime.now(UTC), channel="page"),
        ),
        *(contact(person, here)[1] for person in (ann, cleo)),
        contact(ann, there)[1],
    )
    world.project()

    async def counted(
        scope: Scope | None = None, **filters: Any
    ) -> dict[tuple[str, str | None, str | None], int]:
        rows = (await world.ask("audience.standing_coverage", scope or Scope(tenant), **filters)).rows
        return {(row.verdict, row.law, row.basis): row.people for row in rows}

    assert await counted() == {
        ("allow", "fr", "consent"): 2,
        ("allow", "us", "opt-out regime"): 1,
        ("deny", None, None): 1,
        ("hold", None, None): 1,
    }
    assert await counted(in_days=20) == {
        ("allow", "fr", "consent"): 1,
        ("allow", "us", "opt-out regime"): 1,
        ("deny", "fr", None): 1,
        ("deny", None, None): 1,
        ("hold", None, None): 1,
    }
    assert await counted(workspace_id=there) == {("allow", "fr", "consent"): 1}
    confined = Scope(tenant, workspaces=frozenset({there}))
    assert await counted(confined) == {("allow", "fr", "consent"): 1}
    assert await counted(confined, workspace_id=here) == {}


async def test_a_workspace_sees_its_people_and_its_contacts_alone(world: World) -> None:
    tenant, here, there = opened(world), fresh(), fresh()
    shared, foreign = AddresseeId(fresh()), AddresseeId(fresh())
    (mine, first), (other, second), (_, third) = (
        contact(shared, here),
        contact(shared, there),
        contact(foreign, there),
    )
    world.append(
        tenant,
        first,
        second,
        third,
        *stream(shared, registered(shared, "US")),
        *stream(foreign, registered(foreign, "US")),
    )
    world.project()
    (row,) = (await world.ask("audience.standings", Scope(tenant, workspaces=frozenset({here})))).rows
    assert (row.addressee_id, row.contact_ids) == (shared, [mine])
    everybody = (await world.ask("audience.standings", Scope(tenant))).rows
    assert {row.addressee_id: set(row.contact_ids) for row in everybody}[shared] == {mine, other}
    assert len((await world.ask("audience.standings", Scope(tenant), workspace_id=there)).rows) == 2
    confined = Scope(tenant, workspaces=frozenset({here}))
    assert (await world.ask("audience.standings", confined, addressee_id=foreign)).rows == []
    assert (await world.ask("audience.standings", confined, workspace_id=there)).rows == []


async def test_the_erased_are_gone_and_what_they_still_say_brings_nobody_back(world: World) -> None:
    tenant, person = opened(world), AddresseeId(fresh())
    world.append(tenant, *stream(person, registered(person, "US"), AddresseeErased(addressee_id=person)))
    said = OptedOut(addressee_id=person, occurred_at=datetime.now(UTC), channel="one_click")
    world.append(tenant, *stream(person, said))
    world.project()
    assert (await world.ask("audience.standings", Scope(tenant))).rows == []
    assert world.rows("standings", "standings") == []


async def test_what_a_workspace_took_back_counts_no_more(world: World) -> None:
    tenant, person = opened(world), AddresseeId(fresh())
    here, there = WorkspaceId(fresh()), WorkspaceId(fresh())
    world.append(
        tenant,
        *stream(
            person,
            registered(person, "DE", workspace_id=here),
            AddresseeDescribed(addressee_id=person, workspace_id=there, country="US"),
        ),
    )
    world.project()
    (row,) = (await world.ask("audience.standings", Scope(tenant), addressee_id=person)).rows
    assert (row.verdict, row.missing) == ("hold", ["country"])
    for workspace, verdict in ((here, "allow"), (there, "hold")):
        world.append(
            tenant, *stream(person, DescriptionTakenBack(addressee_id=person, workspace_id=workspace))
        )
        world.project()
        (row,) = (await world.ask("audience.standings", Scope(tenant), addressee_id=person)).rows
        assert row.verdict == verdict, "the law of the workspace that is left, and then of nobody's"


async def test_pages_hold_and_cursors_are_of_one_question(world: World) -> None:
    tenant = opened(world)
    people = [AddresseeId(fresh()) for _ in range(7)]
    for person in people:
        world.append(tenant, *stream(person, registered(person, "US")))
    world.project()
    first = await world.ask("audience.standings", Scope(tenant), None, 3)
    world.append(tenant, *stream(people[0], consented(people[0], TODAY)))
    world.project()
    second = await world.ask("audience.standings", Scope(tenant), first.cursor, 3)
    third = await world.ask("audience.standings", Scope(tenant), second.cursor, 3)
    found = [row.addressee_id for page in (first, second, third) for row in page.rows]
    assert found == people[::-1]
    assert third.cursor is None
    with pytest.raises(CursorMismatch):
        await world.ask("audience.standings", Scope(tenant), first.cursor, 3, law="us")


async def test_what_is_missing_is_looked_for(world: World) -> None:
    tenant, unknown, customer = opened(world), AddresseeId(fresh()), AddresseeId(fresh())
    bought = RelationRecorded(addressee_id=customer, kind="purchase", occurred_on=TODAY - timedelta(days=3))
    world.append(
        tenant,
        *stream(unknown, registered(unknown, None)),
        *stream(customer, registered(customer, "GB"), bought),
    )
    world.project()
    for missing, person in (("country", unknown), ("could_object", customer)):
        (row,) = (await world.ask("audience.standings", Scope(tenant), missing=missing)).rows
        assert (row.addressee_id, row.verdict) == (person, "hold")


def due(world: World) -> list[Any]:
    return [row["due_at"] for row in world.rows("standings", "standings")]


async def test_what_is_due_is_the_notice_and_then_the_end(world: World) -> None:
    tenant, person = opened(world), AddresseeId(fresh())
    ends = datetime.combine(TODAY + timedelta(days=100), datetime.min.time(), ZoneInfo("Europe/Paris"))
    day = ends.date()
    events: list[Event] = [registered(person, "FR"), consented(person, day.replace(year=day.year - 3))]
    world.append(tenant, *stream(person, *events))
    world.project()
    ends = (standing_of(state_of(events).person, "US", datetime.now(UTC))).lapses_at or ends
    assert due(world) == [ends - timedelta(days=30)]
    ahead = announced(state_of(events), ends, "US", ends - timedelta(days=30))
    assert [type(one) for one in ahead] == [PermissionLapsing]
    world.append(tenant, *stream(person, *ahead))
    world.project()
    assert due(world) == [ends]
    over = announced(state_of([*events, *ahead]), ends, "US", ends)
    world.append(tenant, *stream(person, *over))
    world.project()
    assert due(world) == [None]
    (row,) = (await world.ask("audience.standings", Scope(tenant))).rows
    assert (row.verdict, row.law, row.until) == ("deny", "fr", None), "whatever the clock of the log shows"
