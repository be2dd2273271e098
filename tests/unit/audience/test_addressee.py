"""Consents and opt-outs: an opt-out holds until the person lifts it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.audience.addressee_events import AddresseeRegistered
from domain.audience.addressee_state import Addressee
from domain.audience.consent_commands import OptOutChannel, RecordConsent, RecordOptOut
from domain.audience.consent_events import ConsentRecorded, GoesOn, OptedOut, OptOutLifted, OptOutToldLate
from domain.audience.consent_refusals import (
    AddresseeIsErased,
    ConsentInTheFuture,
    ExplicitConsentNeedsProof,
    OptOutInTheFuture,
)
from domain.audience.erasure_events import AddresseeErased
from domain.audience.intake.vocabularies import Source
from domain.audience.opt_out_term import term_of
from domain.kernel.errors import NotFound
from domain.kernel.ids import AddresseeId
from domain.law.facts import SuppressionKind
from tests.support.given import NOW, given, uid

ID = AddresseeId(uid(30))
TERM: Any = term_of(None, None, SuppressionKind.UNSUBSCRIBE, NOW)._asdict()
"""Nobody knows where they are."""
REGISTERED = AddresseeRegistered(addressee_id=ID, email="bob@example.org")
YESTERDAY = NOW - timedelta(days=1)
OPTED_OUT = OptedOut(addressee_id=ID, occurred_at=YESTERDAY, channel="reply")
STILL = GoesOn(2, "unsubscribe", "tenant", None, YESTERDAY, "not_explicit")
STOP = RecordOptOut(channel=OptOutChannel.REPLY)


def consent(day: date, *, explicit: bool = False, wording: str | None = None) -> RecordConsent:
    return RecordConsent(occurred_on=day, source=Source.EVENT, explicit=explicit, wording=wording)


def recorded(
    day: date, *going_on: GoesOn, explicit: bool = False, wording: str | None = None
) -> ConsentRecorded:
    return ConsentRecorded(
        addressee_id=ID,
        occurred_on=day,
        source="event",
        explicit=explicit,
        wording=wording,
        documented=wording is not None,
        recorded_by="api",
        going_on=going_on,
    )


def test_an_opt_out_holds_at_once() -> None:
    state = (
        given(REGISTERED)
        .when(STOP, target=ID)
        .then(OptedOut(addressee_id=ID, occurred_at=NOW, channel="reply", **TERM))
    )
    assert not state.contactable


def test_an_opt_out_is_known_once_and_a_later_one_counts() -> None:
    earlier = RecordOptOut(channel=OptOutChannel.PAGE, occurred_at=YESTERDAY - timedelta(days=1))
    given(REGISTERED, OPTED_OUT).when(earlier, target=ID).then()
    state = given(REGISTERED, OPTED_OUT).when(STOP, target=ID).state
    assert state.opted_out_at == NOW


def test_consent_is_history_beside_a_newer_opt_out() -> None:
    day = date(2026, 11, 1)
    state = given(REGISTERED, OPTED_OUT).when(consent(day), target=ID).then(recorded(day, STILL))
    assert (state.contactable, [one.on for one in state.consents]) == (False, [day])


def test_newer_consent_that_is_not_explicit_lifts_nothing() -> None:
    day = NOW.date()
    state = given(REGISTERED, OPTED_OUT).when(consent(day), target=ID).then(recorded(day, STILL))
    assert not state.contactable


def test_explicit_and_surely_later_consent_lifts() -> None:
    out = OptedOut(addressee_id=ID, occurred_at=NOW - timedelta(days=3), channel="reply")
    day = NOW.date()
    state = (
        given(REGISTERED, out)
        .when(consent(day, explicit=True, wording="Yes, write to me again."), target=ID)
        .then(
            recorded(day, explicit=True, wording="Yes, write to me again."),
            OptOutLifted(addressee_id=ID, consented_on=day),
        )
    )
    assert state.contactable


@pytest.mark.parametrize(("hour", "lifts"), [(9, True), (10, False), (23, False)])
def test_consent_of_a_day_is_later_only_if_it_is_in_every_time_zone(hour: int, *, lifts: bool) -> None:
    out = OptedOut(addressee_id=ID, occurred_at=datetime(2026, 11, 21, hour, tzinfo=UTC), channel="reply")
    command = consent(date(2026, 11, 22), explicit=True, wording="Yes.")
    state = given(REGISTERED, out).when(command, target=ID).state
    assert state.contactable is lifts


def test_an_old_opt_out_does_not_come_back_after_it_was_lifted_and_a_new_one_holds() -> None:
    lifted = OptOutLifted(addressee_id=ID, consented_on=NOW.date())
    old = RecordOptOut(channel=OptOutChannel.IMPORT, occurred_at=NOW - timedelta(days=2))
    remembered = OptOutToldLate(addressee_id=ID, occurred_at=NOW - timedelta(days=2), channel="import")
    given(REGISTERED, OPTED_OUT, lifted).when(old, target=ID).then(remembered)
    state = given(REGISTERED, OPTED_OUT, lifted).when(STOP, target=ID).state
    assert not state.contactable


def test_explicit_consent_needs_proof() -> None:
    given(REGISTERED).when(consent(NOW.date(), explicit=True), target=ID).then(ExplicitConsentNeedsProof)


def test_nothing_lies_in_the_future() -> None:
    given(REGISTERED).when(consent(date(2026, 11, 25)), target=ID).then(ConsentInTheFuture)
    tomorrow = RecordOptOut(channel=OptOutChannel.PAGE, occurred_at=NOW + timedelta(days=1))
    given(REGISTERED).when(tomorrow, target=ID).then(OptOutInTheFuture)


def test_an_erased_person_takes_opt_outs_and_no_consent() -> None:
    gone = AddresseeErased(addressee_id=ID)
    given(REGISTERED, gone).when(consent(NOW.date()), target=ID).then(AddresseeIsErased)
    state = given(REGISTERED, OPTED_OUT, gone).when(STOP, target=ID).state
    assert isinstance(state, Addressee)
    assert (state.contactable, state.opted_out_at) == (False, NOW)


def test_nobody_is_not_found() -> None:
    given().when(STOP, target=ID).then(NotFound)


@pytest.mark.parametrize("ip", ["300.1.1.1", "secret"])
def test_an_address_of_the_internet_is_one_and_is_not_told_back(ip: str) -> None:
    with pytest.raises(ValidationError) as caught:
        RecordConsent(occurred_on=NOW.date(), source=Source.EVENT, ip=ip)
    assert ip not in caught.value.errors()[-1]["msg"]
