"""A series: one figure, period by period. Regular, in order, with its gaps said.

A value is in the figure's own unit: minor units of a currency, a count, a plain number; a rate is a share of one, kept
with its numerator and denominator. A period of which nothing is known is a gap: a point without a value. So is a rate
over nothing.

Whoever makes a series is a report, not a caller of the product: a bad one is a fault of ours, and no answer to anybody.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from collections.abc import Iterable


class SeriesRefused(Exception):
    """What was given is no series. Mend what made it."""


class PointsOutOfOrder(SeriesRefused):
    """Points come in the order of time. Sort them."""


class PointTwice(SeriesRefused):
    """A period has one point. Add up what belongs to it first."""


class PointsIrregular(SeriesRefused):
    """Points follow each other at one pace, without leaving a period out. Say a gap as a point without a value."""


class ValueNotFinite(SeriesRefused):
    """A value is a finite number, of at most 10^15. Say a gap as a point without a value."""


class RateIncomplete(SeriesRefused):
    """A rate has a numerator and a denominator, neither below zero, and its value is the one over the other."""


class NoPoints(SeriesRefused):
    """A series has at least one point, be it a gap."""


class Pace(StrEnum):
    """How far apart points lie."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def after(self, start: date) -> date:
        """Where the next period starts."""
        if self is Pace.MONTH:
            return date(start.year + start.month // 12, start.month % 12 + 1, start.day)
        return start + timedelta(days=1 if self is Pace.DAY else 7)


SEASONS: Final = {Pace.DAY: (7, 365), Pace.WEEK: (52,), Pace.MONTH: (12,)}
"""Periods after which a season comes round again."""


_LARGEST: Final = 1e15  # as amounts of money are; what is larger is a slip


class Better(StrEnum):
    """Which way is better."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class UnitKind(StrEnum):
    """What sort of number it is."""

    COUNT = "count"
    MONEY = "money"
    RATE = "rate"
    NUMBER = "number"


class Unit(BaseModel):
    """What values are in; `currency` of money, whose values are minor units."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: UnitKind
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None

    @model_validator(mode="after")
    def _of_money(self) -> Self:
        if (self.kind is UnitKind.MONEY) != (self.currency is not None):
            raise ValueError("money has a currency, and nothing else has")
        return self


class Point(BaseModel):
    """One period: the day it starts and its value, or None for a gap; of a rate also what it is a rate of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: date
    value: float | None = None
    numerator: int | None = None
    denominator: int | None = None


class Series(BaseModel):
    """One figure over time. `name` is the figure's stable name; what it is called is a matter of language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    unit: Unit
    pace: Pace
    better: Better
    points: tuple[Point, ...]

    @model_validator(mode="after")
    def _is_a_series(self) -> Self:
        if not self.points:
            raise NoPoints
        for one in self.points:
            if one.value is not None and not abs(one.value) <= _LARGEST:
                raise ValueNotFinite(f"{self.name}: the value of {one.start} is {one.value}")
            _whole_rate(self.name, self.unit, one)
        for left, right in pairwise(self.points):
            if right.start == left.start:
                raise PointTwice(f"{self.name}: two points start on {left.start}")
            if right.start < left.start:
                raise PointsOutOfOrder(f"{self.name}: {right.start} comes after {left.start}")
        for left, right in pairwise(self.points):
            if right.start != _next(self.pace, left.start, self.name):
                raise PointsIrregular(
                    f"{self.name}: {right.start} does not follow {left.start} by a {self.pace}"
                )
        return self

    @property
    def values(self) -> tuple[float | None, ...]:
        """Values in order, None where there is a gap."""
        return tuple(one.value for one in self.points)

    @property
    def gaps(self) -> tuple[date, ...]:
        """Starts of the periods of which nothing is known."""
        return tuple(one.start for one in self.points if one.value is None)

    @property
    def last(self) -> date:
        """Start of the last period."""
        return self.points[-1].start

    @classmethod
    def of(
        cls,
        name: str,
        points: Iterable[tuple[date, float | None]],
        *,
        unit: Unit,
        pace: Pace,
        better: Better = Better.NEITHER,
    ) -> Self:
        """A series of plain values."""
        told = tuple(Point(start=start, value=value) for start, value in points)
        return cls(name=name, unit=unit, pace=pace, better=better, points=told)

    @classmethod
    def of_rate(
        cls,
        name: str,
        points: Iterable[tuple[date, int, int]],
        *,
        pace: Pace,
        better: Better = Better.NEITHER,
    ) -> Self:
        """A series of a rate: start, numerator and denominator of each period. Over nothing there is a gap."""
        told = tuple(
            Point(
                start=start,
                value=numerator / denominator if denominator else None,
                numerator=numerator,
                denominator=denominator,
            )
            for start, numerator, denominator in points
        )
        return cls(name=name, unit=Unit(kind=UnitKind.RATE), pace=pace, better=better, points=told)


def _next(pace: Pace, start: date, name: str) -> date:
    if pace is Pace.MONTH and start.day != 1:
        raise PointsIrregular(f"{name}: a month starts on its first day, not on {start}")
    return pace.after(start)


def _whole_rate(name: str, unit: Unit, one: Point) -> None:
    """Refuse a rate that lacks a part, or whose value is another than its parts'."""
    if unit.kind is not UnitKind.RATE:
        if one.numerator is not None or one.denominator is not None:
            raise RateIncomplete(f"{name}: {one.start} has parts of a rate, and the figure is none")
        return
    if one.numerator is None and one.denominator is None and one.value is None:
        return
    if one.numerator is None or one.denominator is None or one.numerator < 0 or one.denominator < 0:
        raise RateIncomplete(f"{name}: {one.start} lacks a numerator or a denominator of at least zero")
    told = one.numerator / one.denominator if one.denominator else None
    if told != one.value:
        raise RateIncomplete(
            f"{name}: the value of {one.start} is not {one.numerator} over {one.denominator}"
        )
