"""A consent of a moment, and what the answer tells of the opt-outs that a consent leaves standing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from domain.audience.consent_commands import (
    OptOutChannel,
    OptOutKind,
    RecordConsent,
    RecordOptOut,
    WithdrawConsent,
)
from domain.audience.consent_events import ConsentRecorded, OptedOut, OptOutLifted
from domain.audience.consent_refusals import (
    ConsentDatedTwice,
    ConsentWithoutDate,
    ExplicitConsentNeedsProof,
    MomentInTheFuture,
)
from domain.audience.intake.vocabularies import Source
from domain.audience.ledger import RetractEntry
from domain.audience.own_word import HeedOptOut
from domain.kernel.errors import Refusal
from domain.kernel.events import EVENTS
from domain.law.facts import Scope
from tests.support.given import NOW, uid
from tests.support.requests import SECOND_WORKSPACE, WORKSPACE, addressee, opened
from tests.support.unit import World

HOUR = timedelta(hours=1)
STOP = RecordOptOut(channel=OptOutChannel.REPLY, occurred_at=NOW - 3 * HOUR)
ANEW: dict[str, Any] = {"source": Source.WEBSITE_FORM, "wording": "Write to me again", "explicit": True}


@pytest.fixture
def world() -> World:
    return opened("US")


def told(world: World, **consent: Any) -> tuple[bool, list[tuple[str, str, str]]]:
    """Whether the consent lifted anything, and the kind and scope of what goes on, and why."""
    command = RecordConsent(**{"source": Source.WEBSITE_FORM, **consent})
    answer = command.answer(world.run(command, addressee(world)))
    assert answer is not None
    goes_on = answer["opt_outs_going_on"]
    assert all(one["about"] for one in goes_on)
    return answer["opt_outs_lifted"], [(one["kind"], one["scope"], one["why"]) for one in goes_on]


def contactable(world: World) -> bool:
    known: bool = world.state("addressee", addressee(world)).contactable
    return known


def test_who_said_stop_this_morning_may_ask_for_mail_this_afternoon(world: World) -> None:
    world.run(STOP, addressee(world))
    command = RecordConsent(occurred_at=NOW - HOUR, **ANEW)
    recorded, lifted = world.run(command, addressee(world))
    assert isinstance(lifted, OptOutLifted)
    assert (lifted.consented_on, lifted.consented_at) == (NOW.date(), NOW - HOUR)
    (consent,) = world.state("addressee", addressee(world)).consents
    assert (consent.on, consent.at) == (NOW.date(), NOW - HOUR)
    assert command.answer([recorded, lifted]) == {"opt_outs_lifted": True, "opt_outs_going_on": []}
    assert contactable(world)
    _, again = world.run(RetractEntry(entry=consent.position, reason="by mistake"), addressee(world))
    assert isinstance(again, OptedOut)
    assert again.occurred_at == STOP.occurred_at
    assert not contactable(world)
    world.assert_replays()


@pytest.mark.parametrize(
    ("consent", "why"),
    [
        ({"occurred_on": NOW.date(), **ANEW}, "same_day"),
        ({"occurred_on": (NOW - timedelta(days=2)).date(), **ANEW}, "said_later"),
        ({"occurred_at": NOW - 4 * HOUR, **ANEW}, "said_later"),
        ({"occurred_at": STOP.occurred_at, **ANEW}, "said_later"),
        ({"occurred_at": NOW}, "not_explicit"),
        ({"occurred_on": NOW.date(), "wording": "Yes"}, "not_explicit"),
    ],
)
def test_what_goes_on_is_told_with_the_reason(world: World, consent: dict[str, Any], why: str) -> None:
    world.run(STOP, addressee(world))
    assert told(world, **consent) == (False, [("unsubscribe", "tenant", why)])
    assert not contactable(world)


def test_an_earlier_word_goes_on_with_the_later_one(world: World) -> None:
    world.run(STOP, addressee(world))
    world.run(RecordOptOut(channel=OptOutChannel.REPLY, kind=OptOutKind.OBJECTION), addressee(world))
    assert told(world, occurred_at=NOW - HOUR, **ANEW) == (
        False,
        [("unsubscribe", "tenant", "with_another"), ("objection", "tenant", "said_later")],
    )


def test_a_narrower_word_that_was_said_later_goes_on_alone(world: World) -> None:
    world.run(
        HeedOptOut(channel=OptOutChannel.PAGE, scope=Scope.CAMPAIGN_TYPE, within="offers"), addressee(world)
    )
    world.run(STOP, addressee(world))
    consent = {"occurred_at": NOW - HOUR, **ANEW}
    assert told(world, **consent) == (True, [("unsubscribe", "campaign_type", "said_later")])


def test_what_one_workspace_alone_was_told_is_told_to_nobody_else(world: World) -> None:
    here = HeedOptOut(channel=OptOutChannel.PAGE, scope=Scope.WORKSPACE, within=str(WORKSPACE))
    world.run(here, addressee(world))
    assert told(world, occurred_at=NOW - HOUR) == (False, [])


def test_where_nobody_said_stop_nothing_goes_on(world: World) -> None:
    assert told(world, occurred_at=NOW - HOUR, **ANEW) == (False, [])


@pytest.mark.parametrize(
    ("consent", "refusal", "field"),
    [
        ({}, ConsentWithoutDate, "/occurred_on"),
        ({"occurred_on": NOW.date(), "occurred_at": NOW}, ConsentDatedTwice, "/occurred_at"),
        ({"occurred_at": NOW + timedelta(seconds=1)}, MomentInTheFuture, "/occurred_at"),
        ({"occurred_at": NOW, "explicit": True}, ExplicitConsentNeedsProof, "/wording"),
    ],
)
def test_either_the_day_or_the_moment_is_given_and_lies_in_the_past(
    world: World, consent: dict[str, Any], refusal: type[Refusal], field: str
) -> None:
    with pytest.raises(refusal) as refused:
        world.run(RecordConsent(source=Source.EVENT, **consent), addressee(world))
    assert refused.value.field == field


def test_one_from_before_moments_were_entered_counts_by_its_day() -> None:
    old = {
        "addressee_id": str(uid(30)),
        "occurred_on": "2026-11-20",
        "basis": "opt_in",
        "source": "event",
        "recorded_by": "api",
        "documented": True,
    }
    cls, payload = EVENTS.upcast("audience.consent_recorded", 2, old)
    event = cls.model_validate(payload)
    assert isinstance(event, ConsentRecorded)
    assert (event.occurred_on, event.occurred_at, event.going_on) == (date(2026, 11, 20), None, ())


def test_it_is_taken_back_like_any_other(world: World) -> None:
    world.run(STOP, addressee(world))
    world.run(RecordConsent(occurred_at=NOW - HOUR, **ANEW), addressee(world))
    world.run(WithdrawConsent(channel=OptOutChannel.REPLY, occurred_at=NOW - 2 * HOUR), addressee(world))
    assert not contactable(world), "it takes back what lifted, so it was said after that"


def test_a_client_is_told_of_what_ended_for_it_and_of_nobody_elses_stop() -> None:
    world = opened("US")
    of_another = HeedOptOut(channel=OptOutChannel.PAGE, scope=Scope.WORKSPACE, within=str(SECOND_WORKSPACE))
    world.run(of_another, addressee(world))
    world.later(HOUR)
    given = {**ANEW, "occurred_at": world.now, "workspace_id": WORKSPACE}
    assert told(world, **given) == (False, [])
    world.run(HeedOptOut(channel=OptOutChannel.PAGE), addressee(world))
    world.later(HOUR)
    assert told(world, **{**given, "occurred_at": world.now}) == (True, [])
    assert not contactable(world), "the others stay stopped"
