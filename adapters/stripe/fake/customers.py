"""Customers and their payment methods, which behave as Stripe's test cards do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.stripe.fake.problems import declined, invalid, missing

if TYPE_CHECKING:
    from adapters.stripe.fake.forms import Params
    from adapters.stripe.fake.problems import Problem
    from adapters.stripe.fake.world import Json, World

CARDS: Final = {
    "pm_card_visa": ("visa", "4242", "pays"),
    "pm_card_mastercard": ("mastercard", "4444", "pays"),
    "pm_card_chargeCustomerFail": ("visa", "0341", "generic_decline"),
    "pm_card_authenticationRequired": ("visa", "3184", "authentication_required"),
    "pm_card_createDispute": ("visa", "0259", "disputed"),
    "pm_card_chargeDeclined": ("visa", "0002", "refused:generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": ("visa", "9995", "refused:insufficient_funds"),
    "pm_card_chargeDeclinedExpiredCard": ("visa", "0069", "refused:expired_card"),
}
"""Test cards by their tokens: brand, last digits, and what happens. Refused ones cannot even be kept."""

BEHAVIOURS: Final = frozenset(
    {"pays", "generic_decline", "insufficient_funds", "expired_card", "authentication_required", "disputed"}
)
_CODES: Final = frozenset({"expired_card", "authentication_required"})


def decline_of(behaviour: str) -> Problem:
    """The error of a card that does not pay."""
    code = behaviour if behaviour in _CODES else "card_declined"
    return declined(code, "Your card was declined.", behaviour)


def create_customer(world: World, params: Params) -> Json:
    """POST /v1/customers."""
    clock = params.text("test_clock")
    if clock is not None:
        world.get("test_helpers.test_clock", clock, "test_clock")
    customer = world.add(
        "customer",
        {
            "address": None,
            "balance": 0,
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": params.text("description"),
            "email": params.text("email"),
            "invoice_prefix": world.fresh("event")[-8:].upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "metadata": params.metadata(),
            "name": params.text("name"),
            "next_invoice_sequence": 1,
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": clock,
        },
        at=world.now(clock),
    )
    token = params.text("payment_method")
    if token is not None:
        customer["invoice_settings"]["default_payment_method"] = attach(world, token, customer)["id"]
    _default(world, params, customer)
    world.tell("customer.created", customer)
    return customer


def _default(world: World, params: Params, customer: Json) -> None:
    wanted = params.sub("invoice_settings").text("default_payment_method")
    if wanted is not None:
        method = world.get("payment_method", wanted, "invoice_settings[default_payment_method]")
        if method["customer"] != customer["id"]:
            raise invalid(
                "invoice_settings[default_payment_method]",
                "The customer does not have a payment method with this ID. It must be attached first.",
            )
        customer["invoice_settings"]["default_payment_method"] = method["id"]


def update_customer(world: World, params: Params, ref: str) -> Json:
    """POST /v1/customers/:id."""
    customer = world.get("customer", ref)
    with world.changing(customer, "customer.updated"):
        customer["metadata"] = params.metadata(customer["metadata"])
        for field in ("name", "email", "description"):
            if field in params:
                customer[field] = params.text(field)
        balance = params.integer("balance")
        customer["balance"] = customer["balance"] if balance is None else balance
        _default(world, params, customer)
    return customer


def get_customer(world: World, params: Params, ref: str) -> Json:
    """GET /v1/customers/:id: one that was deleted is shown as that alone."""
    del params
    found = world.kinds["customer"].get(ref, {})
    return (
        {"id": ref, "object": "customer", "deleted": True}
        if found.get("deleted")
        else world.get("customer", ref)
    )


def attach(world: World, token: str, customer: Json) -> Json:
    """A payment method of a test card, kept for a customer. Raises `Problem`."""
    known = world.kinds["payment_method"].get(token)
    if known is None and token not in CARDS:
        raise missing("PaymentMethod", token, "payment_method")
    brand, last4, behaviour = CARDS[token] if known is None else known["_card"]
    if behaviour.startswith("refused:"):
        raise decline_of(behaviour.partition(":")[2])
    if known is not None:
        with world.changing(known, None):
            known["customer"] = customer["id"]
        return known
    method = world.add(
        "payment_method",
        {
            "allow_redisplay": "unspecified",
            "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
            "card": {"brand": brand, "exp_month": 12, "exp_year": 2040, "funding": "credit", "last4": last4},
            "customer": customer["id"],
            "metadata": {},
            "type": "card",
            "_card": [brand, last4, behaviour],
        },
        at=world.now(customer["test_clock"]),
    )
    world.tell("payment_method.attached", method)
    return method


def attach_method(world: World, params: Params, ref: str) -> Json:
    """POST /v1/payment_methods/:id/attach."""
    return attach(world, ref, world.get("customer", params.must("customer"), "customer"))


def detach_method(world: World, params: Params, ref: str) -> Json:
    """POST /v1/payment_methods/:id/detach."""
    del params
    method = world.get("payment_method", ref)
    holder = world.kinds["customer"].get(method["customer"] or "")
    with world.changing(method, None):
        method["customer"] = None
    if holder is not None and holder["invoice_settings"]["default_payment_method"] == ref:
        with world.changing(holder, "customer.updated"):
            holder["invoice_settings"]["default_payment_method"] = None
    for subscription in world.all("subscription", default_payment_method=ref):
        subscription["default_payment_method"] = None
    world.tell("payment_method.detached", method)
    return method


def list_methods(world: World, params: Params, ref: str) -> list[Json]:
    """GET /v1/customers/:id/payment_methods."""
    held = world.all("payment_method", customer=world.get("customer", ref)["id"])
    kind = params.text("type")
    return [one for one in held if kind in (None, one["type"])]


def method_for(world: World, customer: Json, subscription: Json | None) -> Json | None:
    """What an invoice is paid with, if there is anything."""
    ref = (subscription or {}).get("default_payment_method") or customer["invoice_settings"][
        "default_payment_method"
    ]
    return world.kinds["payment_method"].get(ref or "")
