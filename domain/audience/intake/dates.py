"""Dates as exports write them. A date that could be two days is rejected, never guessed from its neighbours.

Year first is read as such. `31.12.2026` with dots is day first, always: that is how the countries that use dots write
it. With slashes or dashes the mapping's `date_order` decides; under `auto` only what can be one day alone passes.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import Final

from domain.audience.intake.errors import Fault


class DateOrder(StrEnum):
    """How dates with slashes or dashes are written. `YMD` promises that the year stands first."""

    AUTO = "auto"
    DMY = "DMY"
    MDY = "MDY"
    YMD = "YMD"


_PARTS: Final = re.compile(
    r"([0-9]{1,4})([./-])([0-9]{1,2})\2([0-9]{1,4})"
    r"(?:(?:,? +|T)([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]{1,9})?)?"
    r" ?([AP]M)? ?(?:(Z|UTC|GMT)|([+-])([0-9]{2}):?([0-9]{2}))?)?",
    re.IGNORECASE,
)
_YEAR_DIGITS: Final = 4
_FIRST_YEAR: Final = 1970
_OF_NO_DAY: Final = r"(?:0{1,2}[./-][0-9]{1,2}|[0-9]{1,2}[./-]0{1,2})"
_ZEROS: Final = re.compile(
    rf"(?:[0-9]{{4}}[./-]{_OF_NO_DAY}|{_OF_NO_DAY}[./-](?:[0-9]{{4}}|0{{1,2}}))(?:[T ,].*)?", re.IGNORECASE
)
"""A day or a month of 0, in whatever order: so Excel shows a cell of 0, in a year of 1900 or 00."""
_FIRST_DAYS: Final = (date(1904, 1, 1), date(_FIRST_YEAR - 1, 12, 31), date(_FIRST_YEAR, 1, 1))
"""The first moment of many clocks, in whatever zone it is written."""
_NEVER: Final = re.compile(
    r"(?:0?1[/.-]0?1[/.-](?:70|00|04)|12[/.-]31[/.-]69|31[/.-]12[/.-]69|70[/.-]0?1[/.-]0?1|69[/.-]12[/.-]31)"
    r"(?:[T ,].*)?",
    re.IGNORECASE,
)
"""The same of a year of two digits."""
_LONG_AGO: Final = 1900
"""Other clocks began in 1, 1601, 1753, 1899 and 1900."""
_FIRST_ZONE: Final = timezone(timedelta(hours=14))
_LAST_ZONE: Final = timezone(timedelta(hours=-12))
"""Where a civil time comes first on earth, and where last."""
_MONTHS: Final = 12
_NOON: Final = 12
_MINUTES: Final = 60

_FORMATS: Final = "2026-11-23, 2026-11-23T14:05:00+01:00, 23.11.2026 14:05 or, with `date_order`, 23/11/2026"

UNKNOWN: Final = Fault("date-unknown", "This is not a date in a known format.", f"Write it as {_FORMATS}.")
AMBIGUOUS: Final = Fault(
    "date-ambiguous",
    "The date could be day-month or month-day.",
    "Set `date_order` to DMY or MDY in the mapping, or write the date as 2026-11-23.",
)
CONTRADICTS: Final = Fault(
    "date-contradicts-order",
    "The date is not one in the mapping's `date_order`, but would be one in another order.",
    "Correct the date, or `date_order` if it is wrong for the whole file.",
)
IMPOSSIBLE: Final = Fault(
    "date-impossible", "There is no such day or time, or it is before 1970.", f"Correct it, as {_FORMATS}."
)
SHORT_YEAR: Final = Fault(
    "date-short-year", "The year is not written with four digits.", f"Write the date as {_FORMATS}."
)
NO_DAY: Final = Fault(
    "date-says-none",
    "1970-01-01, 0000-00-00, 1900-01-01, 2999-12-31 and the like many programs write for `never`: this tells no day.",
    "Leave the cell empty where it never was, or give the day; a yes for unsubscribed does without one.",
)
IN_FUTURE: Final = Fault(
    "date-in-future",
    "The date is in the future.",
    "Correct it; if it is a time of today, set the mapping's `timezone`.",
)


def read_date(text: str, order: DateOrder, zone: tzinfo, now: datetime) -> datetime | Fault:
    """The moment, in the zone it is written in: its date is the civil date as written. `text` is trimmed.

    Without an offset it is a time in `zone`; without a time, that day's first moment there, so that whatever runs out
    after a period runs out early rather than late.
    """
    moment = _told(text, order, now)
    if isinstance(moment, Fault):
        return moment
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return IN_FUTURE if moment > now else moment


def read_since(text: str, order: DateOrder, zone: tzinfo, now: datetime) -> datetime | Fault:
    """As `read_date`, but `now` where it is over somewhere and not in `zone`, which may be no more than a default."""
    moment = _told(text, order, now)
    if isinstance(moment, Fault) or moment.tzinfo is not None:
        return moment
    return min(moment.replace(tzinfo=zone), now)


def read_last(text: str, order: DateOrder, now: datetime) -> datetime | Fault:
    """The latest moment it can mean, `now` at most: for what counts the more the later it was.

    Only an offset in the text makes it exact. Else nobody knows where it was written, the mapping's zone being a guess
    or its default: it is its civil time, or the end of its day, where that comes last on earth. So a stop is no older
    than a consent that may have come before it.
    """
    moment = _told(text, order, now)
    if isinstance(moment, Fault) or moment.tzinfo is not None:
        return moment
    if ":" not in text:
        moment = moment.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return min(moment.replace(tzinfo=_LAST_ZONE).astimezone(UTC), now)


def _told(text: str, order: DateOrder, now: datetime) -> datetime | Fault:
    """What is written, without a zone where no offset is. In the future is what has not come anywhere on earth."""
    if _ZEROS.fullmatch(text) or _NEVER.fullmatch(text):
        return NO_DAY
    try:
        moment = _iso(text) or _parts(text, order)
    except (ValueError, OverflowError):
        return IMPOSSIBLE
    if isinstance(moment, Fault):
        return moment
    if tells_no_day(moment.date()) or moment.year > now.year + 1:
        return NO_DAY
    if moment.year < _FIRST_YEAR:
        return IMPOSSIBLE
    soonest = moment if moment.tzinfo is not None else moment.replace(tzinfo=_FIRST_ZONE)
    return IN_FUTURE if soonest > now else moment


def tells_no_day(day: date) -> bool:
    """Whether it is one of those that many programs write for `never`, from where their clocks begin."""
    return day in _FIRST_DAYS or day.year <= _LONG_AGO


def is_exact(moment: datetime) -> bool:
    """Whether the text itself named the offset of this moment: else it is of the mapping's zone, or a day."""
    return isinstance(moment.tzinfo, timezone)


_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?Z?)?")


def _iso(text: str) -> datetime | None:
    """The common ISO forms, by the interpreter's own reader (several times faster)."""
    return datetime.fromisoformat(text) if _ISO.fullmatch(text) else None


def _parts(text: str, order: DateOrder) -> datetime | Fault:
    parts = _PARTS.fullmatch(text)
    if parts is None:
        return UNKNOWN
    day = _day(parts[1], parts[2], parts[3], parts[4], order)
    if isinstance(day, Fault) or parts[5] is None:
        return day
    hour = int(parts[5])
    if parts[8]:
        if not 1 <= hour <= _NOON:
            return IMPOSSIBLE
        hour = hour % _NOON + (_NOON if parts[8].upper() == "PM" else 0)
    moment = day.replace(hour=hour, minute=int(parts[6]), second=int(parts[7] or 0))
    if parts[9]:
        return moment.replace(tzinfo=UTC)
    if parts[10]:
        if int(parts[12]) >= _MINUTES:
            return IMPOSSIBLE
        offset = timedelta(hours=int(parts[11]), minutes=int(parts[12]))
        return moment.replace(tzinfo=timezone(offset if parts[10] == "+" else -offset))
    return moment


def _day(first: str, mark: str, second: str, third: str, order: DateOrder) -> datetime | Fault:
    """Raises ValueError if there is no such day."""
    if len(first) == _YEAR_DIGITS and len(third) < _YEAR_DIGITS - 1:
        return datetime(int(first), int(second), int(third))  # noqa: DTZ001 - the zone is the mapping's, added later
    if len(third) != _YEAR_DIGITS:
        return SHORT_YEAR
    a, b, year = int(first), int(second), int(third)
    if mark == ".":
        order = DateOrder.DMY
    elif order in {DateOrder.AUTO, DateOrder.YMD}:
        if a != b and a <= _MONTHS and b <= _MONTHS:
            return AMBIGUOUS
        order = DateOrder.MDY if b > _MONTHS else DateOrder.DMY
    elif (b if order is DateOrder.DMY else a) > _MONTHS >= (a if order is DateOrder.DMY else b):
        return CONTRADICTS
    day, month = (a, b) if order is DateOrder.DMY else (b, a)
    return datetime(year, month, day)  # noqa: DTZ001 - the zone is the mapping's, added later
