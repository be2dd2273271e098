"""Entries of suppression lists: what they enter, that the same again enters nothing, and what the platform's own do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import (
    AddresseeRegistered,
    AddresseeSuppressed,
    EntryRetracted,
    RelationRecorded,
    SuppressionLifted,
)
from domain.audience.addressee_state import Addressee, NoAddressee
from domain.audience.barring import FromPlatform, barred, by_platform, released, unbarred, under_bar
from domain.audience.carrying import carried
from domain.audience.consent_events import ConsentRecorded, OptedOut, OptOutLifted, OptOutToldLate
from domain.audience.email_claim import (
    EMAIL_CLAIM,
    EmailBarred,
    EmailClaim,
    EmailKnown,
    EmailReleased,
    EmailUnbarred,
)
from domain.audience.hashed import ADDRESS_HASH, AddressHash, Algorithm, hashes_of, listed
from domain.audience.ledger import LiftSuppression, RetractEntry
from domain.audience.ledger_refusals import OnlyThePlatformLifts
from domain.audience.listed import LISTABLE, Listed, entered, tells_nothing_new
from domain.audience.undated import entered_by_name, told_nothing_new
from domain.kernel.events import EVENTS, Event
from domain.kernel.ids import AddresseeId, ContactId, WorkspaceId
from domain.law.facts import Message, Purpose, Scope, SuppressionKind
from domain.law.judging import BY_PLATFORM, judge
from domain.law.pack import Verdict
from domain.law.packs import load_packs
from tests.support.given import NOW, uid
from tests.support.given import given as the_stream

ID, OTHER = AddresseeId(uid(10)), AddresseeId(uid(11))
REGISTERED = AddresseeRegistered(addressee_id=ID, email="ann@example.org", country="US")
THEN, LATER = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)
KINDS = SuppressionKind
LISTED_BY = WorkspaceId(uid(5))


def state_of(*events: Event) -> Addressee:
    state = ADDRESSEE.fold(list(events))
    assert isinstance(state, Addressee)
    return state


def after(state: Addressee, *events: Event) -> Addressee:
    folded = ADDRESSEE.fold(list(events), state)
    assert isinstance(folded, Addressee)
    return folded


entries = st.builds(
    Listed,
    kind=st.sampled_from(LISTABLE),
    since=st.datetimes(datetime(2024, 1, 1), datetime(2026, 1, 1)).map(lambda one: one.replace(tzinfo=UTC)),  # noqa: DTZ001 - made aware at once
    campaign_type=st.sampled_from([None, "offers", "news"]),
    dated=st.booleans(),
    workspace=st.none(),
) | st.builds(
    Listed,
    kind=st.sampled_from(LISTABLE),
    since=st.just(THEN),
    dated=st.booleans(),
    workspace=st.sampled_from([str(uid(3)), str(uid(4))]),
)


def happened(entry: int) -> st.SearchStrategy[Event]:
    """What else may become of an addressee."""
    days = st.dates(date(2024, 1, 1), date(2026, 1, 1))
    return st.one_of(
        days.map(lambda day: OptOutLifted(addressee_id=ID, consented_on=day)),
        days.map(
            lambda day: SuppressionLifted(
                addressee_id=ID,
                entry=entry,
                occurred_at=datetime(day.year, day.month, day.day, tzinfo=UTC),
                reason="It works again.",
            )
        ),
    )


@given(st.lists(st.one_of(entries, st.integers(1, 6)), max_size=12), st.data())
def test_whatever_came_before_an_entry_is_entered_once(said: list[Listed | int], data: st.DataObject) -> None:
    state = state_of(REGISTERED)
    for one in said:
        if isinstance(one, int):
            state = after(state, data.draw(happened(one)))
            continue
        before = state.opted_out_at
        state = after(state, *entered(ID, state, one))
        assert entered(ID, state, one) == (), "the same again enters nothing"
        if before is not None and state.opted_out_at is not None:
            assert state.opted_out_at >= before, "an opt-out never becomes earlier"


@given(st.lists(entries, max_size=12), st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_a_list_that_comes_again_enters_nothing(said: list[Listed], chunks: list[int]) -> None:
    """Entries without a date are of the moment of their chunk: several have the same, and all a later one next time."""
    state = state_of(REGISTERED)
    first, second = NOW, NOW + timedelta(days=1)
    for at in (first, second):
        for one, chunk in zip(said, sorted(chunks), strict=False):
            moment = one if one.dated else one._replace(since=at + timedelta(minutes=chunk))
            events = entered_by_name(ID, state, moment, LISTED_BY)
            assert told_nothing_new(state, moment, LISTED_BY) is not bool(events)
            assert at is first or events == ()
            state = after(state, *events)


@given(
    st.lists(entries, max_size=6),
    entries,
    st.sampled_from([None, "offers", "news"]),
    st.sampled_from(Purpose),
)
def test_an_entry_never_makes_anything_allowed(
    said: list[Listed], one: Listed, campaign_type: str | None, purpose: Purpose
) -> None:
    state = state_of(REGISTERED)
    for each in said:
        state = after(state, *entered(ID, state, each))
    message = Message(purpose=purpose, workspace=str(uid(3)), campaign_type=campaign_type)
    packs = load_packs()
    before = judge(state.person, message, "US", NOW, packs).verdict
    now = judge(after(state, *entered(ID, state, one)).person, message, "US", NOW, packs).verdict
    if before is not Verdict.ALLOW:
        assert now is not Verdict.ALLOW
    of_message = one.campaign_type in (None, campaign_type) and one.workspace in (None, str(uid(3)))
    if purpose is not Purpose.TRANSACTIONAL and of_message:
        assert now is Verdict.DENY


def test_a_list_with_dates_says_since_when_and_one_without_that_it_is_so_as_it_comes() -> None:
    undated, dated = Listed(KINDS.UNSUBSCRIBE, NOW), Listed(KINDS.UNSUBSCRIBE, THEN, dated=True)
    out = OptedOut(addressee_id=ID, occurred_at=LATER, channel="page")
    state = state_of(REGISTERED, out)
    assert not tells_nothing_new(state, undated), "a consent of between, entered later, does not end it"
    assert tells_nothing_new(state, dated), "they said so later"
    assert not tells_nothing_new(state, dated._replace(since=NOW)), "and again: no consent between lifts it"
    lifted = after(state, OptOutLifted(addressee_id=ID, consented_on=date(2025, 8, 1)))
    assert tells_nothing_new(lifted, dated), "they consented since"
    assert not tells_nothing_new(lifted, undated), "the list is newer than the consent"
    complaint = Listed(KINDS.COMPLAINT, NOW)
    assert [one.kind for one in after(state, *entered(ID, state, complaint)).suppressions] == [
        KINDS.UNSUBSCRIBE,
        KINDS.COMPLAINT,
    ]


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize(
    "standing",
    [
        AddresseeSuppressed(addressee_id=ID, kind="manual", scope=Scope.TENANT, occurred_at=LATER),
        OptedOut(addressee_id=ID, occurred_at=LATER, channel="page"),
    ],
)
def test_an_entry_of_another_kind_than_what_stands_is_new(standing: Event, *, dated: bool) -> None:
    complaint = Listed(KINDS.COMPLAINT, THEN if dated else NOW, dated=dated)
    state = state_of(REGISTERED, standing)
    (event,) = entered(ID, state, complaint)
    assert isinstance(event, OptedOut)
    assert (event.kind, event.occurred_at) == (KINDS.COMPLAINT, complaint.since)
    assert entered(ID, after(state, event), complaint) == ()


@pytest.mark.parametrize("campaign_type", [None, "offers"])
def test_the_same_said_again_later_is_new_where_the_list_says_when(campaign_type: str | None) -> None:
    first = Listed(KINDS.UNSUBSCRIBE, THEN, campaign_type, dated=True)
    state = after(state_of(REGISTERED), *entered(ID, NoAddressee(), first))
    assert tells_nothing_new(state, first)
    assert not tells_nothing_new(state, first._replace(since=LATER)), "a consent between lifts nothing"


def test_one_from_before_a_consent_is_history_until_that_is_retracted() -> None:
    told = Listed(KINDS.COMPLAINT, THEN, dated=True)
    consent = ConsentRecorded(
        addressee_id=ID,
        occurred_on=LATER.date(),
        source="event",
        recorded_by="api",
        explicit=True,
        documented=True,
    )
    state = state_of(REGISTERED, consent)
    (late,) = entered(ID, state, told)
    assert isinstance(late, OptOutToldLate)
    state = after(state, late)
    assert (state.contactable, entered(ID, state, told)) == (True, ())
    the_stream(REGISTERED, consent, late).when(RetractEntry(entry=2, reason="a slip"), target=ID).then(
        EntryRetracted(addressee_id=ID, entry=2, reason="a slip"),
        OptedOut(addressee_id=ID, occurred_at=THEN, channel="reinstated", kind="complaint"),
    )


def test_what_was_lifted_stays_lifted_against_an_earlier_entry() -> None:
    bounce = Listed(KINDS.HARD_BOUNCE, THEN, dated=True)
    state = after(state_of(REGISTERED), *entered(ID, NoAddressee(), bounce))
    lift = SuppressionLifted(addressee_id=ID, entry=2, occurred_at=LATER, reason="It works again.")
    assert tells_nothing_new(after(state, lift), bounce)
    assert not tells_nothing_new(after(state, lift), bounce._replace(since=NOW))


def test_under_a_hash_stands_of_each_kind_the_latest() -> None:
    state = AddressHash()
    first = Listed(KINDS.COMPLAINT, THEN, dated=True)
    for one, new, is_first in (
        (first, True, True),
        (first, False, False),
        (Listed(KINDS.COMPLAINT, NOW), False, False),
        (first._replace(since=LATER), True, False),
        (first._replace(campaign_type="offers"), True, False),
        (first._replace(workspace=str(uid(3))), True, False),
        (first._replace(workspace=str(uid(3))), False, False),
        (Listed(KINDS.MANUAL, NOW), True, False),
    ):
        events = listed(state, "sha256", one)
        assert bool(events) is new
        assert [event.first for event in events] == [is_first] * new
        state = ADDRESS_HASH.fold(list(events), state)
    assert {(one.kind, one.within, one.since) for one in state.listed} == {
        (KINDS.COMPLAINT, str(uid(3)), THEN),
        (KINDS.COMPLAINT, None, LATER),
        (KINDS.COMPLAINT, "offers", THEN),
        (KINDS.MANUAL, None, NOW),
    }


def test_a_hash_that_was_listed_before_workspaces_were_is_of_none() -> None:
    told = {"algorithm": "md5", "kind": "manual", "campaign_type": "offers", "dated": True, "first": True}
    cls, payload = EVENTS.upcast("audience.address_hash_listed", 1, {**told, "since": THEN.isoformat()})
    state = ADDRESS_HASH.fold([cls.model_validate(payload)])
    assert [one.about for one in state.listed] == [(KINDS.MANUAL, Scope.CAMPAIGN_TYPE, "offers")]


def test_an_address_is_hashed_as_others_hash_it() -> None:
    # RFC 1321's and FIPS 180's algorithms over "ann@example.org".
    assert hashes_of("Ann@Example.org", "ann@example.org", [Algorithm.SHA256]) == hashes_of(
        "ann@example.org", "ann@example.org", [Algorithm.SHA256]
    )
    assert hashes_of(" Test@Test.com", "test@test.com", list(Algorithm)) == [
        "md5:b642b4217b34b1e8d3bd915fc65c4452",
        "sha1:a6ad00ac113a19d953efb91820d8788e2263b28a",
        "sha256:f660ab912ec121d1b1e928a0bb4bc61b15f5ad44d5efdc4e1c92a25e99b8e44a",
    ]
    two = hashes_of("ann@bücher.example", "ann@xn--bcher-kva.example", [Algorithm.MD5])
    assert len(set(two)) == 2, "as it is written, and as domains are compared"


class TestBars:
    """What the platform suppresses, with the address and with its addressee."""

    ONE = FromPlatform(UUID(int=1), "complaint", THEN)

    def claim(self, *events: Event) -> EmailClaim:
        return EMAIL_CLAIM.fold(list(events))

    def test_it_comes_once_and_its_end_is_the_last_word(self) -> None:
        claim = self.claim(*barred(EmailClaim(), self.ONE))
        assert barred(claim, self.ONE) == ()
        ended = EMAIL_CLAIM.fold(list(unbarred(claim, self.ONE.suppression_id)), claim)
        assert (ended.bars, unbarred(ended, self.ONE.suppression_id)) == ({}, ())
        assert barred(ended, self.ONE) == ()
        never = self.claim(*unbarred(EmailClaim(), self.ONE.suppression_id))
        assert barred(never, self.ONE) == (), "an end that came first"

    def state_under(self, claim: EmailClaim, state: Addressee) -> Addressee:
        return after(state, *under_bar(ID, state, claim))

    def test_two_of_one_kind_end_for_the_addressee_with_the_second(self) -> None:
        second = FromPlatform(UUID(int=2), "complaint", LATER)
        both = [
            EmailBarred(suppression_id=one.suppression_id, kind=one.kind, since=one.since)
            for one in (second, self.ONE)
        ]
        claim = self.claim(*both)
        state = self.state_under(claim, state_of(REGISTERED))
        assert [(one.kind, one.since) for one in by_platform(state)] == [(KINDS.COMPLAINT, THEN)]
        assert under_bar(ID, state, claim) == ()
        left = self.claim(*both, EmailUnbarred(suppression_id=self.ONE.suppression_id))
        assert released(state, left, NOW, "Ended.") == ()
        nothing = self.claim(*both, *(EmailUnbarred(suppression_id=UUID(int=n)) for n in (1, 2)))
        assert by_platform(after(state, *released(state, nothing, NOW, "Ended."))) == []

    @pytest.mark.parametrize("copied_first", [True, False])
    def test_a_complaint_that_became_abuse_is_abuse_whichever_comes_first(
        self, *, copied_first: bool
    ) -> None:
        worse = FromPlatform(UUID(int=2), "abuse", LATER)
        claim = self.claim(*barred(EmailClaim(), self.ONE))
        state = self.state_under(claim, state_of(REGISTERED))
        for copies in (copied_first, not copied_first):
            if copies:
                claim = EMAIL_CLAIM.fold(list(barred(claim, worse)), claim)
                state = self.state_under(claim, state)
            else:
                claim = EMAIL_CLAIM.fold(list(unbarred(claim, self.ONE.suppression_id)), claim)
                state = after(state, *released(state, claim, NOW, "Ended."))
        assert [(one.kind, one.since) for one in by_platform(state)] == [(KINDS.ABUSE, LATER)]

    def test_who_comes_to_an_address_with_two_kinds_learns_of_both(self) -> None:
        worse = FromPlatform(UUID(int=2), "abuse", LATER)
        claim = self.claim(*barred(EmailClaim(), self.ONE), *barred(EmailClaim(), worse))
        kinds = [one.kind for one in under_bar(OTHER, NoAddressee(), claim)]
        assert kinds == ["complaint", "abuse"]

    def test_it_outlives_an_erasure_with_the_address_and_not_with_the_person(self) -> None:
        contact, workspace = ContactId(uid(20)), WorkspaceId(uid(3))
        released_ = EmailReleased(addressee_id=ID, workspace_id=workspace, contact_id=contact, erased=True)
        claim = self.claim(EmailKnown(addressee_id=ID), *barred(EmailClaim(), self.ONE), released_)
        assert (claim.addressee_id, claim.former, len(claim.bars)) == (None, ID, 1)
        former = after(state_of(REGISTERED), *under_bar(ID, NoAddressee(), claim))
        assert carried(former, OTHER) == (), "entered from the reservation instead"
        assert len(under_bar(OTHER, NoAddressee(), claim)) == 1

    def test_a_tenant_does_not_lift_it_and_neither_does_a_consent(self) -> None:
        suppressed = AddresseeSuppressed(
            addressee_id=ID, kind="complaint", scope=Scope.PLATFORM, occurred_at=THEN
        )
        lift = LiftSuppression(entry=2, reason="We want to.")
        the_stream(REGISTERED, suppressed).when(lift, target=ID).then(OnlyThePlatformLifts)
        state = state_of(
            REGISTERED,
            suppressed,
            OptedOut(addressee_id=ID, occurred_at=THEN, channel="page"),
            OptOutLifted(addressee_id=ID, consented_on=date(2026, 1, 1)),
        )
        assert [one.scope for one in state.suppressions if one.ended_at is None] == [Scope.PLATFORM]
        decision = judge(state.person, Message(workspace=str(uid(3))), "US", NOW, load_packs())
        assert (decision.verdict, decision.reasons[0].rule) == (Verdict.DENY, BY_PLATFORM)
        assert "platform" in (decision.reasons[0].remedy or "")

    @pytest.mark.parametrize(("kind", "verdict"), [("complaint", Verdict.ALLOW), ("abuse", Verdict.DENY)])
    def test_abuse_holds_back_all_and_a_complaint_advertising(self, kind: str, verdict: Verdict) -> None:
        suppressed = AddresseeSuppressed(addressee_id=ID, kind=kind, scope=Scope.PLATFORM, occurred_at=THEN)
        message = Message(purpose=Purpose.TRANSACTIONAL, workspace=str(uid(3)))
        bought = RelationRecorded(addressee_id=ID, kind="purchase", occurred_on=date(2026, 1, 1))
        decision = judge(state_of(REGISTERED, bought, suppressed).person, message, "US", NOW, load_packs())
        assert decision.verdict is verdict


def test_moments_of_entries_are_kept() -> None:
    (event,) = entered(ID, NoAddressee(), Listed(KINDS.MANUAL, THEN + timedelta(hours=1), "offers"))
    assert isinstance(event, AddresseeSuppressed)
    assert (event.occurred_at, event.scope, event.within) == (
        THEN + timedelta(hours=1),
        "campaign_type",
        "offers",
    )
