"""What a series is, and what is none."""

from __future__ import annotations

import math
from datetime import date

import pytest
from pydantic import ValidationError

from projections.directions.series import (
    NoPoints,
    Pace,
    Point,
    PointsIrregular,
    PointsOutOfOrder,
    PointTwice,
    RateIncomplete,
    Series,
    SeriesRefused,
    Unit,
    UnitKind,
    ValueNotFinite,
)
from tests.support.directed import NUMBER, weekly

JANUARY = [(date(2026, 1, 5), 1.0), (date(2026, 1, 12), 2.0), (date(2026, 1, 19), 3.0)]


def made(points: list[tuple[date, float]], pace: Pace = Pace.WEEK) -> Series:
    return Series.of("mrr", points, unit=NUMBER, pace=pace)


@pytest.mark.parametrize(
    ("points", "refusal"),
    [
        ([], NoPoints),
        ([JANUARY[1], JANUARY[0]], PointsOutOfOrder),
        ([JANUARY[0], JANUARY[0]], PointTwice),
        ([JANUARY[0], JANUARY[2]], PointsIrregular),
        ([(date(2026, 1, 5), math.nan)], ValueNotFinite),
        ([(date(2026, 1, 5), math.inf)], ValueNotFinite),
        ([(date(2026, 1, 5), 2e15)], ValueNotFinite),
    ],
)
def test_what_is_no_series_is_refused_by_name(
    points: list[tuple[date, float]], refusal: type[SeriesRefused]
) -> None:
    with pytest.raises(refusal):
        made(points)


def test_months_start_on_their_first_day_and_follow_each_other() -> None:
    told = made([(date(2025, 12, 1), 1.0), (date(2026, 1, 1), 2.0)], Pace.MONTH)
    assert told.last == date(2026, 1, 1)
    with pytest.raises(PointsIrregular):
        made([(date(2025, 12, 1), 1.0), (date(2026, 2, 1), 2.0)], Pace.MONTH)
    with pytest.raises(PointsIrregular):
        made([(date(2025, 12, 31), 1.0), (date(2026, 1, 31), 2.0)], Pace.MONTH)


def test_gaps_are_said() -> None:
    assert weekly([1.0, None, 3.0]).gaps == (date(2026, 1, 12),)


def test_a_rate_keeps_what_it_is_a_rate_of_and_over_nothing_is_a_gap() -> None:
    told = Series.of_rate("opens", [(date(2026, 1, 5), 3, 12), (date(2026, 1, 12), 0, 0)], pace=Pace.WEEK)
    assert told.values == (0.25, None)
    assert told.points[0] == Point(start=date(2026, 1, 5), value=0.25, numerator=3, denominator=12)


@pytest.mark.parametrize(
    "point",
    [
        Point(start=date(2026, 1, 5), value=0.5),
        Point(start=date(2026, 1, 5), value=0.5, numerator=1, denominator=3),
        Point(start=date(2026, 1, 5), value=-0.5, numerator=-1, denominator=2),
    ],
)
def test_a_rate_without_its_parts_is_refused(point: Point) -> None:
    with pytest.raises(RateIncomplete):
        Series(name="opens", unit=Unit(kind=UnitKind.RATE), pace=Pace.WEEK, better="higher", points=(point,))  # type: ignore[arg-type]  # as JSON has it


def test_a_plain_figure_has_no_parts_of_a_rate() -> None:
    with pytest.raises(RateIncomplete):
        Series(
            name="mrr",
            unit=NUMBER,
            pace=Pace.WEEK,
            better="higher",  # type: ignore[arg-type]  # as JSON has it
            points=(Point(start=date(2026, 1, 5), value=1.0, numerator=1, denominator=1),),
        )


def test_money_alone_has_a_currency() -> None:
    assert Unit(kind=UnitKind.MONEY, currency="EUR").currency == "EUR"
    for told in ({"kind": "money"}, {"kind": "count", "currency": "EUR"}):
        with pytest.raises(ValidationError, match="money has a currency"):
            Unit.model_validate(told)
