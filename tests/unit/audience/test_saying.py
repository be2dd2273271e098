"""What workspaces say of somebody's country and kind: it ends with their contact, and with an import that is undone."""

from datetime import date
from uuid import UUID

import pytest

from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import AddresseeDescribed, AddresseeRegistered, DescriptionTakenBack
from domain.audience.addressee_state import Addressee, NoAddressee
from domain.audience.admission import Newcomer, admit
from domain.audience.consent_events import ConsentRecorded
from domain.audience.contact import (
    CreateContact,
    RemoveContact,
    RevertContact,
    Segment,
    UpdateContact,
    changed,
)
from domain.audience.email import match_form
from domain.audience.erasure_events import AddresseeErased
from domain.audience.intake.vocabularies import SubscriberType
from domain.audience.ledger import DescribeAddressee
from domain.audience.saying import forgotten, said_of, says_now
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, ContactId, ImportId, WorkspaceId
from domain.law.facts import Message, Person
from domain.law.judging import judge
from domain.law.packs import load_packs
from domain.tenancy.workspace import CreateWorkspace
from tests.support.given import NOW, TENANT, uid
from tests.support.unit import World

ID = AddresseeId(uid(30))
A, B = WorkspaceId(uid(10)), WorkspaceId(uid(11))
IMPORT = ImportId(uid(77))
BOB = "bob@example.org"
REGISTERED = AddresseeRegistered(
    addressee_id=ID, email=BOB, workspace_id=A, country="DE", subscriber_type="corporate"
)


def state_of(*events: Event) -> Addressee:
    state = ADDRESSEE.fold(list(events))
    assert isinstance(state, Addressee)
    return state


class TestOneWorkspace:
    def test_says_less_by_an_event_that_names_what_it_still_says(self) -> None:
        (event,) = says_now(state_of(REGISTERED), A, None, "corporate")
        assert event == DescriptionTakenBack(
            addressee_id=ID, workspace_id=A, country=None, subscriber_type="corporate"
        )
        person = state_of(REGISTERED, event).person
        assert (person.country, person.subscriber) == (None, "corporate")

    def test_says_something_else_as_it_always_did(self) -> None:
        (event,) = says_now(state_of(REGISTERED), A, "FR", "corporate")
        assert isinstance(event, AddresseeDescribed)
        assert state_of(REGISTERED, event).person.country == "FR"

    def test_may_change_one_word_as_it_takes_another_back(self) -> None:
        (event,) = says_now(state_of(REGISTERED), A, "FR", None)
        person = state_of(REGISTERED, event).person
        assert (person.country, person.subscriber) == ("FR", None)

    def test_takes_nothing_back_that_it_never_said(self) -> None:
        assert says_now(state_of(REGISTERED), B, None, None) == ()
        assert says_now(state_of(REGISTERED), A, "DE", "corporate") == ()
        assert says_now(NoAddressee(), A, None, None) == ()
        gone = AddresseeErased(addressee_id=ID)
        assert says_now(state_of(REGISTERED, gone), A, None, None) == ()

    def test_leaves_what_was_settled_for_the_tenant(self) -> None:
        settled = AddresseeDescribed(addressee_id=ID, country="FR")
        events = says_now(state_of(REGISTERED, settled), A, None, None)
        person = state_of(REGISTERED, settled, *events).person
        assert (person.country, person.subscriber) == ("FR", None)


def test_who_takes_their_word_back_contradicts_nobody() -> None:
    other = said_of(state_of(REGISTERED), ID, B, "FR", None)
    assert state_of(REGISTERED, *other).person.contradicted == ("country",)
    events = says_now(state_of(REGISTERED, *other), A, None, "corporate")
    person = state_of(REGISTERED, *other, *events).person
    assert (person.country, person.subscriber, person.contradicted) == ("FR", "corporate", ())


def test_a_field_is_forgotten_wherever_it_was_said() -> None:
    history = (
        REGISTERED,
        AddresseeDescribed(addressee_id=ID, workspace_id=B, subscriber_type="individual"),
        AddresseeDescribed(addressee_id=ID, country="US"),
    )
    events = list(forgotten(state_of(*history), {"country"}))
    assert [event.workspace_id for event in events] == [A, None]
    person = state_of(*history, *events).person
    assert (person.country, person.contradicted) == (None, ("subscriber",))


@pytest.fixture
def world() -> World:
    world = World()
    for workspace in (A, B):
        world.run(CreateWorkspace(name="W"), workspace)
    return world


def create(world: World, n: int, workspace: WorkspaceId, country: str | None) -> UUID:
    world.run(CreateContact(workspace_id=workspace, email=BOB, country=country), uid(n))
    return uid(n)


def person(world: World, contact: UUID) -> Person:
    addressee = world.state("addressee", world.state("contact", contact).addressee_id)
    assert isinstance(addressee, Addressee)
    return addressee.person


def imported(world: World, contact: UUID, country: str) -> None:
    """What a chunk enters of a row of somebody who is there."""
    known = world.state("contact", contact)
    world.happened("contact", contact, *changed(known, {"country": country}, IMPORT))
    addressee = world.state("addressee", known.addressee_id)
    said = said_of(addressee, known.addressee_id, known.workspace_id, country, None)
    world.happened("addressee", known.addressee_id, *said)


def test_an_import_that_is_rolled_back_no_longer_says_where_somebody_is(world: World) -> None:
    bob, message = create(world, 20, A, "DE"), Message(bulk=True)
    imported(world, bob, "US")
    assert judge(person(world, bob), message, "US", NOW, load_packs()).verdict == "allow"
    world.run(RevertContact(import_id=IMPORT), bob)
    assert person(world, bob).country == "DE"
    assert judge(person(world, bob), message, "US", NOW, load_packs()).verdict == "deny"
    world.assert_replays()


def test_an_import_that_said_it_first_leaves_nothing_known(world: World) -> None:
    bob = create(world, 20, A, None)
    imported(world, bob, "US")
    world.run(RevertContact(import_id=IMPORT), bob)
    decision = judge(person(world, bob), Message(bulk=True), "US", NOW, load_packs())
    assert (person(world, bob).country, decision.verdict) == (None, "hold")
    assert "country" in decision.reasons[0].missing


def test_a_contact_that_somebody_changed_since_keeps_its_word(world: World) -> None:
    bob = create(world, 20, A, "DE")
    imported(world, bob, "US")
    world.run(UpdateContact(country="CA"), bob)
    assert world.run(RevertContact(import_id=IMPORT), bob) == []
    assert person(world, bob).country == "CA"


def test_a_new_contact_of_an_import_takes_its_word_along(world: World) -> None:
    bob, other = create(world, 20, A, "DE"), ContactId(uid(21))
    (key,) = world.pseudonyms(TENANT, "email_claim", match_form(BOB))
    known = world.state("contact", bob).addressee_id
    newcomer = Newcomer(other, B, BOB, {}, Segment(country="US"), IMPORT)
    present = world.state("addressee", known)
    admission = admit(newcomer, world.state("email_claim", key), present, NoAddressee(), known)
    world.happened("email_claim", key, *admission.claim)
    world.happened("addressee", known, *admission.addressee)
    world.happened("contact", other, *admission.contact)
    assert person(world, bob).contradicted == ("country",)
    world.run(RevertContact(import_id=IMPORT), other)
    assert (person(world, bob).country, person(world, bob).contradicted) == ("DE", ())
    world.assert_replays()


def test_who_is_removed_contradicts_those_who_stay_no_more(world: World) -> None:
    removed = create(world, 20, A, "DE")
    bob = create(world, 21, B, "FR")
    assert person(world, bob).contradicted == ("country",)
    world.run(RemoveContact(), removed)
    assert (person(world, bob).country, person(world, bob).contradicted) == ("FR", ())
    world.run(RemoveContact(), bob)
    assert person(world, bob).country is None


@pytest.mark.parametrize(("told", "known"), [(None, None), ("FR", "FR")])
def test_who_comes_anew_says_nothing_that_a_contact_of_before_left_behind(
    world: World, told: str | None, known: str | None
) -> None:
    removed = create(world, 20, B, "DE")
    addressee = world.state("contact", removed).addressee_id
    world.run(RemoveContact(), removed)
    left = AddresseeDescribed(
        addressee_id=addressee, workspace_id=A, country="US", subscriber_type="corporate"
    )
    world.happened("addressee", addressee, left)
    bob = create(world, 21, A, told)
    assert (person(world, bob).country, person(world, bob).subscriber) == (known, None)
    verdict = judge(person(world, bob), Message(bulk=True), "US", NOW, load_packs()).verdict
    assert verdict != "allow"
    world.assert_replays()


def test_what_a_contact_clears_its_workspace_says_no_more(world: World) -> None:
    bob = create(world, 20, A, "US")
    world.run(UpdateContact(subscriber_type=SubscriberType.CORPORATE), bob)
    assert person(world, bob).country == "US", "what a command leaves out stays"
    world.run(UpdateContact(country=None), bob)
    assert (person(world, bob).country, person(world, bob).subscriber) == (None, "corporate")
    world.run(UpdateContact(subscriber_type=None), bob)
    assert person(world, bob).subscriber is None
    assert world.run(UpdateContact(country=None), bob) == [], "nothing is left to take back"


def test_what_is_settled_for_the_tenant_outlives_every_contact(world: World) -> None:
    bob = create(world, 20, A, "US")
    world.run(DescribeAddressee(country="FR"), world.state("contact", bob).addressee_id)
    world.run(RemoveContact(), bob)
    assert person(world, bob).country == "FR"


def test_what_was_settled_for_the_tenant_is_taken_back_by_null(world: World) -> None:
    bob = create(world, 20, A, "US")
    who = world.state("contact", bob).addressee_id
    world.run(DescribeAddressee(country="FR", subscriber_type=SubscriberType.CORPORATE), who)
    assert world.run(DescribeAddressee(could_object=True), who), "what is left out stays"
    assert person(world, bob).country == "FR"
    world.run(DescribeAddressee(country=None), who)
    assert (person(world, bob).country, person(world, bob).subscriber) == ("US", "corporate")
    both = DescribeAddressee(country="DE", subscriber_type=None)
    assert [type(one).__name__ for one in world.run(both, who)] == [
        "DescriptionTakenBack",
        "AddresseeDescribed",
    ]
    assert (person(world, bob).country, person(world, bob).subscriber) == ("DE", None)
    assert world.run(DescribeAddressee(subscriber_type=None), who) == []


def test_consents_stay_when_the_word_goes(world: World) -> None:
    bob = create(world, 20, A, "US")
    addressee = world.state("contact", bob).addressee_id
    consent = ConsentRecorded(
        addressee_id=addressee, occurred_on=date(2026, 1, 1), source="event", recorded_by="api"
    )
    world.happened("addressee", addressee, consent)
    world.run(RemoveContact(), bob)
    assert person(world, bob).consents
