"""Business days by the public holidays of a country, from the `holidays` package.

Only holidays that the whole country keeps count: of somebody's province nothing is known, and one day off less makes a
deadline earlier, never later. For the United States these are the federal ones. Which days are holidays is known as of
the package's version, which the lock file pins; those of a lunar calendar are estimates until they are gazetted.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

from holidays import country_holidays


class NoCalendar(ValueError):
    """There is no calendar of this country's holidays, so its business days cannot be counted."""


def is_business_day(day: date, place: str) -> bool:
    """Whether a day is neither weekend nor public holiday. Raises `NoCalendar`.

    `place`: the ISO code of a country (US), or of a part of one (US-CA), which has its country's calendar.
    """
    return day not in _days_off(place.partition("-")[0], day.year)


def business_days_after(start: date, number: int, place: str) -> date:
    """The business day that is the `number`th (from 1) after `start`, which does not count. Raises `NoCalendar`."""
    day = start
    for _ in range(number):
        day += timedelta(days=1)
        while not is_business_day(day, place):
            day += timedelta(days=1)
    return day


@cache
def _days_off(country: str, year: int) -> frozenset[date]:
    """Of one year, made once: the package's own object fills itself while it is read, which threads must not see."""
    try:
        calendar = country_holidays(country, years=year, expand=False)
    except NotImplementedError:
        raise NoCalendar(f"the holidays package has no calendar for {country}") from None
    first = date(year, 1, 1)
    days = (first + timedelta(days=number) for number in range((date(year, 12, 31) - first).days + 1))
    return frozenset(day for day in days if not calendar.is_working_day(day))
