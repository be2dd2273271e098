"""Lists, and the imports that fill them: both look at a workspace and at what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.unit import handles
from domain.audience.contact_import import Import
from domain.audience.contact_list import AddToList, ContactList, CreateList, listable, open_list
from domain.audience.import_commands import RegisterImport, StartImport
from domain.tenancy.workspace import usable

if TYPE_CHECKING:
    from application.unit import Unit


@handles(CreateList)
async def create_list(command: CreateList, unit: Unit) -> None:
    """Make a list in a workspace that is there."""
    usable(await unit.load("workspace", command.workspace_id))
    await unit.load("list", command.stamp.target)
    unit.decide(command)


@handles(AddToList)
async def add_to_list(command: AddToList, unit: Unit) -> None:
    """Add contacts of the list's workspace."""
    state = await unit.load("list", command.stamp.target)
    if isinstance(state, ContactList):
        contacts = await unit.load_many("contact", list(command.contact_ids))
        for contact in contacts:
            listable(state, contact)
    unit.decide(command)


@handles(RegisterImport)
async def register_import(command: RegisterImport, unit: Unit) -> None:
    """Take a file in for a workspace that is there."""
    usable(await unit.load("workspace", command.workspace_id))
    await unit.load("import", command.stamp.target)
    unit.decide(command)


@handles(StartImport)
async def start_import(command: StartImport, unit: Unit) -> None:
    """Start an import; its contacts go onto a list of the same workspace, if onto any."""
    state = await unit.load("import", command.stamp.target)
    if isinstance(state, Import) and command.list_id is not None:
        open_list(await unit.load("list", command.list_id), state.workspace_id)
    unit.decide(command)
