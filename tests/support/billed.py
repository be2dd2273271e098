"""A tenant's bills in memory, and the letters that are owed for what is told of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from adapters.smtp.memory import MemoryMail
from application.noticing.running import Notices
from application.ports.delivering import Letter
from application.ports.log import Recorded
from application.workflow import NotYet
from domain.billing.notices import kind_of, notice_of
from domain.kernel.ids import MemberId
from tests.support.given import uid
from tests.support.told import TENANT, Books

PORTAL = "https://portal.example"
OWNER = MemberId(uid(0x902))


class Known:
    """Who reads the bills, as far as a view knows: whoever is listed."""

    def __init__(self) -> None:
        self.people: list[MemberId] = []

    async def of(self, tenant_id: UUID) -> list[MemberId]:
        """See `BillingPeople.of`."""
        assert tenant_id == TENANT
        return self.people


class Bills:
    """The books of a tenant on the free plan, whose clock is moved."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        self.books = Books(None, clock=lambda: self.now)
        self.mail, self.known = MemoryMail(), Known()
        self.steps = 0
        self.done: set[int] = set()

    @property
    def notices(self) -> Notices:
        """What a process sends with."""
        return Notices(self.books.commands, self.books.codec, self.known, self.mail, PORTAL)

    async def act(self, command: Any, target: UUID = TENANT) -> None:
        """Execute a command as a workflow does."""
        self.steps += 1
        await self.books.workflow(TENANT).execute(command, target, key=f"step {self.steps}")

    async def told(self) -> list[Recorded]:
        """All events of the tenant."""
        return await self.books.log.read_log(TENANT, limit=1_000)

    async def run(self, event: Recorded, *, last: bool = False) -> None:
        """Do the job of a letter."""
        workflow = self.books.workflow(TENANT, event.position)
        notice_id = notice_of(TENANT, event.position)
        await self.notices.run(workflow, notice_id, event, lambda: False, last=last)

    async def owed(self) -> list[Recorded]:
        """Events whose letters were not looked at yet."""
        return [
            one
            for one in await self.told()
            if one.position not in self.done and kind_of(one.name, orjson.loads(one.payload)) is not None
        ]

    async def letters(self) -> list[Letter]:
        """Do what is due; the letters that were taken over for it."""
        begun = len(self.mail.taken)
        for event in await self.owed():
            await self.run(event)
            self.done.add(event.position)
        return self.mail.taken[begun:]

    async def settled(self) -> list[tuple[str, str | None]]:
        """Outcome and reason of each letter that is owed no more, in order."""
        entered = [
            orjson.loads(one.payload) for one in await self.told() if one.name.endswith("notice_settled")
        ]
        return [(one["outcome"], one["reason"]) for one in entered]


async def pause_of(work: Callable[[], Awaitable[None]]) -> timedelta | None:
    """How long a job wants to wait; None: it is over."""
    try:
        await work()
    except NotYet as waits:
        return waits.pause
    return None
