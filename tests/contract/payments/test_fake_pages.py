"""The pages of our own Stripe: Checkout and the portal, and what they do."""

import re
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from application.ports.payment_values import CheckoutOrder, CheckoutSession, Line, When
from tests.support.stripes import Desk, fake_desk

STARTER = Line("2026-01/starter/month/usd")


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with fake_desk() as made:
        yield made


async def ordered(desk: Desk, **more: object) -> CheckoutSession:
    tenant = uuid4()
    order = CheckoutOrder(
        customer=await desk.customer(None),
        tenant_id=tenant,
        plan="starter",
        lines=(STARTER, Line("2026-01/user/month/usd", 2)),
        success_url="https://app.example/paid?session={CHECKOUT_SESSION_ID}",
        cancel_url="https://app.example/plans",
        **more,  # type: ignore[arg-type]  # what a test adds
    )
    return await desk.gateway.checkout(order, key=desk.key())


async def test_a_checkout_is_paid_on_its_page(desk: Desk) -> None:
    session = await ordered(desk, coupon="launch-20")
    async with desk.browser() as browser:
        front = await browser.get("/")
        assert str(session.url) in front.text
        page = await browser.get(str(session.url))
        assert page.status_code == 200
        for words in ("Starter", "63.20 USD", 'name="card"', "https://app.example/plans"):
            assert words in page.text
        assert not re.search(r"<script|src=|@import|url\(", page.text), "nothing from outside"
        refused = await browser.post(str(session.url), data={"card": "pm_card_chargeDeclined"})
        assert (refused.status_code, "declined" in refused.text) == (402, True)
        assert (await desk.gateway.checkout_session(session.ref)).status == "open"
        done = await browser.post(str(session.url), data={"card": "pm_card_visa"})
        assert (done.status_code, done.headers["location"]) == (
            303,
            f"https://app.example/paid?session={session.ref}",
        )
        assert (await browser.get(str(session.url))).status_code == 404
        assert (await browser.post(str(session.url), data={"card": "pm_card_visa"})).status_code == 404
    after = await desk.gateway.checkout_session(session.ref)
    assert (after.status, after.url) == ("complete", None)
    assert after.customer is not None
    async with desk.browser() as browser:
        portal = await desk.gateway.portal(after.customer, "https://app.example/back", key=desk.key())
        assert "visa ···· 4242</p>" in (await browser.get(portal)).text, "the card that is charged"
    (held,) = await desk.gateway.subscriptions(after.customer)
    assert (held.ref, held.status, held.plan, held.tenant_id) == (
        after.subscription,
        "active",
        "starter",
        session.tenant_id,
    )


async def test_a_checkout_expires(desk: Desk) -> None:
    customer = await desk.gateway.create_customer(uuid4(), key=desk.key())
    order = CheckoutOrder(customer, uuid4(), "starter", (STARTER,), "https://a.example", "https://a.example")
    session = await desk.gateway.checkout(order, key=desk.key())
    await desk.control("skip", seconds=86_400)
    async with desk.browser() as browser:
        assert (await browser.post(str(session.url), data={"card": "pm_card_visa"})).status_code == 404
    assert (await desk.gateway.checkout_session(session.ref)).status == "expired"


async def test_the_portal_shows_cancels_pays_and_takes_another_card(desk: Desk) -> None:
    clock = await desk.clock()
    customer = await desk.customer(clock=clock)
    held = await desk.subscribe(customer, STARTER)
    await desk.gateway.change_subscription(
        held.ref, (Line("2026-01/user/month/usd", 1),), plan="x", when=When.PERIOD_END, key=desk.key()
    )
    url = await desk.gateway.portal(customer, "https://app.example/back", key=desk.key())
    async with desk.browser() as browser:
        page = await browser.get(url)
        for words in ("Starter", "49.00 USD", "4242", "https://app.example/back"):
            assert words in page.text
        subscription = {"subscription": held.ref}
        assert (await browser.post(url, data={"do": "cancel", **subscription})).status_code == 303
        assert (await desk.gateway.subscription(held.ref)).cancel_at_period_end
        await browser.post(url, data={"do": "resume", **subscription})
        assert not (await desk.gateway.subscription(held.ref)).cancel_at_period_end
        await browser.post(url, data={"do": "card", "card": "pm_card_chargeCustomerFail"})
        assert held.period_end is not None
        await desk.advance(clock, held.period_end.replace(hour=23))
        owing = await desk.gateway.subscription(held.ref)
        assert owing.status == "past_due"
        invoice = {"do": "pay", "invoice": str(owing.latest_invoice)}
        assert (await browser.post(url, data=invoice)).status_code == 402
        await browser.post(url, data={"do": "card", "card": "pm_card_mastercard"})
        assert (await browser.post(url, data=invoice)).status_code == 303
        assert (await desk.gateway.subscription(held.ref)).status == "active"


async def test_the_portal_is_of_one_customer(desk: Desk) -> None:
    other = await desk.subscribe(await desk.customer(), STARTER)
    url = await desk.gateway.portal(await desk.customer(), "https://a.example", key=desk.key())
    async with desk.browser() as browser:
        for form in (
            {"do": "cancel", "subscription": other.ref},
            {"do": "pay", "invoice": str(other.latest_invoice)},
            {"do": "nonsense"},
            {},
        ):
            assert (await browser.post(url, data=form)).status_code == 400
        assert (await browser.get(f"{url}0")).status_code == 404
    assert not (await desk.gateway.subscription(other.ref)).cancel_at_period_end
