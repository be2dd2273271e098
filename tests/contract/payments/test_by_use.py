"""What is charged by use: meters, what they count, and prices by it, whoever is behind the gateway."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from application.billing.stocking import by_use
from application.ports.payment_values import CheckoutOrder, Line, Wares, When
from application.ports.payments import InvalidPaymentRequest, NotAtProvider
from tests.support.stripes import CATALOGUE, METER, Desk

STARTER = "2026-01/starter/month/usd"


async def test_usage_counts_once(desk: Desk) -> None:
    customer = await desk.customer()
    now, identifier = datetime.now(UTC), str(uuid4())
    if desk.fake is not None:
        now = (await desk.gateway.subscription((await desk.subscribe(customer, Line(STARTER))).ref)).created
    for _ in range(2):
        await desk.gateway.report_usage(METER.name, customer, 17, identifier=identifier, at=now)
    with pytest.raises(NotAtProvider):
        await desk.gateway.report_usage("no_such_meter", customer, 1, identifier=str(uuid4()), at=now)


async def test_what_was_counted_is_told_by_the_minute(desk: Desk) -> None:
    customer = await desk.customer()
    now = datetime.now(UTC)
    if desk.fake is not None:
        now = (await desk.gateway.subscription((await desk.subscribe(customer, Line(STARTER))).ref)).created
    since, until = now - timedelta(days=1), now + timedelta(minutes=1)
    asked = {"since": since, "until": until}
    assert await desk.gateway.counted_usage(METER.name, customer, **asked) == 0
    for value in (3, 4):
        await desk.gateway.report_usage(METER.name, customer, value, identifier=str(uuid4()), at=now)
    if desk.fake is not None:  # Stripe itself sums up some minutes later
        assert await desk.gateway.counted_usage(METER.name, customer, **asked) == 7
        earlier = {"since": since, "until": now - timedelta(minutes=1)}
        assert await desk.gateway.counted_usage(METER.name, customer, **earlier) == 0
    with pytest.raises(NotAtProvider):
        await desk.gateway.counted_usage("no_such_meter", customer, **asked)


async def test_a_price_by_use_is_added_to_a_subscription_and_kept_by_a_change(desk: Desk) -> None:
    meters, metered = by_use()
    await desk.gateway.ensure_wares(Wares(CATALOGUE, meters=meters, metered=metered))
    price = next(one.id for one in metered if one.unit.currency == "USD")
    after = held = await desk.subscribe(await desk.customer(), Line(STARTER))
    for plan, when in (("starter", When.NOW), ("professional", When.NOW), ("starter", When.PERIOD_END)):
        lines = (Line(f"2026-01/{plan}/month/usd"), Line(price, None))
        after = await desk.gateway.change_subscription(held.ref, lines, plan=plan, when=when, key=desk.key())
        assert sorted(str(item.kind) for item in after.items) == ["metered", "plan"]
        (item,) = [one for one in after.items if one.kind == "metered"]
        assert (item.price, item.quantity) == (price, None)
    assert after.change_ahead is not None
    assert set(after.change_ahead.lines) == {Line(STARTER), Line(price, None)}


async def test_a_page_takes_prices_of_one_interval_and_a_subscription_those_of_two(desk: Desk) -> None:
    meters, metered = by_use()
    await desk.gateway.ensure_wares(Wares(CATALOGUE, meters=meters, metered=metered))
    price = next(one.id for one in metered if one.unit.currency == "USD")
    yearly, customer = "2026-01/starter/year/usd", await desk.customer()
    order = CheckoutOrder(
        customer=customer,
        tenant_id=uuid4(),
        plan="starter",
        lines=(Line(yearly), Line(price, None)),
        success_url="https://app.example/paid",
        cancel_url="https://app.example/plans",
    )
    with pytest.raises(InvalidPaymentRequest, match="interval"):
        await desk.gateway.checkout(order, key=desk.key())
    held = await desk.subscribe(customer, Line(yearly))
    lines = (Line(yearly), Line(price, None))
    after = await desk.gateway.change_subscription(
        held.ref, lines, plan="starter", when=When.NOW, key=desk.key()
    )
    assert sorted((str(item.kind), item.quantity) for item in after.items) == [("metered", None), ("plan", 1)]


async def test_of_a_customer_that_was_deleted_nothing_is_counted(desk: Desk) -> None:
    customer = await desk.customer()
    held = await desk.subscribe(customer, Line(STARTER))
    assert await desk.gateway.has_customer(customer)
    await desk.raw.v1.customers.delete_async(customer)
    assert not await desk.gateway.has_customer(customer)
    assert not await desk.gateway.has_customer("cus_of_nobody")
    assert (await desk.gateway.subscription(held.ref)).status == "canceled"
    now = datetime.now(UTC)
    with pytest.raises(NotAtProvider):
        await desk.gateway.report_usage(METER.name, customer, 1, identifier=str(uuid4()), at=now)
