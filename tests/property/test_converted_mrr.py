"""Any subscriptions in three currencies under any rates: the SQL's figures are those of the definition."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.finance.profiles import PROFILES
from projections.olap.query import run_report
from tests.support.converted_model import Rates, Recorded, converted, record
from tests.support.events import History
from tests.support.mrr_histories import Told, moment, plan, terms
from tests.support.mrr_model import Customer, Movements, posted
from tests.unit.olap.test_ingest import World

BEGIN = date(2025, 1, 20)
UNTIL = date(2025, 5, 30)
CODES = ("USD", "EUR", "JPY")
AMOUNTS = (0, 1, 3, 50, 999, 4_900, 47_001)
COLUMNS = ("start_mrr", "new", "expansion", "reactivation", "contraction", "churn", "fx", "end_mrr")


def lived(chance: random.Random, days: int, often: int) -> tuple[Told, list[Recorded]]:
    """Tellings, rates and closings in any order; rates now and then corrected, or the other way round."""
    told, rates = Told(History(tenant_id=UUID(int=chance.getrandbits(128), version=4))), list[Recorded]()
    for _ in range(chance.randrange(3, 16)):
        day = BEGIN + timedelta(days=chance.randrange(days))
        status = chance.choice(("active", "active", "active", "canceled"))
        told.tell(
            moment(day, chance.randrange(24)),
            terms(
                status,
                [plan(chance.choice(AMOUNTS))],
                currency=chance.choice(CODES),
                ended_at=moment(day) if status == "canceled" else None,
            ),
            subscription=chance.randrange(1, 4),
        )
        for _ in range(often):
            base, quote = chance.sample(CODES, 2)
            rate = f"{chance.choice((0.0071, 0.93, 1.08, 154.25)) * chance.uniform(0.9, 1.1):.7f}"
            on = BEGIN + timedelta(days=chance.randrange(days))
            rates.append(record(told.history, base, quote, on, rate))
        if chance.random() < 0.1:
            closed = moment(BEGIN + timedelta(days=31 * chance.randrange(3))).date()
            told.close(None if chance.random() < 0.3 else closed)
    return told, rates


def periods_of(movements: Movements, grain: str) -> list[tuple[date, date]]:
    """The periods to the last day, from that of the first movement on: their first and last days."""
    day, found = date(2025, 1, 1), list[tuple[date, date]]()
    while day <= UNTIL:
        match grain:
            case "month":
                after = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            case "week":
                after = day + timedelta(days=7 - day.weekday())
            case _:
                after = day + timedelta(days=1)
        found.append((day, min(after - timedelta(days=1), UNTIL)))
        day = after
    began = min((day for day, *_ in movements), default=date.max)
    return [(first, last) for first, last in found if last >= began]


def assert_as_the_definition(
    world: World, told: Told, rates: list[Recorded], currency: str, grain: str
) -> int:
    """Each period's figures, under each profile and by both dates; in how many of them rates did something."""
    moved = 0
    for profile in PROFILES.values():
        for dating in ("effective", "posting"):
            movements = (
                Customer(told.tellings).movements(profile)
                if dating == "effective"
                else posted(told.tellings, told.closings, profile)
            )
            asked = {
                "currency": currency,
                "profile": profile.id,
                "dating": dating,
                "grain": grain,
                "from": "2025-01-01",
                "to": UNTIL.isoformat(),
            }
            found = run_report(world.store.writing, "mrr_in_one_currency", told.history.tenant_id, asked)
            rows: list[dict[str, Any]] = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
            periods = periods_of(movements, grain)
            expected = list(converted(movements, Rates(rates, currency), profile, periods))
            assert len(rows) == len(expected), asked
            for row, figures, (first, _) in zip(rows, expected, periods, strict=True):
                at = (asked, first)
                assert (max(str(row["period"]), "2025-01-01"), row["currency"]) == (str(first), currency), at
                if isinstance(figures, tuple):
                    day, code = figures
                    assert row["lacks"] == f"no rate of {code} in {currency} on {day}", at
                    assert {row[name] for name in COLUMNS} == {None}, at
                    continue
                assert {name: row[name] for name in COLUMNS} == figures, at
                assert row["lacks"] is None, at
                assert balances(row), at
                moved += row["fx"] != 0
            del asked["grain"]
            listed = run_report(world.store.writing, "mrr_conversions", told.history.tenant_id, asked)
            lines: list[dict[str, Any]] = [dict(zip(listed.columns, row, strict=True)) for row in listed.rows]
            names = ("changed_on", "from_currency", "kind", "subscription")
            assert len({tuple(line[name] for name in names) for line in lines}) == len(lines), asked
            if rows and not any(one["lacks"] for one in (rows[-1], *lines)):
                assert sum(line["amount"] for line in lines) == rows[-1]["end_mrr"], asked
    return moved


def balances(row: dict[str, Any]) -> bool:
    """Whether the identity holds."""
    added = sum(row[name] for name in ("start_mrr", "new", "expansion", "reactivation", "fx"))
    return bool(added - row["contraction"] - row["churn"] == row["end_mrr"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**64),
    days=st.sampled_from((20, 130)),
    often=st.integers(0, 12),
    currency=st.sampled_from(CODES),
    grain=st.sampled_from(("month", "month", "week")),
)
def test_any_history_is_converted_by_its_definition(
    seed: int, days: int, often: int, currency: str, grain: str
) -> None:
    told, rates = lived(random.Random(seed), days, often)
    world = World(told.history)
    try:
        world.catch_up()
        assert world.projector.health().poisoned == {}
        assert_as_the_definition(world, told, rates, currency, grain)
    finally:
        world.store.close()


def test_rates_of_each_day_do_something_in_many_periods() -> None:
    """With a rate of each pair each day nothing is missing, and what rates do is there to be seen."""
    chance, moved = random.Random(3), 0
    for currency, grain in zip(CODES, ("month", "week", "day"), strict=True):
        told, rates = lived(chance, 100, 0)
        for number in range(140):
            for pair in (("EUR", "USD", 1.08), ("USD", "JPY", 151.2), ("JPY", "EUR", 0.0061)):
                rate = f"{pair[2] * chance.uniform(0.95, 1.05):.9f}"
                rates.append(record(told.history, *pair[:2], BEGIN + timedelta(days=number), rate))
        world = World(told.history)
        world.catch_up()
        moved += assert_as_the_definition(world, told, rates, currency, grain)
        world.store.close()
    assert moved > 20, "rates moved too little to tell"
