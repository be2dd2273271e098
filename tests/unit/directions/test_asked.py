"""Series of reports' figures: whole periods, parts and windows; and their reading in a process of its own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from adapters.intake.aside import InChildren
from application.figures import days_named
from projections.directions.asked import (
    Figure,
    Together,
    figures,
    last_whole_day,
    measures_of,
    paces_of,
)
from projections.directions.reading import read
from projections.directions.series import Better, Pace, Series, UnitKind
from projections.olap.platform.reports import PLATFORM_REPORTS
from projections.olap.reports import REPORTS

MARGIN, COSTS, ACTIVITY = (REPORTS[name].info for name in ("margin", "costs_by_category", "activity"))
MONDAY = date(2026, 1, 5)


def weeks(count: int, **changed: Any) -> list[dict[str, Any]]:
    """Margins that fall by two points a week: each $1,000 costs $20 more."""
    return [
        {
            "period": MONDAY + timedelta(weeks=n),
            "currency": "USD",
            "accuracy": "exact",
            "revenue": 100_000,
            "cost": 20_000 + 2_000 * n + n % 3,
            "margin": 80_000 - 2_000 * n - n % 3,
            "acquisition": 0,
            **changed,
        }
        for n in range(count)
    ]


def measured(name: str, rows: list[dict[str, Any]], until: date, since: date | None = MONDAY) -> Figure:
    wanted = [one for one in measures_of(MARGIN) if one.name == name]
    (found,) = figures(MARGIN, rows, wanted, Pace.WEEK, since, until)
    return found


def test_which_reports_make_series() -> None:
    found = {
        name: [pace.value for pace in paces_of(one.info)]
        for name, one in REPORTS.items()
        if paces_of(one.info)
    }
    assert found == {
        "activity": ["week", "month"],
        "costs_by_category": ["month"],
        "costs_by_workspace": ["month"],
        "cost_variance": ["month"],
        "decisions": ["week", "month"],
        "dispatches": ["week", "month"],
        "opt_outs": ["week", "month"],
        "usage": ["month"],
        "mrr": ["week", "month"],
        "mrr_per_subscription": ["month"],
        "mrr_in_one_currency": ["week", "month"],
        "arr": ["week", "month"],
        "churn_rates": ["week", "month"],
        "margin": ["week", "month"],
        "unit_economics": ["month"],
    }


def test_which_reports_of_all_customers_make_series() -> None:
    found = {
        name: [pace.value for pace in paces_of(one.info)]
        for name, one in PLATFORM_REPORTS.items()
        if paces_of(one.info)
    }
    assert found == {
        "mrr": ["month"],
        "arr": ["month"],
        "churn_rates": ["month"],
        "customers": ["month"],
        "margin": ["month"],
        "unit_economics": ["month"],
        "trials": ["month"],
        "activity": ["week", "month"],
        "usage": ["month"],
        "mrr_in_one_currency": ["month"],
    }


def test_a_period_cut_short_is_left_out() -> None:
    rows, last = weeks(12), MONDAY + timedelta(weeks=12) - timedelta(days=1)
    assert len(measured("revenue", rows, last).series.points) == 12
    assert len(measured("revenue", rows, last - timedelta(days=1)).series.points) == 11
    for since in (None, MONDAY + timedelta(days=1)):
        assert len(measured("revenue", rows, last, since).series.points) == 11
    assert figures(MARGIN, rows, measures_of(MARGIN), Pace.WEEK, None, MONDAY) == []


def test_a_ratio_keeps_its_parts_and_one_below_zero_is_a_number() -> None:
    last = MONDAY + timedelta(weeks=12, days=-1)
    found = measured("gross_margin", weeks(12), last)
    assert (found.series.unit.kind, found.series.better) == (UnitKind.RATE, Better.HIGHER)
    assert [(one.numerator, one.denominator) for one in found.series.points][:2] == [
        (80_000, 100_000),
        (77_999, 100_000),
    ]
    below = measured("gross_margin", weeks(12, margin=-5_000, gross_margin=-5.0), last)
    assert (below.series.unit.kind, below.series.values[0]) == (UnitKind.NUMBER, -5.0)


def test_currencies_stand_apart_and_days_are_summed() -> None:
    rows: list[dict[str, Any]] = [
        {
            "month": date(2026, month, 1),
            "category": "server",
            "currency": currency,
            "accuracy": "exact",
            "amount": 7,
        }
        for month in (1, 2)
        for currency in ("USD", "EUR")
    ]
    found = figures(COSTS, rows, measures_of(COSTS), Pace.MONTH, date(2026, 1, 1), date(2026, 2, 28))
    assert [(one.currency, one.series.values) for one in found] == [("EUR", (7.0, 7.0)), ("USD", (7.0, 7.0))]
    days: list[dict[str, Any]] = [
        {"day": MONDAY + timedelta(days=n), "context": "audience", "actor_kind": "member", "events": 2}
        for n in (0, 3, 15)
    ]
    (told,) = figures(ACTIVITY, days, measures_of(ACTIVITY), Pace.WEEK, MONDAY, MONDAY + timedelta(days=20))
    assert told.series.values == (4.0, 0.0, 2.0)


def test_what_explains_a_sum_is_its_parts() -> None:
    rows: list[dict[str, Any]] = [
        {
            "month": date(2026, month, 1),
            "category": category,
            "currency": "USD",
            "accuracy": "exact",
            "amount": amount * month,
        }
        for month in range(1, 4)
        for category, amount in (("server", 3), ("ip", 1))
    ]
    (found,) = figures(COSTS, rows, measures_of(COSTS), Pace.MONTH, date(2026, 1, 1), date(2026, 3, 31))
    assert found.window is not None
    assert found.window.before == {"server": Fraction(3), "ip": Fraction(1)}
    assert found.window.after == {"server": Fraction(9), "ip": Fraction(3)}
    assert found.spans == ((date(2026, 1, 1), date(2026, 1, 31)), (date(2026, 3, 1), date(2026, 3, 31)))


def test_what_is_of_two_meters_is_two_figures() -> None:
    usage = REPORTS["usage"].info
    rows: list[dict[str, Any]] = [
        {"month": date(2026, month, 1), "meter": meter, "net": net, "taken": net, "released": 0}
        for month in range(1, 4)
        for meter, net in (("emails", 1000 * month), ("users", 1))
    ]
    wanted = [one for one in measures_of(usage) if one.name == "net"]
    found = figures(usage, rows, wanted, Pace.MONTH, date(2026, 1, 1), date(2026, 3, 31))
    assert [(one.of, one.series.values) for one in found] == [
        ("emails", (1000.0, 2000.0, 3000.0)),
        ("users", (1.0, 1.0, 1.0)),
    ]
    assert [one.window for one in found] == [None, None]
    assert [one["of"] for one in Together(tuple(found), "en", {})()] == ["emails", "users"]


def test_words_about_a_row_explain_no_change() -> None:
    """Why LTV cannot be told is no part of revenue."""
    report = REPORTS["unit_economics"].info
    rows: list[dict[str, Any]] = [
        {one.name: 0 for one in report.columns}
        | {
            "period": date(2026, month, 1),
            "currency": "USD",
            "ltv_told": "told" if month % 2 else "cannot be told: no churn yet",
            "cac_told": "told",
            "revenue": 100 * month,
        }
        for month in range(1, 7)
    ]
    wanted = [one for one in measures_of(report) if one.name == "revenue"]
    (found,) = figures(report, rows, wanted, Pace.MONTH, date(2026, 1, 1), date(2026, 6, 30))
    assert found.window is None


def test_what_a_row_cannot_tell_is_no_point_of_a_series() -> None:
    report = REPORTS["unit_economics"].info
    rows: list[dict[str, Any]] = [
        {one.name: 0 for one in report.columns}
        | {"period": date(2026, month, 1), "currency": "USD", "new_customers": 1}
        | {"cac": None if month < 3 else 0}
        for month in range(1, 7)
    ]
    wanted = [one for one in measures_of(report) if one.name == "cac"]
    (found,) = figures(report, rows, wanted, Pace.MONTH, date(2026, 1, 1), date(2026, 6, 30))
    assert [one.value for one in found.series.points] == [None, None, 0, 0, 0, 0]


def test_days_are_read_as_the_report_reads_them() -> None:
    assert days_named("2026-02-03") == (date(2026, 2, 3), date(2026, 2, 3))
    assert days_named("2026-02") == (date(2026, 2, 1), date(2026, 2, 28))
    assert days_named("1767225600") == (date(2026, 1, 1), date(2026, 1, 1))


def test_a_day_that_is_not_over_ends_no_period() -> None:
    noon = datetime(2026, 2, 1, 12, tzinfo=UTC)
    assert last_whole_day(noon, None) == date(2026, 1, 31)
    assert last_whole_day(noon, date(2026, 1, 20)) == date(2026, 1, 20)
    for to in (date(2026, 2, 1), date(2026, 12, 31)):
        assert last_whole_day(noon, to) == date(2026, 1, 31)


@pytest.mark.parametrize(
    ("language", "said"), [("en", "has been declining"), ("de", "Verschlechterung"), ("fr", "détérioration")]
)
def test_a_margin_that_falls_is_said_to(language: str, said: str) -> None:
    found = figures(
        MARGIN, weeks(24), measures_of(MARGIN), Pace.WEEK, MONDAY, MONDAY + timedelta(weeks=24, days=-1)
    )
    told = {one["measure"]: one for one in Together(tuple(found), language, {"gross_margin": "M"})()}
    margin = told["gross_margin"]
    assert margin["trend"]["direction"] == "declining"
    assert said in margin["sentences"][0]["text"]
    assert margin["sentences"][1]["claim"] == "explains"
    assert margin["forecast"]["ahead"]
    assert len(margin["series"]["points"]) == 24
    for one in told.values():
        again = read(Series.model_validate(one["series"]))
        assert again.forecast.model_dump(mode="json") == one["forecast"], "made of the series that is shown"
    assert told["revenue"]["trend"]["direction"] == "steady"


async def test_it_is_read_in_a_process_of_its_own() -> None:
    found = measured("gross_margin", weeks(5), MONDAY + timedelta(weeks=5, days=-1))
    work = Together((found,), "en", {"gross_margin": "Gross margin"})
    (told,) = [one async for one in InChildren().stream(work, large=True)]
    assert told["trend"]["direction"] == "not enough data"
    assert told["sentences"] == [
        {
            "claim": "not_enough_data",
            "text": "Gross margin: not enough data to tell a direction (5 of at least 10 weeks).",
        }
    ]
