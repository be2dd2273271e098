"""Every figure of every report opens: to events that sum to it, to what it is a ratio of, to the rows of its series.

Generated over the catalogue: each report is asked with each value of each of its parameters, of now and as of an
earlier position, over a history of all that reports are made of, entries of closed months included.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from application.ports.analytics import Column, InvalidParameters, ReportInfo
from projections.directions.asked import figures, measures_of, paces_of, place_of, start_of
from projections.olap.mrr_sql import KINDS
from projections.olap.query import run_events_behind, run_report
from projections.olap.report import ReportDefinition
from projections.olap.reports import REPORTS
from tests.support.converted_model import record
from tests.support.events import History, segment
from tests.support.finance_told import Moneys
from tests.support.formulas import FORMULAS, comes_to, parts_of, worked_out
from tests.support.mrr_histories import Told, lives, metered, moment, percent, plan, terms
from tests.support.required import required
from tests.unit.olap.test_costs import HOLDERS, confirm, enter
from tests.unit.olap.test_differences import lived
from tests.unit.olap.test_ingest import World
from tests.unit.olap.test_scorecard import aim

_ROWS: Final = 3
_MANY: Final = 40
_POINTS: Final = 3
MARGINS: Final = [one.name for one in REPORTS["margin"].info.columns]
_IN_POUNDS: Final = (*(date(2023, month, 2) for month in (10, 11, 12)), date(2024, 1, 10))
"""The days on which what is paid in pounds begins and ends in turn: it is won, lost and won back within one year."""
_AIMED: Final = (
    ("mrr", {"unit": "USD", "period_kind": "quarter", "period": "2026-Q1"}),
    ("gross_margin", {"comparison": "range", "value_to": "300"}),
    ("nps", {"unit": "points"}),
)


def told() -> History:
    """Subscriptions with every kind of movement, invoices, costs, targets; all of them late as well."""
    chance = random.Random(11)
    history = lived(chance, UUID(int=7**40))
    for country in ("CA", "DE", None):
        history.contact("created", segment=segment(country))
    life = Told(history)
    life.tell(moment(date(2025, 9, 3)), terms(items=[plan(9_900), metered(700)]), subscription=11)
    life.tell(moment(date(2025, 9, 20)), terms(items=[plan(50)], currency="EUR"), subscription=12)
    life.tell(moment(date(2025, 10, 8)), terms(items=[plan(14_900)]), subscription=11)
    life.tell(moment(date(2025, 10, 8), 0, 30), terms("past_due", [plan(12_900)]), subscription=11)
    for day, status in ((date(2025, 11, 2), "canceled"), (date(2026, 2, 20), "active")):
        for which, currency in ((11, "USD"), (12, "EUR")):
            ended = moment(day) if status == "canceled" else None
            life.tell(
                moment(day),
                terms(
                    status,
                    [plan(7_900)],
                    [percent(1_000, day + timedelta(days=20))],
                    currency,
                    ended_at=ended,
                ),
                subscription=which,
            )
    for tellings in lives(4, 2):
        for one in tellings.tellings:
            life.tell(one.effective_at.replace(tzinfo=UTC), one.terms, subscription=30)
    moneys = Moneys(history, number=900)
    life.close(date(2026, 1, 1))
    for since, until, more in (
        (date(2025, 12, 20), date(2026, 3, 20), {"discount": 1_001, "tax": 500}),
        (date(2026, 1, 1), date(2026, 2, 1), {"currency": "EUR"}),
        (date(2026, 2, 1), date(2027, 2, 1), {}),
    ):
        moneys.invoice(chance.randrange(2_000, 90_000), since, until, **more)
    paid = moneys.invoice(10_000, date(2026, 1, 5), date(2026, 2, 5), tax=1_900)
    moneys.refund(paid, 1_190, date(2026, 2, 3), net=1_000)
    lost = moneys.invoice(5_000, date(2026, 1, 7), date(2026, 2, 7))
    moneys.dispute(lost, 5_000, date(2026, 2, 9), "lost", net=5_000)
    later = moneys.invoice(7_000, date(2026, 2, 1), date(2026, 3, 1), paid=False)
    moneys.pay(later, 7_000, date(2026, 3, 1))
    moneys.invoice(7_777, date(2026, 2, 1), date(2026, 3, 1), paid=False)
    moneys.cost(6_201, date(2026, 1, 1), date(2026, 1, 31), approximate=True)
    moneys.cost(5_000, date(2026, 2, 1), date(2026, 2, 3), category="marketing")
    entry = enter(history, 700, amount=999, approximate=True)
    confirm(history, entry, 1_234, 700)
    for number in range(31):
        record(history, "USD", "EUR", date(2025, 9, 1) + timedelta(days=7 * number), f"0.9{number:02}")
    life.close(date(2026, 2, 1))
    life.tell(moment(date(2026, 1, 20)), terms(items=[plan(19_900)]), subscription=13)
    moneys.cost(801, date(2026, 1, 20), date(2026, 2, 10))
    for number, day in enumerate((date(2025, 11, 9), date(2025, 12, 30), date(2026, 1, 30)), 800):
        whose: Any = {"pool": "shared"} if number == 800 else {"workspace_id": HOLDERS[1]}
        enter(
            history, number, amount=100 + number, covers_from=day, covers_to=day + timedelta(days=9), **whose
        )
    for number, (metric, more) in enumerate(_AIMED):
        aim(history, number, metric, "250", **more)
    for number, day in enumerate(_IN_POUNDS):
        status, ended = ("canceled", moment(day)) if number % 2 else ("active", None)
        life.tell(moment(day), terms(status, [plan(5_003)], currency="GBP", ended_at=ended), subscription=14)
    moneys.invoice(9_001, date(2023, 10, 1), date(2023, 11, 1), currency="GBP")
    for amount, category in ((2_003, "server"), (701, "marketing")):
        moneys.cost(amount, date(2023, 10, 1), date(2023, 10, 9), category=category, currency="GBP")
    half = len(history.events) // 2
    history.events[half:] = [
        one._replace(recorded_at=one.recorded_at + timedelta(days=70)) for one in history.events[half:]
    ]
    return history


@pytest.fixture(scope="module")
def asked() -> Iterator[tuple[World, History]]:
    history = told()
    world = World(history).catch_up()
    assert world.projector.health().poisoned == {}
    yield world, history
    world.store.close()


def values_of(name: str, report: ReportDefinition) -> dict[str, list[Any]]:
    """What each parameter is asked with: all of its values, where they are few."""
    found: dict[str, list[Any]] = {}
    for parameter, shape in report.info.parameters["properties"].items():
        if "enum" in shape:
            found[parameter] = shape["enum"]
        elif shape.get("type") == "boolean":
            found[parameter] = [False, True]
    if "currency" in found:
        found["currency"] = ["USD", "EUR", "JPY"]
    if name == "mrr_bridge":
        found["against"] = found["profile"][1:] + found["profile"][:1]
    return found


def variants(name: str, report: ReportDefinition, positions: int) -> Iterator[dict[str, Any]]:
    """Parameters such that each value of each of them is asked for, of now and as of a position."""
    chance, values = random.Random(name), values_of(name, report)
    positions_of = {"at_position": range(positions // 3, positions)}
    needed = required(name)
    yield needed
    for number in range(max(map(len, values.values()), default=1)):
        given = needed | {one: several[number % len(several)] for one, several in values.items()}
        yield given
        yield given | {"at_position": chance.choice(positions_of["at_position"])}


def opens(world: World, history: History, name: str, given: Mapping[str, Any]) -> Counter[str]:
    """Each measure of each row is the sum of its events, or names what stands beside it and comes to what it is.

    Counts, by measure, the cells that were opened, and the ratios that came to something.

    As of a position, which takes three times as long, the measures take turns with the rows: each is opened in one.
    """
    report = REPORTS[name]
    columns = report.info.columns
    found = run_report(world.store.writing, name, history.tenant_id, given)
    assert not found.truncated
    opened = Counter[str]()
    for row in found.rows:
        told = dict(zip(found.columns, row, strict=True))
        for one in ratios(report):
            assert comes_to(one, told), (name, given, told, one.name)
            opened[one.name] += bool(told[one.name])
    chance = random.Random(name)
    rows = (
        found.rows
        if given == required(name) and len(found.rows) < _MANY
        else chance.sample(found.rows, min(len(found.rows), _ROWS))
    )
    past = "at_position" in given
    for number, row in enumerate(rows):
        told = dict(zip(found.columns, row, strict=True))
        cell = cell_of(report.info, told)
        for turn, one in enumerate(columns):
            at = (name, given, cell, one.name)
            if one.kind == "dimension":
                continue
            if one.parts:
                assert set(one.parts) <= set(report.opened), at
                continue
            if past and turn % len(rows) != number:
                continue
            weights = events(world, history, name, {**cell, "measure": one.name}, given)
            assert sum(weights.values()) == round(float(str(told[one.name] or 0)) * one.scale), at
            assert all(
                1 <= position <= given.get("at_position", len(history.events)) for position in weights
            ), at
            opened[one.name] += 1
    return opened


def ratios(report: ReportDefinition) -> list[Column]:
    return [one for one in report.info.columns if one.nature == "ratio"]


def test_every_ratio_is_of_its_parts_and_says_so() -> None:
    """A ratio has a formula here, of the columns that it names as its parts and of no others."""
    used = set()
    for report in REPORTS.values():
        columns = {one.name: one for one in report.info.columns}
        for one in ratios(report):
            assert set(one.parts) == parts_of(one.name, columns), (report.info.name, one.name)
            used.add(one.name)
        assert all(one.nature in ("ratio", "statistic") for one in report.info.columns if one.parts)
    assert used == set(FORMULAS), "a formula is of no ratio"


@pytest.mark.parametrize("name", REPORTS)
def test_a_cell_lacks_only_what_is_empty_in_its_row(asked: tuple[World, History], name: str) -> None:
    world, history = asked
    info, given = REPORTS[name].info, required(name)
    found = run_report(world.store.writing, name, history.tenant_id, given)
    cells = [cell_of(info, dict(zip(found.columns, row, strict=True))) for row in found.rows]
    for cell in random.Random(name).sample(cells, min(len(cells), _ROWS)):
        said = {one: value for one, value in cell.items() if value is not None}
        assert events(world, history, name, said, given) == events(world, history, name, cell, given)
        for one in said:
            if {**cell, one: None} in cells:
                continue
            fewer = {other: value for other, value in cell.items() if other != one}
            with pytest.raises(InvalidParameters) as refused:
                events(world, history, name, fewer, given)
            assert [pointer for pointer, _ in refused.value.problems] == [f"/cell/{one}"]
    if any(cells) and not any(all(value is None for value in cell.values()) for cell in cells):
        with pytest.raises(InvalidParameters) as refused:
            events(world, history, name, {}, given)
        assert {pointer for pointer, _ in refused.value.problems} == {f"/cell/{one}" for one in cells[0]}


def events(
    world: World, history: History, name: str, cell: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[int, int]:
    """The events behind a cell, page by page: by position, what each weighs."""
    weights: dict[int, int] = {}
    after: int | None = 0
    while after is not None:
        page = run_events_behind(
            world.store.writing, name, history.tenant_id, cell, given, after=after, limit=50
        )
        assert not weights.keys() & {position for position, _ in page.events}
        weights |= dict(page.events)
        after = page.next_after
    return weights


@pytest.mark.parametrize("name", REPORTS)
def test_every_figure_opens(asked: tuple[World, History], name: str) -> None:
    world, history = asked
    report, opened = REPORTS[name], Counter[str]()
    for given in variants(name, report, len(history.events)):
        opened += opens(world, history, name, given)
    assert opened, "the history has nothing of this report"
    assert {one.name for one in ratios(report)} <= set(opened), "of a ratio nothing came"


def test_the_history_has_what_is_hard(asked: tuple[World, History]) -> None:
    world, history = asked
    con, whose = world.store.writing, history.tenant_id
    changes = run_report(con, "mrr_changes", whose, {})
    kinds = {(row[2], row[3]) for row in changes.rows}
    assert {kind for currency, kind in kinds if currency == "USD"} == set(KINDS)
    assert len({currency for currency, _ in kinds}) > 1
    assert any(effective != posted for effective, posted, *_ in changes.rows), "nothing came late"
    by_effect = run_report(con, "margin", whose, {"dating": "effective"}).rows
    converted = [
        (row[2], row[9]) for row in run_report(con, "mrr_in_one_currency", whose, {"currency": "EUR"}).rows
    ]
    assert any(fx for _, fx in converted), "rates moved nothing"
    assert any(lacks for lacks, _ in converted), "no rate was missing"
    margins = [dict(zip(MARGINS, row, strict=True)) for row in by_effect]
    assert {row["accuracy"] for row in margins} == {"exact", "approximate"}
    assert any(row["revenue"] == 0 for row in margins)
    assert by_effect != run_report(con, "margin", whose, {"dating": "posting"}).rows


@pytest.mark.parametrize("name", [name for name, one in REPORTS.items() if paces_of(one.info)])
def test_every_series_opens(asked: tuple[World, History], name: str) -> None:
    world, history = asked
    info, chance, looked_at = REPORTS[name].info, random.Random(name), 0
    place = place_of(info) or ""
    until = history.events[-1].recorded_at.date()
    for pace in paces_of(info):
        grain = {"grain": pace.value} if "grain" in info.parameters["properties"] else {}
        given = required(name) | grain
        found = run_report(world.store.writing, name, history.tenant_id, given)
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
        for figure in figures(info, rows, measures_of(info), pace, None, until):
            measure = next(one for one in info.columns if one.name == figure.measure)
            points = figure.series.points
            for point in chance.sample(points, min(len(points), _POINTS)):
                cells = [
                    cell_of(info, row)
                    for row in rows
                    if row.get("currency") == figure.currency
                    and start_of(date.fromisoformat(str(row[place])), pace) == point.start
                ]
                behind = [
                    sum(behind_all(world, history, name, cells, part, given))
                    for part in (measure.parts or (measure.name,))
                ]
                at = (name, figure.measure, point)
                if not measure.parts:
                    assert behind == [point.value or 0], at
                elif point.denominator is not None:
                    assert behind == [point.numerator, point.denominator], at
                else:
                    said = {"cac_told": "told", **(cells[0] if cells else {})}
                    expected = worked_out(measure.name, said | dict(zip(measure.parts, behind, strict=True)))
                    assert point.value == (None if expected is None else pytest.approx(float(expected))), at
                looked_at += 1
    assert looked_at, "the history is too short for a series"


def cell_of(info: ReportInfo, row: Mapping[str, Any]) -> dict[str, Any]:
    """What names a row."""
    return {one.name: row[one.name] for one in info.columns if one.kind == "dimension"}


def behind_all(
    world: World,
    history: History,
    name: str,
    cells: Sequence[Mapping[str, Any]],
    measure: str,
    given: Mapping[str, Any],
) -> Iterator[int]:
    """What the events behind several cells weigh."""
    for cell in cells:
        yield from events(world, history, name, {**cell, "measure": measure}, given).values()
