"""Why figures of all customers differ between two moments: named events, and nothing left over."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from application.ports.analytics import InvalidParameters
from application.ports.differences import TooMuchToExplain
from application.ports.platform_differences import CellOfAll, DifferenceOfAll
from projections.olap.platform.difference import run_platform_difference
from projections.olap.platform.query import run_platform_report
from projections.olap.platform.reports import PLATFORM_REPORTS
from tests.property.test_converted_mrr import lived
from tests.property.test_platform_converted import platform
from tests.support.events import History
from tests.support.finance_told import Moneys
from tests.support.mrr_histories import Told, moment, plan, terms
from tests.support.platform_model import Business, rows_by
from tests.support.required import required_of_all
from tests.unit.olap.test_ingest import World
from tests.unit.olap.test_platform import FEB, JAN, MAR, seen, worked
from tests.unit.olap.test_scorecard import aim


def differ(world: World, name: str, first: datetime, last: datetime | None, **given: Any) -> DifferenceOfAll:
    return run_platform_difference(world.store.writing, name, given, first=first, last=last)


def everything(
    world: World, name: str, first: datetime, last: datetime | None, given: dict[str, Any]
) -> list[CellOfAll]:
    """The cells of all pages."""
    found: list[CellOfAll] = []
    after = 0
    while True:
        page = run_platform_difference(
            world.store.writing, name, given, first=first, last=last, after=after, limit=20
        )
        found += page.cells
        if page.next_after is None:
            assert len(found) == page.differing
            return found
        after = page.next_after


def assert_explained(
    world: World, business_vector: Any, name: str, moments: tuple[datetime, datetime | None], **given: Any
) -> int:
    """Each figure that differs does so by what its events weigh; and what differs is all there."""
    first, last = moments
    given = {**required_of_all(name), **given}
    cells = everything(world, name, first, last, given)
    columns = PLATFORM_REPORTS[name].info.columns
    measures = [column.name for column in columns if column.kind == "measure"]
    sums = PLATFORM_REPORTS[name].sums
    keys = [
        column.name
        for column in columns
        if column.kind == "dimension"
        and (column.name in ("period", "currency") if sums else not column.tells)
    ]
    shown = []
    for at in (first, last):
        report = run_platform_report(
            world.store.writing, name, {**given, **({} if at is None else {"at_time": at})}
        )
        rows = [dict(zip(report.columns, row, strict=True)) for row in report.rows]
        shown.append(
            {tuple(None if row[key] is None else str(row[key]) for key in keys): row for row in rows}
        )
        assert len(shown[-1]) == len(rows)
    before, after = business_vector(first), None if last is None else business_vector(last)
    looked_at = 0
    for cell in cells:
        key = tuple(cell.cell[name] for name in keys)
        old, new = (one.pop(key, {}) for one in shown)
        told = {one.measure for one in cell.measures} | {one.measure for one in cell.not_summed}
        assert told == {one for one in measures if old.get(one) != new.get(one)}, (name, key)
        for one in cell.measures:
            assert (one.before, one.after) == (old.get(one.measure), new.get(one.measure))
            assert one.difference == (one.after or 0) - (one.before or 0), (name, key, one.measure)
            weighed = sum(event.after - event.before for event in one.events)
            assert weighed + one.left_out_weight == one.difference, (name, key, one.measure)
            for event in one.events:
                assert event.before != event.after
                there = event.position <= before.get(event.tenant_id, 0)
                assert (event.arrived == "before") is there
                assert there or event.before == 0, "it was not there yet"
                assert after is None or event.position <= after[event.tenant_id]
            looked_at += 1
    # What is left differs in nothing.
    for key in {*shown[0], *shown[1]}:
        old, new = (one.get(key, {}) for one in shown)
        assert [old.get(one) for one in measures] == [new.get(one) for one in measures], (name, key)
    return looked_at


def opened_one(history: History) -> None:
    """A workspace more."""
    history.happen("tenancy.workspace_created", {"workspace_id": str(uuid4())}, version=2)


@pytest.mark.parametrize("name", PLATFORM_REPORTS)
def test_any_two_moments_are_explained_with_nothing_left_over(opened: list[World], name: str) -> None:
    business = Business(11, 5)
    for one in business.customers:
        opened_one(one.history)
    world, moments = seen(opened, *business.histories), business.moments()
    assert world.projector.health().poisoned == {}
    takes = PLATFORM_REPORTS[name].info.parameters["properties"]
    given: dict[str, Any] = {"grain": "quarter"} if "grain" in takes else {}
    if name == "mrr_bridge":
        given["by"] = "customer"
    if name == "cohorts":
        given["to"] = "2024-09-30"
    eighths = [(3, 5), (5, 8)]
    if name == "scorecard":
        given["grain"] = "year"
        eighths.pop()  # so many metrics that two moments are enough
    looked_at = 0
    for first, last in eighths:
        between = (
            moments[len(moments) * first // 8],
            None if last == 8 else moments[len(moments) * last // 8],
        )
        looked_at += assert_explained(world, business.vector, name, between, **given)
    assert looked_at > 1 or name == "mrr_in_one_currency", "it has a test of its own"


@pytest.mark.parametrize("profile", ["stripe-1", "chartmogul-1"])
def test_converted_figures_are_explained_by_tellings_and_by_rates(opened: list[World], profile: str) -> None:
    chance = random.Random(f"differences/{profile}")
    told = [lived(chance, 100, 1)[0] for _ in range(4)]
    history, _ = platform(chance, 0, each_day=True)
    logs = [*(one.history for one in told), history]
    world = seen(opened, *logs)

    def vector(at: datetime) -> dict[Any, int]:
        return {
            log.tenant_id: sum(event.recorded_at <= at for event in log.events)
            for log in logs
            if log.events[0].recorded_at <= at
        }

    # An hour lies between two events of a log: all rates of the first days, and some tellings.
    first = min(log.events[0].recorded_at for log in logs) + timedelta(hours=8)
    given = {"currency": "EUR", "profile": profile, "from": "2025-01-01", "to": "2025-06-30"}
    assert assert_explained(world, vector, "mrr_in_one_currency", (first, None), **given) > 5


def test_late_news_is_told_apart(opened: list[World]) -> None:
    told = Told()
    told.tell(moment(JAN), terms(items=[plan(10_000)]))
    first = told.history.events[-1].recorded_at
    told.tell(moment(date(2026, 2, 10)), terms(items=[plan(15_000)]))
    told.tell(moment(date(2026, 3, 20)), terms(items=[plan(10_000)]), subscription=2)
    world = seen(opened, told.history)
    found = differ(world, "mrr", first, None, **{"from": "2026-02-01", "to": "2026-02-28"})
    (cell,) = found.cells
    assert cell.cell == {"period": "2026-02-01", "currency": "USD"}
    (end,) = (one for one in cell.measures if one.measure == "end_mrr")
    (event,) = end.events
    assert (event.name, event.effective_on, event.arrived) == (
        "billing.subscription_reported",
        date(2026, 2, 10),
        "late",
    )
    assert (event.before, event.after, end.difference) == (0, 5_000, 5_000)
    assert {one.measure for one in cell.not_summed} == {"growth"}
    assert found.first.digest != found.last.digest
    assert found.first.as_of == first


def test_what_was_there_and_weighs_something_else_is_told_as_such(opened: list[World]) -> None:
    """What was a step of $50 in March is one of $30 once it is known that $20 of it came in February."""
    told = Told()
    told.tell(moment(JAN), terms(items=[plan(10_000)]))
    told.tell(moment(MAR), terms(items=[plan(15_000)]))
    first = told.history.events[-1].recorded_at
    told.tell(moment(FEB), terms(items=[plan(12_000)]))
    world = seen(opened, told.history)
    (cell,) = differ(world, "mrr", first, None, **{"from": "2026-03-01", "to": "2026-03-31"}).cells
    events = {
        one.measure: [(event.position, event.arrived, event.before, event.after) for event in one.events]
        for one in cell.measures
    }
    assert events == {
        "start_mrr": [(3, "late", 0, 2_000)],
        "expansion": [(2, "before", 5_000, 3_000)],
        "change": [(2, "before", 5_000, 3_000)],
    }


@pytest.mark.parametrize(
    ("given", "moments", "pointer"),
    [
        ({"at_time": "2026-03-02T00:00:00Z"}, ("2026-03-01T13:00:00Z", None), "/at_time"),
        ({}, (None, None), "/from_time"),
        ({}, ("soon", None), "/from_time"),
        ({}, ("2026-03-01T13:00:00", None), "/from_time"),
        ({}, ("2036-03-01T13:00:00Z", None), "/from_time"),
        ({}, ("2026-03-01T13:00:00Z", "2036-03-01T13:00:00Z"), "/to_time"),
        ({}, ("2026-03-01T13:00:00Z", "2026-03-01T13:00:00Z"), "/to_time"),
        ({"grain": "week"}, ("2026-03-01T13:00:00Z", None), "/grain"),
    ],
)
def test_what_is_no_question_is_named(
    opened: list[World], given: dict[str, Any], moments: tuple[Any, Any], pointer: str
) -> None:
    con = seen(opened, *worked()).store.writing
    with pytest.raises(InvalidParameters) as refused:
        run_platform_difference(con, "mrr", given, first=moments[0], last=moments[1])
    assert [told[0] for told in refused.value.problems] == [pointer]


def test_a_scorecard_is_explained_whatever_its_figures_stand_beside(opened: list[World]) -> None:
    """MRR comes to $50 more, beside three targets: one stays attained, one is attained by it, one is set since."""
    histories = worked()
    books, customer = histories[-1], Told(histories[0])
    for number, value in enumerate(("150", "420", "500")):
        aim(books, number, "mrr", value, unit="USD")
    first = books.events[-2].recorded_at
    customer.tell(moment(date(2026, 2, 25)), terms(items=[plan(25_000)]))
    world = seen(opened, *histories)
    cells = differ(world, "scorecard", first, None, metric="mrr").cells
    told = {}
    for cell in cells:
        (one,) = cell.measures
        assert sum(event.after - event.before for event in one.events) == one.difference
        assert {other.measure for other in cell.not_summed} == {"actual", "variance"}
        told[cell.cell["target"], cell.cell["status"]] = one.measure, one.before, one.after, one.difference
    assert told == {
        ("150", "attained_so_far"): ("numerator", 40_000, 45_000, 5_000),
        ("420", "not_attained_yet"): ("numerator", 40_000, None, -40_000),
        ("420", "attained_so_far"): ("numerator", None, 45_000, 45_000),
        ("500", "not_attained_yet"): ("numerator", None, 45_000, 45_000),
    }
    (worth,) = differ(world, "scorecard", first, None, metric="ltv").cells
    assert not worth.measures, "it opens where its parts stand"
    assert [other.measure for other in worth.not_summed] == ["actual"]
    of_all = [cell for cell in differ(world, "scorecard", first, None).cells if cell.measures]
    assert {cell.cell["metric"] for cell in of_all} >= {"mrr", "arr", "arpa", "expansion"}


def test_a_figure_that_could_not_be_told_before_differs_by_all_that_it_is_made_of(
    opened: list[World],
) -> None:
    """Three customers were won before any marketing was entered: neither part of CAC was told, and both are now."""
    *customers, books = worked()
    assert books.events.pop().name == "costs.cost_entered"
    aim(books, 1, "cac", "100", unit="USD", comparison="at_most")
    first = max(one.events[-1].recorded_at for one in (*customers, books))
    while books.events[-1].recorded_at <= first:
        opened_one(books)
    Moneys(books, number=9).cost(12_000, JAN, JAN, category="marketing")
    world = seen(opened, *customers, books)
    (cell,) = differ(world, "scorecard", first, None, metric="cac", grain="quarter").cells
    assert [(one.measure, one.before, one.after, one.difference) for one in cell.measures] == [
        ("numerator", None, 12_000, 12_000),
        ("denominator", None, 3, 3),
    ]
    for one in cell.measures:
        assert sum(event.after - event.before for event in one.events) == one.difference


def test_no_more_is_asked_once_it_has_taken_too_long(opened: list[World]) -> None:
    histories = worked()
    world = seen(opened, *histories)
    with pytest.raises(TooMuchToExplain):
        run_platform_difference(
            world.store.writing, "mrr", {}, first=histories[0].events[0].recorded_at, last=None, seconds=0
        )
    report = run_platform_report(world.store.writing, "mrr", {})
    assert rows_by(report.columns, report.rows, "period", "currency")[FEB, "USD"]["end_mrr"] == 30_000
