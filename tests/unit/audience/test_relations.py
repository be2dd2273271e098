"""Relations of a person, and what is retracted: one test for each rule."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from domain.audience.addressee_events import (
    AddresseeRegistered,
    AddresseeSuppressed,
    EntryRetracted,
    RelationEnded,
    RelationRecorded,
)
from domain.audience.consent_commands import (
    ConfirmConsent,
    OptOutChannel,
    RecordConsent,
    RecordOptOut,
    WithdrawConsent,
)
from domain.audience.consent_events import (
    ConfirmationRequested,
    ConsentRecorded,
    OptedOut,
    OptOutToldLate,
)
from domain.audience.consent_refusals import (
    AddresseeIsErased,
    DateSaysNone,
    LiftedNotRetracted,
    NotAsked,
    OnlyThePersonTakesBack,
)
from domain.audience.erasure_events import AddresseeErased
from domain.audience.intake.vocabularies import Source
from domain.audience.ledger import EndRelation, RecordRelation, RetractEntry
from domain.audience.ledger_refusals import (
    EndsBeforeItBegins,
    IsOfOneDay,
    NoSuchEntry,
    NotGivenInWriting,
    NotOfThisRelation,
    OnlyThePlatformLifts,
    RelationInTheFuture,
)
from domain.kernel.events import EVENTS, Event
from domain.kernel.ids import AddresseeId, WorkspaceId
from domain.law.facts import RelationKind
from tests.support.given import NOW, given, uid

ID = AddresseeId(uid(30))
ONE = WorkspaceId(uid(41))
REGISTERED = AddresseeRegistered(
    addressee_id=ID, email="bob@example.org", workspace_id=ONE, country="DE", subscriber_type="corporate"
)
CONSENT = ConsentRecorded(addressee_id=ID, occurred_on=date(2026, 1, 1), source="event", recorded_by="api")
BOUGHT = RelationRecorded(addressee_id=ID, kind="purchase", occurred_on=date(2026, 1, 1))
CONTRACT = RelationRecorded(addressee_id=ID, kind="contract", occurred_on=date(2026, 1, 1))
BOUNCED = AddresseeSuppressed(addressee_id=ID, kind="hard_bounce", scope="tenant", occurred_at=NOW)
STOP = OptedOut(addressee_id=ID, occurred_at=NOW - timedelta(days=3), channel="reply")
ERASED = AddresseeErased(addressee_id=ID)


class TestRelations:
    @pytest.mark.parametrize("in_writing", [True, False, None])
    def test_an_address_was_given_in_writing_or_not_or_nobody_says(self, *, in_writing: bool | None) -> None:
        day = date(2026, 1, 1)
        given_so = RecordRelation(
            kind=RelationKind.DISCLOSED_ADDRESS, occurred_on=day, refused=False, in_writing=in_writing
        )
        event = RelationRecorded(
            addressee_id=ID, kind="disclosed_address", occurred_on=day, refused=False, in_writing=in_writing
        )
        state = given(REGISTERED).when(given_so, target=ID).then(event)
        assert [(one.refused, one.in_writing) for one in state.relations] == [(False, in_writing)]

    @pytest.mark.parametrize("refused", [True, False])
    def test_nobody_refuses_beside_what_is_no_address(self, *, refused: bool) -> None:
        for kind in RelationKind:
            entry = RecordRelation(kind=kind, occurred_on=date(2026, 1, 1), refused=refused)
            if kind in (RelationKind.PUBLISHED_ADDRESS, RelationKind.DISCLOSED_ADDRESS):
                assert given(REGISTERED).when(entry, target=ID).state.relations[-1].refused is refused
            else:
                given(REGISTERED).when(entry, target=ID).then(NotOfThisRelation)

    @pytest.mark.parametrize("kind", list(RelationKind))
    @pytest.mark.parametrize("in_writing", [True, False])
    def test_only_an_address_is_disclosed_in_writing(self, kind: RelationKind, *, in_writing: bool) -> None:
        entry = RecordRelation(kind=kind, occurred_on=date(2026, 1, 1), in_writing=in_writing)
        if kind is RelationKind.DISCLOSED_ADDRESS:
            assert given(REGISTERED).when(entry, target=ID).state.relations[-1].in_writing is in_writing
        else:
            given(REGISTERED).when(entry, target=ID).then(NotGivenInWriting)

    def test_of_an_older_entry_nobody_says_whether_it_was_in_writing(self) -> None:
        old = {"addressee_id": str(ID), "kind": "purchase", "occurred_on": "2026-01-01", "refused": None}
        cls, payload = EVENTS.upcast("audience.relation_recorded", 1, old)
        assert (cls, payload["in_writing"]) == (RelationRecorded, None)

    def test_they_lie_in_the_past_and_end_after_they_began(self) -> None:
        tomorrow = (NOW + timedelta(days=2)).date()
        future = RecordRelation(kind=RelationKind.PURCHASE, occurred_on=tomorrow)
        given(REGISTERED).when(future, target=ID).then(RelationInTheFuture)
        day = date(2026, 2, 1)
        backwards = RecordRelation(
            kind=RelationKind.SUBSCRIPTION, occurred_on=day, ended_on=day - timedelta(days=1)
        )
        given(REGISTERED).when(backwards, target=ID).then(EndsBeforeItBegins)
        ended = RecordRelation(kind=RelationKind.PURCHASE, occurred_on=day, ended_on=day)
        given(REGISTERED).when(ended, target=ID).then(IsOfOneDay)
        given(REGISTERED, ERASED).when(future, target=ID).then(AddresseeIsErased)

    def test_a_contract_ends_once(self) -> None:
        day = date(2026, 5, 1)
        ended = RelationEnded(addressee_id=ID, entry=2, ended_on=day)
        state = given(REGISTERED, CONTRACT).when(EndRelation(entry=2, ended_on=day), target=ID).then(ended)
        assert state.relations[0].ended_on == day
        given(REGISTERED, CONTRACT, ended).when(EndRelation(entry=2, ended_on=day), target=ID).then()
        before = EndRelation(entry=2, ended_on=date(2025, 12, 31))
        given(REGISTERED, CONTRACT).when(before, target=ID).then(EndsBeforeItBegins)

    def test_a_purchase_does_not_end(self) -> None:
        command = EndRelation(entry=2, ended_on=date(2026, 5, 1))
        given(REGISTERED, BOUGHT).when(command, target=ID).then(NoSuchEntry)

    def test_what_was_entered_by_mistake_stays_in_the_history_and_counts_no_more(self) -> None:
        retracted = EntryRetracted(addressee_id=ID, entry=3, reason="Another customer.")
        command = RetractEntry(entry=3, reason="Another customer.")
        state = given(REGISTERED, CONSENT, BOUGHT).when(command, target=ID).then(retracted)
        assert state.relations == ()
        assert len(state.consents) == 1
        given(REGISTERED, CONSENT, BOUGHT, retracted).when(command, target=ID).then(NoSuchEntry)

    def test_a_first_step_that_was_entered_by_mistake_confirms_nothing_any_more(self) -> None:
        asked = ConfirmationRequested(addressee_id=ID, occurred_at=NOW, source="event", documented=True)
        back = EntryRetracted(addressee_id=ID, entry=2, reason="Somebody else's form.")
        retract = RetractEntry(entry=2, reason="Somebody else's form.")
        given(REGISTERED, asked).when(retract, target=ID).then(back)
        given(REGISTERED, asked, back).when(ConfirmConsent(request=2), target=ID).then(NotAsked)

    def test_what_a_person_said_is_taken_back_by_them_alone_whoever_entered_it(self) -> None:
        by_staff = RecordOptOut(channel=OptOutChannel.REPLY)
        withdrawn = WithdrawConsent(channel=OptOutChannel.REPLY)
        for commands in ((by_staff,), (withdrawn,), (by_staff, withdrawn)):
            history: list[Event] = [REGISTERED, CONSENT]
            for command in commands:
                history += given(*history).when(command, target=ID).decided
            for entry in range(3, len(history) + 1):
                retract = RetractEntry(entry=entry, reason="Another person.")
                given(*history).when(retract, target=ID).then(OnlyThePersonTakesBack)

    def test_a_stop_that_was_told_late_or_has_ended_is_no_less_their_word(self) -> None:
        anew = ConsentRecorded(
            addressee_id=ID,
            occurred_on=NOW.date(),
            occurred_at=NOW - timedelta(days=1),
            source="event",
            recorded_by="api",
            wording="Yes",
            explicit=True,
            documented=True,
        )
        late = OptOutToldLate(addressee_id=ID, occurred_at=NOW - timedelta(days=2), channel="reply")
        for history in ((REGISTERED, anew, late), (REGISTERED, late, STOP, anew)):
            entry = history.index(late) + 1
            retract = RetractEntry(entry=entry, reason="Another person.")
            given(*history).when(retract, target=ID).then(OnlyThePersonTakesBack)
        lifted = given(REGISTERED, STOP).when(
            RecordConsent(
                occurred_at=NOW - timedelta(days=1), source=Source.EVENT, explicit=True, wording="Yes"
            ),
            target=ID,
        )
        retract = RetractEntry(entry=2, reason="Another person.")
        given(REGISTERED, STOP, *lifted.decided).when(retract, target=ID).then(OnlyThePersonTakesBack)

    def test_of_what_else_is_not_retracted_it_is_told_how_it_ends(self) -> None:
        retract = RetractEntry(entry=2, reason="x")
        given(REGISTERED, BOUNCED).when(retract, target=ID).then(LiftedNotRetracted)
        platform = BOUNCED.model_copy(update={"scope": "platform"})
        given(REGISTERED, platform).when(retract, target=ID).then(OnlyThePlatformLifts)
        given(REGISTERED).when(retract, target=ID).then(NoSuchEntry)
        given(REGISTERED).when(RetractEntry(entry=1, reason="x"), target=ID).then(NoSuchEntry)


@pytest.mark.parametrize("day", ["1970-01-01", "1969-12-31", "1900-01-01", "1904-01-01"])
def test_what_programs_write_for_never_is_no_day_of_a_consent_or_a_relation(day: str) -> None:
    """As in a file: it would allow what an honest date does not, or what nobody gave."""
    on = date.fromisoformat(day)
    consent = RecordConsent(source=Source.EVENT, occurred_on=on, wording="Yes.")
    for command in (consent, RecordRelation(kind=RelationKind.PURCHASE, occurred_on=on)):
        given(REGISTERED).when(command, target=ID).then(DateSaysNone)
    old = date(1969, 12, 30)
    given(REGISTERED).when(RecordRelation(kind=RelationKind.CONTRACT, occurred_on=old), target=ID).then(
        RelationRecorded(addressee_id=ID, kind="contract", occurred_on=old)
    )
