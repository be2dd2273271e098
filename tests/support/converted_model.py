"""Recurring revenue in one currency by its definition alone: day by day, currency by currency, in exact fractions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple, TypeAlias
from uuid import uuid4

from domain.kernel.money import CURRENCIES, rounded
from projections.finance.profiles import Profile
from tests.support.events import History
from tests.support.mrr_model import Movements

MOST_DAYS_OLD = 7
SUBTRACTED = ("contraction", "churn")

Figures: TypeAlias = dict[str, int]
Lacking: TypeAlias = tuple[date, str]
"""A rate that is missing: of which day and currency."""


class Recorded(NamedTuple):
    """A rate as it was recorded: one of `base` is `rate` of `quote`."""

    position: int
    base: str
    quote: str
    day: date
    rate: str


def record(history: History, base: str, quote: str, day: date, rate: str) -> Recorded:
    """Record a rate in a log."""
    told = {"rate_id": str(uuid4()), "base": base, "quote": quote, "day": day.isoformat(), "rate": rate}
    event = history.happen("finance.exchange_rate_recorded", {**told, "source": "Table"})
    return Recorded(event.position, base, quote, day, rate)


class Move(NamedTuple):
    """A change of MRR, in the order in which those of one day are taken."""

    day: date
    position: int
    subscription: str
    kind: str
    currency: str
    amount: int


@dataclass
class Rates:
    """Rates into one currency."""

    recorded: Sequence[Recorded]
    into: str
    found: dict[str, dict[date, Fraction]] = field(default_factory=lambda: defaultdict(dict))

    def __post_init__(self) -> None:
        """Of a pair and day the rate that was recorded last holds."""
        for one in sorted(self.recorded):
            for currency, other, rate in (
                (one.base, one.quote, Fraction(one.rate)),
                (one.quote, one.base, 1 / Fraction(one.rate)),
            ):
                if other == self.into:
                    minor = Fraction(10) ** (CURRENCIES[other] - CURRENCIES[currency])
                    self.found[currency][one.day] = rate * minor

    def first(self, currency: str) -> date | None:
        """The day of a currency's first rate."""
        return min(self.found[currency], default=None)

    def at(self, currency: str, day: date) -> Fraction | None:
        """The last rate on or before a day, however old."""
        if currency == self.into:
            return Fraction(1)
        known = [one for one in self.found[currency] if one <= day]
        return self.found[currency][max(known)] if known else None

    def lacks(self, currency: str, day: date) -> bool:
        """Whether there is none that may be used."""
        ages = [(day - one).days for one in self.found[currency] if one <= day]
        return currency != self.into and (not ages or min(ages) > MOST_DAYS_OLD)


def whole(value: Fraction) -> int:
    """In minor units, halves away from zero."""
    return rounded(value.numerator, value.denominator)


def moves_of(movements: Movements) -> list[Move]:
    """Movements, each day's in their order."""
    return sorted(
        Move(day, position, subscription, kind, currency, amount)
        for (day, kind, currency, subscription, position), amount in movements.items()
    )


def converted(
    movements: Movements, rates: Rates, profile: Profile, periods: Iterable[tuple[date, date]]
) -> Iterator[Figures | Lacking]:
    """The figures of each period, first to last day; or the first rate that it lacks."""
    moves = moves_of(movements)
    for first, last in periods:
        if profile.fx == "term":
            missing = sorted(_lacking(moves, rates, first, last))
            yield missing[0] if missing else _with_term(moves, rates, first, last)
        else:
            stays = list(_stays(moves, rates))
            missing = sorted(_lacking_at_entry(stays, rates, first, last))
            yield missing[0] if missing else _at_entry(stays, rates, first, last)


def _balances(moves: Iterable[Move], until: date) -> Mapping[str, int]:
    held: dict[str, int] = defaultdict(int)
    for move in moves:
        if move.day <= until:
            held[move.currency] += move.amount
    return held


def _lacking(moves: Sequence[Move], rates: Rates, first: date, last: date) -> Iterator[Lacking]:
    asked = {(move.day, move.currency) for move in moves if first <= move.day <= last}
    for day in (first - timedelta(days=1), last):
        asked |= {(day, currency) for currency, held in _balances(moves, day).items() if held}
    return ((day, currency) for day, currency in asked if rates.lacks(currency, day))


def _nothing() -> Figures:
    names = ("start_mrr", "new", "expansion", "reactivation", "contraction", "churn", "fx", "end_mrr")
    return dict.fromkeys(names, 0)


def _with_term(moves: Sequence[Move], rates: Rates, first: date, last: date) -> Figures:
    """Each day the balance is taken to the day's rate, and then moved."""
    figures = _nothing()
    held = dict(_balances(moves, first - timedelta(days=1)))
    before = first - timedelta(days=1)
    for currency, balance in held.items():
        figures["start_mrr"] += whole(balance * (rates.at(currency, before) or Fraction(0)))
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        for currency, balance in held.items():
            old, new = (rates.at(currency, one) or Fraction(0) for one in (day - timedelta(days=1), day))
            figures["fx"] += whole(balance * new) - whole(balance * old)
        for move in moves:
            if move.day == day:
                rate = rates.at(move.currency, day) or Fraction(0)
                balance = held.get(move.currency, 0)
                held[move.currency] = balance + move.amount
                sign = -1 if move.kind in SUBTRACTED else 1
                figures[move.kind] += sign * (whole((balance + move.amount) * rate) - whole(balance * rate))
    for currency, balance in held.items():
        figures["end_mrr"] += whole(balance * (rates.at(currency, last) or Fraction(0)))
    return figures


class Stay(NamedTuple):
    """A move of a subscription, what it came to before, and the day on which it began to pay."""

    move: Move
    before: int
    entered: date


def _stays(moves: Iterable[Move], rates: Rates) -> Iterator[Stay]:
    held: dict[tuple[str, str], int] = defaultdict(int)
    entered: dict[tuple[str, str], date] = {}
    for move in moves:
        of = (move.currency, move.subscription)
        if not held[of]:
            # What began before there were rates at all has the first.
            entered[of] = max(move.day, rates.first(move.currency) or move.day)
        yield Stay(move, held[of], entered[of])
        held[of] += move.amount


def _lacking_at_entry(stays: Sequence[Stay], rates: Rates, first: date, last: date) -> Iterator[Lacking]:
    alive: dict[tuple[str, str], Stay] = {}
    for stay in stays:
        move, since = stay.move, rates.first(stay.move.currency)
        if move.day < first:
            alive[move.currency, move.subscription] = stay
        elif move.day <= last:
            day = move.day if since is None or move.day < since else stay.entered
            if rates.lacks(move.currency, day):
                yield day, move.currency
    for stay in alive.values():
        move, since = stay.move, rates.first(stay.move.currency)
        if stay.before + move.amount:
            day = first - timedelta(days=1) if since is None or first <= since else stay.entered
            if rates.lacks(move.currency, day):
                yield day, move.currency


def _at_entry(stays: Sequence[Stay], rates: Rates, first: date, last: date) -> Figures:
    figures = _nothing()
    for move, before, entered in stays:
        rate = rates.at(move.currency, entered) or Fraction(0)
        by = whole((before + move.amount) * rate) - whole(before * rate)
        if move.day <= last:
            figures["end_mrr"] += by
        if move.day < first:
            figures["start_mrr"] += by
        elif move.day <= last:
            figures[move.kind] += -by if move.kind in SUBTRACTED else by
    return figures
