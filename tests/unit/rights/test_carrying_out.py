"""What a request has done to somebody's data: put right, restricted, erased; one test for each rule."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.audience.addressee_events import AddresseeSuppressed, SuppressionLifted
from domain.audience.addressee_state import Addressee
from domain.audience.consent_commands import (
    ConfirmConsent,
    OptOutChannel,
    RecordConsent,
    RecordOptOut,
    RequestConfirmation,
    WithdrawConsent,
)
from domain.audience.consent_events import ConfirmationRequested, ConsentConfirmed
from domain.audience.contact import ContactUpdated, CreateContact, EraseContact, RemoveContact, UpdateContact
from domain.audience.contact_list import AddToList, CreateList, ListMembersAdded
from domain.audience.erasure import EraseAddressee
from domain.audience.intake.vocabularies import Source, SubscriberType
from domain.audience.ledger import DescribeAddressee, LiftSuppression, RecordRelation, RetractEntry
from domain.audience.ledger_refusals import LiftedByItsRequest, ProcessingIsRestricted
from domain.kernel.commands import Actor, ActorKind, Command
from domain.kernel.ids import ContactId, WorkspaceId
from domain.law.facts import RelationKind
from domain.rights import refusals as no
from domain.rights.commands import (
    BeginErasure,
    CheckIdentity,
    CompleteRequest,
    ConfirmErasure,
    LiftRestriction,
    ReceiveRequest,
    RectifyData,
    RefuseRequest,
    RestrictProcessing,
    WithdrawRequest,
)
from domain.rights.events import DataRectified, ErasureBegun, ErasureConfirmed, RequestCompleted
from domain.rights.kinds import Ground, IdentityMethod, RequestChannel, RequestKind
from domain.tenancy.workspace import CreateWorkspace
from tests.support.given import NOW, uid
from tests.support.requests import (
    CONTACT,
    EMAIL,
    REQUEST,
    SECOND_CONTACT,
    addressee,
    asked,
    opened,
    receive,
    refused,
    verify,
)
from tests.support.unit import World

DAY = timedelta(days=1)
K = RequestKind


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

    @pytest.mark.parametrize("settled", [None, "US"])
    def test_what_the_person_wants_cleared_nobody_says_any_more(self, settled: str | None) -> None:
        world = opened("DE")
        if settled is not None:
            world.run(
                DescribeAddressee(country=settled, subscriber_type=SubscriberType.CORPORATE), addressee(world)
            )
        receive(world, K.RECTIFICATION)
        verify(world)
        world.run(RectifyData(country=None), REQUEST)
        assert world.state("contact", CONTACT).segment.country is None
        person = world.state("addressee", addressee(world)).person
        assert (person.country, person.contradicted) == (None, ())
        assert person.subscriber == (None if settled is None else "corporate"), "of that they said nothing"
        world.assert_replays()

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
        return self.restrict(opened())

    def restrict(self, world: World) -> World:
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

    def test_a_contact_that_is_there_may_be_put_onto_a_list(self) -> None:
        world = opened()
        workspace = world.state("contact", CONTACT).workspace_id
        world.run(CreateList(workspace_id=workspace, name="All"), uid(0x57))
        self.restrict(world)
        (added,) = world.run(AddToList(contact_ids=[ContactId(CONTACT)]), uid(0x57))
        assert isinstance(added, ListMembersAdded)

    def test_what_the_person_says_is_entered_all_the_same(self) -> None:
        world = opened()
        (asking,) = world.run(RequestConfirmation(source=Source.WEBSITE_FORM), addressee(world))
        assert isinstance(asking, ConfirmationRequested)
        request = world.state("addressee", addressee(world)).version
        self.restrict(world)
        (confirmed,) = world.run(ConfirmConsent(request=request), addressee(world))
        assert isinstance(confirmed, ConsentConfirmed)
        assert world.run(RecordOptOut(channel=OptOutChannel.REPLY), addressee(world))
        assert world.run(RecordConsent(occurred_on=NOW.date(), source=Source.WEBSITE_FORM), addressee(world))
        assert world.run(WithdrawConsent(channel=OptOutChannel.REPLY), addressee(world))

    def test_they_are_not_asked_for_a_confirmation_which_is_a_message_to_them(self) -> None:
        world = self.restricted()
        asking = RequestConfirmation(source=Source.WEBSITE_FORM)
        refused(world, asking, ProcessingIsRestricted, addressee(world))
        world.run(LiftRestriction(told_at=NOW), REQUEST)
        assert world.run(asking, addressee(world))

    def test_what_they_ask_to_have_put_right_is(self) -> None:
        world, second = self.restricted(), uid(0x42)
        told = ReceiveRequest(kind=K.RECTIFICATION, channel=RequestChannel.EMAIL, email=EMAIL)
        world.run(told, second)
        world.run(CheckIdentity(method=IdentityMethod.KNOWN, verified=True), second)
        world.run(RectifyData(first_name="Augusta", country="FR"), second)
        assert world.state("contact", CONTACT).first_name == "Augusta"
        refused(world, UpdateContact(first_name="Ada"), ProcessingIsRestricted, CONTACT)

    def test_an_erasure_that_the_person_asks_for_later_is_done(self) -> None:
        world = self.restricted()
        workflow = Actor(ActorKind.WORKFLOW, uid(0x77))
        assert world.run(EraseAddressee(), addressee(world), actor=workflow)

    def asked_for_erasure(self, world: World, at: datetime) -> UUID:
        """Another request of the same person, who is known to ask."""
        erasure = uid(0x42)
        received = ReceiveRequest(
            kind=K.ERASURE, email=EMAIL, channel=RequestChannel.EMAIL, received_at=at, submitted_at=at
        )
        world.run(received, erasure)
        world.run(CheckIdentity(method=IdentityMethod.MAILBOX, verified=True), erasure)
        return erasure

    def test_an_erasure_that_was_asked_for_before_it_waits_for_the_persons_word(self) -> None:
        world = self.restricted()
        erasure = self.asked_for_erasure(world, NOW - DAY)
        with pytest.raises(no.RestrictedSince) as told:
            world.run(BeginErasure(), erasure)
        assert told.value.extra == {"restricted_by": REQUEST}
        world.run(LiftRestriction(told_at=NOW), REQUEST)
        (begun,) = world.run(BeginErasure(), erasure)
        assert isinstance(begun, ErasureBegun)

    def test_of_both_on_one_moment_the_one_that_destroys_nothing_counts(self) -> None:
        world = self.restricted()
        refused(world, BeginErasure(), no.RestrictedSince, self.asked_for_erasure(world, NOW))

    def test_an_erasure_that_was_asked_for_after_it_is_their_later_word(self) -> None:
        world = self.restricted()
        world.later(DAY)
        assert world.run(BeginErasure(), self.asked_for_erasure(world, world.now))

    def test_nothing_is_restricted_whose_erasure_has_begun(self) -> None:
        world = opened()
        receive(world, K.RESTRICTION)
        verify(world)
        world.run(BeginErasure(), self.asked_for_erasure(world, NOW - DAY))
        refused(world, RestrictProcessing(), no.ErasureRuns)

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
