"""Subscriptions: begun, ended, taken up again. What changes of them in between is in `changes`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.stripe.fake.billing import collect, draft, finalize, line, void
from adapters.stripe.fake.calendar import DAY
from adapters.stripe.fake.items import (
    add_discounts,
    cycle_lines,
    item_price,
    new_item,
    period_end,
    set_cycle,
)
from adapters.stripe.fake.payments import would_fail
from adapters.stripe.fake.problems import Problem, declined, invalid, missing, needed

if TYPE_CHECKING:
    from adapters.stripe.fake.forms import Params
    from adapters.stripe.fake.world import Json, World

_MOST_ITEMS: Final = 20
TOLD_AHEAD: Final = 3 * DAY
_LONGEST_TRIAL: Final = 730 * DAY


def create_subscription(world: World, params: Params) -> Json:
    """POST /v1/subscriptions."""
    customer = world.get("customer", params.must("customer"), "customer")
    at = world.now(customer["test_clock"])
    wanted = params.subs("items")
    if not wanted:
        raise needed("items")
    if len(wanted) > _MOST_ITEMS:
        raise invalid("items", "A subscription has at most 20 items.")
    prices = [item_price(world, one) for one in wanted]
    if len({price["id"] for price in prices}) < len(prices):
        raise invalid("items", "Cannot add multiple subscription items with the same price.")
    currency = prices[0]["currency"]
    if customer["currency"] not in (None, currency):
        raise Problem(
            "You cannot combine currencies on a single customer. This customer has had a subscription, coupon, or "
            f"invoice item with currency {customer['currency']}"
        )
    trial_end = _trial_end(params, at)
    method = _method(world, params, customer)
    subscription = _blank(world, customer, currency, at)
    subscription |= {
        "default_payment_method": method,
        "description": params.text("description"),
        "metadata": params.metadata(),
        "trial_start": None if trial_end is None else at,
        "trial_end": trial_end,
        "billing_cycle_anchor": trial_end or params.integer("billing_cycle_anchor") or at,
        "_tax_rates": params.texts("default_tax_rates"),
        "default_tax_rates": [
            world.public(world.get("tax_rate", r)) for r in params.texts("default_tax_rates")
        ],
    }
    behaviour = params.sub("trial_settings").sub("end_behavior").text("missing_payment_method")
    subscription["trial_settings"]["end_behavior"]["missing_payment_method"] = behaviour or "create_invoice"
    items = [new_item(world, subscription, price, one, at) for price, one in zip(prices, wanted, strict=True)]
    strict = params.text("payment_behavior") == "error_if_incomplete"
    problem = would_fail(world, customer, subscription) if trial_end is None else None
    if strict and problem is not None:
        raise declined(problem.code or "card_declined", problem.message, problem.decline_code)
    # Nothing of it is seen before: what is refused above leaves nothing behind.
    world.kinds["subscription"][subscription["id"]] = subscription
    try:
        add_discounts(world, subscription, params.subs("discounts"), at)
    except Problem:
        del world.kinds["subscription"][subscription["id"]]
        raise
    subscription["items"] = {
        "object": "list",
        "data": items,
        "has_more": False,
        "total_count": len(items),
        "url": f"/v1/subscription_items?subscription={subscription['id']}",
    }
    begin(world, subscription, at=at)
    if params.boolean("cancel_at_period_end"):
        subscription["cancel_at_period_end"] = True
        subscription["cancel_at"] = period_end(subscription)
        subscription["canceled_at"] = at
    return subscription


def _blank(world: World, customer: Json, currency: str, at: int) -> Json:
    subscription = world.add(
        "subscription",
        {
            "application": None,
            "application_fee_percent": None,
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor_config": None,
            "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
            "billing_schedules": [],
            "billing_thresholds": None,
            "cancel_at": None,
            "cancel_at_period_end": False,
            "canceled_at": None,
            "cancellation_details": {"comment": None, "feedback": None, "reason": None},
            "collection_method": "charge_automatically",
            "currency": currency,
            "customer": customer["id"],
            "days_until_due": None,
            "default_source": None,
            "discounts": [],
            "ended_at": None,
            "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
            "latest_invoice": None,
            "next_pending_invoice_item_invoice": None,
            "on_behalf_of": None,
            "pause_collection": None,
            "payment_settings": {"payment_method_types": None, "save_default_payment_method": "off"},
            "pending_invoice_item_interval": None,
            "pending_setup_intent": None,
            "pending_update": None,
            "schedule": None,
            "start_date": at,
            "status": "incomplete",
            "test_clock": customer["test_clock"],
            "transfer_data": None,
            "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
            "_told_of_trial": False,
        },
        at=at,
    )
    del world.kinds["subscription"][subscription["id"]]
    return subscription


def _trial_end(params: Params, at: int) -> int | None:
    days, moment = params.integer("trial_period_days"), params.text("trial_end")
    if moment in (None, "now"):
        return at + days * DAY if days else None
    end = params.integer("trial_end")
    if end is None or end <= at:
        raise invalid("trial_end", "Invalid timestamp: must be an integer Unix timestamp in the future.")
    if end > at + _LONGEST_TRIAL:
        raise invalid("trial_end", "Invalid timestamp: can be no more than two years in the future.")
    return end


def _method(world: World, params: Params, customer: Json) -> str | None:
    ref = params.text("default_payment_method")
    if ref is None:
        return None
    method = world.get("payment_method", ref, "default_payment_method")
    if method["customer"] != customer["id"]:
        raise invalid("default_payment_method", "The customer does not have a payment method with this ID.")
    return ref


def begin(world: World, subscription: Json, *, at: int) -> None:
    """The first invoice of a subscription, and how it stands after it."""
    trial_end = subscription["trial_end"]
    items = subscription["items"]["data"]
    for item in items:
        set_cycle(subscription, item, at)
        if trial_end is not None:
            item["current_period_end"] = trial_end
            item["_metered_from"] = trial_end
    world.tell("customer.subscription.created", subscription)
    if trial_end is not None:
        lines = [
            line(item, 0, at, trial_end, quantity=item.get("quantity"), proration=False, about="Trial period")
            for item in items
        ]
    else:
        lines = cycle_lines(world, subscription, items, at)
    invoice = draft(world, subscription, "subscription_create", lines, at=at)
    with world.changing(subscription, "customer.subscription.updated"):
        subscription["latest_invoice"] = invoice["id"]
        if trial_end is not None:
            subscription["status"] = "trialing"
    finalize(world, invoice, at=at)
    if invoice["status"] == "open":
        collect(world, invoice, at=at)


def end(world: World, subscription: Json, reason: str, *, at: int) -> None:
    """It has ended; what was still to be billed is not."""
    with world.changing(subscription, None):
        subscription |= {
            "status": "canceled",
            "canceled_at": subscription["canceled_at"] or at,
            "ended_at": at,
            "cancellation_details": {**subscription["cancellation_details"], "reason": reason},
            "schedule": None,
        }
    for schedule in world.all("subscription_schedule", subscription=subscription["id"], status="active"):
        schedule |= {"status": "canceled", "canceled_at": at}
    for invoice in world.all("invoice", status="draft"):
        if invoice["parent"]["subscription_details"]["subscription"] == subscription["id"]:
            invoice["auto_advance"] = False
            invoice["automatically_finalizes_at"] = None
    for waiting in world.all("invoiceitem", invoice=None, customer=subscription["customer"]):
        if waiting["parent"]["subscription_details"]["subscription"] == subscription["id"]:
            waiting["invoice"] = ""
    world.tell("customer.subscription.deleted", subscription)


def end_with_cycle(world: World, subscription: Json, *, at: int) -> None:
    """It ends as it was settled: what was used and not billed is, in a final invoice."""
    metered = [item for item in subscription["items"]["data"] if "quantity" not in item]
    end(world, subscription, "cancellation_requested", at=at)
    lines = [one for one in cycle_lines(world, subscription, metered, at) if one["amount"]]
    if lines:
        with world.changing(subscription, None):
            invoice = draft(world, subscription, "subscription_cycle", lines, at=at)
            subscription["latest_invoice"] = invoice["id"]


def cancel_subscription(world: World, params: Params, ref: str) -> Json:
    """DELETE /v1/subscriptions/:id."""
    subscription = world.get("subscription", ref)
    if subscription["status"] in ("canceled", "incomplete_expired"):
        raise missing("subscription", ref)
    if params.boolean("prorate") or params.boolean("invoice_now"):
        raise Problem(
            "The fake gives no credit at an end: leave `prorate` and `invoice_now` out.", param="prorate"
        )
    details = params.sub("cancellation_details")
    subscription["cancellation_details"] |= {
        name: details.text(name) for name in ("comment", "feedback") if name in details
    }
    end(world, subscription, "cancellation_requested", at=world.now(subscription["test_clock"]))
    return subscription


def delete_customer(world: World, params: Params, ref: str) -> Json:
    """DELETE /v1/customers/:id: its subscriptions end at once."""
    del params
    customer = world.get("customer", ref)
    for subscription in world.all("subscription", customer=ref):
        if subscription["status"] not in ("canceled", "incomplete_expired"):
            end(world, subscription, "cancellation_requested", at=world.now(customer["test_clock"]))
    customer["deleted"] = True
    world.tell("customer.deleted", customer)
    return {"id": customer["id"], "object": "customer", "deleted": True}


def resume_subscription(world: World, params: Params, ref: str) -> Json:
    """POST /v1/subscriptions/:id/resume: after a pause, with a cycle that begins now."""
    del params
    subscription = world.get("subscription", ref)
    if subscription["status"] != "paused":
        raise Problem(f"This subscription is not paused: {ref}.", param="id")
    at = world.now(subscription["test_clock"])
    with world.changing(subscription, "customer.subscription.updated"):
        subscription["status"] = "active"
        subscription["billing_cycle_anchor"] = at
        for item in subscription["items"]["data"]:
            set_cycle(subscription, item, at)
    renew(world, subscription, subscription["items"]["data"], at=at, reason="subscription_update")
    world.tell("customer.subscription.resumed", subscription)
    return subscription


def renew(
    world: World, subscription: Json, items: list[Json], *, at: int, reason: str = "subscription_cycle"
) -> Json:
    """The invoice of a cycle that begins; a draft for an hour, as Stripe has it."""
    with world.changing(subscription, "customer.subscription.updated"):
        for item in items:
            set_cycle(subscription, item, at)
        lines = cycle_lines(world, subscription, items, at)
        for item in items:
            if "quantity" not in item:
                item["_metered_from"] = at
        collected = subscription["status"] != "unpaid"
        invoice = draft(world, subscription, reason, lines, at=at, collected=collected)
        subscription["latest_invoice"] = invoice["id"]
    return invoice


def expire(world: World, subscription: Json, *, at: int) -> None:
    """Its first invoice was not paid in 23 hours."""
    with world.changing(subscription, "customer.subscription.updated"):
        subscription |= {"status": "incomplete_expired", "ended_at": at}
    invoice = world.get("invoice", subscription["latest_invoice"])
    if invoice["status"] == "open":
        void(world, invoice, at=at)


def list_subscriptions(world: World, params: Params) -> list[Json]:
    """GET /v1/subscriptions: without a status, those that have not ended."""
    status = params.text("status")
    return [
        one
        for one in world.all("subscription")
        if params.text("customer") in (None, one["customer"])
        and (
            status == "all"
            or one["status"] == status
            or (status is None and one["status"] not in ("canceled", "incomplete_expired"))
            or (status == "ended" and one["status"] in ("canceled", "incomplete_expired"))
        )
    ]
