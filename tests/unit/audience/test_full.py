"""How much is entered of one person: as much as every decision can look at, and stops besides."""

from __future__ import annotations

import json
from datetime import date, timedelta

import orjson
import pytest

from domain.audience.addressee_state import CONFIRMED_WITHIN, MOST_GIVEN, MOST_OF_ALL, Addressee
from domain.audience.consent_commands import (
    ConfirmConsent,
    OptOutChannel,
    RecordConsent,
    RecordOptOut,
    RequestConfirmation,
)
from domain.audience.consent_events import ConfirmationRequested, ConsentRecorded
from domain.audience.consent_refusals import FirstStepOver, TooMuchGiven
from domain.audience.intake.vocabularies import Source
from domain.audience.ledger import RecordRelation, RetractEntry
from domain.kernel.ids import AddresseeId, WorkspaceId
from domain.law.facts import RelationKind
from projections.operational.standings.facts import Facts, restored
from tests.support.given import uid
from tests.support.requests import WORKSPACE, addressee, opened

DAY = date(2026, 1, 1)
GIVEN = (
    RecordConsent(source=Source.EVENT, occurred_on=DAY),
    RequestConfirmation(source=Source.EVENT),
    RecordRelation(kind=RelationKind.PURCHASE, occurred_on=DAY),
)


def test_a_thousand_things_given_are_enough_and_a_stop_is_taken_all_the_same() -> None:
    world = opened("DE")
    who = AddresseeId(addressee(world))
    for number in range(MOST_GIVEN - 1):
        consented = ConsentRecorded(
            addressee_id=who, occurred_on=DAY - timedelta(days=number), source="event", recorded_by="api"
        )
        world.happened("addressee", who, consented)
    (last,) = world.run(GIVEN[0], who)
    assert isinstance(last, ConsentRecorded)
    for command in GIVEN:
        with pytest.raises(TooMuchGiven):
            world.run(command, who)
    assert world.run(RecordOptOut(channel=OptOutChannel.REPLY), who)
    known: Addressee = world.state("addressee", who)
    assert not known.contactable
    assert world.run(GIVEN[0].model_copy(update={"workspace_id": WORKSPACE}), who), "each client has its own"
    world.run(RetractEntry(entry=known.consents[0].position, reason="Entered twice."), who)
    assert world.run(GIVEN[2], who)


def test_five_thousand_are_enough_over_all_clients() -> None:
    world = opened("DE")
    who = AddresseeId(addressee(world))
    for number in range(MOST_OF_ALL - 1):
        consented = ConsentRecorded(
            addressee_id=who,
            occurred_on=DAY - timedelta(days=number // 10),
            source="event",
            recorded_by="api",
            workspace_id=WorkspaceId(uid(1000 + number % 10)),
        )
        world.happened("addressee", who, consented)
    assert world.run(GIVEN[0], who)
    with pytest.raises(TooMuchGiven):
        world.run(GIVEN[0].model_copy(update={"workspace_id": WORKSPACE}), who)
    assert world.run(RecordOptOut(channel=OptOutChannel.REPLY), who)


def test_what_nobody_confirmed_in_time_keeps_nobody_from_anything() -> None:
    world = opened("DE")
    who = AddresseeId(addressee(world))
    for _ in range(MOST_GIVEN):
        asked = ConfirmationRequested(
            addressee_id=who, occurred_at=world.now, source="website_form", documented=False
        )
        world.happened("addressee", who, asked)
    with pytest.raises(TooMuchGiven):
        world.run(GIVEN[1], who)
    world.later(CONFIRMED_WITHIN)
    assert world.run(GIVEN[1], who)


def test_no_more_first_steps_are_kept_than_may_wait_at_once_and_those_are_the_latest() -> None:
    """Month after month as many as may wait; of each the standing's row is written whole at every event."""
    world = opened("DE")
    who = AddresseeId(addressee(world))
    last = MOST_GIVEN + MOST_GIVEN // 2
    for number in range(last):
        asked = ConfirmationRequested(
            addressee_id=who,
            occurred_at=world.now + number * timedelta(hours=1),
            source="website_form",
            documented=False,
            workspace_id=None if number else WORKSPACE,
        )
        world.happened("addressee", who, asked)
    known: Addressee = world.state("addressee", who)
    assert [one.workspace for one in known.asked.values()].count(str(WORKSPACE)) == 1, (
        "each client has its own"
    )
    kept = sorted(one.at for one in known.asked.values() if one.workspace is None)
    assert (len(kept), kept[-1] - kept[0]) == (MOST_GIVEN, (MOST_GIVEN - 1) * timedelta(hours=1))
    assert kept[-1] == world.now + (last - 1) * timedelta(hours=1)
    assert len(Facts(known)["asked"]) == MOST_GIVEN + 1


def test_a_first_step_that_is_over_as_it_is_entered_is_refused() -> None:
    world = opened("DE")
    who = addressee(world)
    over = world.now - CONFIRMED_WITHIN
    with pytest.raises(FirstStepOver):
        world.run(RequestConfirmation(source=Source.EVENT, occurred_at=over), who)
    assert world.run(RequestConfirmation(source=Source.EVENT, occurred_at=over + timedelta(hours=1)), who)


def test_a_standing_keeps_what_the_sender_told_of_a_first_step_until_its_person_says_so() -> None:
    world = opened("DE")
    who = AddresseeId(addressee(world))
    world.run(GIVEN[1], who)
    request = world.state("addressee", who).version
    world.run(ConfirmConsent(request=request), who)
    known: Addressee = world.state("addressee", who)
    assert (dict(known.asked), list(known.confirmed)) == ({}, [request])
    again = restored(who, known.version, json.loads(orjson.dumps(Facts(known))))
    assert (again.asked, again.confirmed) == (known.asked, known.confirmed)
