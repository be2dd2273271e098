"""A report's period beside others: which days they are, which rows stand side by side, and what differs."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ports.analytics import Column, Definition, InvalidParameters, Report, ReportInfo, Value
from application.ports.positions import Position
from application.variance import compared, compares, periods_of, step_of
from projections.olap.reports import REPORTS

_MONTH = Column("month", "dimension", "date", "Month.")
_DAY = Column("day", "dimension", "date", "Day.")
_WEEK = Column("week", "dimension", "date", "Monday.")
_PERIOD = Column("period", "dimension", "date", "Period.")
_KIND = Column("kind", "dimension", "text", "Kind.")
_TOLD = Column("status", "dimension", "text", "How it stands.", tells=True)
_SPENT = Column("spent", "measure", "minor units", "Spent.", "activity")
_HELD = Column("held", "measure", "contacts", "Held.", "balance")
_SHARE = Column("share", "measure", "percent", "Share.", "ratio", ("spent", "held"))
_LONGEST = Column("longest", "measure", "seconds", "Longest.", "statistic")


def info(*columns: Column) -> ReportInfo:
    properties: dict[str, Any] = {"from": {}, "to": {}, "grain": {"default": "month"}}
    meaning = Definition("finance", 1, "As it goes.", "All.", "Nothing.", "How does it go?")
    return ReportInfo(
        "example", "Example", "How.", "reports.read", columns, {"properties": properties}, meaning
    )


def report(columns: tuple[Column, ...], *rows: tuple[Value, ...], truncated: bool = False) -> Report:
    return Report(tuple(column.name for column in columns), rows, Position(1, 9), None, truncated)


def side_by_side(
    columns: tuple[Column, ...],
    compare: str,
    *rows: list[tuple[Value, ...]],
    days: tuple[str, str] = ("2026-03-01", "2026-03-31"),
    truncated: bool = False,
    **others: str,
) -> list[dict[str, Value]]:
    asked = {"from": days[0], "to": days[1], **others}
    reports = [report(columns, *some, truncated=truncated) for some in rows]
    _, found = compared(info(*columns), asked, periods_of(asked, compare), reports)
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


@pytest.mark.parametrize(
    ("days", "compare", "found"),
    [
        (("2026-03-01", "2026-03-31"), "previous", ("2026-02-01", "2026-02-28")),
        (("2026-01-01", "2026-03-31"), "previous", ("2025-10-01", "2025-12-31")),
        (("2026-03-05", "2026-03-11"), "previous", ("2026-02-26", "2026-03-04")),
        (("2024-02-01", "2024-02-29"), "year_ago", ("2023-02-01", "2023-02-28")),
        (("2025-02-01", "2025-02-28"), "year_ago", ("2024-02-01", "2024-02-29")),
        (("2024-02-10", "2024-02-29"), "year_ago", ("2023-02-10", "2023-02-28")),
        (("2026-05-31", "2026-05-31"), "year_ago", ("2025-05-31", "2025-05-31")),
        (("2026-03-01", "2026-03-31"), "2025-12..2026-01", ("2025-12-01", "2026-01-31")),
        (("2026-03-01", "2026-03-31"), "2025-12-03..2025-12-03", ("2025-12-03", "2025-12-03")),
        (("2026-03", "2026-03"), "previous", ("2026-02", "2026-02")),
        (("2026-01", "2026-06"), "year_ago", ("2025-01", "2025-06")),
        (("2026-03", "2026-03"), "2025-12-01..2025-12-31", ("2025-12", "2025-12")),
    ],
)
def test_which_days_a_period_is_compared_with(
    days: tuple[str, str], compare: str, found: tuple[str, str]
) -> None:
    asked, other = periods_of({"from": days[0], "to": days[1]}, compare)
    assert (asked.given["from"], asked.given["to"]) == days
    assert (other.given["from"], other.given["to"]) == found


@pytest.mark.parametrize(
    ("asked", "compare", "where"),
    [
        ({"to": "2026-03-31"}, "previous", "/from"),
        ({"from": "2026-03-31"}, "previous", "/to"),
        ({"from": "soon", "to": "2026-03-31"}, "previous", "/from"),
        ({"from": "2026-03-31", "to": "2026-03-01"}, "previous", "/to"),
        ({"from": "2026-04", "to": "2026-03"}, "2025-01..2025-02", "/to"),
        ({"from": "2026-03-01", "to": "2026-03-31"}, "previous,year_ago,2025-01..2025-01", "/compare"),
        ({"from": "2026-03-01", "to": "2026-03-31"}, "previous,previous", "/compare"),
        ({"from": "2026-03-01", "to": "2026-03-31"}, "", "/compare"),
        ({"from": "2026-03-01", "to": "2026-03-31"}, "2025-01", "/compare"),
        ({"from": "2026-03-01", "to": "2026-03-31"}, "2025-01-31..2025-01-01", "/compare"),
        ({"from": "2026-03-01", "to": "2026-03-31"}, "2025-13..2025-01", "/compare"),
        ({"from": "2026-03", "to": "2026-03"}, "2025-01-02..2025-01-31", "/compare"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "previous", "/compare"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "year_ago", "/compare"),
        ({"from": "2000-01-01", "to": "2000-01-31"}, "previous", "/compare"),
    ],
)
def test_what_cannot_be_compared_names_the_parameter(asked: dict[str, str], compare: str, where: str) -> None:
    with pytest.raises(InvalidParameters) as refused:
        periods_of(asked, compare)
    assert [pointer for pointer, _ in refused.value.problems] == [where]


def test_two_periods_beside_the_one_asked_for() -> None:
    now: list[tuple[Value, ...]] = [(date(2026, 3, 1), "server", 300), (date(2026, 3, 1), "ip", 50)]
    before: list[tuple[Value, ...]] = [(date(2026, 2, 1), "server", 200)]
    a_year: list[tuple[Value, ...]] = [(date(2025, 3, 1), "server", 0), (date(2025, 3, 1), "domain", 7)]
    rows = side_by_side((_MONTH, _KIND, _SPENT), "previous,year_ago", now, before, a_year)
    assert rows == [
        {
            "month": date(2026, 3, 1),
            "month_previous": date(2026, 2, 1),
            "month_year_ago": date(2025, 3, 1),
            "kind": "server",
            "row_in": "asked, previous, year_ago",
            "spent": 300,
            "spent_previous": 200,
            "spent_previous_change": 100,
            "spent_previous_percent": 50.0,
            "spent_year_ago": 0,
            "spent_year_ago_change": 300,
            "spent_year_ago_percent": None,
        },
        {
            "month": date(2026, 3, 1),
            "month_previous": date(2026, 2, 1),
            "month_year_ago": date(2025, 3, 1),
            "kind": "ip",
            "row_in": "asked",
            "spent": 50,
            "spent_previous": None,
            "spent_previous_change": 50,
            "spent_previous_percent": None,
            "spent_year_ago": None,
            "spent_year_ago_change": 50,
            "spent_year_ago_percent": None,
        },
        {
            "month": date(2026, 3, 1),
            "month_previous": date(2026, 2, 1),
            "month_year_ago": date(2025, 3, 1),
            "kind": "domain",
            "row_in": "year_ago",
            "spent": None,
            "spent_previous": None,
            "spent_previous_change": None,
            "spent_previous_percent": None,
            "spent_year_ago": 7,
            "spent_year_ago_change": -7,
            "spent_year_ago_percent": -100.0,
        },
    ]


def test_what_is_no_activity_is_missing_where_it_has_no_row_and_so_is_what_is_cut_off() -> None:
    (row,) = side_by_side((_KIND, _HELD), "previous", [("a", 5)], [])
    assert (row["held_previous"], row["held_previous_change"]) == (None, None)
    (row,) = side_by_side((_KIND, _SPENT), "previous", [("a", 5)], [], truncated=True)
    assert (row["spent_previous"], row["spent_previous_change"]) == (None, None)


def test_percentages_and_statistics_differ_in_points_alone() -> None:
    (row,) = side_by_side((_SHARE, _LONGEST), "previous", [(12.5, 90.0)], [(10.0, 60.0)])
    assert row["share_previous_change"] == 2.5
    assert row["longest_previous_change"] == 30.0
    assert not [name for name in row if name.endswith("_percent")]


def test_a_debit_that_shrinks_is_a_gain_in_percent_too() -> None:
    (row,) = side_by_side((_SPENT,), "previous", [(-50,)], [(-100,)])
    assert (row["spent_previous_change"], row["spent_previous_percent"]) == (50, 50.0)


def test_what_a_row_tells_stands_for_each_period_and_does_not_part_them() -> None:
    target = Column("target", "dimension", "text", "Aim.", tells=True)
    columns = (_KIND, target, _TOLD, _SPENT)
    (row,) = side_by_side(columns, "previous", [("a", "9", "ahead", 5)], [("a", "8", "behind", 4)])
    assert (row["status"], row["status_previous"]) == ("ahead", "behind")
    assert (row["target"], row["target_previous"], row["spent_previous_change"]) == ("9", "8", 1)


def test_days_stand_beside_the_same_day_of_the_month() -> None:
    rows = side_by_side(
        (_DAY, _SPENT),
        "previous",
        [(date(2026, 3, 1), 1), (date(2026, 3, 30), 30)],
        [(date(2026, 2, 1), 2)],
    )
    assert [(row["day"], row["day_previous"]) for row in rows] == [
        (date(2026, 3, 1), date(2026, 2, 1)),
        (date(2026, 3, 30), None),
    ]
    rows = side_by_side(
        (_DAY, _SPENT),
        "previous",
        [(date(2026, 3, 6), 1)],
        [(date(2026, 2, 27), 4), (date(2026, 3, 4), 2)],
        days=("2026-03-05", "2026-03-11"),
    )
    assert [(row["day"], row["day_previous"], row["spent_previous_change"]) for row in rows] == [
        (date(2026, 3, 6), date(2026, 2, 27), -3),
        (date(2026, 3, 11), date(2026, 3, 4), -2),
    ]


@pytest.mark.parametrize(
    ("column", "grain", "now", "before"),
    [
        (_WEEK, "month", date(2026, 3, 9), date(2025, 3, 10)),
        (_PERIOD, "week", date(2026, 3, 9), date(2025, 3, 10)),
        (_PERIOD, "month", date(2026, 4, 1), date(2025, 4, 1)),
        (_PERIOD, "quarter", date(2026, 4, 1), date(2025, 4, 1)),
        (_PERIOD, "year", date(2027, 1, 1), date(2026, 1, 1)),
        (_PERIOD, "day", date(2026, 4, 7), date(2025, 4, 7)),
    ],
)
def test_periods_stand_beside_those_as_far_on(column: Column, grain: str, now: date, before: date) -> None:
    days = ("2026-03-01", "2027-02-28")
    for mine, theirs in ((now, before), (now, None), (None, before)):
        rows = side_by_side(
            (column, _SPENT),
            "year_ago",
            [(mine, 5)] if mine else [],
            [(theirs, 3)] if theirs else [],
            days=days,
            grain=grain,
        )
        assert [(row[column.name], row[f"{column.name}_year_ago"]) for row in rows] == [(now, before)]


def test_an_empty_date_stands_beside_an_empty_date() -> None:
    (row,) = side_by_side((_DAY, _SPENT), "previous", [(None, 5)], [(None, 3)])
    assert (row["day"], row["day_previous"], row["spent_previous_change"]) == (None, None, 2)


def test_the_dates_of_every_report_are_known() -> None:
    """Add a column's name to `_STEPS` where its dates last longer than a day; here where they do not."""
    days = {"day", "effective_on", "posted_on", "changed_on"}
    for made in REPORTS.values():
        if compares(made.info):
            for column in made.info.columns:
                if step_of(column, "quarter") == "day":
                    assert column.name in days, f"{made.info.name}: {column.name}"


def test_every_column_of_every_report_has_a_name_of_its_own() -> None:
    for made in REPORTS.values():
        if compares(made.info):
            periods = periods_of({"from": "2026-03-01", "to": "2026-03-31"}, "previous,2025-01..2025-02")
            empty = [report(made.info.columns)] * len(periods)
            told, found = compared(made.info, {}, periods, empty)
            assert len(set(found.columns)) == len(found.columns) == len(told.columns)


_ROWS = st.lists(
    st.tuples(
        st.dates(date(2026, 3, 1), date(2026, 4, 30)) | st.none(),
        st.sampled_from(["a", "b"]),
        st.integers(-1_000, 1_000) | st.none(),
        st.floats(-100, 100) | st.none(),
    ),
    max_size=12,
)
_DAYS = {"from": "2026-03-01", "to": "2026-04-30"}


@given(rows=_ROWS)
def test_with_itself_nothing_differs(rows: list[tuple[Value, ...]]) -> None:
    columns = (_DAY, _KIND, _SPENT, _SHARE)
    one = report(columns, *rows)
    periods = periods_of(_DAYS, "2026-03-01..2026-04-30")
    _, found = compared(info(*columns), _DAYS, periods, [one, one])
    name = periods[1].name
    told = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    assert [(row["day"], row["kind"], row["spent"], row["share"]) for row in told] == rows
    for row in told:
        assert row["day"] == row[f"day_{name}"]
        for measure in ("spent", "share"):
            assert row[measure] == row[f"{measure}_{name}"]
            assert row[f"{measure}_{name}_change"] == (None if row[measure] is None else 0)


@given(
    now=st.dictionaries(st.sampled_from("abcdef"), st.integers(-1_000, 1_000)),
    then=st.dictionaries(st.sampled_from("abcdef"), st.integers(-1_000, 1_000)),
)
def test_the_differences_of_an_activity_add_up(now: dict[str, int], then: dict[str, int]) -> None:
    rows = side_by_side((_KIND, _SPENT), "previous", list(now.items()), list(then.items()))
    changes = [row["spent_previous_change"] for row in rows]
    assert sum(one for one in changes if isinstance(one, int)) == sum(now.values()) - sum(then.values())
    assert {row["kind"] for row in rows} == {*now, *then}
