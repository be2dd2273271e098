"""What comes round again every cycle, and is taken out before anything else is asked.

A season is looked for when two full cycles are there, and believed when phases differ far more than cycles do at the
same phase (an F test whose degrees of freedom allow for serial correlation) and they explain enough. STL takes it out,
robust, with one shape for all cycles; MSTL where a figure has two of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy import special
from statsmodels.tsa.seasonal import MSTL, STL

from projections.directions.series import SEASONS, Pace

if TYPE_CHECKING:
    from numpy.typing import NDArray

CYCLES: Final = 2
"""Full cycles below which no season is looked for."""
LEVEL: Final = 0.05
"""How rarely a series without a season may be said to have one."""
EXPLAINED: Final = 0.3
"""Share of the variance about its line that a season explains at least."""


class Season(BaseModel):
    """A season: its periods (52: a year of weeks), how much of the variance it explains, how far it swings."""

    model_config = ConfigDict(frozen=True)

    periods: tuple[int, ...]
    cycles: float
    explained: float
    swing: float


def without_season(values: NDArray[np.float64], pace: Pace) -> tuple[NDArray[np.float64], Season | None]:
    """Values without their season, and what it was; the same values and None where none is seen."""
    n, left, found = len(values), values, []
    looked = [period for period in SEASONS[pace] if n >= CYCLES * period]
    for period in looked:
        swings = left - _smooth(left, period) if period < max(looked) else left  # a longer one would hide it
        explained = _seen(swings, period)
        if explained is not None:
            found.append((period, explained))
            left = left - _shape(swings, period)
    if not found:
        return values, None
    periods = tuple(period for period, _ in found)
    shape = _taken(values, periods)
    season = Season(
        periods=periods,
        cycles=n / max(periods),
        explained=max(explained for _, explained in found),
        swing=float(shape.max() - shape.min()),
    )
    return np.asarray(values - shape), season


def _taken(values: NDArray[np.float64], periods: tuple[int, ...]) -> NDArray[np.float64]:
    """The season, point by point."""
    wide = 10 * len(values) + 1  # one shape for all cycles: two points at a phase would else be met exactly
    if len(periods) == 1:
        done = STL(values, period=periods[0], seasonal=wide, seasonal_deg=0, robust=True).fit()
        once: NDArray[np.float64] = np.asarray(done.seasonal)
        return once
    told = {"robust": True, "seasonal_deg": 0}
    both = MSTL(values, periods=periods, windows=tuple(wide for _ in periods), stl_kwargs=told).fit()
    each: NDArray[np.float64] = np.asarray(both.seasonal)
    return np.asarray(each.sum(axis=1))


def _smooth(values: NDArray[np.float64], period: int) -> NDArray[np.float64]:
    """The moving mean of one cycle, its ends held."""
    around = np.pad(values, (period // 2, period - 1 - period // 2), mode="edge")
    return np.convolve(around, np.ones(period) / period, mode="valid")


def _shape(left: NDArray[np.float64], period: int) -> NDArray[np.float64]:
    """The mean of each phase, point by point."""
    phases = np.arange(len(left)) % period
    means = np.bincount(phases, left) / np.bincount(phases)
    return np.asarray(means[phases])


def _seen(left: NDArray[np.float64], period: int) -> float | None:
    """The share of the variance about a line that phases explain (adjusted), if a season is seen."""
    n = len(left)
    t = np.arange(n, dtype=float)
    within = t - _shape(t, period)  # a slope from the same phases of other cycles: a season has no say in it
    left = left - (within @ left) / (within @ within) * t
    shape = _shape(left, period)
    rest = left - shape
    inside, between = float(rest @ rest), float(((shape - left.mean()) ** 2).sum())
    whole = inside + between
    within_df = n - period - 1
    if whole == 0 or within_df <= 0:
        return None
    explained = 1 - (inside / within_df) / (whole / (n - 2))
    if explained < EXPLAINED:
        return None
    if inside <= 1e-12 * whole:
        return explained
    seen = float(rest[1:] @ rest[:-1]) / inside
    known = n * (1 - period / n)  # points that are free once each phase has its mean
    phi = min(max((known * seen + 2) / (known - 4), 0.0), 0.9) if known > 2 * 4 else 0.5
    free = (1 - phi**2) / (1 + phi**2)
    ratio = (between / (period - 1)) / (inside / within_df)
    p = float(special.fdtrc(free * (period - 1), free * within_df, ratio))
    return explained if math.isfinite(p) and p < LEVEL else None
