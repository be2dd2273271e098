"""Payment intents, charges, what is left of them after fees, and refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.stripe.fake.arithmetic import fee
from adapters.stripe.fake.calendar import DAY
from adapters.stripe.fake.customers import decline_of, method_for
from adapters.stripe.fake.problems import Problem, declined, invalid, needed

if TYPE_CHECKING:
    from adapters.stripe.fake.forms import Params
    from adapters.stripe.fake.world import Json, World


def new_intent(world: World, invoice: Json, *, at: int) -> Json:
    """The payment intent of an invoice, and its place among the invoice's payments."""
    intent = world.add(
        "payment_intent",
        {
            "amount": invoice["amount_due"],
            "amount_capturable": 0,
            "amount_received": 0,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic",
            "confirmation_method": "automatic",
            "currency": invoice["currency"],
            "customer": invoice["customer"],
            "description": "Subscription creation"
            if invoice["billing_reason"] == "subscription_create"
            else "Subscription update",
            "last_payment_error": None,
            "latest_charge": None,
            "metadata": {},
            "next_action": None,
            "payment_method": None,
            "payment_method_types": ["card"],
            "setup_future_usage": "off_session",
            "status": "requires_payment_method",
        },
        at=at,
    )
    world.add(
        "invoice_payment",
        {
            "amount_paid": None,
            "amount_requested": invoice["amount_due"],
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
            "_customer": invoice["customer"],
        },
        at=at,
    )
    world.tell("payment_intent.created", intent)
    return intent


def payment_of(world: World, invoice: Json) -> Json | None:
    """The payment that an invoice waits for."""
    return next((one for one in world.all("invoice_payment", invoice=invoice["id"], is_default=True)), None)


def cancel_intent(world: World, invoice: Json, *, at: int) -> None:
    """Nobody waits for this payment any more."""
    payment = payment_of(world, invoice)
    if payment is None:
        return
    payment["status"] = "canceled"
    payment["status_transitions"]["canceled_at"] = at
    intent = world.get("payment_intent", payment["payment"]["payment_intent"])
    intent |= {"status": "canceled", "canceled_at": at, "cancellation_reason": "void_invoice"}
    world.tell("payment_intent.canceled", intent)


def would_fail(world: World, customer: Json, subscription: Json | None) -> Problem | None:
    """What would stand in the way of a payment now."""
    method = method_for(world, customer, subscription)
    if method is None:
        return Problem(
            "This customer has no attached payment source or default payment method. Please consider adding a "
            "default payment method.",
            code="resource_missing",
        )
    behaviour = method["_card"][2]
    return None if behaviour in ("pays", "disputed") else decline_of(behaviour)


def try_to_pay(world: World, invoice: Json, subscription: Json | None, *, at: int) -> Problem | None:
    """Charge the card there is; what stood in the way."""
    customer = world.get("customer", invoice["customer"])
    problem = would_fail(world, customer, subscription)
    method = method_for(world, customer, subscription)
    payment = payment_of(world, invoice)
    if payment is None:
        raise Problem("The invoice has no payment to be made.", code="invoice_not_open")
    intent = world.get("payment_intent", payment["payment"]["payment_intent"])
    if method is None:
        return problem
    intent["payment_method"] = method["id"]
    if problem is not None and problem.code == "authentication_required":
        intent |= {"status": "requires_action", "next_action": {"type": "use_stripe_sdk"}}
        world.tell("payment_intent.requires_action", intent)
        return problem
    made = _charge(world, intent, method, problem, at=at)
    intent["latest_charge"] = made["id"]
    if problem is not None:
        intent["status"] = "requires_payment_method"
        intent["last_payment_error"] = problem.body()["error"]
        world.tell("payment_intent.payment_failed", intent)
        return problem
    intent |= {"status": "succeeded", "amount_received": intent["amount"], "next_action": None}
    world.tell("payment_intent.succeeded", intent)
    payment |= {"status": "paid", "amount_paid": intent["amount"]}
    payment["status_transitions"]["paid_at"] = at
    world.tell("invoice_payment.paid", payment)
    return None


def balance(world: World, kind: str, amount: int, currency: str, source: str, *, cost: int, at: int) -> Json:
    """A movement of our account at Stripe. `cost`: the fee."""
    details = [
        {"amount": cost, "application": None, "currency": currency, "description": None, "type": "stripe_fee"}
    ]
    return world.add(
        "balance_transaction",
        {
            "amount": amount,
            "available_on": at + 2 * DAY,
            "balance_type": "payments",
            "currency": currency,
            "description": None,
            "exchange_rate": None,
            "fee": cost,
            "fee_details": details if cost else [],
            "net": amount - cost,
            "reporting_category": {"adjustment": "dispute"}.get(kind, kind),
            "source": source,
            "status": "pending",
            "type": kind,
        },
        at=at,
    )


def _charge(world: World, intent: Json, method: Json, problem: Problem | None, *, at: int) -> Json:
    amount, currency = intent["amount"], intent["currency"]
    charge = world.add(
        "charge",
        {
            "amount": amount,
            "amount_captured": 0 if problem else amount,
            "amount_refunded": 0,
            "balance_transaction": None,
            "billing_details": method["billing_details"],
            "captured": problem is None,
            "currency": currency,
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_code": problem and problem.code,
            "failure_message": problem and problem.message,
            "fraud_details": {},
            "metadata": {},
            "outcome": {
                "network_status": "declined_by_network" if problem else "approved_by_network",
                "reason": problem and problem.decline_code,
                "type": "issuer_declined" if problem else "authorized",
            },
            "paid": problem is None,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": {"card": method["card"], "type": "card"},
            "refunded": False,
            "status": "failed" if problem else "succeeded",
        },
        at=at,
    )
    if problem is not None:
        world.tell("charge.failed", charge)
        return charge
    cost = fee(amount, currency)
    charge["balance_transaction"] = balance(
        world, "charge", amount, currency, charge["id"], cost=cost, at=at
    )["id"]
    world.tell("charge.succeeded", charge)
    charge["_to_dispute"] = method["_card"][2] == "disputed"
    return charge


def create_refund(world: World, params: Params) -> Json:
    """POST /v1/refunds."""
    charge = _refunded(world, params)
    left = charge["amount"] - charge["amount_refunded"]
    if charge["disputed"]:
        raise Problem(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    if left == 0:
        raise Problem(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = params.integer("amount")
    if amount is None:
        amount = left
    if amount < 1:
        raise Problem(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount > left:
        raise Problem(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount"
        )
    at = world.now(world.clock_of(charge))
    refund = world.add(
        "refund",
        {
            "amount": amount,
            "charge": charge["id"],
            "currency": charge["currency"],
            "customer": charge["customer"],
            "destination_details": {"card": {"type": "refund"}, "type": "card"},
            "failure_balance_transaction": None,
            "failure_reason": None,
            "metadata": params.metadata(),
            "payment_intent": charge["payment_intent"],
            "reason": params.one_of("reason", ("duplicate", "fraudulent", "requested_by_customer")),
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "succeeded",
            "transfer_reversal": None,
        },
        at=at,
    )
    refund["balance_transaction"] = balance(
        world, "refund", -amount, charge["currency"], refund["id"], cost=0, at=at
    )["id"]
    with world.changing(charge, "charge.refunded"):
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    world.tell("refund.created", refund)
    return refund


def fail_refund(world: World, refund: Json) -> Json:
    """What happens when the customer's bank does not take a refund: its money comes back. Raises `Problem`."""
    if refund["status"] != "succeeded":
        raise Problem(f"Refund {refund['id']} is {refund['status']}.", param="refund")
    charge = world.get("charge", refund["charge"])
    at, amount = world.now(world.clock_of(charge)), refund["amount"]
    came = balance(world, "refund_failure", amount, refund["currency"], refund["id"], cost=0, at=at)
    with world.changing(refund, "refund.failed"):
        refund |= {
            "status": "failed",
            "failure_balance_transaction": came["id"],
            "failure_reason": "declined",
        }
    charge["amount_refunded"] -= amount
    charge["refunded"] = False
    return refund


def _refunded(world: World, params: Params) -> Json:
    """The charge that is to be refunded."""
    ref, intent = params.text("charge"), params.text("payment_intent")
    if ref is None and intent is None:
        raise needed("payment_intent")
    if ref is None:
        latest = world.get("payment_intent", str(intent), "payment_intent")["latest_charge"]
        if latest is None:
            raise Problem("This PaymentIntent does not have a successful charge to refund.")
        ref = str(latest)
    charge = world.get("charge", ref, "charge")
    if charge["status"] != "succeeded":
        raise invalid("charge", "This charge did not succeed and cannot be refunded.")
    return charge


def confirm_intent(world: World, params: Params, ref: str) -> Json:
    """POST /v1/payment_intents/:id/confirm: the customer confirms to the bank, or pays with another card."""
    from adapters.stripe.fake.billing import collect, paid  # noqa: PLC0415 - billing pays through this module

    intent = world.get("payment_intent", ref)
    payment = next(
        (one for one in world.all("invoice_payment") if one["payment"]["payment_intent"] == ref), None
    )
    if intent["status"] not in ("requires_payment_method", "requires_action") or payment is None:
        raise Problem(
            f"This PaymentIntent's status is {intent['status']}.", code="payment_intent_unexpected_state"
        )
    invoice = world.get("invoice", payment["invoice"])
    at = world.now(world.clock_of(invoice))
    token = params.text("payment_method")
    if intent["status"] == "requires_action" and token is None:
        method = world.get("payment_method", intent["payment_method"])
        intent["latest_charge"] = _charge(world, intent, method, None, at=at)["id"]
        intent |= {"status": "succeeded", "amount_received": intent["amount"], "next_action": None}
        world.tell("payment_intent.succeeded", intent)
        payment |= {"status": "paid", "amount_paid": intent["amount"]}
        payment["status_transitions"]["paid_at"] = at
        paid(world, invoice, at=at)
        return intent
    if token is not None:
        method = world.get("payment_method", token, "payment_method")
        world.get("customer", invoice["customer"])["invoice_settings"]["default_payment_method"] = method[
            "id"
        ]
    problem = collect(world, invoice, at=at)
    if problem is not None:
        raise declined(problem.code or "card_declined", problem.message, problem.decline_code)
    return intent
