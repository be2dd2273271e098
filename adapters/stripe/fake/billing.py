"""Invoices as they are made: lines, discounts, tax, the customer's balance, and what follows from being paid or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.stripe.fake.arithmetic import discounted, taxed
from adapters.stripe.fake.calendar import DAY
from adapters.stripe.fake.payments import cancel_intent, new_intent, try_to_pay
from adapters.stripe.fake.problems import Problem

if TYPE_CHECKING:
    from adapters.stripe.fake.world import Json, World


def line(
    item: Json, amount: int, start: int, end: int, *, quantity: int | None, proration: bool, about: str
) -> Json:
    """A line for a subscription's item. Prorations have their discounts within (`proration_discounts: included`)."""
    price = item["price"]
    return {
        "amount": amount,
        "currency": price["currency"],
        "description": about,
        "discountable": not proration,
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": proration,
                "proration_details": {"credited_items": None},
                "subscription": item["subscription"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        "period": {"start": start, "end": end},
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": quantity,
    }


def pending_lines(world: World, subscription: Json) -> list[Json]:
    """Prorations that wait for the next invoice, taken up as its lines."""
    lines = []
    for waiting in world.all("invoiceitem", invoice=None, customer=subscription["customer"]):
        if waiting["parent"]["subscription_details"]["subscription"] == subscription["id"]:
            waiting["_taken"] = True
            lines.append({**waiting["_line"], "_item": waiting["id"]})
    return lines


def draft(
    world: World, subscription: Json, reason: str, lines: list[Json], *, at: int, collected: bool = True
) -> Json:
    """A draft of these lines and of what waited."""
    customer = world.get("customer", subscription["customer"])
    invoice = world.add(
        "invoice",
        {
            "account_country": "US",
            "account_name": None,
            "amount_overpaid": 0,
            "amount_paid": 0,
            "amount_shipping": 0,
            "attempt_count": 0,
            "attempted": False,
            "auto_advance": collected,
            "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
            "automatically_finalizes_at": at + int(world.settings["draft_seconds"]) if collected else None,
            "billing_reason": reason,
            "collection_method": "charge_automatically",
            "currency": subscription["currency"],
            "customer": customer["id"],
            "customer_email": customer["email"],
            "customer_name": customer["name"],
            "default_payment_method": None,
            "default_tax_rates": [],
            "description": None,
            "discounts": [],
            "due_date": None,
            "effective_at": None,
            "ending_balance": None,
            "footer": None,
            "hosted_invoice_url": None,
            "invoice_pdf": None,
            "issuer": {"type": "self"},
            "metadata": {},
            "next_payment_attempt": at + int(world.settings["draft_seconds"]) if collected else None,
            "number": None,
            "parent": {
                "quote_details": None,
                "subscription_details": {
                    "metadata": subscription["metadata"],
                    "subscription": subscription["id"],
                },
                "type": "subscription_details",
            },
            "payment_settings": {"default_mandate": None, "payment_method_types": None},
            "period_end": at,
            "period_start": min([each["period"]["start"] for each in lines], default=at),
            "post_payment_credit_notes_amount": 0,
            "pre_payment_credit_notes_amount": 0,
            "starting_balance": customer["balance"],
            "status": "draft",
            "status_transitions": {
                "finalized_at": None,
                "marked_uncollectible_at": None,
                "paid_at": None,
                "voided_at": None,
            },
            "test_clock": customer["test_clock"],
            "_retries": 0,
            "_first_failed": None,
        },
        at=at,
    )
    customer["currency"] = subscription["currency"]
    _total(world, invoice, subscription, [*pending_lines(world, subscription), *lines])
    for taken in world.all("invoiceitem", invoice=None, customer=customer["id"]):
        if taken.pop("_taken", False):
            taken["invoice"] = invoice["id"]
    _note_debits(subscription, invoice)
    world.tell("invoice.created", invoice)
    return invoice


def _note_debits(subscription: Json, invoice: Json) -> None:
    """What each item really cost for its cycle: a credit gives back of that."""
    items = {item["id"]: item for item in subscription["items"]["data"]}
    for each in invoice["lines"]["data"]:
        details = each["parent"]["subscription_item_details"]
        item = items.get(details["subscription_item"])
        if item is not None and item["_debit"] is not None and not details["proration"]:
            item["_debit"]["net"] = each["_net"]


def live_discounts(world: World, subscription: Json, at: int) -> list[Json]:
    """The discounts that count for an invoice made at a moment."""
    found = [world.get("discount", ref) for ref in subscription["discounts"]]
    return [one for one in found if one["end"] is None or one["end"] > at]


def _total(world: World, invoice: Json, subscription: Json, lines: list[Json]) -> None:
    """Fill in what the lines come to."""
    found = live_discounts(world, subscription, invoice["created"])
    coupons = [world.kinds["coupon"][one["source"]["coupon"]] for one in found]
    rows = discounted(
        [each["amount"] if each["discountable"] else 0 for each in lines], coupons, invoice["currency"]
    )
    rates = [world.get("tax_rate", ref) for ref in subscription["_tax_rates"]]
    totals: list[dict[str, Any]] = [
        {
            "amount": 0,
            "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
            "tax_rate_details": {"tax_rate": rate["id"]},
            "taxability_reason": "not_available",
            "taxable_amount": 0,
            "type": "tax_rate_details",
        }
        for rate in rates
    ]
    made: list[Json] = []
    for number, each in enumerate(lines):
        off = sum(row[number] for row in rows)
        after = each["amount"] - off
        taxes = [taxed(after, rate) for rate in rates]
        for total, tax in zip(totals, taxes, strict=True):
            total["amount"] += tax.amount
            total["taxable_amount"] += after - (tax.amount if tax.within else 0)
        details = each["parent"]["subscription_item_details"]
        made.append(
            {
                "id": world.fresh("line_item"),
                "object": "line_item",
                "amount": each["amount"],
                "currency": each["currency"],
                "description": each["description"],
                "discount_amounts": [
                    {"amount": row[number], "discount": discount["id"]}
                    for row, discount in zip(rows, found, strict=True)
                    if each["discountable"]
                ],
                "discountable": each["discountable"],
                "discounts": [],
                "invoice": invoice["id"],
                "livemode": False,
                "metadata": {},
                "parent": {
                    **each["parent"],
                    "subscription_item_details": {**details, "invoice_item": each.get("_item")},
                },
                "period": each["period"],
                "pretax_credit_amounts": [],
                "pricing": each["pricing"],
                "quantity": each["quantity"],
                "subtotal": each["amount"],
                "taxes": [
                    {**total, "amount": tax.amount, "taxable_amount": after}
                    for total, tax in zip(totals, taxes, strict=True)
                ],
                "_net": after,
            }
        )
    subtotal = sum(each["amount"] for each in lines)
    off = sum(sum(row) for row in rows)
    extra = sum(total["amount"] for total in totals if total["tax_behavior"] == "exclusive")
    within = sum(total["amount"] for total in totals if total["tax_behavior"] == "inclusive")
    total = subtotal - off + extra
    invoice |= {
        "lines": {
            "object": "list",
            "data": made,
            "has_more": False,
            "total_count": len(made),
            "url": f"/v1/invoices/{invoice['id']}/lines",
        },
        "discounts": [one["id"] for one in found],
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - within,
        "total": total,
        "total_discount_amounts": [
            {"amount": sum(row), "discount": one["id"]} for row, one in zip(rows, found, strict=True)
        ],
        "total_excluding_tax": total - extra - within,
        "total_pretax_credit_amounts": [],
        "total_taxes": totals,
        "amount_due": max(total, 0),
        "amount_remaining": max(total, 0),
    }
    _spend_once(world, subscription, found, coupons, rows)


def _spend_once(
    world: World, subscription: Json, found: list[Json], coupons: list[Json], rows: list[list[int]]
) -> None:
    """A coupon of one time is gone with the first invoice that it lowered."""
    for one, coupon, row in zip(found, coupons, rows, strict=True):
        if coupon["duration"] == "once" and any(row):
            end_discount(world, subscription, one)


def end_discount(world: World, subscription: Json, discount: Json) -> None:
    """Take a discount off a subscription."""
    with world.changing(subscription, "customer.subscription.updated"):
        subscription["discounts"] = [ref for ref in subscription["discounts"] if ref != discount["id"]]
    world.tell("customer.discount.deleted", discount)


def finalize(world: World, invoice: Json, *, at: int) -> None:
    """No longer a draft: numbered, lowered by the customer's credit, and paid at once where nothing is due."""
    customer = world.get("customer", invoice["customer"])
    number = customer["next_invoice_sequence"]
    customer["next_invoice_sequence"] = number + 1
    balance = customer["balance"]
    used = max(-balance, 0) if invoice["total"] > 0 else 0
    credit = min(used, max(invoice["total"], 0))
    after = balance + credit if invoice["total"] > 0 else balance + invoice["total"]
    if after != balance:
        with world.changing(customer, "customer.updated"):
            customer["balance"] = after
    with world.changing(invoice, None):
        invoice |= {
            "amount_due": max(invoice["total"], 0) - credit,
            "amount_remaining": max(invoice["total"], 0) - credit,
            "automatically_finalizes_at": None,
            "effective_at": at,
            "ending_balance": after,
            "starting_balance": balance,
            "hosted_invoice_url": f"https://invoice.stripe.com/i/{invoice['id']}",
            "invoice_pdf": f"https://pay.stripe.com/invoice/{invoice['id']}/pdf",
            "number": f"{customer['invoice_prefix']}-{number:04d}",
            "status": "open",
            "status_transitions": {**invoice["status_transitions"], "finalized_at": at},
        }
    if invoice["amount_due"] == 0:
        world.tell("invoice.finalized", invoice)
        paid(world, invoice, at=at)
        return
    new_intent(world, invoice, at=at)
    world.tell("invoice.finalized", invoice)


def paid(world: World, invoice: Json, *, at: int) -> None:
    """An invoice is paid; what it was owed for goes on."""
    with world.changing(invoice, "invoice.updated"):
        invoice |= {
            "amount_paid": invoice["amount_due"],
            "amount_remaining": 0,
            "attempted": True,
            "auto_advance": False,
            "next_payment_attempt": None,
            "status": "paid",
            "status_transitions": {**invoice["status_transitions"], "paid_at": at},
        }
    world.tell("invoice.paid", invoice)
    world.tell("invoice.payment_succeeded", invoice)
    subscription = subscription_of(world, invoice)
    if subscription is None or subscription["status"] not in ("incomplete", "past_due", "unpaid"):
        return
    if subscription["latest_invoice"] == invoice["id"]:
        with world.changing(subscription, "customer.subscription.updated"):
            subscription["status"] = "active"


def subscription_of(world: World, invoice: Json) -> Json | None:
    """The subscription that an invoice is for."""
    return world.kinds["subscription"].get(invoice["parent"]["subscription_details"]["subscription"])


def collect(world: World, invoice: Json, *, at: int) -> Problem | None:
    """Try to have an open invoice paid; what stood in the way."""
    subscription = subscription_of(world, invoice)
    invoice["attempt_count"] += 1
    invoice["attempted"] = True
    problem = try_to_pay(world, invoice, subscription, at=at)
    if problem is None:
        paid(world, invoice, at=at)
        return None
    first = invoice["_first_failed"] = invoice["_first_failed"] or at
    days = world.settings["retry_days"]
    starting = invoice["billing_reason"] == "subscription_create"
    later = [first + day * DAY for day in days if first + day * DAY > at]
    retrying = bool(later) and not starting and invoice["auto_advance"]
    with world.changing(invoice, "invoice.updated"):
        invoice["next_payment_attempt"] = later[0] if retrying else None
    world.tell("invoice.payment_failed", invoice)
    if problem.code == "authentication_required":
        world.tell("invoice.payment_action_required", invoice)
    if subscription is not None and subscription["latest_invoice"] == invoice["id"]:
        _owe(world, subscription, starting=starting, over=not retrying, at=at)
    return problem


def _owe(world: World, subscription: Json, *, starting: bool, over: bool, at: int) -> None:
    """What becomes of a subscription whose latest invoice is not paid."""
    if subscription["status"] in ("canceled", "incomplete_expired"):
        return
    owing = world.settings["after_retries"] if over else "past_due"
    after = subscription["status"] if starting else owing
    ended = after == "canceled"
    kind = "customer.subscription.deleted" if ended else "customer.subscription.updated"
    with world.changing(subscription, None if ended else kind):
        subscription["status"] = after
        if ended:
            subscription |= {
                "canceled_at": at,
                "ended_at": at,
                "cancellation_details": {"comment": None, "feedback": None, "reason": "payment_failed"},
            }
    if ended:
        world.tell(kind, subscription)


def void(world: World, invoice: Json, *, at: int) -> None:
    """An invoice that nobody is to pay any more."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise Problem(
            f"You can only pass in open invoices. This invoice isn't open: {invoice['id']}",
            code="invoice_not_open",
            param="invoice",
        )
    cancel_intent(world, invoice, at=at)
    with world.changing(invoice, None):
        invoice["status"] = "void"
        invoice["next_payment_attempt"] = None
        invoice["status_transitions"] = {**invoice["status_transitions"], "voided_at": at}
    world.tell("invoice.voided", invoice)
