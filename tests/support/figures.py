"""Figures of every unit, and texts that a spreadsheet would run, for tests of what reports become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from application.figures import Figures
from application.ports.analytics import Column, Definition, Report, ReportInfo, Value
from application.ports.platform import PlatformReport, Standing
from application.ports.positions import Position

AS_OF: Final = datetime(2026, 11, 24, 9, 30, 15, 250_000, tzinfo=UTC)
DIGEST: Final = "6f" * 32
DANGEROUS: Final = (
    "=cmd|'/C calc'!A0",
    "=1+2",
    "+1",
    "-2+3",
    "@SUM(1,1)",
    "\t=1+2",
    "\r=1+2",
    '=HYPERLINK("http://example.org","x")',
    "=DDE(1)",
    "＝1+2",  # noqa: RUF001 - the wide sign is the point
    "{=1+2}",
    "http://example.org",
    "007",
    "1e5",
    "TRUE",
    "_x0041_",
)
UNICODE: Final = ("Zürich", "株式会社", "👩‍🚀", "עברית", "a\u0301", "line\nbreak", "ß & <b>", "'quoted'")

COLUMNS: Final = (
    Column("day", "dimension", "date", "Day, UTC."),
    Column("currency", "dimension", "currency", "ISO 4217 code."),
    Column("note", "dimension", "text", "What it is."),
    Column("messages", "measure", "messages", "Number of messages."),
    Column("amount", "measure", "minor units", "Amount, in minor units."),
    Column("share", "measure", "ratio", "Share of all."),
    Column("churn", "measure", "percent", "Churn."),
    Column("latency_seconds", "measure", "seconds", "Latency."),
    Column("payback", "measure", "days", "Payback."),
)
ROWS: Final[tuple[tuple[Value, ...], ...]] = (
    (date(2026, 11, 1), "USD", "plain", 1_234, 16_667, 0.25, 20.5, 3_661.5, 12.5),
    (date(2026, 11, 2), "JPY", "no minor unit", 0, -500, 0.0, 0.0, 0.0, 0.0),
    (date(2026, 11, 3), "KWD", "thousandths", 7, 1_005, 1.0, 100.0, 90_000.0, 400.0),
    (date(2026, 11, 4), "none", "no currency", -3, 99, -0.5, -1.25, -5.0, -2.0),
    (None, None, None, None, None, None, None, None, None),
)


def figures(
    rows: Sequence[tuple[Value, ...]] = ROWS,
    columns: tuple[Column, ...] = COLUMNS,
    *,
    as_of: datetime | None = AS_OF,
    truncated: bool = False,
    since: str | None = None,
    at: str | None = None,
) -> Figures:
    """A report with these rows, asked for from a day on, as of a position."""
    parameters = {"from": since, "at_position": at}
    properties: dict[str, Any] = {"from": {}, "to": {}, "dating": {"default": "posting"}}
    info = ReportInfo(
        "example",
        "Example & others",
        "How it goes. An activity.",
        "reports.read",
        columns,
        {"properties": properties},
        Definition("finance", 1, "As it goes.", "All.", "Nothing.", "How does it go?"),
    )
    names = tuple(column.name for column in columns)
    report = Report(names, tuple(rows), Position(1, int(at or 42)), as_of, truncated)
    given = {name: value for name, value in parameters.items() if value}
    return Figures(info, report, given, UUID(int=7), f"member {UUID(int=8)}")


def report_of(made: Figures) -> Report:
    """The report of one log that figures are of."""
    if not isinstance(made.report, Report):
        raise TypeError("figures of all logs")
    return made.report


def figures_of_all(rows: Sequence[tuple[Value, ...]] = ROWS, *, as_of: datetime | None = AS_OF) -> Figures:
    """The same, of twelve logs together."""
    made = figures(rows, since="2026-11-01")
    report = PlatformReport(made.report.columns, made.report.rows, Standing(as_of, 12, DIGEST, 0), False)  # noqa: FBT003 - not cut off
    return replace(made, report=report)


def texts(*cells: str) -> Figures:
    """A report of texts alone, counted."""
    columns = (Column("note", "dimension", "text", "A text."), Column("n", "measure", "events", "A count."))
    return figures([(cell, number) for number, cell in enumerate(cells)], columns)
