"""Subscriptions, invoices and payments as a gateway tells them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.billing.catalogues import sold_on
from domain.billing.invoice import InvoiceLine, ReportInvoice
from domain.billing.payment import ReportPayment
from domain.billing.subscription import ReportSubscription, Teller
from domain.billing.terms import Interval, Item, Terms
from domain.kernel.ids import SubscriptionId
from tests.support.given import NOW, uid

SUBSCRIPTION = SubscriptionId(uid(0x510))
INVOICE = uid(0x520)
PAYMENT = uid(0x530)
MONTH_AGO = NOW - timedelta(days=30)
METERED = Item(
    price="overage-2026-11/emails-beyond/month/usd",
    kind="metered",
    of="emails-beyond",
    unit_amount=0,
    quantity=1,
    interval="month",
)


def item(of: str, *, quantity: int = 1, interval: Interval = Interval.MONTH, currency: str = "USD") -> Item:
    """So many of a plan or add-on, at its price of the list."""
    price = sold_on(NOW.date()).price(of, interval, currency)
    assert price is not None, of
    return price.item(quantity)


def terms(*items: Item, status: str = "active", currency: str = "USD", **more: Any) -> Terms:
    """Terms of a subscription; of a starter's unless said otherwise."""
    return Terms(status=status, currency=currency, items=items or (item("starter"),), **more)


def told(
    what: Terms, *, as_: str = "evt_1", at: datetime = MONTH_AGO, rank: int = 1, reference: str = "sub_1"
) -> ReportSubscription:
    """A subscription as the gateway tells it."""
    return ReportSubscription(
        teller=Teller.STRIPE, told_as=as_, reference=reference, effective_at=at, rank=rank, terms=what
    )


def invoiced(
    amount: int = 4_900, *, currency: str = "USD", at: datetime = MONTH_AGO, **more: Any
) -> ReportInvoice:
    """A final invoice of one line, and what became of it."""
    line = InvoiceLine(
        kind="plan", of="starter", amount=amount, period_start=at, period_end=at + timedelta(days=30)
    )
    return ReportInvoice(
        **{
            "reference": "in_1",
            "currency": currency,
            "lines": (line,),
            "subtotal": amount,
            "discount": 0,
            "tax": 0,
            "total": amount,
            "finalised_at": at,
            **more,
        }
    )


def failed(attempt: int = 1, *, at: datetime = MONTH_AGO) -> ReportInvoice:
    """An invoice of which an attempt to collect it failed."""
    return invoiced(failed_attempt=attempt, failed_at=at, failure_code="card_declined")


def paid(*, at: datetime = NOW) -> ReportInvoice:
    """An invoice that was paid."""
    return invoiced(paid_at=at, amount_paid=4_900)


def received(amount: int = 4_900, *, invoice: UUID | None = None, **more: Any) -> ReportPayment:
    """A payment, and what went back of it."""
    return ReportPayment(
        **{
            "reference": "ch_1",
            "invoice_id": invoice,
            "currency": "USD",
            "amount": amount,
            "fee": 172,
            "fee_currency": "USD",
            "received_at": MONTH_AGO,
            **more,
        }
    )
