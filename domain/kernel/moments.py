"""Moments and days that callers give: as text, and within the years in which anything here can happen.

These types stand in commands and queries. Events hold plain `datetime`: what was accepted once is read for ever. The
bounds keep every accepted moment a moment in every zone: the last hours of the year 9999 are in the year 10000 a few
zones further, where nothing can read them.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2100, 12, 31)
_WRITTEN: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def _written(value: object) -> object:
    if isinstance(value, date) or (isinstance(value, str) and _WRITTEN.match(value)):
        return value
    raise ValueError("write it as text, beginning with the year: 2026-11-23, or 2026-11-23T14:00:00Z")


def _conceivable(value: datetime) -> datetime:
    if not EARLIEST <= value <= LATEST:
        raise ValueError("moments lie between 2000-01-01 and 2100-01-01; leave it out for never")
    return value


def _remembered(value: date) -> date:
    if not FIRST_DAY <= value <= LAST_DAY:
        raise ValueError("days lie between 1900-01-01 and 2100-12-31; leave it out for never")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_conceivable)]
"""A moment with its offset, from 2000-01-01T00:00:00Z to 2100-01-01T00:00:00Z."""

Day = Annotated[date, BeforeValidator(_written), AfterValidator(_remembered)]
"""A civil day, from 1900-01-01 to 2100-12-31."""
