"""Messages beyond the limit, at a Stripe of our own: from the policy to revenue, each reported and billed once."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from adapters.stripe.fake.calendar import months_after
from application.billing.stocking import Stocking
from application.ports.payments import NotAtProvider
from domain.billing.account_state import Overage
from domain.billing.change import (
    CancelSubscription,
    ChangeSubscription,
)
from domain.billing.terms import Interval
from domain.billing.usage import Usage
from domain.tenancy.plans import Plan
from projections.finance.profiles import PROFILES
from tests.support.billing import METERED
from tests.support.events import History
from tests.support.sender import Sender, buying, kinds, policy, totals
from tests.support.shop import DAY, Shop, open_shop
from tests.support.stripes import START, at
from tests.support.told import TENANT, Crash
from tests.unit.olap.test_ingest import World

STRIPE, CHARTMOGUL, PROFITWELL, MAXIO = PROFILES


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop() as found:
        await Stocking(found.desk.gateway).stock()
        yield found


async def test_from_the_policy_to_revenue(shop: Shop) -> None:
    sender = await buying(shop)
    assert [kind for kind, _ in await kinds(shop)] == ["metered", "plan"]
    assert await totals(shop) == [4_900]  # the price alone costs nothing
    first = await sender.sends(900)
    second = await sender.sends(200)
    await sender.reports(*first, *second)
    state = await sender.state()
    assert (state.unbilled, state.reported, state.units) == ({}, 1_100, 2)
    await shop.to(at(months_after(START, 1)) + DAY)
    assert await totals(shop) == [4_900, 4_900 + 200]
    line = next(
        one for one in (await shop.desk.gateway.invoices(shop.customer))[1].lines if one.kind == "metered"
    )
    assert (line.price, line.of, line.quantity, line.amount) == (METERED.price, METERED.of, 2, 200)
    assert (await shop.compares()).differences == ()

    rows = await shop.books.log.read_log(TENANT, limit=10_000)
    world = World(History(TENANT, events=list(rows)))
    try:
        world.catch_up()
        assert world.projector.health().poisoned == {}
        billed = world.rows("SELECT amount FROM fact_invoice WHERE kind = 'metered'")
        assert billed == [(200,)]
        # Two paid invoices: 49.00 of the first month, 49.00 of the second and 2.00 of what the first one used.
        assert world.rows("SELECT sum(amount)::BIGINT FROM revenue_entry") == [(4_900 + 4_900 + 200,)]
        now = dict(
            world.rows(
                "SELECT profile, sum(amount)::BIGINT FROM subscription_interval"
                " WHERE to_at IS NULL AND as_of IS NULL GROUP BY profile"
            )
        )
    finally:
        world.store.close()
    assert now == {STRIPE: 4_900, CHARTMOGUL: 4_900, PROFITWELL: 5_100, MAXIO: 4_900}


class Dies:
    """A gateway whose caller is killed once it has done something for the `after`th time."""

    def __init__(self, gateway: Any, after: int) -> None:
        self._gateway = gateway
        self._left = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    async def report_usage(self, *arguments: Any, **named: Any) -> None:
        await self._gateway.report_usage(*arguments, **named)
        self._left -= 1
        if not self._left:
            raise Crash


@pytest.mark.parametrize("away", [timedelta(hours=1), timedelta(days=5)])
@pytest.mark.parametrize("after", [1, 2, 3])
async def test_who_dies_between_reporting_and_entering_counts_nothing_twice(
    shop: Shop, after: int, away: timedelta
) -> None:
    sender = await buying(shop)
    (used,) = await sender.sends(1_250)
    (more,) = await sender.sends(1_000)
    counted = sender.counter
    dying: Any = Dies(shop.desk.gateway, after)

    async def dies() -> None:
        for one in (used, more):
            await sender.overages(dying).report(sender.workflow(one), one, shop.now[0])

    with pytest.raises(Crash):
        await dies()
    shop.books.start()
    await shop.to(shop.now[0] + away)  # after a day the provider remembers no name
    await sender.reports(more, used, more, used)  # begun again, in another order, and doubled
    state: Usage = await shop.books.commands.state(TENANT, "usage", counted)
    assert (state.unbilled, state.reported, state.units) == ({}, 2_250, 3)
    await shop.to(at(months_after(START, 1)) + DAY)
    assert await totals(shop) == [4_900, 4_900 + 300]


async def test_what_was_told_long_ago_is_not_told_again_by_a_later_block_that_is_reported_first(
    shop: Shop,
) -> None:
    sender = await buying(shop)
    await shop.to(at(START) + 2 * DAY)  # in February: all of it is of one month
    await sender.month(10_000)
    (used,) = await sender.sends(500)
    with pytest.raises(Crash):
        await sender.overages(Dies(shop.desk.gateway, 1)).report(sender.workflow(used), used, shop.now[0])
    shop.books.start()
    await shop.to(shop.now[0] + timedelta(hours=30))  # no name is remembered by then
    (later,) = await sender.sends(100)
    await sender.reports(later, used)
    state = await sender.state()
    assert (state.unbilled, state.reported, state.units) == ({}, 600, 1)
    await shop.to(at(months_after(START, 1)) + DAY)
    assert await totals(shop) == [4_900, 4_900 + 100]


async def test_crashes_at_appends_and_workers_at_once_report_each_unit_once(shop: Shop) -> None:
    sender = await buying(shop)
    used = [one for _ in range(8) for one in await sender.sends(333)]
    chance = random.Random(7)
    shop.books.log.chance, shop.books.log.often = chance, 0.4
    waiting = [*used, *used]
    while waiting:
        one = waiting[chance.randrange(len(waiting))]
        try:
            await sender.reports(one)
        except Crash:
            shop.books.start()
            continue
        waiting.remove(one)
    shop.books.log.often = 0.0
    state = await sender.state()
    assert (state.unbilled, state.reported, state.units) == ({}, 8 * 333, 3)
    names = [name for name in await shop.told() if name == "billing.overage_reported"]
    assert len(names) == 8
    await shop.to(at(months_after(START, 1)) + DAY)
    assert await totals(shop) == [4_900, 4_900 + 300]


async def test_another_month_counts_anew_and_withdrawing_bills_what_was_sent(shop: Shop) -> None:
    sender = await buying(shop)
    await sender.reports(*await sender.sends(10))
    await shop.to(at(START) + 3 * DAY)  # in February, and in the same cycle
    await sender.month(10_000)
    used = await sender.sends(10)
    await shop.asks(policy(Overage.BLOCK))
    await sender.reports(*used)
    assert [kind for kind, _ in await kinds(shop)] == [
        "metered",
        "plan",
    ]  # it stays, and costs nothing unused
    await shop.to(at(months_after(START, 1)) + DAY)
    assert await totals(shop) == [4_900, 4_900 + 200]
    await shop.to(at(months_after(START, 2)) + DAY)
    assert (await totals(shop))[2:] == [4_900]


async def test_an_upgrade_keeps_the_price_and_what_went_beyond_before_it(shop: Shop) -> None:
    sender = await buying(shop)
    used = await sender.sends(1_000)
    await shop.asks(ChangeSubscription(plan=Plan.PROFESSIONAL))
    assert [kind for kind, _ in await kinds(shop)] == ["metered", "plan"]
    await sender.reports(*used)
    assert await sender.sends(100) == []  # within the limit of the larger plan
    before = sum(await totals(shop))
    await shop.to(at(months_after(START, 1)) + DAY)
    assert sum(await totals(shop)) == before + 14_900 + 100


async def test_a_yearly_subscription_is_billed_by_the_month_for_what_it_used(shop: Shop) -> None:
    assert await shop.pays(await shop.opens()) == 303
    await shop.asks(ChangeSubscription(plan=Plan.STARTER, interval=Interval.YEAR))
    await shop.asks(policy(Overage.BUY))
    assert [kind for kind, _ in await kinds(shop)] == ["metered", "plan"]
    sender = Sender(shop)
    await sender.month(10_000)
    await sender.reports(*await sender.sends(10))
    before = sum(await totals(shop))
    await shop.to(at(months_after(START, 1)) + DAY)
    assert sum(await totals(shop)) == before + 100


async def test_what_was_used_before_the_end_of_a_cycle_is_in_a_last_invoice(shop: Shop) -> None:
    sender = await buying(shop)
    await sender.reports(*await sender.sends(1_001))
    await shop.asks(CancelSubscription())
    await shop.to(at(months_after(START, 1)) + DAY)
    assert await totals(shop) == [4_900, 200]
    assert (await shop.compares()).differences == ()
    assert (await shop.account()).access == "cancelled"


async def test_what_is_not_reported_when_the_subscription_ended_is_written_off_and_said(shop: Shop) -> None:
    sender = await buying(shop)
    used = await sender.sends(700)
    counted = sender.counter
    await shop.asks(CancelSubscription())
    await shop.to(at(months_after(START, 1)) + DAY)
    await sender.reports(*used)
    assert (await shop.told()).count("billing.overage_written_off") == 1
    state: Usage = await shop.books.commands.state(TENANT, "usage", counted)
    assert (state.unbilled, state.reported, state.units) == ({}, 0, 0)
    assert await totals(shop) == [4_900]


@pytest.mark.parametrize("heard", [False, True], ids=["not-heard-yet", "its-end-was-heard"])
async def test_what_a_customer_used_that_was_deleted_there_is_written_off_and_named_by_the_comparison(
    shop: Shop, *, heard: bool
) -> None:
    sender = await buying(shop)
    used = await sender.sends(700)
    await shop.desk.raw.v1.customers.delete_async(shop.customer)
    assert not await shop.desk.gateway.has_customer(shop.customer)
    if heard:
        await shop.hears()
    await sender.reports(*used)
    await sender.reports(*used)
    assert (await shop.told()).count("billing.overage_written_off") == 1
    state = await sender.state()
    assert (state.unbilled, state.reported, state.lost) == ({}, 0, {sender.period: 700})
    found = await shop.compares()
    assert [
        (one.kind, one.reference, one.ours) for one in found.differences if one.field == "written_off"
    ] == [("usage", sender.period, 700)]
    assert (sender.period, "customer_gone") in found.unrepaired


class Unwary(Dies):
    """A provider that takes what is told of anybody, and looks later at who that is."""

    async def report_usage(self, *arguments: Any, **named: Any) -> None:
        with contextlib.suppress(NotAtProvider):
            await self._gateway.report_usage(*arguments, **named)


async def test_what_a_customer_used_that_was_deleted_there_is_not_entered_as_reported(shop: Shop) -> None:
    sender = await buying(shop)
    (used,) = await sender.sends(700)
    await shop.desk.raw.v1.customers.delete_async(shop.customer)
    unwary = Unwary(shop.desk.gateway, 0)
    await sender.overages(unwary).report(sender.workflow(used), used, shop.now[0])
    state = await sender.state()
    assert (state.unbilled, state.reported, state.lost) == ({}, 0, {sender.period: 700})


async def test_a_meter_that_is_not_there_writes_nothing_off(shop: Shop) -> None:
    sender = await buying(shop)
    used = await sender.sends(700)
    assert shop.desk.fake is not None
    for meter in shop.desk.fake.world.kinds["billing.meter"].values():
        meter["status"] = "inactive"
    with pytest.raises(NotAtProvider):
        await sender.reports(*used)
    assert (await shop.told()).count("billing.overage_written_off") == 0
