"""What lifts a person's word, what does not, and what brings it back: by what may be sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.audience.addressee_events import PermissionDecided
from domain.audience.addressee_state import Addressee
from domain.audience.authorisation import AuthoriseMessage
from domain.audience.consent_commands import (
    OptOutChannel,
    OptOutKind,
    RecordConsent,
    RecordOptOut,
    RequestConfirmation,
    WithdrawConsent,
)
from domain.audience.consent_events import ConsentWithdrawn, OptedOut, OptOutToldLate
from domain.audience.consent_refusals import (
    WithdrawnBeforeGiven,
)
from domain.audience.contact import CreateContact, EraseContact
from domain.audience.intake.vocabularies import Source
from domain.audience.ledger import RetractEntry
from domain.audience.own_word import HeedConfirmation, HeedOptOut
from domain.kernel.ids import MessageId
from domain.law.facts import Scope
from tests.support.given import NOW, uid
from tests.support.requests import CONTACT, EMAIL, WORKSPACE, addressee, opened
from tests.support.unit import World

DAY = timedelta(days=1)
STOP = RecordOptOut(channel=OptOutChannel.REPLY, occurred_at=NOW - 5 * DAY)
ANEW: dict[str, Any] = {"source": Source.WEBSITE_FORM, "wording": "Write to me again", "explicit": True}


def allowed(world: World, **about: Any) -> bool:
    """Whether an American company may write to an American now."""
    number = len(world.log)
    message = AuthoriseMessage(workspace_id=WORKSPACE, message_id=MessageId(uid(0x9000 + number)), **about)
    (decided,) = world.run(message, addressee(world))
    assert isinstance(decided, PermissionDecided)
    return decided.verdict == "allow"


@pytest.fixture
def world() -> World:
    made = opened("US")
    assert allowed(made)
    return made


def entry_of(world: World, event: str) -> int:
    """The version of the latest event of a name in the person's stream."""
    stream = f"addressee:{addressee(world)}"
    names = [one.name for name, one in world.log if name == stream]
    return len(names) - names[::-1].index(event)


def lifted(world: World) -> int:
    """The person said stop, and asked to be written to again: the entry of that consent."""
    world.run(STOP, addressee(world))
    assert not allowed(world)
    world.run(RecordConsent(occurred_on=(NOW - DAY).date(), **ANEW), addressee(world))
    assert allowed(world)
    return entry_of(world, "audience.consent_recorded")


class TestRetraction:
    def test_of_the_consent_that_lifted_it_an_opt_out_holds_again(self, world: World) -> None:
        entry = lifted(world)
        _, again = world.run(RetractEntry(entry=entry, reason="by mistake"), addressee(world))
        assert isinstance(again, OptedOut)
        assert (again.occurred_at, again.channel) == (STOP.occurred_at, "reinstated")
        assert not allowed(world)
        known: Addressee = world.state("addressee", addressee(world))
        assert known.opted_out_at == STOP.occurred_at
        world.assert_replays()

    def test_so_it_does_where_it_was_lifted_by_a_double_opt_in(self, world: World) -> None:
        world.run(STOP, addressee(world))
        world.run(RequestConfirmation(source=Source.WEBSITE_FORM, wording="Write to me"), addressee(world))
        request = entry_of(world, "audience.confirmation_requested")
        world.run(HeedConfirmation(request=request), addressee(world))
        assert allowed(world)
        entry = entry_of(world, "audience.consent_confirmed")
        world.run(RetractEntry(entry=entry, reason="by mistake"), addressee(world))
        assert not allowed(world)

    def test_what_a_second_consent_lifted_too_stays_lifted(self, world: World) -> None:
        first = lifted(world)
        later = RecordOptOut(channel=OptOutChannel.REPLY)
        world.run(later, addressee(world))
        world.later(3 * DAY)
        world.run(RecordConsent(occurred_on=world.now.date(), **ANEW), addressee(world))
        assert allowed(world)
        assert len(world.run(RetractEntry(entry=first, reason="by mistake"), addressee(world))) == 1
        assert allowed(world)

    def test_a_consent_that_is_given_after_it_lifts_it_anew(self, world: World) -> None:
        entry = lifted(world)
        world.run(RetractEntry(entry=entry, reason="by mistake"), addressee(world))
        world.run(RecordConsent(occurred_on=NOW.date(), **ANEW), addressee(world))
        assert allowed(world)


def test_another_word_from_before_is_entered_too_and_moves_nothing(world: World) -> None:
    world.run(RecordOptOut(channel=OptOutChannel.REPLY, occurred_at=NOW - DAY), addressee(world))
    late = RecordOptOut(channel=OptOutChannel.REPLY, kind=OptOutKind.OBJECTION, occurred_at=NOW - 5 * DAY)
    (entered,) = world.run(late, addressee(world))
    assert isinstance(entered, OptedOut)
    assert (entered.kind, entered.occurred_at) == ("objection", NOW - 5 * DAY)
    assert world.state("addressee", addressee(world)).opted_out_at == NOW - DAY
    assert world.run(late, addressee(world)) == []


class TestToldLate:
    """Stops that were said before a consent and became known after it."""

    LATE = RecordOptOut(channel=OptOutChannel.REPLY, occurred_at=NOW - 3 * DAY, reason="Enough")

    def consents(self, world: World) -> int:
        """They asked to be written to, and had said nothing that this lifts."""
        world.run(RecordConsent(occurred_on=(NOW - DAY).date(), **ANEW), addressee(world))
        return entry_of(world, "audience.consent_recorded")

    def test_one_is_remembered_and_holds_once_the_consent_is_retracted(self, world: World) -> None:
        entry = lifted(world)
        (late,) = world.run(self.LATE, addressee(world))
        assert isinstance(late, OptOutToldLate)
        assert world.run(self.LATE, addressee(world)) == [], "the same again"
        assert allowed(world)
        _, *again = world.run(RetractEntry(entry=entry, reason="by mistake"), addressee(world))
        said = [one.occurred_at for one in again if isinstance(one, OptedOut)]
        assert said == [STOP.occurred_at, self.LATE.occurred_at]
        assert world.state("addressee", addressee(world)).opted_out_at == self.LATE.occurred_at
        assert not allowed(world)
        world.assert_replays()

    def test_a_consent_that_had_nothing_to_lift_ends_one_too(self, world: World) -> None:
        entry = self.consents(world)
        assert [type(one) for one in world.run(self.LATE, addressee(world))] == [OptOutToldLate]
        assert allowed(world)
        world.run(RetractEntry(entry=entry, reason="by mistake"), addressee(world))
        assert not allowed(world)

    def test_so_does_a_double_opt_in(self, world: World) -> None:
        world.run(RequestConfirmation(source=Source.WEBSITE_FORM, wording="Yes"), addressee(world))
        request = entry_of(world, "audience.confirmation_requested")
        world.run(HeedConfirmation(request=request), addressee(world))
        world.run(self.LATE, addressee(world))
        assert allowed(world)
        world.run(RetractEntry(entry=request + 1, reason="by mistake"), addressee(world))
        assert not allowed(world)

    def test_a_retraction_leaves_lifted_what_another_explicit_consent_is_later_than(
        self, world: World
    ) -> None:
        world.run(STOP, addressee(world))
        world.run(RecordConsent(occurred_on=(NOW - 2 * DAY).date(), **ANEW), addressee(world))
        first = entry_of(world, "audience.consent_recorded")
        second = self.consents(world)
        assert len(world.run(RetractEntry(entry=first, reason="by mistake"), addressee(world))) == 1
        assert allowed(world)
        world.run(RetractEntry(entry=second, reason="by mistake"), addressee(world))
        assert allowed(world) is False

    def test_a_consent_that_proves_nothing_ends_none(self, world: World) -> None:
        world.run(
            RecordConsent(occurred_on=(NOW - DAY).date(), **{**ANEW, "explicit": False}), addressee(world)
        )
        assert [type(one) for one in world.run(self.LATE, addressee(world))] == [OptedOut]
        assert not allowed(world)


class TestWithdrawal:
    def test_it_is_not_dated_before_its_consent(self, world: World) -> None:
        entry = lifted(world)
        early = WithdrawConsent(entry=entry, channel=OptOutChannel.REPLY, occurred_at=NOW - 3 * DAY)
        with pytest.raises(WithdrawnBeforeGiven):
            world.run(early, addressee(world))

    def test_of_all_it_takes_back_those_that_were_given_by_then(self, world: World) -> None:
        old = RecordConsent(occurred_on=(NOW - 30 * DAY).date(), source=Source.EVENT)
        world.run(old, addressee(world))
        first = entry_of(world, "audience.consent_recorded")
        world.run(RecordConsent(occurred_on=NOW.date(), source=Source.EVENT), addressee(world))
        word = WithdrawConsent(channel=OptOutChannel.REPLY, occurred_at=NOW - 10 * DAY)
        taken_back, stop = world.run(word, addressee(world))
        assert isinstance(taken_back, ConsentWithdrawn)
        assert isinstance(stop, OptedOut)
        assert taken_back.entry == first
        known: Addressee = world.state("addressee", addressee(world))
        assert [one.withdrawn_at is None for one in known.consents] == [False, True]

    def test_of_a_consent_that_lifted_stops_everything_whatever_the_hour(self, world: World) -> None:
        world.run(STOP, addressee(world))
        world.run(
            RequestConfirmation(
                source=Source.WEBSITE_FORM, wording="Yes", occurred_at=NOW - timedelta(hours=3)
            ),
            addressee(world),
        )
        request = entry_of(world, "audience.confirmation_requested")
        confirmed = NOW
        world.run(HeedConfirmation(request=request), addressee(world))
        assert allowed(world)
        world.later(timedelta(hours=1))
        slow = WithdrawConsent(channel=OptOutChannel.REPLY, occurred_at=confirmed - timedelta(minutes=5))
        world.run(slow, addressee(world))
        assert not allowed(world)


def test_a_narrow_word_is_ended_by_a_later_consent_too(world: World) -> None:
    narrow = HeedOptOut(channel=OptOutChannel.PAGE, scope=Scope.CAMPAIGN_TYPE, within="offers")
    world.run(narrow, addressee(world))
    assert not allowed(world, campaign_type="offers")
    world.later(3 * DAY)
    world.run(RecordConsent(occurred_on=world.now.date(), **ANEW), addressee(world))
    assert allowed(world, campaign_type="offers")


def test_a_narrow_word_that_was_said_again_counts_from_then(world: World) -> None:
    narrow = HeedOptOut(channel=OptOutChannel.PAGE, scope=Scope.CAMPAIGN_TYPE, within="offers")
    world.run(narrow, addressee(world))
    between = (world.now + 5 * DAY).date()
    world.later(10 * DAY)
    assert world.run(narrow, addressee(world))
    world.later(DAY)
    world.run(RecordConsent(occurred_on=between, **ANEW), addressee(world))
    assert not allowed(world, campaign_type="offers")


def test_what_was_said_twice_and_lifted_by_mistake_holds_from_the_second_time(world: World) -> None:
    world.run(RecordOptOut(channel=OptOutChannel.REPLY, occurred_at=NOW - 20 * DAY), addressee(world))
    world.run(RecordOptOut(channel=OptOutChannel.REPLY, occurred_at=NOW - 10 * DAY), addressee(world))
    world.run(RecordConsent(occurred_on=(NOW - DAY).date(), **ANEW), addressee(world))
    assert allowed(world)
    entry = entry_of(world, "audience.consent_recorded")
    world.run(RetractEntry(entry=entry, reason="by mistake"), addressee(world))
    assert world.state("addressee", addressee(world)).opted_out_at == NOW - 10 * DAY
    world.run(RecordConsent(occurred_on=(NOW - 15 * DAY).date(), **ANEW), addressee(world))
    assert not allowed(world)


def test_who_said_stop_and_was_erased_later_is_protected_from_the_erasure_on(world: World) -> None:
    world.run(RecordOptOut(channel=OptOutChannel.REPLY, kind=OptOutKind.OBJECTION), addressee(world))
    world.run(RecordOptOut(channel=OptOutChannel.COMPLAINT), addressee(world))
    between = (world.now + 5 * DAY).date()
    world.later(10 * DAY)
    world.run(EraseContact(), CONTACT)
    world.later(DAY)
    back = uid(0x58)
    world.run(CreateContact(workspace_id=WORKSPACE, email=EMAIL, country="US"), back)
    who = world.state("contact", back).addressee_id
    known: Addressee = world.state("addressee", who)
    assert known.opted_out_at == NOW + 10 * DAY
    assert {one.kind for one in known.own_words()} == {"objection", "complaint"}
    world.run(RecordConsent(occurred_on=between, **ANEW), who)
    assert world.state("addressee", who).opted_out_at == NOW + 10 * DAY


def test_who_was_erased_is_not_written_to_until_they_ask_for_it(world: World) -> None:
    world.run(EraseContact(), CONTACT)
    back = uid(0x58)
    world.run(CreateContact(workspace_id=WORKSPACE, email=EMAIL, country="US"), back)
    known: Addressee = world.state("addressee", world.state("contact", back).addressee_id)
    assert known.opted_out_at == NOW
    message = AuthoriseMessage(workspace_id=WORKSPACE, message_id=MessageId(uid(0x9999)))
    (decided,) = world.run(message, known.addressee_id)
    assert isinstance(decided, PermissionDecided)
    assert (decided.verdict, decided.reasons[0].rule) == ("deny", "suppressed-unsubscribe")
    world.later(3 * DAY)
    world.run(RecordConsent(occurred_on=world.now.date(), **ANEW), known.addressee_id)
    anew = AuthoriseMessage(workspace_id=WORKSPACE, message_id=MessageId(uid(0x999A)))
    (decided,) = world.run(anew, known.addressee_id)
    assert isinstance(decided, PermissionDecided)
    assert decided.verdict == "allow"
