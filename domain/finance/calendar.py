"""Months, quarters and years as people write them: 2026-10, 2026-Q4, 2026; all of the calendar, in UTC."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from domain.kernel.moments import Day

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2099
_MONTH: Final = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")
_QUARTER: Final = re.compile(r"(20[0-9]{2})-Q([1-4])")
_YEAR: Final = re.compile(r"20[0-9]{2}")
_MONTHS: Final = 12
_OF_A_QUARTER: Final = 3


class PeriodKind(StrEnum):
    """How long a period is. `STANDING`: no period in particular, all of them."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    STANDING = "standing"


def _month(text: str) -> str:
    if not _MONTH.fullmatch(text):
        raise ValueError("write a month as 2026-10, from 2000-01 to 2099-12")
    return text


def _in_books(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"write a day from {FIRST_YEAR}-01-01 to {LAST_YEAR}-12-31: reports are of no other")
    return day


BookDay = Annotated[Day, AfterValidator(_in_books)]
"""A day that something is entered for: one that reports can be asked of."""

Month = Annotated[
    str,
    Field(json_schema_extra={"pattern": f"^{_MONTH.pattern}$", "examples": ["2026-10"]}),
    AfterValidator(_month),
]
"""A month, as 2026-10. Months of this form sort as they follow each other."""


def month_of(day: date) -> str:
    """The month that a day is in."""
    return f"{day.year:04}-{day.month:02}"


def is_month(text: str) -> bool:
    """Whether a text is a month."""
    return _MONTH.fullmatch(text) is not None


def first_day(month: str) -> date:
    """The first day of a month."""
    return date(int(month[:4]), int(month[5:]), 1)


def last_day(month: str) -> date:
    """The last day of a month."""
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, monthrange(year, number)[1])


def moved(month: str, by: int) -> str:
    """The month so many months later, or earlier."""
    year, number = divmod(int(month[:4]) * _MONTHS + int(month[5:]) - 1 + by, _MONTHS)
    return f"{year:04}-{number + 1:02}"


def kind_of(period: str | None) -> PeriodKind:
    """How long a period is, by how it is written. Raises `ValueError`."""
    if period is None:
        return PeriodKind.STANDING
    for kind, form in (
        (PeriodKind.MONTH, _MONTH),
        (PeriodKind.QUARTER, _QUARTER),
        (PeriodKind.YEAR, _YEAR),
    ):
        if form.fullmatch(period):
            return kind
    raise ValueError("write a period as 2026-10, 2026-Q4 or 2026")


def days_of(period: str) -> tuple[date, date]:
    """The first and the last day of a period. Raises `ValueError`."""
    match kind_of(period):
        case PeriodKind.MONTH:
            return first_day(period), last_day(period)
        case PeriodKind.QUARTER:
            last = f"{period[:4]}-{int(period[-1]) * _OF_A_QUARTER:02}"
            return first_day(moved(last, 1 - _OF_A_QUARTER)), last_day(last)
        case _:
            return date(int(period), 1, 1), date(int(period), _MONTHS, 31)
