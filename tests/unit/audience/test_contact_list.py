"""Lists chosen by hand."""

import pytest
from pydantic import ValidationError

from domain.audience.contact_list import (
    AddToList,
    ArchiveList,
    ContactList,
    CreateList,
    ListArchived,
    ListCreated,
    ListIdTaken,
    ListIsArchived,
    ListMembersAdded,
    ListMembersRemoved,
    ListRenamed,
    NoSuchList,
    RemoveFromList,
    RenameList,
    open_list,
)
from domain.kernel.errors import NotFound
from domain.kernel.ids import ContactId, ListId, WorkspaceId
from tests.support.given import given, uid

ID, WORKSPACE = ListId(uid(50)), WorkspaceId(uid(10))
ONE, TWO, THREE = (ContactId(uid(n)) for n in (20, 21, 22))
CREATED = ListCreated(list_id=ID, workspace_id=WORKSPACE, list_name="Buyers")
ADDED = ListMembersAdded(list_id=ID, workspace_id=WORKSPACE, contact_ids=[ONE, TWO])
ARCHIVED = ListArchived(list_id=ID, workspace_id=WORKSPACE)


def test_a_list_begins_empty() -> None:
    state = given().when(CreateList(workspace_id=WORKSPACE, name=" Buyers "), target=ID).then(CREATED)
    assert state == ContactList(ID, WORKSPACE, "Buyers")
    given(CREATED).when(CreateList(workspace_id=WORKSPACE, name="B"), target=ID).then(ListIdTaken)


def test_only_who_is_not_on_the_list_is_added() -> None:
    state = (
        given(CREATED, ADDED)
        .when(AddToList(contact_ids=[TWO, THREE, THREE]), target=ID)
        .then(ListMembersAdded(list_id=ID, workspace_id=WORKSPACE, contact_ids=[THREE]))
    )
    assert set(state.members) == {ONE, TWO, THREE}
    given(CREATED, ADDED).when(AddToList(contact_ids=[ONE]), target=ID).then()


def test_only_who_is_on_the_list_is_taken_off() -> None:
    state = (
        given(CREATED, ADDED)
        .when(RemoveFromList(contact_ids=[TWO, THREE]), target=ID)
        .then(ListMembersRemoved(list_id=ID, workspace_id=WORKSPACE, contact_ids=[TWO]))
    )
    assert set(state.members) == {ONE}
    given(CREATED).when(RemoveFromList(contact_ids=[ONE]), target=ID).then()


def test_renaming() -> None:
    renamed = ListRenamed(list_id=ID, workspace_id=WORKSPACE, before="Buyers", after="Sellers")
    assert given(CREATED).when(RenameList(name="Sellers"), target=ID).then(renamed).name == "Sellers"
    given(CREATED).when(RenameList(name="Buyers"), target=ID).then()


def test_an_archived_list_stays_as_it_is() -> None:
    assert given(CREATED).when(ArchiveList(), target=ID).then(ARCHIVED).archived
    given(CREATED, ARCHIVED).when(ArchiveList(), target=ID).then()
    for command in (RenameList(name="X"), AddToList(contact_ids=[ONE]), RemoveFromList(contact_ids=[ONE])):
        given(CREATED, ARCHIVED).when(command, target=ID).then(ListIsArchived)


def test_no_list_is_not_found() -> None:
    given().when(RenameList(name="X"), target=ID).then(NotFound)


def test_an_import_fills_a_list_of_its_own_workspace() -> None:
    state = ContactList(ID, WORKSPACE, "Buyers")
    assert open_list(state, WORKSPACE) is state
    for other in (ContactList(ID, WorkspaceId(uid(11)), "B"), ContactList(ID, WORKSPACE, "B", archived=True)):
        with pytest.raises(NoSuchList):
            open_list(other, WORKSPACE)


@pytest.mark.parametrize("count", [0, 1001])
def test_a_chunk_has_one_to_a_thousand_contacts(count: int) -> None:
    with pytest.raises(ValidationError):
        AddToList(contact_ids=[ContactId(uid(n)) for n in range(count)])
