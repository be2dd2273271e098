"""Bounces that a list tells against consents: whoever consented anew, and bounced again, is told of once more."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from application.comparing import weighing
from domain.audience.addressee_events import AddresseeSuppressed, SuppressionLifted
from domain.audience.consent_events import ConsentRecorded
from domain.audience.ledger import LiftSuppression
from domain.audience.ledger_refusals import LiftNeedsConsent
from domain.audience.listed import Listed, entered
from domain.law.facts import Message, Scope
from tests.support.given import NOW, uid
from tests.support.given import given as the_stream
from tests.unit.audience.test_listed import ID, KINDS, LATER, REGISTERED, THEN, after, state_of


def _bounced(at: datetime) -> AddresseeSuppressed:
    return AddresseeSuppressed(
        addressee_id=ID, kind=KINDS.HARD_BOUNCE, scope=Scope.TENANT, occurred_at=at, within=None
    )


class TestBouncedOnceMore:
    """The address bounced, they consented with proof, and then a list tells that it bounced."""

    CONSENT = ConsentRecorded(
        addressee_id=ID,
        occurred_on=LATER.date(),
        occurred_at=LATER,
        source="event",
        recorded_by="api",
        documented=True,
    )
    STATE = state_of(REGISTERED, _bounced(THEN), CONSENT)

    @pytest.mark.parametrize("dated", [True, False])
    def test_it_is_entered_once_and_no_consent_of_before_lifts_it(self, *, dated: bool) -> None:
        one = Listed(KINDS.HARD_BOUNCE, LATER + timedelta(days=1), dated=dated)
        (event,) = entered(ID, self.STATE, one)
        assert event == _bounced(one.since)
        again = after(self.STATE, event)
        assert entered(ID, again, one) == ()
        assert entered(ID, again, one._replace(since=one.since + timedelta(days=1))) == ()
        the_stream(REGISTERED, _bounced(THEN), self.CONSENT, event).when(
            LiftSuppression(entry=4, reason="They consented since."), target=ID
        ).then(LiftNeedsConsent)

    def test_nor_is_it_gone_where_the_first_was_lifted_before_the_list_came(self) -> None:
        lifted = SuppressionLifted(addressee_id=ID, entry=2, occurred_at=NOW, reason="They consented since.")
        one = Listed(KINDS.HARD_BOUNCE, LATER + timedelta(days=1), dated=True)
        assert entered(ID, after(self.STATE, lifted), one) == (_bounced(one.since),)

    def test_one_of_before_the_consent_or_with_a_consent_that_proves_nothing_says_nothing_new(self) -> None:
        old = Listed(KINDS.HARD_BOUNCE, LATER, dated=True)
        assert entered(ID, self.STATE, old) == ()
        unproven = self.CONSENT.model_copy(update={"documented": False})
        later = old._replace(since=LATER + timedelta(days=1))
        assert entered(ID, state_of(REGISTERED, _bounced(THEN), unproven), later) == ()

    def test_so_it_is_for_one_that_is_known_by_a_hash_alone(self) -> None:
        """At a decision, where the bounce of before the consent was lifted or stands."""
        lifted = SuppressionLifted(addressee_id=ID, entry=2, occurred_at=NOW, reason="They consented since.")
        old, new = (Listed(KINDS.HARD_BOUNCE, at, dated=True) for at in (THEN, LATER + timedelta(days=1)))
        message = Message(workspace=str(uid(3)))
        for state in (self.STATE, after(self.STATE, lifted)):
            assert weighing(state, (new,), message) == new
            assert weighing(state, (old,), message) is None
            assert weighing(after(state, *entered(ID, state, new)), (new,), message) is None
