"""The reports of MRR: worked examples, every figure opened, bridges, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from application.ports.analytics import InvalidParameters
from projections.finance.profiles import PROFILES, Switch, bridge, read_profiles
from projections.olap.query import run_events_behind, run_report
from projections.olap.reports import REPORTS
from tests.support.mrr_histories import Told, lives, metered, moment, percent, plan, terms
from tests.support.mrr_model import Customer
from tests.unit.olap.test_ingest import World

NAMES = ("mrr", "mrr_changes", "mrr_per_subscription", "arr", "churn_rates", "cohorts", "mrr_bridge")
MARCH, APRIL, MAY = date(2025, 3, 1), date(2025, 4, 1), date(2025, 5, 1)


def on(month: int, day: int, hour: int = 9) -> Any:
    return moment(date(2025, month, day), hour)


def seen(opened: list[World], *told: Told) -> World:
    world = World(*(one.history for one in told))
    opened.append(world)
    world.catch_up()
    return world


def asked(world: World, told: Told, name: str, **parameters: object) -> list[dict[str, Any]]:
    given = {key.removesuffix("_"): value for key, value in parameters.items()}
    report = run_report(world.store.writing, name, told.history.tenant_id, given)
    return [dict(zip(report.columns, row, strict=True)) for row in report.rows]


def behind(
    world: World, told: Told, name: str, cell: dict[str, Any], **parameters: object
) -> tuple[tuple[int, int], ...]:
    given = {key.removesuffix("_"): value for key, value in parameters.items()}
    return run_events_behind(
        world.store.writing, name, told.history.tenant_id, cell, given, after=0, limit=1_000
    ).events


@pytest.fixture
def worked() -> Told:
    """$100 at the start; two subscriptions go down by $10 in all, one by $10 to nothing, another comes up by $10."""
    told = Told()
    told.tell(on(3, 5), terms(items=[plan(5_000)]), subscription=1)
    told.tell(on(3, 6), terms(items=[plan(4_000)]), subscription=2)
    told.tell(on(3, 7), terms(items=[plan(1_000)]), subscription=3)
    told.tell(on(4, 5), terms(items=[plan(4_000)]), subscription=1)
    told.tell(on(4, 6), terms("canceled", ended_at=on(4, 6)), subscription=3)
    told.tell(on(4, 7), terms(items=[plan(5_000)]), subscription=2)
    return told


def test_the_worked_example_of_churn(opened: list[World], worked: Told) -> None:
    world = seen(opened, worked)
    (april,) = asked(world, worked, "churn_rates", from_="2025-04-01", to="2025-04-30")
    assert (april["start_mrr"], april["contraction"], april["churn"], april["expansion"]) == (
        10_000,
        1_000,
        1_000,
        1_000,
    )
    assert (april["gross_churn"], april["net_churn"]) == (20.0, 10.0)
    assert (april["gross_lost"], april["net_lost"]) == (2_000, 1_000)
    assert (april["nrr"], april["grr"], april["logo_retention"]) == (90.0, 90.0, 100.0)
    assert april["quick_ratio"] == 0.5


def test_a_year_of_2000_dollars(opened: list[World]) -> None:
    told = Told()
    told.tell(on(3, 5), terms(items=[plan(200_000, "year")]))
    world = seen(opened, told)
    (row,) = asked(world, told, "arr", from_="2025-03-01", to="2025-03-31")
    assert (row["mrr"], row["arr"]) == (16_667, 200_004)


def test_mrr_by_month_week_and_day(opened: list[World], worked: Told) -> None:
    world = seen(opened, worked)
    rows = asked(world, worked, "mrr", to="2025-05-31")
    assert [tuple(row.values()) for row in rows] == [
        (MARCH, "USD", 0, 5_000, 5_000, 0, 0, 0, 10_000),
        (APRIL, "USD", 10_000, 0, 1_000, 0, 1_000, 1_000, 9_000),
        (MAY, "USD", 9_000, 0, 0, 0, 0, 0, 9_000),
    ]
    assert len(asked(world, worked, "mrr", to="2025-05-31", grain="day")) == 88
    weeks = asked(world, worked, "mrr", from_="2025-03-05", to="2025-03-16", grain="week")
    assert [row["period"] for row in weeks] == [date(2025, 3, 3), date(2025, 3, 10)]
    short = asked(world, worked, "mrr", from_="2025-04-06", to="2025-04-06")
    assert [tuple(row.values()) for row in short] == [
        (APRIL, "USD", 9_000, 0, 0, 0, 0, 1_000, 8_000),
    ]


def test_it_goes_to_the_day_of_the_last_event_unless_told_otherwise(opened: list[World]) -> None:
    """What a coupon's end will bring is no figure yet."""
    told = Told()
    told.tell(on(3, 5), terms(discounts=[percent(2_000, date(2026, 6, 1))]))
    world = seen(opened, told)
    last = told.history.events[-1].recorded_at.date()
    assert last < date(2026, 6, 1)
    kinds = [row["kind"] for row in asked(world, told, "mrr_changes", profile="chartmogul-1")]
    assert kinds == ["new"]
    later = asked(world, told, "mrr_changes", profile="chartmogul-1", to="2026-06-01")
    assert [(row["kind"], row["amount"]) for row in later] == [("new", 3_920), ("expansion", 980)]


def test_currencies_stand_apart(opened: list[World]) -> None:
    told = Told()
    told.tell(on(3, 5), terms())
    told.tell(on(3, 6), terms(items=[plan(7_000)], currency="JPY"), subscription=2)
    world = seen(opened, told)
    rows = asked(world, told, "mrr", to="2025-03-31")
    assert [(row["currency"], row["end_mrr"]) for row in rows] == [("JPY", 7_000), ("USD", 4_900)]


def test_cohorts_keep_their_customers(opened: list[World]) -> None:
    told = Told()
    told.tell(on(3, 5), terms())
    told.tell(on(4, 5), terms(items=[plan(9_800)]))
    told.tell(on(5, 5), terms("canceled", ended_at=on(5, 5)))
    world = seen(opened, told)
    rows = asked(world, told, "cohorts", to="2025-05-31")
    assert [(row["month"], row["mrr_kept"], row["logos_kept"]) for row in rows] == [
        (MARCH, 100.0, 100.0),
        (APRIL, 200.0, 100.0),
        (MAY, 0.0, 0.0),
    ]


def test_a_customer_is_of_the_month_in_which_it_began_and_of_none_that_was_undone(
    opened: list[World],
) -> None:
    """January was closed before it was known that nothing began in it: by posting dates it stays as it was closed."""
    told = Told()
    told.tell(on(1, 5), terms(), rank=1)
    told.close(date(2025, 1, 31))
    told.tell(on(1, 5), terms("incomplete"), rank=2)
    told.tell(on(3, 3), terms())
    world = seen(opened, told)

    def cohorts(dating: str) -> list[tuple[date, date, int, int, int]]:
        rows = asked(world, told, "cohorts", to="2025-04-30", dating=dating)
        return [
            (row["cohort"], row["month"], row["mrr"], row["began_with"], row["customers"]) for row in rows
        ]

    assert cohorts("effective") == [(MARCH, MARCH, 4_900, 4_900, 1), (MARCH, APRIL, 4_900, 4_900, 1)]
    january = date(2025, 1, 1)
    assert {(cohort, began_with) for cohort, _, _, began_with, _ in cohorts("posting")} == {(january, 4_900)}
    cell = {"cohort": "2025-03-01", "currency": "USD", "month": "2025-04-01"}
    for measure in ("mrr", "began_with"):
        found = behind(
            world, told, "cohorts", {**cell, "measure": measure}, to="2025-04-30", dating="effective"
        )
        assert found == ((4, 4_900),)


def test_grr_counts_no_more_than_what_was_paid_at_the_start(opened: list[World]) -> None:
    told = Told()
    told.tell(on(3, 5), terms())
    told.tell(on(4, 5), terms(items=[plan(9_800)]))
    world = seen(opened, told)
    (row,) = asked(world, told, "churn_rates", from_="2025-04-01", to="2025-04-30")
    assert (row["nrr"], row["grr"], row["quick_ratio"]) == (200.0, 100.0, None)


def test_who_comes_within_a_period_is_in_no_opening_cohort(opened: list[World]) -> None:
    told = Told()
    told.tell(on(3, 5), terms())
    world = seen(opened, told)
    (row,) = asked(world, told, "churn_rates", to="2025-03-31")
    assert (row["gross_churn"], row["nrr"], row["grr"], row["logo_retention"]) == (None,) * 4
    assert (row["customers"], row["cohort_mrr"], row["gained"]) == (0, 0, 4_900)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("parameters", [{}, {"at_position": 9}, {"dating": "posting"}])
def test_every_figure_opens_to_events_that_sum_to_it(
    opened: list[World], name: str, parameters: dict[str, object]
) -> None:
    whose = max(lives(3, 12), key=lambda told: len({telling.subscription for telling in told.tellings}))
    world = seen(opened, whose, *lives(4, 2))
    days = {"from": "2024-06-15", "to": "2025-02-10", **parameters}
    definition = REPORTS[name]
    columns = definition.info.columns
    dimensions = [column.name for column in columns if column.kind == "dimension"]
    rows = asked(world, whose, name, **days)
    assert rows
    counted = 0
    for row in (rows[0], rows[-1]) if parameters else (*rows[:3], *rows[-3:]):
        cell = {dimension: row[dimension] for dimension in dimensions}
        for measure in definition.opened:
            events = behind(world, whose, name, {**cell, "measure": measure}, **days)
            assert sum(weight for _, weight in events) == row[measure], (measure, cell)
            assert len({position for position, _ in events}) == len(events)
            counted += len(events)
        first = behind(world, whose, name, cell, **days)
        assert sum(weight for _, weight in first) == row[definition.opened[0]]
    assert counted


@pytest.mark.parametrize("name", ["mrr_changes", "mrr_per_subscription", "mrr_bridge"])
def test_a_cell_of_no_subscription_there_is_opens_to_nothing(
    opened: list[World], worked: Told, name: str
) -> None:
    """DuckDB's own words about what is no UUID repeat it, and are no answer to anybody."""
    world = seen(opened, worked)
    row = next(row for row in asked(world, worked, name) if row["subscription"] is not None)
    dimensions = [column.name for column in REPORTS[name].info.columns if column.kind == "dimension"]
    cell = {dimension: row[dimension] for dimension in dimensions}
    assert behind(world, worked, name, cell)
    assert behind(world, worked, name, {**cell, "subscription": "ada@example.org"}) == ()


def test_every_measure_opens_or_names_its_parts_and_has_its_nature() -> None:
    for name in NAMES:
        report = REPORTS[name]
        measures = {column.name: column for column in report.info.columns if column.kind == "measure"}
        assert all(column.nature is not None for column in measures.values())
        for column in measures.values():
            if column.nature == "ratio":
                assert set(column.parts) <= set(report.opened), column.name
                assert len(column.parts) == 2
            else:
                assert column.name in report.opened
        money = [column for column in measures.values() if column.unit == "minor units"]
        assert money
        assert "currency" in {column.name for column in report.info.columns}


def test_a_bridge_names_the_rule_of_each_difference(opened: list[World]) -> None:
    told = Told()
    told.tell(on(3, 1), terms(items=[plan(4_900), metered(700)]))
    told.tell(on(3, 20), terms(items=[plan(14_900)]), subscription=2)
    told.tell(
        on(4, 2),
        terms(items=[plan(4_900), metered(700)], discounts=[percent(1_000, date(2025, 6, 1))]),
    )
    told.tell(on(4, 10), terms("canceled", ended_at=on(4, 10), items=[plan(14_900)]), subscription=2)
    world = seen(opened, told)
    days = {"from": "2025-04-01", "to": "2025-04-30"}
    rows = asked(world, told, "mrr_bridge", profile="stripe-1", against="chartmogul-1", **days)
    lines = {(row["figure"], row["switch"], row["day"] and row["day"].day): row["amount"] for row in rows}
    assert lines == {
        ("start_mrr", "from", None): 19_800,
        ("start_mrr", "to", None): 19_800,
        ("contraction", "from", None): 0,
        ("contraction", "coupons", 2): 490,
        ("contraction", "unit", 10): 14_900,
        ("contraction", "to", None): 15_390,
        ("churn", "from", None): 14_900,
        ("churn", "unit", 10): -14_900,
        ("churn", "to", None): 0,
        ("end_mrr", "from", None): 4_900,
        ("end_mrr", "coupons", 2): -490,
        ("end_mrr", "to", None): 4_410,
    }
    assert [row["switch"] for row in rows if row["figure"] == "churn"] == ["from", "unit", "to"]
    used = asked(
        world, told, "mrr_bridge", profile="stripe-1", against="profitwell-1", figure="start_mrr", **days
    )
    assert [(row["switch"], row["amount"]) for row in used] == [
        ("from", 19_800),
        ("metered", 700),
        ("to", 20_500),
    ]


def test_every_rule_of_every_profile_is_named_on_the_way() -> None:
    named: set[Switch] = set()
    for start in PROFILES.values():
        for end in PROFILES.values():
            steps = bridge(start, end)
            reached = steps[-1][1] if steps else start
            assert all(getattr(reached, switch) == getattr(end, switch) for switch in Switch)
            named |= {switch for switch, _ in steps}
    assert named == set(Switch)


@pytest.mark.parametrize(
    ("name", "parameters", "pointer", "words"),
    [
        ("mrr", {"profile": "stripe-9"}, "/profile", "name one of stripe-1"),
        ("mrr", {"from": "2025-02-01", "to": "2025-01-01"}, "/to", "exchange"),
        ("mrr", {"grain": "hour"}, "/grain", "'day', 'week' or 'month'"),
        ("mrr", {"dating": "booking"}, "/dating", "'effective' or 'posting'"),
        ("mrr", {"at_position": -1}, "/at_position", "greater than or equal"),
        ("mrr_bridge", {"against": "stripe-1"}, "", "are the same"),
        ("mrr_bridge", {"figure": "profit"}, "/figure", "'end_mrr'"),
    ],
)
def test_what_is_no_question(
    opened: list[World], name: str, parameters: dict[str, object], pointer: str, words: str
) -> None:
    told = Told()
    world = seen(opened, told)
    with pytest.raises(InvalidParameters) as refused:
        asked(world, told, name, **parameters)
    ((found, problem),) = refused.value.problems
    assert found == pointer
    assert words in problem


def test_a_ratio_is_opened_by_its_parts(opened: list[World], worked: Told) -> None:
    world = seen(opened, worked)
    cell = {"period": "2025-04-01", "currency": "USD"}
    with pytest.raises(InvalidParameters, match="open what it is made of: gross_lost, start_mrr"):
        behind(world, worked, "churn_rates", {**cell, "measure": "gross_churn"})
    with pytest.raises(InvalidParameters, match="name one of start_mrr, new"):
        behind(world, worked, "churn_rates", {**cell, "measure": "profit"})
    with pytest.raises(InvalidParameters, match="name one of events"):
        behind(
            world,
            worked,
            "activity",
            {"day": MARCH, "context": "x", "actor_kind": "y", "measure": "other"},
        )


def test_two_profiles_of_one_id_are_refused() -> None:
    one = (
        '[[profiles]]\nid = "own-1"\nname = "Own"\nabout = "Own."\nstatuses = ["active"]\nmetered = false\n'
        'coupons = "all"\nchurn_at = "at_once"\nunit = "customer"\ngrouping_minutes = 0\nshort_stays = "counted"\n'
        'fx = "none"\nfacts = []\n'
    )
    assert list(read_profiles(one)) == ["own-1"]
    with pytest.raises(ValueError, match="another definition is another version"):
        read_profiles(one + one)
    with pytest.raises(ValueError, match="coupons"):
        read_profiles(one.replace('"all"', '"none"'))


def test_late_business_of_a_closed_month_is_posted_in_the_first_open_one(opened: list[World]) -> None:
    told = Told()
    told.tell(on(3, 5), terms())
    told.close(date(2025, 3, 31))
    told.tell(on(4, 5), terms(items=[plan(9_900)]))
    world = seen(opened, told)
    told.tell(on(3, 20), terms(items=[plan(5_900)]))
    world.catch_up()
    effective = asked(world, told, "mrr", to="2025-04-30", dating="effective")
    posted = asked(world, told, "mrr", to="2025-04-30")
    assert [row["end_mrr"] for row in effective] == [5_900, 9_900]
    assert [row["end_mrr"] for row in posted] == [4_900, 9_900]
    late = [
        row
        for row in asked(world, told, "mrr_changes", to="2025-04-30", dating="effective")
        if row["posted_on"] == APRIL
    ]
    assert [(row["effective_on"], row["kind"], row["amount"]) for row in late] == [
        (date(2025, 3, 20), "expansion", 1_000)
    ]
    before = asked(world, told, "mrr", to="2025-04-30", dating="posting", at_position=3)
    assert before[0] == posted[0]
    unlocked = asked(world, told, "mrr", to="2025-04-30", dating="posting", at_position=1)
    assert [row["end_mrr"] for row in unlocked] == [4_900, 4_900]


def test_the_plain_model_agrees_on_what_the_reports_say(opened: list[World]) -> None:
    customers = [told for told in lives(9, 6) if len(told.tellings) > 3]
    world = seen(opened, *customers)
    last = date(2025, 12, 31)
    for told in customers:
        for profile in PROFILES.values():
            walk = Customer(told.tellings).balances(profile)
            rows = asked(world, told, "mrr", to=str(last), profile=profile.id)
            assert rows or not any(any(held.values()) for _, held in walk)
            for row in rows:
                end = min((row["period"] + timedelta(days=31)).replace(day=1), last + timedelta(days=1))
                held: dict[str, int] = {}
                for at, balance in walk:
                    if at.date() < end:
                        held = balance
                assert row["end_mrr"] == held.get(row["currency"], 0)
                flow = row["new"] + row["expansion"] + row["reactivation"] - row["contraction"] - row["churn"]
                assert row["start_mrr"] + flow == row["end_mrr"]
