"""From what the provider shows to the commands that enter it in a tenant's log.

What is entered follows from the thing shown alone, and each moment from its own record of it, so the same thing shown
at two moments never contradicts itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from application.ports import payment_values as shown
from domain.billing.catalogues import price_of
from domain.billing.gateway import STRIPE, ReceiveGatewayEvent
from domain.billing.invoice import InvoiceLine, LineKind, ReportInvoice
from domain.billing.payment import DisputeOutcome, ReportPayment, ToldDispute, ToldRefund
from domain.billing.subscription import MOST_RANK, ReportSubscription, Teller
from domain.billing.terms import Discount, PriceUnknown
from domain.kernel.ids import InvoiceId, SubscriptionId, TenantId, derived_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from domain.billing.gateway import GatewayEventReceived

SUBSCRIPTIONS: Final = frozenset(
    {
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "customer.subscription.deleted",
    }
)
GOING: Final = frozenset({"trialing", "active", "past_due", "unpaid", "paused"})
"""How a subscription stands that has begun and has not ended."""
ENDS: Final = "customer.subscription.deleted"
_ASKED: Final = "warning_"
"""What the status of a dispute begins with by which nothing was taken back, and may never be."""
LAST: Final = MOST_RANK
"""Where the end of a subscription stands among what was told of one second: nothing comes after it."""
INVOICES: Final = frozenset(
    {
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_failed",
        "invoice.voided",
        "invoice.marked_uncollectible",
    }
)
PAYMENTS: Final = frozenset(
    {
        "charge.succeeded",
        "charge.refunded",
        "charge.dispute.created",
        "charge.dispute.closed",
        "refund.created",
        "refund.updated",
        "refund.failed",
    }
)
HEEDED: Final = INVOICES | PAYMENTS | SUBSCRIPTIONS
"""What is kept; whatever else is told is answered and forgotten."""


def thing_id(tenant_id: UUID, reference: str) -> UUID:
    """The id in a tenant's log of what the provider knows by a reference."""
    return derived_id(tenant_id, STRIPE, reference)


def received(event: shown.GatewayEvent) -> ReceiveGatewayEvent | None:
    """What is kept of something that was told; None: nothing."""
    if event.type not in HEEDED or event.object_ref is None:
        return None
    thing = event.snapshot
    terms, attempt, tenant_id = None, None, None
    if isinstance(thing, shown.Subscription):
        tenant_id = thing.tenant_id
        try:
            terms = thing.terms()
        except PriceUnknown:
            terms = None
    if isinstance(thing, shown.Invoice) and event.type == "invoice.payment_failed":
        attempt = thing.attempts
    about = thing.payment if isinstance(thing, shown.Refund | shown.Dispute) else event.object_ref
    return ReceiveGatewayEvent(
        gateway=STRIPE,
        reference=event.ref,
        kind=event.type,
        created_at=event.created,
        about=about,
        customer=event.customer,
        told_tenant=None if tenant_id is None else TenantId(tenant_id),
        terms=terms,
        discounts_told=not isinstance(thing, shown.Subscription) or thing.discounts_complete,
        attempt=attempt,
    )


def subscription_told(
    event: GatewayEventReceived, rank: int, discounts: tuple[Discount, ...] | None
) -> ReportSubscription:
    """The telling of a subscription that was kept, the `rank`th of its second. Raises `PriceUnknown`.

    `discounts`: those that were looked up, where the event did not tell them.
    """
    if event.terms is None:
        raise PriceUnknown
    terms = event.terms if discounts is None else event.terms.model_copy(update={"discounts": discounts})
    return ReportSubscription(
        teller=Teller.STRIPE,
        told_as=event.reference,
        reference=event.about,
        effective_at=event.created_at,
        rank=rank,
        terms=terms,
    )


def invoice_told(
    tenant_id: UUID,
    invoice: shown.Invoice,
    event: GatewayEventReceived | None = None,
    *,
    failed_at: datetime | None = None,
) -> ReportInvoice | None:
    """An invoice as it is shown, with what `event` tells besides; None of one that is not final yet.

    `failed_at`: when it was first tried in vain, where that was found out otherwise.
    """
    if invoice.finalized_at is None:
        return None
    told = None if event is None else event.kind
    at = None if event is None else event.created_at
    subscription = invoice.subscription
    return ReportInvoice(
        reference=invoice.ref,
        number=invoice.number,
        subscription_id=None if subscription is None else SubscriptionId(thing_id(tenant_id, subscription)),
        currency=invoice.currency,
        lines=tuple(map(_line, invoice.lines)),
        subtotal=invoice.subtotal,
        discount=invoice.discount,
        tax=invoice.tax,
        total=invoice.total,
        finalised_at=invoice.finalized_at,
        paid_at=invoice.paid_at,
        amount_paid=invoice.amount_paid if invoice.paid_at is not None else 0,
        voided_at=invoice.voided_at,
        written_off_at=invoice.written_off_at,
        failed_attempt=1 if failed_at is not None else None if event is None else event.attempt,
        failed_at=failed_at or (at if told == "invoice.payment_failed" else None),
    )


def _line(line: shown.InvoiceLine) -> InvoiceLine:
    price = None if line.price is None else price_of(line.price)
    return InvoiceLine(
        kind=LineKind.OTHER if price is None else LineKind(price.kind.value),
        of=None if price is None else price.of,
        amount=line.amount,
        discount=line.discount,
        quantity=1 if line.quantity is None else line.quantity,
        proration=line.proration,
        period_start=line.period_start,
        period_end=line.period_end,
    )


def payment_told(
    tenant_id: UUID,
    payment: shown.Payment,
    refunds: Iterable[shown.Refund],
    disputes: Iterable[shown.Dispute],
    closed: Mapping[str, datetime],
) -> ReportPayment | None:
    """A payment as it is shown, with what went back of it; None of one that is not settled yet.

    What a bank only asks about is no dispute as long as it takes nothing. `closed`: when disputes ended, as far as that
    was told.
    """
    if payment.status != "succeeded" or payment.fee is None or payment.settled_in is None:
        return None
    return ReportPayment(
        reference=payment.ref,
        invoice_id=None if payment.invoice is None else InvoiceId(thing_id(tenant_id, payment.invoice)),
        currency=payment.currency,
        amount=payment.amount,
        fee=payment.fee,
        fee_currency=payment.settled_in,
        received_at=payment.created,
        refunds=tuple(
            ToldRefund(
                refund=one.ref,
                amount=one.amount,
                reason=one.reason,
                made_at=one.created,
                failed_at=one.failed_at,
            )
            for one in refunds
            if one.status == "succeeded" or one.failed_at is not None
        ),
        disputes=tuple(
            _dispute(one, closed.get(one.ref)) for one in disputes if not one.status.startswith(_ASKED)
        ),
    )


def ended_by(now: datetime, disputes: Iterable[shown.Dispute]) -> dict[str, datetime]:
    """Disputes that have ended, dated by when that was seen: of one whose end was told, that stands already.

    What is shown of a dispute does not say when it ended; only the event of its end does, which may be lost.
    """
    seen = now.replace(microsecond=0)
    return {one.ref: max(seen, one.created) for one in disputes if one.status in set(DisputeOutcome)}


def _dispute(dispute: shown.Dispute, closed_at: datetime | None) -> ToldDispute:
    ended = dispute.status in set(DisputeOutcome) and closed_at is not None
    return ToldDispute(
        dispute=dispute.ref,
        amount=dispute.amount,
        fee=dispute.fee,
        fee_currency=dispute.settled_in or dispute.currency,
        reason=dispute.reason,
        opened_at=dispute.created,
        outcome=DisputeOutcome(dispute.status) if ended else None,
        closed_at=closed_at if ended else None,
    )
