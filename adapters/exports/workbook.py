"""Workbooks: the report as a reader wants it, its facts as one table to pivot, and what they are made from.

Every text is written as text: nothing is a formula, a link or a number because of how it looks (CWE-1236). Equal
figures give equal bytes: a workbook's moment is that of the figures.
"""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from adapters.exports.facts import facts_of
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
from application.figures import Figures, Form, digits_of, form_of, heading, plain, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from application.ports.analytics import Column, Value

_HEADER_ROW: Final = 3
_WIDTHS: Final = (9, 44)
_LOOKED_AT: Final = 200
_SECONDS_A_DAY: Final = 86_400
_FORMATS: Final = {
    Form.DATE: DATE,
    Form.COUNT: "#,##0",
    Form.PERCENT: '0.0" %"',
    Form.RATIO: "0.0%",
    Form.NUMBER: "#,##0.00",
    Form.SECONDS: "[h]:mm:ss",
    Form.MONEY: "#,##0",
}
_MEANINGS: Final = {
    Form.MONEY: "amount in the row's currency; in minor units where that is not told",
    Form.PERCENT: "percentage points",
    Form.RATIO: "fraction, shown in percent",
    Form.SECONDS: "hours, minutes and seconds on the first sheet; seconds on `facts`",
    Form.DATE: "day, UTC",
}


def xlsx_bytes(figures: Figures) -> bytes:
    """A workbook of three sheets: Report, facts, about."""
    from xlsxwriter import Workbook  # noqa: PLC0415 - loaded by the first workbook, not by every process

    file = io.BytesIO()
    book = Workbook(file, OPTIONS)
    about = {"title": figures.info.title, "subject": figures.info.name, "comments": figures.citation()}
    book.set_properties({**about, "created": moment_of(figures.report.as_of)})
    styles = _Styles(book)
    _seen(book.add_worksheet("Report"), figures, styles)
    _facts(book.add_worksheet("facts"), figures, styles)
    _about(book.add_worksheet("about"), figures, styles)
    book.close()
    return file.getvalue()


class _Styles(Styles):
    """With those of figures, by what they are."""

    def number(self, form: Form, currency: str | None = None) -> Any:
        if form is Form.MONEY and currency is not None:
            digits = digits_of(currency)
            return self.of(num_format="#,##0" + ("." + "0" * digits if digits else ""))
        return self.of(num_format=_FORMATS[form], **({"align": "left"} if form is Form.DATE else {}))


def _seen(sheet: Any, figures: Figures, styles: _Styles) -> None:
    """As a reader wants it: title, what it is made from, a frozen header, filters, ready to be printed."""
    info, report = figures.info, figures.report
    sheet.write_string(0, 0, info.title, styles.of(bold=True, font_size=14))
    at = (
        "nothing has happened yet"
        if report.as_of is None
        else f"{report.as_of.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    )
    cut = "; cut off: there are more rows" if report.truncated else ""
    come = f"; days from {figures.ahead_from} on had not come" if figures.ahead_from else ""
    sheet.write_string(
        1, 0, f"Data as of {at}, {figures.made_from()}{cut}{come}", styles.of(font_color="#555555")
    )
    for at_column, column in enumerate(info.columns):
        side = "left" if form_of(column) in (Form.TEXT, Form.DATE) else "right"
        top = styles.of(bold=True, bottom=1, text_wrap=True, valign="top", align=side)
        sheet.write_string(_HEADER_ROW, at_column, heading(column), top)
    _cells(sheet, figures, styles, _HEADER_ROW + 1, durations=True)
    for at_column, width in enumerate(_widths(figures)):
        sheet.set_column(at_column, at_column, width)
    last_row, last_column = _HEADER_ROW + len(report.rows), len(info.columns) - 1
    sheet.freeze_panes(_HEADER_ROW + 1, 0)
    sheet.autofilter(_HEADER_ROW, 0, last_row, last_column)
    sheet.repeat_rows(_HEADER_ROW)
    printed(sheet)
    made_from = figures.made_from()
    sheet.set_footer(
        f"&L{info.title.replace('&', '&&')}&C{made_from[:1].upper()}{made_from[1:]}&RPage &P of &N"
    )


def _facts(sheet: Any, figures: Figures, styles: _Styles) -> None:
    """One tidy table: names as in the API, a row a fact, real dates and numbers."""
    columns = figures.info.columns
    _cells(sheet, figures, styles, 1, durations=False)
    last_row = max(len(figures.report.rows), 1)
    sheet.add_table(
        0,
        0,
        last_row,
        len(columns) - 1,
        {
            "name": "facts",
            "style": "Table Style Light 1",
            "columns": [{"header": column.name} for column in columns],
        },
    )
    sheet.freeze_panes(1, 0)
    for at_column, width in enumerate(_widths(figures)):
        sheet.set_column(at_column, at_column, width + 2)
    sheet.repeat_rows(0)
    printed(sheet)


def _about(sheet: Any, figures: Figures, styles: _Styles) -> None:
    """What the figures answer and are made from, that they are whole, how to name them; what each column means."""
    bold, wrap = styles.of(bold=True, valign="top"), styles.of(text_wrap=True, valign="top")
    row = 0
    for name, text in facts_of(figures):
        sheet.write_string(row, 0, name.replace("_", " ").capitalize(), bold)
        sheet.write_string(row, 1, text, wrap)
        row += 1
    row += 1
    for at_column, text in enumerate(("Column", "Meaning", "Kind", "Unit", "Written as")):
        sheet.write_string(row, at_column, text, bold)
    for column in figures.info.columns:
        row += 1
        told = (column.name, column.about, column.kind, column.unit, _MEANINGS.get(form_of(column), ""))
        for at_column, text in enumerate(told):
            sheet.write_string(row, at_column, text, wrap)
    for at_column, width in enumerate((22, 90, 12, 14, 44)):
        sheet.set_column(at_column, at_column, width)
    printed(sheet)


def _cells(sheet: Any, figures: Figures, styles: _Styles, first: int, *, durations: bool) -> None:
    writers = [_writer(sheet, column, styles, durations=durations) for column in figures.info.columns]
    for row, (values, currency) in enumerate(
        zip(figures.report.rows, figures.currencies(), strict=True), first
    ):
        for at_column, (value, write) in enumerate(zip(values, writers, strict=True)):
            if value is not None:
                write(row, at_column, value, currency)


def _writer(
    sheet: Any, column: Column, styles: _Styles, *, durations: bool
) -> Callable[[int, int, Value, str | None], None]:
    """How the values of a column are written."""
    form = form_of(column)
    text = styles.of(num_format="@")

    def write(row: int, at: int, value: Value, currency: str | None) -> None:
        told = plain(value)
        if told is None:
            return
        if isinstance(told, bool):
            sheet.write_boolean(row, at, told)
        elif isinstance(value, date) and not isinstance(value, datetime) and value.year >= FIRST_YEAR:
            sheet.write_datetime(row, at, value, styles.number(Form.DATE))
        elif isinstance(told, str) or abs(told) >= LONGEST_NUMBER:
            sheet.write_string(row, at, str(told)[:LONGEST_TEXT], text)
        elif form is Form.MONEY and currency is not None:
            sheet.write_number(row, at, told / 10 ** digits_of(currency), styles.number(form, currency))
        elif form is Form.SECONDS:
            if durations:
                sheet.write_number(row, at, told / _SECONDS_A_DAY, styles.number(form))
            else:
                sheet.write_number(row, at, told, styles.number(Form.NUMBER))
        else:
            sheet.write_number(row, at, told, styles.number(Form.COUNT if form is Form.TEXT else form))

    return write


def _widths(figures: Figures) -> list[int]:
    """By the longest of the first values; within bounds."""
    narrow, wide = _WIDTHS
    rows = figures.report.rows[:_LOOKED_AT]
    found = []
    for at_column, column in enumerate(figures.info.columns):
        longest = max((len(shown(row[at_column], column)) for row in rows), default=0)
        found.append(min(max(narrow, len(column.name) + 3, longest + 3), wide))
    return found
