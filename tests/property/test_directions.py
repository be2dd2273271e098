"""What holds for every series: scale and shift change nothing, a mirror turns the direction, no warning leaks out."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from projections.directions.decompose import (
    Decomposition,
    of_groups,
    of_parts_over_whole,
    of_ratio,
    of_sum,
)
from projections.directions.reading import Reading, read
from projections.directions.sentences import insights, render
from projections.directions.series import Better, PointsOutOfOrder, Series
from projections.directions.trend import Direction, judged
from projections.directions.wording import Language
from tests.support.directed import weekly

# Whole numbers, so that scale and shift are exact; few of them, so that there are ties.
VALUES = st.lists(st.integers(-50, 50), min_size=10, max_size=40)
TURNED = {Direction.IMPROVING: Direction.DECLINING, Direction.DECLINING: Direction.IMPROVING}
AMOUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(-1000, 1000), max_size=5)
GROUPS = st.dictionaries(
    st.sampled_from("abcd"), st.tuples(st.integers(-100, 100), st.integers(0, 100)), min_size=1
)


@settings(max_examples=80, deadline=None)
@given(VALUES, st.sampled_from([0.25, 1, 8, 1024]), st.integers(-1000, 1000))
def test_scale_and_shift_leave_the_answer_and_carry_the_slope(
    values: list[int], scale: float, shift: int
) -> None:
    plain = judged(np.array(values, dtype=float))
    moved = judged(np.array(values, dtype=float) * scale + shift)
    assert moved.slope == pytest.approx(plain.slope * scale)
    assert moved.p_value == pytest.approx(plain.p_value)
    assert (moved.interval is None) == (plain.interval is None)
    if moved.interval is not None and plain.interval is not None:
        assert moved.interval.low == pytest.approx(plain.interval.low * scale)
        assert moved.interval.high == pytest.approx(plain.interval.high * scale)


@settings(max_examples=80, deadline=None)
@given(VALUES)
def test_a_mirror_turns_the_direction_and_nothing_else(values: list[int]) -> None:
    up, down = read(weekly(map(float, values)), ahead=0), read(weekly(-float(one) for one in values))
    other = read(weekly(map(float, values), Better.LOWER), ahead=0)
    assert down.trend.direction is TURNED.get(up.trend.direction, up.trend.direction)
    assert other.trend.direction is down.trend.direction
    assert other.trend.p_value == up.trend.p_value == pytest.approx(down.trend.p_value)
    assert [one.index for one in other.changes] == [one.index for one in up.changes]


@settings(max_examples=80, deadline=None)
@given(VALUES)
def test_a_direction_has_a_slope_of_its_sign_and_an_interval_off_zero(values: list[int]) -> None:
    told = read(weekly(map(float, values)), ahead=0).trend
    assert told.slope is not None
    interval = told.slope.interval
    assert interval is None or interval.low <= told.slope.per_period <= interval.high
    if told.direction.is_one:
        assert (told.slope.per_period > 0) == (told.direction is Direction.IMPROVING)
        assert interval is None or interval.low * interval.high >= 0


@settings(max_examples=40, deadline=None)
@given(VALUES, st.randoms(use_true_random=False))
def test_points_in_another_order_are_refused(values: list[int], chance: object) -> None:
    told = weekly(map(float, values))
    points = [*told.points]
    chance.shuffle(points)  # type: ignore[attr-defined]  # hypothesis' random.Random
    assume(points != [*told.points])
    with pytest.raises(PointsOutOfOrder):
        Series(name="x", unit=told.unit, pace=told.pace, better=told.better, points=tuple(points))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.floats(-1e12, 1e12), st.sampled_from([0.0, 1.0, 1e-300, 1e15])),
        min_size=1,
        max_size=60,
    )
)
def test_whatever_the_values_a_reading_is_json_and_its_sentences_are_words(
    values: list[float | None],
) -> None:
    told = read(weekly(values))
    text = told.model_dump_json()
    assert Reading.model_validate_json(text) == told
    assert "NaN" not in text
    for one in told.forecast.ahead:
        assert one.within_95.low <= one.within_80.low < one.within_80.high <= one.within_95.high
    for sentence in insights(told):
        for language in Language:
            assert "{" not in render(sentence, language, {})


def exact(told: Decomposition, change: Fraction) -> None:
    assert told.residue == 0
    assert told.change == change == sum((one.amount for one in told.parts), Fraction())
    if change:
        assert sum((one.share or 0 for one in told.parts), Fraction()) == 1
    else:
        assert all(one.share is None for one in told.parts)


@given(AMOUNTS, AMOUNTS)
def test_a_sum_is_explained_without_residue(before: dict[str, int], after: dict[str, int]) -> None:
    exact(of_sum(before, after), Fraction(sum(after.values()) - sum(before.values())))


@given(AMOUNTS, st.integers(1, 999), AMOUNTS, st.integers(1, 999))
def test_a_ratio_is_explained_without_residue(
    before: dict[str, int], old: int, after: dict[str, int], new: int
) -> None:
    above, below = sum(before.values()), sum(after.values())
    change = Fraction(below, new) - Fraction(above, old)
    exact(of_parts_over_whole(before, old, after, new), change)
    exact(of_ratio((above, old), (below, new)), change)


@given(GROUPS, GROUPS)
def test_rates_and_mix_of_groups_leave_nothing(
    before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]
) -> None:
    (above0, below0), (above1, below1) = (
        (sum(a for a, _ in side.values()), sum(b for _, b in side.values())) for side in (before, after)
    )
    assume(below0 and below1)
    exact(of_groups(before, after), Fraction(above1, below1) - Fraction(above0, below0))


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_taken_for_what_they_are(before: float, after: float) -> None:
    told = of_sum({"a": before}, {"a": after})
    assert told.residue == 0
    assert math.isclose(float(told.before), before)
