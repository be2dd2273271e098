"""A tenant in which people ask about their data."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from domain.audience.contact import CreateContact
from domain.kernel.commands import Command
from domain.kernel.errors import Refusal
from domain.kernel.events import Event
from domain.kernel.ids import WorkspaceId
from domain.rights.commands import CheckIdentity, NoteDisclosure, ReceiveRequest, RecordDisclosure
from domain.rights.kinds import DisclosureForm, IdentityMethod, RequestChannel, RequestKind
from domain.rights.state import SubjectRequest
from domain.tenancy.tenant import TenantOpened
from domain.tenancy.workspace import CreateWorkspace
from tests.support.given import TENANT, uid
from tests.support.unit import World

WORKSPACE = WorkspaceId(uid(0x31))
SECOND_WORKSPACE = WorkspaceId(uid(0x32))
REQUEST = uid(0x41)
CONTACT = uid(0x51)
SECOND_CONTACT = uid(0x52)
EMAIL = "ada@example.com"
MADE = NoteDisclosure(digest="ab" * 32, position="cDEuMS43", form=DisclosureForm.JSON)
DISCLOSURE = RecordDisclosure(digest="ab" * 32, position="cDEuMS43", form=DisclosureForm.JSON)


def opened(country: str | None = "DE") -> World:
    """A tenant with two workspaces, and one person who is a contact of both."""
    world = World()
    event = TenantOpened.model_validate(
        {"tenant_id": TENANT, "tenant_name": "Acme", "slug": "acme", "plan": "business", "country": country}
    )
    world.happened("tenant", TENANT, event)
    for workspace in (WORKSPACE, SECOND_WORKSPACE):
        world.run(CreateWorkspace(name="W"), workspace)
    for contact, workspace in ((CONTACT, WORKSPACE), (SECOND_CONTACT, SECOND_WORKSPACE)):
        world.run(
            CreateContact(workspace_id=workspace, email=EMAIL, first_name="Ada", country=country), contact
        )
    return world


def addressee(world: World) -> UUID:
    """The person."""
    return UUID(str(world.state("contact", CONTACT).addressee_id))


def receive(world: World, kind: RequestKind, **more: Any) -> list[Event]:
    """Take a request in from the person's address, unless something else is said."""
    told: dict[str, Any] = {"email": EMAIL, "channel": RequestChannel.EMAIL} | more
    return world.run(ReceiveRequest(kind=kind, **told), REQUEST)


def verify(world: World) -> None:
    """It is known that the person asks."""
    world.run(CheckIdentity(method=IdentityMethod.MAILBOX, verified=True), REQUEST)


def asked(world: World) -> SubjectRequest:
    """The request as it stands."""
    state = world.state("subject_request", REQUEST)
    assert isinstance(state, SubjectRequest)
    return state


def refused(world: World, command: Command, by: type[Refusal], target: Any = REQUEST) -> None:
    """A command is refused by just this, and nothing is entered."""
    before = len(world.log)
    with pytest.raises(by):
        world.run(command, target)
    assert len(world.log) == before
