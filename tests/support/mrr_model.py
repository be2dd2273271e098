"""MRR by its definitions alone, in plain Python: one customer, walked through moment by moment, exact fractions.

It shares nothing with the SQL: no intervals, no windows, no slices of history. What a subscription comes to is asked of
its tellings at a moment; movements are what a person walking through the moments would write down.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

from domain.billing.terms import Discount, Item, Terms
from projections.finance.profiles import Profile

Movements: TypeAlias = dict[tuple[date, str, str, str, int], int]
"""(effective day, kind, currency, subscription, position) to its amount."""

PER_YEAR = {"day": 365, "week": 52, "month": 12, "year": 1}


@dataclass(frozen=True)
class Telling:
    """One event: all terms of a subscription from `effective_at` (UTC, without a zone) on."""

    position: int
    subscription: str
    effective_at: datetime
    rank: int
    told_as: str
    terms: Terms


@dataclass(frozen=True)
class Closing:
    """From a position on, all days before `open_from` are closed; None: no day is."""

    position: int
    open_from: date | None


def half_up(value: Fraction) -> int:
    """Whole, halves away from zero; of what is not below zero."""
    return int(value + Fraction(1, 2))


def monthly(items: Sequence[Item], discounts: Sequence[Discount]) -> int:
    """What these items come to a month, in minor units."""
    cycles: dict[tuple[str, int], list[Item]] = {}
    for item in items:
        cycles.setdefault((item.interval, item.interval_count), []).append(item)
    amount = 0
    for number, ((interval, count), together) in enumerate(cycles.items()):
        left = sum(item.unit_amount * (1 if item.kind == "metered" else item.quantity) for item in together)
        for discount in discounts:
            if discount.percent_off is not None:
                left -= half_up(Fraction(left * discount.percent_off, 10_000))
            elif discount.amount_off is not None and number == 0:
                left = max(0, left - discount.amount_off)
        amount += half_up(Fraction(left * PER_YEAR[interval], 12 * count))
    return amount


@dataclass
class Subscription:
    """The tellings of one subscription that ever held, in order."""

    tellings: list[Telling]
    prices: dict[tuple[object, ...], int] = field(default_factory=dict)

    @classmethod
    def of(cls, known: Iterable[Telling]) -> Subscription:
        """Of tellings in any order, doubled or not."""
        first: dict[str, Telling] = {}
        for telling in sorted(known, key=lambda telling: telling.position):
            first.setdefault(telling.told_as, telling)
        ordered = sorted(first.values(), key=lambda told: (told.effective_at, told.rank, told.told_as))
        held = [
            telling
            for telling, after in zip(ordered, [*ordered[1:], None], strict=True)
            if after is None or after.effective_at != telling.effective_at
        ]
        return cls(held)

    @cached_property
    def moments(self) -> list[datetime]:
        """When each telling begins to hold."""
        return [telling.effective_at for telling in self.tellings]

    def at(self, moment: datetime, profile: Profile) -> tuple[str, int, int] | None:
        """Currency, amount a month and position of the telling that holds; None before the first."""
        index = bisect_right(self.moments, moment) - 1
        if index < 0:
            return None
        telling = self.tellings[index]
        if telling.terms.status == "canceled" and profile.churn_at == "cycle_end":
            before = self.before(index)
            if before is not None and before.terms.status in profile.statuses:
                paid = self.paid_until(index)
                if paid is not None and moment < paid and paid > telling.effective_at:
                    return (
                        before.terms.currency,
                        self.amount(before, moment.date(), profile),
                        telling.position,
                    )
        counted = telling.terms.status in profile.statuses
        return (
            telling.terms.currency,
            self.amount(telling, moment.date(), profile) if counted else 0,
            telling.position,
        )

    def before(self, index: int) -> Telling | None:
        """What was told last before it was canceled."""
        return next((one for one in reversed(self.tellings[:index]) if one.terms.status != "canceled"), None)

    def paid_until(self, index: int) -> datetime | None:
        """The end of the cycle that was paid for last."""
        active = next((one for one in reversed(self.tellings[:index]) if one.terms.status == "active"), None)
        end = None if active is None else active.terms.period_end
        return None if end is None else end.replace(tzinfo=None)

    def amount(self, telling: Telling, day: date, profile: Profile) -> int:
        """What a telling's terms come to on a day."""
        discounts = [
            discount
            for discount in telling.terms.discounts
            if (profile.coupons == "all" or discount.duration == "forever")
            and (discount.ends_on is None or day < discount.ends_on)
        ]
        key = (telling.position, profile.metered, tuple(discounts))
        if key not in self.prices:
            items = [item for item in telling.terms.items if profile.metered or item.kind != "metered"]
            self.prices[key] = monthly(items, discounts)
        return self.prices[key]

    def turning_points(self) -> set[datetime]:
        """Every moment at which anything could change under any profile."""
        ends = {
            datetime.combine(discount.ends_on, time())
            for telling in self.tellings
            for discount in telling.terms.discounts
            if discount.ends_on is not None
        }
        cycles = {
            telling.terms.period_end.replace(tzinfo=None)
            for telling in self.tellings
            if telling.terms.period_end is not None
        }
        return {*self.moments, *ends, *cycles}


State: TypeAlias = dict[str, tuple[str, int, int]]
"""By subscription: currency, amount, position."""


class Customer:
    """All subscriptions of one customer, as known from some tellings."""

    def __init__(self, known: Iterable[Telling]) -> None:
        by_subscription: dict[str, list[Telling]] = defaultdict(list)
        for telling in known:
            by_subscription[telling.subscription].append(telling)
        self.subscriptions = {name: Subscription.of(told) for name, told in by_subscription.items()}
        points = {
            point for subscription in self.subscriptions.values() for point in subscription.turning_points()
        }
        self.points = sorted(points)

    def states(self, profile: Profile) -> list[tuple[datetime, State]]:
        """What holds from each moment on."""
        walk: list[tuple[datetime, State]] = []
        for point in self.points:
            state = {}
            for name, subscription in self.subscriptions.items():
                told = subscription.at(point, profile)
                if told is not None:
                    state[name] = told
            walk.append((point, state))
        return without_short_stays(walk) if profile.short_stays == "ignored" else walk

    def balances(self, profile: Profile) -> list[tuple[datetime, dict[str, int]]]:
        """MRR by currency from each moment on."""
        walk = []
        for point, state in self.states(profile):
            by_currency: dict[str, int] = defaultdict(int)
            for currency, amount, _ in state.values():
                by_currency[currency] += amount
            walk.append((point, dict(by_currency)))
        return walk

    def movements(self, profile: Profile) -> Movements:
        """Every movement."""
        changes = list(self._changes(profile))
        if profile.unit == "customer":
            return Diary(profile).written(changes, everybody=changes)
        made: Movements = {}
        for name in self.subscriptions:
            own = [(at, [part for part in parts if part[0] == name], before) for at, parts, before in changes]
            made |= Diary(profile).written([change for change in own if change[1]], everybody=changes)
        return made

    def _changes(self, profile: Profile) -> Iterable[Change]:
        previous: State = {}
        for point, state in self.states(profile):
            parts = []
            for name, (currency, amount, position) in state.items():
                old_currency, old_amount, _ = previous.get(name, (currency, 0, 0))
                if old_currency == currency:
                    parts.append((name, currency, amount - old_amount, position))
                else:
                    parts += [
                        (name, old_currency, -old_amount, position),
                        (name, currency, amount, position),
                    ]
            moved = [part for part in parts if part[2]]
            if moved:
                before = {name: amount for name, (_, amount, _) in previous.items() if amount}
                yield point, moved, before
            previous = state


Change: TypeAlias = tuple[datetime, list[tuple[str, str, int, int]], Mapping[str, int]]
"""When, the parts (subscription, currency, delta, position), and what each subscription came to just before."""


def without_short_stays(walk: list[tuple[datetime, State]]) -> list[tuple[datetime, State]]:
    """The same, but for stays that begin and end within one month: they never were."""
    cleared = list(walk)
    began: int | None = None
    for index, (point, state) in enumerate(walk):
        pays = any(amount for _, amount, _ in state.values())
        if pays and began is None:
            began = index
        elif not pays and began is not None:
            start = walk[began][0]
            if (start.year, start.month) == (point.year, point.month):
                for stay in range(began, index):
                    at, held = walk[stay]
                    cleared[stay] = (
                        at,
                        {name: (currency, 0, position) for name, (currency, _, position) in held.items()},
                    )
            began = None
    return cleared


class Diary:
    """Writes movements down, one unit's (a customer's, or a subscription's) at a time."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.ever = False
        self.gone_on: date | None = None

    def written(self, changes: Sequence[Change], *, everybody: Sequence[Change]) -> Movements:
        """The movements of one unit's changes; `everybody`: those of the whole customer."""
        made: Movements = defaultdict(int)
        for group in self._groups(changes):
            names = {name for change in group for name, *_ in change[1]}
            before_all = group[0][2]
            if self.profile.unit == "customer":
                before = sum(before_all.values())
            else:
                before = sum(before_all.get(name, 0) for name in names)
            net: dict[str, int] = defaultdict(int)
            for _, parts, _ in group:
                for _, currency, delta, _ in parts:
                    net[currency] += delta
            after = before + sum(net.values())
            day = group[0][0].date()
            for currency, total in net.items():
                if total == 0:
                    continue
                kind = self._kind(before, after, total, group[0], everybody)
                for _, parts, _ in group:
                    for name, of, delta, position in parts:
                        if of == currency:
                            made[(day, kind, currency, name, position)] += delta
            self.ever = self.ever or after > 0
            if before > 0 and after == 0:
                self.gone_on = day
        return {key: amount for key, amount in made.items() if amount}

    def _groups(self, changes: Sequence[Change]) -> list[list[Change]]:
        groups: list[list[Change]] = []
        within = timedelta(minutes=self.profile.grouping_minutes)
        for change in changes:
            last = groups[-1][-1][0] if groups else None
            if last is not None and last.date() == change[0].date() and change[0] - last <= within:
                groups[-1].append(change)
            else:
                groups.append([change])
        return groups

    def _kind(self, before: int, after: int, total: int, first: Change, everybody: Sequence[Change]) -> str:
        if before and after:
            return "expansion" if total > 0 else "contraction"
        if before:
            return "churn"
        gone_on = self.gone_on
        if not self.ever:
            if self.profile.unit == "customer":
                return "new"
            earlier = [change for change in everybody if change[0] < first[0]]
            if not earlier:
                return "new"
            if sum(first[2].values()) > 0:
                return "expansion"
            gone_on = earlier[-1][0].date()
        window = self.profile.reactivation_days
        if window is None or (gone_on is not None and (first[0].date() - gone_on).days <= window):
            return "reactivation"
        return "new"


def posted(tellings: Sequence[Telling], closings: Sequence[Closing], profile: Profile) -> Movements:
    """(posting day, kind, currency, subscription, position) to amount: telling by telling, as each came to be known."""
    book: Movements = defaultdict(int)
    known: list[Telling] = []
    before: Movements = {}
    for telling in sorted(tellings, key=lambda telling: telling.position):
        known.append(telling)
        after = Customer(known).movements(profile)
        before_it = [closing for closing in closings if closing.position < telling.position]
        open_from = max(before_it, key=lambda closing: closing.position).open_from if before_it else None
        for key in {*before, *after}:
            day, *rest = key
            posted_on = day if open_from is None or open_from < day else open_from
            kind, currency, name, position = rest
            book[(posted_on, str(kind), str(currency), str(name), int(str(position)))] += after.get(
                key, 0
            ) - before.get(key, 0)
        before = after
    return {key: amount for key, amount in book.items() if amount}
