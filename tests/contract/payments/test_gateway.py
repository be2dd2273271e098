"""What the payment gateway does, whoever is behind it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from application.ports.payment_values import CheckoutOrder, Line, Subscription, Wares, When
from application.ports.payments import (
    CardDeclined,
    InvalidPaymentRequest,
    KeyReused,
    NotAtProvider,
    PaymentGateway,
)
from tests.support.stripes import CATALOGUE, WARES, Desk, yen

STARTER = "2026-01/starter/month/usd"
STARTER_YEAR = "2026-01/starter/year/usd"
PROFESSIONAL = "2026-01/professional/month/usd"
USER = "2026-01/user/month/usd"


def gateway_of(desk: Desk) -> PaymentGateway:
    """So that types say: the adapter is what the port asks for."""
    return desk.gateway


async def test_wares_are_made_once(desk: Desk) -> None:
    """The desk has them already; of the version in yen it has none."""
    for wares in (WARES, Wares(yen())):
        first = await gateway_of(desk).ensure_wares(wares)
        assert set(first) == {price.id for price in wares.catalogue.prices}
        assert await desk.gateway.ensure_wares(wares) == first
    assert not desk.gateway.livemode


async def test_what_was_sold_is_never_sold_otherwise(desk: Desk) -> None:
    cheaper = tuple(
        plan.model_copy(update={"month": 1}) if plan.id == "starter" else plan for plan in CATALOGUE.plans
    )
    with pytest.raises(InvalidPaymentRequest) as refused:
        await desk.gateway.ensure_wares(Wares(CATALOGUE.model_copy(update={"plans": cheaper})))
    assert (refused.value.code, refused.value.param) == ("sold_otherwise", "unit_amount")
    coupons = tuple(one.model_copy(update={"percent_off": 99}) for one in CATALOGUE.coupons)
    with pytest.raises(InvalidPaymentRequest) as refused:
        await desk.gateway.ensure_wares(Wares(CATALOGUE.model_copy(update={"coupons": coupons})))
    assert refused.value.param == "percent_off"


async def test_the_same_key_is_the_same_customer_and_no_other_write(desk: Desk) -> None:
    key, tenant = desk.key(), uuid4()
    made = await desk.gateway.create_customer(tenant, key=key)
    assert await desk.gateway.create_customer(tenant, key=key) == made
    with pytest.raises(KeyReused):
        await desk.gateway.create_customer(uuid4(), key=key)


async def test_all_customers_are_listed_with_what_is_noted_of_whose_they_are(desk: Desk) -> None:
    """More than a page of them, so that none is left out where one page ends and the next begins."""
    tenant, customers = uuid4(), desk.raw.v1.customers
    ours = await desk.gateway.create_customer(tenant, key=desk.key())
    edited = (await customers.create_async({"metadata": {"tenant_id": "Agency, by hand"}})).id
    others = [(await customers.create_async({"name": "Somebody else's"})).id for _ in range(101)]
    gone, by_a_clock = (await customers.create_async({})).id, await desk.customer(None)
    await customers.delete_async(gone)
    listed = [one async for one in gateway_of(desk).customers()]
    found = {one.ref: (one.noted, one.tenant_id) for one in listed}
    assert len(found) == len(listed)
    assert (found[ours], found[edited]) == ((str(tenant), tenant), ("Agency, by hand", None))
    assert {found[one] for one in others} == {(None, None)}
    assert not {gone, by_a_clock} & found.keys()
    for one in (ours, edited, *others):
        await customers.delete_async(one)


async def test_a_checkout_is_a_page(desk: Desk) -> None:
    tenant = uuid4()
    customer = await desk.gateway.create_customer(tenant, key=desk.key())
    order = CheckoutOrder(
        customer=customer,
        tenant_id=tenant,
        plan="starter",
        lines=(Line(STARTER), Line(USER, 2)),
        success_url="https://app.example/paid?of={CHECKOUT_SESSION_ID}",
        cancel_url="https://app.example/plans",
        coupon="nonprofit-30",
        trial_end=datetime.now(UTC) + timedelta(days=10),
    )
    session = await desk.gateway.checkout(order, key=desk.key())
    assert (session.status, session.customer, session.tenant_id) == ("open", customer, tenant)
    assert session.url is not None
    assert session.subscription is None
    assert await desk.gateway.checkout_session(session.ref) == session
    assert (await desk.gateway.portal(customer, "https://app.example", key=desk.key())).startswith("http")


async def test_pages_that_are_open_are_listed_and_closed_once(desk: Desk) -> None:
    tenant = uuid4()
    customer = await desk.gateway.create_customer(tenant, key=desk.key())
    order = CheckoutOrder(
        customer=customer,
        tenant_id=tenant,
        plan="starter",
        lines=(Line(STARTER),),
        success_url="https://app.example/paid",
        cancel_url="https://app.example/plans",
    )
    assert await desk.gateway.open_checkouts(customer) == ()
    first = await desk.gateway.checkout(order, key=desk.key())
    second = await desk.gateway.checkout(order, key=desk.key())
    assert {one.ref for one in await desk.gateway.open_checkouts(customer)} == {first.ref, second.ref}
    for key in (desk.key(), desk.key()):
        closed = await desk.gateway.expire_checkout(first.ref, key=key)
        assert (closed.ref, closed.status, closed.url) == (first.ref, "expired", None)
    assert await desk.gateway.open_checkouts(customer) == (second,)
    with pytest.raises(NotAtProvider):
        await desk.gateway.expire_checkout("cs_test_of_nobody", key=desk.key())


async def test_what_is_not_sold_or_not_there_is_named(desk: Desk) -> None:
    customer = await desk.customer()
    order = CheckoutOrder(
        customer=customer,
        tenant_id=uuid4(),
        plan="starter",
        lines=(Line("2026-01/starter/month/xxx"),),
        success_url="https://app.example",
        cancel_url="https://app.example",
    )
    with pytest.raises(InvalidPaymentRequest) as refused:
        await desk.gateway.checkout(order, key=desk.key())
    assert (refused.value.code, refused.value.param) == ("price_unknown", "/lines/0/price")
    with pytest.raises(NotAtProvider):
        await desk.gateway.subscription("sub_of_nobody")
    with pytest.raises(NotAtProvider):
        await desk.gateway.invoice("in_of_nobody")
    with pytest.raises(NotAtProvider):
        await desk.gateway.payment("ch_of_nobody")


async def test_a_subscription_its_invoice_and_its_payment(desk: Desk) -> None:
    customer = await desk.customer()
    held = await desk.subscribe(
        customer, Line(STARTER), Line(USER, 2), discounts=[{"coupon": "nonprofit-30"}]
    )
    assert (held.status, held.currency, held.customer) == ("active", "USD", customer)
    terms = held.terms()
    assert terms.plan == "starter"
    assert {(item.price, item.unit_amount, item.quantity) for item in terms.items} == {
        (STARTER, 4_900, 1),
        (USER, 1_500, 2),
    }
    assert [(one.coupon, one.percent_off, one.ends_on) for one in terms.discounts] == [
        ("nonprofit-30", 3_000, None)
    ]
    (invoice,) = await desk.gateway.invoices(customer)
    assert (invoice.subscription, invoice.status, invoice.lines_complete) == (held.ref, "paid", True)
    assert (invoice.subtotal, invoice.discount, invoice.total, invoice.amount_paid) == (
        7_900,
        2_370,
        5_530,
        5_530,
    )
    assert sum(line.amount - line.discount for line in invoice.lines) == invoice.total
    assert {(line.price, line.kind, line.of) for line in invoice.lines} == {
        (STARTER, "plan", "starter"),
        (USER, "add_on", "user"),
    }
    (payment,) = await desk.gateway.payments(customer=customer)
    assert (payment.status, payment.amount, payment.invoice) == ("succeeded", 5_530, invoice.ref)
    assert payment.fee is not None
    assert payment.net == payment.amount - payment.fee
    assert payment.intent in invoice.intents
    assert await desk.gateway.payment(payment.ref) == payment
    assert await desk.gateway.invoice(invoice.ref) == invoice
    assert await desk.gateway.subscriptions(customer) == (held,)


async def test_an_upgrade_costs_what_was_previewed(desk: Desk) -> None:
    clock = await desk.clock()
    customer = await desk.customer(clock=clock)
    held = await desk.subscribe(customer, Line(STARTER))
    assert held.period_start is not None
    later = held.period_start + timedelta(days=10)
    await desk.advance(clock, later)
    lines = (Line(PROFESSIONAL), Line(USER, 3))
    preview = await desk.gateway.preview_change(held.ref, lines, at=later)
    after = await desk.gateway.change_subscription(
        held.ref, lines, plan="professional", when=When.NOW, key=desk.key()
    )
    assert (after.plan, after.status, after.period_end) == ("professional", "active", held.period_end)
    assert after.latest_invoice is not None
    invoice = await desk.gateway.invoice(after.latest_invoice)
    assert (invoice.reason, invoice.status) == ("subscription_update", "paid")
    assert invoice.total == preview.due_now == preview.charge - preview.credit
    assert 0 < preview.credit < 4_900
    # Once more, as if the answer had been lost: nothing is charged twice.
    again = await desk.gateway.change_subscription(
        held.ref, lines, plan="professional", when=When.NOW, key=desk.key()
    )
    assert again == after
    assert len(await desk.gateway.invoices(customer)) == 2


async def test_a_declined_upgrade_changes_nothing(desk: Desk) -> None:
    customer = await desk.customer()
    held = await desk.subscribe(customer, Line(STARTER))
    await desk.card(customer, "pm_card_chargeCustomerFail")
    with pytest.raises(CardDeclined) as refused:
        await desk.gateway.change_subscription(
            held.ref, (Line(PROFESSIONAL),), plan="professional", when=When.NOW, key=desk.key()
        )
    assert refused.value.code == "generic_decline"
    after = await desk.gateway.subscription(held.ref)
    assert (after.items, after.plan, after.status) == (held.items, held.plan, "active")
    assert len(await desk.gateway.invoices(customer)) == 1


async def test_a_downgrade_waits_for_the_end_of_the_cycle(desk: Desk) -> None:
    clock = await desk.clock()
    customer = await desk.customer(clock=clock)
    held = await desk.subscribe(customer, Line(PROFESSIONAL))
    after = await desk.gateway.change_subscription(
        held.ref, (Line(STARTER),), plan="starter", when=When.PERIOD_END, key=desk.key()
    )
    assert after.items == held.items
    assert after.change_ahead is not None
    assert (after.change_ahead.at, after.change_ahead.lines) == (held.period_end, (Line(STARTER),))
    assert await desk.gateway.subscriptions(customer) == (after,)
    assert held.period_end is not None
    await desk.advance(clock, held.period_end + timedelta(hours=3))
    after = await desk.gateway.subscription(held.ref)
    assert [item.price for item in after.items] == [STARTER]
    assert (after.plan, after.period_start) == ("starter", held.period_end)
    invoices = await desk.gateway.invoices(customer)
    assert [one.total for one in invoices] == [14_900, 4_900]
    assert invoices[-1].status == "paid"


async def test_a_change_ahead_can_be_withdrawn_or_overtaken(desk: Desk) -> None:
    customer = await desk.customer()
    held = await desk.subscribe(customer, Line(PROFESSIONAL))
    lines = (Line(STARTER),)
    await desk.gateway.change_subscription(
        held.ref, lines, plan="starter", when=When.PERIOD_END, key=desk.key()
    )
    after = await desk.gateway.withdraw_change(held.ref, key=desk.key())
    assert (after.schedule, after.change_ahead, after.items) == (None, None, held.items)
    assert await desk.gateway.withdraw_change(held.ref, key=desk.key()) == after
    await desk.gateway.change_subscription(
        held.ref, lines, plan="starter", when=When.PERIOD_END, key=desk.key()
    )
    after = await desk.gateway.change_subscription(
        held.ref, (Line(PROFESSIONAL), Line(USER, 1)), plan="professional", when=When.NOW, key=desk.key()
    )
    assert after.schedule is None
    assert {item.price for item in after.items} == {PROFESSIONAL, USER}


async def test_another_rhythm_begins_a_cycle(desk: Desk) -> None:
    clock = await desk.clock()
    customer = await desk.customer(clock=clock)
    held = await desk.subscribe(customer, Line(STARTER))
    assert held.period_start is not None
    later = held.period_start + timedelta(days=10)
    await desk.advance(clock, later)
    after = await desk.gateway.change_subscription(
        held.ref, (Line(STARTER_YEAR),), plan="starter", when=When.NOW, key=desk.key()
    )
    assert after.period_start == later
    assert after.period_end is not None
    assert (after.period_end - later).days == 365
    assert after.latest_invoice is not None
    invoice = await desk.gateway.invoice(after.latest_invoice)
    assert invoice.total == 47_000 - round(4_900 * 18 / 28 if desk.fake else 47_000 - invoice.total)


async def test_an_end_is_settled_taken_back_and_final(desk: Desk) -> None:
    customer = await desk.customer()
    held = await desk.subscribe(customer, Line(STARTER))
    settled = await desk.gateway.cancel(held.ref, when=When.PERIOD_END, key=desk.key())
    assert (settled.status, settled.cancel_at_period_end, settled.cancel_at) == (
        "active",
        True,
        held.period_end,
    )
    with pytest.raises(InvalidPaymentRequest):
        await desk.gateway.change_subscription(
            held.ref, (Line(PROFESSIONAL),), plan="professional", when=When.PERIOD_END, key=desk.key()
        )
    back = await desk.gateway.resume(held.ref, key=desk.key())
    assert (back.cancel_at_period_end, back.cancel_at) == (False, None)
    assert await desk.gateway.resume(held.ref, key=desk.key()) == back
    ended = await desk.gateway.cancel(held.ref, when=When.NOW, key=desk.key())
    assert ended.status == "canceled"
    assert ended.ended_at is not None
    assert await desk.gateway.cancel(held.ref, when=When.NOW, key=desk.key()) == ended


async def test_a_trial_is_free_and_then_paid(desk: Desk) -> None:
    clock = await desk.clock()
    customer = await desk.customer(clock=clock)
    held = await desk.subscribe(customer, Line(STARTER), trial_period_days=14)
    assert (held.status, held.period_end) == ("trialing", held.trial_end)
    assert held.trial_end is not None
    await desk.advance(clock, held.trial_end + timedelta(hours=3))
    assert (await desk.gateway.subscription(held.ref)).status == "active"
    assert [one.total for one in await desk.gateway.invoices(customer)] == [0, 4_900]


async def test_a_failed_renewal_is_past_due_until_it_is_paid(desk: Desk) -> None:
    clock = await desk.clock()
    customer = await desk.customer(clock=clock)
    held = await desk.subscribe(customer, Line(STARTER))
    await desk.card(customer, "pm_card_chargeCustomerFail")
    assert held.period_end is not None
    await desk.advance(clock, held.period_end + timedelta(hours=3))
    owing = await desk.gateway.subscription(held.ref)
    assert owing.status == "past_due"
    assert owing.latest_invoice is not None
    invoice = await desk.gateway.invoice(owing.latest_invoice)
    assert (invoice.status, invoice.amount_remaining, invoice.attempts) == ("open", 4_900, 1)
    with pytest.raises(CardDeclined):
        await desk.gateway.pay_invoice(invoice.ref, key=desk.key())
    failed = [one for one in await desk.gateway.payments(customer=customer) if one.status == "failed"]
    assert {(one.failure, one.fee, one.invoice) for one in failed} == {("card_declined", None, invoice.ref)}
    await desk.card(customer, "pm_card_visa")
    paid = await desk.gateway.pay_invoice(invoice.ref, key=desk.key())
    assert (paid.status, paid.amount_remaining) == ("paid", 0)
    assert (await desk.gateway.subscription(held.ref)).status == "active"


async def test_a_refund_gives_back_no_more_than_was_paid(desk: Desk) -> None:
    customer = await desk.customer()
    await desk.subscribe(customer, Line(STARTER))
    (payment,) = await desk.gateway.payments(customer=customer)
    key = desk.key()
    first = await desk.gateway.refund(payment.ref, amount=1_000, key=key)
    assert await desk.gateway.refund(payment.ref, amount=1_000, key=key) == first
    assert (first.amount, first.currency, first.status) == (1_000, "USD", "succeeded")
    with pytest.raises(InvalidPaymentRequest):
        await desk.gateway.refund(payment.ref, amount=3_901, key=desk.key())
    rest = await desk.gateway.refund(payment.ref, key=desk.key())
    assert rest.amount == 3_900
    with pytest.raises(InvalidPaymentRequest) as refused:
        await desk.gateway.refund(payment.ref, key=desk.key())
    assert refused.value.code == "charge_already_refunded"
    assert await desk.gateway.refunds(payment=payment.ref) == (first, rest)
    assert (await desk.gateway.payment(payment.ref)).refunded == 4_900


async def test_currencies_are_never_mixed(desk: Desk) -> None:
    customer = await desk.customer()
    held = await desk.subscribe(customer, Line(STARTER))
    with pytest.raises(InvalidPaymentRequest):
        await desk.gateway.change_subscription(
            held.ref,
            (Line(STARTER), Line("2026-01/user/month/eur", 1)),
            plan="starter",
            when=When.NOW,
            key=desk.key(),
        )
    assert (await desk.gateway.subscription(held.ref)).items == held.items


async def test_a_currency_without_a_minor_unit(desk: Desk) -> None:
    await desk.gateway.ensure_wares(Wares(yen()))
    customer = await desk.customer()
    held = await desk.subscribe(customer, Line(f"{yen().version}/starter/month/jpy"))
    assert (held.currency, held.items[0].unit_amount) == ("JPY", 4_900)
    (payment,) = await desk.gateway.payments(customer=customer)
    assert (payment.amount, payment.currency) == (4_900, "JPY")


async def test_events_tell_what_happened(desk: Desk) -> None:
    began = datetime.now(UTC) - timedelta(minutes=1)
    since = datetime(2026, 1, 1, tzinfo=UTC) if desk.fake is not None else began
    customer = await desk.customer()
    held = await desk.subscribe(customer, Line(STARTER))
    await desk.gateway.cancel(held.ref, when=When.PERIOD_END, key=desk.key())
    told = [one async for one in desk.gateway.events(since=since) if one.customer == customer]
    assert {"customer.created", "customer.subscription.created", "invoice.paid"} <= {one.type for one in told}
    changed = next(one for one in told if one.type == "customer.subscription.updated")
    assert isinstance(changed.snapshot, Subscription)
    assert changed.snapshot.cancel_at_period_end
    assert {"cancel_at", "cancel_at_period_end"} <= set(changed.changed)
    assert (changed.object_type, changed.object_ref, changed.livemode) == ("subscription", held.ref, False)
    assert [one.created for one in told] == sorted((one.created for one in told), reverse=True)
