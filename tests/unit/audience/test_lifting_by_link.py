"""What a confirmation lifts, by the link and as a sender tells it: by what may be sent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.audience.addressee_state import Addressee
from domain.audience.consent_commands import (
    ConfirmConsent,
    OptOutChannel,
    RecordOptOut,
    RequestConfirmation,
    WithdrawConsent,
)
from domain.audience.consent_events import ConsentConfirmed, OptedOut, OptOutToldLate
from domain.audience.consent_refusals import (
    ConfirmedBeforeAsked,
    ConfirmedTooLate,
    NotAsked,
)
from domain.audience.intake.vocabularies import Source
from domain.audience.ledger import RetractEntry
from domain.audience.own_word import HeedConfirmation, HeedOptOut
from domain.kernel.ids import WorkspaceId
from domain.law.facts import Scope
from tests.support.given import NOW
from tests.support.requests import WORKSPACE, addressee, opened
from tests.support.unit import World
from tests.unit.audience.test_lifting import DAY, STOP, allowed, entry_of


@pytest.fixture
def world() -> World:
    made = opened("US")
    assert allowed(made)
    return made


class TestConfirmation:
    def test_a_link_from_before_a_complaint_does_not_lift_it(self, world: World) -> None:
        world.run(RequestConfirmation(source=Source.WEBSITE_FORM, wording="Yes"), addressee(world))
        request = entry_of(world, "audience.confirmation_requested")
        world.later(DAY)
        world.run(RecordOptOut(channel=OptOutChannel.COMPLAINT), addressee(world))
        world.later(DAY)
        world.run(HeedConfirmation(request=request), addressee(world))
        assert not allowed(world)

    @pytest.mark.parametrize("pause", [timedelta(hours=1), 3 * DAY])
    def test_one_from_before_they_said_stop_once_more_lifts_nothing(
        self, world: World, pause: timedelta
    ) -> None:
        link = HeedOptOut(channel=OptOutChannel.PAGE)
        world.run(link, addressee(world))
        world.later(pause)
        world.run(RequestConfirmation(source=Source.WEBSITE_FORM, wording="Yes"), addressee(world))
        request = entry_of(world, "audience.confirmation_requested")
        world.later(pause)
        assert world.run(link, addressee(world)), "they said so after they were asked"
        world.later(pause)
        world.run(HeedConfirmation(request=request), addressee(world))
        assert not allowed(world)

    @pytest.mark.parametrize("told_late", [False, True])
    def test_one_that_was_asked_for_before_they_said_stop_lifts_nothing_in_whatever_order_it_is_entered(
        self, world: World, *, told_late: bool
    ) -> None:
        asking = RequestConfirmation(source=Source.WEBSITE_FORM, wording="Yes", occurred_at=NOW - 6 * DAY)
        if not told_late:
            world.run(STOP, addressee(world))
        world.run(asking, addressee(world))
        request = entry_of(world, "audience.confirmation_requested")
        world.run(HeedConfirmation(request=request), addressee(world))
        if told_late:
            (told,) = world.run(STOP, addressee(world))
            assert isinstance(told, OptedOut), (
                "what they agreed to is older, though they pressed the link later"
            )
        assert not allowed(world)
        world.assert_replays()

    def test_what_was_said_before_it_was_asked_for_and_is_told_late_it_ended(self, world: World) -> None:
        world.run(RequestConfirmation(source=Source.WEBSITE_FORM, wording="Yes"), addressee(world))
        request = entry_of(world, "audience.confirmation_requested")
        world.later(DAY)
        world.run(HeedConfirmation(request=request), addressee(world))
        assert [type(one) for one in world.run(STOP, addressee(world))] == [OptOutToldLate]
        assert allowed(world)

    def test_a_stop_between_the_two_steps_that_is_told_late_holds(self, world: World) -> None:
        world.run(STOP, addressee(world))
        world.run(RequestConfirmation(source=Source.WEBSITE_FORM, wording="Yes"), addressee(world))
        request = entry_of(world, "audience.confirmation_requested")
        world.later(DAY)
        world.run(HeedConfirmation(request=request), addressee(world))
        assert allowed(world)
        between = RecordOptOut(channel=OptOutChannel.REPLY, occurred_at=NOW + DAY / 2)
        assert [type(one) for one in world.run(between, addressee(world))] == [OptedOut]
        assert not allowed(world)

    def test_it_lifts_nothing_where_some_was_stopped_after_the_address_was_left(self, world: World) -> None:
        world.run(STOP, addressee(world))
        narrow = HeedOptOut(channel=OptOutChannel.PAGE, scope=Scope.CAMPAIGN_TYPE, within="offers")
        world.run(narrow, addressee(world))
        asking = RequestConfirmation(source=Source.WEBSITE_FORM, wording="Yes", occurred_at=NOW - 3 * DAY)
        world.run(asking, addressee(world))
        request = entry_of(world, "audience.confirmation_requested")
        assert len(world.run(HeedConfirmation(request=request), addressee(world))) == 1
        assert not allowed(world, campaign_type="offers")

    @pytest.mark.parametrize("told_late", [False, True])
    def test_one_that_the_sender_tells_lifts_nothing(self, world: World, *, told_late: bool) -> None:
        if not told_late:
            world.run(STOP, addressee(world))
        world.run(RequestConfirmation(source=Source.WEBSITE_FORM, wording="Yes"), addressee(world))
        request = entry_of(world, "audience.confirmation_requested")
        (confirmed,) = world.run(ConfirmConsent(request=request), addressee(world))
        assert confirmed.name == "audience.consent_confirmed"
        if told_late:
            assert [type(one) for one in world.run(STOP, addressee(world))] == [OptedOut]
        assert not allowed(world)

    @pytest.mark.parametrize("mistaken", [False, True])
    @pytest.mark.parametrize("client", [None, WORKSPACE])
    def test_their_own_word_counts_after_the_sender_told_it_and_ends_what_it_would_have_ended(
        self, world: World, client: WorkspaceId | None, *, mistaken: bool
    ) -> None:
        """`mistaken`: what the sender told is retracted before the person presses their link."""
        world.run(STOP, addressee(world))
        asking = RequestConfirmation(source=Source.WEBSITE_FORM, wording="Yes", workspace_id=client)
        world.run(asking, addressee(world))
        request = entry_of(world, "audience.confirmation_requested")
        world.run(ConfirmConsent(request=request), addressee(world))
        with pytest.raises(NotAsked):
            world.run(ConfirmConsent(request=request), addressee(world))
        told = entry_of(world, "audience.consent_confirmed")
        if mistaken:
            world.run(RetractEntry(entry=told, reason="by mistake"), addressee(world))
        assert not allowed(world)
        world.later(DAY)
        confirmed, *lifted = world.run(HeedConfirmation(request=request), addressee(world))
        assert isinstance(confirmed, ConsentConfirmed)
        assert (confirmed.at_door, confirmed.workspace_id, len(lifted)) == (True, client, client is None)
        assert allowed(world)
        known: Addressee = world.state("addressee", addressee(world))
        assert len(known.consents) == 2 - mistaken
        with pytest.raises(NotAsked):
            world.run(HeedConfirmation(request=request), addressee(world))
        own = known.consents[-1].position
        world.run(RetractEntry(entry=own, reason="by mistake"), addressee(world))
        assert not allowed(world), "what the sender told ends nothing"
        world.assert_replays()

    def test_of_a_first_step_that_was_entered_by_mistake_the_link_counts_no_more(self, world: World) -> None:
        """Also once the sender told that it was confirmed."""
        world.run(RequestConfirmation(source=Source.WEBSITE_FORM, wording="Yes"), addressee(world))
        request = entry_of(world, "audience.confirmation_requested")
        world.run(ConfirmConsent(request=request), addressee(world))
        assert world.run(RetractEntry(entry=request, reason="by mistake"), addressee(world))
        with pytest.raises(NotAsked):
            world.run(HeedConfirmation(request=request), addressee(world))
        world.assert_replays()

    def test_after_a_stop_that_came_with_or_after_what_the_sender_told_it_ends_nothing(
        self, world: World
    ) -> None:
        world.run(RequestConfirmation(source=Source.WEBSITE_FORM, wording="Yes"), addressee(world))
        request = entry_of(world, "audience.confirmation_requested")
        world.run(ConfirmConsent(request=request), addressee(world))
        world.run(WithdrawConsent(channel=OptOutChannel.REPLY), addressee(world))
        world.later(DAY)
        assert len(world.run(HeedConfirmation(request=request), addressee(world))) == 1
        assert not allowed(world)
        world.later(30 * DAY)
        other = RequestConfirmation(source=Source.WEBSITE_FORM, wording="Yes")
        world.run(other, addressee(world))
        last = entry_of(world, "audience.confirmation_requested")
        world.run(ConfirmConsent(request=last), addressee(world))
        world.later(30 * DAY)
        with pytest.raises(ConfirmedTooLate):
            world.run(HeedConfirmation(request=last), addressee(world))

    def test_it_is_not_dated_before_it_was_asked_for(self, world: World) -> None:
        world.run(RequestConfirmation(source=Source.WEBSITE_FORM, wording="Yes"), addressee(world))
        request = entry_of(world, "audience.confirmation_requested")
        with pytest.raises(ConfirmedBeforeAsked):
            world.run(ConfirmConsent(request=request, occurred_at=NOW - DAY), addressee(world))
