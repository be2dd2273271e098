"""What a payment provider tells and is told: ids, amounts and moments. Never a card, never personal data.

Amounts are whole minor units of a currency in capital letters; moments are UTC; a `ref` is the provider's own id.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from domain.billing.terms import Discount, Item, PriceUnknown, Terms
from domain.kernel.money import Money

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.billing.catalogue import Catalogue


class When(StrEnum):
    """From when on a change or an end holds."""

    NOW = "now"
    PERIOD_END = "period_end"


@dataclass(frozen=True, slots=True)
class UsageMeter:
    """What is counted at the provider. `name`: the name of its events; `title`: what people read."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class MeteredPrice:
    """A price of what was used, each month, after it was used. `unit`: of one counted unit."""

    id: str
    of: str
    title: str
    meter: str
    unit: Money


@dataclass(frozen=True, slots=True)
class Wares:
    """All that the provider has to know to sell: the prices and coupons of a catalogue, and what is counted."""

    catalogue: Catalogue
    meters: tuple[UsageMeter, ...] = ()
    metered: tuple[MeteredPrice, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """So many of one price. `price`: our id of it, such as `2026-01/starter/month/usd`; metered ones have no number."""

    price: str
    quantity: int | None = 1


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer. `noted`: whose it is by the note that it was made with, which a person may have edited since.

    `tenant_id`: that note, where it is a tenant's id. Both are None of a customer that was not made by us.
    """

    ref: str
    noted: str | None
    tenant_id: UUID | None


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """What a customer is to subscribe to, on the provider's own page, and where that page leads back to.

    `trial_end`: until when nothing is paid; at least two days ahead.
    """

    customer: str
    tenant_id: UUID
    plan: str
    lines: tuple[Line, ...]
    success_url: str
    cancel_url: str
    coupon: str | None = None
    trial_end: datetime | None = None


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """A checkout page. `status`: open, complete or expired; `url`: where the page is, while it is open."""

    ref: str
    status: str
    url: str | None
    customer: str | None
    subscription: str | None
    tenant_id: UUID | None


@dataclass(frozen=True, slots=True)
class SubscribedItem:
    """One item of a subscription. `price`: our id of it, None where the provider's price is none of ours (`price_ref`).

    `kind` and `of` are those of the catalogue. `quantity` is None of what is metered.
    """

    ref: str
    price_ref: str
    price: str | None
    kind: str | None
    of: str | None
    unit_amount: int
    quantity: int | None
    interval: str
    interval_count: int
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True, slots=True)
class ChangeAhead:
    """A change that is settled for the end of the cycle."""

    at: datetime
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as the provider has it; all of it but `change_ahead` also stands in its events.

    `schedule`: there is one, so a change is ahead; `change_ahead` says which, where the provider was asked for it.
    In an event `discounts` may lack some (not `discounts_complete`): ask for them by their `discount_refs`.
    """

    ref: str
    customer: str
    tenant_id: UUID | None
    plan: str | None
    status: str
    currency: str
    items: tuple[SubscribedItem, ...]
    discounts: tuple[Discount, ...]
    discounts_complete: bool
    discount_refs: tuple[str, ...]
    created: datetime
    period_start: datetime | None
    period_end: datetime | None
    trial_end: datetime | None
    cancel_at_period_end: bool
    cancel_at: datetime | None
    canceled_at: datetime | None
    ended_at: datetime | None
    latest_invoice: str | None
    schedule: str | None
    change_ahead: ChangeAhead | None
    livemode: bool

    def terms(self) -> Terms:
        """Its terms, as our log tells them. Raises `PriceUnknown` where a price is none of ours."""
        for number, item in enumerate(self.items):
            if item.price is None or item.kind is None or item.of is None:
                raise PriceUnknown(
                    f"items/{number}: {item.price_ref} is in no catalogue. Nothing was entered."
                )
        return Terms(
            status=self.status,
            currency=self.currency,
            items=tuple(
                Item(
                    price=item.price or "",
                    kind=item.kind or "",
                    of=item.of or "",
                    unit_amount=0 if item.quantity is None else item.unit_amount,
                    quantity=1 if item.quantity is None else item.quantity,
                    interval=item.interval,
                    interval_count=item.interval_count,
                )
                for item in self.items
            ),
            discounts=self.discounts,
            period_start=self.period_start,
            period_end=self.period_end,
            trial_ends_at=self.trial_end,
            cancel_at=self.cancel_at,
            ended_at=self.ended_at,
        )


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line. `amount` is before discounts and tax; `discount`: what discounts take off; credits are below 0.

    `price`, `kind` and `of` are those of the catalogue, where the provider was asked and the price is one of ours.
    """

    ref: str
    price: str | None
    price_ref: str | None
    kind: str | None
    of: str | None
    amount: int
    discount: int
    quantity: int | None
    proration: bool
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice. `status`: draft, open, paid, uncollectible or void. Every amount is of `currency`.

    `total` = `subtotal` - `discount` + `tax`; `tax_within` is part of the prices already. `lines` are all of them where
    the provider was asked; in an event there may be more than stand in it (`lines_complete`). `intents`: the payments
    tried or made, where asked for.
    """

    ref: str
    number: str | None
    customer: str
    subscription: str | None
    status: str
    reason: str | None
    currency: str
    subtotal: int
    discount: int
    tax: int
    tax_within: int
    total: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    created: datetime
    finalized_at: datetime | None
    due_at: datetime | None
    paid_at: datetime | None
    voided_at: datetime | None
    written_off_at: datetime | None
    period_start: datetime
    period_end: datetime
    attempts: int
    next_attempt: datetime | None
    lines: tuple[InvoiceLine, ...]
    lines_complete: bool
    intents: tuple[str, ...]
    page: str | None
    livemode: bool


@dataclass(frozen=True, slots=True)
class Payment:
    """A charge. `status`: succeeded, pending or failed; `failure`: the code of why it failed.

    `fee` and `net` are of `settled_in`, the currency of our account at the provider; None where it was not asked for or
    is not known yet. `invoice` is None in events: ask for the payment to have it.
    """

    ref: str
    intent: str | None
    customer: str | None
    invoice: str | None
    status: str
    amount: int
    currency: str
    refunded: int
    disputed: bool
    failure: str | None
    created: datetime
    fee: int | None
    net: int | None
    settled_in: str | None
    livemode: bool


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back of a payment. `status`: pending, requires_action, succeeded, failed or canceled.

    `failed_at`: when money that had gone back came in again, because the customer's bank did not take it.
    """

    ref: str
    payment: str
    intent: str | None
    amount: int
    currency: str
    status: str
    reason: str | None
    created: datetime
    failed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Dispute:
    """A payment that its payer's bank takes back, of `settled_in`: `withdrawn` up to now, and the `fee` for it.

    What is won comes back, and lowers `withdrawn`; the fee does not.
    """

    ref: str
    payment: str
    intent: str | None
    amount: int
    currency: str
    status: str
    reason: str
    created: datetime
    withdrawn: int
    fee: int
    settled_in: str | None
    livemode: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would cost at `at`: `due_now`, of which `credit` is given back and `charge` is new.

    Discounts and tax are within all three; `due_now` is below 0 where the credit is larger, which is kept for later.
    Credit kept from before lowers what is really paid.
    """

    currency: str
    at: datetime
    credit: int
    charge: int
    due_now: int


Snapshot: TypeAlias = Subscription | Invoice | Payment | Refund | Dispute | CheckoutSession


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """Something that happened at the provider. `snapshot`: its object as it was then, where it is one of ours.

    Events come late, doubled and in any order; `ref` names one for ever. `changed`: the fields that it changed.
    """

    ref: str
    type: str
    created: datetime
    object_type: str
    object_ref: str | None
    customer: str | None
    livemode: bool
    api_version: str | None
    snapshot: Snapshot | None
    changed: tuple[str, ...]
