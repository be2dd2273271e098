"""What is bought twice, changed, declined and taken back, at a Stripe of our own."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from application.billing.buying import Buying, CheckoutReplaced
from application.billing.jobs import BillingJobs
from application.billing.reconciling import Reconciliation, Reconciling
from application.ports.payment_values import CheckoutSession
from application.principals import Principal
from domain.billing.account import AlreadySubscribed
from domain.billing.account_state import Account
from domain.billing.change import (
    BoughtPlan,
    CancelSubscription,
    ChangeSubscription,
    NothingChanges,
    SubscribedTwice,
    Wanted,
    WithdrawChange,
)
from domain.billing.usage import UsageAboveLimits
from domain.kernel.commands import Actor, ActorKind, Command
from domain.kernel.ids import WorkspaceId
from domain.kernel.permissions import Permission
from domain.tenancy.plans import Plan
from domain.tenancy.workspace import CreateWorkspace
from tests.support.given import uid
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

    async def opens(self, plan: BoughtPlan = Plan.STARTER, key: str | None = None) -> CheckoutSession:
        self.steps += 1
        return await Buying(self.books.commands, self.desk.gateway).checkout(
            BUYER,
            Wanted(plan=plan),
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
        asked = (await self.account()).asked
        if asked is not None:
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


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with fake_desk() as desk:
        clock = await desk.clock()
        customer = await desk.customer(clock=clock, tenant=TENANT)
        found: list[Shop] = []
        books = Books(desk.gateway, clock=lambda: found[0].now[0] if found else at(START))
        found.append(Shop(desk, books, clock, customer))
        await books.open(customer)
        yield found[0]


async def test_of_two_pages_only_the_one_that_was_opened_last_can_be_paid_on(shop: Shop) -> None:
    first, second = await shop.opens(), await shop.opens(Plan.BUSINESS)
    assert await shop.pays(first) != 303
    assert await shop.pays(second) == 303
    assert len(await shop.desk.gateway.subscriptions(shop.customer)) == 1
    assert await shop.plan() == "business"


async def test_the_same_key_is_the_same_page_until_another_took_its_place(shop: Shop) -> None:
    first = await shop.opens(key="k")
    assert await shop.opens(key="k") == first
    second = await shop.opens(key="other")
    with pytest.raises(CheckoutReplaced):
        await shop.opens(key="k")
    assert await shop.pays(second) == 303


async def test_who_pays_on_the_first_page_while_the_second_opens_is_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await shop.opens()
    opening = shop.desk.gateway.checkout

    async def meanwhile(*order: Any, **more: Any) -> CheckoutSession:
        made = await opening(*order, **more)
        assert await shop.pays(first) == 303
        return made

    with monkeypatch.context() as patched:
        patched.setattr(shop.desk.gateway, "checkout", meanwhile)
        with pytest.raises(AlreadySubscribed):
            await shop.opens()
    assert await shop.desk.gateway.open_checkouts(shop.customer) == ()
    assert len(await shop.desk.gateway.subscriptions(shop.customer)) == 1


async def twice(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two subscriptions that both go on, as where the provider's list lacks the first page still."""
    first = await shop.opens()
    listed = shop.desk.gateway.open_checkouts

    async def newest(customer: str) -> tuple[CheckoutSession, ...]:
        return (await listed(customer))[:1]

    with monkeypatch.context() as patched:
        patched.setattr(shop.desk.gateway, "open_checkouts", newest)
        second = await shop.opens()
    assert [await shop.pays(first), await shop.pays(second)] == [303, 303]
    return [one.ref for one in await shop.desk.gateway.subscriptions(shop.customer)]


async def test_what_was_paid_twice_all_the_same_is_told_until_one_is_cancelled(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    refs = await twice(shop, monkeypatch)
    found = await shop.compares()
    doubled = [(one.reference, one.theirs) for one in found.differences if one.field == "doubled"]
    assert doubled == [(ref, 2) for ref in refs]
    assert found.compared == 6, "two subscriptions with an invoice and a payment each"
    assert dict(found.unrepaired) == dict.fromkeys(refs, "subscribed-twice")
    account = await shop.account()
    for command in (ChangeSubscription(plan=Plan.BUSINESS), CancelSubscription()):
        with pytest.raises(SubscribedTwice) as refused:
            await shop.asks(command)
        assert refused.value.extra["subscriptions"] == [str(one) for one in account.subscriptions]
    await shop.asks(CancelSubscription(subscription_id=account.subscriptions[1]))
    assert (await shop.compares()).differences == ()
    await shop.asks(ChangeSubscription(plan=Plan.BUSINESS))
    staying, leaving = await shop.desk.gateway.subscriptions(shop.customer)
    assert (staying.plan, leaving.cancel_at is not None) == ("business", True)


async def test_nobody_buys_less_than_what_stands_already(shop: Shop) -> None:
    await shop.pays(await shop.opens(Plan.PROFESSIONAL))
    for number in range(4):
        await shop.does(CreateWorkspace(name=f"Client {number}"), WorkspaceId(uid(0x910 + number)))
    await shop.asks(CancelSubscription())
    await shop.to(at(START) + 40 * DAY)
    with pytest.raises(UsageAboveLimits) as refused:
        await shop.opens(Plan.STARTER)
    assert refused.value.extra["above"] == [{"meter": "workspaces", "used": 5, "limit": 3}]
    assert await shop.desk.gateway.open_checkouts(shop.customer) == ()
    assert (await shop.opens(Plan.PROFESSIONAL)).status == "open"


async def test_what_grew_before_a_smaller_plan_began_is_told_and_grows_no_more(shop: Shop) -> None:
    await shop.pays(await shop.opens(Plan.PROFESSIONAL))
    await shop.asks(ChangeSubscription(plan=Plan.STARTER))
    for number in range(4):
        await shop.does(CreateWorkspace(name=f"Client {number}"), WorkspaceId(uid(0x910 + number)))
    assert "billing.limits_exceeded" not in await shop.told()
    await shop.to(at(START) + 40 * DAY)
    assert await shop.plan() == "starter"
    rows = await shop.books.log.read_log(TENANT, limit=10_000)
    (told,) = shop.books.codec.decode([row for row in rows if row.name == "billing.limits_exceeded"])
    assert told.model_dump()["above"] == ({"meter": "workspaces", "used": 5, "limit": 3},)
    refused: Any
    with pytest.raises(Exception, match="5 of 3 workspaces") as refused:
        await shop.does(CreateWorkspace(name="One more"), WorkspaceId(uid(0x920)))
    assert refused.value.code == "limit-reached"


async def test_less_that_is_ahead_is_taken_back_and_only_once(shop: Shop) -> None:
    await shop.pays(await shop.opens(Plan.BUSINESS))
    with pytest.raises(NothingChanges):
        await shop.asks(WithdrawChange())
    await shop.asks(ChangeSubscription(plan=Plan.STARTER))
    assert await shop.ahead() == ["2026-01/starter/month/usd"]
    await shop.asks(WithdrawChange())
    assert await shop.ahead() == []
    with pytest.raises(NothingChanges):
        await shop.asks(WithdrawChange())
    await shop.to(at(START) + 40 * DAY)
    assert await shop.plan() == "business"


async def test_what_has_begun_is_not_taken_back(shop: Shop) -> None:
    await shop.pays(await shop.opens(Plan.BUSINESS))
    await shop.asks(ChangeSubscription(plan=Plan.STARTER))
    await shop.to(at(START) + 40 * DAY)
    assert await shop.plan() == "starter"
    with pytest.raises(NothingChanges):
        await shop.asks(WithdrawChange())


async def test_a_declined_upgrade_leaves_what_is_ahead(shop: Shop) -> None:
    await shop.pays(await shop.opens(Plan.PROFESSIONAL))
    await shop.asks(ChangeSubscription(plan=Plan.STARTER))
    for method in (await shop.desk.raw.v1.payment_methods.list_async({"customer": shop.customer})).data:
        await shop.desk.control("card", payment_method=method.id, behaviour="insufficient_funds")
    await shop.asks(ChangeSubscription(plan=Plan.BUSINESS))
    assert "billing.change_declined" in await shop.told()
    assert await shop.ahead() == ["2026-01/starter/month/usd"]
    await shop.asks(WithdrawChange())
    assert await shop.ahead() == []
