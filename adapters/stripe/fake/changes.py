"""Changes of subscriptions: other items, discounts, an end; prorated to the second, charged, waiting, or not at all.

A credit is what was really paid for the time that is left (`billing_mode` flexible), whatever prices say since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.stripe.fake.arithmetic import prorated
from adapters.stripe.fake.billing import collect, draft, finalize, line
from adapters.stripe.fake.items import (
    add_discounts,
    full_amounts,
    item_price,
    new_item,
    period_end,
    set_cycle,
)
from adapters.stripe.fake.payments import would_fail
from adapters.stripe.fake.problems import Problem, declined, invalid, missing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.stripe.fake.forms import Params
    from adapters.stripe.fake.world import Json, World

_BEHAVIOURS: Final = ("create_prorations", "always_invoice", "none")
_ENDED: Final = ("canceled", "incomplete_expired")


def update_subscription(world: World, params: Params, ref: str, *, rehearsed: bool = False) -> Json:
    """POST /v1/subscriptions/:id."""
    subscription = world.get("subscription", ref)
    if subscription["status"] in _ENDED:
        raise Problem(
            "A canceled subscription can only update its cancellation_details and metadata.", param="id"
        )
    if subscription["schedule"] is not None and ("cancel_at_period_end" in params or "items" in params):
        raise Problem(
            "The subscription is managed by the subscription schedule "
            f"`{subscription['schedule']}`, and updating any cancelation or billing behavior directly is not allowed. "
            "Please update the schedule instead."
        )
    if not rehearsed:
        _rehearse(world, params, subscription)
    at = world.now(subscription["test_clock"])
    with world.changing(subscription, "customer.subscription.updated"):
        subscription["metadata"] = params.metadata(subscription["metadata"])
        if "default_payment_method" in params:
            subscription["default_payment_method"] = params.text("default_payment_method")
        if "discounts" in params:
            add_discounts(world, subscription, params.subs("discounts"), at)
        if params.text("trial_end") == "now" and subscription["status"] == "trialing":
            subscription["trial_end"] = at
            for item in subscription["items"]["data"]:
                item["current_period_end"] = at
            world.stirred.add(subscription["test_clock"])
        _ending(subscription, params, at)
        if "items" in params:
            change_items(world, subscription, params, at)
    return subscription


def _rehearse(world: World, params: Params, subscription: Json) -> None:
    """Do it elsewhere first: what is refused there, for whatever reason, changes nothing here. Raises `Problem`."""
    elsewhere = world.copied(subscription["customer"])
    before = set(elsewhere.kinds["invoice"])
    after = update_subscription(elsewhere, params, subscription["id"], rehearsed=True)
    made = [one for name, one in elsewhere.kinds["invoice"].items() if name not in before]
    strict = params.text("payment_behavior") == "error_if_incomplete"
    if strict and any(one["status"] == "open" for one in made):
        problem = would_fail(elsewhere, elsewhere.get("customer", after["customer"]), after)
        if problem is not None:
            raise declined(problem.code or "card_declined", problem.message, problem.decline_code)


def _ending(subscription: Json, params: Params, at: int) -> None:
    """An end that is settled for later, or taken back."""
    wanted = params.boolean("cancel_at_period_end")
    if wanted is not None:
        subscription["cancel_at_period_end"] = wanted
        subscription["cancel_at"] = period_end(subscription) if wanted else None
        subscription["canceled_at"] = at if wanted else None
        reason = "cancellation_requested" if wanted else None
        subscription["cancellation_details"] = {"comment": None, "feedback": None, "reason": reason}
    elif "cancel_at" in params:
        subscription["cancel_at"] = params.integer("cancel_at")
        subscription["canceled_at"] = None if subscription["cancel_at"] is None else at


def change_items(world: World, subscription: Json, params: Params, at: int) -> None:
    """Make the items what the request says, and bill the difference as it says."""
    behaviour = params.one_of("proration_behavior", _BEHAVIOURS, "create_prorations")
    moment = params.integer("proration_date")
    moment = at if moment is None else moment
    anchored = params.sub("billing_cycle_anchor").one_of("type", ("now", "unchanged"))
    before = {item["id"]: item for item in subscription["items"]["data"]}
    if not all(item["current_period_start"] <= moment for item in before.values()):
        raise invalid("proration_date", "The proration date must be in the current period.")
    after, touched = _items_after(world, subscription, params, at)
    reset = anchored == "now" or rhythm_of(before.values()) != rhythm_of(after)
    trialing = subscription["status"] == "trialing"
    if reset and not trialing:
        touched |= set(before) | {item["id"] for item in after}
    gone = [item for item in before.values() if item["id"] in touched]
    lines = [] if trialing or behaviour == "none" else _credits(world, gone, moment)
    subscription["items"]["data"] = after
    subscription["items"]["total_count"] = len(after)
    new = [item for item in after if item["id"] in touched]
    if reset and not trialing:
        subscription["billing_cycle_anchor"] = at
    for item in new:
        if trialing:
            item["current_period_start"] = subscription["trial_start"]
            item["current_period_end"] = subscription["trial_end"]
            item["_metered_from"] = subscription["trial_end"]
        else:
            _place(subscription, item, at, reset=reset)
    if subscription["cancel_at_period_end"]:
        subscription["cancel_at"] = period_end(subscription)
    if trialing:
        return
    lines += _debits(
        world, subscription, after, new, at if reset else moment, told=behaviour != "none" or reset
    )
    _bill(world, subscription, lines, at, at_once=behaviour == "always_invoice" or reset)


def _place(subscription: Json, item: Json, at: int, *, reset: bool) -> None:
    """The cycle of an item that is new or changed: that of the subscription's rhythm."""
    if reset:
        set_cycle(subscription, item, at)
        return
    recurring = item["price"]["recurring"]
    for other in subscription["items"]["data"]:
        alike = other is not item and other["price"]["recurring"]["interval"] == recurring["interval"]
        if alike and other["current_period_start"] < other["current_period_end"]:
            item["current_period_start"] = other["current_period_start"]
            item["current_period_end"] = other["current_period_end"]
            return
    if item["current_period_start"] == item["current_period_end"]:
        set_cycle(subscription, item, at)


def rhythm_of(items: Iterable[Json]) -> set[tuple[str, int]]:
    """How often what has a fixed price is paid."""
    recurring = [item["price"]["recurring"] for item in items if "quantity" in item]
    return {(one["interval"], one["interval_count"]) for one in recurring}


def _items_after(world: World, subscription: Json, params: Params, at: int) -> tuple[list[Json], set[str]]:
    """The items as they are to be (copies of those that change), and the ids of the old and new ones that change."""
    after = {item["id"]: item for item in subscription["items"]["data"]}
    touched: set[str] = set()
    for one in params.subs("items"):
        ref = one.text("id")
        if ref is None:
            price = item_price(world, one)
            made = new_item(world, subscription, price, one, at)
            after[made["id"]] = made
            touched.add(made["id"])
            continue
        if ref not in after:
            raise missing("subscription_item", ref, one.name("id"))
        if one.boolean("deleted"):
            del after[ref]
            touched.add(ref)
            continue
        item = dict(after[ref])
        if one.text("price") not in (None, item["price"]["id"]):
            other = new_item(world, subscription, item_price(world, one), one, at)
            item |= {name: other[name] for name in ("price", "plan")}
            if "quantity" in other:
                item.setdefault("quantity", other["quantity"])
            touched.add(ref)
        quantity = one.integer("quantity")
        if quantity is not None and quantity != item.get("quantity"):
            if quantity < 0:
                raise invalid(one.name("quantity"), "Invalid quantity: must not be negative.")
            item["quantity"] = quantity
            touched.add(ref)
        after[ref] = item
    items = list(after.values())
    if not items:
        raise invalid("items", "A subscription must have at least one active plan.")
    if len({item["price"]["id"] for item in items}) < len(items):
        raise invalid("items", "Cannot add multiple subscription items with the same price.")
    return items, touched


def _credits(world: World, items: list[Json], moment: int) -> list[Json]:
    lines = []
    for item in items:
        debit = item["_debit"]
        if debit is None:
            continue
        amount = -prorated(debit["net"], debit["start"], debit["end"], moment)
        if amount:
            about = f"Unused time on {world.kinds['product'][item['price']['product']]['name']}"
            lines.append(
                line(
                    item, amount, moment, debit["end"], quantity=item["quantity"], proration=True, about=about
                )
            )
    return lines


def _debits(
    world: World, subscription: Json, items: list[Json], new: list[Json], moment: int, *, told: bool
) -> list[Json]:
    """What the rest of the cycle costs with the items as they are now."""
    lines, changed = [], {item["id"] for item in new}
    for item, (_, net) in zip(items, full_amounts(world, subscription, items, moment), strict=True):
        if item["id"] not in changed or "quantity" not in item:
            continue
        start, end = item["current_period_start"], item["current_period_end"]
        amount = prorated(net, start, end, moment)
        item["_debit"] = {"net": amount, "start": max(start, moment), "end": end}
        if amount and told:
            about = f"Remaining time on {world.kinds['product'][item['price']['product']]['name']}"
            lines.append(
                line(item, amount, moment, end, quantity=item["quantity"], proration=True, about=about)
            )
    return lines


def _bill(world: World, subscription: Json, lines: list[Json], at: int, *, at_once: bool) -> None:
    """Charge the prorations, or let them wait for the next invoice."""
    if not lines:
        return
    if at_once:
        invoice = draft(world, subscription, "subscription_update", lines, at=at)
        subscription["latest_invoice"] = invoice["id"]
        finalize(world, invoice, at=at)
        if invoice["status"] == "open":
            collect(world, invoice, at=at)
        return
    for one in lines:
        details = one["parent"]["subscription_item_details"]
        waiting = world.add(
            "invoiceitem",
            {
                "amount": one["amount"],
                "currency": one["currency"],
                "customer": subscription["customer"],
                "date": at,
                "description": one["description"],
                "discountable": False,
                "discounts": [],
                "invoice": None,
                "metadata": {},
                "net_amount": one["amount"],
                "parent": {
                    "subscription_details": {
                        "subscription": subscription["id"],
                        "subscription_item": details["subscription_item"],
                    },
                    "type": "subscription_details",
                },
                "period": one["period"],
                "pricing": one["pricing"],
                "proration": True,
                "proration_details": {"credited_items": None, "discount_amounts": []},
                "quantity": one["quantity"],
                "quantity_decimal": str(one["quantity"]),
                "tax_rates": [],
                "test_clock": subscription["test_clock"],
                "_line": one,
            },
            at=at,
        )
        world.tell("invoiceitem.created", waiting)
