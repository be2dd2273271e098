"""Values of an answer to SQL out of Arrow, none changed: as Python's own, as JSON holds them, as a cell of text.

Python has no day beyond the year 9999, no nanoseconds and no infinite moment: DuckDB has, so those are texts, in the
form of ISO 8601.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

_WHOLE: Final = 2**63
_EPOCH: Final = date(1970, 1, 1)
_FIRST, _LAST = (day.toordinal() - _EPOCH.toordinal() for day in (date.min, date.max))
_DAYS, _YEARS = 146_097, 400
"""After so many days the Gregorian calendar begins anew, which are so many years."""
_A_DAY: Final = 86_400
_PARTS: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_MICROS: Final = 10**6
_ENDLESS_DAY, _ENDLESS = 2**31 - 1, 2**63 - 1
"""What DuckDB writes for an infinite day and an infinite moment; the same negative for those without beginning."""


def rows_of(table: Any) -> list[tuple[Any, ...]]:
    """The rows of a table, in the order of its columns."""
    return list(zip(*map(_column, table.columns), strict=True))


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


def told(value: Any) -> Any:
    """A value in one cell: as JSON holds it, nests as the text of JSON."""
    found = plain(value)
    return json.dumps(found, ensure_ascii=False) if isinstance(found, list | dict) else found


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
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)


def _column(column: Any) -> list[Any]:
    if _tells_time(column.type):
        return [_value(one) for one in column]
    found: list[Any] = column.to_pylist()
    return found


def _tells_time(kind: Any) -> bool:
    """Whether Arrow's own way to Python could fail, or cut something off, in it or in its nests."""
    parts = (kind.field(number) for number in range(kind.num_fields))
    return pa.types.is_temporal(kind) or any(_tells_time(part.type) for part in parts)


def _value(scalar: Any) -> Any:
    kind, types = scalar.type, pa.types
    if not scalar.is_valid:
        return None
    if types.is_date32(kind):
        return _day(scalar.value)
    if types.is_time(kind):
        return _time(scalar.value, kind.unit)
    if types.is_timestamp(kind):
        return _moment(scalar.value, kind)
    if types.is_struct(kind):
        return {kind.field(number).name: _value(scalar[number]) for number in range(kind.num_fields)}
    if types.is_map(kind):
        return [tuple(_value(pair[number]) for number in range(2)) for pair in scalar.values]
    if kind.num_fields:
        return [_value(one) for one in scalar.values]
    return scalar.as_py()


def _day(days: int) -> date | str:
    if abs(days) == _ENDLESS_DAY:
        return _endless(days)
    return _EPOCH + timedelta(days) if _FIRST <= days <= _LAST else _far(days)


def _moment(value: int, kind: Any) -> datetime | str:
    if abs(value) == _ENDLESS:
        return _endless(value)
    seconds, part = divmod(value, _PARTS[kind.unit])
    days, second = divmod(seconds, _A_DAY)
    at = _time(second * _PARTS[kind.unit] + part, kind.unit)
    zone = None if kind.tz is None else UTC
    day = _day(days)
    if isinstance(day, date) and isinstance(at, time):
        return datetime.combine(day, at, zone)
    return "T".join(one if isinstance(one, str) else one.isoformat() for one in (day, at)) + (
        "" if zone is None else "+00:00"
    )


def _time(value: int, unit: str) -> time | str:
    seconds, part = divmod(value, _PARTS[unit])
    hour, minute, second = seconds // 3600, seconds // 60 % 60, seconds % 60
    if part * _MICROS % _PARTS[unit]:
        return f"{hour:02d}:{minute:02d}:{second:02d}.{part:09d}"
    return time(hour, minute, second, part * _MICROS // _PARTS[unit])


def _endless(value: int) -> str:
    return "infinity" if value > 0 else "-infinity"


def _far(days: int) -> str:
    """A day that Python has not, in ISO 8601: years of more digits with their sign, and 0 is the one before 1."""
    rounds, within = divmod(days, _DAYS)
    day = _EPOCH + timedelta(within)
    year = day.year + rounds * _YEARS
    return f"{'-' if year < 0 else '+'}{abs(year):04d}-{day:%m-%d}"
