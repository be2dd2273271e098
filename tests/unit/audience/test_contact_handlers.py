"""Contacts with their addresses: one a workspace, one addressee a tenant, opt-outs that outlive everything."""

import pytest

from domain.audience.consent_commands import OptOutChannel, RecordConsent, RecordOptOut, WithdrawConsent
from domain.audience.contact import (
    Contact,
    ContactAlreadyErased,
    ContactCreated,
    ContactGone,
    ContactIdTaken,
    CreateContact,
    EraseContact,
    RemoveContact,
    RevertContact,
    Segment,
    changed,
)
from domain.audience.contact_list import AddToList, CreateList, NotInThisWorkspace
from domain.audience.email_claim import AddressTaken, EmailClaimed
from domain.audience.intake.vocabularies import Source
from domain.audience.own_word import HeedOptOut
from domain.kernel.errors import NotFound
from domain.kernel.ids import ContactId, ImportId, WorkspaceId
from domain.tenancy.workspace import ArchiveWorkspace, CreateWorkspace, NoSuchWorkspace, WorkspaceIsArchived
from tests.support.given import uid
from tests.support.unit import World

A, B = WorkspaceId(uid(10)), WorkspaceId(uid(11))
BOB = "bob@example.org"


@pytest.fixture
def world() -> World:
    world = World()
    for workspace in (A, B):
        world.run(CreateWorkspace(name="W"), workspace)
    return world


def create(world: World, n: int, workspace: WorkspaceId = A, email: str = BOB) -> Contact:
    world.run(CreateContact(workspace_id=workspace, email=email), uid(n))
    return contact(world, n)


def contact(world: World, n: int) -> Contact:
    state = world.state("contact", uid(n))
    assert isinstance(state, Contact)
    return state


def test_one_contact_per_workspace_and_address_in_any_spelling(world: World) -> None:
    create(world, 20)
    with pytest.raises(AddressTaken) as caught:
        create(world, 21, email="BOB@Example.org")
    assert caught.value.extra == {"contact_id": uid(20)}
    assert "bob" not in caught.value.detail.lower()


def test_a_second_workspace_shares_the_addressee_and_adds_one_event_to_the_claim(world: World) -> None:
    first = create(world, 20)
    events = world.run(CreateContact(workspace_id=B, email=BOB), uid(21))
    assert [event.name for event in events] == ["audience.email_claimed", "audience.contact_created"]
    assert contact(world, 21).addressee_id == first.addressee_id


def test_a_removed_contacts_address_is_free_and_its_addressee_stays(world: World) -> None:
    first = create(world, 20)
    world.run(RemoveContact(), uid(20))
    again = create(world, 21)
    assert again.addressee_id == first.addressee_id
    with pytest.raises(ContactGone):
        world.run(RemoveContact(), uid(20))


def test_an_id_is_used_once_also_after_removal(world: World) -> None:
    create(world, 20)
    world.run(RemoveContact(), uid(20))
    with pytest.raises(ContactIdTaken):
        create(world, 20, email="other@example.org")


def test_a_workspace_must_be_there_and_open(world: World) -> None:
    with pytest.raises(NoSuchWorkspace):
        create(world, 20, WorkspaceId(uid(99)))
    world.run(ArchiveWorkspace(), A)
    with pytest.raises(WorkspaceIsArchived):
        create(world, 20)


def test_erasure_reaches_every_workspace_and_frees_the_address(world: World) -> None:
    old = create(world, 20)
    create(world, 21, B)
    world.run(EraseContact(), uid(20))
    assert all(state.erased for state in world.of("contact").values())
    again = create(world, 22)
    assert again.addressee_id != old.addressee_id
    for n in (20, 21):
        with pytest.raises(ContactAlreadyErased):
            world.run(EraseContact(), uid(n))


def test_a_removed_contact_can_still_be_erased(world: World) -> None:
    state = create(world, 20)
    world.run(RemoveContact(), uid(20))
    world.run(EraseContact(), uid(20))
    assert world.state("addressee", state.addressee_id).erased
    with pytest.raises(NotFound):
        world.run(EraseContact(), uid(77))


def test_an_opt_out_outlives_removal_and_erasure(world: World) -> None:
    first = create(world, 20)
    world.run(RecordOptOut(channel=OptOutChannel.REPLY), first.addressee_id)
    world.run(RemoveContact(), uid(20))
    second = create(world, 21)
    assert not world.state("addressee", second.addressee_id).contactable
    world.run(EraseContact(), uid(21))
    third = create(world, 22)
    assert not world.state("addressee", third.addressee_id).contactable


@pytest.mark.parametrize(
    "command",
    [
        RecordOptOut(channel=OptOutChannel.ONE_CLICK),
        HeedOptOut(channel=OptOutChannel.ONE_CLICK),
        WithdrawConsent(channel=OptOutChannel.ONE_CLICK),
        WithdrawConsent(channel=OptOutChannel.ONE_CLICK, entry=2),
    ],
    ids=["record-opt-out", "heed-opt-out", "withdraw-consent", "withdraw-one-consent"],
)
def test_a_late_opt_out_of_an_erased_person_reaches_their_successors(
    world: World, command: RecordOptOut | HeedOptOut | WithdrawConsent
) -> None:
    old = create(world, 20)
    world.run(RecordConsent(occurred_on=world.now.date(), source=Source.EVENT), old.addressee_id)
    world.run(EraseContact(), uid(20))
    create(world, 21)
    world.run(EraseContact(), uid(21))
    new = create(world, 22)
    world.run(command, old.addressee_id)
    assert not world.state("addressee", new.addressee_id).contactable


def test_addresses_are_found_under_an_older_pseudonym_key(world: World) -> None:
    create(world, 20)
    world.keys.insert(0, b"newer")
    with pytest.raises(AddressTaken):
        create(world, 21)
    world.run(RemoveContact(), uid(20))
    create(world, 21)
    assert len(world.of("email_claim")) == 1


def test_rolling_back_an_import_frees_the_address_of_a_contact_it_made(world: World) -> None:
    made_by = ImportId(uid(40))
    state = create(world, 20)
    world.happened("contact", uid(20), *changed(state, {"title": "CFO"}, made_by))
    world.run(RevertContact(import_id=made_by), uid(20))
    assert contact(world, 20).title is None
    key = next(iter(world.of("email_claim")))
    newcomer = ContactId(uid(21))
    claimed = EmailClaimed(addressee_id=state.addressee_id, workspace_id=B, contact_id=newcomer)
    world.happened("email_claim", key, claimed)
    created = ContactCreated(
        contact_id=newcomer,
        workspace_id=B,
        addressee_id=state.addressee_id,
        email=BOB,
        segment=Segment(),
        import_id=made_by,
    )
    world.happened("contact", newcomer, created)
    world.run(RevertContact(import_id=made_by), newcomer)
    assert world.state("email_claim", key).contacts == {A: uid(20)}
    assert world.run(RevertContact(import_id=made_by), newcomer) == []


def test_a_list_takes_contacts_of_its_own_workspace(world: World) -> None:
    create(world, 20)
    create(world, 21, B)
    world.run(CreateList(workspace_id=A, name="L"), uid(50))
    world.run(AddToList(contact_ids=[ContactId(uid(20))]), uid(50))
    for stranger in (21, 99):
        with pytest.raises(NotInThisWorkspace):
            world.run(AddToList(contact_ids=[ContactId(uid(stranger))]), uid(50))
    assert len(world.state("list", uid(50)).members) == 1
    with pytest.raises(NotFound):
        world.run(AddToList(contact_ids=[ContactId(uid(20))]), uid(51))
