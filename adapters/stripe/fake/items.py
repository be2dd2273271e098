"""Items of subscriptions: their prices, cycles and discounts, and what a cycle costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.stripe.fake.arithmetic import discounted, tiered
from adapters.stripe.fake.billing import line, live_discounts
from adapters.stripe.fake.calendar import cycle_end, months_after
from adapters.stripe.fake.catalogue import redeemable
from adapters.stripe.fake.problems import invalid, missing
from adapters.stripe.fake.usage import used

if TYPE_CHECKING:
    from adapters.stripe.fake.forms import Params
    from adapters.stripe.fake.world import Json, World


def item_price(world: World, params: Params) -> Json:
    """The price that an item names. Raises `Problem`."""
    price = world.get("price", params.must("price"), params.name("price"))
    if not price["active"]:
        raise invalid(
            params.name("price"),
            f"The price specified is inactive. This field only accepts active prices: {price['id']}",
        )
    if price["recurring"] is None:
        raise invalid(params.name("price"), "The price specified is set to `type=one_time`.")
    return price


def new_item(world: World, subscription: Json, price: Json, params: Params, at: int) -> Json:
    """An item of a subscription, whose cycle is the subscription's rhythm."""
    if price["currency"] != subscription["currency"]:
        raise invalid(
            params.name("price"),
            f"The price specified supports currencies of `{price['currency']}`. This doesn't match the expected "
            f"currency: `{subscription['currency']}`.",
        )
    metered = price["recurring"]["usage_type"] == "metered"
    quantity = params.integer("quantity")
    if metered and quantity is not None:
        raise invalid(params.name("quantity"), "You can't set the quantity of a metered price.")
    if quantity is not None and quantity < 0:
        raise invalid(params.name("quantity"), "Invalid quantity: must not be negative.")
    item = {
        "id": world.fresh("subscription_item"),
        "object": "subscription_item",
        "billed_until": None,
        "billing_thresholds": None,
        "created": at,
        "current_period_start": at,
        "current_period_end": at,
        "discounts": [],
        "metadata": params.metadata(),
        "plan": {
            "id": price["id"],
            "object": "plan",
            "active": price["active"],
            "amount": price["unit_amount"],
            "currency": price["currency"],
            "interval": price["recurring"]["interval"],
            "interval_count": price["recurring"]["interval_count"],
            "product": price["product"],
        },
        "price": world.public(price),
        "subscription": subscription["id"],
        "tax_rates": [],
        "_debit": None,
        "_metered_from": at,
    }
    item["price"]["_tiers"] = price["_tiers"]
    if not metered:
        item["quantity"] = 1 if quantity is None else quantity
    return item


def set_cycle(subscription: Json, item: Json, start: int) -> None:
    """Set the cycle that begins at `start`, or that it lies in."""
    recurring = item["price"]["recurring"]
    item["current_period_start"] = start
    item["current_period_end"] = cycle_end(
        subscription["billing_cycle_anchor"], recurring["interval"], recurring["interval_count"], start
    )


def add_discounts(
    world: World, subscription: Json, wanted: list[Params], at: int, *, settled: bool = False
) -> None:
    """Put coupons on a subscription in the place of those it has; ones that it has already stay as they are.

    `settled`: they were promised before, so that nobody asks whether they may still be used. Raises `Problem`, and
    nothing is changed.
    """
    before = {world.get("discount", ref)["source"]["coupon"]: ref for ref in subscription["discounts"]}
    after: list[str | tuple[Json, Json | None]] = []
    for one in wanted:
        kept = one.text("discount")
        if kept is not None:
            if kept in subscription["discounts"]:
                after.append(kept)
            elif not settled:
                raise missing("discount", kept, one.name("discount"))
            continue
        code = one.text("promotion_code")
        promotion = None if code is None else world.get("promotion_code", code, one.name("promotion_code"))
        name = promotion["promotion"]["coupon"] if promotion else one.must("coupon")
        if promotion is None and name in before:
            after.append(before[name])
        elif settled:
            after.append((world.get("coupon", name), promotion))
        else:
            coupon = redeemable(world, name, at, subscription["currency"], one.name("coupon"))
            after.append((coupon, promotion))
    gone = [ref for ref in subscription["discounts"] if ref not in after]
    subscription["discounts"] = [
        one if isinstance(one, str) else _redeem(world, subscription, *one, at)["id"] for one in after
    ]
    for ref in gone:
        world.tell("customer.discount.deleted", world.get("discount", ref))


def _redeem(world: World, subscription: Json, coupon: Json, promotion: Json | None, at: int) -> Json:
    coupon["times_redeemed"] += 1
    if promotion is not None:
        promotion["times_redeemed"] += 1
    repeating = coupon["duration"] == "repeating"
    made = world.add(
        "discount",
        {
            "checkout_session": None,
            "customer": subscription["customer"],
            "end": months_after(at, coupon["duration_in_months"]) if repeating else None,
            "invoice": None,
            "invoice_item": None,
            "promotion_code": promotion["id"] if promotion else None,
            "source": {"coupon": coupon["id"], "type": "coupon"},
            "start": at,
            "subscription": subscription["id"],
            "subscription_item": None,
        },
        at=at,
    )
    world.tell("customer.discount.created", made)
    return made


def full_amounts(world: World, subscription: Json, items: list[Json], at: int) -> list[tuple[int, int]]:
    """What a whole cycle of each item costs, before and after discounts; metered ones cost nothing beforehand."""
    gross = [tiered(item["price"], item["quantity"]) if "quantity" in item else 0 for item in items]
    coupons = [
        world.kinds["coupon"][one["source"]["coupon"]] for one in live_discounts(world, subscription, at)
    ]
    rows = discounted(gross, coupons, subscription["currency"])
    return [(whole, whole - sum(row[number] for row in rows)) for number, whole in enumerate(gross)]


def cycle_lines(world: World, subscription: Json, items: list[Json], at: int) -> list[Json]:
    """The lines that items begin or end a cycle with: fixed prices ahead, metered ones afterwards."""
    lines = []
    for item, (gross, net) in zip(items, full_amounts(world, subscription, items, at), strict=True):
        product = world.kinds["product"][item["price"]["product"]]["name"]
        if "quantity" in item:
            start, end = item["current_period_start"], item["current_period_end"]
            item["_debit"] = {"net": net, "start": start, "end": end}
            about = f"{item['quantity']} of {product}"
            lines.append(
                line(item, gross, start, end, quantity=item["quantity"], proration=False, about=about)
            )
        elif item["_metered_from"] < at:
            start = item["_metered_from"]
            units = used(world, item["price"]["recurring"]["meter"], subscription["customer"], start, at)
            cost = tiered(item["price"], units)
            lines.append(line(item, cost, start, at, quantity=units, proration=False, about=product))
    return lines


def period_end(subscription: Json) -> int:
    """When the cycle that ends first ends."""
    ends: list[int] = [item["current_period_end"] for item in subscription["items"]["data"]]
    return min(ends)
