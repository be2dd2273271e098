"""The ledger of a person: what they said, what is known of them, and what corrects it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest
from pydantic import ValidationError

from domain.audience import addressee_after
from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import (
    AddresseeDescribed,
    AddresseeEvent,
    AddresseeRegistered,
    AddresseeSuppressed,
    RelationRecorded,
    SuppressionLifted,
)
from domain.audience.addressee_state import Addressee, Asked, NoAddressee
from domain.audience.carrying import carried
from domain.audience.consent_commands import (
    ConfirmConsent,
    EvidenceGiven,
    OptOutChannel,
    OptOutKind,
    RecordConsent,
    RecordOptOut,
    RequestConfirmation,
    WithdrawConsent,
)
from domain.audience.consent_events import (
    ConfirmationRequested,
    ConsentConfirmed,
    ConsentRecorded,
    ConsentWithdrawn,
    OptedOut,
    OptOutLifted,
)
from domain.audience.consent_refusals import (
    AddresseeIsErased,
    ConfirmedTooLate,
    MomentInTheFuture,
    NoSuchConsent,
    NotAsked,
)
from domain.audience.erasure_events import AddresseeErased
from domain.audience.intake.vocabularies import Source, SubscriberType
from domain.audience.ledger import (
    DescribeAddressee,
    EndRelation,
    LiftSuppression,
    RecordRelation,
    SuppressAddressee,
    SuppressionReason,
)
from domain.audience.ledger_refusals import LiftNeedsConsent, NoSuchEntry, OneScope, OnlyThePersonLifts
from domain.audience.own_word import HeedConfirmation
from domain.audience.saying import said_of
from domain.kernel.errors import NotFound
from domain.kernel.events import EVENTS, Event
from domain.kernel.ids import AddresseeId, WorkspaceId
from domain.law.facts import ConsentKind, RelationKind, Scope, SuppressionKind
from tests.support.given import NOW, given, uid

ID, OTHER = AddresseeId(uid(30)), AddresseeId(uid(31))
ONE, TWO = WorkspaceId(uid(41)), WorkspaceId(uid(42))
REGISTERED = AddresseeRegistered(
    addressee_id=ID, email="bob@example.org", workspace_id=ONE, country="DE", subscriber_type="corporate"
)
CONSENT = ConsentRecorded(addressee_id=ID, occurred_on=date(2026, 1, 1), source="event", recorded_by="api")
BOUGHT = RelationRecorded(addressee_id=ID, kind="purchase", occurred_on=date(2026, 1, 1))
BOUNCED = AddresseeSuppressed(addressee_id=ID, kind="hard_bounce", scope="tenant", occurred_at=NOW)
STOP = OptedOut(addressee_id=ID, occurred_at=NOW - timedelta(days=3), channel="reply")
ERASED = AddresseeErased(addressee_id=ID)


def state_of(*events: Event) -> Addressee:
    state = ADDRESSEE.fold(list(events))
    assert isinstance(state, Addressee)
    return state


def test_every_event_has_its_place_and_counts_once() -> None:
    assert set(addressee_after._AFTER) == set(get_args(AddresseeEvent))
    assert state_of(REGISTERED, CONSENT, STOP, BOUGHT).version == 4


@pytest.mark.parametrize(
    "command",
    [
        RecordConsent(occurred_on=date(2026, 1, 1), source=Source.EVENT),
        DescribeAddressee(country="FR"),
        RecordRelation(kind=RelationKind.PURCHASE, occurred_on=date(2026, 1, 1)),
        SuppressAddressee(kind=SuppressionReason.MANUAL),
    ],
    ids=lambda command: command.slug,
)
def test_nobody_is_written_about_who_is_not_there(command: RecordConsent) -> None:
    given().when(command, target=ID).then(NotFound)


class TestDoubleOptIn:
    ASKED = ConfirmationRequested(
        addressee_id=ID, occurred_at=NOW - timedelta(hours=1), source="website_form", documented=True
    )
    YES = ConsentConfirmed(addressee_id=ID, request=2, occurred_at=NOW)

    def test_the_first_step_is_no_consent(self) -> None:
        asked = RequestConfirmation(source=Source.WEBSITE_FORM, wording="News, monthly.", ip="192.0.2.7")
        state = (
            given(REGISTERED)
            .when(asked, target=ID)
            .then(
                ConfirmationRequested(
                    addressee_id=ID,
                    occurred_at=NOW,
                    source="website_form",
                    documented=True,
                    wording="News, monthly.",
                    ip="192.0.2.7",
                )
            )
        )
        assert state.consents == ()
        assert state.asked == {2: Asked(documented=True, at=NOW)}

    def test_the_second_makes_one_that_is_documented_by_the_first(self) -> None:
        state = given(REGISTERED, self.ASKED).when(ConfirmConsent(request=2), target=ID).then(self.YES)
        (consent,) = state.consents
        assert (consent.kind, consent.documented, consent.on) == (ConsentKind.DOUBLE, True, NOW.date())
        assert consent.at == NOW
        assert state.asked == {}

    def test_a_confirmation_nobody_asked_for_or_a_second_one_is_none(self) -> None:
        given(REGISTERED).when(ConfirmConsent(request=2), target=ID).then(NotAsked)
        given(REGISTERED, self.ASKED, self.YES).when(ConfirmConsent(request=2), target=ID).then(NotAsked)

    @pytest.mark.parametrize("early", [False, True])
    def test_it_is_given_within_thirty_days(self, *, early: bool) -> None:
        """By the person or as the sender tells it; told later, it counts from when it was given."""
        after = timedelta(days=30) - timedelta(hours=1) - timedelta(microseconds=early)
        for command in (HeedConfirmation(request=2), ConfirmConsent(request=2)):
            done = given(REGISTERED, self.ASKED).when(command, target=ID, after=after)
            assert isinstance(done.refusal, ConfirmedTooLate) is not early
        told = ConfirmConsent(request=2, occurred_at=NOW)
        given(REGISTERED, self.ASKED).when(told, target=ID, after=timedelta(days=400)).then(self.YES)

    def test_one_that_was_taken_late_before_there_was_a_term_stays_one(self) -> None:
        old = self.ASKED.model_copy(update={"occurred_at": NOW - timedelta(days=3_000)})
        state = ADDRESSEE.fold((REGISTERED, old, self.YES))
        assert isinstance(state, Addressee)
        assert [one.kind for one in state.consents] == [ConsentKind.DOUBLE]

    def test_who_opted_out_this_morning_may_come_back_this_afternoon(self) -> None:
        out = OptedOut(addressee_id=ID, occurred_at=NOW - timedelta(hours=3), channel="page")
        lifted = OptOutLifted(addressee_id=ID, consented_on=NOW.date(), consented_at=NOW)
        asked = self.ASKED
        yes = ConsentConfirmed(addressee_id=ID, request=3, occurred_at=NOW, at_door=True)
        state = given(REGISTERED, out, asked).when(HeedConfirmation(request=3), target=ID).then(yes, lifted)
        assert state.contactable
        assert [one.ended_at for one in state.suppressions] == [NOW]

    def test_a_confirmation_before_the_opt_out_lifts_nothing(self) -> None:
        out = OptedOut(addressee_id=ID, occurred_at=NOW - timedelta(minutes=5), channel="page")
        early = ConfirmConsent(request=2, occurred_at=NOW - timedelta(minutes=30))
        state = given(REGISTERED, self.ASKED, out).when(early, target=ID).state
        assert not state.contactable

    def test_one_of_version_1_lifts_what_its_own_event_says_and_no_more(self) -> None:
        old = {"addressee_id": str(ID), "request": 2, "occurred_at": NOW.isoformat()}
        assert EVENTS.upcast("audience.consent_confirmed", 1, old)[1]["at_door"] is False

    def test_it_lies_in_the_past(self) -> None:
        late = ConfirmConsent(request=2, occurred_at=NOW + timedelta(seconds=1))
        given(REGISTERED, self.ASKED).when(late, target=ID).then(MomentInTheFuture)


class TestWithdrawal:
    def test_it_ends_the_consent_and_is_an_opt_out(self) -> None:
        command = WithdrawConsent(channel=OptOutChannel.REQUEST, reason="Please stop.")
        state = (
            given(REGISTERED, CONSENT)
            .when(command, target=ID)
            .then(
                ConsentWithdrawn(addressee_id=ID, occurred_at=NOW, channel="request"),
                OptedOut(addressee_id=ID, occurred_at=NOW, channel="request", reason="Please stop."),
            )
        )
        assert state.consents[0].withdrawn_at == NOW
        assert not state.contactable

    def test_before_any_consent_it_is_an_opt_out_all_the_same(self) -> None:
        command = WithdrawConsent(channel=OptOutChannel.REPLY)
        given(REGISTERED).when(command, target=ID).then(
            OptedOut(addressee_id=ID, occurred_at=NOW, channel="reply")
        )

    def test_it_names_a_consent_that_stands(self) -> None:
        command = WithdrawConsent(channel=OptOutChannel.REPLY, entry=9)
        given(REGISTERED, CONSENT).when(command, target=ID).then(NoSuchConsent)
        one = WithdrawConsent(channel=OptOutChannel.REPLY, entry=2)
        state = given(REGISTERED, CONSENT, CONSENT).when(one, target=ID).state
        assert [consent.withdrawn_at for consent in state.consents] == [NOW, None]


class TestOptOutKinds:
    @pytest.mark.parametrize(
        ("channel", "kind", "expected"),
        [
            (OptOutChannel.REPLY, None, "unsubscribe"),
            (OptOutChannel.COMPLAINT, None, "complaint"),
            (OptOutChannel.REQUEST, OptOutKind.OBJECTION, "objection"),
        ],
    )
    def test_what_was_said_is_kept(
        self, channel: OptOutChannel, kind: OptOutKind | None, expected: str
    ) -> None:
        state = given(REGISTERED).when(RecordOptOut(channel=channel, kind=kind), target=ID).state
        (one,) = state.suppressions
        assert (one.kind, one.scope, one.since) == (expected, Scope.TENANT, NOW)

    def test_events_of_before_say_it_by_their_channel(self) -> None:
        for channel, kind in (("complaint", "complaint"), ("reply", "unsubscribe")):
            old = {"addressee_id": ID, "scope": "tenant", "occurred_at": NOW, "channel": channel}
            cls, payload = EVENTS.upcast("audience.opted_out", 1, old)
            assert cls is OptedOut
            assert payload["kind"] == kind


class TestWhoTheyAre:
    def test_what_one_workspace_says_is_known(self) -> None:
        person = state_of(REGISTERED).person
        assert (person.country, person.subscriber) == ("DE", "corporate")

    def test_where_workspaces_differ_nothing_is_known_until_it_is_settled(self) -> None:
        other = said_of(state_of(REGISTERED), ID, TWO, "US", "corporate")
        state = state_of(REGISTERED, *other)
        assert (state.person.country, state.person.subscriber) == (None, "corporate")
        assert state.person.contradicted == ("country",)
        settled = given(REGISTERED, *other).when(DescribeAddressee(country="DE"), target=ID).state
        assert settled.person.contradicted == ()
        assert settled.person.country == "DE"
        assert settled.person.subscriber == "corporate"

    def test_what_nobody_says_is_no_contradiction(self) -> None:
        other = said_of(state_of(REGISTERED), ID, TWO, None, "individual")
        assert state_of(REGISTERED, *other).person.contradicted == ("subscriber",)
        assert state_of(REGISTERED).person.contradicted == ()

    def test_a_workspace_may_correct_itself(self) -> None:
        again = said_of(state_of(REGISTERED), ID, ONE, "FR", None)
        person = state_of(REGISTERED, *again).person
        assert (person.country, person.subscriber) == ("FR", "corporate")
        assert said_of(state_of(REGISTERED, *again), ID, ONE, "FR", "corporate") == ()
        assert said_of(NoAddressee(), ID, ONE, None, None) == ()

    def test_what_is_known_already_is_no_news(self) -> None:
        told = AddresseeDescribed(addressee_id=ID, generic_address=True)
        given(REGISTERED, told).when(DescribeAddressee(generic_address=True), target=ID).then()
        given(REGISTERED, ERASED).when(DescribeAddressee(country="FR"), target=ID).then(AddresseeIsErased)

    def test_the_kind_of_subscriber_is_one_of_the_laws(self) -> None:
        for kind in SubscriberType:
            state = given(REGISTERED).when(DescribeAddressee(subscriber_type=kind), target=ID).state
            assert state.person.subscriber == kind


class TestSuppressions:
    @pytest.mark.parametrize(
        ("command", "scope", "within"),
        [
            (SuppressAddressee(kind=SuppressionReason.HARD_BOUNCE), "tenant", None),
            (SuppressAddressee(kind=SuppressionReason.MANUAL, workspace_id=ONE), "workspace", str(ONE)),
            (SuppressAddressee(kind=SuppressionReason.MANUAL, campaign_type="news"), "campaign_type", "news"),
        ],
    )
    def test_their_scope(self, command: SuppressAddressee, scope: str, within: str | None) -> None:
        state = given(REGISTERED).when(command, target=ID).state
        (one,) = state.suppressions
        assert (one.kind, one.scope, one.within) == (command.kind, scope, within)

    def test_one_of_a_kind_is_enough(self) -> None:
        command = SuppressAddressee(kind=SuppressionReason.HARD_BOUNCE)
        given(REGISTERED, BOUNCED).when(command, target=ID).then()
        both = SuppressAddressee(kind=SuppressionReason.MANUAL, workspace_id=ONE, campaign_type="news")
        given(REGISTERED).when(both, target=ID).then(OneScope)

    def test_a_bounce_is_lifted_once_they_consented_and_the_persons_word_is_not(self) -> None:
        lifted = SuppressionLifted(addressee_id=ID, entry=2, occurred_at=NOW, reason="It works again.")
        command = LiftSuppression(entry=2, reason="It works again.")
        since = ConsentRecorded(
            addressee_id=ID,
            occurred_on=NOW.date(),
            occurred_at=NOW,
            source="event",
            recorded_by="api",
            wording="Yes.",
            documented=True,
        )
        before = since.model_copy(update={"occurred_at": NOW - timedelta(microseconds=1)})
        of_the_day = since.model_copy(update={"occurred_at": None})
        bare = since.model_copy(update={"wording": None, "documented": False})
        for other in ((), (before,), (of_the_day,), (bare,)):
            given(REGISTERED, BOUNCED, *other).when(command, target=ID).then(LiftNeedsConsent)
        state = given(REGISTERED, BOUNCED, since).when(command, target=ID).then(lifted)
        assert state.suppressions[0].ended_at == NOW
        given(REGISTERED, BOUNCED, since, lifted).when(command, target=ID).then()
        anew = BOUNCED.model_copy(update={"occurred_at": NOW})
        again = SuppressAddressee(kind=SuppressionReason.HARD_BOUNCE)
        given(REGISTERED, BOUNCED, since).when(again, target=ID).then(anew)
        manual = BOUNCED.model_copy(update={"kind": "manual"})
        given(REGISTERED, manual).when(command, target=ID).then(lifted)
        given(REGISTERED, STOP).when(command, target=ID).then(OnlyThePersonLifts)
        given(REGISTERED, ERASED).when(command, target=ID).then(NoSuchEntry)

    def test_what_holds_for_an_address_holds_for_who_has_it_next(self) -> None:
        complaint = OptedOut(addressee_id=ID, occurred_at=NOW, channel="complaint", kind="complaint")
        manual = AddresseeSuppressed(addressee_id=ID, kind="manual", scope="tenant", occurred_at=NOW)
        former = state_of(REGISTERED, complaint, BOUNCED, manual, ERASED)
        after = state_of(
            AddresseeRegistered(addressee_id=OTHER, email="bob@example.org"), *carried(former, OTHER)
        )
        assert [one.kind for one in after.suppressions] == [
            SuppressionKind.COMPLAINT,
            SuppressionKind.HARD_BOUNCE,
            SuppressionKind.MANUAL,
        ]
        assert carried(state_of(REGISTERED), OTHER) == ()


def test_the_evidence_of_a_consent_is_kept_whole() -> None:
    told = EvidenceGiven(
        jurisdiction="de",
        collected_at=datetime(2026, 11, 1, 8, tzinfo=UTC),
        method="web form",
        language="de",
        controllers=("Example GmbH",),
        purposes=("newsletter",),
        form_hash="0" * 64,
    )
    command = RecordConsent(
        occurred_on=date(2026, 11, 1), source=Source.WEBSITE_FORM, wording="Ja.", evidence=told
    )
    done = given(REGISTERED).when(command, target=ID)
    (event,) = done.decided
    assert isinstance(event, ConsentRecorded)
    assert not isinstance(event.evidence, str)
    assert event.evidence is not None
    assert event.evidence.model_dump(exclude_unset=False)["jurisdiction"] == "DE"
    assert event.evidence.collected_at == told.collected_at
    assert done.state.consents[0].documented


@pytest.mark.parametrize("day", ["1899-12-31", "2101-01-01", "9999-12-31"])
def test_a_day_that_no_calendar_needs_is_refused_by_the_name_of_its_field(day: str) -> None:
    """Of a contract without end nobody says when it ends."""
    for told in (
        {"kind": "contract", "occurred_on": "2020-01-01", "ended_on": day},
        {"entry": 2, "ended_on": day},
    ):
        command = RecordRelation if "kind" in told else EndRelation
        with pytest.raises(ValidationError, match="days lie between 1900-01-01 and 2100-12-31") as caught:
            command.model_validate(told)
        assert [error["loc"] for error in caught.value.errors()] == [("ended_on",)]


@pytest.mark.parametrize("field", ["generic_address", "could_object", "told"])
def test_null_takes_nothing_back_that_only_a_word_can_change(field: str) -> None:
    with pytest.raises(ValidationError, match="say true or false, or leave it out"):
        DescribeAddressee.model_validate({field: None})
