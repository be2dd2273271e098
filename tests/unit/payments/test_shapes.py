"""Objects of the fake have the fields that the `stripe` package declares for this version of the API, and no others."""

import types
import typing
from typing import Any, ForwardRef, get_args, get_origin

import pytest
import stripe

from adapters.stripe.fake.lists import shown
from application.ports.payment_values import Line, When
from tests.support.stripes import Desk, fake_desk

CLASSES: dict[str, Any] = {
    "balance_transaction": stripe.BalanceTransaction,
    "billing.meter": stripe.billing.Meter,
    "billing.meter_event": stripe.billing.MeterEvent,
    "billing_portal.session": stripe.billing_portal.Session,
    "charge": stripe.Charge,
    "checkout.session": stripe.checkout.Session,
    "coupon": stripe.Coupon,
    "customer": stripe.Customer,
    "discount": stripe.Discount,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "invoice": stripe.Invoice,
    "invoice_payment": stripe.InvoicePayment,
    "invoiceitem": stripe.InvoiceItem,
    "line_item": stripe.InvoiceLineItem,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "price": stripe.Price,
    "product": stripe.Product,
    "promotion_code": stripe.PromotionCode,
    "refund": stripe.Refund,
    "subscription": stripe.Subscription,
    "subscription_item": stripe.SubscriptionItem,
    "subscription_schedule": stripe.SubscriptionSchedule,
    "tax_rate": stripe.TaxRate,
    "test_helpers.test_clock": stripe.test_helpers.TestClock,
    "webhook_endpoint": stripe.WebhookEndpoint,
}
# Told by Stripe of every object, whether its class declares it or not.
ANYWHERE = {"id", "object", "created", "livemode"}


def optional(annotation: Any) -> bool:
    text = annotation.__forward_arg__ if isinstance(annotation, ForwardRef) else str(annotation)
    is_union = get_origin(annotation) in (typing.Union, types.UnionType)
    return (is_union and type(None) in get_args(annotation)) or "Optional[" in text


def problems(kind: str, one: dict[str, Any]) -> list[str]:
    declared = {
        name: annotation
        for name, annotation in CLASSES[kind].__annotations__.items()
        if name != "OBJECT_NAME" and not name.startswith("_")
    }
    lacking = [name for name, what in declared.items() if name not in one and not optional(what)]
    unknown = [name for name in one if name not in declared and name not in ANYWHERE]
    return [f"{kind} lacks {name}" for name in lacking] + [f"{kind} has {name}" for name in unknown]


async def lived(desk: Desk) -> None:
    """A life that leaves one of each kind."""
    customer = await desk.customer("pm_card_createDispute")
    starter, professional = Line("2026-01/starter/month/usd"), Line("2026-01/professional/month/usd")
    held = await desk.subscribe(customer, starter, discounts=[{"coupon": "nonprofit-30"}])
    (payment,) = await desk.gateway.payments(customer=customer)
    other = await desk.customer()
    await desk.subscribe(other, starter)
    (paid,) = await desk.gateway.payments(customer=other)
    await desk.gateway.refund(paid.ref, amount=5, key=desk.key())
    assert payment.disputed
    await desk.gateway.report_usage("emails_sent", customer, 1, identifier="one", at=held.created)
    await desk.gateway.change_subscription(
        held.ref, (professional,), plan="professional", when=When.PERIOD_END, key=desk.key()
    )
    waiting = await desk.subscribe(await desk.customer(), starter)
    await desk.raw.v1.subscriptions.update_async(
        waiting.ref, {"items": [{"id": waiting.items[0].ref, "quantity": 3}]}
    )
    await desk.raw.v1.promotion_codes.create_async(
        {"promotion": {"type": "coupon", "coupon": "nonprofit-30"}}
    )
    await desk.raw.v1.tax_rates.create_async({"display_name": "VAT", "percentage": 19, "inclusive": False})
    await desk.raw.v1.webhook_endpoints.create_async({"url": "https://a.example", "enabled_events": ["*"]})
    await desk.gateway.portal(customer, "https://a.example", key=desk.key())
    price = await desk.raw.v1.prices.list_async({"lookup_keys": [starter.price]})
    await desk.raw.v1.checkout.sessions.create_async(
        {
            "mode": "subscription",
            "success_url": "https://a.example",
            "line_items": [{"price": price.data[0].id, "quantity": 1}],
        }
    )


async def test_objects_have_the_declared_fields() -> None:
    async with fake_desk() as desk:
        await lived(desk)
        assert desk.fake is not None
        world = desk.fake.world
        found = {kind: [shown(world, one, []) for one in ones.values()] for kind, ones in world.kinds.items()}
        found["subscription_item"] = [item for one in found["subscription"] for item in one["items"]["data"]]
        found["line_item"] = [line for one in found["invoice"] for line in one["lines"]["data"]]
        wrong = {problem for kind, ones in found.items() for one in ones for problem in problems(kind, one)}
    assert set(CLASSES) == set(found), "each kind is compared"
    assert [kind for kind, ones in found.items() if not ones] == []
    assert sorted(wrong) == []


@pytest.mark.parametrize("kind", CLASSES)
def test_the_comparison_sees_what_is_lacking_and_what_is_too_much(kind: str) -> None:
    assert f"{kind} has nonsense" in problems(kind, {"nonsense": 1})
    assert f"{kind} lacks object" in problems(kind, {})
