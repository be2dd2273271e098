"""How much is entered of one person: as much as every decision can look at, and stops besides."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from domain.audience.addressee_state import MOST_GIVEN, Addressee
from domain.audience.consent_commands import OptOutChannel, RecordConsent, RecordOptOut, RequestConfirmation
from domain.audience.consent_events import ConsentRecorded
from domain.audience.consent_refusals import TooMuchGiven
from domain.audience.intake.vocabularies import Source
from domain.audience.ledger import RecordRelation, RetractEntry
from domain.kernel.ids import AddresseeId
from domain.law.facts import RelationKind
from tests.support.requests import addressee, opened

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
    world.run(RetractEntry(entry=known.consents[0].position, reason="Entered twice."), who)
    assert world.run(GIVEN[2], who)
