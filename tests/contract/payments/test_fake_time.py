"""Two years in a second: renewals, coupons that end, cards that fail, metered use, disputes; to the cent."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest

from adapters.stripe.fake.calendar import months_after
from application.ports.payment_values import Line, MeteredPrice, Subscription, Wares, When
from domain.kernel.money import Money
from tests.support.stripes import CATALOGUE, DAY, METER, START, Desk, at, fake_desk

STARTER = Line("2026-01/starter/month/usd")
PROFESSIONAL = Line("2026-01/professional/month/usd")


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with fake_desk() as made:
        yield made


async def totals(desk: Desk, customer: str) -> list[int]:
    return [one.total for one in await desk.gateway.invoices(customer)]


async def test_two_years_of_months(desk: Desk) -> None:
    clock = await desk.clock()
    customer = await desk.customer(clock=clock)
    held = await desk.subscribe(customer, STARTER)
    await desk.advance(clock, at(months_after(START, 24) - 1))
    invoices = await desk.gateway.invoices(customer)
    assert [one.total for one in invoices] == [4_900] * 24
    assert {one.status for one in invoices} == {"paid"}
    assert [one.lines[0].period_start for one in invoices] == [
        at(months_after(START, number)) for number in range(24)
    ]
    assert all(one.lines[0].period_end == next_.lines[0].period_start for one, next_ in pairwise(invoices))
    payments = await desk.gateway.payments(customer=customer)
    assert sum(one.net or 0 for one in payments) == 24 * (4_900 - 172)
    assert (await desk.gateway.subscription(held.ref)).period_end == at(months_after(START, 24))


async def test_a_year_is_paid_once(desk: Desk) -> None:
    clock = await desk.clock()
    customer = await desk.customer(clock=clock)
    await desk.subscribe(customer, Line("2026-01/starter/year/usd"))
    await desk.advance(clock, at(months_after(START, 24) + DAY))
    assert await totals(desk, customer) == [47_000] * 3


@pytest.mark.parametrize(
    ("coupon", "expected"),
    [
        ({"duration": "forever", "percent_off": 30}, [3_430] * 6),
        ({"duration": "repeating", "duration_in_months": 3, "percent_off": 20}, [3_920] * 3 + [4_900] * 3),
        ({"duration": "once", "amount_off": 1_000, "currency": "usd"}, [3_900] + [4_900] * 5),
        (
            {"duration": "repeating", "duration_in_months": 2, "amount_off": 9_900, "currency": "usd"},
            [0, 0] + [4_900] * 4,
        ),
    ],
)
async def test_coupons_lower_as_long_as_they_last(
    desk: Desk, coupon: dict[str, object], expected: list[int]
) -> None:
    made = await desk.raw.v1.coupons.create_async(coupon)  # type: ignore[arg-type]  # the table's rows differ
    clock = await desk.clock()
    customer = await desk.customer(clock=clock)
    held = await desk.subscribe(customer, STARTER, discounts=[{"coupon": made.id}])
    await desk.advance(clock, at(months_after(START, 5) + DAY))
    assert await totals(desk, customer) == expected
    left = (await desk.gateway.subscription(held.ref)).discounts
    assert bool(left) is (coupon["duration"] == "forever")


async def test_prorations_add_up_whatever_is_changed_back_and_forth(desk: Desk) -> None:
    """Upgraded and downgraded within a cycle, at moments of no round number: what was paid is the time each was had."""
    clock = await desk.clock()
    customer = await desk.customer(clock=clock)
    held = await desk.subscribe(customer, STARTER, discounts=[{"coupon": "nonprofit-30"}])
    assert held.period_start is not None
    assert held.period_end is not None
    whole = (held.period_end - held.period_start).total_seconds()
    moments = [0, 123_457, 700_001, 1_999_999, whole]
    plans = [STARTER, PROFESSIONAL, STARTER, PROFESSIONAL]
    for moment, line in list(zip(moments, plans, strict=False))[1:]:
        await desk.advance(clock, held.period_start + timedelta(seconds=moment))
        await desk.gateway.change_subscription(held.ref, (line,), plan="any", when=When.NOW, key=desk.key())
    prices = {STARTER: 3_430, PROFESSIONAL: 10_430}
    had = sum(
        prices[line] * (end - start) / whole
        for line, (start, end) in zip(plans, pairwise(moments), strict=True)
    )
    paid = sum(await totals(desk, customer))
    assert abs(paid - had) <= len(moments), "a cent each for what is rounded"
    # Downgrades gave credit, which was spent before a card was charged again.
    charged = sum(one.amount for one in await desk.gateway.payments(customer=customer))
    balance = (await desk.raw.v1.customers.retrieve_async(customer)).balance
    assert balance is not None
    assert charged == paid - balance


async def test_a_quantity_changed_between_waits_for_the_next_invoice(desk: Desk) -> None:
    clock = await desk.clock(START + DAY)
    customer = await desk.customer(clock=clock)
    user = Line("2026-01/user/month/usd", 2)
    held = await desk.subscribe(customer, STARTER, user)
    assert held.period_start is not None
    assert held.period_end is not None
    half = (held.period_end - held.period_start) / 2
    await desk.advance(clock, held.period_start + half)
    ref = next(item.ref for item in held.items if item.of == "user")
    await desk.raw.v1.subscriptions.update_async(held.ref, {"items": [{"id": ref, "quantity": 5}]})
    assert await totals(desk, customer) == [7_900]
    await desk.advance(clock, held.period_end + timedelta(hours=2))
    assert await totals(desk, customer) == [7_900, 4_900 + 7_500 + 2_250]


async def test_cards_are_tried_on_days_3_5_and_7_and_then_it_is_unpaid(desk: Desk) -> None:
    clock = await desk.clock()
    customer = await desk.customer(clock=clock)
    held = await desk.subscribe(customer, STARTER)
    await desk.card(customer, "pm_card_chargeCustomerFail")
    assert held.period_end is not None
    seen: list[tuple[str, int]] = []
    for day in (0, 3, 5, 7):
        await desk.advance(clock, held.period_end + timedelta(days=day, hours=2))
        after = await desk.gateway.subscription(held.ref)
        assert after.latest_invoice is not None
        seen.append((after.status, (await desk.gateway.invoice(after.latest_invoice)).attempts))
    assert seen == [("past_due", 1), ("past_due", 2), ("past_due", 3), ("unpaid", 4)]
    # What is unpaid is billed on, as drafts that nobody collects.
    await desk.advance(clock, at(months_after(START, 3)))
    invoices = await desk.gateway.invoices(customer)
    assert [one.status for one in invoices] == ["paid", "open", "draft", "draft"]
    told = {one.type async for one in desk.gateway.events(since=at(START)) if one.customer == customer}
    assert "invoice.payment_failed" in told


async def test_a_trial_without_a_card_tells_ahead_and_owes(desk: Desk) -> None:
    clock = await desk.clock()
    customer = await desk.customer(None, clock=clock)
    held = await desk.subscribe(customer, STARTER, trial_period_days=14)
    await desk.advance(clock, at(START + 11 * DAY + 1))
    told = [one async for one in desk.gateway.events(since=at(START)) if one.customer == customer]
    (ahead,) = [one for one in told if one.type == "customer.subscription.trial_will_end"]
    assert ahead.created == at(START + 11 * DAY)
    await desk.advance(clock, at(START + 14 * DAY + 7_200))
    assert (await desk.gateway.subscription(held.ref)).status == "past_due"


@pytest.mark.parametrize(("behaviour", "status"), [("cancel", "canceled"), ("pause", "paused")])
async def test_a_trial_without_a_card_ends_as_was_settled(desk: Desk, behaviour: str, status: str) -> None:
    clock = await desk.clock()
    customer = await desk.customer(None, clock=clock)
    held = await desk.subscribe(
        customer,
        STARTER,
        trial_period_days=14,
        trial_settings={"end_behavior": {"missing_payment_method": behaviour}},
    )
    await desk.advance(clock, at(START + 15 * DAY))
    after = await desk.gateway.subscription(held.ref)
    assert after.status == status
    assert await totals(desk, customer) == [0]
    if status == "paused":
        await desk.card(customer, "pm_card_visa")
        resumed = await desk.gateway.resume(held.ref, key=desk.key())
        assert (resumed.status, resumed.period_start) == ("active", at(START + 15 * DAY))


async def test_a_trial_ended_at_once_is_paid_at_once(desk: Desk) -> None:
    customer = await desk.customer()
    held = await desk.subscribe(customer, STARTER, trial_period_days=14)
    await desk.raw.v1.subscriptions.update_async(held.ref, {"trial_end": "now"})
    after = await desk.gateway.subscription(held.ref)
    assert (after.status, after.period_end) == ("active", at(months_after(START, 1)))
    assert await totals(desk, customer) == [0, 4_900]


async def test_what_is_never_paid_expires(desk: Desk) -> None:
    clock = await desk.clock()
    customer = await desk.customer("pm_card_chargeCustomerFail", clock=clock)
    held = await desk.subscribe(customer, STARTER)
    assert held.status == "incomplete"
    await desk.advance(clock, at(START + DAY))
    after = await desk.gateway.subscription(held.ref)
    assert (after.status, after.ended_at) == ("incomplete_expired", at(START + 23 * 3_600))
    assert [one.status for one in await desk.gateway.invoices(customer)] == ["void"]
    assert after.terms().ended_at is not None


async def test_an_end_that_was_settled_comes(desk: Desk) -> None:
    clock = await desk.clock()
    customer = await desk.customer(clock=clock)
    held = await desk.subscribe(customer, STARTER)
    await desk.gateway.cancel(held.ref, when=When.PERIOD_END, key=desk.key())
    await desk.advance(clock, at(months_after(START, 6)))
    after = await desk.gateway.subscription(held.ref)
    assert (after.status, after.ended_at) == ("canceled", held.period_end)
    assert await totals(desk, customer) == [4_900]
    told = [one async for one in desk.gateway.events(since=at(START)) if one.customer == customer]
    (ended,) = [one for one in told if one.type == "customer.subscription.deleted"]
    assert isinstance(ended.snapshot, Subscription)
    assert ended.snapshot.status == "canceled"


async def test_a_downgrade_to_another_rhythm(desk: Desk) -> None:
    clock = await desk.clock()
    customer = await desk.customer(clock=clock)
    held = await desk.subscribe(customer, PROFESSIONAL)
    await desk.gateway.change_subscription(
        held.ref,
        (Line("2026-01/starter/year/usd"),),
        plan="starter",
        when=When.PERIOD_END,
        key=desk.key(),
    )
    await desk.advance(clock, at(months_after(START, 14)))
    after = await desk.gateway.subscription(held.ref)
    assert held.period_end is not None
    assert after.period_start == held.period_end.replace(year=2027)
    assert (after.schedule, after.plan) == (None, "starter")
    assert await totals(desk, customer) == [14_900, 47_000, 47_000]


async def test_what_was_used_is_paid_afterwards(desk: Desk) -> None:
    price = MeteredPrice("2026-01/overage/month/usd", "overage", "E-mails above", METER.name, Money(2, "USD"))
    await desk.gateway.ensure_wares(Wares(CATALOGUE, meters=(METER,), metered=(price,)))
    clock = await desk.clock()
    customer = await desk.customer(clock=clock)
    held = await desk.subscribe(customer, STARTER, Line(price.id, None))
    item = next(one for one in held.terms().items if one.price == price.id)
    assert (item.kind, item.of, item.quantity, item.unit_amount) == ("metered", "overage", 1, 0)
    for number, day in enumerate((1, 20, 27)):
        moment = at(START + day * DAY)
        await desk.advance(clock, moment)
        for _ in range(2):
            await desk.gateway.report_usage(METER.name, customer, 100, identifier=f"use-{number}", at=moment)
    await desk.advance(clock, at(months_after(START, 2) + DAY))
    assert await totals(desk, customer) == [4_900, 4_900 + 600, 4_900]
    line = next(one for one in (await desk.gateway.invoices(customer))[1].lines if one.price == price.id)
    assert (line.amount, line.quantity, line.period_start) == (600, 300, held.period_start)


@pytest.mark.parametrize(
    ("within", "tax", "tax_within", "total"), [(False, 652, 0, 4_082), (True, 0, 548, 3_430)]
)
async def test_tax_is_told_apart(desk: Desk, tax: int, tax_within: int, total: int, *, within: bool) -> None:
    rate = await desk.raw.v1.tax_rates.create_async(
        {"display_name": "VAT", "percentage": 19, "inclusive": within}
    )
    customer = await desk.customer()
    await desk.subscribe(
        customer, STARTER, default_tax_rates=[rate.id], discounts=[{"coupon": "nonprofit-30"}]
    )
    (invoice,) = await desk.gateway.invoices(customer)
    assert (invoice.subtotal, invoice.discount, invoice.total) == (4_900, 1_470, total)
    assert (invoice.tax, invoice.tax_within) == (tax, tax_within)
    assert invoice.total == invoice.subtotal - invoice.discount + invoice.tax


@pytest.mark.parametrize(
    ("evidence", "status", "withdrawn"),
    [("winning_evidence", "won", 0), ("losing_evidence", "lost", 4_900)],
)
async def test_a_dispute_is_opened_and_closed(desk: Desk, evidence: str, status: str, withdrawn: int) -> None:
    customer = await desk.customer("pm_card_createDispute")
    await desk.subscribe(customer, STARTER)
    (dispute,) = await desk.gateway.disputes()
    (payment,) = await desk.gateway.payments()
    assert (dispute.payment, dispute.amount, dispute.status) == (payment.ref, 4_900, "needs_response")
    assert (dispute.withdrawn, dispute.fee, dispute.settled_in) == (4_900, 1_500, "USD")
    assert payment.disputed
    await desk.raw.v1.disputes.update_async(
        dispute.ref, {"evidence": {"uncategorized_text": evidence}, "submit": True}
    )
    (dispute,) = await desk.gateway.disputes()
    assert (dispute.status, dispute.withdrawn, dispute.fee) == (status, withdrawn, 1_500)


async def test_without_a_test_clock_the_time_outside_counts(desk: Desk) -> None:
    made = await desk.gateway.create_customer(uuid4(), key=desk.key())
    await desk.card(made, "pm_card_visa")
    held = await desk.subscribe(made, STARTER)
    skipped = await desk.control("skip", seconds=62 * DAY)
    assert skipped["ahead"] == 62 * DAY
    assert await totals(desk, made) == [4_900] * 3
    (second, *_) = [one for one in await desk.gateway.invoices(made) if one.reason == "subscription_cycle"]
    assert second.created == held.period_end


async def test_nobody_skips_more_than_four_hundred_days_ahead(desk: Desk) -> None:
    await desk.control("skip", seconds=390 * DAY)
    async with desk.browser() as browser:
        refused = await browser.post("/_control/skip", json={"seconds": 11 * DAY})
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "seconds"
    assert f"At most {10 * DAY} seconds" in refused.json()["error"]["message"]
    assert (await desk.control("skip", seconds=10 * DAY))["ahead"] == 400 * DAY


async def test_who_has_bought_nothing_yet_is_put_on_a_clock_of_the_past(desk: Desk) -> None:
    made = await desk.gateway.create_customer(uuid4(), key=desk.key())
    clock = await desk.control("clock", customer=made, frozen_time=START)
    assert (clock["object"], clock["frozen_time"]) == ("test_helpers.test_clock", START)
    assert (await desk.raw.v1.customers.retrieve_async(made)).test_clock == clock["id"]
    await desk.card(made, "pm_card_visa")
    held = await desk.subscribe(made, STARTER)
    assert held.period_start == at(START)
    await desk.advance(clock["id"], at(months_after(START, 1) + DAY))
    assert await totals(desk, made) == [4_900] * 2


async def test_who_is_put_on_no_clock_is_told_why(desk: Desk) -> None:
    by_a_clock, there = await desk.customer(), await desk.gateway.create_customer(uuid4(), key=desk.key())
    bought = await desk.gateway.create_customer(uuid4(), key=desk.key())
    await desk.card(bought, "pm_card_visa")
    await desk.subscribe(bought, STARTER)
    async with desk.browser() as browser:
        for customer, moment, param in (
            (by_a_clock, START, "customer"),
            (bought, START, "customer"),
            ("cus_none", START, "customer"),
            (there, int(time.time()) + DAY, "frozen_time"),
            (there, "yesterday", "frozen_time"),
        ):
            asked = {"customer": customer, "frozen_time": moment}
            refused = await browser.post("/_control/clock", json=asked)
            assert refused.json()["error"]["param"] == param, refused.text
    assert (await desk.raw.v1.customers.retrieve_async(there)).test_clock is None
