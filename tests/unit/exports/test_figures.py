"""What figures are to a reader, and how they are named exactly."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from application.ahead import ahead_from
from application.figures import Form, definition_of, form_of, heading, shown
from application.ports.analytics import Column, Value
from application.variance import step_of
from projections.olap.reports import REPORTS
from tests.support.figures import COLUMNS, DIGEST, ROWS, figures, figures_of_all, report_of


def column(unit: str, name: str = "x") -> Column:
    return Column(name, "measure", unit, "About.")


@pytest.mark.parametrize(
    ("value", "unit", "currency", "text"),
    [
        (1_234_567, "events", None, "1,234,567"),
        (-3, "events", None, "\u22123"),
        (16_667, "minor units", "USD", "166.67 USD"),
        (-5, "minor units", "USD", "\u22120.05 USD"),
        (-500, "minor units", "JPY", "\u2212500 JPY"),
        (1_005, "minor units", "KWD", "1.005 KWD"),
        (1_005, "minor units", None, "1,005"),
        (0.8333, "ratio", None, "83.3 %"),
        (20.0, "percent", None, "20.0 %"),
        (3_661.4, "seconds", None, "1:01:01"),
        (12.5, "days", None, "12.5"),
        (100.0, "days", None, "100"),
        (date(2026, 11, 24), "date", None, "2026-11-24"),
        (float("nan"), "ratio", None, ""),
        (None, "events", None, ""),
        ("-x", "text", None, "-x"),
    ],
)
def test_a_figure_as_it_is_read(value: Value, unit: str, currency: str | None, text: str) -> None:
    assert shown(value, column(unit), currency) == text


def test_headings() -> None:
    assert heading(column("opt-outs", "surely_in_time")) == "Surely in time"
    assert heading(column("seconds", "latency_seconds")) == "Latency"


def test_every_column_of_a_report_there_is_has_a_form_of_its_own() -> None:
    """A measure that is not counted in things says a unit that is known, so that no fraction is cut off."""
    counted = {
        column.unit
        for report in REPORTS.values()
        for column in report.info.columns
        if form_of(column) is Form.COUNT
    }
    known = {
        *("events", "contacts", "customers", "decisions", "messages", "opt-outs", "permissions", "requests"),
        *("targets", "units"),
    }
    assert counted <= known, (
        "is this unit counted in whole things? then add it here; else to application.figures"
    )


def test_currencies_by_row() -> None:
    assert figures().currencies() == ["USD", "JPY", "KWD", None, None]
    assert figures([], COLUMNS).currencies() == []


def test_a_citation_changes_with_what_it_names() -> None:
    one = figures()
    assert one.citation() == figures().citation()
    others = [figures(ROWS[1:]), figures(since="2026-11-01"), figures(columns=COLUMNS[:-1], rows=[])]
    assert len({one.citation(), *(other.citation() for other in others)}) == 4


def test_where_the_same_is_asked_again_names_every_parameter_and_the_position() -> None:
    assert figures(since="2026-11-01").path() == "/v1/reports/example?dating=posting&from=2026-11-01"
    of_mrr = replace(figures(at="7"), info=REPORTS["mrr"].info)
    assert of_mrr.path() == "/v1/reports/mrr?at_position=7&dating=posting&grain=month&profile=stripe-1"
    assert replace(figures(), info=of_mrr.info).path().startswith("/v1/reports/mrr?at_position=42&")


@pytest.mark.parametrize(
    ("given", "ahead"),
    [
        ({}, None),
        ({"to": "2026-11-27"}, None),
        ({"to": "2026-11-28"}, "2026-11-28"),
        ({"to": "2026-11"}, "2026-11-28"),
        ({"from": "2027-01", "to": "2027-02"}, "2027-01-01"),
        ({"from": "2026-11-01", "to": "2099-12-31"}, "2026-11-28"),
    ],
)
def test_days_to_come(given: dict[str, str], ahead: str | None) -> None:
    told = ahead_from(figures().info, given, date(2026, 11, 27), figures().report)
    assert (None if told is None else str(told)) == ahead
    of_no_days = REPORTS["contacts_by_segment"].info
    assert (
        ahead_from(of_no_days, given, date(2026, 11, 27), figures(columns=of_no_days.columns, rows=()).report)
        is None
    )


@pytest.mark.parametrize(
    ("name", "first", "ahead"),
    [
        ("costs_by_category", date(2026, 10, 1), None),
        ("costs_by_category", date(2026, 11, 1), "2026-11-28"),
        ("costs_by_workspace", date(2027, 2, 1), "2027-02-01"),
        ("lapses", date(2026, 11, 16), None),
        ("lapses", date(2026, 11, 23), "2026-11-28"),
        ("mrr", date(2026, 11, 1), None),
        ("mrr_changes", date(2026, 12, 1), "2026-12-01"),
    ],
)
def test_days_to_come_that_nobody_asked_for_by_name(name: str, first: date, ahead: str | None) -> None:
    info = REPORTS[name].info
    row = tuple(first if step_of(column, "month") else None for column in info.columns)
    told = ahead_from(info, {}, date(2026, 11, 27), figures([row], info.columns).report)
    assert (None if told is None else str(told)) == ahead


def test_a_definition_changes_with_what_a_report_means() -> None:
    info = figures().info
    assert definition_of(info) == definition_of(replace(info))
    assert definition_of(info) != definition_of(replace(info, about="Something else."))


@pytest.mark.parametrize(
    ("at", "wanted"), [("7", "1 to 7"), ("0", "none: nothing has happened yet"), (None, "1 to 42")]
)
def test_the_range_of_positions(at: str | None, wanted: str) -> None:
    made = dict(figures(at=at).origin())
    assert made == {"position": report_of(figures(at=at)).position.token(), "positions": wanted}


def test_figures_of_all_logs_say_of_how_many_and_their_digest() -> None:
    made = figures_of_all()
    assert dict(made.origin()) == {
        "logs": "12",
        "stopped": "0",
        "digest": DIGEST,
        "positions": "of each log: GET /v1/platform/positions?at_time=2026-11-24T09%3A30%3A15.250000%2B00%3A00",
    }
    path, _, rest = made.citation().partition(" @ ")
    assert path == (
        "/v1/platform/reports/example?at_time=2026-11-24T09%3A30%3A15.250000%2B00%3A00&dating=posting&from=2026-11-01"
    )
    assert rest == f"digest {DIGEST[:16]}, definition {made.definition}, sha256 {made.sha256()[:16]}"
    empty = figures_of_all(as_of=None)
    assert dict(empty.origin())["positions"] == "of each log: GET /v1/platform/positions"
    assert "at_time" not in empty.citation()
