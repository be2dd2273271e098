"""From Stripe's objects, as dictionaries, to the values of our port. Nothing else knows their shapes."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from application.ports.payment_values import (
    ChangeAhead,
    CheckoutSession,
    Customer,
    Dispute,
    GatewayEvent,
    Invoice,
    InvoiceLine,
    Line,
    Payment,
    Refund,
    Snapshot,
    SubscribedItem,
    Subscription,
)
from domain.billing.terms import Discount

if TYPE_CHECKING:
    from collections.abc import Sequence

Json: TypeAlias = dict[str, Any]


def moment(value: int) -> datetime:
    """A moment of Stripe's."""
    return datetime.fromtimestamp(value, UTC)


def moment_or_none(value: int | None) -> datetime | None:
    """A moment that may not be."""
    return None if value is None else moment(value)


def ref_of(value: Any) -> str | None:
    """The id of something that may be expanded."""
    if isinstance(value, dict):
        value = value.get("id")
    return None if value is None else str(value)


def _must(value: Any) -> str:
    ref = ref_of(value)
    if ref is None:
        raise KeyError("id")
    return ref


def _currency(code: str) -> str:
    return code.upper()


def _tenant(metadata: Json | None) -> UUID | None:
    """The tenant that metadata name; a person may have edited them on Stripe's pages."""
    try:
        return UUID(str((metadata or {}).get("tenant_id")))
    except ValueError:
        return None


def customer(of: Json) -> Customer:
    """A customer."""
    metadata = of.get("metadata") or {}
    return Customer(ref=of["id"], noted=metadata.get("tenant_id"), tenant_id=_tenant(metadata))


def price_key(price: Json) -> str | None:
    """Our id of a price: in its metadata for ever, and its look-up key while nobody moved that on."""
    key = (price.get("metadata") or {}).get("price") or price.get("lookup_key")
    return None if key is None else str(key)


def subscription(of: Json) -> Subscription:
    """A subscription, as it is asked for or stands in an event."""
    items = of["items"]["data"]
    discounts = [one for one in of.get("discounts") or () if isinstance(one, dict)]
    schedule = of.get("schedule")
    metadata = of.get("metadata") or {}
    return Subscription(
        ref=of["id"],
        customer=_must(of["customer"]),
        tenant_id=_tenant(metadata),
        plan=metadata.get("plan"),
        status=of["status"],
        currency=_currency(of["currency"]),
        items=tuple(_item(one) for one in items),
        discounts=tuple(filter(None, (discount(one) for one in discounts))),
        discounts_complete=len(discounts) == len(of.get("discounts") or ()),
        discount_refs=tuple(filter(None, (ref_of(one) for one in of.get("discounts") or ()))),
        created=moment(of["created"]),
        period_start=moment_or_none(min((one["current_period_start"] for one in items), default=None)),
        period_end=moment_or_none(min((one["current_period_end"] for one in items), default=None)),
        trial_end=moment_or_none(of.get("trial_end")),
        cancel_at_period_end=bool(of.get("cancel_at_period_end")),
        cancel_at=moment_or_none(of.get("cancel_at")),
        canceled_at=moment_or_none(of.get("canceled_at")),
        ended_at=moment_or_none(of.get("ended_at")),
        latest_invoice=ref_of(of.get("latest_invoice")),
        schedule=ref_of(schedule),
        change_ahead=_ahead(schedule) if isinstance(schedule, dict) else None,
        livemode=bool(of["livemode"]),
    )


def _item(of: Json) -> SubscribedItem:
    price = of["price"]
    recurring = price.get("recurring") or {}
    metadata = price.get("metadata") or {}
    return SubscribedItem(
        ref=of["id"],
        price_ref=price["id"],
        price=price_key(price),
        kind=metadata.get("kind"),
        of=metadata.get("of"),
        unit_amount=price.get("unit_amount") or 0,
        quantity=of.get("quantity"),
        interval=recurring.get("interval", "month"),
        interval_count=recurring.get("interval_count", 1),
        period_start=moment(of["current_period_start"]),
        period_end=moment(of["current_period_end"]),
    )


def discount(of: Json) -> Discount | None:
    """A discount whose coupon was told too; without it, nothing is known of it but that it is there."""
    coupon = (of.get("source") or {}).get("coupon")
    if not isinstance(coupon, dict):
        return None
    percent = coupon.get("percent_off")
    end = moment_or_none(of.get("end"))
    return Discount(
        coupon=coupon["id"],
        percent_off=None if percent is None else int(Decimal(str(percent)) * 100),
        amount_off=coupon.get("amount_off"),
        duration=coupon["duration"],
        ends_on=None if end is None else end.date(),
    )


def _ahead(schedule: Json) -> ChangeAhead | None:
    """The phase after the present one."""
    current = schedule.get("current_phase") or {}
    for phase in schedule.get("phases") or ():
        if phase["start_date"] == current.get("end_date"):
            return ChangeAhead(
                at=moment(phase["start_date"]),
                lines=tuple(_line(one) for one in phase["items"]),
            )
    return None


def _line(of: Json) -> Line:
    price = of["price"]
    key = price_key(price) if isinstance(price, dict) else None
    return Line(price=key or _must(price), quantity=of.get("quantity"))


def invoice(of: Json, lines: Sequence[Json] | None = None) -> Invoice:
    """An invoice. `lines`: all of them, where they were asked for."""
    parent = (of.get("parent") or {}).get("subscription_details") or {}
    shown = of["lines"]
    steps = of["status_transitions"]
    payments = (of.get("payments") or {}).get("data") or ()
    return Invoice(
        ref=of["id"],
        number=of.get("number"),
        customer=_must(of["customer"]),
        subscription=ref_of(parent.get("subscription")),
        status=of["status"],
        reason=of.get("billing_reason"),
        currency=_currency(of["currency"]),
        subtotal=of["subtotal"],
        discount=sum(one["amount"] for one in of.get("total_discount_amounts") or ()),
        tax=_tax(of, "exclusive"),
        tax_within=_tax(of, "inclusive"),
        total=of["total"],
        amount_due=of["amount_due"],
        amount_paid=of["amount_paid"],
        amount_remaining=of["amount_remaining"],
        created=moment(of["created"]),
        finalized_at=moment_or_none(steps.get("finalized_at")),
        due_at=moment_or_none(of.get("due_date")),
        paid_at=moment_or_none(steps.get("paid_at")),
        voided_at=moment_or_none(steps.get("voided_at")),
        written_off_at=moment_or_none(steps.get("marked_uncollectible_at")),
        period_start=moment(of["period_start"]),
        period_end=moment(of["period_end"]),
        attempts=of["attempt_count"],
        next_attempt=moment_or_none(of.get("next_payment_attempt")),
        lines=tuple(_invoice_line(one) for one in (shown["data"] if lines is None else lines)),
        lines_complete=lines is not None or not shown["has_more"],
        intents=tuple(
            str(ref_of(one["payment"]["payment_intent"]))
            for one in payments
            if one["payment"].get("payment_intent") is not None
        ),
        page=of.get("hosted_invoice_url"),
        livemode=bool(of["livemode"]),
    )


def _tax(of: Json, behaviour: str) -> int:
    return sum(one["amount"] for one in of.get("total_taxes") or () if one["tax_behavior"] == behaviour)


def _invoice_line(of: Json) -> InvoiceLine:
    parent = of.get("parent") or {}
    details = parent.get(parent.get("type", "")) or {}
    price = ((of.get("pricing") or {}).get("price_details") or {}).get("price")
    told = price if isinstance(price, dict) else {}
    metadata = told.get("metadata") or {}
    return InvoiceLine(
        ref=of["id"],
        price=price_key(told),
        price_ref=ref_of(price),
        kind=metadata.get("kind"),
        of=metadata.get("of"),
        amount=of["amount"],
        discount=sum(one["amount"] for one in of.get("discount_amounts") or ()),
        quantity=of.get("quantity"),
        proration=bool(details.get("proration")),
        period_start=moment(of["period"]["start"]),
        period_end=moment(of["period"]["end"]),
    )


def payment(of: Json, invoice_ref: str | None = None) -> Payment:
    """A charge, with what was left of it where that was asked for."""
    left = of.get("balance_transaction")
    left = left if isinstance(left, dict) else None
    return Payment(
        ref=of["id"],
        intent=ref_of(of.get("payment_intent")),
        customer=ref_of(of.get("customer")),
        invoice=invoice_ref,
        status=of["status"],
        amount=of["amount"],
        currency=_currency(of["currency"]),
        refunded=of["amount_refunded"],
        disputed=bool(of["disputed"]),
        failure=of.get("failure_code"),
        created=moment(of["created"]),
        fee=None if left is None else left["fee"],
        net=None if left is None else left["net"],
        settled_in=None if left is None else _currency(left["currency"]),
        livemode=bool(of["livemode"]),
    )


def refund(of: Json) -> Refund:
    """A refund, with what came in again of it where that was asked for."""
    again = of.get("failure_balance_transaction")
    return Refund(
        ref=of["id"],
        payment=_must(of["charge"]),
        intent=ref_of(of.get("payment_intent")),
        amount=of["amount"],
        currency=_currency(of["currency"]),
        status=of["status"],
        reason=of.get("reason"),
        created=moment(of["created"]),
        failed_at=moment(again["created"]) if isinstance(again, dict) else None,
    )


def dispute(of: Json) -> Dispute:
    """A dispute, with what it moved on our account.

    Its fee is that of the withdrawal: one that is won brings the money back and, since 2025-06-17, not the fee
    (support.stripe.com, dispute fees). So it is read alike however the dispute ended.
    """
    moved = of.get("balance_transactions") or ()
    return Dispute(
        ref=of["id"],
        payment=_must(of["charge"]),
        intent=ref_of(of.get("payment_intent")),
        amount=of["amount"],
        currency=_currency(of["currency"]),
        status=of["status"],
        reason=of["reason"],
        created=moment(of["created"]),
        withdrawn=-sum(one["amount"] for one in moved),
        fee=sum(one["fee"] for one in moved if one["amount"] < 0),
        settled_in=_currency(moved[0]["currency"]) if moved else None,
        livemode=bool(of["livemode"]),
    )


def checkout_session(of: Json) -> CheckoutSession:
    """A checkout."""
    return CheckoutSession(
        ref=of["id"],
        status=of["status"],
        url=of.get("url"),
        customer=ref_of(of.get("customer")),
        subscription=ref_of(of.get("subscription")),
        tenant_id=_tenant(of.get("metadata")),
    )


def snapshot(of: Json) -> Snapshot | None:
    """What an event holds, where it is of a kind that we know."""
    match of.get("object"):
        case "subscription":
            return subscription(of)
        case "invoice":
            return invoice(of)
        case "charge":
            return payment(of)
        case "refund" if of.get("charge") is not None:
            return refund(of)
        case "dispute":
            return dispute(of)
        case "checkout.session":
            return checkout_session(of)
        case _:
            return None


def event(of: Json) -> GatewayEvent:
    """An event. Raises `LookupError`, `TypeError` or `ValueError` where it is none."""
    about = of["data"]["object"]
    is_customer = about.get("object") == "customer"
    return GatewayEvent(
        ref=str(of["id"]),
        type=str(of["type"]),
        created=moment(of["created"]),
        object_type=str(about["object"]),
        object_ref=ref_of(about.get("id")),
        customer=ref_of(about.get("id") if is_customer else about.get("customer")),
        livemode=bool(of["livemode"]),
        api_version=of.get("api_version"),
        snapshot=snapshot(about),
        changed=tuple(sorted(of["data"].get("previous_attributes") or ())),
    )
