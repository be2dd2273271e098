"""MRR in one currency: worked by hand, its working shown, what is missing, what a corrected rate does, whose it is."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import pytest

from application.ports.analytics import InvalidParameters
from projections.finance.profiles import PROFILES
from projections.olap.difference import run_difference
from projections.olap.query import run_events_behind, run_report
from tests.support.converted_model import record
from tests.support.events import History
from tests.support.mrr_histories import Told, moment, plan, terms
from tests.unit.olap.test_ingest import World

IN_ONE: Final = "mrr_in_one_currency"
MEASURES: Final = ("start_mrr", "new", "expansion", "reactivation", "contraction", "churn", "fx", "end_mrr")
TO: Final = {"to": "2025-05-31"}


def on(month: int, day: int) -> Any:
    return moment(date(2025, month, day), 9)


@pytest.fixture
def worked() -> Told:
    """EUR 100.00 and USD 50.00 come in March, and yen 10,000 in April; in May the euros go down and the yen leave."""
    told = Told()
    told.tell(on(3, 5), terms(items=[plan(10_000)], currency="EUR"), subscription=1)
    told.tell(on(3, 6), terms(items=[plan(5_000)]), subscription=2)
    told.tell(on(4, 2), terms(items=[plan(10_000)], currency="JPY"), subscription=3)
    told.tell(on(5, 2), terms(items=[plan(4_000)], currency="EUR"), subscription=1)
    told.tell(on(5, 20), terms("canceled", currency="JPY", ended_at=on(5, 20)), subscription=3)
    for base, quote, day, rate in (
        ("EUR", "USD", date(2025, 3, 5), "1.10"),  # position 6
        ("EUR", "USD", date(2025, 3, 31), "1.20"),
        ("USD", "JPY", date(2025, 4, 1), "150"),
        ("USD", "EUR", date(2025, 4, 28), "0.8"),  # the other way round: 1.25
        ("JPY", "USD", date(2025, 4, 30), "0.008"),  # position 10
        ("EUR", "USD", date(2025, 5, 2), "1.15"),
        ("JPY", "USD", date(2025, 5, 15), "0.007"),
        ("EUR", "USD", date(2025, 5, 30), "1.00"),
    ):
        record(told.history, base, quote, day, rate)
    return told


def seen(opened: list[World], *told: Told) -> World:
    world = World(*(one.history for one in told))
    opened.append(world)
    world.catch_up()
    assert world.projector.health().poisoned == {}
    return world


def asked(world: World, told: Told, name: str = IN_ONE, **given: object) -> list[dict[str, Any]]:
    report = run_report(world.store.writing, name, told.history.tenant_id, {"currency": "USD", **TO, **given})
    return [dict(zip(report.columns, row, strict=True)) for row in report.rows]


def behind(world: World, told: Told, cell: dict[str, Any], name: str = IN_ONE) -> dict[int, int]:
    con, whose = world.store.writing, told.history.tenant_id
    given = {"currency": "USD", **TO}
    return dict(run_events_behind(con, name, whose, cell, given, after=0, limit=1_000).events)


@pytest.mark.parametrize(
    ("base", "quote", "of", "said", "told"),
    [
        ("EUR", "USD", "EUR", "10000000", 10**18),
        ("USD", "EUR", "EUR", "0.0000001", 10**18),
        ("KWD", "JPY", "KWD", "10000000", 10**15),
        ("JPY", "KWD", "JPY", "0.0000001", 10**7),
        ("JPY", "KWD", "KWD", "0.0000001", 10**15),
    ],
)
def test_a_billion_at_the_widest_rate_that_is_taken_is_told(
    opened: list[World], base: str, quote: str, of: str, said: str, told: int
) -> None:
    history = Told()
    history.tell(on(3, 31), terms(items=[plan(10**11)], currency=of), subscription=1)
    record(history.history, base, quote, date(2025, 3, 31), said)
    into = quote if of == base else base
    (row,) = asked(seen(opened, history), history, currency=into, to="2025-03-31")
    assert (row["lacks"], row["end_mrr"]) == (None, told)


def test_worked_by_hand(opened: list[World], worked: Told) -> None:
    rows = asked(seen(opened, worked), worked)
    assert [(row["period"], row["lacks"], *(row[one] for one in MEASURES)) for row in rows] == [
        # EUR 100.00 at 1.10, USD 50.00; then 1.20: 10.00 more.
        (date(2025, 3, 1), None, 0, 11_000, 5_000, 0, 0, 0, 1_000, 17_000),
        # 10,000 yen at 150 to the dollar are 66.67; euros at 1.25: 5.00 more; yen at 0.008: 80.00, 13.33 more.
        (date(2025, 4, 1), None, 17_000, 0, 6_667, 0, 0, 0, 1_833, 25_500),
        # Euros at 1.15: -10.00, and 60.00 of them leave: 69.00; yen at 0.007: -10.00, 70.00 leave; EUR 40.00 at 1.00.
        (date(2025, 5, 1), None, 25_500, 0, 0, 0, 6_900, 7_000, -2_600, 9_000),
    ]


def test_what_rates_did_opens_to_the_rates_and_the_balances_that_they_moved(
    opened: list[World], worked: Told
) -> None:
    world = seen(opened, worked)
    april: dict[str, Any] = {"period": "2025-04-01", "currency": "USD", "lacks": None}
    assert behind(world, worked, {**april, "measure": "fx"}) == {9: 500, 10: 1_333}
    assert behind(world, worked, {**april, "measure": "expansion"}) == {3: 6_667}
    assert behind(world, worked, {**april, "measure": "end_mrr"}) == {
        1: 11_000,
        2: 5_000,
        7: 1_000,
        3: 6_667,
        9: 500,
        10: 1_333,
    }
    lines = asked(world, worked, "mrr_conversions", **{"from": "2025-04-01", "to": "2025-04-30"})
    assert [
        (
            row["changed_on"].day,
            row["from_currency"],
            row["kind"],
            row["rate"],
            row["rate_on"].day,
            row["amount"],
        )
        for row in lines
    ] == [
        (2, "JPY", "expansion", "1 USD = 150 JPY", 1, 6_667),
        (28, "EUR", "fx", "1 USD = 0.8 EUR", 28, 500),
        (30, "JPY", "fx", "1 JPY = 0.008 USD", 30, 1_333),
    ]
    assert [row["balance"] for row in lines] == [None, 12_000, 6_667]
    euros = {key: str(value) if key == "changed_on" else value for key, value in lines[1].items()}
    cell = {one: euros[one] for one in euros if one not in ("amount", "balance", "rate_on")}
    moved = {**cell, "rate_on": "2025-04-28", "measure": "balance"}
    assert behind(world, worked, moved, "mrr_conversions") == {1: 11_000, 7: 1_000}


def test_the_lines_of_a_period_are_its_figures(opened: list[World], worked: Told) -> None:
    world = seen(opened, worked)
    for profile in PROFILES:
        rows = asked(world, worked, profile=profile)
        lines = asked(world, worked, "mrr_conversions", profile=profile)
        for kind in MEASURES[1:-1]:
            sign = -1 if kind in ("contraction", "churn") else 1
            of_kind = sum(line["amount"] for line in lines if line["kind"] == kind)
            assert sum(row[kind] for row in rows) == sign * of_kind, (profile, kind)


def test_without_a_term_of_its_own_a_subscription_keeps_its_rate(opened: list[World], worked: Told) -> None:
    rows = asked(seen(opened, worked), worked, profile="chartmogul-1")
    assert [tuple(row[one] for one in MEASURES) for row in rows] == [
        (0, 11_000, 5_000, 0, 0, 0, 0, 16_000),
        (16_000, 0, 6_667, 0, 0, 0, 0, 22_667),
        # 60.00 of the euros go at 1.10, at which they came; so do the yen.
        (22_667, 0, 0, 0, 13_267, 0, 0, 9_400),
    ]


def test_a_figure_is_rounded_once(opened: list[World]) -> None:
    """Three thirds of a cent are a cent: a movement is what the rounded balance moves by."""
    told = Told()
    for number in range(1, 4):
        told.tell(on(3, number), terms(items=[plan(1)], currency="EUR"), subscription=number)
    told.tell(on(4, 1), terms("canceled", currency="EUR", ended_at=on(4, 1)), subscription=1)
    for month in (3, 4):
        record(told.history, "EUR", "USD", date(2025, month, 1), "0.333333333")
        record(told.history, "EUR", "USD", date(2025, month, 29), "0.333333333")
    world = seen(opened, told)
    days = asked(world, told, grain="day", to="2025-03-03")
    assert [(row["new"] + row["expansion"], row["fx"], row["end_mrr"]) for row in days] == [
        (0, 0, 0),
        (1, 0, 1),
        (0, 0, 1),
    ]
    (_, april) = asked(world, told, to="2025-04-05")
    assert (april["start_mrr"], april["contraction"], april["fx"], april["end_mrr"]) == (1, 0, 0, 1)


def test_a_rate_that_is_missing_is_named_and_nothing_is_made_up(opened: list[World]) -> None:
    told = Told()
    told.tell(on(3, 5), terms(items=[plan(10_000)], currency="EUR"))
    told.tell(on(3, 6), terms(items=[plan(5_000)]), subscription=2)
    record(told.history, "EUR", "USD", date(2025, 4, 23), "1.10")
    record(told.history, "EUR", "GBP", date(2025, 3, 5), "0.85")
    world = seen(opened, told)
    rows = asked(world, told)
    assert [(row["period"].month, row["lacks"]) for row in rows] == [
        (3, "no rate of EUR in USD on 2025-03-05"),
        (4, "no rate of EUR in USD on 2025-03-31"),
        (5, "no rate of EUR in USD on 2025-05-31"),
    ]
    assert all(row[one] is None for row in rows for one in MEASURES)
    for measure in MEASURES:
        for lacks in (rows[0]["lacks"], None):
            cell = {"period": "2025-03-01", "currency": "USD", "lacks": lacks, "measure": measure}
            assert behind(world, told, cell) == {}
    # A week is not too old; eight days are.
    assert [row["lacks"] for row in asked(world, told, **{"from": "2025-04-24", "to": "2025-04-30"})] == [
        None
    ]
    (late,) = asked(world, told, **{"from": "2025-05-01", "to": "2025-05-01"})
    assert late["lacks"] == "no rate of EUR in USD on 2025-05-01"
    # What was there before the first rate is no movement: it is taken over at that rate.
    (taken,) = [line for line in asked(world, told, "mrr_conversions") if line["kind"] == "opening"]
    assert (taken["changed_on"], taken["amount"]) == (date(2025, 4, 23), 11_000)


def test_where_all_is_in_the_currency_no_rate_is_needed(opened: list[World]) -> None:
    told = Told()
    told.tell(on(3, 5), terms())
    (row,) = asked(seen(opened, told), told, to="2025-03-31")
    assert (row["lacks"], row["new"], row["fx"], row["end_mrr"]) == (None, 4_900, 0, 4_900)


def test_a_corrected_rate_is_the_event_that_moved_the_figures(opened: list[World], worked: Told) -> None:
    before = len(worked.history.events)
    corrected = record(worked.history, "EUR", "USD", date(2025, 3, 31), "1.21").position
    world = seen(opened, worked)
    con, whose = world.store.writing, worked.history.tenant_id
    told = run_difference(con, IN_ONE, whose, {"currency": "USD", **TO}, first=before, last=corrected)
    found = {
        (cell.cell["period"], one.measure): (one.difference, [by.event.position for by in one.moved_by])
        for cell in told.cells
        for one in cell.measures
    }
    assert found == {
        ("2025-03-01", "fx"): (100, [corrected]),
        ("2025-03-01", "end_mrr"): (100, [corrected]),
        ("2025-04-01", "start_mrr"): (100, [corrected]),
        ("2025-04-01", "fx"): (-100, [corrected]),
    }
    assert all(
        sum(by.after - by.before for by in one.events) == one.difference
        for cell in told.cells
        for one in cell.measures
    )
    assert asked(world, worked, at_position=before)[0]["fx"] == 1_000
    assert asked(world, worked)[0]["fx"] == 1_100


def test_rates_of_one_tenant_are_none_of_another(opened: list[World], worked: Told) -> None:
    other = Told(History())
    other.tell(on(3, 5), terms(items=[plan(10_000)], currency="EUR"))
    world = seen(opened, worked, other)
    assert [row["lacks"] for row in asked(world, other, to="2025-03-31")] == [
        "no rate of EUR in USD on 2025-03-05"
    ]
    assert asked(world, worked)[0]["end_mrr"] == 17_000


@pytest.mark.parametrize("currency", [None, "usd", "EURO", "XXX", ""])
def test_the_currency_is_asked_for(opened: list[World], worked: Told, currency: str | None) -> None:
    world = seen(opened, worked)
    given = {} if currency is None else {"currency": currency}
    for name in (IN_ONE, "mrr_conversions"):
        with pytest.raises(InvalidParameters) as refused:
            run_report(world.store.writing, name, worked.history.tenant_id, given)
        assert [pointer for pointer, _ in refused.value.problems] == ["/currency"]
