"""CSV: as it always was, and with a comma for the decimals."""

from __future__ import annotations

import csv
import io

from adapters.exports.separated import Separated, csv_bytes
from domain.audience.intake import unescape_formula
from tests.support.figures import COLUMNS, DANGEROUS, UNICODE, figures, texts

GERMAN = Separated(delimiter=";", mark=True, decimal=",")


def lines(made: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(made.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def test_as_programs_read_it() -> None:
    header, first, *_ = lines(csv_bytes(figures(), Separated()))
    assert header == [column.name for column in COLUMNS]
    assert first == ["2026-11-01", "USD", "plain", "1234", "16667", "0.25", "20.5", "3661.5", "12.5"]


def test_as_a_spreadsheet_in_german_or_french_reads_it() -> None:
    made = csv_bytes(figures(), GERMAN)
    assert made.startswith(b"\xef\xbb\xbf")
    first, *others = lines(made, ";")[1:]
    assert first == ["2026-11-01", "USD", "plain", "1234", "16667", "0,25", "20,5", "3661,5", "12,5"]
    assert others[2][3:6] == ["-3", "99", "-0,5"], "a number below zero is a number, and no formula"
    assert others[3] == [""] * len(COLUMNS)


def test_points_in_texts_stay() -> None:
    assert lines(csv_bytes(texts("a.b", "1.5"), GERMAN), ";")[1:] == [["a.b", "0"], ["1.5", "1"]]


def test_no_text_begins_as_a_formula() -> None:
    cells = [row[0] for row in lines(csv_bytes(texts(*DANGEROUS, *UNICODE), GERMAN), ";")[1:]]
    assert not [cell for cell in cells if cell[:1] in "=+-@\t\r＝"]  # noqa: RUF001 - the wide sign too
    assert [unescape_formula(cell) for cell in cells] == [*DANGEROUS, *UNICODE]


def test_an_empty_report_has_its_header() -> None:
    assert csv_bytes(figures([]), Separated()).decode() == ",".join(c.name for c in COLUMNS) + "\r\n"
