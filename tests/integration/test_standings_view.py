"""Standings say of every history what the domain says, at whatever moment they are looked at; all are counted once."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from application.queries import CursorMismatch, Scope
from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import (
    AddresseeDescribed,
    AddresseeRegistered,
    DescriptionTakenBack,
    PermissionLapsing,
    RelationRecorded,
)
from domain.audience.addressee_state import Addressee
from domain.audience.consent_events import ConsentRecorded, OptedOut, OptOutLifted
from domain.audience.contact import ContactCreated, Segment
from domain.audience.erasure_events import AddresseeErased
from domain.audience.lapse import announced
from domain.audience.standing import standing_of
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, WorkspaceId
from domain.tenancy.tenant import TenantOpened
from projections.operational.contacts.handler import CONTACTS
from projections.operational.standings.handler import STANDINGS
from projections.runtime.compare import compare
from tests.support.database import Database
from tests.support.lived import lived
from tests.support.projecting import World, fresh

TODAY = datetime.now(UTC).date()


@pytest.fixture
def world(database: Database) -> World:
    return World(database, [STANDINGS, CONTACTS])


def opened(world: World, country: str | None = "US") -> UUID:
    """A tenant whose log begins as logs do."""
    tenant = fresh()
    told = {"tenant_id": tenant, "tenant_name": "Acme", "slug": "acme", "plan": "free", "country": country}
    world.append(tenant, (f"tenant:{tenant}", TenantOpened.model_validate(told)))
    return tenant


def stream(person: UUID, *events: Event) -> list[tuple[str, Event]]:
    return [(f"addressee:{person}", event) for event in events]


def registered(person: AddresseeId, country: str | None, **more: Any) -> AddresseeRegistered:
    return AddresseeRegistered(
        addressee_id=person, email="a@x.example", country=country, subscriber_type="individual", **more
    )


def consented(person: AddresseeId, on: date) -> ConsentRecorded:
    return ConsentRecorded(
        addressee_id=person, occurred_on=on, source="event", recorded_by="api", documented=True
    )


def contact(person: UUID, workspace: UUID) -> tuple[UUID, tuple[str, Event]]:
    made = {"contact_id": fresh(), "workspace_id": workspace, "addressee_id": person}
    event = ContactCreated.model_validate({**made, "email": "a@x.example", "segment": Segment()})
    return event.contact_id, (f"contact:{event.contact_id}", event)


def years_ago(years: int, days: int = 0) -> date:
    """A day so many years before the day that is so many days from today."""
    day = TODAY + timedelta(days=days)
    return day.replace(year=day.year - years, day=min(day.day, 28))


@pytest.mark.parametrize("batch", [1, 7, 1_000])
async def test_it_says_of_every_history_what_the_domain_says(database: Database, batch: int) -> None:
    """Batches of any size: what a handler recalls stands in the database, or in the batch itself."""
    world = World(database, [STANDINGS, CONTACTS], live_batch=batch, catch_up_batch=batch)
    chance = random.Random(5)  # noqa: S311 - the same histories at every run
    tenant = opened(world)
    people: dict[AddresseeId, Addressee] = {}
    for number in range(60):
        person = AddresseeId(fresh())
        country = chance.choice(["US", "CA", "FR", "DE", "KR", "GB", None])
        settled = AddresseeDescribed(addressee_id=person, country=country, could_object=True)
        events = [registered(person, country), *lived(chance, person)[1:]]
        events += [settled] if number % 2 else []
        events += [DescriptionTakenBack(addressee_id=person)] if number % 3 == 0 else []
        world.append(tenant, *stream(person, *events))
        if number % 5 == 0:
            world.project()
        state = ADDRESSEE.fold(tuple(events))
        assert isinstance(state, Addressee)
        people[person] = state
    world.project()
    verdicts: set[str] = set()
    for person, state in people.items():
        (row,) = (await world.ask("audience.standings", Scope(tenant), addressee_id=person)).rows
        standing = standing_of(state.person, "US", datetime.now(UTC))
        leading = standing.now.leading
        assert leading is not None
        said = (row.verdict, row.law, row.rule, row.basis, tuple(row.entries), tuple(row.missing))
        assert said == (
            standing.now.verdict,
            leading.law,
            leading.rule,
            leading.basis,
            leading.positions,
            leading.missing,
        )
        assert row.until == (standing.lapses_at if standing.now.verdict == "allow" else None)
        assert tuple(row.provided) == standing.now.provided
        assert [(one.verdict, one.law) for one in row.laws] == [
            (one.verdict, one.law) for one in standing.now.reasons
        ]
        verdicts.add(row.verdict)
    assert verdicts >= {"allow", "deny"}
    with world.projector.connect() as connection:
        assert compare(world.settings(), connection, "standings").equal


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
    ends = (standing_of(_state(events).person, "US", datetime.now(UTC))).lapses_at or ends
    assert due(world) == [ends - timedelta(days=30)]
    ahead = announced(_state(events), ends, "US", ends - timedelta(days=30))
    assert [type(one) for one in ahead] == [PermissionLapsing]
    world.append(tenant, *stream(person, *ahead))
    world.project()
    assert due(world) == [ends]
    over = announced(_state([*events, *ahead]), ends, "US", ends)
    world.append(tenant, *stream(person, *over))
    world.project()
    assert due(world) == [None]
    (row,) = (await world.ask("audience.standings", Scope(tenant))).rows
    assert (row.verdict, row.law, row.until) == ("deny", "fr", None), "whatever the clock of the log shows"


def _state(events: list[Event]) -> Addressee:
    state = ADDRESSEE.fold(tuple(events))
    assert isinstance(state, Addressee)
    return state


def any_life(chance: random.Random, person: AddresseeId) -> list[tuple[datetime, Event]]:
    """Something entered now and then, as it was known then, each with the moment at which the log took it."""
    at = datetime(2021, 1, 1, tzinfo=UTC) + timedelta(days=chance.randint(0, 900))
    told: list[tuple[datetime, Event]] = [(at, registered(person, chance.choice(["FR", "CA", "KR", "US"])))]
    while (
        at := at + timedelta(days=chance.randint(100, 900), minutes=chance.randint(0, 1_440))
    ) < datetime.now(UTC):
        on = (at - timedelta(days=chance.randint(1, 400))).date()
        told.append(
            (
                at,
                chance.choice(
                    [
                        consented(person, on),
                        consented(person, on),
                        RelationRecorded(
                            addressee_id=person,
                            kind=chance.choice(["purchase", "inquiry", "contact", "consent_checked"]),
                            occurred_on=on,
                        ),
                        RelationRecorded(
                            addressee_id=person,
                            kind="contract",
                            occurred_on=on,
                            ended_on=on + timedelta(days=chance.randint(0, 500)),
                        ),
                        AddresseeDescribed(addressee_id=person, country=chance.choice(["FR", "CA", "DE"])),
                        *(
                            [OptedOut(addressee_id=person, occurred_at=at, channel="page")]
                            * (chance.random() < 0.2)
                        ),
                        OptOutLifted(addressee_id=person, consented_on=at.date(), consented_at=at),
                    ]
                ),
            )
        )
    return told


async def test_whatever_is_due_is_done_by_announcing_it_and_then_due_no_more(world: World) -> None:
    chance, tenant = random.Random(3), opened(world)  # noqa: S311 - the same lives at every run
    lives = {person: any_life(chance, person) for person in (AddresseeId(fresh()) for _ in range(120))}
    for person, life in lives.items():
        world.append(tenant, *stream(person, *[event for _, event in life]))
    with psycopg.connect(world.database.admin) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE log.events SET recorded_at = %s WHERE tenant_id = %s AND stream = %s AND version = %s",
            [
                (at, tenant, f"addressee:{person}", version)
                for person, life in lives.items()
                for version, (at, _) in enumerate(life, 1)
            ],
        )
    rounds: list[int] = []
    events = {person: [event for _, event in life] for person, life in lives.items()}
    while True:
        world.project()
        now = datetime.now(UTC)
        rows = [row for row in world.rows("standings", "standings") if row["due_at"] and row["due_at"] <= now]
        if not rows:
            break
        rounds.append(len(rows))
        for row in rows:
            person = AddresseeId(row["addressee_id"])
            said = announced(_state(events[person]), row["due_for"], "US", now)
            assert said, "a row that is due and of which there is nothing to say would be due for ever"
            world.append(tenant, *stream(person, *said))
            events[person] += said
    assert rounds[0] > 20
    assert len(rounds) > 1, "some ended, were renewed and ended again before anybody looked"
    with world.projector.connect() as connection:
        assert compare(world.settings(), connection, "standings").equal
