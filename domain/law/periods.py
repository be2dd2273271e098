"""Periods of the law: civil days in the zones of a country, months that are months, and never longer than they may be.

A period that began on a day ends as that day of the month begins; where the month has no such day, as its last day
begins (29 February 2024 and two years: 28 February 2026). So a permission holds up to the day before, and not on the
anniversary: "within the two-year period immediately before the day" (CASL s.10(10)), read strictly.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST_TO_BEGIN: Final = "Etc/GMT-14"
"""Where a day begins first: fourteen hours ahead of UTC, as POSIX signs it."""
_LAST_TO_BEGIN: Final = "Etc/GMT+12"
"""Where a day begins last: twelve hours behind UTC, as POSIX signs it."""


class Period(BaseModel):
    """So many years, months and days."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    years: Annotated[int, Field(ge=0, le=100)] = 0
    months: Annotated[int, Field(ge=0, le=1200)] = 0
    days: Annotated[int, Field(ge=0, le=36_525)] = 0

    def after(self, start: date) -> date:
        """The first day that is no more within it; of what has no end that a calendar knows, the last day of all.

        Commands take no such days. Events of before they were refused hold them: a contract without end, to 9999-12-31.
        """
        months = start.year * 12 + start.month - 1 + self.years * 12 + self.months
        year, month = divmod(months, 12)
        if year > MAXYEAR:
            return date.max
        day = date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
        return day + timedelta(days=min(self.days, (date.max - day).days))

    def __str__(self) -> str:
        """In words."""
        parts = [(self.years, "year"), (self.months, "month"), (self.days, "day")]
        return " and ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in parts if n) or "no time"


def ends_of_chains(days: Sequence[date], each: Period) -> list[int]:
    """Of each of some days in order, the last of the chain from it: each lies within the period of the one before."""
    ends = list(range(len(days)))
    for index in range(len(days) - 2, -1, -1):
        if days[index + 1] < each.after(days[index]):
            ends[index] = ends[index + 1]
    return ends


def latest_day(moment: datetime, zones: Sequence[str]) -> date:
    """The latest day that it is anywhere in these zones: the one that ends a permission first.

    Without zones: anywhere on earth. Raises `ValueError` for a moment without a zone.
    """
    return max(_days(moment, zones or (FIRST_TO_BEGIN,)))


def earliest_day(moment: datetime, zones: Sequence[str]) -> date:
    """The earliest day that it is anywhere in these zones: the one from which a deadline ends first.

    Without zones: anywhere on earth. Raises `ValueError` for a moment without a zone.
    """
    return min(_days(moment, zones or (_LAST_TO_BEGIN,)))


def _days(moment: datetime, zones: Sequence[str]) -> list[date]:
    if moment.tzinfo is None:
        raise ValueError("which day it is depends on the zone, and this moment has none: give it one")
    return [moment.astimezone(ZoneInfo(zone)).date() for zone in zones]


def first_moment(day: date, zones: Sequence[str]) -> datetime:
    """When it first becomes this day in any of these zones."""
    return min(datetime.combine(day, time(), ZoneInfo(zone)) for zone in zones)


def over(day: date, zones: Sequence[str]) -> datetime:
    """When this day is over in all of these zones, as UTC; without zones: everywhere on earth."""
    after = day + timedelta(days=1)
    return max(
        datetime.combine(after, time(), ZoneInfo(zone)).astimezone(UTC) for zone in zones or (_LAST_TO_BEGIN,)
    )
