"""The terms of a subscription: what is paid for, how often, in which currency, with which discounts.

They are told whole with every change, as they are from a moment on, so that each telling stands alone: what changed
follows from two of them, in whatever order they were told.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.money import CURRENCIES, MOST

MOST_ITEMS: Final = 20
"""As many as Stripe takes in a subscription."""

MOST_DISCOUNTS: Final = 20
_WHOLE: Final = 10_000
_LONGEST: Final = 1_000_000
"""How many intervals a cycle has at most."""


class Interval(StrEnum):
    """How often a price is paid."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class ItemKind(StrEnum):
    """What an item of a subscription is."""

    PLAN = "plan"
    ADD_ON = "add_on"
    METERED = "metered"
    """Paid by what was used, after it was used: its amount is not known beforehand."""


class Duration(StrEnum):
    """How long a coupon lowers what is paid."""

    ONCE = "once"
    REPEATING = "repeating"
    FOREVER = "forever"


class SubscriptionStatus(StrEnum):
    """How a subscription stands, by the words of Stripe. Whether somebody may use the product is another matter."""

    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"


ENDED: Final = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED})
"""What never goes on."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Item(_Part):
    """So many of one price. `kind`: an `ItemKind`; `of`: the plan's or add-on's id; `interval`: an `Interval`.

    `unit_amount`: minor units of the subscription's currency for each one, every `interval_count` intervals; of a
    metered item, what its use cost in the cycle that ended last, for all of it.
    """

    price: str
    kind: str
    of: str
    unit_amount: int
    quantity: int
    interval: str
    interval_count: int = 1


class Discount(_Part):
    """A coupon on a subscription. `percent_off`: hundredths of a percent; `amount_off`: minor units off each cycle.

    `duration`: a `Duration`; `ends_on`: the first day (UTC) on which it lowers nothing any more; None: it has no end.
    """

    coupon: str
    percent_off: int | None = None
    amount_off: int | None = None
    duration: str
    ends_on: date | None = None


class Terms(_Part):
    """All of a subscription as it is from a moment on. `status`: a `SubscriptionStatus`; times are UTC.

    `period_start`, `period_end`: the cycle that is paid for. `cancel_at`: when it is to end, if that is settled.
    """

    status: str
    currency: str
    items: tuple[Item, ...]
    discounts: tuple[Discount, ...] = ()
    period_start: datetime | None = None
    period_end: datetime | None = None
    trial_ends_at: datetime | None = None
    cancel_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def plan(self) -> str | None:
        """The plan that is paid for; None where only add-ons are."""
        return next((item.of for item in self.items if item.kind == ItemKind.PLAN), None)


class TermsUnsound(Refusal):
    """A subscription's terms contradict themselves. The detail names the field; nothing was entered."""

    code = "terms-unsound"
    kind = RefusalKind.INVALID
    field = "/terms"


class PriceUnknown(Refusal):
    """A subscription names a price that no catalogue has and nobody agreed. Enter or agree it, then send this again."""

    code = "price-unknown"
    kind = RefusalKind.INVALID
    field = "/terms/items"


def sound(terms: Terms) -> Terms:
    """The terms, if they hold together. Raises `TermsUnsound`."""
    for problem, wrong in (
        ("status: not one that subscriptions have", terms.status not in set(SubscriptionStatus)),
        ("currency: not a code of ISO 4217", terms.currency not in CURRENCIES),
        (f"items: more than {MOST_ITEMS}", len(terms.items) > MOST_ITEMS),
        ("items: none, and it has not ended", not terms.items and terms.status not in ENDED),
        (
            "items: a plan that is had less than once",
            any(item.kind == ItemKind.PLAN and item.quantity < 1 for item in terms.items),
        ),
        ("items: more than one plan", sum(item.kind == ItemKind.PLAN for item in terms.items) > 1),
        (f"discounts: more than {MOST_DISCOUNTS}", len(terms.discounts) > MOST_DISCOUNTS),
        (
            "ended_at: it has one exactly when it has ended",
            (terms.ended_at is None) is (terms.status in ENDED),
        ),
        ("period_end: lies before its beginning", _reversed(terms.period_start, terms.period_end)),
    ):
        if wrong:
            raise TermsUnsound(f"{problem}. Nothing was entered.")
    for number, item in enumerate(terms.items):
        if (
            item.kind not in set(ItemKind)
            or item.interval not in set(Interval)
            or not 1 <= item.interval_count <= _LONGEST
            or item.quantity < 0
            or not 0 <= item.unit_amount <= MOST
            or item.unit_amount * item.quantity > MOST
        ):
            raise TermsUnsound(
                f"items/{number}: a kind, interval or number that no item has. Nothing was entered."
            )
    for number, discount in enumerate(terms.discounts):
        percent, amount = discount.percent_off, discount.amount_off
        if (
            (percent is None) is (amount is None)
            or not 0 <= (percent or 0) <= _WHOLE
            or not 0 <= (amount or 0) <= MOST
            or discount.duration not in set(Duration)
        ):
            raise TermsUnsound(
                f"discounts/{number}: of a percentage or of an amount, for a duration. Nothing was entered."
            )
    return terms


def _reversed(start: datetime | None, end: datetime | None) -> bool:
    return start is not None and end is not None and end < start
