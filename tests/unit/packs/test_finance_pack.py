"""The finance pack: its messages say what the figures of the period come to."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from adapters.duckdb.local import EventsInMemory, LocalAnalytics
from adapters.duckdb.settings import OlapSettings
from application.charts import Grid, Period, Scenario
from application.packs.definition import definition_named
from application.packs.document import document_of
from application.packs.drift import Drifting
from application.packs.figures import Figuring, PackFigures
from application.packs.scorecards import scorecard_of
from application.ports.press import Document, SectionShown
from domain.kernel.money import CurrenciesMixed
from projections.olap.reports import REPORTS
from tests.support.events import History
from tests.support.finance_told import Moneys
from tests.support.mrr_histories import Told, moment, plan, terms

TARGETS = (
    ("mrr", "120.5", "USD", "at_least"),
    ("cost", "30", "USD", "at_most"),
    ("gross_margin", "99", "percent", "at_least"),
)


async def computed(
    history: History, period: Period, currency: str | None = None, today: date | None = None
) -> PackFigures:
    """The figures of the finance pack of a history; how far they have moved since they were made is not at all."""
    source = EventsInMemory()
    source.events = history.events
    analytics = LocalAnalytics(source, OlapSettings(folder=Path(), database_url=""))
    try:
        definition = definition_named("finance", analytics.reports())
        figures = await Figuring(analytics).figures(
            definition, history.tenant_id, period, history.position, currency, today=today
        )
        drift = await Drifting(analytics).drift(history.tenant_id, figures.json())
        assert (drift.differ, drift.compared) == (0, figures.count())
        return figures
    finally:
        await analytics.close()


async def printed(history: History, period: Period, currency: str | None = None) -> Document:
    """The finance pack of a history."""
    return document_of(await computed(history, period, currency), None)


def scorecard_shown(document: Document, length: str) -> SectionShown:
    """The page of the scorecard of a month, quarter or year."""
    return next(one for one in document.sections if one.title == f"Scorecard of the {length}")


async def test_its_figures_name_every_parameter_and_are_dated_alike() -> None:
    told = Moneys()
    told.cost(2_000, date(2026, 2, 1), date(2026, 2, 1))
    figures = await computed(told.history, Period(date(2026, 2, 1), date(2026, 2, 28)))
    given = {one["report"]: one["now"]["parameters"] for one in orjson.loads(figures.json())["sections"]}
    assert {name: one["dating"] for name, one in given.items()} == dict.fromkeys(given, "posting")
    assert given["scorecard"]["profile"] == "stripe-1"
    assert given["margin"]["grain"] == "month"


async def test_its_messages_are_of_the_period_and_the_one_before() -> None:
    told = Told()
    told.tell(moment(date(2026, 1, 5)), terms(items=[plan(10_000)]))
    told.tell(moment(date(2026, 2, 5)), terms(items=[plan(15_000)]))
    moneys = Moneys(told.history)
    for month, amount in ((1, 10_000), (2, 15_000)):
        since = date(2026, month, 1)
        moneys.invoice(amount, since, date(2026, month + 1, 1))
        moneys.cost(2_000 * month, since, since)
    for number, (metric, value, unit, comparison) in enumerate(TARGETS):
        aim = {"metric": metric, "value": value, "value_to": None, "unit": unit, "comparison": comparison}
        when = {"period_kind": "quarter", "period": "2026-Q1", "segment": None}
        told.history.happen("finance.target_set", {"target_id": str(UUID(int=number)), **aim, **when})
    document = await printed(told.history, Period(date(2026, 2, 1), date(2026, 2, 28)))
    said = [section.message for section in document.sections]
    for message, figures_in_it in zip(
        said,
        (
            ("No target was set for this month.",),
            ("1 of 3 targets of the quarter are attained so far.",),
            ("150.00 USD a month", "+50.00 USD (+50.0 %)"),
            ("No monthly revenue came with new customers", "before: 100.00 USD."),
            ("40.00 USD were spent, +20.00 USD (+100.0 %)", "server: 40.00 USD"),
            ("110.00 USD were left", "+30.00 USD (+37.5 %)"),
        ),
        strict=True,
    ):
        for one in figures_in_it:
            assert one in message
    scorecard = scorecard_shown(document, "quarter")
    assert scorecard.table.head[:4] == ("Metric", "Actual", "Target", "Variance")
    # Of the quarter up to the end of February; before is as much of the last quarter of 2025, which had nothing.
    assert scorecard.caption.startswith("2026-01-01 to 2026-02-28. Before: 2025-10-01 to 2025-11-30. ")
    nothing, so_far = "\u2013", "attained so far"
    assert [(row[0], *row[1:5], row[-1]) for row in scorecard.table.rows[:3]] == [
        ("Cost", "60.00 USD", "\u2264 30.00 USD", "+30.00 USD", nothing, "not attained yet"),
        ("Gross margin", "76.0 %", "\u2265 99.0 %", "\u221223.0 points", nothing, "not attained yet"),
        ("MRR", "150.00 USD", "\u2265 120.50 USD", "+29.50 USD", nothing, so_far),
    ]
    # Of February alone; before is January.
    figures_of_month = {
        row[0]: (row[1], row[4], row[5]) for row in scorecard_shown(document, "month").table.rows
    }
    assert figures_of_month["Cost"] == ("40.00 USD", "20.00 USD", "up")
    assert figures_of_month["Gross margin"] == ("73.3 %", "80.0 %", "down")
    assert figures_of_month["MRR"] == ("150.00 USD", "100.00 USD", "up")
    assert all(row[2] == "\u2013" for row in scorecard.table.rows[3:]), "what has no target comes after it"


def aimed(metric: str, value: str, unit: str, when: str, number: int) -> dict[str, Any]:
    """A target of a month, quarter or year."""
    kind = "year" if len(when) == 4 else "quarter" if "Q" in when else "month"
    of = {
        "target_id": str(UUID(int=number)),
        "metric": metric,
        "value": value,
        "value_to": None,
        "unit": unit,
    }
    return {**of, "comparison": "at_least", "segment": None, "period_kind": kind, "period": when}


async def test_a_target_stands_beside_the_figure_of_its_own_length_in_a_pack_of_any() -> None:
    moneys = Moneys()
    for month in (10, 11, 12):
        since = date(2025, month, 1)
        moneys.invoice(10_000, since, date(2026, 1, 1) if month == 12 else date(2025, month + 1, 1))
        moneys.cost((month - 9) * 1_000, since, since)
    for number, (value, when) in enumerate((("85", "2025-11"), ("80", "2025-Q4"), ("70", "2025"))):
        told = aimed("gross_margin", value, "percent", when, number)
        moneys.history.happen("finance.target_set", told)
    packs = {
        last: await printed(moneys.history, Period(first, last))
        for first, last in (
            (date(2025, 10, 1), date(2025, 10, 31)),
            (date(2025, 11, 1), date(2025, 11, 30)),
            (date(2025, 12, 1), date(2025, 12, 31)),
            (date(2025, 10, 1), date(2025, 12, 30)),
            (date(2025, 6, 1), date(2025, 12, 29)),
        )
    }
    found = {
        (last.isoformat()[5:], one.title.rpartition(" ")[2]): (row[1], row[2], row[-1])
        for last, document in packs.items()
        for one in document.sections
        if one.title.startswith("Scorecard")
        for row in one.table.rows
        if row[0] == "Gross margin"
    }
    quarters, nothing = "\u2265 80.0 %", "\u2013"
    assert found == {
        ("10-31", "month"): ("90.0 %", nothing, "no target"),
        ("10-31", "quarter"): ("90.0 %", quarters, "attained so far"),
        ("11-30", "month"): ("80.0 %", "\u2265 85.0 %", "not attained"),
        ("11-30", "quarter"): ("85.0 %", quarters, "attained so far"),
        ("12-31", "month"): ("70.0 %", nothing, "no target"),
        ("12-31", "quarter"): ("80.0 %", quarters, "attained"),
        ("12-30", "quarter"): ("79.8 %", quarters, "not attained yet"),
        ("12-29", "quarter"): ("79.6 %", quarters, "not attained yet"),
        ("12-29", "year"): ("79.6 %", "\u2265 70.0 %", "attained so far"),
    }


async def test_days_to_come_are_in_no_figure_and_nothing_is_drawn_on_them() -> None:
    told = Told()
    told.tell(moment(date(2026, 1, 5)), terms(items=[plan(10_000)]))
    Moneys(told.history).cost(2_800, date(2026, 2, 1), date(2026, 2, 28))
    february, today = Period(date(2026, 2, 1), date(2026, 2, 28)), date(2026, 2, 10)
    figures = await computed(told.history, february, today=today)
    asked = [one["now"]["parameters"]["to"] for one in orjson.loads(figures.json())["sections"]]
    assert asked == ["2026-02-10"] * len(asked)
    document = document_of(figures, None)
    assert (
        dict(document.facts)["Period"] == "2026-02-01 to 2026-02-28, not over yet: figures up to 2026-02-10"
    )
    mrr, costs = (
        next(one for one in document.sections if one.title == title)
        for title in ("Monthly recurring revenue", "What was spent")
    )
    assert mrr.chart is not None
    assert list(mrr.chart.of(Scenario.ACTUAL)) == [f"{day} Feb" for day in range(1, 11)]
    assert list(mrr.chart.of(Scenario.PREVIOUS)) == [f"{day} Feb" for day in range(1, 11)]
    assert dict(document.facts)["Compared with"] == "2026-01-01 to 2026-01-10, as far as this one"
    assert [row[1] for row in mrr.table.rows] == ["100.00 USD"] * 3
    assert costs.message.startswith("10.00 USD were spent")
    over = await computed(told.history, february, today=date(2026, 3, 1))
    assert (over.until, over.json()) == (None, (await computed(told.history, february)).json())


async def test_months_of_a_quarter_that_are_over_stand_beside_whole_ones() -> None:
    """A cost of 31 January is in what April is compared with, though April has no such day."""
    moneys = Moneys()
    for day, amount in ((date(2025, 1, 31), 3_100), (date(2025, 4, 30), 4_000)):
        moneys.cost(amount, day, day)
    document = await printed(moneys.history, Period(date(2025, 4, 1), date(2025, 4, 30)))
    shown = {row[0]: row[1:5] for row in scorecard_shown(document, "quarter").table.rows}
    assert (shown["Cost"][0], shown["Cost"][3]) == ("40.00 USD", "31.00 USD")


@pytest.mark.parametrize(
    ("first", "last", "today", "quarter", "year"),
    [
        ((2026, 1, 1), (2026, 12, 31), (2026, 2, 10), "2026-01-01", "2026-01-01"),
        ((2026, 1, 1), (2026, 12, 31), (2026, 10, 1), "2026-10-01", "2026-01-01"),
        ((2025, 7, 1), (2026, 6, 30), (2025, 9, 5), "2025-07-01", "2025-01-01"),
    ],
)
async def test_a_pack_of_a_year_that_is_not_over_has_the_quarter_and_the_year_that_it_is_by_now(
    first: tuple[int, int, int],
    last: tuple[int, int, int],
    today: tuple[int, int, int],
    quarter: str,
    year: str,
) -> None:
    moneys = Moneys()
    moneys.invoice(10_000, date(2025, 1, 1), date(2025, 2, 1))
    figures = await computed(moneys.history, Period(date(*first), date(*last)), today=date(*today))
    asked = {
        one["id"]: (one["now"]["parameters"]["from"], one["now"]["parameters"]["to"])
        for one in orjson.loads(figures.json())["sections"]
        if one["report"] == "scorecard"
    }
    until = date(*today).isoformat()
    assert asked == {"scorecard": (quarter, until), "scorecard_year": (year, until)}


async def test_a_period_that_is_over_by_now_moves_no_figure() -> None:
    told = Told()
    told.tell(moment(date(2026, 1, 5)), terms(items=[plan(10_000)]))
    sealed = (await computed(told.history, Period(date(2026, 1, 1), date(2026, 3, 31)))).json()
    for _ in range(31 * 24):  # an event an hour: the quarter goes by
        told.history.contact("created")
    source = EventsInMemory(told.history.events)
    analytics = LocalAnalytics(source, OlapSettings(folder=Path(), database_url=""))
    drift = await Drifting(analytics).drift(told.history.tenant_id, sealed)
    await analytics.close()
    assert (drift.differ, drift.moved) == (0, []), "it is told as over, and its figures are the same"


@pytest.mark.parametrize("targets", [0, 2])
async def test_a_target_without_a_figure_is_one_that_was_set(targets: int) -> None:
    told = Moneys()
    paid = told.invoice(10_000, date(2025, 12, 1), date(2026, 1, 1))
    told.refund(paid, 422, date(2026, 2, 1), net=422)
    told.cost(2_000, date(2026, 2, 1), date(2026, 2, 1))
    aim = {"value": "80", "value_to": None, "unit": "percent", "comparison": "at_least"}
    when = {"period_kind": "quarter", "period": "2026-Q1", "segment": None}
    for number, metric in enumerate(("gross_margin", "gross_churn")[:targets]):
        told.history.happen(
            "finance.target_set", {"target_id": str(UUID(int=number)), "metric": metric, **aim, **when}
        )
    document = await printed(told.history, Period(date(2026, 2, 1), date(2026, 2, 28)))
    scorecard = scorecard_shown(document, "quarter")
    assert scorecard.message == (
        "Targets that no figure of this quarter can be set beside: 2. The table says why."
        if targets
        else "No target was set for this quarter."
    )
    standings = {row[0]: row[-1] for row in scorecard.table.rows}
    assert standings.get("Gross margin") == ("nothing to divide by" if targets else None)


def test_a_ratio_is_compared_with_that_of_its_own_currency() -> None:
    columns = REPORTS["scorecard"].info.columns

    def grid(**rates: float) -> Grid:
        told = {"metric": "gross_churn", "unit": "percent", "group": "customer", "status": "no_target"}
        rows: list[dict[str, Any]] = [
            {**told, "currency": code, "actual": rate} for code, rate in rates.items()
        ]
        return Grid(columns, tuple(tuple(row.get(one.name) for one in columns) for row in rows))

    table = scorecard_of(grid(EUR=2.0, USD=7.0), grid(EUR=3.0, USD=5.0), 18)
    assert [(row[0], row[1], row[4]) for row in table.rows] == [
        ("Gross churn (EUR)", "2.0 %", "3.0 %"),
        ("Gross churn (USD)", "7.0 %", "5.0 %"),
    ]


def test_every_target_is_shown_whatever_it_lacks() -> None:
    columns = REPORTS["scorecard"].info.columns
    aimed = {"unit": "percent", "group": "financial", "comparison": "at_least", "target": "80"}
    lines: list[dict[str, Any]] = [
        {**aimed, "metric": "open_rate", "group": "product", "status": "not_built"},
        {**aimed, "metric": "ltv", "status": "ahead"},
        {**aimed, "metric": "gross_margin", "group": "customer", "status": "attained", "actual": 90.0},
        {"metric": "cost", "group": "financial", "status": "no_target", "actual": 3.0, "unit": "percent"},
        {"metric": "cac", "group": "financial", "status": "no_actual"},
    ]
    rows = tuple(tuple(line.get(one.name) for one in columns) for line in lines)
    table = scorecard_of(Grid(columns, rows), None, 18)
    assert [(row[0], row[-1]) for row in table.rows] == [
        ("Gross margin", "attained"),
        ("LTV", "ahead"),
        ("Open rate", "not built"),
        ("Cost", "no target"),
    ]


@pytest.mark.parametrize(
    ("currency", "spent"), [("JPY", "2,000 JPY"), ("KWD", "2.000 KWD"), ("USD", "20.00 USD")]
)
async def test_a_month_without_costs_tells_of_those_before_in_their_currency(
    currency: str, spent: str
) -> None:
    moneys = Moneys()
    moneys.cost(2_000, date(2026, 1, 1), date(2026, 1, 31), currency=currency)
    document = await printed(moneys.history, Period(date(2026, 2, 1), date(2026, 2, 28)))
    costs = next(section for section in document.sections if section.title == "What was spent")
    assert costs.message == f"No costs fell into this period. In the period before: {spent}."
    assert costs.table.rows == (("server", "exact", "\u2013", spent, f"\u2212{spent}", "\u2212100.0 %"),)
    assert costs.chart is not None
    assert costs.chart.unit == currency
    (left,) = (section for section in document.sections if section.title.startswith("What is left"))
    assert (
        left.message
        == f"Nothing was left of what was earned in this period. In the period before: \u2212{spent}."
    )


async def test_what_was_in_another_currency_before_is_not_compared() -> None:
    moneys = Moneys()
    moneys.cost(2_000, date(2026, 1, 1), date(2026, 1, 31), currency="EUR")
    moneys.cost(2_000, date(2026, 2, 1), date(2026, 2, 28), currency="USD")
    with pytest.raises(CurrenciesMixed):
        await printed(moneys.history, Period(date(2026, 2, 1), date(2026, 2, 28)))


async def test_nothing_is_drawn_where_there_is_nothing_and_each_report_is_explained_once() -> None:
    document = await printed(Moneys().history, Period(date(2026, 2, 1), date(2026, 2, 28)))
    assert [section.chart for section in document.sections] == [None] * len(document.sections)
    assert [meaning.title.rpartition(" (")[2] for meaning in document.meanings] == [
        "scorecard)",
        "mrr)",
        "costs_by_category)",
        "margin)",
    ]


async def test_a_pack_of_one_currency_names_those_that_are_left_out() -> None:
    moneys, since = Moneys(), date(2026, 2, 1)
    for currency, amount in (("USD", 2_000), ("JPY", 3_000), ("EUR", 500)):
        moneys.invoice(5 * amount, since, date(2026, 3, 1), currency=currency)
        moneys.cost(amount, since, date(2026, 2, 28), currency=currency)
    february = Period(since, date(2026, 2, 28))
    with pytest.raises(CurrenciesMixed):
        await printed(moneys.history, february)
    for currency, spent, left in (("USD", "20.00 USD", "80.00 USD"), ("JPY", "3,000 JPY", "12,000 JPY")):
        document = await printed(moneys.history, february, currency)
        others = ", ".join(sorted({"EUR", "JPY", "USD"} - {currency}))
        told = dict(document.facts)["Currency"]
        assert told == f"Amounts are of {currency} alone. Not in this pack: {others}"
        *_, costs, margin = document.sections
        assert costs.message.startswith(f"{spent} were spent")
        assert margin.message.startswith(f"{left} were left")
        for other in {"EUR", "JPY", "USD"} - {currency}:
            assert other not in str([(one.message, one.table, one.chart) for one in document.sections])
