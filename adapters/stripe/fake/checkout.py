"""Checkout: a session, and what its page does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.stripe.fake.arithmetic import discounted, tiered
from adapters.stripe.fake.calendar import DAY
from adapters.stripe.fake.catalogue import redeemable
from adapters.stripe.fake.customers import attach, create_customer
from adapters.stripe.fake.forms import Params
from adapters.stripe.fake.items import item_price
from adapters.stripe.fake.problems import Problem, invalid, needed
from adapters.stripe.fake.subscriptions import create_subscription

if TYPE_CHECKING:
    from adapters.stripe.fake.world import Json, World

_SHORTEST_TRIAL: Final = 2 * DAY
_PLACEHOLDER: Final = "{CHECKOUT_SESSION_ID}"


def create_session(world: World, params: Params, address: str) -> Json:
    """POST /v1/checkout/sessions, for subscriptions. `address`: where the fake itself is."""
    if params.must("mode") != "subscription":
        raise invalid("mode", "The fake sells subscriptions: mode must be `subscription`.")
    customer = params.text("customer")
    held = None if customer is None else world.get("customer", customer, "customer")
    at = world.now(held["test_clock"] if held else None)
    lines = params.subs("line_items")
    if not lines:
        raise needed("line_items")
    prices = [item_price(world, one) for one in lines]
    currency = prices[0]["currency"]
    if any(price["currency"] != currency for price in prices):
        raise invalid("line_items", "All prices of a session must have the same currency.")
    rhythms = {(one["recurring"]["interval"], one["recurring"]["interval_count"]) for one in prices}
    # Subscriptions, schedules and quotes take several; of pages nothing of the kind is said.
    if len(rhythms) > 1:
        raise invalid("line_items", "Checkout takes prices of one billing interval in a session.")
    for one, price in zip(lines, prices, strict=True):
        metered = price["recurring"]["usage_type"] == "metered"
        if metered and "quantity" in one:
            raise invalid(one.name("quantity"), "You can't set the quantity of a metered price.")
        if not metered and (one.integer("quantity") or 0) < 1:
            raise needed(one.name("quantity"))
    discounts = params.subs("discounts")
    if len(discounts) > 1:
        raise invalid("discounts", "A session takes one discount.")
    coupons = [
        redeemable(world, one.must("coupon"), at, currency, one.name("coupon"))
        for one in discounts
        if "coupon" in one
    ]
    data = params.sub("subscription_data")
    trial_end = data.integer("trial_end")
    if trial_end is not None and trial_end < at + _SHORTEST_TRIAL:
        raise invalid(
            "subscription_data[trial_end]",
            "The `trial_end` date has to be at least 2 days in the future.",
        )
    amounts = [tiered(price, one.integer("quantity") or 0) for one, price in zip(lines, prices, strict=True)]
    off = sum(map(sum, discounted(amounts, coupons, currency)))
    session = world.add(
        "checkout.session",
        {
            "adaptive_pricing": {"enabled": False},
            "amount_subtotal": 0 if trial_end else sum(amounts),
            "amount_total": 0 if trial_end else sum(amounts) - off,
            "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
            "cancel_url": params.text("cancel_url"),
            "client_reference_id": params.text("client_reference_id"),
            "client_secret": None,
            "currency": currency,
            "custom_fields": [],
            "custom_text": {},
            "customer": customer,
            "customer_details": None,
            "customer_email": params.text("customer_email"),
            "discounts": [{"coupon": one["id"], "promotion_code": None} for one in coupons],
            "expires_at": params.integer("expires_at") or at + DAY,
            "invoice": None,
            "metadata": params.metadata(),
            "mode": "subscription",
            "payment_intent": None,
            "payment_method_collection": params.text("payment_method_collection") or "always",
            "payment_method_types": ["card"],
            "payment_status": "unpaid",
            "shipping_options": [],
            "status": "open",
            "subscription": None,
            "success_url": params.must("success_url"),
            "ui_mode": "hosted_page",
            "_order": {
                "items": [
                    {
                        "price": price["id"],
                        **({"quantity": one.text("quantity")} if one.text("quantity") else {}),
                    }
                    for one, price in zip(lines, prices, strict=True)
                ],
                "metadata": dict(data.sub("metadata").values),
                "trial_end": trial_end,
                "trial_settings": dict(data.sub("trial_settings").values),
            },
        },
        at=at,
    )
    session["url"] = f"{address}/c/pay/{session['id']}"
    return session


def open_session(world: World, ref: str) -> Json:
    """A session whose page works. Raises `Problem`."""
    session = world.get("checkout.session", ref)
    customer = world.kinds["customer"].get(session["customer"] or "")
    if session["status"] == "open" and session["expires_at"] <= world.now(
        customer["test_clock"] if customer else None
    ):
        expire_session(world, Params({}), ref)
    if session["status"] != "open":
        raise Problem(f"This checkout is {session['status']}.", param="session")
    return session


def expire_session(world: World, params: Params, ref: str) -> Json:
    """POST /v1/checkout/sessions/:id/expire."""
    del params
    session = world.get("checkout.session", ref)
    if session["status"] != "open":
        raise Problem('Only Checkout Sessions with a status in ["open"] can be expired.', param="session")
    session |= {"status": "expired", "url": None}
    world.tell("checkout.session.expired", session)
    return session


def complete(world: World, ref: str, card: str | None) -> str:
    """What the page does when the customer agrees: where to go next. Raises `Problem`: declined, nothing was bought."""
    session = open_session(world, ref)
    order = session["_order"]
    if card is None and (order["trial_end"] is None or session["payment_method_collection"] == "always"):
        raise Problem("A card is needed.", param="card")
    if session["customer"] is None:
        email = session["customer_email"]
        made = create_customer(world, Params({} if email is None else {"email": email}))
        session["customer"] = made["id"]
    customer = world.get("customer", session["customer"])
    request: Json = {
        "customer": customer["id"],
        "items": order["items"],
        "metadata": order["metadata"],
        "payment_behavior": "error_if_incomplete",
        "discounts": [{"coupon": one["coupon"]} for one in session["discounts"]],
    }
    if order["trial_end"] is not None:
        request["trial_end"] = str(order["trial_end"])
        request["trial_settings"] = order["trial_settings"]
    if card is not None:
        request["default_payment_method"] = attach(world, card, customer)["id"]
    subscription = create_subscription(world, Params(request))
    session |= {
        "status": "complete",
        "subscription": subscription["id"],
        "invoice": subscription["latest_invoice"],
        "payment_status": "no_payment_required" if order["trial_end"] else "paid",
        "customer_details": {"email": customer["email"], "name": None, "phone": None, "tax_exempt": "none"},
        "url": None,
    }
    world.tell("checkout.session.completed", session)
    return str(session["success_url"]).replace(_PLACEHOLDER, ref)


def create_portal(world: World, params: Params, address: str) -> Json:
    """POST /v1/billing_portal/sessions."""
    customer = world.get("customer", params.must("customer"), "customer")
    session = world.add(
        "billing_portal.session",
        {
            "configuration": "bpc_fake",
            "customer": customer["id"],
            "flow": None,
            "locale": None,
            "on_behalf_of": None,
            "return_url": params.text("return_url"),
        },
    )
    session["url"] = f"{address}/p/session/{session['id']}"
    return session
