"""What we sell, as Stripe has it: products, prices by their look-up keys, coupons, meters."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from adapters.stripe.client import translated
from adapters.stripe.reading import Json
from application.ports.payments import InvalidPaymentRequest, NotAtProvider
from domain.billing.terms import Duration, Interval, ItemKind

if TYPE_CHECKING:
    import stripe

    from application.ports.payment_values import Line, MeteredPrice, UsageMeter, Wares
    from domain.billing.catalogue import Coupon

_KEYS_AT_ONCE: Final = 10
"""So many look-up keys are taken by one request."""


async def ensure_wares(client: stripe.StripeClient, wares: Wares) -> dict[str, str]:
    """See `PaymentGateway.ensure_wares`."""
    catalogue = wares.catalogue
    names = {plan.id.value: plan.name for plan in catalogue.plans}
    names |= {add_on.id: add_on.name for add_on in catalogue.add_ons}
    names |= {price.of: price.title for price in wares.metered}
    meters = await _ensure_meters(client, wares.meters)
    wanted: dict[str, Any] = {
        price.id: {
            "currency": price.currency.lower(),
            "product": price.of,
            "lookup_key": price.id,
            "unit_amount": price.unit_amount,
            "recurring": {"interval": price.interval.value},
            "metadata": {"price": price.id, "kind": price.kind.value, "of": price.of},
        }
        for price in catalogue.prices
    }
    wanted |= {price.id: _metered(price, meters) for price in wares.metered}
    for product in dict.fromkeys(terms["product"] for terms in wanted.values()):
        await _ensure_product(client, product, names[product])
    found = await prices_by_key(client, list(wanted))
    for key, terms in wanted.items():
        if key not in found:
            with translated():
                made = await client.v1.prices.create_async(terms, {"idempotency_key": f"price/{key}"})
            found[key] = made.to_dict()
        _alike(found[key], terms)
    for coupon in catalogue.coupons:
        await _ensure_coupon(client, coupon)
    return {key: price["id"] for key, price in found.items()}


def _metered(price: MeteredPrice, meters: dict[str, str]) -> Json:
    if price.meter not in meters:
        raise InvalidPaymentRequest(f"{price.id} counts on a meter that is not named: {price.meter}")
    return {
        "currency": price.unit.currency.lower(),
        "product": price.of,
        "lookup_key": price.id,
        "unit_amount": price.unit.amount,
        "recurring": {
            "interval": Interval.MONTH.value,
            "usage_type": "metered",
            "meter": meters[price.meter],
        },
        "metadata": {"price": price.id, "kind": ItemKind.METERED.value, "of": price.of},
    }


def _alike(found: Json, wanted: Json) -> None:
    """Raises `InvalidPaymentRequest` where a price was sold with other terms."""
    recurring = found.get("recurring") or {}
    ours = {
        "product": found["product"],
        "unit_amount": found["unit_amount"],
        "currency": found["currency"],
        "interval": recurring.get("interval"),
        "active": found["active"],
    }
    theirs = {
        "product": wanted["product"],
        "unit_amount": wanted["unit_amount"],
        "currency": wanted["currency"],
        "interval": wanted["recurring"]["interval"],
        "active": True,
    }
    for name, value in theirs.items():
        if ours[name] != value:
            raise InvalidPaymentRequest(
                f"price {wanted['lookup_key']} is at Stripe with another {name}: sell a new version under new ids",
                param=name,
                code="sold_otherwise",
            )


async def _ensure_product(client: stripe.StripeClient, ref: str, name: str) -> None:
    try:
        with translated():
            await client.v1.products.retrieve_async(ref)
    except NotAtProvider:
        with translated():
            await client.v1.products.create_async(
                {"id": ref, "name": name}, {"idempotency_key": f"product/{ref}"}
            )


async def meters_by_name(client: stripe.StripeClient) -> dict[str, str]:
    """Stripe's refs of all meters by the names of their events."""
    with translated():
        listed = await client.v1.billing.meters.list_async({"status": "active", "limit": 100})
        return {one.event_name: one.id async for one in listed.auto_paging_iter()}


async def _ensure_meters(client: stripe.StripeClient, meters: Iterable[UsageMeter]) -> dict[str, str]:
    found = await meters_by_name(client)
    for meter in meters:
        if meter.name not in found:
            with translated():
                made = await client.v1.billing.meters.create_async(
                    {
                        "display_name": meter.title,
                        "event_name": meter.name,
                        "default_aggregation": {"formula": "sum"},
                    },
                    {"idempotency_key": f"meter/{meter.name}"},
                )
            found[meter.name] = made.id
    return found


async def _ensure_coupon(client: stripe.StripeClient, coupon: Coupon) -> None:
    """Raises `InvalidPaymentRequest` where there is another coupon of this id."""
    terms: Any = {
        "id": coupon.id,
        "name": coupon.name,
        "duration": coupon.duration.value,
    }
    if coupon.percent_off is not None:
        terms["percent_off"] = float(coupon.percent_off)
    if coupon.amount_off is not None and coupon.currency is not None:
        terms |= {"amount_off": coupon.amount_off, "currency": coupon.currency.lower()}
    if coupon.duration is Duration.REPEATING:
        terms["duration_in_months"] = coupon.months
    if coupon.redeem_by is not None:
        terms["redeem_by"] = int(datetime.combine(coupon.redeem_by, time.max, UTC).timestamp())
    try:
        with translated():
            found = (await client.v1.coupons.retrieve_async(coupon.id)).to_dict()
    except NotAtProvider:
        if coupon.redeem_by is not None and coupon.redeem_by < datetime.now(UTC).date():
            return
        with translated():
            await client.v1.coupons.create_async(terms, {"idempotency_key": f"coupon/{coupon.id}"})
        return
    for name in ("percent_off", "amount_off", "currency", "duration", "duration_in_months"):
        ours, theirs = terms.get(name), found.get(name)
        if name == "percent_off" and None not in (ours, theirs):
            ours, theirs = Decimal(str(ours)), Decimal(str(theirs))
        if ours != theirs:
            raise InvalidPaymentRequest(
                f"coupon {coupon.id} is at Stripe with another {name}: a changed coupon has a new id",
                param=name,
                code="sold_otherwise",
            )


async def prices_by_key(client: stripe.StripeClient, keys: Iterable[str]) -> dict[str, Json]:
    """Stripe's prices by our ids, those that are there."""
    found: dict[str, Json] = {}
    wanted = list(keys)
    for start in range(0, len(wanted), _KEYS_AT_ONCE):
        some = wanted[start : start + _KEYS_AT_ONCE]
        with translated():
            listed = await client.v1.prices.list_async({"lookup_keys": some, "limit": 100})
        found |= {str(one.lookup_key): one.to_dict() for one in listed.data}
    return found


async def prices_of(client: stripe.StripeClient, lines: Iterable[Line]) -> dict[str, Json]:
    """The prices that lines name. Raises `InvalidPaymentRequest` for one that is not sold."""
    wanted = list(dict.fromkeys(line.price for line in lines))
    found = await prices_by_key(client, wanted)
    for number, key in enumerate(wanted):
        if key not in found:
            raise InvalidPaymentRequest(
                f"no such price is sold: {key}", param=f"/lines/{number}/price", code="price_unknown"
            )
    return found
