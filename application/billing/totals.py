"""What invoices and payments come to at the provider and in a tenant's log, so that any difference is seen at once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from application.figures import shown
from application.ports.analytics import Column
from domain.kernel.money import CURRENCIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from application.ports import payment_values
    from domain.billing.invoice import Invoice
    from domain.billing.payment import Payment


@dataclass(frozen=True, slots=True)
class Total:
    """One sum in minor units of its currency, as it was found: the provider's, and ours.

    `measure`: invoiced (final invoices with tax, without those that were voided), received, refunded (what came back
    of it again taken off), disputed (what banks took back, without what was won), fees or dispute_fees (of payments and
    of disputes, won ones too, in the currency that is paid out). Each stands alone: received is before all others.
    """

    measure: str
    currency: str
    theirs: int
    ours: int

    @property
    def difference(self) -> int:
        """What ours has beyond theirs."""
        return self.ours - self.theirs


def of_invoice(theirs: payment_values.Invoice | None, ours: Invoice) -> tuple[Total, ...]:
    """What a final invoice adds, also one that no log takes. `theirs`: None where the provider has none."""
    found, final = list[Total](), ours.finalised
    if theirs is not None and theirs.voided_at is None:
        found.append(Total("invoiced", theirs.currency, theirs.total, 0))
    if final is not None and ours.voided_at is None:
        found.append(Total("invoiced", final.currency, 0, final.total))
    return tuple(found)


def of_payment(
    theirs: payment_values.Payment | None,
    refunds: Iterable[payment_values.Refund],
    disputes: Iterable[payment_values.Dispute],
    ours: Payment,
) -> tuple[Total, ...]:
    """What a settled payment adds, also one that no log takes. `theirs`: None where the provider has none."""
    found, came = list[Total](), ours.received
    if theirs is not None:
        back = sum(one.amount for one in refunds if one.status == "succeeded")
        found += [
            Total("received", theirs.currency, theirs.amount, 0),
            Total("refunded", theirs.currency, back, 0),
            Total("disputed", theirs.currency, 0, 0),
        ]
        if theirs.fee is not None and theirs.settled_in is not None:
            found += [
                Total("fees", theirs.settled_in, theirs.fee, 0),
                Total("dispute_fees", theirs.settled_in, 0, 0),
            ]
        for one in disputes:
            found.append(Total("disputed", one.currency, _taken(one), 0))
            if one.settled_in is not None:
                found.append(Total("dispute_fees", one.settled_in, one.fee, 0))
    if came is not None:
        found += [
            Total("received", came.currency, 0, came.amount),
            Total("refunded", came.currency, 0, sum(ours.refunded.values())),
            Total("fees", came.fee_currency, 0, came.fee),
        ]
    for known in ours.disputes.values():
        found += [
            Total("disputed", known.currency, 0, known.taken),
            Total("dispute_fees", known.fee_currency, 0, known.fee),
        ]
    return tuple(found)


def _taken(dispute: payment_values.Dispute) -> int:
    """What the provider's balance is short of by a dispute, in the currency of its payment.

    Of a balance in another currency that says no more than whether it is: then all of it is, or nothing.
    """
    if dispute.settled_in == dispute.currency:
        return dispute.withdrawn
    return dispute.amount if dispute.withdrawn > 0 else 0


def summed(parts: Iterable[Total]) -> tuple[Total, ...]:
    """One of each measure and currency, in their order."""
    sums = defaultdict[tuple[str, str], list[int]](lambda: [0, 0])
    for one in parts:
        both = sums[one.measure, one.currency]
        both[0] += one.theirs
        both[1] += one.ours
    return tuple(Total(*names, *sums[names]) for names in sorted(sums))


def in_words(total: Total) -> str:
    """A sum for a reader, in English; of a currency that no log takes in minor units."""
    theirs, ours, beyond = (
        _money(amount, total.currency) for amount in (total.theirs, total.ours, total.difference)
    )
    ends = f"DIFFERENCE {beyond}" if total.difference else "no difference"
    return f"{total.measure}: {theirs} at the provider, {ours} here, {ends}"


def in_words_of_theirs(sums: Iterable[Total]) -> str:
    """What the provider alone has, in English, without what is 0."""
    told = [f"{one.measure} {_money(one.theirs, one.currency)}" for one in sums if one.theirs]
    return ", ".join(told) or "no money"


def _money(amount: int, currency: str) -> str:
    if currency not in CURRENCIES:
        return f"{amount:,} minor units of {currency}".replace("-", "\u2212")
    return shown(amount, Column("amount", "measure", "minor units", ""), currency)
