"""Histories of subscriptions: as events of a log, as the plain model knows them, and lived at random from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from domain.billing.subscription import SubscriptionReported
from domain.billing.terms import Discount, Item, Terms
from domain.kernel.ids import SubscriptionId
from tests.support.events import History
from tests.support.mrr_model import Closing, Telling

OPENED = date(2024, 1, 1)
MONTHLY = (4_900, 14_900, 39_900)
YEARLY = {4_900: 47_000, 14_900: 143_000, 39_900: 383_000}


def plan(amount: int, interval: str = "month", count: int = 1, quantity: int = 1) -> Item:
    """A plan at a price."""
    return Item(
        price=f"test/{amount}/{interval}",
        kind="plan",
        of="starter",
        unit_amount=amount,
        quantity=quantity,
        interval=interval,
        interval_count=count,
    )


def metered(amount: int, interval: str = "month") -> Item:
    """What was used, as it was charged last."""
    return Item(
        price="test/used", kind="metered", of="emails", unit_amount=amount, quantity=1, interval=interval
    )


def percent(off: int, ends_on: date | None = None) -> Discount:
    """A coupon of so many hundredths of a percent, for ever or until a day."""
    return Discount(
        coupon=f"off-{off}",
        percent_off=off,
        duration="forever" if ends_on is None else "repeating",
        ends_on=ends_on,
    )


def terms(
    status: str = "active",
    items: Sequence[Item] = (plan(4_900),),
    discounts: Sequence[Discount] = (),
    currency: str = "USD",
    period_end: datetime | None = None,
    ended_at: datetime | None = None,
) -> Terms:
    """Terms with what matters to MRR."""
    return Terms(
        status=status,
        currency=currency,
        items=tuple(items),
        discounts=tuple(discounts),
        period_end=period_end,
        ended_at=ended_at,
    )


def moment(day: date, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of a day, UTC."""
    return datetime.combine(day, time(hour, minute), UTC)


@dataclass
class Told:
    """One customer's tellings: into its log, and for the plain model."""

    history: History = field(default_factory=History)
    tellings: list[Telling] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)

    def close(self, through: date | None) -> None:
        """Close all months through that of a day; or open them all."""
        month = None if through is None else f"{through:%Y-%m}"
        change = "finance.period_reopened" if through is None else "finance.period_locked"
        payload = {"period": month or "2024-01", "closed_through": month, "reason": None}
        event = self.history.happen(change, payload, stream="period")
        open_from = None if through is None else (through.replace(day=1) + timedelta(days=32)).replace(day=1)
        self.closings.append(Closing(event.position, open_from))

    def tell(
        self,
        at: datetime,
        said: Terms,
        *,
        subscription: int = 1,
        rank: int = 1,
        told_as: str | None = None,
    ) -> int:
        """Enter a telling; its position."""
        target = UUID(int=(self.history.tenant_id.int + subscription) % 2**128)
        position = len(self.history.events) + 1
        told_as = told_as or f"evt_{position:06}"
        event = SubscriptionReported(
            subscription_id=SubscriptionId(target),
            teller="stripe",
            told_as=told_as,
            reference="sub_of_stripe",
            effective_at=at,
            rank=rank,
            terms=said,
        )
        payload = event.model_dump_json().encode()
        self.history.happen(event.name, payload, stream=f"subscription:{target}", actor="workflow")
        self.tellings.append(
            Telling(position, str(target), at.astimezone(UTC).replace(tzinfo=None), rank, told_as, said)
        )
        return position


def lives(seed: int, customers: int, months: int = 24, *, books: bool = False) -> Iterator[Told]:
    """Customers as they come, change and go, with every kind of movement; the same for the same seed.

    `books`: months are closed and reopened between what is told, and some subscriptions change their currency.
    """
    for number in range(customers):
        life = _Life(random.Random(f"{seed}/{number}"), months, books=books)
        yield life.lived()


class _Life:
    def __init__(self, chance: random.Random, months: int, *, books: bool) -> None:
        self.chance, self.books = chance, books
        self.last = OPENED + timedelta(days=30 * months)
        self.told = Told(History(tenant_id=UUID(int=chance.getrandbits(128), version=4)))
        self.entries: list[tuple[datetime, Terms, int, int, str | None]] = []

    def lived(self) -> Told:
        subscription, day = 1, OPENED + timedelta(days=self.chance.randrange(300))
        while day < self.last and subscription <= 4:
            day = self._subscribed(subscription, day)
            subscription += 1
            roll = self.chance.random()
            if roll < 0.35:
                break
            # At once (a change of subscription), soon, or long after; or before the old one has ended.
            day += timedelta(days=self.chance.choice((0, 0, 20, 60, 120, -40)))
        for at, said, number, rank, told_as in self._disordered():
            if self.books and self.chance.random() < 0.12:
                self.told.close(None if self.chance.random() < 0.2 else at.date())
            self.told.tell(at, said, subscription=number, rank=rank, told_as=told_as)
        return self.told

    def _subscribed(self, number: int, day: date) -> date:
        chance, ended = self.chance, None
        currency = chance.choice(("USD", "USD", "USD", "EUR", "JPY"))
        yearly = chance.random() < 0.2
        amount, quantity, discounts, used = chance.choice(MONTHLY), 1, list[Discount](), 0
        status = "trialing" if chance.random() < 0.3 else "active"
        if chance.random() < 0.25:
            discounts.append(percent(chance.choice((1_000, 2_000, 3_333)), None))
        if chance.random() < 0.25:
            ends = day + timedelta(days=90)
            discounts.append(percent(2_000, ends) if chance.random() < 0.7 else self._amount_off(ends))
        while day < self.last and ended is None:
            at = moment(day, chance.randrange(24), chance.choice((0, 10, 30, 59)))
            if status in ("canceled", "unpaid") and chance.random() < 0.7:
                ended = day
                status = "canceled"
            items = [self._plan(amount, yearly=yearly, quantity=quantity)]
            if used and not yearly:
                items.append(metered(used))
            period_end = at + timedelta(days=365 if yearly else 30)
            end = at if status == "canceled" else None
            said = terms(status, items, discounts, currency, period_end, end)
            self.entries.append((at, said, number, 3 if end else 1, None))
            if end:
                return day
            roll = chance.random()
            if status in ("trialing", "past_due", "unpaid"):
                status = chance.choice(("active", "active", "unpaid" if status == "past_due" else "canceled"))
            elif roll < 0.15:
                amount = chance.choice(MONTHLY)
            elif roll < 0.25:
                quantity = chance.randrange(1, 4)
            elif roll < 0.35:
                status = "past_due"
            elif roll < 0.42:
                status = "canceled"
            elif roll < 0.5:
                discounts = discounts[:1] if discounts else [percent(5_000, day + timedelta(days=45))]
            elif roll < 0.6:
                used = chance.randrange(0, 5_000)
            elif self.books and roll < 0.64:
                currency = chance.choice(("USD", "EUR", "JPY"))
            # Now and then twice within the hour, which some count as one change.
            day += timedelta(days=chance.choice((0, 9, 30, 30, 45, 61)))
        return self.last

    def _amount_off(self, ends: date) -> Discount:
        return Discount(coupon="amount", amount_off=500, duration="repeating", ends_on=ends)

    def _plan(self, amount: int, *, yearly: bool, quantity: int) -> Item:
        if yearly:
            return plan(YEARLY[amount], "year", 1, quantity)
        interval, count = self.chance.choice((("month", 1),) * 6 + (("week", 2), ("day", 10)))
        return plan(amount, interval, count, quantity)

    def _disordered(self) -> list[tuple[datetime, Terms, int, int, str | None]]:
        """Late, in another order, and told twice under another name."""
        told = list(self.entries)
        for at, said, number, rank, _ in self.entries:
            if self.chance.random() < 0.1:
                told.insert(self.chance.randrange(len(told) + 1), (at, said, number, rank, None))
        if self.chance.random() < 0.3:
            self.chance.shuffle(told)
        return told
