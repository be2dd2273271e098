"""Answers to SQL as files, in the forms that reports have."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from adapters.exports.answer_columns import arrow_bytes, parquet_bytes
from adapters.exports.answer_workbook import xlsx_bytes
from adapters.exports.answered import Answered
from adapters.exports.names import FileName
from adapters.exports.separated import Separated
from adapters.exports.values import told
from domain.audience.intake import escape_formula


def csv_bytes(made: Answered, how: Separated) -> bytes:
    """A header and a line for each row; no text that a spreadsheet would run."""
    text = io.StringIO()
    lines = csv.writer(text, delimiter=how.delimiter, lineterminator="\r\n")
    lines.writerow([escape_formula(name) for name in made.names])
    lines.writerows([[_cell(value, how.decimal) for value in row] for row in made.rows])
    return (("\ufeff" if how.mark else "") + text.getvalue()).encode()


def _cell(value: Any, decimal: str) -> Any:
    found = told(value)
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(value, Decimal) or isinstance(found, float):
        return str(found).replace(".", decimal)
    return escape_formula(found) if isinstance(found, str) else found


ANSWER_FILES: Final[Mapping[FileName, Callable[[Answered, Separated], bytes]]] = {
    FileName.CSV: csv_bytes,
    FileName.XLSX: lambda made, _: xlsx_bytes(made),
    FileName.PARQUET: lambda made, _: parquet_bytes(made),
    FileName.ARROW: lambda made, _: arrow_bytes(made),
}
"""What makes each form. All take time for many rows: call them beside the loop."""
