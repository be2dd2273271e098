"""Disputes: opened by the card that always disputes, or by `/_control/dispute`; won or lost by their evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.stripe.fake.calendar import DAY
from adapters.stripe.fake.payments import balance
from adapters.stripe.fake.problems import Problem

if TYPE_CHECKING:
    from adapters.stripe.fake.forms import Params
    from adapters.stripe.fake.world import Json, World

FEE: Final = 1_500
_OPEN: Final = ("needs_response", "under_review")


def open_dispute(world: World, charge: Json, reason: str = "fraudulent") -> Json:
    """The payer's bank takes a payment back."""
    if charge["disputed"] or charge["status"] != "succeeded":
        raise Problem(f"Charge {charge['id']} cannot be disputed.")
    at = world.now(world.clock_of(charge))
    amount, currency = charge["amount"] - charge["amount_refunded"], charge["currency"]
    dispute = world.add(
        "dispute",
        {
            "amount": amount,
            "balance_transactions": [],
            "charge": charge["id"],
            "currency": currency,
            "_customer": charge["customer"],
            "enhanced_eligibility_types": [],
            "evidence": {"uncategorized_text": None},
            "evidence_details": {
                "due_by": at + 9 * DAY,
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": "not_submitted",
            },
            "is_charge_refundable": False,
            "metadata": {},
            "network_reason_code": "10.4",
            "payment_intent": charge["payment_intent"],
            "payment_method_details": {
                "card": {"brand": "visa", "case_type": "chargeback", "network_reason_code": "10.4"},
                "type": "card",
            },
            "reason": reason,
            "status": "needs_response",
        },
        at=at,
    )
    withdrawn = balance(world, "adjustment", -amount, currency, dispute["id"], cost=FEE, at=at)
    dispute["balance_transactions"] = [withdrawn]
    charge["_to_dispute"] = False
    with world.changing(charge, "charge.updated"):
        charge["disputed"] = True
    world.tell("charge.dispute.created", dispute)
    world.tell("charge.dispute.funds_withdrawn", dispute)
    return dispute


def open_due(world: World) -> None:
    """Open the disputes of the card that always disputes."""
    for charge in world.all("charge", _to_dispute=True):
        open_dispute(world, charge)


def update_dispute(world: World, params: Params, ref: str) -> Json:
    """POST /v1/disputes/:id: `winning_evidence` wins and `losing_evidence` loses, once submitted."""
    dispute = _open(world, ref)
    text = params.sub("evidence").text("uncategorized_text")
    with world.changing(dispute, "charge.dispute.updated"):
        if text is not None:
            dispute["evidence"]["uncategorized_text"] = text
            dispute["evidence_details"]["has_evidence"] = True
        if params.boolean("submit"):
            dispute["status"] = "under_review"
            dispute["evidence_details"] |= {"submission_count": 1, "submission_method": "manual"}
    if dispute["status"] == "under_review":
        if text == "winning_evidence":
            _close(world, dispute, won=True)
        elif text == "losing_evidence":
            _close(world, dispute, won=False)
    return dispute


def close_dispute(world: World, params: Params, ref: str) -> Json:
    """POST /v1/disputes/:id/close: give in."""
    del params
    dispute = _open(world, ref)
    _close(world, dispute, won=False)
    return dispute


def _open(world: World, ref: str) -> Json:
    dispute = world.get("dispute", ref)
    if dispute["status"] not in _OPEN:
        raise Problem(f"This dispute is already closed: {ref}.", param="id")
    return dispute


def _close(world: World, dispute: Json, *, won: bool) -> None:
    at = world.now(world.clock_of(dispute))
    with world.changing(dispute, None):
        dispute["status"] = "won" if won else "lost"
        if won:
            # The fee stays with Stripe, who wins or not (since 2025-06-17).
            back = balance(
                world, "adjustment", dispute["amount"], dispute["currency"], dispute["id"], cost=0, at=at
            )
            dispute["balance_transactions"] = [*dispute["balance_transactions"], back]
    world.tell("charge.dispute.closed", dispute)
    if won:
        world.tell("charge.dispute.funds_reinstated", dispute)
