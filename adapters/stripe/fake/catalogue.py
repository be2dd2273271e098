"""Products, prices, coupons, promotion codes and tax rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.stripe.fake.problems import Problem, invalid, needed
from domain.kernel.money import CURRENCIES

if TYPE_CHECKING:
    from decimal import Decimal

    from adapters.stripe.fake.forms import Params
    from adapters.stripe.fake.world import Json, World

_MOST_PERCENT: Final = 100
_LONGEST_KEY: Final = 200


def currency_of(params: Params, key: str = "currency") -> str:
    """A currency, in small letters as Stripe has it."""
    code = params.must(key).lower()
    if code.upper() not in CURRENCIES:
        raise invalid(params.name(key), f"Invalid currency: {code}.")
    return code


def create_product(world: World, params: Params) -> Json:
    """POST /v1/products."""
    ref = params.text("id")
    if ref is not None and ref in world.kinds["product"]:
        raise Problem("Product already exists.", code="resource_already_exists", param="id")
    product = world.add(
        "product",
        {
            "active": True,
            "default_price": None,
            "description": params.text("description"),
            "images": [],
            "marketing_features": [],
            "metadata": params.metadata(),
            "name": params.must("name"),
            "package_dimensions": None,
            "shippable": None,
            "tax_code": None,
            "type": "service",
            "unit_label": params.text("unit_label"),
            "updated": world.now(),
            "url": None,
        },
        ref=ref,
    )
    world.tell("product.created", product)
    return product


def update_product(world: World, params: Params, ref: str) -> Json:
    """POST /v1/products/:id."""
    product = world.get("product", ref)
    with world.changing(product, "product.updated"):
        product["name"] = params.text("name") or product["name"]
        active = params.boolean("active")
        product["active"] = product["active"] if active is None else active
        product["metadata"] = params.metadata(product["metadata"])
    return product


def create_price(world: World, params: Params) -> Json:
    """POST /v1/prices."""
    product = world.get("product", params.must("product"), "product")
    lookup_key = params.text("lookup_key")
    if lookup_key is not None:
        _free(world, lookup_key, transfer=params.boolean("transfer_lookup_key") or False)
    scheme = params.one_of("billing_scheme", ("per_unit", "tiered"), "per_unit")
    tiers = [
        {
            "flat_amount": one.integer("flat_amount"),
            "flat_amount_decimal": one.text("flat_amount"),
            "unit_amount": one.integer("unit_amount"),
            "unit_amount_decimal": one.text("unit_amount"),
            "up_to": None if one.must("up_to") == "inf" else one.integer("up_to"),
        }
        for one in params.subs("tiers")
    ]
    amount, exact = params.integer("unit_amount"), params.decimal("unit_amount_decimal")
    if scheme == "per_unit" and amount is None and exact is None:
        raise needed("unit_amount")
    if scheme == "tiered" and (not tiers or tiers[-1]["up_to"] is not None):
        raise invalid("tiers", "The last tier must have `up_to` set to `inf`.")
    price = world.add(
        "price",
        {
            "active": True,
            "billing_scheme": scheme,
            "currency": currency_of(params),
            "custom_unit_amount": None,
            "lookup_key": lookup_key,
            "metadata": params.metadata(),
            "nickname": params.text("nickname"),
            "product": product["id"],
            "recurring": _recurring(world, params),
            "tax_behavior": params.text("tax_behavior") or "unspecified",
            "tiers_mode": params.one_of("tiers_mode", ("graduated", "volume")),
            "transform_quantity": None,
            "type": "recurring" if "recurring" in params else "one_time",
            "unit_amount": _whole(exact) if amount is None else amount,
            "unit_amount_decimal": (None if exact is None else str(exact)) if amount is None else str(amount),
            "_tiers": tiers,
        },
    )
    world.tell("price.created", price)
    return price


def _whole(exact: Decimal | None) -> int | None:
    return int(exact) if exact is not None and exact == exact.to_integral_value() else None


def _recurring(world: World, params: Params) -> Json | None:
    if "recurring" not in params:
        return None
    recurring = params.sub("recurring")
    usage = recurring.one_of("usage_type", ("licensed", "metered"), "licensed")
    meter = recurring.text("meter")
    if usage == "metered":
        if meter is None:
            raise Problem(
                "Metered prices must be backed by a meter.",
                code="parameter_missing",
                param="recurring[meter]",
            )
        world.get("billing.meter", meter, "recurring[meter]")
    recurring.must("interval")
    return {
        "interval": recurring.one_of("interval", ("day", "week", "month", "year")),
        "interval_count": recurring.integer("interval_count") or 1,
        "meter": meter,
        "trial_period_days": None,
        "usage_type": usage,
    }


def _free(world: World, lookup_key: str, *, transfer: bool) -> None:
    if len(lookup_key) > _LONGEST_KEY:
        raise invalid("lookup_key", "Lookup keys have at most 200 characters.")
    for other in world.all("price", lookup_key=lookup_key):
        if not transfer:
            raise Problem(
                f"A price (`{other['id']}`) already uses that lookup key.",
                code="resource_already_exists",
                param="lookup_key",
            )
        with world.changing(other, "price.updated"):
            other["lookup_key"] = None


def update_price(world: World, params: Params, ref: str) -> Json:
    """POST /v1/prices/:id."""
    price = world.get("price", ref)
    lookup_key = params.text("lookup_key")
    if lookup_key not in (None, price["lookup_key"]):
        _free(world, str(lookup_key), transfer=params.boolean("transfer_lookup_key") or False)
    with world.changing(price, "price.updated"):
        active = params.boolean("active")
        price["active"] = price["active"] if active is None else active
        price["lookup_key"] = lookup_key or price["lookup_key"]
        price["metadata"] = params.metadata(price["metadata"])
    return price


def list_prices(world: World, params: Params) -> list[Json]:
    """GET /v1/prices."""
    keys, active = params.texts("lookup_keys"), params.boolean("active")
    most = 10
    if len(keys) > most:
        raise invalid("lookup_keys", "You may only specify up to 10 lookup_keys.")
    return [
        price
        for price in world.all("price")
        if (not keys or price["lookup_key"] in keys)
        and (active is None or price["active"] is active)
        and params.text("product") in (None, price["product"])
    ]


def create_coupon(world: World, params: Params) -> Json:
    """POST /v1/coupons."""
    ref = params.text("id")
    if ref is not None and ref in world.kinds["coupon"]:
        raise Problem("Coupon already exists.", code="resource_already_exists", param="id")
    percent, amount = params.decimal("percent_off"), params.integer("amount_off")
    if (percent is None) is (amount is None):
        raise needed("percent_off") if percent is None else invalid("amount_off", "Give one of both.")
    if percent is not None and not 0 < percent <= _MOST_PERCENT:
        raise invalid("percent_off", "Invalid percent_off: must be between 0 and 100.")
    duration = params.one_of("duration", ("once", "repeating", "forever"), "once")
    months = params.integer("duration_in_months")
    if (duration == "repeating") is (months is None):
        raise needed("duration_in_months")
    coupon = world.add(
        "coupon",
        {
            "amount_off": amount,
            "currency": None if amount is None else currency_of(params),
            "duration": duration,
            "duration_in_months": months,
            "max_redemptions": params.integer("max_redemptions"),
            "metadata": params.metadata(),
            "name": params.text("name"),
            "percent_off": None if percent is None else float(percent),
            "redeem_by": params.integer("redeem_by"),
            "times_redeemed": 0,
            "valid": True,
        },
        ref=ref or world.fresh("event").removeprefix("evt_")[:8],
    )
    world.tell("coupon.created", coupon)
    return coupon


def redeemable(world: World, ref: str, now: int, currency: str, param: str) -> Json:
    """A coupon that may be used now. Raises `Problem`."""
    coupon = world.get("coupon", ref, param)
    if coupon["redeem_by"] is not None and coupon["redeem_by"] <= now:
        coupon["valid"] = False
    most = coupon["max_redemptions"]
    if not coupon["valid"] or (most is not None and coupon["times_redeemed"] >= most):
        raise Problem(f"Coupon {ref} is expired and cannot be used.", code="coupon_expired", param=param)
    if coupon["currency"] not in (None, currency):
        raise invalid(param, f"The coupon is in {coupon['currency']}, and what it is for in {currency}.")
    return coupon


def create_promotion_code(world: World, params: Params) -> Json:
    """POST /v1/promotion_codes."""
    promotion = params.sub("promotion")
    coupon = world.get("coupon", promotion.must("coupon"), "promotion[coupon]")
    code = params.text("code") or world.fresh("event")[-8:].upper()
    if any(one["active"] for one in world.all("promotion_code", code=code)):
        raise invalid("code", f"An active promotion code with `code: {code}` already exists.")
    made = world.add(
        "promotion_code",
        {
            "active": True,
            "code": code,
            "customer": params.text("customer"),
            "expires_at": params.integer("expires_at"),
            "max_redemptions": params.integer("max_redemptions"),
            "metadata": params.metadata(),
            "promotion": {"coupon": coupon["id"], "type": "coupon"},
            "restrictions": {
                "first_time_transaction": False,
                "minimum_amount": None,
                "minimum_amount_currency": None,
            },
            "times_redeemed": 0,
        },
    )
    world.tell("promotion_code.created", made)
    return made


def create_tax_rate(world: World, params: Params) -> Json:
    """POST /v1/tax_rates."""
    percentage = params.decimal("percentage")
    if percentage is None:
        raise needed("percentage")
    return world.add(
        "tax_rate",
        {
            "active": True,
            "country": params.text("country"),
            "description": None,
            "display_name": params.must("display_name"),
            "inclusive": params.boolean("inclusive") or False,
            "jurisdiction": None,
            "metadata": params.metadata(),
            "percentage": float(percentage),
            "rate_type": "percentage",
            "state": None,
            "tax_type": None,
        },
    )
