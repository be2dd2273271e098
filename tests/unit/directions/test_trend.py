"""Directions: what is said of which series, and that it follows from the values alone."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pymannkendall
import pytest

from projections.directions.many import together
from projections.directions.reading import read, read_together
from projections.directions.series import Better, Pace, Series
from projections.directions.trend import Direction, Trend, judged, trend
from tests.support.directed import weekly

NOISE = np.random.default_rng(4).normal(size=60)
RISE = np.arange(60) * 0.1 + NOISE


@pytest.mark.parametrize(
    ("better", "up", "down"),
    [
        (Better.HIGHER, Direction.IMPROVING, Direction.DECLINING),
        (Better.LOWER, Direction.DECLINING, Direction.IMPROVING),
        (Better.NEITHER, Direction.RISING, Direction.FALLING),
    ],
)
def test_what_a_direction_is_called_depends_on_which_way_is_better(
    better: Better, up: Direction, down: Direction
) -> None:
    assert trend(RISE, better).direction is up
    assert trend(-RISE, better).direction is down


def test_slope_score_and_variance_are_the_librarys() -> None:
    told, library = judged(NOISE), pymannkendall.original_test(NOISE)
    assert told.slope == pytest.approx(library.slope)
    assert told.correlation == 0
    # Without correlation all that differs is the distribution, which is wider.
    assert library.p < told.p_value < library.p + 0.05


def test_below_ten_values_there_is_not_enough_data() -> None:
    told = trend(RISE[:9], Better.HIGHER)
    assert told == Trend(direction=Direction.NOT_ENOUGH_DATA, n=9)
    gap = np.append(RISE[:9], math.nan)
    assert trend(gap, Better.HIGHER).direction is Direction.NOT_ENOUGH_DATA
    assert trend(RISE[:10], Better.HIGHER).direction is not Direction.NOT_ENOUGH_DATA


@pytest.mark.parametrize("value", [0.0, 0.1, -3.7e9, 1e15])
def test_what_never_varies_is_steady(value: float) -> None:
    told = read(weekly([value] * 30))
    assert told.trend.direction is Direction.STEADY
    assert told.trend.p_value == 1
    assert told.limits is not None
    assert told.limits.outside == ()
    assert told.forecast.state == "never varied"


@pytest.mark.parametrize(
    "values", [range(10), range(104), [2.0**at for at in range(40)], [0.0] * 20 + [1.0] * 20]
)
def test_what_has_no_noise_is_read_all_the_same(values: list[float]) -> None:
    told = read(weekly([float(value) for value in values]))
    assert told.trend.direction is Direction.IMPROVING
    assert told.trend.slope is not None


def test_a_gap_keeps_its_length() -> None:
    """Sen's slope is by week, and a week of which nothing is known is a week."""
    values: list[float | None] = [0.25 * at for at in range(30)]
    values[7] = values[8] = values[20] = None
    told = read(weekly(values))
    assert told.trend.n == 27
    assert len(told.gaps) == 3
    assert told.trend.slope is not None
    assert told.trend.slope.per_period == pytest.approx(0.25)


def test_many_gaps_leave_a_direction_and_nothing_that_needs_every_week() -> None:
    values = [None if at % 4 == 0 else float(value) for at, value in enumerate(RISE)]
    told = read(weekly(values))
    assert told.trend.direction is Direction.IMPROVING
    assert (told.season, told.changes, told.forecast.ahead) == (None, (), ())


def test_nothing_but_gaps_is_not_enough_data() -> None:
    told = read(weekly([None] * 30))
    assert told.trend.direction is Direction.NOT_ENOUGH_DATA
    assert told.limits is None
    assert "NaN" not in told.model_dump_json()


def test_correlation_makes_less_of_the_same_score() -> None:
    smooth = (
        np.convolve(np.random.default_rng(7).normal(size=64), np.ones(5) / 5, "valid") + np.arange(60) * 0.005
    )
    plain, ours = pymannkendall.original_test(smooth), judged(smooth)
    assert ours.correlation > 0.5
    assert ours.p_value > plain.p


def test_a_season_is_taken_out_before_the_question() -> None:
    months = np.arange(60)
    season = 10 * np.sin(2 * np.pi * months / 12)
    told = read(weekly(0.05 * months + season + NOISE, pace=Pace.MONTH))
    assert told.season is not None
    assert told.season.periods == (12,)
    assert told.season.swing == pytest.approx(20, rel=0.15)
    assert told.trend.direction is Direction.IMPROVING
    flat = read(weekly(season + NOISE, pace=Pace.MONTH))
    assert flat.trend.direction is Direction.STEADY


def test_two_seasons_at_once_are_both_taken_out() -> None:
    days = np.arange(800)
    week, year = 3 * np.sin(2 * np.pi * days / 7), 5 * np.cos(2 * np.pi * days / 365)
    chance = np.random.default_rng(3)
    told = read(weekly(week + year + chance.normal(size=800), pace=Pace.DAY), ahead=0)
    assert told.season is not None
    assert told.season.periods == (7, 365)


def test_below_two_cycles_no_season_is_looked_for() -> None:
    days = np.arange(13)
    assert read(weekly(np.sin(2 * np.pi * days / 7), pace=Pace.DAY)).season is None


def lots(count: int, rise: float = 0) -> list[Series]:
    chance = np.random.default_rng(9)
    return [weekly(chance.normal(size=40) + rise * np.arange(40), name=f"{rise} {at}") for at in range(count)]


def test_of_many_figures_directions_are_decided_after_adjustment() -> None:
    alone = [read(one, ahead=0) for one in lots(200)]
    false = [one for one in alone if one.trend.direction.is_one]
    assert 0 < len(false) < 20
    among = read_together(lots(200), ahead=0)
    assert [one for one in among if one.trend.direction.is_one] == []
    assert all(
        one.trend.adjusted_p_value is not None
        and one.trend.p_value is not None
        and one.trend.adjusted_p_value >= one.trend.p_value
        for one in among
    )
    mixed = read_together([*lots(20), *lots(20, 0.2), weekly(RISE[:5])], ahead=0)
    assert [one.trend.direction for one in mixed[20:40]] == [Direction.IMPROVING] * 20
    assert mixed[40].trend.direction is Direction.NOT_ENOUGH_DATA


def test_adjusted_as_benjamini_and_hochberg_do() -> None:
    trends = [read(one, ahead=0).trend for one in lots(8, 0.02)]
    p_values = sorted(one.p_value for one in trends if one.p_value is not None)
    steps = [p * 8 / (at + 1) for at, p in enumerate(p_values)]
    expected = [min(*steps[at:], 1.0) for at in range(8)]
    told = together([(one, Better.HIGHER) for one in trends])
    assert sorted(one.adjusted_p_value or 0 for one in told) == pytest.approx(expected)
    assert all(low <= high for low, high in pairwise(expected))


@pytest.mark.parametrize("q", [0, 1, -0.1])
def test_a_share_of_false_directions_lies_between_none_and_all(q: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        together([], q)
