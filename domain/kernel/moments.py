"""Moments that callers give: with an offset, and within the years in which anything here can happen.

These types stand in commands and queries. Events hold plain `datetime`: what was accepted once is read for ever. The
bounds keep every accepted moment a moment in every zone: the last hours of the year 9999 are in the year 10000 a few
zones further, where nothing can read them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


def _conceivable(value: datetime) -> datetime:
    if not EARLIEST <= value <= LATEST:
        raise ValueError("moments lie between 2000-01-01 and 2100-01-01; leave it out for never")
    return value


Moment = Annotated[AwareDatetime, AfterValidator(_conceivable)]
"""A moment with its offset, from 2000-01-01T00:00:00Z to 2100-01-01T00:00:00Z."""
