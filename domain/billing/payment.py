"""A payment: money that came in, and what of it went back: refunds, and what a bank took in a dispute.

It is told by how it looks at the gateway, like an invoice; each fact has its own moment and stands once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, TypeAlias, assert_never

from pydantic import BaseModel, ConfigDict, Field

from domain.billing.told import over
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import InvoiceId, PaymentId
from domain.kernel.moments import Moment
from domain.kernel.money import Amount, Currency, Price
from domain.kernel.permissions import Permission
from domain.kernel.text import ShortText

MOST_REFUNDS: Final = 100


class DisputeOutcome(StrEnum):
    """How a dispute ended."""

    WON = "won"
    LOST = "lost"


class PaymentReceived(Event, name="billing.payment_received", version=1):
    """Money came in. `amount` is what the customer paid, in `currency`; minor units.

    `fee` is what the gateway kept of it, in the currency in which it pays out.
    """

    payment_id: PaymentId
    reference: str | None = None
    invoice_id: InvoiceId | None = None
    currency: str
    amount: int
    fee: int
    fee_currency: str
    received_at: datetime


class RefundMade(Event, name="billing.refund_made", version=1):
    """Money went back to the customer. `refund` tells refunds of one payment apart."""

    payment_id: PaymentId
    refund: str
    currency: str
    amount: int
    reason: str | None = None
    made_at: datetime


class RefundFailed(Event, name="billing.refund_failed", version=1):
    """A refund that was made did not arrive: its money came in again."""

    payment_id: PaymentId
    refund: str
    currency: str
    amount: int
    failed_at: datetime


class PaymentAssigned(Event, name="billing.payment_assigned", version=1):
    """Which invoice a payment is for became known after the payment was."""

    payment_id: PaymentId
    invoice_id: InvoiceId
    received_at: datetime


class DisputeOpened(Event, name="billing.dispute_opened", version=1):
    """A customer's bank took money back, for the time being. `fee`: what the gateway asks for it."""

    payment_id: PaymentId
    dispute: str
    currency: str
    amount: int
    fee: int
    fee_currency: str
    reason: str | None = None
    opened_at: datetime


class DisputeClosed(Event, name="billing.dispute_closed", version=1):
    """A dispute ended. `outcome`: a `DisputeOutcome`; what was won comes back."""

    payment_id: PaymentId
    dispute: str
    outcome: str
    closed_at: datetime


PaymentEvent: TypeAlias = (
    PaymentReceived | PaymentAssigned | RefundMade | RefundFailed | DisputeOpened | DisputeClosed
)


@dataclass(frozen=True, slots=True)
class Disputed:
    """A dispute of a payment. `outcome`: a `DisputeOutcome`; None: it has not ended."""

    currency: str
    amount: int
    fee: int
    fee_currency: str
    outcome: str | None = None

    @property
    def taken(self) -> int:
        """What the customer's bank has of it, which is nothing once the dispute was won."""
        return 0 if self.outcome == DisputeOutcome.WON else self.amount


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as far as it was told. `refunded`: amounts by refund.

    `undone`: refunds that were made and did not arrive.
    """

    received: PaymentReceived | None = None
    refunded: dict[str, int] = field(default_factory=dict)
    undone: frozenset[str] = frozenset()
    disputes: dict[str, Disputed] = field(default_factory=dict)


def evolve(state: Payment, event: PaymentEvent) -> Payment:
    """The payment after `event`."""
    match event:
        case PaymentReceived():
            return replace(state, received=event)
        case PaymentAssigned():
            if state.received is None:
                return state
            assigned = state.received.model_copy(update={"invoice_id": event.invoice_id})
            return replace(state, received=assigned)
        case RefundMade():
            return replace(state, refunded={**state.refunded, event.refund: event.amount})
        case RefundFailed():
            left = {name: amount for name, amount in state.refunded.items() if name != event.refund}
            return replace(state, refunded=left, undone=state.undone | {event.refund})
        case DisputeOpened():
            opened = Disputed(event.currency, event.amount, event.fee, event.fee_currency)
            return replace(state, disputes={**state.disputes, event.dispute: opened})
        case DisputeClosed():
            known = state.disputes.get(event.dispute)
            if known is None:
                return state
            closed = replace(known, outcome=event.outcome)
            return replace(state, disputes={**state.disputes, event.dispute: closed})
        case _:
            assert_never(event)


class PaymentUnsound(Refusal):
    """A payment never changes, and this one was told with other figures before. The detail says which."""

    code = "payment-unsound"
    kind = RefusalKind.INVALID


class RefundAbovePayment(Refusal):
    """No more goes back than came in. Refund at most what is left of the payment; nothing was entered."""

    code = "refund-above-payment"
    kind = RefusalKind.INVALID
    field = "/refunds"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToldRefund(_Part):
    """A refund as the gateway tells it; only those that went through. `failed_at`: when it came back all the same."""

    refund: ShortText
    amount: Annotated[int, Field(strict=True, ge=1)]
    reason: ShortText | None = None
    made_at: Moment
    failed_at: Moment | None = None


class ToldDispute(_Part):
    """A dispute as the gateway tells it. `outcome`: once it has ended."""

    dispute: ShortText
    amount: Price
    fee: Price = 0
    fee_currency: Currency
    reason: ShortText | None = None
    opened_at: Moment
    outcome: DisputeOutcome | None = None
    closed_at: Moment | None = None


class ReportPayment(
    Command, context="billing", stream="payment", permission=Permission.INTERNAL, internal=True
):
    """Enter how a payment looks at the gateway: received, with what went back of it since."""

    reference: ShortText | None = None
    invoice_id: InvoiceId | None = None
    currency: Currency
    amount: Price
    fee: Amount
    fee_currency: Currency
    received_at: Moment
    refunds: Annotated[tuple[ToldRefund, ...], Field(max_length=MOST_REFUNDS)] = ()
    disputes: Annotated[tuple[ToldDispute, ...], Field(max_length=MOST_REFUNDS)] = ()


def decide(command: ReportPayment, state: Payment) -> tuple[Event, ...]:
    """The facts of a telling that are new."""
    endings = (at for one in command.disputes for at in (one.opened_at, one.closed_at))
    refunds = (at for one in command.refunds for at in (one.made_at, one.failed_at))
    over(command.stamp.at, command.received_at, *refunds, *endings)
    received = PaymentReceived(
        payment_id=PaymentId(command.stamp.target),
        reference=command.reference,
        invoice_id=command.invoice_id,
        currency=command.currency,
        amount=command.amount,
        fee=command.fee,
        fee_currency=command.fee_currency,
        received_at=command.received_at,
    )
    assigned = _assigned(received, state)
    if state.received is not None and not assigned and not _same(received, state.received):
        changed = next(
            name
            for name in PaymentReceived.model_fields
            if getattr(state.received, name) != getattr(received, name)
        )
        raise PaymentUnsound(f"{changed}: a payment never changes, and this one was told with another.")
    came_back = state.undone | {one.refund for one in command.refunds if one.failed_at is not None}
    refunded = state.refunded | {one.refund: one.amount for one in command.refunds}
    if sum(amount for refund, amount in refunded.items() if refund not in came_back) > command.amount:
        raise RefundAbovePayment
    return (
        *(() if state.received is not None else (received,)),
        *assigned,
        *_refunds(command, state),
        *_disputes(command, state),
    )


def _assigned(told: PaymentReceived, state: Payment) -> tuple[Event, ...]:
    """That the invoice is known now, of a payment that is the same but for that."""
    known = state.received
    if known is None or known.invoice_id is not None or told.invoice_id is None:
        return ()
    if told != known.model_copy(update={"invoice_id": told.invoice_id}):
        return ()
    assigned = PaymentAssigned(
        payment_id=told.payment_id, invoice_id=told.invoice_id, received_at=told.received_at
    )
    return (assigned,)


def _same(told: PaymentReceived, known: PaymentReceived) -> bool:
    """Whether a payment is told as it is known, or without the invoice that is known."""
    unassigned = told.invoice_id is None
    return told == (known.model_copy(update={"invoice_id": None}) if unassigned else known)


def _refunds(command: ReportPayment, state: Payment) -> tuple[Event, ...]:
    facts, payment_id = list[Event](), PaymentId(command.stamp.target)
    for one in command.refunds:
        if one.refund in state.undone:
            continue
        if one.refund not in state.refunded:
            facts.append(
                RefundMade(
                    payment_id=payment_id,
                    refund=one.refund,
                    currency=command.currency,
                    amount=one.amount,
                    reason=one.reason,
                    made_at=one.made_at,
                )
            )
        if one.failed_at is not None:
            facts.append(
                RefundFailed(
                    payment_id=payment_id,
                    refund=one.refund,
                    currency=command.currency,
                    amount=one.amount,
                    failed_at=one.failed_at,
                )
            )
    return tuple(facts)


def _disputes(command: ReportPayment, state: Payment) -> tuple[Event, ...]:
    facts, payment_id = list[Event](), PaymentId(command.stamp.target)
    for one in command.disputes:
        known = state.disputes.get(one.dispute)
        if known is None:
            facts.append(
                DisputeOpened(
                    payment_id=payment_id,
                    dispute=one.dispute,
                    currency=command.currency,
                    amount=one.amount,
                    fee=one.fee,
                    fee_currency=one.fee_currency,
                    reason=one.reason,
                    opened_at=one.opened_at,
                )
            )
        ended = known is not None and known.outcome is not None
        if one.outcome is not None and one.closed_at is not None and not ended:
            facts.append(
                DisputeClosed(
                    payment_id=payment_id, dispute=one.dispute, outcome=one.outcome, closed_at=one.closed_at
                )
            )
    return tuple(facts)


PAYMENT: Final[Decider[Payment]] = Decider(
    category="payment", initial=Payment(), evolve=evolve, decide=decide
)
