"""Authorise, then dispatch: an allow names one message, holds for ten minutes, and is decided again when facts came."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import (
    AddresseeEvent,
    AddresseeRegistered,
    MessageDispatched,
    PermissionDecided,
    RelationRecorded,
)
from domain.audience.addressee_state import Addressee, NoAddressee
from domain.audience.authorisation import (
    HOLDS_FOR,
    AllowLapsed,
    AlreadyDispatched,
    AuthoriseMessage,
    DispatchMessage,
    NoAllow,
    OfAnotherWorkspace,
    authorised,
    decision_of,
    message_of,
)
from domain.audience.consent_commands import OptOutChannel, RecordConsent, RecordOptOut
from domain.audience.consent_events import (
    ConfirmationRequested,
    ConsentConfirmed,
    ConsentRecorded,
    ConsentWithdrawn,
    OptedOut,
    OptOutLifted,
)
from domain.audience.intake.vocabularies import Source
from domain.audience.ledger import RecordRelation
from domain.kernel.errors import NotFound
from domain.kernel.events import EVENTS
from domain.kernel.ids import AddresseeId, MessageId, TenantId, WorkspaceId
from domain.law.facts import Purpose, RelationKind
from domain.law.packs import load_packs
from domain.tenancy.tenant import TenantOpened
from domain.tenancy.workspace import ArchiveWorkspace, NoSuchWorkspace, WorkspaceCreated, WorkspaceIsArchived
from tests.support.given import NOW, TENANT, given, uid
from tests.support.unit import World

ID, MESSAGE = AddresseeId(uid(30)), MessageId(uid(50))
HERE, THERE = WorkspaceId(uid(41)), WorkspaceId(uid(42))
REGISTERED = AddresseeRegistered(
    addressee_id=ID, email="bob@example.org", workspace_id=HERE, country="DE", subscriber_type="corporate"
)
CONSENT = ConsentRecorded(
    addressee_id=ID, occurred_on=date(2026, 1, 1), source="event", recorded_by="api", documented=True
)
STOP = OptedOut(addressee_id=ID, occurred_at=NOW, channel="reply")
ASK = AuthoriseMessage(message_id=MESSAGE, workspace_id=HERE)
GO = DispatchMessage(message_id=MESSAGE, workspace_id=HERE)
DISPATCHED = MessageDispatched(
    addressee_id=ID, message_id=MESSAGE, workspace_id=HERE, allowed_by=3, occurred_at=NOW
)


def decided(*events: AddresseeEvent, ask: AuthoriseMessage = ASK, sender: str = "DE") -> PermissionDecided:
    state = ADDRESSEE.fold(events)
    assert isinstance(state, Addressee)
    return authorised(state, ask.message_id, ask.workspace_id, message_of(ask), sender, NOW)


ALLOW = decided(REGISTERED, CONSENT)


class TestTheDecision:
    def test_an_allow_holds_for_ten_minutes_and_names_what_it_rests_on(self) -> None:
        assert (ALLOW.verdict, ALLOW.expires_at) == ("allow", NOW + HOLDS_FOR)
        (reason,) = ALLOW.reasons
        assert (reason.law, reason.rule, reason.entries) == ("de", "de.consent", (2,))
        assert ALLOW.packs == {
            pack.law: pack.version for pack in load_packs() if pack.rules and "DE" in pack.countries
        }

    def test_an_allow_that_lapses_sooner_by_law_says_so(self) -> None:
        """CASL s.10(10): two years from a purchase; the last allow is of the day before the anniversary."""
        bought = RelationRecorded(addressee_id=ID, kind="purchase", occurred_on=date(2024, 11, 24))
        somebody = AddresseeRegistered(
            addressee_id=ID, email="b@example.org", workspace_id=HERE, country="CA"
        )
        state = ADDRESSEE.fold((somebody, bought))
        assert isinstance(state, Addressee)
        # The 24th begins first in Newfoundland, at half past three in the morning UTC.
        at = NOW.replace(day=24, hour=3, minute=25)
        event = authorised(state, MESSAGE, HERE, message_of(ASK), "CA", at)
        assert (event.verdict, event.expires_at) == ("allow", at.replace(minute=30))

    def test_implied_consent_that_lapses_while_the_message_is_already_queued(self) -> None:
        """CASL: authorised on the last evening of the two years, handed over after midnight: nothing goes."""
        bought = RelationRecorded(addressee_id=ID, kind="purchase", occurred_on=date(2024, 11, 24))
        somebody = AddresseeRegistered(
            addressee_id=ID, email="b@example.org", workspace_id=HERE, country="CA"
        )
        state = ADDRESSEE.fold((somebody, bought))
        assert isinstance(state, Addressee)
        evening = NOW.replace(day=24, hour=3, minute=25)
        allow = authorised(state, MESSAGE, HERE, message_of(ASK), "CA", evening)
        queued = given(somebody, bought, allow)
        before, after = evening.replace(minute=29) - NOW, evening.replace(minute=30) - NOW
        assert queued.when(GO, target=ID, after=before).refusal is None
        given(somebody, bought, allow).when(GO, target=ID, after=after).then(AllowLapsed)
        again = authorised(state, MESSAGE, HERE, message_of(ASK), "CA", evening.replace(minute=30))
        assert again.verdict == "deny"

    def test_without_a_consent_it_is_denied_and_says_what_would_help(self) -> None:
        event = decided(REGISTERED)
        told = decision_of(event, load_packs())
        assert (event.verdict, event.expires_at) == ("deny", None)
        (reason,) = [one for one in told["reasons"] if one["law"] == "de"]
        assert reason["rule"] == "otherwise"
        assert "consent" in reason["about"]
        assert reason["remedy"]

    def test_what_no_entry_clears_is_said_beside_the_remedy(self) -> None:
        somebody = AddresseeRegistered(
            addressee_id=ID, email="b@example.org", workspace_id=HERE, country="NZ"
        )
        bought = RelationRecorded(addressee_id=ID, kind="purchase", occurred_on=date(2024, 11, 24))
        state = ADDRESSEE.fold((somebody, bought))
        assert isinstance(state, Addressee)
        event = authorised(state, MESSAGE, HERE, message_of(ASK), "NZ", NOW)
        for packs in (load_packs(), ()):
            (reason,) = decision_of(event, packs)["reasons"]
            assert (event.verdict, reason["missing"]) == ("hold", ("conduct",))
            assert "No entry clears conduct: a lawyer has to settle whether" in reason["remedy"]
            assert (reason["remedy"].startswith("Get a consent")) is bool(packs)

    def test_a_reason_of_a_rule_is_told_in_its_words(self) -> None:
        (reason,) = decision_of(ALLOW, load_packs())["reasons"]
        assert reason["cites"].startswith("UWG §7(2) Nr. 2"), "the version in force on that day"
        assert (reason["confidence"], reason["basis"]) == ("T", "express consent")

    def test_a_deny_where_no_rule_fits_is_told_with_the_section_and_what_has_ended(self) -> None:
        withdrawn = ConsentWithdrawn(addressee_id=ID, entry=2, occurred_at=NOW, channel="reply")
        event = decided(REGISTERED, CONSENT, withdrawn)
        (told,) = (one for one in decision_of(event, load_packs())["reasons"] if one["rule"] == "otherwise")
        assert (told["entries"], told["cites"][:8], told["confidence"]) == ((2,), "UWG §7(2", "T")
        assert "was withdrawn at" in told["about"]
        (old,) = (one for one in decision_of(event, ())["reasons"] if one["rule"] == "otherwise")
        assert "cites" not in old
        assert old["about"] == told["about"], "what had ended was recorded"

    @pytest.mark.parametrize(("hour", "number"), [(21, "Nr. 3"), (22, "Nr. 2")])
    def test_a_rule_is_cited_in_the_version_of_the_day_that_it_was_where_the_law_holds(
        self, hour: int, number: str
    ) -> None:
        """At 22:00 UTC of 27 May 2022 it is the 28th in Berlin, from which day on the rule has another number."""
        state = ADDRESSEE.fold((REGISTERED, CONSENT.model_copy(update={"occurred_on": date(2020, 1, 1)})))
        assert isinstance(state, Addressee)
        at = datetime(2022, 5, 27, hour, 30, tzinfo=UTC)
        event = authorised(state, MESSAGE, HERE, message_of(ASK), "DE", at)
        (reason,) = decision_of(event, load_packs())["reasons"]
        assert number in reason["cites"]

    def test_an_opt_out_denies_whatever_else_is_known(self) -> None:
        event = decided(REGISTERED, CONSENT, STOP)
        assert (event.verdict, event.reasons[0].rule, event.reasons[0].entries) == (
            "deny",
            "suppressed-unsubscribe",
            (3,),
        )

    def test_an_allow_after_an_opt_out_names_the_consent_that_lifted_it(self) -> None:
        american = REGISTERED.model_copy(update={"country": "US"})
        for moment in (None, NOW - timedelta(days=1)):
            day = date(2026, 3, 1) if moment is None else moment.date()
            asked = CONSENT.model_copy(update={"occurred_on": day, "occurred_at": moment, "explicit": True})
            stop = STOP.model_copy(update={"occurred_at": datetime(2026, 2, 1, tzinfo=UTC)})
            lifted = OptOutLifted(addressee_id=ID, consented_on=day, consented_at=moment)
            event = decided(american, stop, asked, lifted, sender="US")
            assert (event.verdict, event.reasons[0].entries) == ("allow", (3,))

    def test_what_was_told_happened_before_whatever_the_clocks_show(self) -> None:
        """The opt-out was entered by a process whose clock is ahead, or a moment after this one looked at its own."""
        later = NOW + timedelta(seconds=2)
        event = decided(REGISTERED, CONSENT, OptedOut(addressee_id=ID, occurred_at=later, channel="reply"))
        assert (event.verdict, event.decided_at) == ("deny", later)
        withdrawn = ConsentWithdrawn(addressee_id=ID, occurred_at=later, channel="reply")
        assert decided(REGISTERED, CONSENT, withdrawn).verdict == "deny"

    def test_a_consent_that_was_confirmed_just_now_was_given_before_the_decision(self) -> None:
        """Whatever the clocks show, and though the day of it has not come yet everywhere."""
        later = NOW + timedelta(seconds=2)
        asked = ConfirmationRequested(addressee_id=ID, occurred_at=NOW, source="event", documented=True)
        event = decided(REGISTERED, asked, ConsentConfirmed(addressee_id=ID, request=2, occurred_at=later))
        assert (event.verdict, event.decided_at, event.reasons[0].entries) == ("allow", later, (3,))

    def test_an_unknown_country_of_either_holds_and_names_it(self) -> None:
        nobody_knows = AddresseeRegistered(addressee_id=ID, email="b@example.org")
        assert decided(nobody_knows, CONSENT).reasons[0].missing == ("country",)
        state = ADDRESSEE.fold((REGISTERED, CONSENT))
        assert isinstance(state, Addressee)
        event = authorised(state, MESSAGE, HERE, message_of(ASK), None, NOW)
        assert (event.verdict, event.reasons[0].missing) == ("hold", ("sender_country",))

    def test_the_same_facts_give_the_same_decision(self) -> None:
        assert decided(REGISTERED, CONSENT).model_dump_json() == ALLOW.model_dump_json()

    def test_a_message_that_went_is_not_authorised_again(self) -> None:
        with pytest.raises(AlreadyDispatched):
            decided(REGISTERED, CONSENT, ALLOW, DISPATCHED)


class TestTheHandOver:
    def test_it_uses_the_allow_and_uses_it_once(self) -> None:
        state = given(REGISTERED, CONSENT, ALLOW).when(GO, target=ID).then(DISPATCHED)
        assert (state.allows, set(state.dispatched)) == ({}, {MESSAGE})
        given(REGISTERED, CONSENT, ALLOW, DISPATCHED).when(GO, target=ID).then(AlreadyDispatched)

    def test_there_is_none_without_an_allow(self) -> None:
        given(REGISTERED, CONSENT).when(GO, target=ID).then(NoAllow)
        given(REGISTERED, decided(REGISTERED)).when(GO, target=ID).then(NoAllow)
        other = DispatchMessage(message_id=MessageId(uid(51)), workspace_id=HERE)
        given(REGISTERED, CONSENT, ALLOW).when(other, target=ID).then(NoAllow)
        elsewhere = DispatchMessage(message_id=MESSAGE, workspace_id=THERE)
        given(REGISTERED, CONSENT, ALLOW).when(elsewhere, target=ID).then(OfAnotherWorkspace)

    @pytest.mark.parametrize(
        ("after", "lapsed"), [(HOLDS_FOR - timedelta(microseconds=1), False), (HOLDS_FOR, True)]
    )
    def test_ten_minutes_are_ten_minutes(self, after: timedelta, *, lapsed: bool) -> None:
        done = given(REGISTERED, CONSENT, ALLOW).when(GO, target=ID, after=after)
        assert isinstance(done.refusal, AllowLapsed) is lapsed

    def test_after_an_opt_out_it_is_decided_again_and_nothing_goes(self) -> None:
        state = given(REGISTERED, CONSENT, ALLOW, STOP).when(GO, target=ID)
        (again,) = state.decided
        assert isinstance(again, PermissionDecided)
        assert again.verdict == "deny"
        assert DispatchMessage.answer(state.decided)["dispatched"] is False  # type: ignore[index]
        assert state.state.allows == {}, "and the allow is used up"

    def test_after_other_news_it_is_decided_again_and_goes(self) -> None:
        other = RelationRecorded(addressee_id=ID, kind="contact", occurred_on=date(2026, 11, 1))
        done = given(REGISTERED, CONSENT, ALLOW, other).when(GO, target=ID)
        again, gone = done.decided
        assert isinstance(again, PermissionDecided)
        assert isinstance(gone, MessageDispatched)
        assert (again.verdict, gone.allowed_by) == ("allow", 5)
        assert DispatchMessage.answer(done.decided)["dispatched"] is True  # type: ignore[index]

    def test_a_later_deny_ends_the_allow(self) -> None:
        deny = decided(REGISTERED, CONSENT, STOP)
        given(REGISTERED, CONSENT, ALLOW, STOP, deny).when(GO, target=ID).then(NoAllow)

    def test_allows_that_lapsed_are_not_kept(self) -> None:
        state = ADDRESSEE.fold((REGISTERED, CONSENT, ALLOW))
        assert isinstance(state, Addressee)
        later = authorised(state, MessageId(uid(51)), HERE, message_of(ASK), "DE", NOW + HOLDS_FOR)
        state = ADDRESSEE.fold((later,), state)
        assert isinstance(state, Addressee)
        assert list(state.allows) == [uid(51)]


class TestTheCommand:
    @pytest.fixture
    def world(self) -> World:
        world = World()
        opened = TenantOpened(
            tenant_id=TenantId(TENANT), tenant_name="T", slug="t", plan="free", country="DE"
        )
        world.happened("tenant", str(TENANT), opened)
        world.happened("workspace", str(HERE), WorkspaceCreated(workspace_id=HERE, workspace_name="W"))
        for event in (REGISTERED, CONSENT):
            world.happened("addressee", str(ID), event)
        return world

    def test_it_judges_by_the_tenants_country_and_records(self, world: World) -> None:
        (event,) = world.run(ASK, ID)
        assert isinstance(event, PermissionDecided)
        assert (event.verdict, event.sender_country, event.message.workspace) == ("allow", "DE", str(HERE))
        (gone,) = world.run(GO, ID)
        assert isinstance(gone, MessageDispatched)

    def test_of_nobody_and_for_no_workspace_nothing_is_decided(self, world: World) -> None:
        with pytest.raises(NotFound):
            world.run(ASK, uid(99))
        elsewhere = AuthoriseMessage(message_id=MESSAGE, workspace_id=THERE)
        with pytest.raises(NoSuchWorkspace):
            world.run(elsewhere, ID)

    def test_nothing_goes_out_of_a_workspace_that_was_archived_since_its_allow(self, world: World) -> None:
        """A client who left: what was decided before is dispatched no more, and nothing new is given to it."""
        world.run(ASK, ID)
        world.run(ArchiveWorkspace(), HERE)
        given = RecordConsent(source=Source.EVENT, occurred_on=NOW.date(), workspace_id=HERE)
        bought = RecordRelation(kind=RelationKind.PURCHASE, occurred_on=NOW.date(), workspace_id=HERE)
        for command in (GO, ASK, given, bought):
            with pytest.raises(WorkspaceIsArchived):
                world.run(command, ID)
        assert world.run(RecordOptOut(channel=OptOutChannel.REPLY), ID)


def test_nobody_has_no_messages() -> None:
    assert ADDRESSEE.size_of(NoAddressee()) == 0


def test_of_a_decision_of_before_nobody_said_whether_its_message_was_charitable() -> None:
    cls, payload = EVENTS.upcast("audience.permission_decided", 1, {"message": {"purpose": "marketing"}})
    assert cls is PermissionDecided
    assert payload == {"message": {"purpose": "marketing", "charitable": None}}


def test_what_a_command_says_of_a_message_is_what_a_law_looks_at() -> None:
    told: dict[str, Any] = {
        "purpose": Purpose.CONSENT_REQUEST,
        "campaign_type": "news",
        "similar_goods": True,
        "role_relevant": False,
        "names_referrer": True,
        "bulk": False,
        "charitable": True,
    }
    message = message_of(AuthoriseMessage(workspace_id=HERE, message_id=MessageId(uid(9)), **told))
    assert {name: getattr(message, name) for name in told} == told
