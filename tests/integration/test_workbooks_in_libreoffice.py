"""Our workbooks in a spreadsheet that people use: it opens them, and its cells are the figures."""

from __future__ import annotations

import csv
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from adapters.exports.answers import ANSWER_FILES
from adapters.exports.names import FileName
from adapters.exports.separated import Separated, csv_bytes
from adapters.exports.workbook import xlsx_bytes
from application.figures import Figures
from tests.support.answers import answered, cell_of, of_texts
from tests.support.figures import COLUMNS, DANGEROUS, ROWS, UNICODE, figures, texts
from tests.support.libreoffice import converted, needs_libreoffice
from tests.support.sql_types import TYPES, select

AS_SHOWN = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,true,false,false,-1"
"""UTF-8, commas, cells as they are shown, every sheet."""


def in_libreoffice(made: Figures | bytes, folder: Path) -> Any:
    """The workbook, opened and written again by LibreOffice."""
    file = folder / "made.xlsx"
    file.write_bytes(made if isinstance(made, bytes) else xlsx_bytes(made))
    out = folder / "out"
    out.mkdir()
    converted(file, "xlsx", out)
    return load_workbook(out / "made.xlsx")


@needs_libreoffice
def test_cells_are_the_figures(tmp_path: Path) -> None:
    book = in_libreoffice(figures(), tmp_path)
    sheet = book["facts"]
    assert [cell.value for cell in sheet[1]] == [column.name for column in COLUMNS]
    for read, row in zip(sheet.iter_rows(min_row=2, values_only=True), ROWS, strict=False):
        day, currency, amount = row[0], row[1], row[4]
        digits = {"USD": 2, "KWD": 3}.get(str(currency), 0)
        assert read[0] == (datetime(day.year, day.month, day.day) if isinstance(day, date) else None)  # noqa: DTZ001 - as read
        assert read[1:4] == row[1:4]
        assert read[4] == (amount / 10**digits if isinstance(amount, int) else None)
        assert read[5:] == row[5:]
    assert sheet.tables["facts"].ref.startswith("A1:I")
    assert book["Report"].print_title_rows == "$4:$4"


@needs_libreoffice
def test_no_text_is_run(tmp_path: Path) -> None:
    sheet = in_libreoffice(texts(*DANGEROUS, *UNICODE), tmp_path)["facts"]
    read = list(sheet.iter_rows(min_row=2, max_col=1))
    assert [row[0].value.replace("_x000D_", "\r") for row in read] == [*DANGEROUS, *UNICODE]
    assert {row[0].data_type for row in read} == {"s"}


@needs_libreoffice
def test_cells_as_they_are_shown(tmp_path: Path) -> None:
    file = tmp_path / "made.xlsx"
    file.write_bytes(xlsx_bytes(figures()))
    converted(file, AS_SHOWN, tmp_path)
    with (tmp_path / "made-Report.csv").open(encoding="utf-8", newline="") as told:
        lines = list(csv.reader(told))
    assert lines[4] == [
        "2026-11-01",
        "USD",
        "plain",
        "1,234",
        "166.67",
        "25.0%",
        "20.5 %",
        "1:01:02",
        "12.50",
    ]
    assert lines[6][7] == "25:00:00", "more than a day"


@needs_libreoffice
@pytest.mark.parametrize(
    ("how", "filter_"),
    [
        (Separated(), "44,34,76,1,,1033,false,true"),
        (Separated(delimiter=";", mark=True, decimal=","), "59,34,76,1,,1031,false,true"),
    ],
    ids=["en-US", "de-DE"],
)
def test_csv_in_the_spreadsheet_of_a_country(tmp_path: Path, how: Separated, filter_: str) -> None:
    """The filter's numbers are the delimiter, the quote, UTF-8, the first line, and the language."""
    file = tmp_path / "made.csv"
    file.write_bytes(csv_bytes(figures(), how))
    out = tmp_path / "out"
    out.mkdir()
    converted(file, "xlsx", out, reading=f"CSV:{filter_}")
    sheet = load_workbook(out / "made.xlsx").active
    read = [tuple(row[3:]) for row in sheet.iter_rows(min_row=2, max_row=5, values_only=True)]
    assert read == [row[3:] for row in ROWS[:4]]


@needs_libreoffice
def test_cells_of_an_answer_to_sql_are_what_it_tells(tmp_path: Path) -> None:
    book = in_libreoffice(ANSWER_FILES[FileName.XLSX](answered(select()), Separated()), tmp_path)
    header, first = book["answer"].iter_rows(max_row=2)
    assert [cell.value for cell in header] == [one.name for one in TYPES]
    for one, cell in zip(TYPES, first, strict=True):
        wanted = "=TRUE()" if one.json is True else cell_of(one)  # as it writes a cell that holds TRUE
        number = isinstance(wanted, float)
        assert cell.value == (pytest.approx(wanted, rel=1e-14, abs=0) if number else wanted or None), one.name
    assert book.sheetnames == ["answer", "about"]


@needs_libreoffice
def test_no_text_of_an_answer_to_sql_is_run(tmp_path: Path) -> None:
    content = ANSWER_FILES[FileName.XLSX](answered(of_texts([*DANGEROUS, *UNICODE])), Separated())
    read = list(in_libreoffice(content, tmp_path)["answer"].iter_rows(min_row=2, max_col=1))
    assert [row[0].value.replace("_x000D_", "\r") for row in read] == [*DANGEROUS, *UNICODE]
    assert {row[0].data_type for row in read} == {"s"}
