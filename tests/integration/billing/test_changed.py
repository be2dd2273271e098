"""What is bought twice, changed, declined and taken back, at a Stripe of our own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from application.billing.buying import CheckoutChanged, CheckoutReplaced
from application.billing.remedies import next_step
from application.billing.stocking import Stocking
from application.billing.telling import thing_id
from application.ports.payment_values import CheckoutSession
from domain.billing.account import AlreadySubscribed
from domain.billing.account_events import OveragePolicySet
from domain.billing.change import (
    CancelSubscription,
    ChangeSubscription,
    NothingChanges,
    SubscribedTwice,
    WithdrawChange,
)
from domain.billing.usage import UsageAboveLimits
from domain.kernel.ids import WorkspaceId
from domain.tenancy.plans import Plan
from domain.tenancy.workspace import CreateWorkspace
from tests.support.given import uid
from tests.support.limited import happen
from tests.support.shop import Shop, open_shop
from tests.support.stripes import START, at
from tests.support.told import TENANT

DAY = timedelta(days=1)


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop() as found:
        yield found


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


async def test_a_key_whose_page_was_for_something_else_is_told_so(shop: Shop) -> None:
    await shop.opens(key="k")
    with pytest.raises(CheckoutChanged):
        await shop.opens(Plan.BUSINESS, key="k")
    await Stocking(shop.desk.gateway).stock()
    bought = OveragePolicySet(tenant_id=TENANT, meter="emails", policy="buy", ceiling=None)
    await happen(shop.books.commands, TENANT, f"billing_account:{TENANT}", bought)
    shop.books.start()
    with pytest.raises(CheckoutChanged):  # the same request; what is bought by use changed since
        await shop.opens(key="k")
    assert await shop.pays(await shop.opens(key="new")) == 303


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
    for ref, code in found.unrepaired:
        own = thing_id(TENANT, ref)
        assert own in account.subscriptions
        assert f"The id of this one: {own}." in next_step(code, own)
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
