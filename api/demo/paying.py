"""The demo pays: the agency subscribes on the checkout page of our own Stripe, with a test card, as anybody would.

That was two months ago, by the clock of our own Stripe, which then lives through the time until now: so there are
invoices of three cycles. What it tells of all that it brings to the API, and the worker enters it, as soon as they run.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import httpx

from adapters.stripe.own import made_own_stripe
from api.ops.own_stripe import hears_at, here
from application.billing.buying import Buying
from application.billing.stocking import Stocking
from domain.billing.change import Wanted
from domain.tenancy.plans import Plan

if TYPE_CHECKING:
    from api.composition import Composition
    from application.ports.payments import PaymentGateway
    from application.principals import Principal

_AGO: Final = 65 * 86_400.0
_CARD: Final = "pm_card_visa"
_BOUGHT: Final = {"user": 3, "emails": 2}
"""Seats for all who work there, and more messages than the plan has."""


async def subscribe(parts: Composition, owner: Principal) -> None:
    """Have a tenant subscribe to Professional, once; where somebody set up a Stripe account, nothing is bought."""
    if parts.settings.stripe_account is not None:
        return
    # Nobody else may load it: it has no business where there is a real account.
    from adapters.stripe.fake.app import Fake  # noqa: PLC0415 - our own Stripe is loaded where it runs
    from adapters.stripe.fake.clocks import tick  # noqa: PLC0415 - our own Stripe is loaded where it runs
    from adapters.stripe.fake.serving import listen_for  # noqa: PLC0415 - our own Stripe is loaded where it runs
    from adapters.stripe.fake.world import World  # noqa: PLC0415 - our own Stripe is loaded where it runs
    from adapters.stripe.gateway import StripeGateway  # noqa: PLC0415 - loads stripe

    own, ago = made_own_stripe(parts.settings.root), _AGO
    world = World(lambda: time.time() - ago, own.state)
    listen_for(world, hears_at(parts.settings), own.webhook_secret)
    transport = httpx.ASGITransport(Fake(world, key=own.secret_key).app)
    gateway = StripeGateway(own.settings(f"http://127.0.0.1:{own.port}"), transport)
    try:
        await Stocking(gateway).stock()
        async with httpx.AsyncClient(transport=transport) as browser:
            await _pay(parts, owner, gateway, browser)
    finally:
        await gateway.close()
    ago = 0.0
    tick(world)
    world.save()


async def _pay(
    parts: Composition, owner: Principal, gateway: PaymentGateway, browser: httpx.AsyncClient
) -> None:
    """Go to the page and pay, unless an earlier start got so far."""
    account = await parts.commands.state(owner.tenant_id, "billing_account", owner.tenant_id)
    if account.customer is not None and await gateway.subscriptions(account.customer.reference):
        return
    wanted = Wanted(plan=Plan.PROFESSIONAL, add_ons=_BOUGHT)
    back = f"{here(parts.settings)}/docs"
    session = await Buying(parts.commands, gateway).checkout(
        owner, wanted, success_url=back, cancel_url=back, key="demo"
    )
    paid = await browser.post(session.url or "", data={"do": "pay", "card": _CARD})
    if not paid.is_redirect:
        raise RuntimeError(f"the page of our own Stripe answered {paid.status_code}")
