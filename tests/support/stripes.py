"""A desk at Stripe: the gateway, and what a test does besides it: cards, clocks, pages. Ours, or Stripe's test mode."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import stripe

from adapters.stripe.client import make_client
from adapters.stripe.fake.app import Fake
from adapters.stripe.fake.world import World
from adapters.stripe.gateway import StripeGateway
from adapters.stripe.settings import StripeSettings
from application.ports.payment_values import Line, Subscription, UsageMeter, Wares
from domain.billing.catalogue import Catalogue
from domain.billing.catalogues import load_catalogues

STRIPE_TEST_KEY = os.environ.get("STRIPE_TEST_KEY", "")
FAKE_KEY = "sk_test_of_nobody"
WEBHOOK_SECRET = "whsec_of_a_test"
ADDRESS = "http://127.0.0.1:12111"
START = int(datetime(2026, 1, 31, 10, tzinfo=UTC).timestamp())
DAY = 86_400

CATALOGUE = load_catalogues()[0]
METER = UsageMeter(name="emails_sent", title="E-mails sent")
WARES = Wares(CATALOGUE, meters=(METER,))


def yen() -> Catalogue:
    """The catalogue in a currency without a minor unit."""
    return CATALOGUE.model_copy(
        update={"version": f"{CATALOGUE.version}-yen", "currencies": ("JPY",), "coupons": ()}
    )


def at(moment: int) -> datetime:
    return datetime.fromtimestamp(moment, UTC)


@dataclass(slots=True)
class Desk:
    """`raw` is Stripe's own client. `fake` is None where it is Stripe itself."""

    gateway: StripeGateway
    raw: stripe.StripeClient
    settings: StripeSettings
    transport: httpx.AsyncBaseTransport | None = None
    fake: Fake | None = None
    clocks: list[str] = field(default_factory=list)

    def key(self) -> str:
        return f"test/{uuid4()}"

    async def clock(self, start: int = START) -> str:
        """A test clock. Stripe refuses moments that are far from now, so there it begins now."""
        moment = start if self.fake is not None else int(time.time())
        made = await self.raw.v1.test_helpers.test_clocks.create_async({"frozen_time": moment})
        self.clocks.append(made.id)
        return made.id

    async def customer(
        self, card: str | None = "pm_card_visa", *, clock: str | None = None, tenant: UUID | None = None
    ) -> str:
        """A customer by a test clock, with a card."""
        made = await self.raw.v1.customers.create_async(
            {
                "metadata": {"tenant_id": str(tenant or uuid4())},
                "test_clock": clock or await self.clock(),
            }
        )
        if card is not None:
            await self.card(made.id, card)
        return made.id

    async def card(self, customer: str, card: str) -> str:
        """Give the customer a test card to pay with."""
        method = await self.raw.v1.payment_methods.attach_async(card, {"customer": customer})
        await self.raw.v1.customers.update_async(
            customer, {"invoice_settings": {"default_payment_method": method.id}}
        )
        return method.id

    async def subscribe(self, customer: str, *lines: Line, **more: Any) -> Subscription:
        """What the checkout page does when the customer agrees."""
        keys = [line.price for line in lines]
        found = await self.raw.v1.prices.list_async({"lookup_keys": keys, "limit": 100})
        refs = {one.lookup_key: one.id for one in found.data}
        items = [
            {"price": refs[line.price], **({} if line.quantity is None else {"quantity": line.quantity})}
            for line in lines
        ]
        request: Any = {"customer": customer, "items": items, "metadata": {"plan": "starter"}, **more}
        made = await self.raw.v1.subscriptions.create_async(request)
        return await self.gateway.subscription(made.id)

    async def advance(self, clock: str, to: datetime) -> None:
        """Let time pass, and wait until Stripe has done what is due."""
        await self.raw.v1.test_helpers.test_clocks.advance_async(clock, {"frozen_time": int(to.timestamp())})
        clocks = self.raw.v1.test_helpers.test_clocks
        while (await clocks.retrieve_async(clock)).status == "advancing":  # noqa: ASYNC110 - of another machine
            await asyncio.sleep(1)  # Stripe tells nobody when it is done

    def browser(self) -> httpx.AsyncClient:
        """Whoever looks at the fake's pages."""
        return httpx.AsyncClient(transport=self.transport, base_url=ADDRESS)

    async def control(self, what: str, **asked: Any) -> Any:
        """Have the fake misbehave."""
        async with self.browser() as browser:
            answer = await browser.post(f"/_control/{what}", json=asked)
            answer.raise_for_status()
            return answer.json()


_STOCKED: list[World] = []


@asynccontextmanager
async def fake_desk(client: httpx.AsyncClient | None = None, *, wares: bool = True) -> AsyncIterator[Desk]:
    """A desk at a fake of its own. `client`: how the fake reaches webhook endpoints. `wares`: it sells ours already."""
    if wares and not _STOCKED:
        async with fake_desk(wares=False) as first:
            await first.gateway.ensure_wares(WARES)
            assert first.fake is not None
            _STOCKED.append(first.fake.world)
    fake = Fake(_STOCKED[0].copied() if wares else World(time.time), key=FAKE_KEY, client=client)
    settings = StripeSettings(FAKE_KEY, (WEBHOOK_SECRET,), api=ADDRESS)
    transport = httpx.ASGITransport(fake.app)
    raw, http = make_client(settings, transport)
    desk = Desk(StripeGateway(settings, transport), raw, settings, transport, fake)
    yield desk
    await desk.gateway.close()
    await http.close()
    await fake.courier.close()


def gateway_at(world: World) -> StripeGateway:
    """A gateway that looks at a world as it was, which goes on no more."""
    settings = StripeSettings(FAKE_KEY, (WEBHOOK_SECRET,), api=ADDRESS)
    return StripeGateway(settings, httpx.ASGITransport(Fake(world, key=FAKE_KEY).app))


@asynccontextmanager
async def stripe_desk() -> AsyncIterator[Desk]:
    """A desk at Stripe's test mode, by the key in STRIPE_TEST_KEY."""
    settings = StripeSettings(STRIPE_TEST_KEY, (WEBHOOK_SECRET,))
    raw, http = make_client(settings)
    desk = Desk(StripeGateway(settings), raw, settings)
    await desk.gateway.ensure_wares(WARES)
    yield desk
    for clock in desk.clocks:
        await raw.v1.test_helpers.test_clocks.delete_async(clock)
    await desk.gateway.close()
    await http.close()
