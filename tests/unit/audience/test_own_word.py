"""What a person says at a door: always taken, once for each time it is said, as wide as they say it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from pydantic import ValidationError

from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import AddresseeRegistered, AddresseeSuppressed
from domain.audience.addressee_state import Addressee
from domain.audience.carrying import carried
from domain.audience.consent_commands import OptOutChannel, OptOutKind, RecordConsent, RecordOptOut
from domain.audience.consent_events import (
    ConsentRecorded,
    OptedOut,
    OptOutLifted,
    OptOutNarrowed,
    OptOutToldLate,
)
from domain.audience.erasure_events import AddresseeErased
from domain.audience.intake.vocabularies import Source
from domain.audience.ledger import RetractEntry
from domain.audience.listed import Listed, entered
from domain.audience.own_word import HeedConfirmation, HeedOptOut, NarrowOptOut, in_force, narrowable
from domain.kernel.commands import COMMANDS
from domain.kernel.errors import NotFound
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId
from domain.law.facts import Message, Scope, SuppressionKind
from domain.law.judging import judge
from domain.law.pack import Verdict
from domain.law.packs import load_packs
from tests.support.given import NOW, given, uid

ID, OTHER = AddresseeId(uid(30)), AddresseeId(uid(31))
BRAND, ANOTHER = str(uid(41)), str(uid(42))
REGISTERED = AddresseeRegistered(addressee_id=ID, email="bob@example.org", country="GB")
STOP = HeedOptOut(channel=OptOutChannel.ONE_CLICK)
OBJECT = HeedOptOut(channel=OptOutChannel.PAGE, kind=OptOutKind.OBJECTION)
OF_BRAND = HeedOptOut(channel=OptOutChannel.PAGE, scope=Scope.WORKSPACE, within=BRAND)
OF_NEWS = HeedOptOut(channel=OptOutChannel.PAGE, scope=Scope.CAMPAIGN_TYPE, within="news")


def stopped(at: datetime = NOW, **fields: str) -> OptedOut:
    told = {"channel": "one_click", "kind": "unsubscribe", "scope": "tenant"} | fields
    return OptedOut.model_validate({"addressee_id": ID, "occurred_at": at, **told})


def state_of(*events: object) -> Addressee:
    state = ADDRESSEE.fold([REGISTERED, *events])  # type: ignore[list-item]  # events of an addressee all
    assert isinstance(state, Addressee)
    return state


def test_it_is_no_command_of_the_api() -> None:
    assert not {HeedOptOut, NarrowOptOut, HeedConfirmation} & set(COMMANDS.public())


def test_stop_is_entered_for_the_whole_tenant() -> None:
    state = given(REGISTERED).when(STOP, target=ID).then(stopped())
    assert not state.contactable


@pytest.mark.parametrize("after", [timedelta(), timedelta(seconds=30), timedelta(seconds=59)])
def test_the_same_word_within_a_minute_adds_nothing(after: timedelta) -> None:
    given(REGISTERED, stopped()).when(STOP, target=ID, after=after).then()


def test_said_again_later_it_is_a_new_word_that_no_consent_from_between_lifts() -> None:
    later = NOW + timedelta(days=3)
    state = given(REGISTERED, stopped()).when(STOP, target=ID, after=timedelta(days=3)).then(stopped(later))
    between = RecordConsent(
        occurred_on=(NOW + timedelta(days=2)).date(), source=Source.EVENT, wording="Yes.", explicit=True
    )
    events = (REGISTERED, stopped(), stopped(later))
    after = given(*events).when(between, target=ID, after=timedelta(days=4))
    assert [type(one) for one in after.decided] == [ConsentRecorded]
    assert not after.state.contactable
    assert state.opted_out_at == later


def test_a_clock_that_went_back_loses_no_word() -> None:
    lifted = OptOutLifted(addressee_id=ID, consented_on=NOW.date(), consented_at=NOW + timedelta(minutes=5))
    events = (REGISTERED, stopped(NOW - timedelta(days=9)), lifted)
    state = given(*events).when(STOP, target=ID).then(stopped(NOW + timedelta(minutes=5)))
    assert not state.contactable


def test_an_objection_is_more_than_a_stop_and_is_entered_beside_it() -> None:
    objection = stopped(channel="page", kind="objection")
    state = given(REGISTERED, stopped()).when(OBJECT, target=ID).then(objection)
    assert {one.kind for one in state.suppressions} == {"unsubscribe", "objection"}
    given(REGISTERED, stopped(), objection).when(OBJECT, target=ID).then()


@pytest.mark.parametrize(("command", "within"), [(OF_BRAND, BRAND), (OF_NEWS, "news")], ids=["brand", "news"])
def test_the_person_narrows_it(command: HeedOptOut, within: str) -> None:
    event = stopped(channel="page", scope=command.scope, within=within)
    state = given(REGISTERED).when(command, target=ID).then(event)
    assert state.contactable
    assert in_force(state, command.scope, within)
    assert not in_force(state, Scope.TENANT)
    given(REGISTERED, event).when(command, target=ID, after=timedelta(seconds=50)).then()
    later = event.model_copy(update={"occurred_at": NOW + timedelta(days=9)})
    given(REGISTERED, event).when(command, target=ID, after=timedelta(days=9)).then(later)


def test_said_again_within_hours_no_consent_from_between_lifts_it() -> None:
    hours = timedelta(hours=10)
    given(REGISTERED, stopped()).when(STOP, target=ID, after=hours).then(stopped(NOW + hours))
    between = RecordConsent(
        occurred_at=NOW + timedelta(hours=1), source=Source.EVENT, wording="Yes.", explicit=True
    )
    events = (REGISTERED, stopped(), stopped(NOW + hours))
    after = given(*events).when(between, target=ID, after=timedelta(hours=11))
    assert [type(one) for one in after.decided] == [ConsentRecorded]
    assert not after.state.contactable


def test_a_narrower_word_beside_a_wider_one_outlives_it_and_is_no_wider_itself() -> None:
    narrow = stopped(channel="page", scope="workspace", within=BRAND)
    given(REGISTERED, stopped()).when(OF_BRAND, target=ID).then(narrow)
    less = NarrowOptOut(scope=Scope.CAMPAIGN_TYPE, within="offers", entry=2)
    state = given(REGISTERED, stopped(), narrow).when(less, target=ID, after=timedelta(hours=1)).state
    assert not in_force(state, Scope.TENANT)
    assert in_force(state, Scope.WORKSPACE, BRAND)
    assert in_force(state, Scope.CAMPAIGN_TYPE, "offers")
    given(REGISTERED, narrow).when(STOP, target=ID).then(stopped())
    other = HeedOptOut(channel=OptOutChannel.PAGE, scope=Scope.WORKSPACE, within=ANOTHER)
    given(REGISTERED, narrow).when(other, target=ID).then(
        stopped(channel="page", scope="workspace", within=ANOTHER)
    )


def test_a_narrower_word_long_after_a_wider_one_outlives_a_consent_from_between_the_two() -> None:
    late = stopped(NOW + timedelta(days=4), channel="page", scope="workspace", within=BRAND)
    given(REGISTERED, stopped()).when(OF_BRAND, target=ID, after=timedelta(days=4)).then(late)
    consent = RecordConsent(
        occurred_on=(NOW + timedelta(days=3)).date(), source=Source.EVENT, wording="Yes.", explicit=True
    )
    state = given(REGISTERED, stopped(), late).when(consent, target=ID, after=timedelta(days=5)).state
    assert not in_force(state, Scope.TENANT)
    assert in_force(state, Scope.WORKSPACE, BRAND)


def test_a_narrower_word_holds_back_that_mail_alone() -> None:
    consent = ConsentRecorded(
        addressee_id=ID, occurred_on=NOW.date(), source="event", recorded_by="api", documented=True
    )
    narrow = stopped(NOW - timedelta(hours=1), channel="page", scope="workspace", within=BRAND)
    person = state_of(consent, narrow).person
    verdicts = {
        brand: judge(person, Message(workspace=brand), "GB", NOW, load_packs()).verdict
        for brand in (BRAND, ANOTHER)
    }
    assert verdicts == {BRAND: Verdict.DENY, ANOTHER: Verdict.ALLOW}


def test_what_was_said_narrowly_is_carried_to_who_has_the_address_after_an_erasure() -> None:
    narrow = stopped(channel="page", scope="campaign_type", within="news")
    told = carried(state_of(narrow, AddresseeErased(addressee_id=ID)), OTHER)
    again = narrow.model_copy(update={"addressee_id": OTHER, "channel": "carried_over"})
    assert told[1:] == (again,)
    assert isinstance(told[0], OptedOut)
    assert (told[0].scope, told[0].channel) == ("tenant", "erasure")


def test_an_erased_person_is_heard_too() -> None:
    given(REGISTERED, AddresseeErased(addressee_id=ID)).when(STOP, target=ID).then(stopped())


def test_nobody_is_heard_who_never_was() -> None:
    given().when(STOP, target=ID).then(NotFound)


@pytest.mark.parametrize(
    "fields",
    [
        {"scope": Scope.WORKSPACE},
        {"scope": Scope.CAMPAIGN_TYPE},
        {"within": "news"},
        {"scope": Scope.PLATFORM},
    ],
)
def test_a_scope_names_what_it_is_of(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        HeedOptOut.model_validate({"channel": "page", **fields})


class TestNarrowing:
    """All is stopped, and the person wants less than that to be stopped."""

    LESS = NarrowOptOut(entry=2, scope=Scope.WORKSPACE, within=BRAND, ip="192.0.2.7", user_agent="Mozilla")
    LATER = timedelta(days=2)

    @staticmethod
    def less(at: datetime) -> tuple[OptedOut, OptOutNarrowed]:
        place = {"scope": "workspace", "within": BRAND}
        seen = {"ip": "192.0.2.7", "user_agent": "Mozilla"}
        narrower = {"addressee_id": ID, "entry": 2, "occurred_at": at, **place, **seen}
        return stopped(at, channel="narrowed", **place), OptOutNarrowed.model_validate(narrower)

    def test_all_mail_goes_on_but_what_they_left_stopped(self) -> None:
        at = NOW + self.LATER
        started = given(REGISTERED, stopped()).when(self.LESS, target=ID, after=self.LATER)
        state = started.then(*self.less(at))
        assert state.contactable
        assert in_force(state, Scope.WORKSPACE, BRAND)
        consent = ConsentRecorded(
            addressee_id=ID, occurred_on=NOW.date(), source="event", recorded_by="api", documented=True
        )
        person = state_of(consent, stopped(), *self.less(at)).person
        verdicts = {
            brand: [
                judge(person, Message(workspace=brand), "GB", moment, load_packs()).verdict
                for moment in (at - timedelta(seconds=1), at)
            ]
            for brand in (BRAND, ANOTHER)
        }
        assert verdicts == {
            BRAND: [Verdict.DENY, Verdict.DENY],
            ANOTHER: [Verdict.DENY, Verdict.ALLOW],
        }

    def test_said_twice_it_is_once_and_of_another_stop_it_is_none(self) -> None:
        less = self.less(NOW)
        given(REGISTERED, stopped(), *less).when(self.LESS, target=ID).then()
        given(REGISTERED).when(self.LESS, target=ID).then()
        again = stopped(NOW + timedelta(days=3))
        later = given(REGISTERED, stopped(), *less, again).when(self.LESS, target=ID, after=timedelta(days=4))
        assert not later.then().contactable, "a form from before a later stop narrows nothing"
        seen = self.LESS.model_copy(update={"entry": 5})
        assert given(REGISTERED, stopped(), *less, again).when(seen, target=ID).state.contactable

    def test_a_later_stop_is_a_stop_again(self) -> None:
        events = (REGISTERED, stopped(), *self.less(NOW))
        state = given(*events).when(STOP, target=ID, after=timedelta(seconds=1)).state
        assert state.opted_out_at == NOW + timedelta(seconds=1)
        told = RecordOptOut(channel=OptOutChannel.REPLY)
        assert not given(*events).when(told, target=ID).state.contactable

    @pytest.mark.parametrize(
        "held",
        [
            stopped(kind="objection", channel="page"),
            stopped(kind="complaint", channel="complaint"),
            stopped(channel="erasure"),
            AddresseeSuppressed(addressee_id=ID, kind="complaint", scope="platform", occurred_at=NOW),
            AddresseeErased(addressee_id=ID),
        ],
        ids=["objection", "complaint", "erasure", "platform", "erased"],
    )
    def test_nobody_narrows_what_is_more_than_an_unsubscription(self, held: Event) -> None:
        state = state_of(held, stopped())
        assert narrowable(state) is None
        for entry in (2, 3):
            less = self.LESS.model_copy(update={"entry": entry})
            given(REGISTERED, held, stopped()).when(less, target=ID).then()

    def test_what_was_said_before_it_and_is_told_later_it_ended_too(self) -> None:
        events = (REGISTERED, stopped(), *self.less(NOW + self.LATER))
        told = RecordOptOut(channel=OptOutChannel.REPLY, occurred_at=NOW + timedelta(days=1))
        late = given(*events).when(told, target=ID, after=timedelta(days=3))
        assert [type(one) for one in late.decided] == [OptOutToldLate]
        assert late.state.contactable
        known = told.model_copy(update={"occurred_at": NOW})
        given(*events).when(known, target=ID, after=timedelta(days=3)).then()
        objection = told.model_copy(update={"kind": OptOutKind.OBJECTION})
        assert not given(*events).when(objection, target=ID, after=timedelta(days=3)).state.contactable

    def test_a_clock_that_went_back_loses_no_later_stop(self) -> None:
        later = NOW + timedelta(minutes=5)
        given(REGISTERED, stopped(), *self.less(later)).when(STOP, target=ID).then(stopped(later))

    def test_what_follows_from_an_erasure_and_holds_again_is_not_narrowed_either(self) -> None:
        consent = ConsentRecorded(
            addressee_id=ID,
            occurred_on=NOW.date(),
            source="event",
            recorded_by="api",
            documented=True,
            explicit=True,
        )
        lifted = OptOutLifted(addressee_id=ID, consented_on=NOW.date())
        events = (stopped(NOW - timedelta(days=9), channel="erasure"), consent, lifted)
        retract = RetractEntry(entry=3, reason="Not so.")
        state = given(REGISTERED, *events).when(retract, target=ID).state
        assert not state.contactable
        assert narrowable(state) is None
        assert narrowable(state_of(*events, stopped())) is not None, "they came back, and stopped then"

    def test_a_list_that_says_so_since_before_says_nothing_new(self) -> None:
        state = state_of(stopped(), *self.less(NOW))
        listed = Listed(SuppressionKind.UNSUBSCRIBE, NOW - timedelta(days=9), dated=True)
        assert entered(ID, state, listed) == ()
        assert entered(ID, state, listed._replace(since=NOW)) != ()
        assert entered(ID, state, listed._replace(kind=SuppressionKind.OBJECTION)) != ()

    def test_a_consent_that_had_lifted_it_and_is_retracted_brings_back_what_they_left_alone(self) -> None:
        early = stopped(NOW - timedelta(days=9))
        consent = ConsentRecorded(
            addressee_id=ID,
            occurred_on=(NOW - timedelta(days=5)).date(),
            source="event",
            recorded_by="api",
            documented=True,
            explicit=True,
        )
        lifted = OptOutLifted(addressee_id=ID, consented_on=consent.occurred_on)
        events = (REGISTERED, early, consent, lifted, stopped(), *self.less(NOW))
        retract = RetractEntry(entry=3, reason="Not so.")
        state = given(*events).when(retract, target=ID).state
        assert state.contactable
        assert in_force(state, Scope.WORKSPACE, BRAND)
        before = given(*events[:-2]).when(retract, target=ID)
        assert len(before.decided) == 2, "else it would hold again"
