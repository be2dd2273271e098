"""Lists in pages, and what a request wants expanded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.stripe.fake.problems import Problem, missing
from adapters.stripe.fake.world import cut

if TYPE_CHECKING:
    from adapters.stripe.fake.forms import Params
    from adapters.stripe.fake.world import Json, World

_DEEPEST: Final = 4
EXPANDABLE: Final = {
    "balance_transaction": "balance_transaction",
    "charge": "charge",
    "coupon": "coupon",
    "customer": "customer",
    "default_payment_method": "payment_method",
    "discount": "discount",
    "failure_balance_transaction": "balance_transaction",
    "discounts": "discount",
    "invoice": "invoice",
    "latest_charge": "charge",
    "latest_invoice": "invoice",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
    "price": "price",
    "product": "product",
    "promotion_code": "promotion_code",
    "schedule": "subscription_schedule",
    "subscription": "subscription",
    "test_clock": "test_helpers.test_clock",
}


def shown(world: World, one: Json, expand: list[str]) -> Json:
    """An object as it is answered. Raises `Problem`."""
    public: Json = world.public(one)
    if one.get("object") == "invoice":
        cut(public)
    if one.get("object") == "price" and "tiers" in expand and one["billing_scheme"] == "tiered":
        public["tiers"] = one["_tiers"]
    for path in expand:
        parts = path.split(".")
        if len(parts) > _DEEPEST:
            raise Problem(f"You cannot expand more than 4 levels of a property ({path}).", param="expand")
        _expand(world, public, parts, path)
    return public


def _expand(world: World, node: Any, parts: list[str], path: str) -> None:
    if not parts:
        return
    if isinstance(node, list):
        for each in node:
            _expand(world, each, parts, path)
        return
    name, rest = parts[0], parts[1:]
    if not isinstance(node, dict):
        raise Problem(f"This property cannot be expanded ({path}).", param="expand")
    if name == "payments" and node.get("object") == "invoice":
        found = [world.public(one) for one in world.all("invoice_payment", invoice=node["id"])]
        node["payments"] = {
            "object": "list",
            "data": found,
            "has_more": False,
            "url": f"/v1/invoice_payments?invoice={node['id']}",
        }
    elif name == "tiers" and node.get("object") == "price":
        return
    elif name not in node:
        raise Problem(f"This property cannot be expanded ({path}).", param="expand")
    value = node[name]
    if isinstance(value, str):
        node[name] = _found(world, name, value, path)
    elif isinstance(value, list) and name == "discounts":
        node[name] = [_found(world, name, each, path) if isinstance(each, str) else each for each in value]
    if node[name] is not None:
        _expand(world, node[name], rest, path)


def _found(world: World, name: str, ref: str, path: str) -> Json:
    kind = EXPANDABLE.get(name)
    found = world.kinds[kind].get(ref) if kind is not None else None
    if found is None:
        raise Problem(f"This property cannot be expanded ({path}).", param="expand")
    public: Json = world.public(found)
    if kind == "invoice":
        cut(public)
    return public


def page(world: World, params: Params, found: list[Json], url: str, *, newest_first: bool = True) -> Json:
    """A page of a list. Raises `Problem`."""
    bounds = params.sub("created") if isinstance(params.values.get("created"), dict) else None
    if bounds is not None:
        found = [one for one in found if _within(one["created"], bounds)]
    elif params.text("created") is not None:
        found = [one for one in found if one["created"] == params.integer("created")]
    if newest_first:
        found = sorted(found, key=lambda one: (one["created"], one["_n"]), reverse=True)
    places = {one["id"]: place for place, one in enumerate(found)}
    limit = params.page()
    start, before = params.text("starting_after"), params.text("ending_before")
    if start is not None:
        if start not in places:
            raise missing("object", start, "starting_after")
        rest = found[places[start] + 1 :]
        chosen, more = rest[:limit], len(rest) > limit
    elif before is not None:
        if before not in places:
            raise missing("object", before, "ending_before")
        rest = found[: places[before]]
        chosen, more = rest[-limit:], len(rest) > limit
    else:
        chosen, more = found[:limit], len(found) > limit
    expand = params.texts("expand")
    inner = [path.removeprefix("data.") for path in expand]
    if any(not path.startswith("data.") for path in expand):
        raise Problem("What is expanded in a list begins with `data.`.", param="expand")
    return {
        "object": "list",
        "data": [shown(world, one, inner) for one in chosen],
        "has_more": more,
        "url": url,
    }


def _within(created: int, bounds: Params) -> bool:
    gt, gte = bounds.integer("gt"), bounds.integer("gte")
    lt, lte = bounds.integer("lt"), bounds.integer("lte")
    return (
        (gt is None or created > gt)
        and (gte is None or created >= gte)
        and (lt is None or created < lt)
        and (lte is None or created <= lte)
    )
