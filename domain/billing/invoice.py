"""An invoice: what was charged for, and what became of it.

It is told by how it looks at the gateway at some moment. Each telling adds the facts that are new in it: that it was
finalised, paid, voided, written off, or that an attempt to collect it failed. Each fact has its own moment and stands
once, so tellings that are late, doubled or in another order end in the same facts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, TypeAlias, assert_never

from pydantic import BaseModel, ConfigDict, Field

from domain.billing.told import over
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import InvoiceId, SubscriptionId
from domain.kernel.moments import Moment
from domain.kernel.money import MOST, Amount, Currency, Price
from domain.kernel.permissions import Permission
from domain.kernel.text import ShortText

MOST_LINES: Final = 250


class LineKind(StrEnum):
    """What a line of an invoice charges for."""

    PLAN = "plan"
    ADD_ON = "add_on"
    METERED = "metered"
    OTHER = "other"
    """Something that is in no catalogue: a correction, a service by agreement."""


class InvoiceLine(BaseModel):
    """A line. `amount`: minor units before its `discount`, and without tax; below zero for a credit.

    `kind`: a `LineKind`; `of`: the plan or add-on. `proration`: for a part of a cycle, after a change within it. The
    service is from `period_start` until before `period_end`: counted in days, the day of `period_end` is no longer of
    it but the first of the next one, unless it is that of `period_start` too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    of: str | None = None
    amount: int
    discount: int = 0
    quantity: int = 1
    proration: bool = False
    period_start: datetime
    period_end: datetime


class InvoiceFinalised(Event, name="billing.invoice_finalised", version=1):
    """An invoice was made final: this is owed. `total` is after discounts and with tax."""

    invoice_id: InvoiceId
    reference: str | None = None
    number: str | None = None
    subscription_id: SubscriptionId | None = None
    currency: str
    lines: tuple[InvoiceLine, ...]
    subtotal: int
    discount: int
    tax: int
    total: int
    finalised_at: datetime
    due_at: datetime | None = None


class InvoicePaid(Event, name="billing.invoice_paid", version=1):
    """An invoice was paid, by what was owed of it."""

    invoice_id: InvoiceId
    currency: str
    amount: int
    paid_at: datetime


class InvoicePaymentFailed(Event, name="billing.invoice_payment_failed", version=1):
    """An attempt to collect an invoice failed. `attempt` counts from 1; `code`: the gateway's word for why."""

    invoice_id: InvoiceId
    attempt: int
    failed_at: datetime
    code: str | None = None


class InvoiceVoided(Event, name="billing.invoice_voided", version=1):
    """An invoice was taken back: nothing is owed by it."""

    invoice_id: InvoiceId
    voided_at: datetime


class InvoiceWrittenOff(Event, name="billing.invoice_written_off", version=1):
    """Nobody expects an invoice to be paid any more."""

    invoice_id: InvoiceId
    written_off_at: datetime


InvoiceEvent: TypeAlias = (
    InvoiceFinalised | InvoicePaid | InvoicePaymentFailed | InvoiceVoided | InvoiceWrittenOff
)


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice as far as it was told. `failed`: the moments of attempts that failed, by their numbers."""

    finalised: InvoiceFinalised | None = None
    paid_at: datetime | None = None
    voided_at: datetime | None = None
    written_off_at: datetime | None = None
    failed: tuple[tuple[int, datetime], ...] = ()

    @property
    def owed(self) -> bool:
        """Whether somebody waits for its money."""
        return (
            self.finalised is not None
            and self.finalised.total > 0
            and self.paid_at is None
            and self.voided_at is None
            and self.written_off_at is None
        )

    @property
    def failing_since(self) -> datetime | None:
        """When the first attempt failed of one that is owed."""
        return min((at for _, at in self.failed), default=None) if self.owed else None


def evolve(state: Invoice, event: InvoiceEvent) -> Invoice:
    """The invoice after `event`."""
    match event:
        case InvoiceFinalised():
            return replace(state, finalised=event)
        case InvoicePaid():
            return replace(state, paid_at=event.paid_at)
        case InvoicePaymentFailed():
            return replace(state, failed=(*state.failed, (event.attempt, event.failed_at)))
        case InvoiceVoided():
            return replace(state, voided_at=event.voided_at)
        case InvoiceWrittenOff():
            return replace(state, written_off_at=event.written_off_at)
        case _:
            assert_never(event)


class InvoiceUnsound(Refusal):
    """An invoice adds up, and a final one never changes. The detail says what does not fit; nothing was entered."""

    code = "invoice-unsound"
    kind = RefusalKind.INVALID


class ReportInvoice(
    Command, context="billing", stream="invoice", permission=Permission.INTERNAL, internal=True
):
    """Enter how an invoice looks at the gateway: final at least, and with what has become of it since."""

    reference: ShortText | None = None
    number: ShortText | None = None
    subscription_id: SubscriptionId | None = None
    currency: Currency
    lines: Annotated[tuple[InvoiceLine, ...], Field(max_length=MOST_LINES)]
    subtotal: Amount
    discount: Price
    tax: Price
    total: Amount
    finalised_at: Moment
    due_at: Moment | None = None
    paid_at: Moment | None = None
    amount_paid: Price = 0
    voided_at: Moment | None = None
    written_off_at: Moment | None = None
    failed_attempt: Annotated[int, Field(ge=1)] | None = None
    failed_at: Moment | None = None
    failure_code: ShortText | None = None


def decide(command: ReportInvoice, state: Invoice) -> tuple[Event, ...]:
    """The facts of a telling that are new."""
    over(
        command.stamp.at,
        command.finalised_at,
        command.paid_at,
        command.voided_at,
        command.written_off_at,
        command.failed_at,
    )
    final = _final(command)
    if state.finalised is not None and state.finalised != final:
        changed = next(
            name
            for name in InvoiceFinalised.model_fields
            if getattr(state.finalised, name) != getattr(final, name)
        )
        raise InvoiceUnsound(f"{changed}: a final invoice never changes, and this one was told with another.")
    invoice_id, facts = final.invoice_id, list[Event]()
    if state.finalised is None:
        facts.append(final)
    attempt, failed_at = command.failed_attempt, command.failed_at
    if attempt is not None and failed_at is not None and attempt not in dict(state.failed):
        code = command.failure_code
        facts.append(
            InvoicePaymentFailed(invoice_id=invoice_id, attempt=attempt, failed_at=failed_at, code=code)
        )
    if command.paid_at is not None and state.paid_at is None:
        facts.append(
            InvoicePaid(
                invoice_id=invoice_id,
                currency=command.currency,
                amount=command.amount_paid,
                paid_at=command.paid_at,
            )
        )
    if command.voided_at is not None and state.voided_at is None:
        facts.append(InvoiceVoided(invoice_id=invoice_id, voided_at=command.voided_at))
    if command.written_off_at is not None and state.written_off_at is None:
        facts.append(InvoiceWrittenOff(invoice_id=invoice_id, written_off_at=command.written_off_at))
    return tuple(facts)


def _final(command: ReportInvoice) -> InvoiceFinalised:
    """What was made final; raises `InvoiceUnsound` where the sums are not those of the lines."""
    if any(abs(one) > MOST for line in command.lines for one in (line.amount, line.discount)):
        raise InvoiceUnsound("lines: one comes to more than an amount may. Nothing was entered.")
    for name, told, summed in (
        ("subtotal", command.subtotal, sum(line.amount for line in command.lines)),
        ("discount", command.discount, sum(line.discount for line in command.lines)),
        ("total", command.total, command.subtotal - command.discount + command.tax),
    ):
        if told != summed:
            raise InvoiceUnsound(
                f"{name}: is {told}, and what it is made of comes to {summed}. Nothing was entered."
            )
    return InvoiceFinalised(
        invoice_id=InvoiceId(command.stamp.target),
        reference=command.reference,
        number=command.number,
        subscription_id=command.subscription_id,
        currency=command.currency,
        lines=command.lines,
        subtotal=command.subtotal,
        discount=command.discount,
        tax=command.tax,
        total=command.total,
        finalised_at=command.finalised_at,
        due_at=command.due_at,
    )


INVOICE: Final[Decider[Invoice]] = Decider(
    category="invoice", initial=Invoice(), evolve=evolve, decide=decide
)
