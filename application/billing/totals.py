"""What invoices and payments come to at the provider and in a tenant's log, so that any difference is seen at once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.billing.invoice import Invoice, ReportInvoice
    from domain.billing.payment import Payment, ReportPayment


@dataclass(frozen=True, slots=True)
class Total:
    """One sum in minor units of its currency, as it was found: the provider's, and ours.

    `measure`: invoiced (final invoices with tax, without those that were voided), received, refunded (what came back
    of it again taken off) or fees (of the currency that is paid out).
    """

    measure: str
    currency: str
    theirs: int
    ours: int

    @property
    def difference(self) -> int:
        """What ours has beyond theirs."""
        return self.ours - self.theirs


def of_invoice(told: ReportInvoice | None, ours: Invoice) -> tuple[Total, ...]:
    """What an invoice adds. `told`: None where the provider has none."""
    found, final = list[Total](), ours.finalised
    if told is not None and told.voided_at is None:
        found.append(Total("invoiced", told.currency, told.total, 0))
    if final is not None and ours.voided_at is None:
        found.append(Total("invoiced", final.currency, 0, final.total))
    return tuple(found)


def of_payment(told: ReportPayment | None, ours: Payment) -> tuple[Total, ...]:
    """What a payment adds. `told`: None where the provider has none."""
    found, came = list[Total](), ours.received
    if told is not None:
        back = sum(one.amount for one in told.refunds if one.failed_at is None)
        found += [
            Total("received", told.currency, told.amount, 0),
            Total("refunded", told.currency, back, 0),
            Total("fees", told.fee_currency, told.fee, 0),
        ]
    if came is not None:
        found += [
            Total("received", came.currency, 0, came.amount),
            Total("refunded", came.currency, 0, sum(ours.refunded.values())),
            Total("fees", came.fee_currency, 0, came.fee),
        ]
    return tuple(found)


def summed(parts: Iterable[Total]) -> tuple[Total, ...]:
    """One of each measure and currency, in their order."""
    sums = defaultdict[tuple[str, str], list[int]](lambda: [0, 0])
    for one in parts:
        both = sums[one.measure, one.currency]
        both[0] += one.theirs
        both[1] += one.ours
    return tuple(Total(*names, *sums[names]) for names in sorted(sums))
