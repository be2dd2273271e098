"""A process that sends for a shop beyond its limit, and how a shop comes to be allowed that."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.stripe.fake.calendar import months_after
from application.billing.overage import Overages
from application.workflow import Workflow
from domain.billing.account import SetOveragePolicy
from domain.billing.account_state import Overage
from domain.billing.catalogue import Meter
from domain.billing.change import (
    BoughtInterval,
    CancelSubscription,
)
from domain.billing.overage import OverageUsed
from domain.billing.usage import ReserveBlock, SettleBlock, Usage, UsageCounted, counter_id, month_of
from domain.kernel.ids import BlockId
from domain.tenancy.plans import Plan
from tests.support.given import uid
from tests.support.limited import happen
from tests.support.shop import DAY, Shop
from tests.support.stripes import START, at
from tests.support.told import TENANT


class Sender:
    """A process that sends for the shop, as far as its counters see it."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.blocks = 0
        self.known: dict[BlockId, datetime] = {}

    @property
    def counter(self) -> UUID:
        return counter_id(TENANT, Meter.EMAILS, self.period)

    @property
    def period(self) -> str:
        return month_of(self.shop.now[0])

    async def month(self, used: int) -> None:
        """So many of the month were sent already."""
        began = UsageCounted(tenant_id=TENANT, meter="emails", period=self.period, used=used)
        await happen(self.shop.books.commands, TENANT, f"usage:{self.counter}", began)
        self.shop.books.start()

    async def sends(self, messages: int) -> list[OverageUsed]:
        """One block, used whole as far as wanted; what of it is to be billed."""
        self.blocks += 1
        block_id = BlockId(uid(0x7000 + self.blocks))
        self.known[block_id] = self.shop.now[0]
        steps = (
            ReserveBlock(period=self.period, block_id=block_id, consumer=uid(7), wanted=messages),
            SettleBlock(period=self.period, block_id=block_id, used=messages),
        )
        for number, step in enumerate(steps):
            workflow = self.shop.books.workflow(TENANT, 700)
            await workflow.execute(step, self.counter, key=f"block/{block_id}/{number}")
        return [one for one in await self.used() if one.block_id == block_id]

    async def used(self) -> list[OverageUsed]:
        rows = await self.shop.books.log.read_log(TENANT, limit=10_000)
        found = self.shop.books.codec.decode([row for row in rows if row.name == "billing.overage_used"])
        return [one for one in found if isinstance(one, OverageUsed)]

    async def reports(self, *used: OverageUsed) -> None:
        """The jobs that are due by what was used."""
        for one in used:
            await self.overages().report(self.workflow(one), one, self.known[one.block_id])

    def overages(self, gateway: Any = None) -> Overages:
        books = self.shop.books
        return Overages(books.commands, books.codec, gateway or self.shop.desk.gateway)

    def workflow(self, used: OverageUsed) -> Workflow:
        return self.shop.books.workflow(TENANT, 800 + used.block_id.int % 100)

    async def state(self) -> Usage:
        found: Usage = await self.shop.books.commands.state(TENANT, "usage", self.counter)
        return found


def policy(said: Any, ceiling: int | None = None) -> SetOveragePolicy:
    return SetOveragePolicy(meter=Meter.EMAILS, policy=said, ceiling=ceiling)


async def buying(shop: Shop, used: int = 10_000) -> Sender:
    """A starter who buys by use, at the limit of its month."""
    assert await shop.pays(await shop.opens()) == 303
    await shop.asks(policy(Overage.BUY))
    sender = Sender(shop)
    await sender.month(used)
    return sender


async def comes_back(shop: Shop, interval: BoughtInterval) -> None:
    """Who bought by use, and left, buys the professional plan behind the month that was paid."""
    await buying(shop)
    await shop.asks(CancelSubscription())
    await shop.to(at(months_after(START, 1)) + DAY)
    assert await shop.pays(await shop.opens(Plan.PROFESSIONAL, interval=interval)) == 303


async def totals(shop: Shop) -> list[int]:
    return [one.total for one in await shop.desk.gateway.invoices(shop.customer)]


async def kinds(shop: Shop) -> list[tuple[str, int]]:
    (held,) = await shop.desk.gateway.subscriptions(shop.customer)
    return sorted((item.kind, item.unit_amount) for item in held.terms().items)
