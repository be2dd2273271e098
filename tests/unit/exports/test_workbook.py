"""Workbooks, read back by another library: cells equal the figures, and no text is more than a text."""

from __future__ import annotations

import io
import time
import zipfile
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from openpyxl import load_workbook

from adapters.exports.workbook import xlsx_bytes
from application.figures import Figures
from application.ports.analytics import Column, Value
from tests.support.figures import (
    AS_OF,
    COLUMNS,
    DANGEROUS,
    DIGEST,
    ROWS,
    UNICODE,
    figures,
    figures_of_all,
    texts,
)


def opened(made: Figures) -> Any:
    return load_workbook(io.BytesIO(xlsx_bytes(made)))


def cells(sheet: Any, first: int, columns: int) -> list[tuple[Any, ...]]:
    return [tuple(cell.value for cell in row[:columns]) for row in sheet.iter_rows(min_row=first)]


def tidy(row: tuple[Value, ...]) -> tuple[object, ...]:
    """What `facts` holds of a row: dates with the time that openpyxl gives them, amounts in their currency."""
    digits = {"USD": 2, "JPY": 0, "KWD": 3}.get(str(row[1]), 0)
    day, amount = row[0], row[4]
    return (
        datetime(day.year, day.month, day.day) if isinstance(day, date) else None,  # noqa: DTZ001 - as read
        *row[1:4],
        amount / 10**digits if isinstance(amount, int) else None,
        *row[5:],
    )


def test_facts_are_one_tidy_table_with_real_dates_and_numbers() -> None:
    sheet = opened(figures())["facts"]
    assert [cell.value for cell in sheet[1]] == [column.name for column in COLUMNS]
    assert cells(sheet, 2, len(COLUMNS)) == [tidy(row) for row in ROWS[:-1]], "the last row is empty"
    assert sheet.tables["facts"].ref == "A1:I6"
    assert sheet["A2"].is_date
    assert [sheet[f"E{n}"].number_format for n in range(2, 6)] == [
        "#,##0.00",
        "#,##0",
        "#,##0.000",
        "#,##0",
    ]


def test_a_workbook_of_all_logs_says_of_how_many_and_their_digest() -> None:
    book = opened(figures_of_all())
    told = f"12 logs, digest {DIGEST[:16]}"
    assert book.worksheets[0]["A2"].value == f"Data as of 2026-11-24 09:30:15 UTC, {told}"
    assert book.worksheets[0].oddFooter.center.text == told
    about = {row[0]: row[1] for row in cells(book["about"], 1, 2)}
    assert (about["Logs"], about["Digest"]) == ("12", DIGEST)


def test_the_first_sheet_is_the_report_as_a_reader_wants_it() -> None:
    book = opened(figures())
    sheet = book.worksheets[0]
    assert book.sheetnames == ["Report", "facts", "about"]
    assert sheet["A1"].value == "Example & others"
    assert sheet["A2"].value == "Data as of 2026-11-24 09:30:15 UTC, position 42"
    assert [cell.value for cell in sheet[4]][6:8] == ["Churn", "Latency"]
    assert sheet["H5"].value == timedelta(seconds=3_661.5), "a duration is one"
    assert sheet["F5"].number_format == "0.0%"
    assert sheet.freeze_panes == "A5"
    assert sheet.auto_filter.ref == "A4:I9"
    assert sheet.print_title_rows == "$4:$4"
    assert sheet.page_setup.orientation == "landscape"
    assert (sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage) == (0, True)
    assert "Example && others" in sheet.oddFooter.left.text


def test_it_says_what_it_is_made_from_and_that_it_is_whole() -> None:
    made = figures(since="2026-11-01")
    told = {row[0].value: row[1].value for row in opened(made)["about"].iter_rows()}
    assert told["Positions"] == "1 to 42"
    assert told["Time zone"] == "UTC"
    assert told["Rows"] == "5"
    assert told["Complete"].startswith("yes")
    assert told["Parameters"] == "dating=posting, from=2026-11-01", "also what was not asked for"
    assert told["Left out"] == "what from=2026-11-01 leaves out (not counted)"
    assert told["Sha256"] == made.sha256()
    assert told["amount"] == "Amount, in minor units.", "each column's meaning"
    cut = {row[0].value: row[1].value for row in opened(figures(truncated=True))["about"].iter_rows()}
    assert cut["Complete"].startswith("no")


@pytest.mark.parametrize("sheet", ["Report", "facts"])
def test_no_text_is_more_than_a_text(sheet: str) -> None:
    made = texts(*DANGEROUS, *UNICODE)
    first = {"Report": 5, "facts": 2}[sheet]
    read = opened(made)[sheet]
    # A workbook holds a carriage return as `_x000D_`, and openpyxl leaves it so.
    wanted = [text.replace("\r", "_x000D_") for text in (*DANGEROUS, *UNICODE)]
    assert [row[0] for row in cells(read, first, 1)] == wanted
    assert {read.cell(row, 1).data_type for row in range(first, first + len(wanted))} == {"s"}
    parts = zipfile.ZipFile(io.BytesIO(xlsx_bytes(made)))
    for name in parts.namelist():
        text = parts.read(name)
        assert b"<f>" not in text
        assert b"hyperlink" not in text
        assert b"externalLink" not in text


def test_column_names_and_titles_are_texts_too() -> None:
    columns = (Column("=cmd", "dimension", "text", "=1+1"), Column("n", "measure", "events", "@SUM(1)"))
    book = opened(figures([("a", 1)], columns))
    assert book["facts"]["A1"].data_type == "s"
    assert book["Report"]["A4"].data_type == "s"
    assert not [cell for row in book["about"].iter_rows() for cell in row if cell.data_type == "f"]


def test_numbers_with_more_digits_than_a_spreadsheet_keeps_stand_as_text() -> None:
    columns = (Column("n", "measure", "events", "A count."),)
    sheet = opened(figures([(10**15 - 1,), (10**15 + 1,), (-(10**17) - 3,)], columns))["facts"]
    assert [row[0] for row in cells(sheet, 2, 1)] == [10**15 - 1, "1000000000000001", "-100000000000000003"]


def test_days_before_a_spreadsheets_first_stand_as_text_and_no_number_as_nothing() -> None:
    columns = (
        Column("day", "dimension", "date", "A day."),
        Column("share", "measure", "ratio", "A share."),
    )
    sheet = opened(figures([(date(1899, 12, 31), float("nan")), (date(1900, 3, 1), float("inf"))], columns))[
        "facts"
    ]
    assert cells(sheet, 2, 2) == [("1899-12-31", None), (datetime(1900, 3, 1), None)]  # noqa: DTZ001 - as read


def test_an_empty_report_is_a_workbook_too() -> None:
    book = opened(figures([], as_of=None))
    assert book["Report"]["A2"].value == "Data as of nothing has happened yet, position 42"
    assert book["facts"].tables["facts"].ref == "A1:I2"
    assert cells(book["facts"], 2, len(COLUMNS)) in ([], [(None,) * len(COLUMNS)])


def test_equal_figures_give_equal_bytes_whenever_they_are_made() -> None:
    first = xlsx_bytes(figures())
    time.sleep(1.1)  # the resolution of a workbook's moments
    assert xlsx_bytes(figures()) == first
    assert xlsx_bytes(figures(as_of=AS_OF + timedelta(minutes=1))) != first


def test_ten_thousand_rows() -> None:
    rows = [(*ROWS[0][:3], number, *ROWS[0][4:]) for number in range(10_000)]
    sheet = load_workbook(io.BytesIO(xlsx_bytes(figures(rows))), read_only=True)["facts"]
    assert [row[0] for row in sheet.iter_rows(min_row=2, min_col=4, max_col=4, values_only=True)] == [
        *range(10_000)
    ]
