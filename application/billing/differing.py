"""How a thing of the provider's and the same of a tenant's log differ, field by field."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_jsonable_python

from domain.billing.payment import DisputeOutcome, Payment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from pydantic import ValidationError

    from domain.billing.invoice import Invoice, ReportInvoice
    from domain.billing.payment import ReportPayment
    from domain.billing.subscription import Subscription
    from domain.billing.terms import Terms

MISSING: Final = "missing"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the provider has otherwise. `field`: what differs.

    `kind`: subscription, invoice or payment; refund or dispute where a payment has one here and not there; usage
    that is billed to nobody.

    `theirs`, `ours`: as JSON gives them, as they were found; None: it has none of it. `repaired`: it differs no more.
    """

    kind: str
    reference: str
    field: str
    theirs: Any
    ours: Any
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """An invoice or a payment of ours that the provider should have. `since`: the moment that it is dated."""

    reference: str
    since: datetime
    amount: int


def standing(state: Invoice | Payment) -> Standing | None:
    """What the provider should have of it; None: nothing."""
    if isinstance(state, Payment):
        came = state.received
        if came is None or came.reference is None:
            return None
        return Standing(came.reference, came.received_at, came.amount)
    final = state.finalised
    if final is None or final.reference is None:
        return None
    return Standing(final.reference, final.finalised_at, final.total)


def parts_of_ours(told: ReportPayment, ours: Payment) -> tuple[list[Difference], Payment]:
    """What went back of a payment here and not at the provider; and the payment without that."""
    refunds, disputes = {one.refund for one in told.refunds}, {one.dispute for one in told.disputes}
    alone = [
        *(
            Difference("refund", ref, MISSING, None, amount)
            for ref, amount in ours.refunded.items()
            if ref not in refunds
        ),
        *(
            Difference("dispute", ref, MISSING, None, "open" if one.outcome is None else "closed")
            for ref, one in ours.disputes.items()
            if ref not in disputes
        ),
    ]
    both = replace(
        ours,
        refunded={ref: amount for ref, amount in ours.refunded.items() if ref in refunds},
        disputes={ref: one for ref, one in ours.disputes.items() if ref in disputes},
    )
    return alone, both


def again_with(
    compare: Callable[..., tuple[Difference, ...]], *told: object
) -> Callable[[Any], tuple[Difference, ...]]:
    """How a state of ours differs from what was told."""
    return lambda ours: compare(*told, ours)


def of_subscription(reference: str, theirs: Terms, state: Subscription) -> tuple[Difference, ...]:
    """How the terms of a subscription differ."""
    ours = state.terms
    if ours is None:
        return (Difference("subscription", reference, MISSING, theirs.status, None),)
    return _compared(
        "subscription",
        reference,
        [(name, getattr(theirs, name), getattr(ours, name)) for name in type(theirs).model_fields],
    )


def of_invoice(reference: str, told: ReportInvoice, status: str, ours: Invoice) -> tuple[Difference, ...]:
    """How the sums of an invoice differ, and what became of it. `status`: the provider's."""
    if ours.finalised is None:
        return (Difference("invoice", reference, MISSING, told.total, None),)
    final = ours.finalised
    ended = {"void": ours.voided_at, "uncollectible": ours.written_off_at}
    return _compared(
        "invoice",
        reference,
        [
            *((name, getattr(told, name), getattr(final, name)) for name in ("currency", "total", "tax")),
            ("paid", told.paid_at is not None, ours.paid_at is not None),
            ("failed", told.failed_at is not None or bool(ours.failed), bool(ours.failed)),
            *((word, status == word, at is not None) for word, at in ended.items()),
        ],
    )


def of_payment(reference: str, told: ReportPayment, state: Payment) -> tuple[Difference, ...]:
    """How a payment differs, but for what went back of it here alone, which is named by itself."""
    _, ours = parts_of_ours(told, state)
    if ours.received is None:
        return (Difference("payment", reference, MISSING, told.amount, None),)
    came = ours.received
    return _compared(
        "payment",
        reference,
        [
            *((name, getattr(told, name), getattr(came, name)) for name in ("currency", "amount", "fee")),
            # Asked at another moment, the provider may not say for which invoice it is; that takes nothing back.
            ("invoice_id", told.invoice_id or came.invoice_id, came.invoice_id),
            (
                "refunded",
                sum(one.amount for one in told.refunds if one.failed_at is None),
                sum(ours.refunded.values()),
            ),
            ("disputes", len(told.disputes), len(ours.disputes)),
            (
                "disputes_ended",
                sum(one.outcome is not None for one in told.disputes),
                sum(one.outcome is not None for one in ours.disputes.values()),
            ),
            (
                "disputed",
                sum(one.amount for one in told.disputes if one.outcome is not DisputeOutcome.WON),
                sum(one.taken for one in ours.disputes.values()),
            ),
            (
                "dispute_fees",
                sum(one.fee for one in told.disputes),
                sum(one.fee for one in ours.disputes.values()),
            ),
        ],
    )


def unreadable(kind: str, reference: str, error: ValidationError) -> tuple[Difference, ...]:
    """How a thing differs that is as nothing here can be: `theirs` names the fields."""
    fields = sorted({str(one["loc"][0]) for one in error.errors(include_input=False) if one["loc"]})
    return (Difference(kind, reference, "unreadable", ", ".join(fields), None),)


def _compared(
    kind: str, reference: str, fields: Sequence[tuple[str, object, object]]
) -> tuple[Difference, ...]:
    return tuple(
        Difference(kind, reference, name, to_jsonable_python(theirs), to_jsonable_python(ours))
        for name, theirs, ours in fields
        if theirs != ours
    )
