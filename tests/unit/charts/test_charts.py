"""Which rows become which marks, and how marks are drawn."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import date, timedelta
from typing import Any

import pytest

from adapters.charts.spec import BAD, DARK, GOOD, LIGHT, spec_of
from adapters.charts.svg import svg_of
from application.charts import OTHERS, Better, Chart, ChartDefinition, Grid, Mark, Period, Scenario, chart_of
from application.ports.analytics import Column
from domain.kernel.money import CurrenciesMixed
from tests.support.serving import ROOT

COLUMNS = (
    Column("day", "dimension", "date", "Day."),
    Column("rule", "dimension", "text", "Rule."),
    Column("currency", "dimension", "currency", "Currency."),
    Column("n", "measure", "events", "Count."),
    Column("amount", "measure", "minor units", "Amount."),
    Column("share", "measure", "ratio", "Share."),
    Column("planned", "measure", "events", "Plan."),
)
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))


def grid(*rows: tuple[Any, ...]) -> Grid:
    """Rows of day, rule, currency, count, amount, share and plan."""
    return Grid(COLUMNS, rows)


def row(day: date, rule: str = "a", n: int = 1, currency: str = "USD", share: float = 0.5) -> tuple[Any, ...]:
    return (day, rule, currency, n, n * 100, share, n + 1)


@pytest.mark.parametrize(
    ("period", "before"),
    [
        (NOVEMBER, Period(date(2026, 10, 1), date(2026, 10, 31))),
        (Period(date(2026, 1, 1), date(2026, 3, 31)), Period(date(2025, 10, 1), date(2025, 12, 31))),
        (Period(date(2026, 1, 1), date(2026, 12, 31)), Period(date(2025, 1, 1), date(2025, 12, 31))),
        (Period(date(2024, 2, 1), date(2024, 2, 29)), Period(date(2024, 1, 1), date(2024, 1, 31))),
        (Period(date(2026, 11, 3), date(2026, 11, 9)), Period(date(2026, 10, 27), date(2026, 11, 2))),
        (Period(date(2026, 11, 3), date(2026, 11, 3)), Period(date(2026, 11, 2), date(2026, 11, 2))),
    ],
)
def test_the_period_before(period: Period, before: Period) -> None:
    assert period.before() == before


@pytest.mark.parametrize(
    ("period", "until", "before"),
    [
        (NOVEMBER, date(2026, 11, 27), Period(date(2026, 10, 1), date(2026, 10, 27))),
        (
            Period(date(2026, 3, 1), date(2026, 3, 31)),
            date(2026, 3, 30),
            Period(date(2026, 2, 1), date(2026, 2, 28)),
        ),
        (
            Period(date(2026, 10, 1), date(2026, 12, 31)),
            date(2026, 11, 27),
            Period(date(2026, 7, 1), date(2026, 8, 27)),
        ),
        (
            Period(date(2024, 1, 1), date(2024, 12, 31)),
            date(2024, 2, 29),
            Period(date(2023, 1, 1), date(2023, 2, 28)),
        ),
        (
            Period(date(2026, 4, 1), date(2026, 6, 30)),
            date(2026, 4, 30),
            Period(date(2026, 1, 1), date(2026, 1, 31)),
        ),
        (
            Period(date(2026, 1, 1), date(2026, 3, 31)),
            date(2026, 2, 28),
            Period(date(2025, 10, 1), date(2025, 11, 30)),
        ),
        (
            Period(date(2026, 11, 10), date(2026, 11, 20)),
            date(2026, 11, 15),
            Period(date(2026, 10, 30), date(2026, 11, 4)),
        ),
    ],
)
def test_the_period_before_is_as_far_as_one_that_is_not_over(
    period: Period, until: date, before: Period
) -> None:
    assert period.before(until) == before


def test_columns_stand_for_days_weeks_or_months_and_for_all_of_them() -> None:
    for days, step, count in ((31, "day", 31), (90, "week", 14), (365, "month", 12)):
        period = Period(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=days - 1))
        rows = [row(period.first), row(period.last, n=4)]
        chart = chart_of(ChartDefinition(kind="columns", by="day", measure="n"), grid(*rows), None, period)
        assert (period.step(), len(chart.labels)) == (step, count)
        values = list(chart.of(Scenario.ACTUAL).values())
        assert (values[0], values[-1], sum(values)) == (1, 4, 5)


def test_the_period_before_stands_at_the_same_place() -> None:
    before = grid(row(date(2026, 10, 2), n=7))
    chart = chart_of(
        ChartDefinition(kind="columns", by="day", measure="n"), grid(row(date(2026, 11, 2))), before, NOVEMBER
    )
    assert chart.of(Scenario.PREVIOUS)["2 Nov"] == 7
    year = Period(date(2024, 1, 1), date(2024, 12, 31))
    told = chart_of(
        ChartDefinition(kind="columns", by="day", measure="n"),
        grid(row(date(2024, 12, 31))),
        grid(row(date(2023, 12, 31), n=3), row(date(2023, 3, 1), n=2)),
        year,
    )
    assert (told.of(Scenario.PREVIOUS)["Dec 2024"], told.of(Scenario.PREVIOUS)["Mar 2024"]) == (3, 2)


def test_months_stay_months_in_a_quarter() -> None:
    quarter = Period(date(2026, 4, 1), date(2026, 6, 30), monthly=True)
    now, before = ([row(date(2026, month, 1), n=month)] for month in (6, 3))
    told = ChartDefinition(kind="columns", by="day", measure="n")
    chart = chart_of(told, grid(*now), grid(*before), quarter)
    assert (quarter.step(), chart.labels) == ("month", ("Apr 2026", "May 2026", "Jun 2026"))
    assert (chart.of(Scenario.ACTUAL)["Jun 2026"], chart.of(Scenario.PREVIOUS)["Jun 2026"]) == (6, 3)


def test_of_a_balance_the_last_day_of_each_group_counts() -> None:
    year = Period(date(2026, 1, 1), date(2026, 12, 31))
    rows = grid(row(date(2026, 5, 1), n=3), row(date(2026, 5, 9), n=8), row(date(2026, 5, 9), rule="b", n=1))
    told = ChartDefinition(kind="columns", by="day", measure="n")
    assert chart_of(told, rows.ends("day", year.bucket), None, year).of(Scenario.ACTUAL)["May 2026"] == 9
    assert rows.ends("day", lambda _: None).total("n") == 9


def test_bars_show_the_largest_and_the_rest_as_one() -> None:
    rows = [row(NOVEMBER.first, rule=f"r{n}", n=n) for n in range(1, 12)]
    chart = chart_of(
        ChartDefinition(kind="bars", by="rule", measure="n", most=4), grid(*rows), None, NOVEMBER
    )
    assert chart.labels == ("r11", "r10", "r9", OTHERS)
    assert chart.of(Scenario.ACTUAL)[OTHERS] == sum(range(1, 9))


def test_money_is_drawn_in_its_currency_and_never_in_two() -> None:
    told = ChartDefinition(kind="bars", by="rule", measure="amount")
    chart = chart_of(told, grid(row(NOVEMBER.first, n=3)), None, NOVEMBER)
    assert (chart.unit, chart.of(Scenario.ACTUAL)) == ("USD", {"a": 3})
    mixed = grid(row(NOVEMBER.first), row(NOVEMBER.first, currency="EUR"))
    with pytest.raises(CurrenciesMixed):
        chart_of(told, mixed, None, NOVEMBER)
    narrowed = told.model_copy(update={"where": {"currency": ("EUR",)}})
    assert chart_of(narrowed, mixed, None, NOVEMBER).unit == "EUR"
    with pytest.raises(CurrenciesMixed):
        chart_of(told, grid(row(NOVEMBER.first)), grid(row(NOVEMBER.first, currency="EUR")), NOVEMBER)
    assert chart_of(told, grid(), grid(row(NOVEMBER.first, currency="JPY")), NOVEMBER).unit == "JPY"


def test_ratios_are_never_added() -> None:
    told = ChartDefinition(kind="bars", by="rule", measure="share")
    rows = grid(row(NOVEMBER.first), row(NOVEMBER.last), row(NOVEMBER.last, rule="b", share=0.25))
    assert chart_of(told, rows, None, NOVEMBER).of(Scenario.ACTUAL) == {"b": 25}


def drawn(chart: Chart) -> str:
    return svg_of(chart, prefix="c1")


SCENARIOS = tuple(
    Mark(label, scenario, value)
    for label in ("Jan", "Feb")
    for scenario, value in ((Scenario.PREVIOUS, 2.0), (Scenario.ACTUAL, 3.0), (Scenario.PLAN, 4.0))
)
FORECAST = (*SCENARIOS, Mark("Mar", Scenario.FORECAST, 5.0))
COLUMN_CHART = Chart("columns", "Events", "events", ("Jan", "Feb", "Mar"), FORECAST)
BAR_CHART = Chart(
    "bars",
    "Events",
    "events",
    ("Jan", "Feb"),
    (*SCENARIOS[:2], Mark("Feb", Scenario.PREVIOUS, 6.0), Mark("Feb", Scenario.ACTUAL, 1.0)),
    Better.FEWER,
)


def test_scenarios_are_told_apart_without_colour() -> None:
    text = drawn(COLUMN_CHART)
    assert {DARK, LIGHT, "#ffffff", "url(#c1-hatch)"} <= set(re.findall(r'fill="([^"]+)"', text))
    assert text.count('<pattern id="c1-hatch"') == 1
    assert all(word in text for word in ("this period", "period before", "plan", "forecast"))
    without = drawn(Chart("columns", "Events", "events", ("Jan", "Feb"), SCENARIOS))
    assert "hatch" not in without


def test_differences_carry_their_sign_beside_their_colour() -> None:
    text = drawn(BAR_CHART)
    assert "+1" in text
    assert "\u22125" in text
    assert GOOD in text
    assert BAD in text
    neither = Chart(BAR_CHART.kind, "x", "y", BAR_CHART.labels, BAR_CHART.marks)
    assert GOOD not in drawn(neither)
    assert BAD not in drawn(neither)


@pytest.mark.parametrize(
    ("unit", "before", "now", "difference"),
    [
        ("USD", 20.0, 70.5, "+50.50"),
        ("KWD", 20.0, 19.995, "\u22120.005"),
        ("JPY", 20.0, 70.0, "+50"),
        ("USD", 20.0, 1_070.5, "+1,050"),
        ("weeks", 20.0, 20.5, "+0.5"),
    ],
)
def test_a_difference_has_the_digits_of_its_currency(
    unit: str, before: float, now: float, difference: str
) -> None:
    marks = (Mark("a", Scenario.PREVIOUS, before), Mark("a", Scenario.ACTUAL, now))
    assert f">{difference}<" in drawn(Chart("bars", "Amount", unit, ("a",), marks))


def test_what_is_below_nothing_is_labelled_below_its_column() -> None:
    marks = tuple(Mark(label, Scenario.ACTUAL, value) for label, value in (("a", -7.0), ("b", 7.0)))
    layers = spec_of(Chart("columns", "Margin", "USD", ("a", "b"), marks), "x")["layer"]
    told = {layer["transform"][1]["filter"]: layer["mark"]["dy"] for layer in layers[1:]}
    assert told["datum.value >= 0"] < 0 < told["datum.value < 0"]
    assert drawn(Chart("columns", "Margin", "USD", ("a", "b"), marks)).count(">\u22127<") == 1


def test_an_axis_of_few_names_no_value_twice() -> None:
    marks = tuple(Mark(label, Scenario.ACTUAL, value) for label, value in (("a", 0.0), ("b", 2.0)))
    ticks = re.findall(
        r"<text[^>]*>(\d+)</text>", drawn(Chart("columns", "Messages", "messages", ("a", "b"), marks))
    )
    assert sorted(ticks) == ["0", "0", "1", "2", "2"], "0, 1 and 2 on the axis, 0 and 2 at the columns"


@pytest.mark.parametrize("chart", [COLUMN_CHART, BAR_CHART])
def test_a_drawing_is_whole_and_runs_and_fetches_nothing(chart: Chart) -> None:
    text = drawn(chart)
    root = ET.fromstring(text)  # noqa: S314 - our own
    assert root.get("aria-label") == chart.alternative()
    for element in root.iter():
        assert element.tag.rpartition("}")[2] not in {"script", "style", "image", "foreignObject", "use", "a"}
        for name, value in element.attrib.items():
            assert name != "style"
            assert not name.startswith("on")
            assert "http" not in value
            assert name != "id" or value.startswith("c1-")


def test_labels_are_text_whatever_they_say() -> None:
    evil = '<script>alert(1)</script>"&\u2028datum.value'
    chart = Chart("bars", evil, "events", (evil,), (Mark(evil, Scenario.ACTUAL, 1.0),))
    two = Mark("'] + alert(1) + ['", Scenario.ACTUAL, 2.0), Mark(evil, Scenario.PREVIOUS, 3.0)
    chart = Chart("bars", evil, "events", (evil, two[0].label), (*chart.marks, *two))
    root = ET.fromstring(drawn(chart))  # noqa: S314 - our own
    assert not [one for one in root.iter() if one.tag.endswith("script")]


def test_equal_charts_are_equal_text_in_any_process() -> None:
    code = "from tests.unit.charts.test_charts import BAR_CHART, drawn; import sys; sys.stdout.write(drawn(BAR_CHART))"
    other = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True)
    drawn(COLUMN_CHART)
    assert other.stdout == drawn(BAR_CHART)


def test_nothing_to_show_is_said() -> None:
    empty = chart_of(ChartDefinition(kind="bars", by="rule", measure="n"), grid(), None, NOVEMBER)
    assert empty.alternative() == "N: nothing to show."
    assert spec_of(empty, "x")["data"] == {"values": []}
