"""Webhooks of our own Stripe: signed as Stripe signs, sent again when refused, and as disorderly as a test wants."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from adapters.stripe.gateway import StripeGateway
from adapters.stripe.settings import StripeSettings
from adapters.stripe.signatures import signature_header
from application.ports.payment_values import (
    CheckoutSession,
    GatewayEvent,
    Invoice,
    Line,
    Payment,
    Subscription,
)
from application.ports.payments import BadEvent, BadSignature
from tests.support.stripes import ADDRESS, FAKE_KEY, WEBHOOK_SECRET, Desk, fake_desk

STARTER = Line("2026-01/starter/month/usd")


@dataclass(slots=True)
class Receiver:
    """Whoever is told. `refuses`: answers 500 so many times first."""

    got: list[tuple[bytes, str]] = field(default_factory=list)
    refuses: int = 0

    async def handle(self, request: httpx.Request) -> httpx.Response:
        if self.refuses:
            self.refuses -= 1
            return httpx.Response(500)
        self.got.append((request.content, request.headers["stripe-signature"]))
        return httpx.Response(200)

    @property
    def ids(self) -> list[str]:
        return [json.loads(body)["id"] for body, _ in self.got]


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def desk(receiver: Receiver) -> AsyncIterator[Desk]:
    client = httpx.AsyncClient(transport=httpx.MockTransport(receiver.handle))
    async with fake_desk(client=client) as made:
        yield made


async def told(desk: Desk, *events: str) -> StripeGateway:
    """Have these events sent; a gateway that knows the endpoint's secret."""
    request: Any = {"url": "https://app.example/hooks", "enabled_events": list(events) or ["*"]}
    endpoint = await desk.raw.v1.webhook_endpoints.create_async(request)
    assert endpoint.secret is not None
    found = await desk.raw.v1.webhook_endpoints.list_async()
    assert "secret" not in found.data[0].to_dict(), "told once"
    return StripeGateway(
        StripeSettings(FAKE_KEY, (WEBHOOK_SECRET, endpoint.secret), api=ADDRESS), desk.transport
    )


async def test_what_is_delivered_is_read_with_its_snapshot(desk: Desk, receiver: Receiver) -> None:
    gateway = await told(
        desk, "customer.subscription.created", "invoice.paid", "charge.succeeded", "customer.created"
    )
    customer = await desk.customer()
    held = await desk.subscribe(customer, STARTER, discounts=[{"coupon": "launch-20"}])
    assert await desk.control("deliver") == {"taken": 4, "refused": 0, "left": 0}
    read = [gateway.read_webhook(body, header, datetime.now(UTC)) for body, header in receiver.got]
    by_type = {one.type: one for one in read}
    assert [one.type for one in read] == [
        "customer.created",
        "customer.subscription.created",
        "charge.succeeded",
        "invoice.paid",
    ]
    assert {one.customer for one in read} == {customer}
    assert by_type["customer.created"].snapshot is None
    created = by_type["customer.subscription.created"].snapshot
    assert isinstance(created, Subscription)
    assert (created.ref, created.status, created.discounts_complete) == (held.ref, "incomplete", False)
    paid, charged = by_type["invoice.paid"].snapshot, by_type["charge.succeeded"].snapshot
    assert isinstance(paid, Invoice)
    assert isinstance(charged, Payment)
    assert (paid.subscription, paid.total, paid.discount, charged.amount) == (held.ref, 3_920, 980, 3_920)
    assert {one.api_version for one in read} == {"2026-10-28.endive"}
    listed = [one async for one in desk.gateway.events(since=datetime(2026, 1, 1, tzinfo=UTC))]
    assert set(read) <= set(listed), "what is told and what is listed are the same"


async def test_a_refusal_is_tried_again_later(desk: Desk, receiver: Receiver) -> None:
    await told(desk, "customer.created")
    await desk.customer()
    receiver.refuses = 2
    assert await desk.control("deliver") == {"taken": 0, "refused": 1, "left": 1}
    assert await desk.control("deliver") == {"taken": 0, "refused": 0, "left": 1}
    await desk.control("skip", seconds=2)
    assert (await desk.control("deliver"))["refused"] == 1
    await desk.control("skip", seconds=4)
    assert await desk.control("deliver") == {"taken": 1, "refused": 0, "left": 0}
    assert len(receiver.got) == 1


async def test_what_happens_after_a_skip_is_signed_when_it_is_sent(desk: Desk, receiver: Receiver) -> None:
    gateway = await told(desk, "customer.created")
    await desk.control("skip", seconds=40 * 86_400)
    await desk.customer()
    await desk.control("deliver")
    ((body, header),) = receiver.got
    assert isinstance(gateway.read_webhook(body, header, datetime.now(UTC)), GatewayEvent)


async def test_deliveries_are_shuffled_doubled_and_held_back(desk: Desk, receiver: Receiver) -> None:
    await told(desk)
    await desk.subscribe(await desk.customer(), STARTER)
    assert desk.fake is not None
    order = [one["event"] for one in desk.fake.world.deliveries]
    first = await desk.control("deliver", seed=7, doubled=0.5, lost=0.4)
    assert first["left"] > 0
    assert len(receiver.ids) > len(set(receiver.ids))
    last = await desk.control("deliver", seed=8)
    assert last["left"] == 0
    assert set(receiver.ids) == set(order)
    assert list(dict.fromkeys(receiver.ids)) != order


async def test_what_was_not_signed_for_us_is_not_looked_at(desk: Desk, receiver: Receiver) -> None:
    gateway = await told(desk, "customer.created")
    await desk.customer()
    await desk.control("deliver")
    ((body, header),) = receiver.got
    now = datetime.now(UTC)
    assert isinstance(gateway.read_webhook(body, header, now), GatewayEvent)
    with pytest.raises(BadSignature):
        desk.gateway.read_webhook(body, header, now)
    for number in (0, len(body) // 2, len(body) - 1):
        changed = bytearray(body)
        changed[number] ^= 1
        with pytest.raises(BadSignature):
            gateway.read_webhook(bytes(changed), header, now)
    with pytest.raises(BadSignature):
        gateway.read_webhook(body, header, now.replace(year=now.year + 1))
    with pytest.raises(BadSignature):
        gateway.read_webhook(body, None, now)


GOOD: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "type": "customer.created",
    "created": 1_800_000_000,
    "livemode": False,
    "data": {"object": {"id": "cus_1", "object": "customer"}},
}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"\xff",
        b'{"object": "event"}',
        json.dumps({**GOOD, "object": "v2.core.event"}).encode(),
        json.dumps({**GOOD, "livemode": True}).encode(),
        json.dumps({**GOOD, "created": 10**30}).encode(),
        json.dumps({**GOOD, "data": {"object": {"object": "subscription", "id": "sub_1"}}}).encode(),
        json.dumps({**GOOD, "data": {"object": "cus_1"}}).encode(),
        b"[" * 100_000,
    ],
)
def test_what_is_signed_but_no_event_is_told_apart(body: bytes) -> None:
    gateway = StripeGateway(StripeSettings(FAKE_KEY, (WEBHOOK_SECRET,), api=ADDRESS))
    now = 1_800_000_000
    moment = datetime.fromtimestamp(now, UTC)
    good = json.dumps(GOOD).encode()
    assert gateway.read_webhook(good, signature_header(good, WEBHOOK_SECRET, now), moment).ref == "evt_1"
    with pytest.raises(BadEvent):
        gateway.read_webhook(body, signature_header(body, WEBHOOK_SECRET, now), moment)


async def test_a_checkout_is_told_when_it_is_done(desk: Desk, receiver: Receiver) -> None:
    gateway = await told(desk, "checkout.session.completed")
    price = (await desk.raw.v1.prices.list_async({"lookup_keys": [STARTER.price]})).data[0].id
    session = await desk.raw.v1.checkout.sessions.create_async(
        {
            "mode": "subscription",
            "success_url": "https://app.example",
            "line_items": [{"price": price, "quantity": 1}],
        }
    )
    async with desk.browser() as browser:
        await browser.post(str(session.url), data={"card": "pm_card_visa"})
    await desk.control("deliver")
    ((body, header),) = receiver.got
    done = gateway.read_webhook(body, header, datetime.now(UTC)).snapshot
    assert isinstance(done, CheckoutSession)
    assert (done.status, done.url) == ("complete", None)
    assert done.subscription is not None
    assert done.customer is not None
