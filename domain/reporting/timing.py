"""When something regular is due, and which days it is about: by the clock and the calendar of a time zone.

A due time is about days that are over, in the zone and in UTC, by which reports count: where an early hour of a zone
ahead of UTC lies before the end of the last of them, it is due at that end. An hour that a day lacks is taken for the
one after it, one that it has twice for the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Final
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, StringConstraints

from domain.finance.calendar import days_of, first_day, last_day, month_of, moved

_A_DAY: Final = timedelta(days=1)
_A_WEEK: Final = 7
_QUARTER: Final = 3


class Frequency(StrEnum):
    """How often. `MONTH_END`: on the first day after each month. `ON_CLOSE`: as soon then as the month is closed."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTH_END = "month_end"
    ON_CLOSE = "on_close"


class Weekday(StrEnum):
    """A day of the week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


_WEEKDAYS: Final = tuple(Weekday)


class RelativePeriod(StrEnum):
    """Which days, seen from the day on which something is due: none of them later than the day before."""

    YESTERDAY = "yesterday"
    LAST_7_DAYS = "last_7_days"
    LAST_30_DAYS = "last_30_days"
    LAST_WEEK = "last_week"
    LAST_MONTH = "last_month"
    LAST_QUARTER = "last_quarter"
    LAST_YEAR = "last_year"
    MONTH_TO_DATE = "month_to_date"
    QUARTER_TO_DATE = "quarter_to_date"
    YEAR_TO_DATE = "year_to_date"


OF_WHOLE_MONTHS: Final = frozenset(
    {RelativePeriod.LAST_MONTH, RelativePeriod.LAST_QUARTER, RelativePeriod.LAST_YEAR}
)
"""Periods of months that are over."""


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime", "posixrules", "Factory"}


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("there is no such time zone; name one of the IANA database, as Europe/Berlin or UTC")
    return name


ZoneName = Annotated[
    str,
    StringConstraints(max_length=60),
    AfterValidator(_zone),
    Field(json_schema_extra={"examples": ["Europe/Berlin", "UTC"]}),
]
"""A time zone of the IANA database."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often, and when in the zone. `weekday` where it is weekly."""

    frequency: Frequency
    weekday: Weekday | None
    at: time
    zone: str


@dataclass(frozen=True, slots=True)
class Due:
    """A moment at which something is due, and the day in the zone from which its days are counted back."""

    at: datetime
    day: date


def first_after(rhythm: Rhythm, moment: datetime) -> Due:
    """The first due time after a moment."""
    day = moment.astimezone(ZoneInfo(rhythm.zone)).date() - 2 * _A_DAY
    while (due := following(rhythm, day)).at <= moment:
        day = due.day
    return due


def following(rhythm: Rhythm, day: date) -> Due:
    """The due time after that of a day."""
    if rhythm.frequency is Frequency.DAILY:
        after = day + _A_DAY
    elif rhythm.frequency is Frequency.WEEKLY:
        wanted = 0 if rhythm.weekday is None else _WEEKDAYS.index(rhythm.weekday)
        after = day + timedelta(days=(wanted - day.weekday() - 1) % _A_WEEK + 1)
    else:
        after = first_day(moved(month_of(day), 1))
    local = datetime.combine(after, rhythm.at, tzinfo=ZoneInfo(rhythm.zone)).astimezone(UTC)
    return Due(max(local, datetime.combine(after, time(), tzinfo=UTC)), after)


def missed(rhythm: Rhythm, due: Due, now: datetime) -> list[Due]:
    """What is due by now, from `due` on."""
    found = []
    while due.at <= now:
        found.append(due)
        due = following(rhythm, due.day)
    return found


def days_until(period: RelativePeriod, day: date) -> tuple[date, date]:
    """The first and the last day of a period, seen from `day`."""
    before = day - _A_DAY
    this = month_of(day)
    match period:
        case RelativePeriod.YESTERDAY:
            return before, before
        case RelativePeriod.LAST_7_DAYS:
            return day - 7 * _A_DAY, before
        case RelativePeriod.LAST_30_DAYS:
            return day - 30 * _A_DAY, before
        case RelativePeriod.LAST_WEEK:
            monday = day - timedelta(days=day.weekday() + _A_WEEK)
            return monday, monday + 6 * _A_DAY
        case RelativePeriod.LAST_MONTH:
            last = moved(this, -1)
            return first_day(last), last_day(last)
        case RelativePeriod.LAST_QUARTER:
            return days_of(_quarter_of(first_day(moved(this, -_QUARTER))))
        case RelativePeriod.LAST_YEAR:
            return days_of(str(day.year - 1))
        case RelativePeriod.MONTH_TO_DATE:
            return first_day(month_of(before)), before
        case RelativePeriod.QUARTER_TO_DATE:
            return days_of(_quarter_of(before))[0], before
        case RelativePeriod.YEAR_TO_DATE:
            return date(before.year, 1, 1), before


def _quarter_of(day: date) -> str:
    return f"{day.year:04}-Q{(day.month - 1) // _QUARTER + 1}"
