"""What a gateway and the books tell of money, written into a history; and the same accrued in plain Python."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from domain.finance.calendar import month_of
from domain.kernel.money import allotted
from tests.support.events import History


def at(day: date, hour: int = 9) -> str:
    """A moment of a day, as events hold it."""
    return datetime.combine(day, time(hour), UTC).isoformat()


@dataclass
class Moneys:
    """One tenant's invoices and costs: into its history, and month by month as they accrue."""

    history: History = field(default_factory=History)
    earned: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    spent: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    number: int = 0

    def _id(self) -> UUID:
        self.number += 1
        return UUID(int=self.number)

    def invoice(
        self,
        amount: int,
        since: date,
        until: date,
        *,
        discount: int = 0,
        tax: int = 0,
        currency: str = "USD",
        paid: bool = True,
        hour: int = 0,
    ) -> UUID:
        """An invoice with one line, of service from a day until before another; with its payment, once it is paid.

        `hour`: of both days, at which its period begins and ends.
        """
        invoice, net = self._id(), amount - discount
        line = {"kind": "plan", "of": "starter", "amount": amount, "discount": discount}
        service = {"period_start": at(since, hour), "period_end": at(until, hour)}
        told: dict[str, Any] = {
            "invoice_id": str(invoice),
            "currency": currency,
            "lines": [{**line, **service}],
        }
        sums = {"subtotal": amount, "discount": discount, "tax": tax, "total": net + tax}
        self.history.happen("billing.invoice_finalised", {**told, **sums, "finalised_at": at(since)})
        if paid:
            self.pay(invoice, net + tax, since, currency)
            days = max(1, (until - since).days)
            for offset, part in enumerate(allotted(net, [1] * days)):
                self.earned[month_of(since + timedelta(days=offset)), currency] += part
        return invoice

    def pay(
        self, invoice: UUID, amount: int, day: date, currency: str = "USD", *, assigned: date | None = None
    ) -> UUID:
        """The payment of an invoice. `assigned`: that it is for this one became known on that day alone."""
        paid = {"invoice_id": str(invoice), "currency": currency, "amount": amount}
        self.history.happen("billing.invoice_paid", {**paid, "paid_at": at(day)})
        payment = UUID(int=invoice.int + 2**64)
        received = {**paid, "payment_id": str(payment), "fee": 30, "fee_currency": currency}
        received |= {"received_at": at(day)} | ({} if assigned is None else {"invoice_id": None})
        self.history.happen("billing.payment_received", received)
        if assigned is not None:
            late = {"payment_id": str(payment), "invoice_id": str(invoice), "received_at": at(assigned)}
            self.history.happen("billing.payment_assigned", late)
        return payment

    def refund(
        self,
        invoice: UUID,
        amount: int,
        day: date,
        net: int,
        currency: str = "USD",
        *,
        failed: date | None = None,
    ) -> None:
        """Money of an invoice goes back; `net`: what of it is revenue. `failed`: on that day it came in again."""
        told: dict[str, Any] = {"payment_id": str(UUID(int=invoice.int + 2**64))}
        told |= {"refund": f"r{self._id().int}"}
        told |= {"currency": currency, "amount": amount}
        self.history.happen("billing.refund_made", {**told, "made_at": at(day)})
        self.earned[month_of(day), currency] -= net
        if failed is not None:
            self.history.happen("billing.refund_failed", {**told, "failed_at": at(failed)})
            self.earned[month_of(failed), currency] += net

    def dispute(self, invoice: UUID, amount: int, day: date, outcome: str, net: int = 0) -> None:
        """A bank takes money back, and a dispute ends."""
        told = {"payment_id": str(UUID(int=invoice.int + 2**64)), "dispute": f"d{self._id().int}"}
        opened = {"currency": "USD", "amount": amount, "fee": 15, "fee_currency": "USD", "opened_at": at(day)}
        self.history.happen("billing.dispute_opened", {**told, **opened})
        later = at(day + timedelta(days=40))
        self.history.happen("billing.dispute_closed", {**told, "outcome": outcome, "closed_at": later})
        self.earned[month_of(day), "USD"] -= net

    def cost(
        self,
        amount: int,
        since: date,
        until: date,
        *,
        category: str = "server",
        currency: str = "USD",
        approximate: bool = False,
    ) -> None:
        """A cost of the days from one to another, both included."""
        entry: dict[str, Any] = {
            "category": category,
            "amount": amount,
            "currency": currency,
            "covers_from": str(since),
            "covers_to": str(until),
            "incurred_on": str(since),
            "provider": "Hostwinds",
            "assigned": "tenant",
            "acquires": "agencies" if category == "marketing" else None,
            "approximate": approximate,
        }
        self.history.happen("costs.cost_entered", {"cost_id": str(self._id()), "entry": entry})
        if category != "marketing":
            days = (until - since).days + 1
            for offset, part in enumerate(allotted(amount, [1] * days)):
                self.spent[month_of(since + timedelta(days=offset)), currency] += part
