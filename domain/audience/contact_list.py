"""A list of contacts of one workspace, chosen by hand: a static list."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Final, TypeAlias, assert_never

from pydantic import Field

from domain.audience.contact import Contact, ContactState
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import ContactId, ListId, WorkspaceId
from domain.kernel.idset import IdSet
from domain.kernel.permissions import Permission
from domain.kernel.text import ShortText

MAX_CHUNK: Final = 1000


class ListCreated(Event, name="audience.list_created", version=1):
    """A list came to be, empty."""

    list_id: ListId
    workspace_id: WorkspaceId
    list_name: str


class ListRenamed(Event, name="audience.list_renamed", version=1):
    """A list took another name."""

    list_id: ListId
    workspace_id: WorkspaceId
    before: str
    after: str


class ListMembersAdded(Event, name="audience.list_members_added", version=1):
    """Contacts came onto a list: those that were not on it before, at most 1,000 an event."""

    list_id: ListId
    workspace_id: WorkspaceId
    contact_ids: list[ContactId]


class ListMembersRemoved(Event, name="audience.list_members_removed", version=1):
    """Contacts left a list: those that were on it, at most 1,000 an event."""

    list_id: ListId
    workspace_id: WorkspaceId
    contact_ids: list[ContactId]


class ListArchived(Event, name="audience.list_archived", version=1):
    """A list does not change any more."""

    list_id: ListId
    workspace_id: WorkspaceId


ListEvent: TypeAlias = ListCreated | ListRenamed | ListMembersAdded | ListMembersRemoved | ListArchived


@dataclass(frozen=True, slots=True)
class NoList:
    """No list has this id."""


@dataclass(frozen=True, slots=True)
class ContactList:
    """A list as it stands. A contact that was removed since may still be on it; views leave it out."""

    list_id: ListId
    workspace_id: WorkspaceId
    name: str
    members: IdSet = field(default_factory=IdSet)
    archived: bool = False


ListState: TypeAlias = NoList | ContactList


def evolve(state: ListState, event: ListEvent) -> ListState:
    """The list after `event`."""
    if isinstance(event, ListCreated):
        return ContactList(event.list_id, event.workspace_id, event.list_name)
    if isinstance(state, NoList):
        return state
    match event:
        case ListRenamed():
            return replace(state, name=event.after)
        case ListMembersAdded():
            return replace(state, members=state.members.adding(event.contact_ids))
        case ListMembersRemoved():
            return replace(state, members=state.members.removing(event.contact_ids))
        case ListArchived():
            return replace(state, archived=True)
        case _:
            assert_never(event)


class ListIdTaken(Refusal):
    """A list's id is used once. Take a new id."""

    code = "list-id-taken"


class ListIsArchived(Refusal):
    """An archived list does not change any more. Make a new one."""

    code = "list-archived"


class NotInThisWorkspace(Refusal):
    """A list holds contacts of its own workspace that are there now. Leave the others out."""

    code = "contact-not-in-workspace"
    kind = RefusalKind.INVALID
    field = "/contact_ids"


class NoSuchList(Refusal):
    """The list that the body names is not in the workspace, or is archived. Name another, or none."""

    code = "no-such-list"
    kind = RefusalKind.NOT_FOUND
    field = "/list_id"


ContactIds = Annotated[list[ContactId], Field(min_length=1, max_length=MAX_CHUNK)]


class CreateList(Command, context="audience", stream="list", permission=Permission.LISTS_WRITE):
    """Make an empty list in a workspace."""

    workspace_id: WorkspaceId
    name: ShortText


class RenameList(Command, context="audience", stream="list", permission=Permission.LISTS_WRITE):
    """Give a list another name."""

    name: ShortText


class AddToList(Command, context="audience", stream="list", permission=Permission.LISTS_WRITE):
    """Put contacts onto a list; those that are on it already stay there.

    Nothing goes to anybody by that alone, so it takes people who opted out, and those whose data are restricted.
    """

    contact_ids: ContactIds


class RemoveFromList(Command, context="audience", stream="list", permission=Permission.LISTS_WRITE):
    """Take contacts off a list; those that are not on it do not matter."""

    contact_ids: ContactIds


class ArchiveList(Command, context="audience", stream="list", permission=Permission.LISTS_WRITE):
    """Keep a list as it is."""


ListCommand: TypeAlias = CreateList | RenameList | AddToList | RemoveFromList | ArchiveList


def listable(state: ContactList, contact: ContactState) -> None:
    """A contact may be on the list: it is there, in the list's workspace."""
    if not isinstance(contact, Contact) or contact.workspace_id != state.workspace_id:
        raise NotInThisWorkspace


def open_list(state: ListState, workspace_id: WorkspaceId) -> ContactList:
    """A list of this workspace that takes contacts; it was named in a body."""
    if not isinstance(state, ContactList) or state.workspace_id != workspace_id or state.archived:
        raise NoSuchList
    return state


def decide(command: ListCommand, state: ListState) -> tuple[Event, ...]:
    """What a command does to the list."""
    if isinstance(command, CreateList):
        if isinstance(state, ContactList):
            raise ListIdTaken
        list_id = ListId(command.stamp.target)
        return (ListCreated(list_id=list_id, workspace_id=command.workspace_id, list_name=command.name),)
    if isinstance(state, NoList):
        raise NotFound
    if state.archived:
        if isinstance(command, ArchiveList):
            return ()
        raise ListIsArchived
    list_id, workspace_id = state.list_id, state.workspace_id
    match command:
        case RenameList():
            if command.name == state.name:
                return ()
            return (
                ListRenamed(
                    list_id=list_id, workspace_id=workspace_id, before=state.name, after=command.name
                ),
            )
        case AddToList():
            new = [i for i in dict.fromkeys(command.contact_ids) if i not in state.members]
            return (
                (ListMembersAdded(list_id=list_id, workspace_id=workspace_id, contact_ids=new),)
                if new
                else ()
            )
        case RemoveFromList():
            old = [i for i in dict.fromkeys(command.contact_ids) if i in state.members]
            return (
                (ListMembersRemoved(list_id=list_id, workspace_id=workspace_id, contact_ids=old),)
                if old
                else ()
            )
        case ArchiveList():
            return (ListArchived(list_id=list_id, workspace_id=workspace_id),)
        case _:
            assert_never(command)


def _size(state: ListState) -> int:
    return len(state.members) if isinstance(state, ContactList) else 0


LIST: Final[Decider[ListState]] = Decider(
    category="list", initial=NoList(), evolve=evolve, decide=decide, size=_size
)
