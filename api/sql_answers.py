"""Answers to SQL as text: values without loss for JSON, and cells that no spreadsheet runs for CSV."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from domain.audience.intake import escape_formula

if TYPE_CHECKING:
    from application.ports.sql import SqlAnswer

_WHOLE: Final = 2**63


def as_json(found: SqlAnswer) -> dict[str, Any]:
    """An answer as the API gives it. Columns may share a name, so that values are told by their order."""
    position = found.position.token()
    return {
        "columns": [{"name": one.name, "type": str(one.type)} for one in found.table.schema],
        "data": [[plain(value) for value in row] for row in _rows(found)],
        "next": None,
        "truncated": found.truncated,
        "position": position,
        "as_of": plain(found.as_of),
    }


def as_csv(found: SqlAnswer, delimiter: str = ",") -> str:
    """An answer as a file with a header."""
    text = io.StringIO()
    lines = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    lines.writerow([escape_formula(name) for name in found.table.column_names])
    lines.writerows([[cell(value) for value in row] for row in _rows(found)])
    return text.getvalue()


def _rows(found: SqlAnswer) -> list[tuple[Any, ...]]:
    return list(zip(*(column.to_pylist() for column in found.table.columns), strict=True))


def plain(value: Any) -> Any:
    """A value as JSON holds it without loss: moments in ISO 8601, decimals and integers beyond 64 bits as text."""
    match value:
        case Mapping():
            return {str(name): plain(one) for name, one in value.items()}
        case list():
            return [plain(one) for one in value]
        case tuple() if hasattr(value, "nanoseconds"):
            months, days, nanoseconds = value
            return {"months": months, "days": days, "microseconds": nanoseconds // 1000}
        case tuple():
            return [plain(one) for one in value]
        case Decimal() if value.as_tuple().exponent == 0:
            return _scalar(int(value))
        case _:
            return _scalar(value)


def _scalar(value: Any) -> Any:
    match value:
        case int() if -_WHOLE <= value < _WHOLE:
            return value
        case float() if math.isfinite(value):
            return value
        case str() | None:
            return value
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return str(value)


def cell(value: Any) -> Any:
    """A value in a cell of CSV: nests as JSON, and no text that a spreadsheet would run."""
    told = plain(value)
    if isinstance(told, list | dict):
        told = json.dumps(told, ensure_ascii=False)
    return escape_formula(told) if isinstance(told, str) else told
