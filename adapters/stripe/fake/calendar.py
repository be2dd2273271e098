"""Cycles of subscriptions: months from an anchor, in UTC, on the last day where a month has no such day."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime
from typing import Final

DAY: Final = 86_400
HOUR: Final = 3_600
_MONTHS: Final = {"month": 1, "year": 12}
_SECONDS: Final = {"day": DAY, "week": 7 * DAY}
_YEAR: Final = 12


def months_after(moment: int, months: int) -> int:
    """The same day and time so many months later."""
    at = datetime.fromtimestamp(moment, UTC)
    year, month = divmod(at.month - 1 + months, _YEAR)
    year, month = at.year + year, month + 1
    day = min(at.day, calendar.monthrange(year, month)[1])
    return int(at.replace(year=year, month=month, day=day).timestamp())


def after(anchor: int, interval: str, count: int) -> int:
    """`count` intervals after the anchor."""
    if interval in _MONTHS:
        return months_after(anchor, _MONTHS[interval] * count)
    return anchor + _SECONDS[interval] * count


def cycle_end(anchor: int, interval: str, count: int, start: int) -> int:
    """When the cycle ends that `start` is in or begins: the first moment of the rhythm after it."""
    number = 1
    while after(anchor, interval, number * count) <= start:
        number += 1
    while number > 0 and after(anchor, interval, (number - 1) * count) > start:
        number -= 1
    return after(anchor, interval, number * count)
