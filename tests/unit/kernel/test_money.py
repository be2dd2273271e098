import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.kernel.money import CURRENCIES, CurrenciesMixed, Currency, Money, allotted, rounded


def test_two_thousand_a_year_is_166_67_a_month() -> None:
    assert rounded(200_000, 12) == 16_667


@pytest.mark.parametrize(
    ("part", "of", "expected"), [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (-4, 3, -1), (0, 7, 0)]
)
def test_halves_go_away_from_zero(part: int, of: int, expected: int) -> None:
    assert rounded(part, of) == expected


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(0, 10**9), min_size=1, max_size=50))
def test_parts_sum_to_the_whole_and_none_is_off_by_more_than_one(amount: int, weights: list[int]) -> None:
    parts = allotted(amount, weights)
    assert sum(parts) == amount
    whole = sum(weights) or len(weights)
    for part, weight in zip(parts, weights if sum(weights) else [1] * len(weights), strict=True):
        assert abs(part * whole - amount * weight) < whole


@pytest.mark.parametrize("weights", [[], [1, -1]])
def test_parts_need_weights(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights are needed"):
        allotted(1, weights)


def test_amounts_of_one_currency_add_up() -> None:
    assert Money(150, "EUR") + Money(50, "EUR") - Money(20, "EUR") == -Money(-180, "EUR")


def test_amounts_of_two_currencies_do_not() -> None:
    with pytest.raises(CurrenciesMixed):
        _ = Money(1, "EUR") + Money(1, "USD")


@pytest.mark.parametrize(("code", "digits"), [("USD", 2), ("JPY", 0), ("KWD", 3)])
def test_minor_units_are_those_of_iso_4217(code: str, digits: int) -> None:
    assert CURRENCIES[TypeAdapter(Currency).validate_python(code)] == digits


@pytest.mark.parametrize("code", ["usd", "XXX", "", "EURO"])
def test_other_codes_are_refused(code: str) -> None:
    with pytest.raises(ValidationError, match="ISO 4217"):
        TypeAdapter(Currency).validate_python(code)
