"""What is noise: limits of an individuals chart (XmR), and how sure a rate is (Wilson)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel, ConfigDict
from statsmodels.stats.proportion import proportion_confint

from projections.directions.trend import INTERVAL, Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from projections.directions.series import Point

FACTOR: Final = 2.66
"""Three over d2 = 1.128 of two: limits at three standard deviations, from moving ranges."""
FEWEST: Final = 10
"""Values below which there are no limits."""


class ControlLimits(BaseModel):
    """Mean, mean moving range, the limits around the mean, and the periods whose value lies outside."""

    model_config = ConfigDict(frozen=True)

    mean: float
    moving_range: float
    limits: Interval
    outside: tuple[date, ...]


def control_limits(values: NDArray[np.float64], starts: tuple[date, ...]) -> ControlLimits | None:
    """Limits of values with gaps (NaN): ranges are of neighbours that are both there. None: too few values."""
    moves = np.abs(np.diff(values))
    moves = moves[~np.isnan(moves)]
    if np.count_nonzero(~np.isnan(values)) < FEWEST or not len(moves):
        return None
    mean, moving = float(np.nanmean(values)), float(moves.mean())
    low, high = mean - FACTOR * moving, mean + FACTOR * moving
    hair = 1e-9 * (abs(mean) + moving)  # a mean of equal values need not equal them
    outside = tuple(
        start
        for start, value in zip(starts, values, strict=True)
        if value < low - hair or value > high + hair
    )
    return ControlLimits(mean=mean, moving_range=moving, limits=Interval(low=low, high=high), outside=outside)


class RateInterval(BaseModel):
    """A period's rate and between what it lies: few mails say little."""

    model_config = ConfigDict(frozen=True)

    start: date
    rate: float
    interval: Interval


def rate_intervals(points: tuple[Point, ...]) -> tuple[RateInterval, ...]:
    """Wilson's interval of each period's rate. A rate above one is no proportion, and has none."""
    told = [
        (one.start, one.numerator, one.denominator)
        for one in points
        if one.numerator is not None and one.denominator and one.numerator <= one.denominator
    ]
    if not told:
        return ()
    above, below = np.array([one[1] for one in told]), np.array([one[2] for one in told])
    low, high = proportion_confint(above, below, alpha=1 - INTERVAL, method="wilson")
    return tuple(
        RateInterval(start=start, rate=a / b, interval=Interval(low=float(one), high=float(other)))
        for (start, a, b), one, other in zip(told, low, high, strict=True)
    )
