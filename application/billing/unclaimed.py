"""Customers at the provider that are nobody's here: what they paid stands in no tenant's log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from application.billing import totals
from application.billing.placing import tenant_of
from application.billing.telling import GOING
from domain.billing.gateway import STRIPE
from domain.billing.invoice import Invoice
from domain.billing.payment import Payment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from application.billing.totals import Total
    from application.commanding import Commands
    from application.ports.payment_values import Customer
    from application.ports.payments import PaymentGateway


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """One of them that was made for a tenant. `noted`: for whom, as the provider has it; a person may have edited it.

    `subscriptions`: how many go on there, and ask for money again. `totals`: what all of it came to there; ours is 0.
    """

    reference: str
    noted: str
    subscriptions: int
    totals: tuple[Total, ...]


@dataclass(frozen=True, slots=True)
class Strangers:
    """`others`: how many there are besides without a note of ours, who are somebody else's business."""

    unclaimed: tuple[Unclaimed, ...]
    others: int


async def strangers(commands: Commands, payments: PaymentGateway, of: UUID | None = None) -> Strangers:
    """All customers at the provider that are nobody's here; `of`: those alone that were made for this tenant.

    Held in memory are those that are named. Raises `PaymentsError`s.
    """
    found, others = list[Unclaimed](), 0
    async for customer in payments.customers():
        if of is not None and customer.tenant_id != of:
            continue
        if await tenant_of(commands, STRIPE, customer.ref) is not None:
            continue
        if customer.noted is None:
            others += 1
            continue
        going = [one for one in await payments.subscriptions(customer.ref) if one.status in GOING]
        sums = totals.summed([part async for part in _parts(payments, customer)])
        found.append(Unclaimed(customer.ref, customer.noted, len(going), sums))
    return Strangers(tuple(found), others)


async def _parts(payments: PaymentGateway, customer: Customer) -> AsyncIterator[Total]:
    """What final invoices and settled payments add, as they add to what a tenant's come to."""
    for invoice in await payments.invoices(customer.ref):
        if invoice.finalized_at is not None:
            for part in totals.of_invoice(invoice, Invoice()):
                yield part
    for payment in await payments.payments(customer=customer.ref):
        if payment.status != "succeeded":
            continue
        refunds = await payments.refunds(payment=payment.ref) if payment.refunded else ()
        disputes = await payments.disputes(since=payment.created) if payment.disputed else ()
        own = [one for one in disputes if one.payment == payment.ref]
        for part in totals.of_payment(payment, refunds, own, Payment()):
            yield part
