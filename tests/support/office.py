"""A tenant's office on a log in memory: its command path, and somebody who may do everything."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

import application.handlers  # noqa: F401 - the handlers register themselves
from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.memory import MemoryLog
from adapters.keys.maker import CoalescedKeys
from adapters.keys.memory import MemoryKeyStore
from application.commanding import Commands
from application.orders import Order
from application.principals import Principal
from application.unit import Streams
from application.workflow import Because, Workflow
from domain.audience.contact import CreateContact
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.ids import MemberId, WorkspaceId
from domain.kernel.permissions import Permission
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import OpenTenant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from application.commanding import Clock
    from application.orders import Outcome
    from application.ports.keys import SubjectKey
    from domain.kernel.commands import Command


class Watched(MemoryKeyStore):
    """Remembers the threads that made keys."""

    def __init__(self) -> None:
        super().__init__()
        self.makers: set[str] = set()

    def obtain(self, keys: Iterable[SubjectKey]) -> Mapping[SubjectKey, bytes]:
        self.makers.add(threading.current_thread().name)
        return super().obtain(keys)


@dataclass
class Office:
    """A tenant with one workspace, and somebody who may do everything in it."""

    commands: Commands
    log: MemoryLog
    principal: Principal
    workspace: WorkspaceId
    keys: Watched

    def order(self, command: Command, target: UUID | None = None, key: str | None = None) -> Order:
        return Order(self.principal, command, target, command.model_dump_json().encode(), key)

    async def do(self, command: Command, target: UUID | None = None, key: str | None = None) -> Outcome:
        return await self.commands.execute(self.order(command, target, key))

    async def position(self) -> int:
        head = await self.log.head(self.principal.tenant_id)
        assert head is not None
        return head.position


@pytest.fixture
async def office() -> Office:
    """The office, just opened."""
    return await open_office()


async def open_office(country: str | None = None, clock: Clock = lambda: datetime.now(UTC)) -> Office:
    """An office in a country."""
    log, keys = MemoryLog(), Watched()
    codec = JsonCodec(keys)
    commands = Commands(log, codec, keys, CoalescedKeys(codec.ring), Streams(log, codec, keys), clock)
    tenant, workspace = uuid4(), WorkspaceId(uuid4())
    opening = OpenTenant(
        name="Agency",
        tenant_slug="agency",
        plan=Plan.BUSINESS,
        country=country,
        workspace_id=workspace,
        owner_id=MemberId(uuid4()),
        owner_email="owner@agency.example",
        owner_name="Olga",
    )
    workflow = Workflow(commands, tenant, uuid4(), Because(uuid4()))
    opened = await workflow.execute(opening, tenant, key="open", opens_log=True)
    assert opened.appended is not None
    actor = Actor(ActorKind.API_KEY, uuid4())
    principal = Principal(tenant, actor, frozenset(Permission), opened.appended.auth_epoch, 1_000)
    return Office(commands, log, principal, workspace, keys)


def ada(office: Office, **changes: object) -> CreateContact:
    """The command that makes her a contact."""
    return CreateContact.model_validate(
        {"workspace_id": office.workspace, "email": "ada@example.org", "first_name": "Ada", **changes}
    )
