"""A request from its receipt to its answer: one test for each rule."""

from datetime import timedelta
from typing import Any, get_args

import pytest

from domain.audience.addressee_events import (
    AddresseeSuppressed,
    OptedOut,
    SaleOptedOut,
    SubjectRequestNoted,
    SuppressionLifted,
)
from domain.audience.addressee_state import Addressee
from domain.audience.consent import OptOutChannel, RecordConsent, RecordOptOut
from domain.audience.contact import ContactUpdated, CreateContact, EraseContact, RemoveContact, UpdateContact
from domain.audience.erasure import EraseAddressee
from domain.audience.intake.vocabularies import Source
from domain.audience.ledger import (
    DescribeAddressee,
    LiftedByItsRequest,
    LiftSuppression,
    ProcessingIsRestricted,
    RecordRelation,
    RetractEntry,
)
from domain.kernel.commands import Actor, ActorKind, Command
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.ids import AddresseeId, WorkspaceId
from domain.law.facts import RelationKind
from domain.rights import refusals as no
from domain.rights import state
from domain.rights.commands import (
    AcknowledgeRequest,
    AskIdentity,
    BeginErasure,
    CheckIdentity,
    CompleteRequest,
    ConfirmErasure,
    DestroyRequestDetails,
    ExtendRequest,
    LiftRestriction,
    NameSubject,
    ReceiveRequest,
    RecordDisclosure,
    RectifyData,
    RefuseRequest,
    RemindOfRequest,
    RestrictProcessing,
    WithdrawRequest,
)
from domain.rights.events import (
    DataDisclosed,
    DataRectified,
    DeadlineApproaching,
    DeadlineMissed,
    ErasureBegun,
    ErasureConfirmed,
    IdentityAsked,
    IdentityChecked,
    RequestCompleted,
    RequestDetailsDestroyed,
    RequestEvent,
    RequestExtended,
    RequestReceived,
    RequestRefused,
    RequestSubjectNamed,
    RequestWithdrawn,
)
from domain.rights.kinds import DisclosureForm, Ground, Identity, IdentityMethod, RequestChannel, RequestKind
from domain.rights.request import DETAILS_KEPT
from domain.tenancy.workspace import CreateWorkspace
from tests.support.given import NOW, uid
from tests.support.requests import (
    CONTACT,
    EMAIL,
    REQUEST,
    SECOND_CONTACT,
    WORKSPACE,
    addressee,
    asked,
    opened,
    receive,
    verify,
)
from tests.support.unit import World

DAY = timedelta(days=1)
DISCLOSURE = RecordDisclosure(digest="ab" * 32, position="cDEuMS43", form=DisclosureForm.JSON)
K = RequestKind


def refused(world: World, command: Command, by: type[Refusal], target: Any = REQUEST) -> None:
    before = len(world.log)
    with pytest.raises(by):
        world.run(command, target)
    assert len(world.log) == before


class TestReceiving:
    def test_who_is_known_by_the_address_is_the_one_it_is_about(self) -> None:
        world = opened()
        received, noted = receive(world, K.ACCESS)
        assert isinstance(received, RequestReceived)
        assert received.addressee_id == addressee(world)
        assert received.place == "DE"  # as the contact tells
        assert noted == SubjectRequestNoted(
            addressee_id=AddresseeId(addressee(world)), request_id=asked(world).request_id, kind="access"
        )

    def test_somebody_whom_nobody_knows_is_taken_in_too(self) -> None:
        world = opened()
        (received,) = receive(world, K.ACCESS, email="nobody@example.com")
        assert isinstance(received, RequestReceived)
        assert received.addressee_id is None
        assert received.place_assumed

    def test_what_a_person_says_of_their_place_goes_before_what_is_known(self) -> None:
        world = opened()
        received, _ = receive(world, K.ACCESS, place="us-ca")
        assert isinstance(received, RequestReceived)
        assert received.place == "US-CA"
        assert {one.law for one in received.terms} == {"eu-gdpr", "us-ca"}
        assert received.acknowledge_by is not None  # 11 CCR 7021(a)

    def test_an_objection_holds_at_once(self) -> None:
        world = opened()
        _, _, out = receive(world, K.OBJECTION)
        assert isinstance(out, OptedOut)
        assert (out.kind, out.scope) == ("objection", "tenant")
        assert world.state("addressee", addressee(world)).opted_out_at == NOW

    def test_so_does_an_opt_out_of_sale(self) -> None:
        world = opened()
        _, _, out = receive(world, K.SALE_OPT_OUT)
        assert isinstance(out, SaleOptedOut)
        receive_again = ReceiveRequest(kind=K.SALE_OPT_OUT, channel=RequestChannel.FORM, email=EMAIL)
        assert len(world.run(receive_again, uid(0x99))) == 2  # it was opted out before

    @pytest.mark.parametrize(
        ("told", "by"),
        [
            ({"email": None}, no.NobodyAsks),
            ({"received_at": NOW + timedelta(seconds=1)}, no.ReceivedInTheFuture),
            ({"received_at": NOW - DAY, "submitted_at": NOW}, no.SubmittedAfterReceipt),
            ({"addressee_id": uid(7)}, no.OneOfTheTwo),
            ({"email": None, "addressee_id": uid(7)}, no.NoSuchSubject),
        ],
    )
    def test_what_cannot_be(self, told: dict[str, Any], by: type[Refusal]) -> None:
        world = opened()
        with pytest.raises(by):
            receive(world, K.ACCESS, **told)

    @pytest.mark.parametrize("kind", [K.OBJECTION, K.SALE_OPT_OUT])
    def test_what_an_unknown_address_wants_stopped_holds_for_whoever_enters_with_it(
        self, kind: RequestKind
    ) -> None:
        world = opened()
        receive(world, kind, email="later@example.com")
        assert asked(world).addressee_id is not None
        world.run(CreateContact(workspace_id=WORKSPACE, email="later@example.com"), uid(0x55))
        known: Addressee = world.state("addressee", world.state("contact", uid(0x55)).addressee_id)
        assert known.opted_out_at == (NOW if kind is K.OBJECTION else None)
        assert known.sale_opted_out_at == (None if kind is K.OBJECTION else NOW)
        (completed,) = world.run(CompleteRequest(), REQUEST)
        assert isinstance(completed, RequestCompleted)
        assert completed.outcome == "fulfilled"

    @pytest.mark.parametrize("kind", [K.OBJECTION, K.SALE_OPT_OUT])
    def test_and_so_does_what_an_erased_person_wants_stopped(self, kind: RequestKind) -> None:
        world = opened()
        former = addressee(world)
        world.run(EraseAddressee(), former)
        receive(world, kind)
        assert asked(world).addressee_id == former
        world.run(CreateContact(workspace_id=WORKSPACE, email=EMAIL), uid(0x55))
        known: Addressee = world.state("addressee", world.state("contact", uid(0x55)).addressee_id)
        assert known.addressee_id != former
        assert known.opted_out_at == NOW  # who was erased is not written to anyway
        assert known.sale_opted_out_at == (None if kind is K.OBJECTION else NOW)

    def test_an_id_is_used_once(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        with pytest.raises(no.RequestIdTaken):
            receive(world, K.ACCESS)

    def test_nothing_is_done_to_a_request_that_is_not_there(self) -> None:
        world = opened()
        for command in (AcknowledgeRequest(), CompleteRequest(), BeginErasure(), RestrictProcessing()):
            refused(world, command, NotFound)
        refused(world, LiftRestriction(told_at=NOW), NotFound)


class TestNaming:
    def test_whose_data_it_is_can_be_told_later_and_takes_effect_then(self) -> None:
        world = opened()
        receive(world, K.OBJECTION, email=None, requester="Ada")
        named, noted, out = world.run(NameSubject(email=EMAIL), REQUEST)
        assert isinstance(named, RequestSubjectNamed)
        assert isinstance(noted, SubjectRequestNoted)
        assert isinstance(out, OptedOut)
        refused(world, NameSubject(email=EMAIL), no.SubjectAlreadyNamed)

    def test_a_check_of_somebody_is_none_of_who_is_named_later(self) -> None:
        world = opened()
        receive(world, K.ACCESS, email="stranger@evil.example")
        verify(world)
        world.run(NameSubject(email=EMAIL), REQUEST)
        refused(world, DISCLOSURE, no.IdentityNotEstablished)
        verify(world)
        assert world.run(DISCLOSURE, REQUEST)

    def test_nobody_is_named_who_is_not_there(self) -> None:
        world = opened()
        receive(world, K.ACCESS, email="ada@old.example")
        refused(world, NameSubject(email="ada@older.example"), no.NoSuchSubject)
        refused(world, NameSubject(), no.NoSuchSubject)


class TestIdentity:
    def test_nothing_is_shown_or_changed_for_somebody_unknown(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        refused(world, DISCLOSURE, no.IdentityNotEstablished)
        world.run(AskIdentity(asked_for="Answer from the address"), REQUEST)
        refused(world, DISCLOSURE, no.IdentityNotEstablished)
        world.run(CheckIdentity(method=IdentityMethod.MAILBOX, verified=False), REQUEST)
        refused(world, DISCLOSURE, no.IdentityNotEstablished)
        assert asked(world).identity is Identity.FAILED
        (checked,) = world.run(CheckIdentity(method=IdentityMethod.DOCUMENT, verified=True), REQUEST)
        assert isinstance(checked, IdentityChecked)
        (disclosed,) = world.run(DISCLOSURE, REQUEST)
        assert isinstance(disclosed, DataDisclosed)

    def test_who_was_not_asked_is_not_turned_away_for_it(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        no_identity = RefuseRequest(ground=Ground.IDENTITY, reason="We do not know you")
        refused(world, no_identity, no.IdentityWasNotAsked)
        (question,) = world.run(AskIdentity(asked_for="Answer from the address"), REQUEST)
        assert isinstance(question, IdentityAsked)
        (event,) = world.run(no_identity, REQUEST)
        assert isinstance(event, RequestRefused)

    def test_the_clock_does_not_stop_for_it(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        due = asked(world).due_at
        world.later(5 * DAY)
        world.run(AskIdentity(asked_for="Answer from the address"), REQUEST)
        world.later(5 * DAY)
        verify(world)
        assert asked(world).due_at == due


class TestAnswering:
    def test_access_is_answered_after_it_was_given(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        verify(world)
        refused(world, CompleteRequest(), no.NotDoneYet)
        world.run(DISCLOSURE, REQUEST)
        (completed,) = world.run(CompleteRequest(), REQUEST)
        assert completed == RequestCompleted(
            request_id=asked(world).request_id,
            kind="access",
            law="eu-gdpr",
            received_at=NOW,
            outcome="fulfilled",
            completed_at=NOW,
            in_time=True,
            details_until=NOW + DETAILS_KEPT,
        )
        for command in (CompleteRequest(), DISCLOSURE, WithdrawRequest(), AcknowledgeRequest()):
            refused(world, command, no.RequestClosed)

    def test_of_whom_nothing_is_held_is_told_so(self) -> None:
        world = opened()
        receive(world, K.ERASURE, email="nobody@example.com")
        refused(world, BeginErasure(), no.NoSubjectYet)
        (completed,) = world.run(CompleteRequest(), REQUEST)
        assert isinstance(completed, RequestCompleted)
        assert completed.outcome == "nothing_held"

    def test_somebody_who_came_in_meanwhile_is_not_told_that_nothing_is_held(self) -> None:
        world = opened()
        receive(world, K.ACCESS, email="later@example.com")
        world.run(CreateContact(workspace_id=WORKSPACE, email="later@example.com"), uid(0x55))
        refused(world, CompleteRequest(), no.SubjectIsKnownNow)
        world.run(NameSubject(email="later@example.com"), REQUEST)
        refused(world, CompleteRequest(), no.NotDoneYet)

    @pytest.mark.parametrize(
        "command",
        [
            RefuseRequest(ground=Ground.EXCESSIVE, reason="Again"),
            WithdrawRequest(),
            CheckIdentity(method=IdentityMethod.KNOWN, verified=False),
        ],
    )
    def test_what_was_done_is_not_undone_by_words(self, command: Command) -> None:
        world = opened()
        receive(world, K.ACCESS)
        verify(world)
        world.run(DISCLOSURE, REQUEST)
        refused(world, command, no.DoneAlready)

    def test_stopping_needs_no_more_than_an_answer(self) -> None:
        world = opened()
        receive(world, K.OBJECTION)
        (completed,) = world.run(CompleteRequest(), REQUEST)
        assert isinstance(completed, RequestCompleted)
        assert completed.outcome == "fulfilled"

    def test_too_late_is_told(self) -> None:
        world = opened()
        receive(world, K.OBJECTION)
        (in_time,) = world.run(CompleteRequest(), REQUEST, at=asked(world).due_at - timedelta(microseconds=1))
        assert isinstance(in_time, RequestCompleted)
        assert in_time.in_time
        other = opened()
        receive(other, K.OBJECTION)
        (late,) = other.run(CompleteRequest(), REQUEST, at=asked(other).due_at)
        assert isinstance(late, RequestCompleted)
        assert not late.in_time

    @pytest.mark.parametrize(
        ("kind", "command"),
        [
            (K.ERASURE, DISCLOSURE),
            (K.ACCESS, RectifyData(first_name="Augusta")),
            (K.ACCESS, BeginErasure()),
            (K.OBJECTION, RestrictProcessing()),
        ],
    )
    def test_one_kind_is_not_answered_by_another(self, kind: RequestKind, command: Command) -> None:
        world = opened()
        receive(world, kind)
        verify(world)
        refused(world, command, no.NotOfThisKind)

    def test_a_person_takes_it_back(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        (withdrawn,) = world.run(WithdrawRequest(), REQUEST)
        assert isinstance(withdrawn, RequestWithdrawn)

    def test_confirming_twice_is_once_and_in_order(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        refused(world, AcknowledgeRequest(acknowledged_at=NOW - DAY), no.AcknowledgedOutOfOrder)
        refused(world, AcknowledgeRequest(acknowledged_at=NOW + DAY), no.AcknowledgedOutOfOrder)
        assert len(world.run(AcknowledgeRequest(), REQUEST)) == 1
        assert world.run(AcknowledgeRequest(), REQUEST) == []


class TestRectification:
    def test_it_is_put_right_in_every_contact(self) -> None:
        world = opened()
        receive(world, K.RECTIFICATION)
        verify(world)
        refused(world, RectifyData(), no.NothingToRectify)
        events = world.run(
            RectifyData(first_name="Augusta", attributes={"plan": "gold"}, country="FR"), REQUEST
        )
        assert sum(isinstance(one, ContactUpdated) for one in events) == 2
        assert events[-1] == DataRectified(
            request_id=asked(world).request_id, fields=("attributes", "country", "first_name"), contacts=2
        )
        for contact in (CONTACT, SECOND_CONTACT):
            state = world.state("contact", contact)
            assert (state.first_name, state.attributes) == ("Augusta", {"plan": "gold"})
            assert state.segment.country == "FR"
        known: Addressee = world.state("addressee", addressee(world))
        assert known.person.country == "FR"

    def test_what_the_person_says_of_their_country_is_settled_whatever_was_before(self) -> None:
        world = opened("DE")
        world.run(DescribeAddressee(country="US"), addressee(world))
        receive(world, K.RECTIFICATION)
        verify(world)
        world.run(RectifyData(country="FR"), REQUEST)
        assert world.state("addressee", addressee(world)).person.country == "FR"

    def test_where_no_contact_is_there_only_their_country_can_be_put_right(self) -> None:
        world = opened()
        for contact in (CONTACT, SECOND_CONTACT):
            world.run(RemoveContact(), contact)
        receive(world, K.RECTIFICATION)
        verify(world)
        refused(world, RectifyData(first_name="Augusta", country="FR"), no.NothingHeldToRectify)
        assert world.run(RectifyData(country="FR"), REQUEST)


class TestRestriction:
    def restricted(self) -> World:
        world = opened()
        receive(world, K.RESTRICTION)
        verify(world)
        suppressed, restricted = world.run(RestrictProcessing(), REQUEST)
        assert isinstance(suppressed, AddresseeSuppressed)
        assert (suppressed.kind, suppressed.scope) == ("restriction", "tenant")
        assert restricted is not None
        return world

    def test_nothing_is_changed_while_it_holds(self) -> None:
        world = self.restricted()
        assert world.run(RestrictProcessing(), REQUEST) == []
        for command in (
            UpdateContact(first_name="Augusta"),
            UpdateContact(country="FR"),
            RemoveContact(),
            EraseContact(),
        ):
            refused(world, command, ProcessingIsRestricted, CONTACT)
        for entry in (
            DescribeAddressee(country="FR"),
            RecordRelation(kind=RelationKind.PURCHASE, occurred_on=NOW.date()),
            RetractEntry(entry=1, reason="wrong"),
            EraseAddressee(),
        ):
            refused(world, entry, ProcessingIsRestricted, addressee(world))
        third = WorkspaceId(uid(0x33))
        world.run(CreateWorkspace(name="W"), third)
        anew = CreateContact(workspace_id=third, email=EMAIL)
        refused(world, anew, ProcessingIsRestricted, uid(0x56))

    def test_what_the_person_says_is_entered_all_the_same(self) -> None:
        world = self.restricted()
        assert world.run(RecordOptOut(channel=OptOutChannel.REPLY), addressee(world))
        assert world.run(RecordConsent(occurred_on=NOW.date(), source=Source.WEBSITE_FORM), addressee(world))

    def test_an_erasure_that_the_person_asks_for_later_is_done(self) -> None:
        world = self.restricted()
        workflow = Actor(ActorKind.WORKFLOW, uid(0x77))
        assert world.run(EraseAddressee(), addressee(world), actor=workflow)

    def test_it_is_lifted_by_its_request_once_the_person_was_told(self) -> None:
        world = self.restricted()
        entry = asked(world).restriction
        assert entry is not None
        refused(world, LiftSuppression(entry=entry, reason="over"), LiftedByItsRequest, addressee(world))
        world.run(CompleteRequest(), REQUEST)
        refused(world, LiftRestriction(told_at=NOW + DAY), no.ToldInTheFuture)
        refused(world, LiftRestriction(told_at=NOW - DAY), no.ToldBeforeTheRequest)
        _, lifted = world.run(LiftRestriction(told_at=NOW), REQUEST)
        assert isinstance(lifted, SuppressionLifted)
        assert lifted.entry == entry
        refused(world, LiftRestriction(told_at=NOW), no.NotRestricted)
        assert world.run(UpdateContact(first_name="Augusta"), CONTACT)

    def test_one_of_two_restrictions_that_ends_leaves_the_other(self) -> None:
        world = self.restricted()
        second = uid(0x42)
        told = ReceiveRequest(kind=K.RESTRICTION, channel=RequestChannel.PHONE, email=EMAIL)
        world.run(told, second)
        world.run(CheckIdentity(method=IdentityMethod.KNOWN, verified=True), second)
        world.run(RestrictProcessing(), second)
        world.run(LiftRestriction(told_at=NOW), REQUEST)
        refused(world, UpdateContact(first_name="Augusta"), ProcessingIsRestricted, CONTACT)
        world.run(LiftRestriction(told_at=NOW), second)
        assert world.run(UpdateContact(first_name="Augusta"), CONTACT)


class TestErasure:
    def begun(self) -> World:
        world = opened()
        receive(world, K.ERASURE)
        verify(world)
        (begun,) = world.run(BeginErasure(), REQUEST)
        assert isinstance(begun, ErasureBegun)
        return world

    def test_it_is_answered_once_it_is_certified(self) -> None:
        world = self.begun()
        assert world.run(BeginErasure(), REQUEST) == []
        refused(world, CompleteRequest(), no.ErasureRuns)
        (confirmed,) = world.run(ConfirmErasure(), REQUEST)
        assert isinstance(confirmed, ErasureConfirmed)
        assert world.run(ConfirmErasure(), REQUEST) == []
        (completed,) = world.run(CompleteRequest(), REQUEST)
        assert isinstance(completed, RequestCompleted)
        assert completed.details_until == NOW  # who was erased is not remembered by their request

    @pytest.mark.parametrize(
        "command",
        [
            WithdrawRequest(),
            RefuseRequest(ground=Ground.EXCESSIVE, reason="Again"),
            CheckIdentity(method=IdentityMethod.KNOWN, verified=False),
        ],
    )
    def test_nothing_stops_it(self, command: Command) -> None:
        refused(self.begun(), command, no.ErasureRuns)


class TestTime:
    def test_a_term_is_made_longer_once_and_the_person_is_told(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        extend = ExtendRequest(reason="Many requests")
        refused(world, ExtendRequest(reason="x", told_at=NOW + DAY), no.ToldInTheFuture)
        refused(world, ExtendRequest(reason="x", told_at=NOW - DAY), no.ToldBeforeTheRequest)
        (extended,) = world.run(extend, REQUEST)
        assert isinstance(extended, RequestExtended)
        assert extended.due.isoformat() == "2027-02-23"  # one month and two more
        refused(world, extend, no.AlreadyExtended)

    def test_the_law_whose_longer_term_is_kept_is_told(self) -> None:
        """Of a month and two more, and 45 days and 45 more, the latter are over first."""
        world = opened()
        receive(world, K.ACCESS, place="US-CA")
        assert asked(world).law == "eu-gdpr"
        (extended,) = world.run(ExtendRequest(reason="Many requests"), REQUEST)
        assert isinstance(extended, RequestExtended)
        assert (extended.law, asked(world).law) == ("us-ca", "us-ca")
        assert extended.due == asked(world).terms[1].extended

    def test_too_late_for_the_notice_is_too_late(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        until = asked(world).terms[0].tell_until
        assert until is not None
        with pytest.raises(no.ToldTooLate):
            world.run(ExtendRequest(reason="Many"), REQUEST, at=until)
        assert world.run(ExtendRequest(reason="Many"), REQUEST, at=until - timedelta(microseconds=1))

    def test_a_law_that_gives_no_more_time_gives_none(self) -> None:
        world = opened("BR")
        receive(world, K.ACCESS)
        refused(world, ExtendRequest(reason="Many"), no.NoLongerTerm)

    def test_a_term_that_is_near_and_one_that_is_over_are_announced_once(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        refused(world, RemindOfRequest(), no.NotDueYet)
        due_at = asked(world).due_at
        (near,) = world.run(RemindOfRequest(), REQUEST, at=due_at - 7 * DAY)
        assert isinstance(near, DeadlineApproaching)
        assert world.run(RemindOfRequest(), REQUEST, at=due_at - DAY) == []
        (over,) = world.run(RemindOfRequest(), REQUEST, at=due_at)
        assert isinstance(over, DeadlineMissed)
        assert world.run(RemindOfRequest(), REQUEST, at=due_at + DAY) == []

    def test_a_longer_term_is_announced_anew(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        world.run(RemindOfRequest(), REQUEST, at=asked(world).due_at - DAY)
        world.run(ExtendRequest(reason="Many"), REQUEST)
        refused(world, RemindOfRequest(), no.NotDueYet)
        assert world.run(RemindOfRequest(), REQUEST, at=asked(world).due_at - DAY)

    def test_nothing_is_announced_of_what_was_answered(self) -> None:
        world = opened()
        receive(world, K.OBJECTION)
        world.run(CompleteRequest(), REQUEST)
        assert world.run(RemindOfRequest(), REQUEST, at=asked(world).due_at) == []

    def test_who_asked_is_forgotten_in_time(self) -> None:
        world = opened()
        receive(world, K.OBJECTION)
        refused(world, DestroyRequestDetails(), no.NotDueYet)
        world.run(CompleteRequest(), REQUEST)
        refused(world, DestroyRequestDetails(), no.NotDueYet)
        (event,) = world.run(DestroyRequestDetails(), REQUEST, at=NOW + DETAILS_KEPT)
        assert isinstance(event, RequestDetailsDestroyed)
        assert world.run(DestroyRequestDetails(), REQUEST, at=NOW + DETAILS_KEPT) == []


def test_every_event_has_its_place() -> None:
    assert {*state._AFTER, RequestReceived} == set(get_args(RequestEvent))


def test_the_log_gives_the_same_requests_again() -> None:
    world = opened()
    receive(world, K.RESTRICTION)
    verify(world)
    world.run(RestrictProcessing(), REQUEST)
    world.run(CompleteRequest(), REQUEST)
    world.run(LiftRestriction(told_at=NOW), REQUEST)
    world.run(CreateContact(workspace_id=WORKSPACE, email="b@example.com"), uid(0x53))
    world.assert_replays()
