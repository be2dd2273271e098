"""The money of invoices: prorations to the second, discounts over lines, tax. Pure, in minor units."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from domain.kernel.money import CURRENCIES, allotted, rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

Json = dict[str, Any]


def prorated(amount: int, start: int, end: int, at: int) -> int:
    """What of an amount for `start` to `end` falls on the time from `at` on."""
    if at <= start:
        return amount
    if at >= end:
        return 0
    return rounded(amount * (end - at), end - start)


def discounted(amounts: Sequence[int], coupons: Sequence[Json], currency: str) -> list[list[int]]:
    """What each coupon takes off each amount, one row a coupon; amounts of 0 and below are left alone.

    Each takes from what those before it left; a percentage is of the sum and is rounded once.
    """
    left = [max(amount, 0) for amount in amounts]
    taken = []
    for coupon in coupons:
        whole = sum(left)
        if coupon["percent_off"] is not None:
            hundredths = int(Decimal(str(coupon["percent_off"])) * 100)
            off = rounded(whole * hundredths, 10_000)
        elif coupon["currency"] == currency:
            off = min(int(coupon["amount_off"]), whole)
        else:
            off = 0
        row = list(allotted(off, left)) if whole else [0] * len(left)
        left = [before - less for before, less in zip(left, row, strict=True)]
        taken.append(row)
    return taken


@dataclass(frozen=True, slots=True)
class Taxed:
    """A tax on an amount. `within`: it is part of the amount already."""

    amount: int
    within: bool


def taxed(amount: int, rate: Json) -> Taxed:
    """The tax of a rate on an amount after discounts."""
    thousandths = int(Decimal(str(rate["percentage"])) * 1000)
    if rate["inclusive"]:
        return Taxed(amount - rounded(amount * 100_000, 100_000 + thousandths), within=True)
    return Taxed(rounded(amount * thousandths, 100_000), within=False)


def fee(amount: int, currency: str) -> int:
    """What the fake takes of a payment: 2.9 % and 30 hundredths, as Stripe's list price of cards in the USA."""
    fixed: int = 30 * 10 ** CURRENCIES[currency.upper()] // 100
    return min(amount, rounded(amount * 29, 1000) + fixed)


def tiered(price: Json, units: int) -> int:
    """What a number of units costs by a price, per unit or in tiers."""
    if price["billing_scheme"] == "per_unit":
        return rounded(int(Decimal(str(price["unit_amount_decimal"])) * 10**12) * units, 10**12)
    tiers = price["_tiers"]
    if price["tiers_mode"] == "volume":
        tier = next(one for one in tiers if one["up_to"] is None or units <= one["up_to"])
        return int(tier["unit_amount"] or 0) * units + int(tier["flat_amount"] or 0 if units else 0)
    cost, before = 0, 0
    for tier in tiers:
        top = units if tier["up_to"] is None else min(units, tier["up_to"])
        if top > before:
            cost += int(tier["unit_amount"] or 0) * (top - before) + int(tier["flat_amount"] or 0)
            before = top
    return cost
