"""What a pack says: figures of one position, sentences and tables computed from them, definitions that fit."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from application.charts import Better, Grid, Period, Scenario
from application.packs.definition import (
    PackDefinition,
    Sentence,
    TableDefinition,
    UnknownBoardPack,
    definition_named,
    read_definitions,
)
from application.packs.document import document_of
from application.packs.drift import Drifting
from application.packs.figures import Figuring, PackCutOff, PackFigures, Part, SectionFigures
from application.packs.scorecards import NOTHING
from application.packs.sentences import sentence_of
from application.packs.tables import table_of
from application.ports.analytics import Column, Definition, Report, ReportInfo
from application.ports.positions import Position
from projections.olap.reports import REPORTS
from tests.unit.packs.conftest import PERIOD, Office

TODAY = date(2026, 11, 24)
INFOS = {name: report.info for name, report in REPORTS.items()}


async def test_all_figures_are_of_one_position_and_equal_ones_give_equal_bytes(office: Office) -> None:
    figures = await office.figures()
    assert figures.position == office.history.position
    parts = [part for one in figures.sections for part in (one.now, one.before) if part is not None]
    assert {part.position for part in parts} == {figures.position}
    assert figures.json() == (await office.figures()).json()
    told = json.loads(figures.json())
    counted = sum(
        row[at] is not None
        for section in told["sections"]
        for part in (section["now"], section["before"])
        if part is not None
        for row in part["rows"]
        for at, column in enumerate(section["columns"])
        if column["kind"] == "measure"
    )
    assert figures.count() == counted > 50


async def test_messages_are_computed_from_the_figures(office: Office) -> None:
    document = document_of(await office.figures(), None)
    messages = {section.title: section.message for section in document.sections}
    assert messages["Decisions on messages"] == (
        "30 decisions on messages, after none in the period before; 20 of them (66.7 %) said no, or not yet."
    )
    assert messages["Contacts, as they stand"].startswith(
        "30 contacts; the largest part of them, 33.3 %, in "
    )
    assert messages["What people asked about their data"] == "Nobody asked about their data in this period."
    assert "not over yet" not in dict(document.facts)["Period"]
    running = replace(await office.figures(), until=PERIOD.last)
    assert dict(document_of(running, None).facts)["Period"].endswith(
        f"not over yet: figures up to {PERIOD.last}"
    )


async def test_tables_sum_to_the_message(office: Office) -> None:
    document = document_of(await office.figures(), None)
    table = document.sections[0].table
    assert table.head == ("Verdict", "Law", "Decisions", "Before", "Difference", "%")
    assert table.rows[-1][:3] == ("Total", "", "30")
    assert sum(int(row[2]) for row in table.rows[:-1]) == 30
    steps = next(one for one in document.sections if one.title.startswith("Permissions that end")).table
    assert not steps.total, "an announcement and a lapse are two steps of one permission"


COLUMNS = (
    Column("kind", "dimension", "text", "Kind."),
    Column("n", "measure", "events", "Count."),
    Column("share", "measure", "ratio", "Share."),
    Column("late", "measure", "events", "Late ones."),
)


def grid(*rows: tuple[Any, ...]) -> Grid:
    return Grid(COLUMNS, rows)


TOLD = Sentence(measure="n", text="{total}, {change}", one="one, {change}", none="Nothing.")


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (112, 100, "112, +12 (+12.0 %) on the period before"),
        (88, 100, "88, \u221212 (\u221212.0 %) on the period before"),
        (5, 5, "5, as many as in the period before"),
        (5, 0, "5, after none in the period before"),
        (0, 5, "Nothing. In the period before: 5."),
        (0, 0, "Nothing."),
        (1, 0, "one, after none in the period before"),
        (5, -5, "5, +10 on the period before"),
        (1_234, None, "1,234, with nothing to compare"),
    ],
)
def test_a_comparison_in_words(now: int, before: int | None, text: str) -> None:
    earlier = None if before is None else grid(("a", before, 0.1, 0))
    assert sentence_of(TOLD, grid(("a", now, 0.1, 0)), earlier) == text


def test_parts_shares_and_leaders() -> None:
    told = Sentence(
        measure="n",
        part_measure="late",
        leader="kind",
        text="{part} {share} {leader} {leader_total} {leader_share} {rows} {before}",
        none="nothing",
        better=Better.FEWER,
    )
    rows = grid(("a_b", 30, 0.1, 1), ("c", 10, 0.1, 2))
    assert sentence_of(told, rows, grid(("c", 7, 0.1, 0))) == "3 7.5 % a b 30 75.0 % 2 7"


def test_the_rest_of_a_table_is_one_row_and_all_sum_up() -> None:
    rows = grid(*((f"k{n}", n, 0.1, 1) for n in range(1, 8)))
    table = table_of(
        TableDefinition(by=("kind",), measures=("n", "share", "late"), most=4), rows, None, PERIOD
    )
    assert [row[0] for row in table.rows] == ["k7", "k6", "k5", "all others (4)", "Total"]
    assert [row[1] for row in table.rows] == ["7", "6", "5", "10", "28"]
    assert [row[2] for row in table.rows] == ["10.0 %"] * 3 + [NOTHING] * 2, "shares are not added"
    assert [row[3] for row in table.rows] == ["1", "1", "1", "4", "7"]
    alone = table_of(TableDefinition(by=("kind",), measures=("n",), most=4, total=False), rows, None, PERIOD)
    assert [row[1] for row in alone.rows] == ["7", "6", "5", NOTHING]


def test_what_is_gone_stands_in_a_table_too() -> None:
    table = table_of(
        TableDefinition(by=("kind",), measures=("n",)),
        grid(("a", 2, 0.1, 0)),
        grid(("b", 3, 0.1, 0)),
        PERIOD,
    )
    assert table.rows == (
        ("a", "2", NOTHING, "+2", NOTHING),
        ("b", NOTHING, "3", "\u22123", "\u2212100.0 %"),
        ("Total", "2", "3", "\u22121", "\u221233.3 %"),
    )


@pytest.mark.parametrize(
    ("period", "now", "before", "rows"),
    [
        (
            Period(date(2026, 11, 1), date(2026, 11, 30)),
            [(date(2026, 11, 2), 5), (date(2026, 11, 30), 1)],
            [(date(2026, 10, 2), 3), (date(2026, 10, 31), 2)],
            [("week of 2 November", "5", "3"), ("week of 30 November", "1", "2"), ("Total", "6", "5")],
        ),
        (
            Period(date(2026, 3, 1), date(2026, 5, 31)),
            [(date(2026, 3, 31), 5), (date(2026, 4, 1), 1)],
            [(date(2026, 1, 31), 3), (date(2025, 12, 1), 2)],
            [("March 2026", "5", "2"), ("April 2026", "1", "3"), ("Total", "6", "5")],
        ),
        (
            Period(date(2026, 3, 2), date(2026, 5, 30)),
            [(date(2026, 3, 31), 5)],
            [(date(2025, 12, 2), 3)],
            [("March 2026", "5", "3")],
        ),
    ],
)
def test_days_are_told_by_the_week_or_the_month_beside_those_before(
    period: Period, now: list[Any], before: list[Any], rows: list[Any]
) -> None:
    columns = (Column("day", "dimension", "date", "Day."), Column("n", "measure", "events", "Count."))
    told = TableDefinition(by=("day",), measures=("n",))
    table = table_of(told, Grid(columns, tuple(now)), Grid(columns, tuple(before)), period)
    assert [row[:3] for row in table.rows] == rows
    assert table.head[0] == ("Week" if rows[0][0].startswith("week") else "Month")


async def test_drift_names_each_figure_that_moved(office: Office) -> None:
    sealed = (await office.figures()).json()
    drifting, tenant_id = Drifting(office.analytics), office.history.tenant_id
    still = await drifting.drift(tenant_id, sealed)
    assert (still.differ, still.moved, still.not_compared) == (0, [], {})
    office.live(3)
    moved = await drifting.drift(tenant_id, sealed)
    assert moved.differ > 5
    assert moved.position == office.history.position
    contacts = {one.cell["country"]: one.difference for one in moved.moved if one.section == "contacts"}
    assert contacts == {"DE": 1, "FR": 1, "unknown": 1}
    at_seal = await drifting.drift(tenant_id, sealed, at_seal=True)
    assert (at_seal.differ, at_seal.not_compared) == (0, {})
    assert at_seal.compared == still.compared, "every figure, as of the seal"


async def test_a_report_of_another_shape_is_not_compared(office: Office) -> None:
    told = json.loads((await office.figures()).json())
    told["sections"][0]["columns"][0]["name"] = "weekday"
    told["sections"][1]["report"] = "gone"
    found = await Drifting(office.analytics).drift(office.history.tenant_id, json.dumps(told).encode())
    assert set(found.not_compared) == {"decisions", "denials"}


async def test_a_report_that_is_cut_off_is_in_no_pack(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = office.analytics.report

    async def cut(*args: Any, **more: Any) -> Report:
        return replace(await whole(*args, **more), truncated=True)

    sealed = (await office.figures()).json()
    monkeypatch.setattr(office.analytics, "report", cut)
    with pytest.raises(PackCutOff):
        await office.figures()
    found = await Drifting(office.analytics).drift(office.history.tenant_id, sealed)
    assert (found.compared, len(found.not_compared)) == (0, 9), "nor is it compared"


async def test_where_the_log_moves_on_all_figures_stand_at_one_position(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = office.analytics.report

    async def moving(*args: Any, **more: Any) -> Report:
        office.live(1)
        return await whole(*args, **more)

    monkeypatch.setattr(office.analytics, "report", moving)
    figures = await office.figures()
    positions = {one.now.position for one in figures.sections}
    assert len(positions) == 1
    assert figures.position == max(
        positions | {one.before.position for one in figures.sections if one.before}
    )


async def test_a_log_without_anything(office: Office) -> None:
    definition = definition_named("compliance", office.analytics.reports())
    nobody = office.history.workspace_id
    figures = await Figuring(office.analytics).figures(definition, nobody, PERIOD, None)
    document = document_of(figures, None)
    assert figures.count() == 0
    assert all(not section.table.rows for section in document.sections)


def test_every_definition_fits_its_reports() -> None:
    assert read_definitions()
    for name in read_definitions():
        assert definition_named(name, INFOS).version
    with pytest.raises(UnknownBoardPack):
        definition_named("none", INFOS)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("report",), "gone"),
        (("sentence", "measure"), "gone"),
        (("sentence", "leader"), "gone"),
        (("sentence", "text"), "{gone}"),
        (("chart", "by"), "gone"),
        (("chart", "measure"), "verdict"),
        (("chart", "plan"), "gone"),
        (("table", "by"), ["gone"]),
        (("table", "measures"), ["gone"]),
        (("parameters",), {"gone": "1"}),
    ],
)
def test_a_definition_that_does_not_fit_is_told(path: tuple[str, ...], value: Any) -> None:
    told = read_definitions()["compliance"].model_dump(mode="json")
    place = told["section"][0]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=r"compliance/decisions: .*(gone|verdict)"):
        PackDefinition.model_validate(told).checked(INFOS)


MONEY = (
    Column("day", "dimension", "date", "Day."),
    Column("currency", "dimension", "currency", "Currency."),
    Column("mrr", "measure", "minor units", "At the end of the day."),
    Column("nrr", "measure", "ratio", "Net retention."),
    Column("target", "measure", "minor units", "Target."),
)
OF_MONEY = {
    "id": "mrr",
    "title": "MRR",
    "report": "mrr",
    "balance": "day",
    "sentence": {
        "measure": "mrr",
        "where": {"currency": ["USD"]},
        "text": "MRR is {total}, {change}.",
        "none": "-",
    },
    "chart": {
        "kind": "columns",
        "by": "day",
        "measure": "mrr",
        "plan": "target",
        "where": {"currency": ["USD"]},
    },
    "table": {"by": ["day"], "measures": ["mrr", "nrr"], "where": {"currency": ["USD"]}, "total": False},
}


MEANT = Definition("finance", 1, "As it goes.", "All.", "Nothing.", "How does it go?")


def test_a_section_that_would_add_a_balance_over_time_is_refused() -> None:
    told = {"name": "finance", "title": "Finance", "about": "About.", "version": "1"}
    mrr = {name: value for name, value in OF_MONEY.items() if name not in ("balance", "chart")}
    mrr |= {"table": {"by": ["period"], "measures": ["end_mrr"]}}
    sentence: Any = OF_MONEY["sentence"]
    mrr["sentence"] = {**sentence, "measure": "end_mrr"}
    PackDefinition.model_validate({**told, "section": [{**mrr, "balance": "period"}]}).checked(INFOS)
    with pytest.raises(ValueError, match="end_mrr never sum over time"):
        PackDefinition.model_validate({**told, "section": [mrr]}).checked(INFOS)


def test_a_section_takes_balances_ratios_and_targets_of_a_currency() -> None:
    properties: dict[str, Any] = {"from": {}, "to": {}}
    info = ReportInfo("mrr", "MRR", "A balance.", "reports.read", MONEY, {"properties": properties}, MEANT)
    told = {"name": "finance", "title": "Finance", "about": "About.", "version": "1", "section": [OF_MONEY]}
    definition = PackDefinition.model_validate(told).checked({"mrr": info})
    quarter = Period(date(2026, 7, 1), date(2026, 9, 30))

    def part(*rows: tuple[Any, ...]) -> Part:
        report = Report(tuple(c.name for c in MONEY), rows, Position(1, 9), None)
        return Part({}, report)

    now = part(
        (date(2026, 7, 1), "USD", 10_000, 1.0, 11_000),
        (date(2026, 7, 31), "USD", 12_000, 1.1, 13_000),
        (date(2026, 9, 30), "USD", 15_050, 1.2, 14_000),
        (date(2026, 9, 30), "EUR", 99_999, 0.9, 0),
    )
    before = part((date(2026, 4, 1), "USD", 1, 1.0, 1), (date(2026, 6, 30), "USD", 10_000, 1.0, 1))
    section = SectionFigures(definition.section[0], info, now, before)
    figures = PackFigures(definition, quarter, (section,), Position(1, 9), None)
    (shown,) = document_of(figures, None).sections
    assert shown.message == "MRR is 150.50 USD, +50.50 USD (+50.5 %) on the period before."
    assert [row[:3] for row in shown.table.rows] == [
        ("July 2026", "120.00 USD", "0.01 USD"),
        ("September 2026", "150.50 USD", "100.00 USD"),
    ]
    assert [row[-1] for row in shown.table.rows] == ["110.0 %", "120.0 %"]
    assert shown.chart is not None
    assert shown.chart.unit == "USD"
    assert shown.chart.of(Scenario.PLAN)["27 Jul"] == 130
    assert shown.chart.of(Scenario.ACTUAL)["28 Sep"] == 150.5


def test_a_period_of_one_day_is_one() -> None:
    assert Period(TODAY, TODAY).days == 1
