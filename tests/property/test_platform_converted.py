"""Any customers in three currencies under any rates of the platform: the SQL's figures are those of the definition."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.kernel.ids import PLATFORM
from projections.finance.profiles import PROFILES, Profile
from projections.olap.platform.query import run_platform_events, run_platform_report
from tests.property.test_converted_mrr import BEGIN, CODES, COLUMNS, balances, lived
from tests.support.converted_model import Rates, Recorded, converted, record, whole
from tests.support.events import History
from tests.support.mrr_histories import Told
from tests.support.mrr_model import Customer, Movements
from tests.support.platform_model import rows_by
from tests.unit.olap.test_ingest import World

IN_ONE = "mrr_in_one_currency"
DAYS = {"from": "2025-01-01", "to": "2025-06-30"}
MONTHS = [date(2025, month, 1) for month in range(1, 8)]


def together(customers: list[Told], profile: Profile) -> Movements:
    """Movements of all: what the logs' own order says of a day is nobody's; under a term each day's kind is one."""
    found: Counter[Any] = Counter()
    for number, told in enumerate(customers):
        for (day, kind, currency, subscription, position), amount in (
            Customer(told.tellings).movements(profile).items()
        ):
            if profile.fx == "term":
                found[day, kind, currency, "", 0] += amount
            else:
                found[day, kind, currency, f"{number} {subscription}", position] += amount
    return dict(found)


def platform(chance: random.Random, often: int, *, each_day: bool) -> tuple[History, list[Recorded]]:
    history, rates = History(tenant_id=PLATFORM), list[Recorded]()
    for _ in range(often):
        base, quote = chance.sample(CODES, 2)
        rate = f"{chance.choice((0.0071, 0.93, 1.08, 154.25)) * chance.uniform(0.9, 1.1):.7f}"
        rates.append(record(history, base, quote, BEGIN + timedelta(days=chance.randrange(130)), rate))
    for number in range(170 if each_day else 0):
        for base, quote, about in (("EUR", "USD", 1.08), ("USD", "JPY", 151.2), ("JPY", "EUR", 0.0061)):
            rate = f"{about * chance.uniform(0.95, 1.05):.9f}"
            rates.append(record(history, base, quote, BEGIN + timedelta(days=number - 5), rate))
    return history, rates


def asked(world: World, **parameters: Any) -> list[dict[str, Any]]:
    report = run_platform_report(world.store.writing, IN_ONE, {**DAYS, **parameters})
    return [dict(zip(report.columns, row, strict=True)) for row in report.rows]


def assert_opens(world: World, row: dict[str, Any], parameters: dict[str, Any]) -> None:
    cell = {name: row[name] for name in ("period", "currency", "lacks")}
    for measure in COLUMNS:
        given_ = {**DAYS, **parameters}
        found = run_platform_events(
            world.store.writing, IN_ONE, {**cell, "measure": measure}, given_, after=None, limit=100_000
        )
        assert sum(place.weight for place in found.events) == (row[measure] or 0), (measure, cell)
        if measure == "fx":
            assert {place.tenant_id for place in found.events} <= {PLATFORM}, "rates are the platform's"


def assert_as_defined(
    world: World, customers: list[Told], rates: list[Recorded], currency: str, opened: int
) -> int:
    """Each month's figures under each profile; in how many of them rates did something."""
    moved = 0
    for profile in PROFILES.values():
        movements = together(customers, profile)
        began = min((day for day, *_ in movements), default=date.max)
        months = [(first, after - timedelta(days=1)) for first, after in pairwise(MONTHS) if after > began]
        expected = list(converted(movements, Rates(rates, currency), profile, months))
        parameters = {"currency": currency, "profile": profile.id}
        rows = asked(world, **parameters)
        assert len(rows) == len(expected), parameters
        for row, figures, (first, last) in zip(rows, expected, months, strict=True):
            assert (row["period"], row["currency"]) == (first, currency)
            if isinstance(figures, tuple):
                day, code = figures
                assert row["lacks"] == f"no rate of {code} in {currency} on {day}", (parameters, first)
                assert {row[name] for name in COLUMNS} == {None}
                continue
            assert row["lacks"] is None
            assert {name: row[name] for name in COLUMNS} == figures, (parameters, first)
            assert balances(row), (parameters, first)
            moved += row["fx"] != 0
            if profile.fx == "term":
                assert row["end_mrr"] == told_by_currency(world, profile, Rates(rates, currency), first, last)
        for row in rows[:: max(1, len(rows) // opened)] if opened else ():
            assert_opens(world, row, parameters)
    return moved


def told_by_currency(world: World, profile: Profile, rates: Rates, first: date, last: date) -> int:
    """What `mrr` says of each currency, times the day's rate."""
    report = run_platform_report(world.store.writing, "mrr", {**DAYS, "profile": profile.id})
    shown = rows_by(report.columns, report.rows, "period", "currency")
    return sum(
        whole(row["end_mrr"] * (rates.at(currency, last) or 0))
        for (period, currency), row in shown.items()
        if period == first
    )


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**64),
    customers=st.integers(1, 5),
    often=st.integers(0, 60),
    currency=st.sampled_from(CODES),
)
def test_any_customers_are_converted_by_the_platforms_rates(
    seed: int, customers: int, often: int, currency: str
) -> None:
    chance = random.Random(seed)
    # Each has rates of its own, which convert nothing here, and closes months, which move nothing by effective days.
    told = [lived(chance, 130, 1)[0] for _ in range(customers)]
    history, rates = platform(chance, often, each_day=chance.random() < 0.4)
    world = World(*(one.history for one in told), history)
    try:
        world.catch_up()
        assert world.projector.health().poisoned == {}
        assert_as_defined(world, told, rates, currency, opened=0)
    finally:
        world.store.close()


@pytest.mark.parametrize("currency", CODES)
def test_with_a_rate_each_day_nothing_is_missing_and_everything_opens(currency: str) -> None:
    chance = random.Random(f"platform/{currency}")
    told = [lived(chance, 100, 1)[0] for _ in range(4)]
    history, rates = platform(chance, 0, each_day=True)
    world = World(*(one.history for one in told), history)
    try:
        world.catch_up()
        assert assert_as_defined(world, told, rates, currency, opened=2) >= 4, (
            "rates moved too little to tell"
        )
    finally:
        world.store.close()
