"""Changes of a subscription: which requests make its items what they are to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.stripe.reading import Json, moment
from adapters.stripe.wares import prices_of
from application.ports.payment_values import Preview
from application.ports.payments import InvalidPaymentRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    import stripe

    from application.ports.payment_values import Line

EXPANDED: Final = ("discounts.source.coupon", "schedule.phases.items.price")


def _rhythm(prices: Iterable[Json]) -> set[tuple[str, int]]:
    """How often what has a fixed price is paid."""
    recurring = [price["recurring"] for price in prices]
    return {(one["interval"], one["interval_count"]) for one in recurring if one["usage_type"] == "licensed"}


async def item_changes(client: stripe.StripeClient, held: Json, lines: Sequence[Line]) -> Json:
    """What of an update makes the items of `held` the `lines`; nothing where they are that already.

    An item whose price goes becomes one of a price that comes, those of one product first, so that it stays the same
    item to Stripe. Another rhythm begins a cycle now.
    """
    prices = await prices_of(client, lines)
    wanted = {str(prices[line.price]["id"]): line.quantity for line in lines}
    if len(wanted) < len(lines):
        raise InvalidPaymentRequest("a price stands in two lines", param="/lines", code="price_doubled")
    by_id = {price["id"]: price for price in prices.values()}
    items = {item["price"]["id"]: item for item in held["items"]["data"]}
    changes: list[Json] = [
        {"id": item["id"], "quantity": wanted[price]}
        for price, item in items.items()
        if price in wanted and wanted[price] is not None and wanted[price] != item.get("quantity")
    ]
    going = [item for price, item in items.items() if price not in wanted]
    for price in (ref for ref in wanted if ref not in items):
        same = [one for one in going if one["price"]["product"] == by_id[price]["product"]]
        kind = by_id[price]["recurring"]["usage_type"]
        plan = (by_id[price].get("metadata") or {}).get("kind")
        alike = [
            one
            for one in going
            if one["price"]["recurring"]["usage_type"] == kind
            and (one["price"].get("metadata") or {}).get("kind") == plan
        ]
        taken = next(iter([*same, *alike]), None)
        change: Json = {"price": price}
        if wanted[price] is not None:
            change["quantity"] = wanted[price]
        if taken is not None:
            going.remove(taken)
            change["id"] = taken["id"]
        changes.append(change)
    changes += [{"id": one["id"], "deleted": True} for one in going]
    if not changes:
        return {}
    update: Json = {"items": changes}
    if _rhythm(item["price"] for item in items.values()) != _rhythm(by_id.values()):
        update["billing_cycle_anchor"] = {"type": "now"}
    return update


async def phases(
    client: stripe.StripeClient,
    schedule: Json,
    held: Json,
    lines: Sequence[Line],
    plan: str,
    coupon: str | None,
) -> list[Any]:
    """The phases of a schedule: the cycle as it is, and one cycle of what is to come, after which it lets go."""
    prices = await prices_of(client, lines)
    intervals = _rhythm(prices.values())
    if len(intervals) != 1:
        raise InvalidPaymentRequest(
            "what is ahead has one rhythm, monthly or yearly", param="/lines", code="rhythms_mixed"
        )
    interval, count = next(iter(intervals))
    current = schedule["phases"][0]
    discounts: list[Any] = [
        {"discount": one["id"] if isinstance(one, dict) else one} for one in held.get("discounts") or ()
    ]
    ahead = [
        {"price": prices[line.price]["id"], **({} if line.quantity is None else {"quantity": line.quantity})}
        for line in lines
    ]
    present = [
        {
            "price": item["price"]["id"],
            **({} if item.get("quantity") is None else {"quantity": item["quantity"]}),
        }
        for item in held["items"]["data"]
    ]
    return [
        {
            "items": present,
            "start_date": current["start_date"],
            "end_date": current["end_date"],
            "proration_behavior": "none",
            **({"discounts": discounts} if discounts else {}),
        },
        {
            "items": ahead,
            "start_date": current["end_date"],
            "duration": {"interval": interval, "interval_count": count},
            "proration_behavior": "none",
            "metadata": {"plan": plan},
            **(
                {"discounts": [{"coupon": coupon}]}
                if coupon is not None
                else ({"discounts": discounts} if discounts else {})
            ),
        },
    ]


def preview(of: Json, at: datetime) -> Preview:
    """What a previewed invoice says of a change."""
    credit = charge = 0
    for line in of["lines"]["data"]:
        tax = sum(one["amount"] for one in line.get("taxes") or () if one["tax_behavior"] == "exclusive")
        amount = line["amount"] - sum(one["amount"] for one in line.get("discount_amounts") or ()) + tax
        if line["amount"] < 0:
            credit -= amount
        else:
            charge += amount
    return Preview(
        currency=of["currency"].upper(),
        at=moment(int(at.timestamp())),
        credit=credit,
        charge=charge,
        due_now=of["total"],
    )
