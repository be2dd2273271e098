"""What each ratio comes to from what stands beside it: worked out here, exactly, as the texts about the columns say.

A formula takes the columns that it is named for. What has nothing to divide by comes to nothing, and so does what is
divided by less than nothing: a loss by a loss is no profit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

from application.ports.analytics import Column

Number = int | Fraction | None
_WITHOUT_CENTS: Final = {"JPY"}
_CLOSE: Final = 1e-6


def over(above: Number, below: Number) -> Fraction | None:
    """The one over the other."""
    return None if above is None or below is None or below <= 0 else Fraction(above) / below


def percent(above: Number, below: Number) -> Fraction | None:
    """How many hundredths the one is of the other."""
    rate = over(above, below)
    return None if rate is None else 100 * rate


def _earned(mrr: int, customers: int, margin: int, revenue: int) -> Fraction | None:
    """What a customer leaves a month: ARPA x gross margin."""
    each, share = over(mrr, customers), over(margin, revenue)
    return None if each is None or share is None else each * share


def _worth(*parts: int) -> Fraction | None:
    """What a customer leaves before it leaves: that by churn a month."""
    *earning, lost, months = parts
    return over(_earned(*earning), over(lost, months))


def _cost(cac_told: str, acquisition: int, new_customers: int) -> Fraction | None:
    """What it cost to win a customer; where the row says that it cannot be told, nobody knows."""
    return over(acquisition, new_customers) if cac_told == "told" else None


def _payback(cac_told: str, acquisition: int, new_customers: int, *earning: int) -> Fraction | None:
    """After how many months a customer has left what it cost to win."""
    return over(_cost(cac_told, acquisition, new_customers), _earned(*earning))


def _worth_to_cost(cac_told: str, *parts: int) -> Fraction | None:
    """What a customer is worth by what it cost to win."""
    *worth, acquisition, new_customers = parts
    return over(_worth(*worth), _cost(cac_told, acquisition, new_customers))


def _actual(
    numerator: int | None, denominator: int | None, unit: str, currency: str | None
) -> Fraction | None:
    """In the unit, which is a currency where it is money: in its major units then."""
    came = over(numerator, 1 if denominator is None else denominator)
    if came is None:
        return None
    if unit == "percent":
        return 100 * came
    return came / 100 if unit == currency and unit not in _WITHOUT_CENTS else came


def _variance(
    actual: float | None, comparison: str | None, target: str | None, target_to: str | None, status: str
) -> Fraction | None:
    """How much more or less it is than it should be."""
    if actual is None or target is None or status == "unit_differs":
        return None
    came, low = Fraction(actual), Fraction(target)
    high = Fraction(target_to) if comparison == "range" and target_to is not None else low
    return max(came - high, Fraction(0)) if came >= low and comparison == "range" else came - low


FORMULAS: Final[Mapping[str, tuple[Callable[..., Fraction | None], tuple[str, ...]]]] = {
    "gross_churn": (percent, ("gross_lost", "start_mrr")),
    "net_churn": (percent, ("net_lost", "start_mrr")),
    "nrr": (percent, ("cohort_mrr", "start_mrr")),
    "grr": (percent, ("cohort_capped", "start_mrr")),
    "logo_retention": (percent, ("customers_kept", "customers")),
    "quick_ratio": (over, ("gained", "gross_lost")),
    "mrr_kept": (percent, ("mrr", "began_with")),
    "logos_kept": (percent, ("paying", "customers")),
    "gross_margin": (percent, ("margin", "revenue")),
    "customer_churn": (percent, ("customers_lost", "customer_months")),
    "arpa": (over, ("mrr", "customers")),
    "ltv": (_worth, ("mrr", "customers", "margin", "revenue", "customers_lost", "customer_months")),
    "cac": (_cost, ("cac_told", "acquisition", "new_customers")),
    "cac_payback": (
        _payback,
        ("cac_told", "acquisition", "new_customers", "mrr", "customers", "margin", "revenue"),
    ),
    "ltv_to_cac": (
        _worth_to_cost,
        (
            "cac_told",
            *("mrr", "customers", "margin", "revenue", "customers_lost", "customer_months"),
            *("acquisition", "new_customers"),
        ),
    ),
    "actual": (_actual, ("numerator", "denominator", "unit", "currency")),
    "variance": (_variance, ("actual", "comparison", "target", "target_to", "status")),
}
"""By the name of a ratio's column: its formula, and the columns that it takes."""


def parts_of(name: str, columns: Mapping[str, Column]) -> set[str]:
    """The measures that a ratio is made of, by its formula: a ratio in it is what that one is made of."""
    found = set[str]()
    for one in FORMULAS[name][1]:
        if one in FORMULAS:
            found |= parts_of(one, columns)
        elif columns[one].kind == "measure":
            found.add(one)
    return found


def worked_out(name: str, row: Mapping[str, Any]) -> Fraction | None:
    """What a ratio comes to, by what stands beside it."""
    formula, takes = FORMULAS[name]
    return formula(*(row[one] for one in takes))


def comes_to(column: Column, row: Mapping[str, Any]) -> bool:
    """Whether a ratio in a row is what it comes to; an amount is whole, rounded once."""
    told, expected = row[column.name], worked_out(column.name, row)
    if told is None or expected is None:
        return told is expected
    if column.unit == "minor units":
        return isinstance(told, int) and abs(told - expected) <= Fraction(1, 2) + Fraction(_CLOSE)
    return math.isclose(told, expected, rel_tol=_CLOSE, abs_tol=_CLOSE)
