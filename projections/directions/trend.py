"""Where a figure is heading: Mann-Kendall's test with Sen's slope, allowing for serial correlation.

The score and its variance are pymannkendall's. Hamed and Rao (1998) multiply that variance by what the correlation of
ranks adds; taken lag by lag from a short series, it misses so much that one trendless series in six or more gets a
direction. Here the correlation is that of an AR(1), rho(k) = 6/pi asin(phi^k / 2), whose phi is
corrected for its bias after a slope was taken out (Tjostheim and Paulsen 1983; phi' = (n r + 2) / (n - 4)), and the
score is read off Student's t with degrees of freedom that were measured: `docs/directions.md`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pymannkendall
from pydantic import BaseModel, ConfigDict
from scipy import special

from projections.directions.series import Better

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHOD: Final = "mann-kendall-ar1-sen"
VERSION: Final = 1
FEWEST: Final = 10
"""Values below which there is not enough data."""
LEVEL: Final = 0.05
"""How rarely a trendless figure may be said to have a direction."""
INTERVAL: Final = 0.95
"""How sure the slope's interval is."""
_MOST_CORRELATED: Final = 0.9


class Direction(StrEnum):
    """The answer. `rising` and `falling` where no way is better; `steady`: no direction is seen, which is no proof."""

    IMPROVING = "improving"
    DECLINING = "declining"
    RISING = "rising"
    FALLING = "falling"
    STEADY = "steady"
    NOT_ENOUGH_DATA = "not enough data"

    @classmethod
    def of(cls, slope: float, better: Better) -> Self:
        """What a slope that is one is called."""
        if better is Better.NEITHER:
            return cls("rising" if slope > 0 else "falling")
        return cls("improving" if (slope > 0) == (better is Better.HIGHER) else "declining")

    @property
    def is_one(self) -> bool:
        """Whether the figure is heading somewhere."""
        return self not in {Direction.STEADY, Direction.NOT_ENOUGH_DATA}


class Interval(BaseModel):
    """From `low` to `high`."""

    model_config = ConfigDict(frozen=True)

    low: float
    high: float


class Slope(BaseModel):
    """Sen's slope a period. No interval: the values do not bound it."""

    model_config = ConfigDict(frozen=True)

    per_period: float
    interval: Interval | None
    level: float = INTERVAL


class Trend(BaseModel):
    """A direction with what it rests on.

    `p_value`: how often a trendless figure would look at least so directed. `adjusted_p_value`: the same when figures
    are looked at together, and then the direction is decided by it. `confidence` is one minus what decided.
    """

    model_config = ConfigDict(frozen=True)

    direction: Direction
    confidence: float | None = None
    p_value: float | None = None
    adjusted_p_value: float | None = None
    slope: Slope | None = None
    n: int
    correlation: float | None = None
    method: str = METHOD
    version: int = VERSION

    def decided(self, adjusted: float, level: float, better: Better) -> Trend:
        """The same figure among many: its direction by the adjusted p-value."""
        if self.slope is None:
            return self
        told = {
            "direction": _direction(self.slope.per_period, adjusted, level, better),
            "adjusted_p_value": adjusted,
            "confidence": 1 - adjusted,
        }
        return self.model_copy(update=told)


def trend(
    values: NDArray[np.float64],
    better: Better,
    *,
    cycles: float | None = None,
    rest: NDArray[np.float64] | None = None,
    pieces: int = 1,
) -> Trend:
    """The direction of values, a gap being NaN.

    `cycles` of a season were taken out of them. `rest` is what is left beside `pieces` of straight lines, where there
    are several: about one line a change of course would look like correlation, and hide itself.
    """
    n = int(np.count_nonzero(~np.isnan(values)))
    if n < FEWEST:
        return Trend(direction=Direction.NOT_ENOUGH_DATA, n=n)
    found = judged(values, cycles, rest, pieces)
    return Trend(
        direction=_direction(found.slope, found.p_value, LEVEL, better),
        confidence=1 - found.p_value,
        p_value=found.p_value,
        slope=Slope(per_period=found.slope, interval=found.interval),
        n=n,
        correlation=found.correlation,
    )


def _direction(slope: float, p_value: float, level: float, better: Better) -> Direction:
    if p_value > level or slope == 0:
        return Direction.STEADY
    return Direction.of(slope, better)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the test found."""

    p_value: float
    slope: float
    interval: Interval | None
    correlation: float


def judged(
    values: NDArray[np.float64],
    cycles: float | None = None,
    rest: NDArray[np.float64] | None = None,
    pieces: int = 1,
) -> Judged:
    """Mann-Kendall's test of at least ten values; gaps are NaN."""
    at = np.flatnonzero(~np.isnan(values))
    seen = values[at]
    n = len(seen)
    if np.all(seen == seen[0]):
        return Judged(1.0, 0.0, Interval(low=0.0, high=0.0), 0.0)
    library = pymannkendall.original_test(seen)
    slopes = _slopes(seen, at)
    slope = float(np.median(slopes))
    if rest is None:
        rest = values - slope * np.arange(len(values))
    phi = _correlation(rest, n, pieces)
    variance = float(library.var_s) * _inflation(phi, n)
    free = float(n)
    if cycles is not None:  # cycles differ as much as before, and less is left within them: measured
        variance *= 1 + 10 / cycles**2
        free *= 1 - 1 / cycles
    freedom = degrees(free)
    score = max(abs(float(library.s)) - 1, 0.0) / math.sqrt(variance)
    wide = float(special.stdtrit(freedom, (1 + INTERVAL) / 2)) * math.sqrt(variance)
    return Judged(
        p_value=min(2 * float(special.stdtr(freedom, -score)), 1.0),
        slope=slope,
        interval=_interval(slopes, wide),
        correlation=phi,
    )


def degrees(n: float) -> float:
    """Degrees of freedom of Student's t whose tails the score has, n values long. Measured."""
    return max(7.5, 0.25 * n)


def _slopes(seen: NDArray[np.float64], at: NDArray[Any]) -> NDArray[np.float64]:
    """Slopes of all pairs."""
    left, right = np.triu_indices(len(seen), 1)
    told: NDArray[np.float64] = (seen[right] - seen[left]) / (at[right] - at[left])
    return told


def _interval(slopes: NDArray[np.float64], wide: float) -> Interval | None:
    """Sen's interval (Gilbert 1987, 16.4.2): as many slopes aside at each end as the score's spread leaves."""
    pairs = len(slopes)
    low, high = math.floor((pairs - wide) / 2) - 1, math.ceil((pairs + wide) / 2)
    if low < 0 or high >= pairs:
        return None
    ordered = np.partition(slopes, (low, high))
    return Interval(low=float(ordered[low]), high=float(ordered[high]))


def _correlation(rest: NDArray[np.float64], n: int, pieces: int) -> float:
    """The phi of an AR(1) in what is left beside lines, corrected for its bias; negative counts as none."""
    rest = rest - np.nanmean(rest)
    squares = float(np.nansum(rest * rest))
    products = rest[1:] * rest[:-1]
    pairs = int(np.count_nonzero(~np.isnan(products)))
    if pairs == 0 or squares <= np.finfo(float).eps * n:
        return 0.0
    seen = float(np.nansum(products)) / squares * (n - 1) / pairs
    return min(max((n * seen + 2 * pieces) / max(n - 4 * pieces, 1), 0.0), _MOST_CORRELATED)


def _inflation(phi: float, n: int) -> float:
    """By what the score's variance grows with the correlation of ranks (Hamed and Rao 1998, their equation 12)."""
    lags = np.arange(1, n)
    weights = (n - lags) * (n - lags - 1.0) * (n - lags - 2.0)
    ranks = 6 / math.pi * np.arcsin(phi**lags / 2)
    return 1 + 2 / (n * (n - 1) * (n - 2)) * float(weights @ ranks)
