"""A workspace: where a tenant's people keep the contacts of one client or one purpose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never

from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import EVENTS, Event, Payload
from domain.kernel.ids import WorkspaceId
from domain.kernel.permissions import Permission
from domain.kernel.places import CountryCode
from domain.kernel.text import ShortText


class WorkspaceCreated(Event, name="tenancy.workspace_created", version=2):
    """A workspace came to be. `country`: where the client is established whose it is; None: nobody said."""

    workspace_id: WorkspaceId
    workspace_name: str
    country: str | None = None


@EVENTS.upcaster("tenancy.workspace_created", 1)
def _nobody_said_where(payload: Payload) -> Payload:
    return {**payload, "country": None}


class WorkspaceRenamed(Event, name="tenancy.workspace_renamed", version=1):
    """A workspace took another name."""

    workspace_id: WorkspaceId
    before: str
    after: str


class WorkspaceArchived(Event, name="tenancy.workspace_archived", version=1):
    """A workspace takes nothing new any more; what is in it can be read."""

    workspace_id: WorkspaceId


WorkspaceEvent: TypeAlias = WorkspaceCreated | WorkspaceRenamed | WorkspaceArchived


@dataclass(frozen=True, slots=True)
class NoWorkspace:
    """No workspace has this id."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace as it stands."""

    workspace_id: WorkspaceId
    name: str
    archived: bool = False


WorkspaceState: TypeAlias = NoWorkspace | Workspace


def evolve(state: WorkspaceState, event: WorkspaceEvent) -> WorkspaceState:
    """The workspace after `event`."""
    if isinstance(event, WorkspaceCreated):
        return Workspace(event.workspace_id, event.workspace_name)
    if isinstance(state, NoWorkspace):
        return state
    match event:
        case WorkspaceRenamed():
            return replace(state, name=event.after)
        case WorkspaceArchived():
            return replace(state, archived=True)
        case _:
            assert_never(event)


class WorkspaceIdTaken(Refusal):
    """A workspace's id is used once. Take a new id."""

    code = "workspace-id-taken"


class WorkspaceIsArchived(Refusal):
    """An archived workspace takes nothing new. Use another workspace."""

    code = "workspace-archived"


class NoSuchWorkspace(Refusal):
    """The workspace that the body names is not there. Check its id; things of other tenants are not shown."""

    code = "no-such-workspace"
    kind = RefusalKind.NOT_FOUND
    field = "/workspace_id"


class ClientCountryMissing(Refusal):
    """Where a tenant sends for clients, each is a sender under a law. Say in which country it is established."""

    code = "client-country-missing"
    kind = RefusalKind.INVALID
    field = "/country"


class ClientElsewhere(Refusal):
    """All that a tenant sends is judged by the law of its country. Register a tenant for the clients in another one."""

    code = "client-elsewhere"
    kind = RefusalKind.INVALID
    field = "/country"


class CreateWorkspace(
    Command, context="tenancy", stream="workspace", permission=Permission.WORKSPACES_MANAGE
):
    """Make a workspace. `country`: where the client is established whose it is, which has to be the tenant's country.

    Where the tenant sends for clients it is required: the law that is looked at for a sender is that of the country.
    """

    name: ShortText
    country: CountryCode | None = None


class RenameWorkspace(
    Command, context="tenancy", stream="workspace", permission=Permission.WORKSPACES_MANAGE
):
    """Give a workspace another name."""

    name: ShortText


class ArchiveWorkspace(
    Command, context="tenancy", stream="workspace", permission=Permission.WORKSPACES_MANAGE
):
    """Let a workspace take nothing new any more."""


WorkspaceCommand: TypeAlias = CreateWorkspace | RenameWorkspace | ArchiveWorkspace


def usable(state: WorkspaceState) -> Workspace:
    """A workspace that may take something new; it was named in a body."""
    workspace = known(state)
    if workspace.archived:
        raise WorkspaceIsArchived
    return workspace


def known(state: WorkspaceState) -> Workspace:
    """A workspace of the tenant, archived or not: one that a body names to stop or end something in it."""
    if isinstance(state, NoWorkspace):
        raise NoSuchWorkspace
    return state


def placed(command: CreateWorkspace, country: str | None, *, of_clients: bool) -> None:
    """Refuse a client of which nobody says where it is, or that is elsewhere than the tenant, in `country`."""
    if command.country is None and of_clients:
        raise ClientCountryMissing
    if command.country not in (None, country):
        raise ClientElsewhere


def decide(command: WorkspaceCommand, state: WorkspaceState) -> tuple[Event, ...]:
    """What a command does to the workspace."""
    if isinstance(command, CreateWorkspace):
        if isinstance(state, Workspace):
            raise WorkspaceIdTaken
        workspace_id = WorkspaceId(command.stamp.target)
        created = WorkspaceCreated(
            workspace_id=workspace_id, workspace_name=command.name, country=command.country
        )
        return (created,)
    if isinstance(state, NoWorkspace):
        raise NotFound
    match command:
        case RenameWorkspace():
            if state.archived:
                raise WorkspaceIsArchived
            if command.name == state.name:
                return ()
            return (WorkspaceRenamed(workspace_id=state.workspace_id, before=state.name, after=command.name),)
        case ArchiveWorkspace():
            return () if state.archived else (WorkspaceArchived(workspace_id=state.workspace_id),)
        case _:
            assert_never(command)


WORKSPACE: Final[Decider[WorkspaceState]] = Decider(
    category="workspace", initial=NoWorkspace(), evolve=evolve, decide=decide
)
