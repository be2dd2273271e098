"""A request from its receipt to who it is that asks: one test for each rule."""

from datetime import timedelta
from typing import Any, get_args

import pytest

from domain.audience.addressee_events import SaleOptedOut, SubjectRequestNoted
from domain.audience.addressee_state import Addressee
from domain.audience.consent_events import OptedOut
from domain.audience.contact import CreateContact
from domain.audience.erasure import EraseAddressee
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.ids import AddresseeId
from domain.rights import refusals as no
from domain.rights import state
from domain.rights.commands import (
    AcknowledgeRequest,
    AskIdentity,
    BeginErasure,
    CheckIdentity,
    CompleteRequest,
    LiftRestriction,
    NameSubject,
    ReceiveRequest,
    RefuseRequest,
    RestrictProcessing,
)
from domain.rights.events import (
    DataDisclosed,
    IdentityAsked,
    IdentityChecked,
    RequestCompleted,
    RequestEvent,
    RequestReceived,
    RequestRefused,
    RequestSubjectNamed,
)
from domain.rights.kinds import Ground, Identity, IdentityMethod, RequestChannel, RequestKind
from tests.support.given import NOW, uid
from tests.support.requests import (
    DISCLOSURE,
    EMAIL,
    MADE,
    REQUEST,
    WORKSPACE,
    addressee,
    asked,
    opened,
    receive,
    refused,
    verify,
)

DAY = timedelta(days=1)
K = RequestKind


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
        world.run(MADE, REQUEST)
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
        world.run(MADE, REQUEST)
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

    def test_who_was_checked_is_asked_nothing_more(self) -> None:
        world, question = opened(), AskIdentity(asked_for="Answer from the address")
        receive(world, K.ACCESS)
        assert len(world.run(question, REQUEST)) == len(world.run(question, REQUEST)) == 1
        verify(world)
        refused(world, question, no.IdentityEstablishedAlready)
        assert asked(world).identity is Identity.VERIFIED
        world.run(CheckIdentity(method=IdentityMethod.DOCUMENT, verified=False), REQUEST)
        assert world.run(question, REQUEST)
        verify(world)
        world.run(MADE, REQUEST)
        world.run(DISCLOSURE, REQUEST)
        refused(world, question, no.DoneAlready)

    def test_nobody_is_asked_while_they_are_being_erased(self) -> None:
        world = opened()
        receive(world, K.ERASURE)
        verify(world)
        world.run(BeginErasure(), REQUEST)
        refused(world, AskIdentity(asked_for="Answer from the address"), no.ErasureRuns)

    def test_the_clock_does_not_stop_for_it(self) -> None:
        world = opened()
        receive(world, K.ACCESS)
        due = asked(world).due_at
        world.later(5 * DAY)
        world.run(AskIdentity(asked_for="Answer from the address"), REQUEST)
        world.later(5 * DAY)
        verify(world)
        assert asked(world).due_at == due


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
