"""Standings follow every history as the domain does, towards each sender; whatever is due is announced, once."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from application.queries import Scope
from domain.audience.addressee_events import (
    AddresseeDescribed,
    DescriptionTakenBack,
    EntryRetracted,
    RelationRecorded,
)
from domain.audience.addressee_state import Addressee
from domain.audience.consent_events import ConsentRecorded, OptedOut, OptOutLifted
from domain.audience.erasure_events import AddresseeErased
from domain.audience.lapse import announced
from domain.audience.standing import ordinary_of, standing_of
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId
from domain.law.clients import senders_to
from domain.law.judging import judge
from domain.law.packs import load_packs
from projections.operational.contacts.handler import CONTACTS
from projections.operational.standings.handler import STANDINGS
from projections.operational.standings.queries import StandingRow
from projections.runtime.compare import compare
from tests.support.database import Database
from tests.support.lived import CLIENTS, lived
from tests.support.projecting import World, fresh
from tests.support.standing_people import consented, opened, registered, state_of, stream


@pytest.fixture
def world(database: Database) -> World:
    return World(database, [STANDINGS, CONTACTS])


@pytest.mark.parametrize("batch", [1, 7, 1_000])
async def test_it_says_of_every_history_what_the_domain_says(database: Database, batch: int) -> None:
    """Batches of any size: what a handler recalls stands in the database, or in the batch itself."""
    world = World(database, [STANDINGS, CONTACTS], live_batch=batch, catch_up_batch=batch)
    chance = random.Random(5)
    tenant = opened(world)
    people: dict[AddresseeId, Addressee] = {}
    for number in range(60):
        person = AddresseeId(fresh())
        country = chance.choice(["US", "CA", "FR", "DE", "KR", "GB", None])
        could_object = True if number % 4 == 1 else None
        settled = AddresseeDescribed(addressee_id=person, country=country, could_object=could_object)
        events = [registered(person, country), *lived(chance, person)[1:]]
        events += [settled] if number % 2 else []
        events += [DescriptionTakenBack(addressee_id=person)] if number % 3 == 0 else []
        events += [AddresseeErased(addressee_id=person)] if number % 10 == 9 else []
        world.append(tenant, *stream(person, *events))
        if number % 5 == 0:
            world.project()
        people[person] = state_of(events)
    world.project()
    verdicts: set[str] = set()
    apart: set[frozenset[str | None]] = set()
    for person, state in people.items():
        rows = (await world.ask("audience.standings", Scope(tenant), addressee_id=person)).rows
        found = {None if row.workspace_id is None else str(row.workspace_id): row for row in rows}
        assert len(found) == len(rows)
        assert set(found) == set(() if state.erased else senders_to(state.person))
        for client, row in found.items():
            check(row, state, client)
            verdicts.add(row.verdict)
        apart.add(frozenset(found))
    assert verdicts >= {"allow", "deny"}
    here, there = map(str, CLIENTS)
    wanted = ((), (None,), (here,), (here, there), (None, here, there))
    assert apart >= {frozenset(one) for one in wanted}, "chance left something out"
    with world.projector.connect() as connection:
        assert compare(world.settings(), connection, "standings").equal


def check(row: StandingRow, state: Addressee, client: str | None) -> None:
    """That it says of an advertisement of this client what the domain says."""
    now = datetime.now(UTC)
    assert row.verdict == judge(state.person, ordinary_of(client), "US", now, load_packs()).verdict
    standing = standing_of(state.person, "US", now, client)
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


def any_life(chance: random.Random, person: AddresseeId) -> list[tuple[datetime, Event]]:
    """Something entered now and then, as it was known then, each with the moment at which the log took it."""
    at = datetime(2021, 1, 1, tzinfo=UTC) + timedelta(days=chance.randint(0, 900))
    told: list[tuple[datetime, Event]] = [(at, registered(person, chance.choice(["FR", "CA", "KR", "US"])))]
    while (
        at := at + timedelta(days=chance.randint(100, 900), minutes=chance.randint(0, 1_440))
    ) < datetime.now(UTC):
        on = (at - timedelta(days=chance.randint(1, 400))).date()
        client = chance.choice((None, *CLIENTS))
        given = [n for n, (_, one) in enumerate(told, 1) if isinstance(one, ConsentRecorded)]
        taken = {one.entry for _, one in told if isinstance(one, EntryRetracted)}
        told.append(
            (
                at,
                chance.choice(
                    [
                        consented(person, on, workspace_id=client),
                        consented(person, on, workspace_id=client),
                        *(
                            EntryRetracted(addressee_id=person, entry=n, reason="x")
                            for n in given[-1:]
                            if n not in taken
                        ),
                        RelationRecorded(
                            addressee_id=person,
                            kind=chance.choice(["purchase", "inquiry", "contact", "consent_checked"]),
                            occurred_on=on,
                            workspace_id=client,
                        ),
                        RelationRecorded(
                            addressee_id=person,
                            kind="contract",
                            occurred_on=on,
                            ended_on=on + timedelta(days=chance.randint(0, 500)),
                            workspace_id=client,
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
    chance, tenant = random.Random(3), opened(world)
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
    told: set[tuple[UUID, str | None, datetime]] = set()
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
            client = None if row["sender_id"] == tenant else str(row["sender_id"])
            said = announced(state_of(events[person]), row["due_for"], "US", now, client)
            assert said, "a row that is due and of which there is nothing to say would be due for ever"
            world.append(tenant, *stream(person, *said))
            events[person] += said
            told.add((person, client, row["due_for"]))
    assert rounds[0] > 20
    assert sum(rounds) == len(told), "each end is due once"
    assert {client for _, client, _ in told} == {None, *map(str, CLIENTS)}
    assert len({(person, at) for person, _, at in told}) < len(told), "some ends are of two senders"
    assert len(rounds) > 1, "some ended, were renewed and ended again before anybody looked"
    with world.projector.connect() as connection:
        assert compare(world.settings(), connection, "standings").equal
