"""What explains a change: worked examples, exact."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from projections.directions.decompose import (
    Effect,
    NothingToDivideBy,
    NumberNotFinite,
    of_groups,
    of_parts_over_whole,
    of_ratio,
    of_sum,
)


def test_each_part_of_a_sum_explains_its_change() -> None:
    told = of_sum(
        {"eu servers": 1000, "us servers": 500}, {"eu servers": 1700, "us servers": 700, "ips": 100}
    )
    assert [(one.name, one.amount, one.share) for one in told.parts] == [
        ("eu servers", Fraction(700), Fraction(7, 10)),
        ("us servers", Fraction(200), Fraction(1, 5)),
        ("ips", Fraction(100), Fraction(1, 10)),
    ]


def test_a_margin_is_explained_by_what_costs_took_of_revenue() -> None:
    """Revenue over itself explains nothing: 60 % went to 45 %, and 10 of the 15 points are servers in the EU."""
    told = of_parts_over_whole(
        {"revenue": 1000, "eu": -200, "us": -200}, 1000, {"revenue": 1100, "eu": -330, "us": -275}, 1100
    )
    assert (told.before, told.after) == (Fraction(3, 5), Fraction(9, 20))
    assert {one.name: one.amount for one in told.parts} == {
        "eu": Fraction(-1, 10),
        "us": Fraction(-1, 20),
        "revenue": 0,
    }
    assert told.parts[0].share == Fraction(2, 3)


def test_numerator_and_denominator_each_have_their_effect() -> None:
    told = of_ratio((10, 100), (12, 150))
    assert {one.effect: one.amount for one in told.parts} == {
        Effect.NUMERATOR: Fraction(1, 60),
        Effect.DENOMINATOR: Fraction(-11, 300),
    }
    assert told.change == Fraction(-1, 50)


def test_when_no_rate_moved_all_is_mix() -> None:
    """Every group as before, more of the worse one: Simpson's case, the other way round."""
    told = of_groups({"good": (90, 100), "bad": (10, 100)}, {"good": (90, 100), "bad": (30, 300)})
    assert told.change == Fraction(3, 10) - Fraction(1, 2)
    assert {one.effect for one in told.parts} == {Effect.MIX}


def test_when_no_weight_moved_all_is_rate() -> None:
    told = of_groups({"a": (10, 100), "b": (20, 100)}, {"a": (15, 100), "b": (20, 100)})
    assert [(one.name, one.effect, one.amount) for one in told.parts] == [("a", Effect.RATE, Fraction(1, 40))]


def test_a_group_that_came_is_mix_and_a_numerator_over_nothing_is_not_lost() -> None:
    told = of_groups({"a": (10, 100)}, {"a": (10, 100), "new": (50, 100), "late refunds": (-5, 0)})
    assert {(one.name, one.effect) for one in told.parts} == {
        ("a", Effect.MIX),
        ("new", Effect.MIX),
        ("late refunds", Effect.MIX),
    }
    assert told.residue == 0


def test_json_keeps_fractions() -> None:
    told = of_ratio((1, 3), (1, 2)).model_dump(mode="json")
    assert (told["before"], told["after"], told["change"], told["residue"]) == ("1/3", "1/2", "1/6", "0")


@pytest.mark.parametrize("whole", [0, 0.0, Fraction()])
def test_nothing_is_divided_by_nothing(whole: float) -> None:
    with pytest.raises(NothingToDivideBy):
        of_ratio((1, whole), (1, 1))
    with pytest.raises(NothingToDivideBy):
        of_parts_over_whole({"a": 1}, 1, {"a": 1}, whole)
    with pytest.raises(NothingToDivideBy):
        of_groups({"a": (1, whole)}, {"a": (1, 1)})


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_what_is_not_finite_explains_nothing(number: float) -> None:
    with pytest.raises(NumberNotFinite):
        of_sum({"a": number}, {"a": 1})
