"""The register says of every history what the domain says: what came of each entry, and what holds."""

import random

import pytest

from application.queries import Scope
from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_state import Addressee
from domain.kernel.ids import AddresseeId
from projections.operational.consents.handler import CONSENTS
from projections.operational.contacts.handler import CONTACTS
from projections.runtime.compare import compare
from tests.support.database import Database
from tests.support.lived import lived
from tests.support.projecting import World, fresh


@pytest.fixture
def world(database: Database) -> World:
    return World(database, [CONSENTS, CONTACTS])


async def test_it_says_of_every_history_what_the_domain_says(world: World) -> None:
    chance, tenant = random.Random(11), fresh()
    people = {AddresseeId(fresh()): Addressee(AddresseeId(fresh())) for _ in range(150)}
    seen: set[tuple[str, str]] = set()
    for person in people:
        events = lived(chance, person)
        state = ADDRESSEE.fold(events)
        assert isinstance(state, Addressee)
        people[person] = state
        world.append(tenant, *((f"addressee:{person}", event) for event in events))
    world.project()
    for person, state in people.items():
        rows = (await world.ask("audience.consents", Scope(tenant), addressee_id=person)).rows
        seen |= {(row.what, row.state) for row in rows}
        consents = {
            (row.entry, row.kind, row.ended_at, row.documented)
            for row in rows
            if row.what == "consent" and row.state != "retracted"
        }
        assert consents == {
            (one.position, one.kind, one.withdrawn_at, one.documented) for one in state.consents
        }
        relations = {
            (row.entry, row.ended_on) for row in rows if row.what == "relation" and row.state != "retracted"
        }
        assert relations == {(one.position, one.ended_on) for one in state.relations}
        pending = {row.entry for row in rows if row.state == "pending"}
        assert pending == set(state.asked)
        standing = {
            (row.kind, row.scope, row.within)
            for row in rows
            if row.what in ("opt_out", "suppression") and row.state == "standing"
        }
        assert standing == {
            (one.kind, one.scope, one.within) for one in state.suppressions if one.ended_at is None
        }
        ends = {
            (row.entry, row.ended_at)
            for row in rows
            if row.what in ("opt_out", "suppression") and row.state == "lifted"
        }
        assert ends >= {
            (one.position, one.ended_at) for one in state.suppressions if one.ended_at is not None
        }
    assert seen == {
        ("consent", "standing"),
        ("consent", "withdrawn"),
        ("consent", "retracted"),
        ("confirmation_request", "pending"),
        ("confirmation_request", "confirmed"),
        ("confirmation_request", "retracted"),
        ("relation", "standing"),
        ("relation", "ended"),
        ("relation", "retracted"),
        ("opt_out", "standing"),
        ("opt_out", "lifted"),
        ("suppression", "standing"),
        ("suppression", "lifted"),
    }, "chance left something out"
    with world.projector.connect() as connection:
        found = compare(world.settings(), connection, "consents")
    assert (found.differences, found.skipped) == ([], 0)
    assert found.rows > len(people)
