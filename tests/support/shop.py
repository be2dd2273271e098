"""A tenant that buys at a Stripe of our own, whose clock is moved by hand, and the books that hear of it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from application.billing.buying import Buying
from application.billing.jobs import BillingJobs
from application.billing.reconciling import Reconciliation, Reconciling
from application.ports.payment_values import CheckoutSession
from application.principals import Principal
from domain.billing.account_state import Account
from domain.billing.change import BoughtInterval, BoughtPlan, Wanted
from domain.billing.terms import Interval
from domain.kernel.commands import Actor, ActorKind, Command
from domain.kernel.permissions import Permission
from domain.tenancy.plans import Plan
from tests.support.stripes import START, Desk, at, fake_desk
from tests.support.told import TENANT, Books

DAY = timedelta(days=1)
BUYER = Principal(TENANT, Actor(ActorKind.SYSTEM, TENANT), frozenset(Permission), None, 0)


@dataclass
class Shop:
    """A tenant that has bought nothing yet."""

    desk: Desk
    books: Books
    clock: str
    customer: str
    now: list[datetime] = field(default_factory=lambda: [at(START)])
    steps: int = 0

    async def opens(
        self,
        plan: BoughtPlan = Plan.STARTER,
        key: str | None = None,
        interval: BoughtInterval = Interval.MONTH,
    ) -> CheckoutSession:
        self.steps += 1
        return await Buying(self.books.commands, self.desk.gateway).checkout(
            BUYER,
            Wanted(plan=plan, interval=interval),
            success_url="https://agency.example/done",
            cancel_url="https://agency.example",
            key=key or str(self.steps),
        )

    async def pays(self, page: CheckoutSession) -> int:
        """Somebody agrees on the page; the status of the answer: 303 is that it was bought."""
        assert page.url is not None
        async with self.desk.browser() as browser:
            answer = await browser.post(page.url, data={"do": "pay", "card": "pm_card_visa"})
        await self.hears()
        return answer.status_code

    async def hears(self) -> None:
        told = [event async for event in self.desk.gateway.events(since=at(START) - DAY)][::-1]
        await self.books.hear([one for one in told if one.created <= self.now[0]], random.Random(0), 0.0)

    async def to(self, moment: datetime) -> None:
        self.now[0] = moment
        await self.desk.advance(self.clock, moment)
        await self.hears()

    async def asks(self, command: Command) -> None:
        """A command, and what the worker does for it."""
        self.steps += 1
        workflow = self.books.workflow(TENANT, 100 + self.steps)
        await workflow.execute(command, TENANT, key=f"step/{self.steps}")
        await self.works()

    async def works(self) -> None:
        """What the worker does for a change that is asked for."""
        self.steps += 1
        asked = (await self.account()).asked
        if asked is not None:
            workflow = self.books.workflow(TENANT, 100 + self.steps)
            await BillingJobs(self.books.commands, self.desk.gateway).change(workflow, asked)
        await self.hears()

    async def does(self, command: Command, target: Any) -> None:
        self.steps += 1
        workflow = self.books.workflow(TENANT, 100 + self.steps)
        await workflow.execute(command, target, key=f"step/{self.steps}")

    async def compares(self) -> Reconciliation:
        self.steps += 1
        workflow = self.books.workflow(TENANT, 500 + self.steps)
        return await Reconciling(self.books.commands, self.desk.gateway).reconcile(workflow, repair=True)

    async def account(self) -> Account:
        found: Account = await self.books.account()
        return found

    async def plan(self) -> str:
        entitled = (await self.account()).entitlements
        assert entitled is not None
        return entitled.plan

    async def ahead(self) -> list[str]:
        """The prices that begin with the next cycle."""
        shown = (await self.desk.gateway.subscriptions(self.customer))[0].change_ahead
        return [] if shown is None else [line.price for line in shown.lines]

    async def told(self) -> list[str]:
        return [row.name for row in await self.books.log.read_log(TENANT, limit=10_000)]


@asynccontextmanager
async def open_shop() -> AsyncIterator[Shop]:
    """A tenant and its customer, by a test clock."""
    async with fake_desk() as desk:
        clock = await desk.clock()
        customer = await desk.customer(clock=clock, tenant=TENANT)
        found: list[Shop] = []
        books = Books(desk.gateway, clock=lambda: found[0].now[0] if found else at(START))
        found.append(Shop(desk, books, clock, customer))
        await books.open(customer)
        yield found[0]
