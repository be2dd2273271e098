"""Answers to SQL as workbooks: a sheet of the rows, and one of what they are made from.

Columns may share a name, which a table of a workbook may not: the sheet is a plain one, its header frozen. It is
written row by row. Every text is written as text (CWE-1236).
"""

from __future__ import annotations

import io
import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from adapters.exports.answered import Answered, answer_facts
from adapters.exports.styles import (
    DATE,
    FIRST_YEAR,
    LONGEST_NUMBER,
    LONGEST_TEXT,
    OPTIONS,
    Styles,
    moment_of,
    printed,
)
from adapters.exports.values import told
from application.ports.sql import SqlSheetTooSmall

_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384
_LONGEST_DECIMAL: Final = 15
"""Digits that a spreadsheet keeps of a number."""
_WIDTHS: Final = (9, 44)
_LOOKED_AT: Final = 200
_A_MILLISECOND: Final = 1_000


def must_fit_a_sheet(table: Any) -> None:
    """Raise `SqlSheetTooSmall` for an answer that has more rows or columns than a sheet."""
    if table.num_rows >= _MOST_ROWS or table.num_columns > _MOST_COLUMNS:
        raise SqlSheetTooSmall


def xlsx_bytes(made: Answered) -> bytes:
    """A workbook of two sheets: answer, about. Raises `SqlSheetTooSmall`."""
    from xlsxwriter import Workbook  # noqa: PLC0415 - loaded by the first workbook, not by every process

    must_fit_a_sheet(made.answer.table)
    file = io.BytesIO()
    book = Workbook(file, {**OPTIONS, "constant_memory": True})
    facts = answer_facts(made)
    book.set_properties({"title": "Answer to SQL", "created": moment_of(made.answer.as_of)})
    styles = Styles(book)
    cut = _answer(book.add_worksheet("answer"), made, styles)
    _about(book.add_worksheet("about"), made, facts, cut, styles)
    book.close()
    return file.getvalue()


def _answer(sheet: Any, made: Answered, styles: Styles) -> int:
    """The rows under their names; how many texts were longer than a cell."""
    for at_column, width in enumerate(_widths(made)):
        sheet.set_column(at_column, at_column, width)
    top = styles.of(bold=True, bottom=1)
    for at_column, name in enumerate(made.names):
        sheet.write_string(0, at_column, name, top)
    cut = 0
    for row, values in enumerate(made.rows, 1):
        for at_column, value in enumerate(values):
            cut += _write(sheet, row, at_column, value, styles)
    sheet.freeze_panes(1, 0)
    if made.names:
        sheet.autofilter(0, 0, len(made.rows), len(made.names) - 1)
    sheet.repeat_rows(0)
    printed(sheet)
    return cut


def _write(sheet: Any, row: int, at: int, value: Any, styles: Styles) -> bool:
    """One cell; whether it was longer than a cell may be."""
    match value:
        case None:
            return False
        case bool():
            sheet.write_boolean(row, at, value)
        case datetime() if value.year >= FIRST_YEAR:
            moment = value.replace(
                tzinfo=None, microsecond=value.microsecond // _A_MILLISECOND * _A_MILLISECOND
            )
            sheet.write_datetime(row, at, moment, styles.of(num_format=f"{DATE} hh:mm:ss.000", align="left"))
        case date() if not isinstance(value, datetime) and value.year >= FIRST_YEAR:
            sheet.write_datetime(row, at, value, styles.of(num_format=DATE, align="left"))
        case time():
            moment_of_day = value.replace(microsecond=value.microsecond // _A_MILLISECOND * _A_MILLISECOND)
            sheet.write_datetime(row, at, moment_of_day, styles.of(num_format="hh:mm:ss.000", align="left"))
        case Decimal() if len(value.as_tuple().digits) <= _LONGEST_DECIMAL:
            sheet.write_number(row, at, float(value), styles.of(num_format=_decimals(value)))
        case int() if abs(value) < LONGEST_NUMBER:
            sheet.write_number(row, at, value, styles.of(num_format="0"))
        case float() if math.isfinite(value):
            sheet.write_number(row, at, value, styles.of(num_format="General"))
        case _:
            text = str(told(value))
            sheet.write_string(row, at, text, styles.of(num_format="@"))
            return len(text.encode("utf-16-le")) // 2 > LONGEST_TEXT
    return False


def _decimals(value: Decimal) -> str:
    exponent = value.as_tuple().exponent
    return "0." + "0" * -exponent if isinstance(exponent, int) and exponent < 0 else "0"


def _about(sheet: Any, made: Answered, facts: list[tuple[str, str]], cut: int, styles: Styles) -> None:
    """What the rows answer and are made from, whether they are whole; what each column is."""
    for at_column, width in enumerate((22, 90)):
        sheet.set_column(at_column, at_column, width)
    bold, wrap = styles.of(bold=True, valign="top"), styles.of(text_wrap=True, valign="top")
    shortened = f"{cut}: of each the first {LONGEST_TEXT:,} characters stand here" if cut else "none"
    lines = [
        *((name.replace("_", " ").capitalize(), text) for name, text in facts),
        ("Texts cut off", shortened),
        ("Cells", _CELLS),
    ]
    for row, (name, text) in enumerate(lines):
        sheet.write_string(row, 0, name, bold)
        sheet.write_string(row, 1, text, wrap)
    top = len(lines) + 1
    sheet.write_string(top, 0, "Column", bold)
    sheet.write_string(top, 1, "Type (Arrow)", bold)
    for row, column in enumerate(made.answer.table.schema, top + 1):
        sheet.write_string(row, 0, column.name, wrap)
        sheet.write_string(row, 1, str(column.type), wrap)
    printed(sheet)


_CELLS: Final = (
    "Moments are UTC, to the millisecond. A number of more than 15 digits, a day before 1900 or after 9999, "
    "an infinity and what a spreadsheet has no type for stand as text, in the form of the JSON answer."
)


def _widths(made: Answered) -> list[int]:
    """By the longest of the first values; within bounds."""
    narrow, wide = _WIDTHS
    longest = [len(name) for name in made.names]
    for row in made.rows[:_LOOKED_AT]:
        longest = [max(so_far, len(_shown(value))) for so_far, value in zip(longest, row, strict=True)]
    return [min(max(narrow, one + 3), wide) for one in longest]


def _shown(value: Any) -> str:
    return "" if value is None else str(told(value))
