"""The price by use: which subscription has it from when, and which never."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.stripe.fake.calendar import months_after
from application.billing.stocking import Stocking
from application.ports.payment_values import Line
from domain.billing.account_state import Overage
from domain.billing.change import (
    CancelSubscription,
    ChangeIsAhead,
    ChangeSubscription,
    EnterChange,
)
from domain.billing.terms import Interval
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import CloseTenant
from tests.support.billing import METERED
from tests.support.sender import Sender, buying, comes_back, policy, totals
from tests.support.shop import DAY, Shop, open_shop
from tests.support.stripes import START, at
from tests.support.told import STARTER, TENANT


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop() as found:
        await Stocking(found.desk.gateway).stock()
        yield found


async def test_who_said_so_before_has_the_price_from_the_page_on(shop: Shop) -> None:
    await comes_back(shop, Interval.MONTH)
    held = (await shop.desk.gateway.subscriptions(shop.customer))[-1]
    assert sorted(str(item.kind) for item in held.items) == ["metered", "plan"]


async def test_a_year_is_bought_without_it_and_it_is_added_by_the_month_behind_the_page(shop: Shop) -> None:
    await comes_back(shop, Interval.YEAR)
    held = (await shop.desk.gateway.subscriptions(shop.customer))[-1]
    assert [str(item.kind) for item in held.items] == ["plan"]  # a page takes prices of one interval
    await shop.works()
    held = (await shop.desk.gateway.subscriptions(shop.customer))[-1]
    found = sorted((str(item.kind), item.price) for item in held.items)
    assert found == [("metered", METERED.price), ("plan", "2026-01/professional/year/usd")]
    assert (await shop.told()).count("billing.change_requested") == 3  # twice by hand, and once by itself
    before = sum(await totals(shop))
    sender = Sender(shop)
    await sender.month(50_000)
    await sender.reports(*await sender.sends(10))
    await shop.to(at(months_after(START, 2)) + 2 * DAY)
    assert sum(await totals(shop)) == before + 100
    assert (await shop.compares()).differences == ()


async def test_a_price_declined_behind_the_page_is_not_asked_for_again_by_itself(shop: Shop) -> None:
    await comes_back(shop, Interval.YEAR)
    asked = (await shop.account()).asked
    assert asked is not None
    await shop.does(EnterChange(change_id=asked.change_id, reason="card_declined"), TENANT)
    await shop.to(shop.now[0] + DAY)
    assert (await shop.account()).asked is None


async def test_less_that_is_ahead_is_kept_and_a_declined_price_sells_nothing(shop: Shop) -> None:
    assert await shop.pays(await shop.opens(Plan.PROFESSIONAL)) == 303
    await shop.asks(ChangeSubscription(plan=Plan.STARTER))
    with pytest.raises(ChangeIsAhead):
        await shop.asks(policy(Overage.BUY))
    assert await shop.ahead() == ["2026-01/starter/month/usd"]
    assert (await shop.account()).overage == {}


async def test_what_one_subscription_bills_by_use_is_not_added_to_a_second(shop: Shop) -> None:
    sender = await buying(shop)
    await shop.desk.subscribe(shop.customer, Line(STARTER))  # by hand, in the provider's dashboard
    await shop.hears()
    await shop.works()
    held = await shop.desk.gateway.subscriptions(shop.customer)
    assert sorted(str(item.kind) for one in held for item in one.items) == ["metered", "plan", "plan"]
    await sender.reports(*await sender.sends(900))
    await shop.to(at(months_after(START, 1)) + DAY)
    assert sum(await totals(shop)) == 4 * 4_900 + 100


async def test_for_a_tenant_that_has_closed_no_price_is_asked_for_behind_a_page(shop: Shop) -> None:
    await buying(shop)
    await shop.asks(CancelSubscription())
    await shop.to(at(months_after(START, 1)) + DAY)
    page = await shop.opens(Plan.PROFESSIONAL, interval=Interval.YEAR)
    await shop.does(CloseTenant(tenant_slug="agency"), TENANT)
    before = (await shop.told()).count("billing.change_requested")
    assert await shop.pays(page) == 303
    assert (await shop.told()).count("billing.change_requested") == before
