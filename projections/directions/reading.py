"""A series read: everything that is said about a figure, and what it was said from."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from projections.directions.changes import Change, Pieces, pieces
from projections.directions.forecast import Forecast, State, forecast
from projections.directions.limits import ControlLimits, RateInterval, control_limits, rate_intervals
from projections.directions.many import Q, together
from projections.directions.season import Season, without_season
from projections.directions.series import Series, UnitKind
from projections.directions.trend import Trend, trend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_GAPS: Final = 0.1
"""Share of gaps above which nothing is said of seasons, changes and what is ahead: these need every period."""
AHEAD: Final = 8
"""Periods ahead, unless others are asked for."""


class Reading(BaseModel):
    """What is said of a series, with the series: a direction opens to what it was made from.

    `current` is the direction of the piece since the last change, which is told where that piece is long enough.
    """

    model_config = ConfigDict(frozen=True)

    series: Series
    gaps: tuple[date, ...]
    trend: Trend
    season: Season | None
    changes: tuple[Change, ...]
    current: Trend | None
    limits: ControlLimits | None
    rates: tuple[RateInterval, ...]
    forecast: Forecast


def read(series: Series, *, ahead: int = AHEAD) -> Reading:
    """Read one series. Of several that are looked at together, use `read_together`."""
    values = np.array([math.nan if one is None else one for one in series.values], dtype=float)
    starts = tuple(one.start for one in series.points)
    filled = _filled(values)
    adjusted, left = values, filled
    season: Season | None = None
    course: Pieces | None = None
    if filled is not None:
        left, season = without_season(filled, series.pace)
        course = pieces(left, starts)
        adjusted = np.where(np.isnan(values), np.nan, left)
    found = course.changes if course is not None else ()
    return Reading(
        series=series,
        gaps=series.gaps,
        trend=trend(
            adjusted,
            series.better,
            cycles=season.cycles if season is not None else None,
            rest=course.rest if course is not None else None,
            pieces=len(found) + 1,
        ),
        season=season,
        changes=found,
        current=trend(adjusted[found[-1].index :], series.better) if found else None,
        limits=control_limits(adjusted, starts),
        rates=rate_intervals(series.points),
        forecast=_ahead(series, filled, left, season, ahead),
    )


def read_together(series: Sequence[Series], *, q: float = Q, ahead: int = AHEAD) -> tuple[Reading, ...]:
    """Read series that are looked at together: at most a share `q` of the directions told is false."""
    readings = [read(one, ahead=ahead) for one in series]
    trends = together([(one.trend, one.series.better) for one in readings], q)
    return tuple(
        one.model_copy(update={"trend": judged}) for one, judged in zip(readings, trends, strict=True)
    )


def _filled(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Values with few gaps bridged by straight lines; None where they are many, or at an end."""
    gaps = np.isnan(values)
    if gaps[0] or gaps[-1] or gaps.mean() > MOST_GAPS:
        return None
    if not gaps.any():
        return values
    at = np.arange(len(values))
    return np.interp(at, at[~gaps], values[~gaps])


def _ahead(
    series: Series,
    filled: NDArray[np.float64] | None,
    left: NDArray[np.float64] | None,
    season: Season | None,
    ahead: int,
) -> Forecast:
    known = len(series.points) - len(series.gaps)
    if filled is None or left is None:
        return Forecast(state=State.NOT_ENOUGH_DATA, n=known)
    starts, last = [], series.last
    for _ in range(ahead):
        last = series.pace.after(last)
        starts.append(last)
    if season is None:
        return forecast(filled, tuple(starts), bounds=_bounds(series), known=known)
    period, shape = max(season.periods), filled - left
    again = shape[len(shape) - period + np.arange(ahead) % period]
    return forecast(
        left,
        tuple(starts),
        shape=again,
        cycles=season.cycles,
        bounds=_bounds(series),
        known=known,
    )


def _bounds(series: Series) -> tuple[float, float]:
    """What the figure can be at all: counts and rates lie above zero, proportions below one too."""
    if series.unit.kind not in {UnitKind.RATE, UnitKind.COUNT} or any(
        v is not None and v < 0 for v in series.values
    ):
        return -math.inf, math.inf
    proportion = series.unit.kind is UnitKind.RATE and all(one is None or one <= 1 for one in series.values)
    return 0.0, 1.0 if proportion else math.inf
