"""All customers together: worked figures, what is refused, and files that grew as they are filled."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.ports.analytics import InvalidParameters, UnknownReport
from application.ports.platform import Place
from application.ports.positions import Position
from domain.kernel.ids import PLATFORM
from projections.olap.platform.query import run_platform_events, run_platform_report, run_vector
from projections.olap.platform.reports import PLATFORM_REPORTS
from projections.olap.query import run_report
from tests.support.events import History
from tests.support.finance_told import Moneys
from tests.support.mrr_histories import Told, moment, plan, terms
from tests.support.platform_model import Business, rows_by
from tests.support.required import required_of_all
from tests.unit.olap.test_ingest import World

JAN, FEB, MAR = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)


def seen(opened: list[World], *histories: History) -> World:
    opened.append(World(*histories))
    return opened[-1].catch_up()


def asked(world: World, name: str, *keys: str, **parameters: Any) -> dict[Any, dict[str, Any]]:
    report = run_platform_report(world.store.writing, name, parameters)
    return rows_by(report.columns, report.rows, *keys)


def worked() -> list[History]:
    """Two customers at $100 a month in January, one of whom goes in February; a third comes then at $200.

    The first two paid $310 for January together; the platform's server costs $62 and its marketing $120.
    """
    one, two, three = Told(), Told(), Told()
    for told in (one, two):
        told.tell(moment(JAN), terms(items=[plan(10_000)]))
        Moneys(told.history).invoice(15_500, JAN, FEB)
        # What a customer enters as a cost of its own is none of the platform's.
        Moneys(told.history, number=5).cost(99_999, JAN, date(2026, 1, 31))
    two.tell(moment(date(2026, 2, 10)), terms("canceled", items=[plan(10_000)], ended_at=moment(FEB)))
    three.tell(moment(date(2026, 2, 20)), terms(items=[plan(20_000)]))
    platform = Moneys(History(tenant_id=PLATFORM))
    platform.cost(6_200, JAN, date(2026, 1, 31), approximate=True)
    platform.cost(12_000, date(2026, 2, 5), date(2026, 2, 5), category="marketing")
    return [one.history, two.history, three.history, platform.history]


def test_the_worked_figures_of_all_customers(opened: list[World]) -> None:
    world = seen(opened, *worked())
    mrr = asked(world, "mrr", "period", "currency", to="2026-02-28")
    assert {key: row["end_mrr"] for key, row in mrr.items()} == {(JAN, "USD"): 20_000, (FEB, "USD"): 30_000}
    february = mrr[FEB, "USD"]
    assert (february["start_mrr"], february["new"], february["churn"]) == (20_000, 20_000, 10_000)
    assert (february["change"], february["growth"]) == (10_000, 50.0)
    rates = asked(world, "churn_rates", "period", "currency")[FEB, "USD"]
    assert (rates["gross_churn"], rates["nrr"], rates["grr"], rates["logo_retention"]) == (50, 50, 50, 50)
    people = asked(world, "customers", "period")[FEB]
    assert [people[name] for name in ("at_start", "came", "went", "customers", "kept")] == [2, 1, 1, 2, 1]
    margin = asked(world, "margin", "period", "currency")[JAN, "USD"]
    assert (margin["revenue"], margin["cost"], margin["margin"]) == (31_000, 6_200, 24_800)
    assert (margin["gross_margin"], margin["accuracy"], margin["estimated"]) == (80, "approximate", 6_200)
    # A quarter: $150 each, 80 % of it earned, one of the 2 + 2 + 2 customers of its months lost, marketing for three.
    unit = asked(world, "unit_economics", "period", "currency", grain="quarter")[JAN, "USD"]
    assert (unit["mrr"], unit["customers"], unit["arpa"]) == (30_000, 2, 15_000)
    assert (unit["customer_months"], unit["customers_lost"], unit["new_customers"]) == (4, 1, 3)
    assert (unit["ltv"], unit["cac"]) == (48_000, 4_000)
    assert unit["cac_payback"] == pytest.approx(4_000 / 12_000)
    assert unit["ltv_to_cac"] == pytest.approx(12)


def test_what_it_cost_to_win_customers_is_not_known_before_marketing_is_entered(opened: list[World]) -> None:
    *customers, books = worked()
    assert books.events.pop().name == "costs.cost_entered"
    Moneys(books, number=9).cost(500, FEB, FEB, category="marketing", currency="EUR")
    world = seen(opened, *customers, books)
    unit = asked(world, "unit_economics", "period", "currency", grain="quarter")[JAN, "USD"]
    assert (unit["new_customers"], unit["acquisition"]) == (3, 0)
    assert unit["cac_told"] == "cannot be told: no marketing spend was entered"
    assert {unit[figure] for figure in ("cac", "cac_payback", "ltv_to_cac")} == {None}
    told = asked(world, "scorecard", "period", "metric", "currency", grain="quarter")
    for metric in ("cac", "cac_payback", "ltv_to_cac"):
        assert (JAN, metric, "USD") not in told
    assert told[JAN, "ltv", "USD"]["actual"] == 480


def test_a_gross_margin_of_all_customers_is_one_figure_to_its_last_digit(opened: list[World]) -> None:
    customer, books = worked()[0], worked()[-1]
    Moneys(customer, number=9).invoice(77_000, JAN, FEB)
    world = seen(opened, customer, books)
    margin, unit = (
        asked(world, name, "period", "currency")[JAN, "USD"] for name in ("margin", "unit_economics")
    )
    assert margin["gross_margin"] == unit["gross_margin"] == 100.0 * margin["margin"] / margin["revenue"]


def test_a_loss_on_revenue_that_went_back_is_no_margin_of_the_platform(opened: list[World]) -> None:
    histories = worked()
    moneys = Moneys(histories[0], number=9)
    moneys.refund(moneys.invoice(10_000, JAN, FEB), 422, FEB, net=422)
    Moneys(histories[-1], number=9).cost(47_161, FEB, FEB)
    world = seen(opened, *histories)
    margin, row = (
        asked(world, name, "period", "currency")[FEB, "USD"] for name in ("margin", "unit_economics")
    )
    for one in (margin, row):
        assert (one["revenue"], one["margin"], one["gross_margin"]) == (-422, -47_583, None)
    assert row["customers_lost"] > 0
    assert row["ltv_told"] == "cannot be told: more revenue went back than came"
    assert {row[figure] for figure in ("ltv", "cac_payback", "ltv_to_cac")} == {None}
    told = asked(world, "scorecard", "period", "metric", grain="month")
    for metric in ("gross_margin", "ltv", "cac_payback", "ltv_to_cac"):
        assert (told[FEB, metric]["actual"], told[FEB, metric]["status"]) == (None, "nothing_to_divide_by")


def test_a_scorecard_sets_the_platforms_targets_beside_all_customers(opened: list[World]) -> None:
    histories = worked()
    for metric, unit, value, segment in (
        ("mrr", "USD", "250", None),
        ("active_customers", "customers", "600", None),
        ("ltv_to_cac", "ratio", "3", None),
        ("cac", "USD", "150", "agencies"),
    ):
        target = {"metric": metric, "period_kind": "quarter", "period": "2026-Q1", "segment": segment}
        aim = {"target_id": str(uuid4()), "comparison": "at_least", "value": value, "unit": unit}
        histories[-1].happen("finance.target_set", {**target, **aim})
    # A customer's own target is no target of the platform.
    own = {"target_id": str(uuid4()), "metric": "arr", "period_kind": "standing", "period": None}
    histories[0].happen("finance.target_set", {**own, "comparison": "at_least", "value": "1", "unit": "USD"})
    world = seen(opened, *histories)
    card = asked(world, "scorecard", "metric", "segment", to="2026-03-31", **{"from": "2026-01-01"})
    told = {key: (row["actual"], row["target"], row["status"]) for key, row in card.items()}
    assert told["mrr", None] == (300.0, "250", "attained_so_far")
    assert told["active_customers", None] == (2.0, "600", "not_attained_yet")
    assert told["ltv_to_cac", None] == (pytest.approx(12), "3", "attained_so_far")
    assert told["cac", "agencies"] == (None, "150", "not_by_segment")
    assert told["cac", None] == (40.0, None, "no_target")
    assert told["arr", None] == (3_600.0, None, "no_target")
    assert told["ltv", None] == (480.0, None, "no_target")
    assert told["gross_margin", None] == (80.0, None, "no_target")
    assert told["team_members", None] == (None, None, "of_each_customer")
    assert told["nps", None] == (None, None, "not_built")


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_told_of_all_is_the_sum_of_what_is_told_to_each(opened: list[World], seed: int) -> None:
    business = Business(seed, 8)
    world = seen(opened, *business.histories)
    last_day = business.moments()[-1].date()
    for name, measures in (
        ("mrr", ("start_mrr", "new", "expansion", "reactivation", "contraction", "churn", "end_mrr")),
        ("churn_rates", ("cohort_mrr", "cohort_capped", "customers", "customers_kept")),
        ("unit_economics", ("customer_months", "customers_lost", "new_customers", "customers")),
        ("margin", ("revenue",)),
    ):
        sums: dict[Any, list[int]] = {}
        for one in business.customers:
            given = {"from": "2024-01-01", "to": str(last_day)}
            report = run_report(world.store.writing, name, one.history.tenant_id, given)
            for key, row in rows_by(report.columns, report.rows, "period", "currency").items():
                before = sums.setdefault(key, [0] * len(measures))
                sums[key] = [so_far + row[measure] for so_far, measure in zip(before, measures, strict=True)]
        shown = asked(world, name, "period", "currency")
        for key in {*sums, *shown}:
            row = shown.get(key, {})
            assert [row.get(measure, 0) for measure in measures] == sums.get(key, [0] * len(measures)), key


def test_a_file_that_grew_is_one_that_was_filled(opened: list[World]) -> None:
    business = Business(3, 6)
    whole = {history.tenant_id: list(history.events) for history in business.histories}
    filled = seen(opened, *business.histories)
    assert filled.rows("SELECT count(*) > 10 FROM customer_period") == [(True,)]
    assert filled.rows("SELECT count(*) > 3 FROM revenue_month") == [(True,)]
    for history in business.histories:
        history.events[:] = whole[history.tenant_id][:1]
    grown = seen(opened, *business.histories)
    for part in (3, 7, 8, None):
        for history in business.histories:
            history.events[:] = whole[history.tenant_id][:part]
        grown.catch_up()
    assert grown.facts() == filled.facts()
    for name in PLATFORM_REPORTS:
        given = required_of_all(name)
        assert run_platform_report(grown.store.writing, name, given) == run_platform_report(
            filled.store.writing, name, given
        )


def test_a_log_that_is_read_anew_takes_its_part_along(opened: list[World]) -> None:
    histories = worked()
    world = seen(opened, *histories)
    gone = histories.pop(2)
    world.source.epochs[gone.tenant_id] = 2
    gone.events[:] = gone.events[:0]
    gone.happen("tenancy.tenant_opened", {}, version=2)
    world.histories = (*histories, gone)
    world.catch_up()
    assert asked(world, "mrr", "period")[FEB]["end_mrr"] == 10_000
    assert asked(world, "customers", "period")[FEB]["customers"] == 1


def test_a_customer_of_two_currencies_is_one_customer(opened: list[World]) -> None:
    told = Told()
    told.tell(moment(JAN), terms(items=[plan(10_000)]))
    told.tell(moment(FEB), terms(items=[plan(9_000)], currency="EUR"), subscription=2)
    world = seen(opened, told.history)
    assert asked(world, "customers", "period")[FEB]["customers"] == 1
    rates = asked(world, "churn_rates", "period", "currency")
    assert {key[1] for key in rates if key[0] == MAR} == {"USD", "EUR"}


def test_nothing_is_told_where_nothing_is_known(opened: list[World]) -> None:
    world = seen(opened, History())
    for name in PLATFORM_REPORTS:
        report = run_platform_report(world.store.writing, name, required_of_all(name))
        assert (report.rows, report.standing.tenants, report.standing.as_of) == ((), 0, None), name
    with pytest.raises(InvalidParameters, match="there are none yet"):
        run_platform_report(world.store.writing, "mrr", {"at_time": "2026-01-01T00:00:00Z"})


@pytest.mark.parametrize(
    ("parameters", "pointer"),
    [
        ({"at_time": "2026-03-02T00:00:00"}, "/at_time"),
        ({"at_time": "2036-03-02T00:00:00Z"}, "/at_time"),
        ({"at_time": "soon"}, "/at_time"),
        ({"at_time": "1999"}, "/at_time"),
        ({"at_time": "1700000000"}, "/at_time"),
        ({"at_time": "0001-01-01T00:00:00+14:00"}, "/at_time"),
        ({"at_time": "9999-12-31T23:59:59-14:00"}, "/at_time"),
        ({"from": "2026-02-01", "to": "2026-01-01"}, "/to"),
        ({"grain": "week"}, "/grain"),
        ({"profile": "baremetrics-1"}, "/profile"),
        ({"tenant_id": str(PLATFORM)}, "/tenant_id"),
    ],
)
def test_what_a_report_does_not_take_is_named(
    opened: list[World], parameters: dict[str, str], pointer: str
) -> None:
    world = seen(opened, *worked())
    with pytest.raises(InvalidParameters) as refused:
        run_platform_report(world.store.writing, "mrr", parameters)
    assert [told[0] for told in refused.value.problems] == [pointer]
    assert parameters[pointer[1:]] not in str(refused.value)


@pytest.mark.parametrize(
    ("cell", "pointer"),
    [
        ({"period": "2026-01-01", "currency": "USD", "measure": "growth"}, "/cell/measure"),
        ({"period": "2026-01-01", "currency": "USD", "measure": "love"}, "/cell/measure"),
        ({"period": "January", "currency": "USD"}, "/cell/period"),
        ({"period": "2026-01-01", "currency": 1}, "/cell/currency"),
        ({"period": "2026-01-01"}, "/cell"),
    ],
)
def test_a_cell_that_is_none_is_named(opened: list[World], cell: dict[str, Any], pointer: str) -> None:
    world = seen(opened, *worked())
    with pytest.raises(InvalidParameters) as refused:
        run_platform_events(world.store.writing, "mrr", cell, {}, after=None, limit=10)
    assert [told[0] for told in refused.value.problems] == [pointer]


def test_there_is_no_other_report(opened: list[World]) -> None:
    with pytest.raises(UnknownReport):
        run_platform_report(seen(opened, *worked()).store.writing, "contacts_by_segment", {})


def test_events_and_positions_come_page_by_page(opened: list[World]) -> None:
    histories = worked()
    con = seen(opened, *histories).store.writing
    cell = {"period": "2026-02-01", "currency": "USD", "measure": "end_mrr"}
    places: list[Place] = []
    after = None
    while True:
        page = run_platform_events(con, "mrr", cell, {}, after=after, limit=1)
        places += page.events
        if not page.more:
            break
        after = (page.events[-1].tenant_id, page.events[-1].position)
    assert sum(place.weight for place in places) == 30_000
    assert [place.tenant_id for place in places] == sorted(place.tenant_id for place in places)
    assert len(places) == len(set(places)) == 4
    stood: list[tuple[UUID, Position]] = []
    behind = None
    while True:
        vector = run_vector(con, {}, after=behind, limit=3)
        stood += vector.positions
        if not vector.more:
            break
        behind = vector.positions[-1][0]
    assert {tenant: position.n for tenant, position in stood} == {
        history.tenant_id: len(history.events) for history in histories
    }


def test_a_moment_is_of_any_zone(opened: list[World]) -> None:
    world = seen(opened, *worked())
    utc = datetime(2026, 3, 1, 14, tzinfo=UTC)
    there, here = (
        run_platform_report(world.store.writing, "activity", {"at_time": text})
        for text in ("2026-03-01T16:00:00+02:00", utc.isoformat())
    )
    assert there == here
    assert there.standing.as_of == utc


@pytest.mark.parametrize("day", ["1999-12-31", "2100-01-01", "9999-12-31"])
def test_days_out_of_our_time_are_refused_before_periods_are_made(opened: list[World], day: str) -> None:
    """As many as there are months until the year 9999 took all the memory that the file has."""
    con = seen(opened, *worked()).store.writing
    for end in ("from", "to"):
        with pytest.raises(InvalidParameters) as refused:
            run_platform_report(con, "scorecard", {end: day, "grain": "month"})
        assert refused.value.problems[0][0] == f"/{end}"
        with pytest.raises(InvalidParameters) as refused:
            run_report(con, "scorecard", PLATFORM, {end: day, "grain": "month"})
        assert refused.value.problems[0][0] == f"/{end}"
    assert run_report(con, "scorecard", PLATFORM, {"to": "2099-12-31", "grain": "month"}).truncated
