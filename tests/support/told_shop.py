"""A tenant that pays by card, and is told as much of it as a test wants."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.billing.reconciling import Reconciliation, Reconciling
from application.ports.payment_values import Line
from domain.billing.account_state import Access, Account
from tests.support.stripes import START, Desk, at, fake_desk
from tests.support.told import STARTER, TENANT, Books

DAY = timedelta(days=1)


@dataclass
class Shop:
    """A tenant that pays by card, of which a test tells as much as it wants; `ahead`: by how much our clock is."""

    desk: Desk
    books: Books
    clock: str
    customer: str
    subscription: str
    now: datetime
    ahead: timedelta = timedelta(0)
    runs: int = 0

    async def to(self, moment: datetime, *, lost: tuple[str, ...] = ()) -> None:
        """Let time pass; what happened meanwhile is told, but for the kinds that are lost."""
        before, self.now = self.now, moment
        await self.desk.advance(self.clock, moment)
        await self.hear(before, lost)

    async def hear(self, since: datetime, lost: tuple[str, ...] = ()) -> None:
        told = [event async for event in self.desk.gateway.events(since=since)][::-1]
        kept = [event for event in told if event.created <= self.now and event.type not in lost]
        await self.books.hear(kept, random.Random(0), 0.0)

    async def compares(self, since: datetime | None = None) -> Reconciliation:
        self.runs += 1
        workflow = self.books.workflow(TENANT, 500 + self.runs)
        reconciling = Reconciling(self.books.commands, self.desk.gateway)
        return await reconciling.reconcile(workflow, repair=True, since=since)

    def loses(self, kind: str, ref: str) -> None:
        """The provider has something no more."""
        assert self.desk.fake is not None
        del self.desk.fake.world.kinds[kind][ref]

    async def account(self) -> Account:
        found: Account = await self.books.account()
        return found


def comes_to(found: Reconciliation) -> dict[tuple[str, str], tuple[int, int]]:
    """By measure and currency: the provider's, and ours."""
    return {(one.measure, one.currency): (one.theirs, one.ours) for one in found.totals}


@asynccontextmanager
async def open_told_shop() -> AsyncIterator[Shop]:
    """A shop whose subscription has begun and was told of."""
    async with fake_desk() as desk:
        clock = await desk.clock()
        customer = await desk.customer(clock=clock, tenant=TENANT)
        subscription = await desk.subscribe(customer, Line(STARTER))
        found: list[Shop] = []
        books = Books(desk.gateway, clock=lambda: found[0].now + found[0].ahead if found else at(START))
        found.append(Shop(desk, books, clock, customer, subscription.ref, at(START) + DAY))
        await books.open(customer)
        await found[0].hear(at(START) - DAY)
        assert (await found[0].account()).access is Access.ACTIVE
        yield found[0]
