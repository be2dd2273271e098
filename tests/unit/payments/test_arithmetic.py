"""The money of the fake, to the minor unit."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.stripe.fake.arithmetic import discounted, fee, prorated, taxed, tiered
from adapters.stripe.fake.calendar import after, cycle_end

MONTH = 30 * 86_400


def coupon(**fields: Any) -> dict[str, Any]:
    return {"percent_off": None, "amount_off": None, "currency": None, **fields}


@pytest.mark.parametrize(
    ("amount", "at", "left"),
    [
        (3_000, 0, 3_000),
        (3_000, MONTH // 2, 1_500),
        (3_000, MONTH // 3, 2_000),
        (4_900, 1, 4_900),
        (4_900, MONTH - 1, 0),
        (100, MONTH * 2 // 3, 33),
        (1, MONTH // 2, 1),
        (3_000, MONTH, 0),
        (3_000, -5, 3_000),
    ],
)
def test_a_proration_is_what_falls_on_the_time_left(amount: int, at: int, left: int) -> None:
    assert prorated(amount, 0, MONTH, at) == left


@given(st.integers(0, 10**9), st.integers(0, MONTH))
def test_a_credit_and_what_was_used_are_what_was_paid(amount: int, at: int) -> None:
    left = prorated(amount, 0, MONTH, at)
    assert 0 <= left <= amount
    # The half of a minor unit goes away from zero on either side, so the two may differ from the whole by one.
    assert 0 <= prorated(amount, 0, MONTH, MONTH - at) + left - amount <= 1


@pytest.mark.parametrize(
    ("amounts", "coupons", "off"),
    [
        ([4_900, 3_000], [coupon(percent_off=20.0)], [[980, 600]]),
        ([333, 333, 334], [coupon(percent_off=33.33)], [[111, 111, 111]]),
        ([100, 100, 100], [coupon(amount_off=100, currency="usd")], [[34, 33, 33]]),
        ([100], [coupon(amount_off=500, currency="usd")], [[100]]),
        ([100], [coupon(amount_off=50, currency="eur")], [[0]]),
        ([1_000], [coupon(percent_off=50.0), coupon(amount_off=100, currency="usd")], [[500], [100]]),
        ([1_000, -400, 0], [coupon(percent_off=10.0)], [[100, 0, 0]]),
        ([-400], [coupon(percent_off=10.0)], [[0]]),
    ],
)
def test_discounts_are_to_the_minor_unit(
    amounts: list[int], coupons: list[dict[str, Any]], off: list[list[int]]
) -> None:
    assert discounted(amounts, coupons, "usd") == off


@given(
    st.lists(st.integers(-(10**6), 10**6), max_size=8),
    st.lists(st.integers(1, 10_000).map(lambda hundredths: coupon(percent_off=hundredths / 100)), max_size=3),
)
def test_a_discount_never_takes_more_than_there_is(amounts: list[int], coupons: list[dict[str, Any]]) -> None:
    rows = discounted(amounts, coupons, "usd")
    for number, amount in enumerate(amounts):
        assert 0 <= sum(row[number] for row in rows) <= max(amount, 0)


def test_tax_is_on_top_or_within() -> None:
    on_top = taxed(4_900, {"percentage": 19.0, "inclusive": False})
    within = taxed(4_900, {"percentage": 19.0, "inclusive": True})
    assert (on_top.amount, on_top.within) == (931, False)
    assert (within.amount, within.within) == (4_900 - 4_118, True)


@pytest.mark.parametrize(
    ("amount", "currency", "taken"),
    [(4_900, "usd", 172), (100_000, "eur", 2_930), (4_900, "jpy", 142), (10, "usd", 10)],
)
def test_fees(amount: int, currency: str, taken: int) -> None:
    assert fee(amount, currency) == taken


def test_metered_prices_and_tiers() -> None:
    cents = {"billing_scheme": "per_unit", "unit_amount_decimal": "0.25"}
    assert [tiered(cents, units) for units in (0, 1, 2, 1_000)] == [0, 0, 1, 250]
    tiers = [
        {"up_to": 10, "unit_amount": 5, "flat_amount": None},
        {"up_to": None, "unit_amount": 3, "flat_amount": 100},
    ]
    graduated = {"billing_scheme": "tiered", "tiers_mode": "graduated", "_tiers": tiers}
    volume = {**graduated, "tiers_mode": "volume"}
    assert [tiered(graduated, units) for units in (0, 10, 12)] == [0, 50, 156]
    assert [tiered(volume, units) for units in (0, 10, 12)] == [0, 50, 136]


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_months_begin_on_the_day_of_the_anchor_or_the_last_there_is() -> None:
    anchor = moment("2026-01-31 10:00")
    days = [datetime.fromtimestamp(after(anchor, "month", number), UTC).day for number in range(14)]
    assert days == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 28]
    assert after(moment("2028-02-29 00:00"), "year", 1) == moment("2029-02-28 00:00")
    assert after(anchor, "week", 2) - anchor == 14 * 86_400


@given(
    st.integers(moment("2024-01-01 00:00"), moment("2027-12-31 00:00")),
    st.sampled_from(["day", "week", "month", "year"]),
    st.integers(1, 3),
    st.integers(0, 400 * 86_400),
)
def test_a_cycle_ends_at_the_first_moment_of_the_rhythm_after_its_start(
    anchor: int, interval: str, count: int, later: int
) -> None:
    start = anchor + later
    end = cycle_end(anchor, interval, count, start)
    assert end > start
    rhythm = [after(anchor, interval, number * count) for number in range(420)]
    assert end == next(one for one in rhythm if one > start)
