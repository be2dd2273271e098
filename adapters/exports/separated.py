"""CSV: a spreadsheet of any country opens it, and runs none of it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Final

from application.figures import Figures, plain
from application.ports.analytics import Value
from domain.audience.intake import escape_formula

DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t"}
DECIMALS: Final = {"point": ".", "comma": ","}


@dataclass(frozen=True, slots=True)
class Separated:
    """How it is written: what stands between cells, a byte order mark or none, the sign of the decimals."""

    delimiter: str = ","
    mark: bool = False
    decimal: str = "."


def separated(decimal: str, delimiter: str | None = None, *, mark: bool = False) -> Separated:
    """How it is written with this sign of the decimals; where that is a comma, semicolons stand between the cells."""
    return Separated(delimiter or (";" if decimal == "," else ","), mark, decimal)


def csv_bytes(figures: Figures, how: Separated) -> bytes:
    """A header and a line for each row."""
    text = io.StringIO()
    lines = csv.writer(text, delimiter=how.delimiter, lineterminator="\r\n")
    lines.writerow(figures.report.columns)
    lines.writerows([[_cell(value, how.decimal) for value in row] for row in figures.report.rows])
    return (("\ufeff" if how.mark else "") + text.getvalue()).encode()


def _cell(value: Value, decimal: str) -> Value:
    told = plain(value)
    if isinstance(told, str):
        return escape_formula(told)
    return str(told).replace(".", decimal) if isinstance(told, float) and decimal != "." else told
