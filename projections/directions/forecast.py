"""Where a figure may go: ranges for the next periods, never a point.

A range is of a mixture: a figure that keeps to a level or to a line with AR(1) noise, or whose level itself wanders
(exponential smoothing; a random walk at its end), each for a grid of how much. Each is weighed by how well it fits
(BIC) and has Student's t of its own as what comes next, its coefficients taken for unknown. A single smoothing model
chosen and fitted, as statsmodels does it, has ranges that are too narrow for short series; `docs/directions.md` shows
how many of the values that came lay within.
"""

from __future__ import annotations

import math
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy import special

from projections.directions.trend import Interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Arrays = tuple[NDArray[np.float64], NDArray[np.float64]]

METHOD: Final = "mixture-of-ar1-line-and-level"
VERSION: Final = 1
FEWEST: Final = 20
"""Values below which there is not enough data."""
PERIODS_EACH: Final = 4
"""Values that each period ahead needs: no figure is followed further than a quarter of its length."""
LEVELS: Final = (0.8, 0.95)
_PHIS: Final = (0.0, 0.2, 0.4, 0.55, 0.7, 0.8, 0.88, 0.94, 0.98)
_SMOOTHINGS: Final = (0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0)
# Weights before anything is seen. A wandering level weighs most, and one that only wanders: short series hide it, and
# ranges that are too narrow do more harm than wide ones.
_LEVEL_WEIGHT: Final = math.log(5)
_WALK_WEIGHT: Final = math.log(5)
_LINE_WEIGHT: Final = -1.0
_LEAST_NOISE: Final = 1e-6  # of the spread of values: a perfect line has some


class State(StrEnum):
    """Whether there are ranges, and if not, why."""

    MADE = "made"
    NOT_ENOUGH_DATA = "not enough data"
    NEVER_VARIED = "never varied"


class Ahead(BaseModel):
    """One period to come and the range it falls in with each of the chances."""

    model_config = ConfigDict(frozen=True)

    start: date
    within_80: Interval
    within_95: Interval


class Forecast(BaseModel):
    """Ranges of the next periods, the nearest first. There is no point in them."""

    model_config = ConfigDict(frozen=True)

    state: State
    ahead: tuple[Ahead, ...] = ()
    n: int
    method: str = METHOD
    version: int = VERSION


def forecast(
    values: NDArray[np.float64],
    starts: tuple[date, ...],
    *,
    shape: NDArray[np.float64] | None = None,
    cycles: float = math.inf,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    known: int | None = None,
) -> Forecast:
    """Ranges for the periods that start on `starts`, as many of them as the length carries.

    `values` have no gaps; `known` of them are no filled ones. `shape` is the season of each period to come, of which so
    many cycles were seen; `bounds` is what the figure can be at all.
    """
    n = len(values) if known is None else known
    if n < FEWEST:
        return Forecast(state=State.NOT_ENOUGH_DATA, n=n)
    if np.ptp(values) == 0:
        return Forecast(state=State.NEVER_VARIED, n=n)
    reach = min(len(starts), n // PERIODS_EACH)
    if not reach:
        return Forecast(state=State.MADE, n=n)
    ranges = _ranges(values, reach)
    again = np.zeros(reach) if shape is None else shape[:reach]
    wider = math.sqrt(1 + 1 / cycles)

    def bounded(low: NDArray[np.float64], high: NDArray[np.float64], at: int) -> Interval:
        middle, half = (low[at] + high[at]) / 2 + again[at], (high[at] - low[at]) / 2 * wider
        ends = np.clip([middle - half, middle + half], *bounds)
        return Interval(low=float(ends[0]), high=float(ends[1]))

    (low80, high80), (low95, high95) = ranges
    ahead = tuple(
        Ahead(start=starts[at], within_80=bounded(low80, high80, at), within_95=bounded(low95, high95, at))
        for at in range(reach)
    )
    return Forecast(state=State.MADE, ahead=ahead, n=n)


def _ranges(values: NDArray[np.float64], reach: int) -> list[Arrays]:
    """Of each level, the low and the high ends."""
    centre, spread = float(np.mean(values)), float(np.std(values))
    parts = [*_ar1s((values - centre) / spread, reach), *_levels((values - centre) / spread, reach)]
    told = np.array([part[0] for part in parts])
    weights = np.exp(told - told.max())
    weights /= weights.sum()
    means = np.array([part[1] for part in parts])
    scales = np.array([part[2] for part in parts])
    free = np.array([[part[3]] for part in parts])

    def quantile(p: float) -> NDArray[np.float64]:
        each = means + scales * special.stdtrit(free, p)
        low, high = each.min(axis=0), each.max(axis=0)
        for _ in range(30):  # halves: 30 of them leave a billionth
            middle = (low + high) / 2
            below = weights @ special.stdtr(free, (middle - means) / scales) < p
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray((low + high) / 2 * spread + centre)

    return [(quantile((1 - level) / 2), quantile((1 + level) / 2)) for level in LEVELS]


Part = tuple[float, "NDArray[np.float64]", "NDArray[np.float64]", int]
"""Log weight, means and scales of the periods ahead, degrees of freedom."""


def _ar1s(y: NDArray[np.float64], reach: int) -> Iterator[Part]:
    """A level or a line with AR(1) noise: generalised least squares, exact."""
    n = len(y)
    ahead, t = np.arange(1, reach + 1), np.arange(n) - (n - 1) / 2
    level = (np.ones((n, 1)), np.ones((reach, 1)), 0.0)
    line = (np.column_stack([np.ones(n), t]), np.column_stack([np.ones(reach), t[-1] + ahead]), _LINE_WEIGHT)
    for x, x_ahead, weight in (level, line):
        k = x.shape[1]
        for phi in _PHIS:
            first = math.sqrt(1 - phi * phi)
            y_white = np.concatenate([[first * y[0]], y[1:] - phi * y[:-1]])
            x_white = np.vstack([first * x[:1], x[1:] - phi * x[:-1]])
            inverse = np.linalg.inv(x_white.T @ x_white)
            b = inverse @ (x_white.T @ y_white)
            rest = y_white - x_white @ b
            squares = max(float(rest @ rest), n * _LEAST_NOISE**2)
            kept = phi**ahead
            means = x_ahead @ b + kept * (y[-1] - x[-1] @ b)
            gap = x_ahead - kept[:, None] * x[-1]
            variance = (1 - phi ** (2 * ahead)) / (1 - phi * phi) + np.einsum(
                "hi,ij,hj->h", gap, inverse, gap
            )
            fit = _fit(n, squares, k) + math.log(1 - phi * phi) / 2
            yield (
                fit + weight - math.log(len(_PHIS)),
                means,
                np.sqrt(variance * squares / (n - k)),
                n - k,
            )


def _levels(y: NDArray[np.float64], reach: int) -> Iterator[Part]:
    """A level that wanders: simple exponential smoothing, its first level taken for unknown."""
    n = len(y)
    ahead = np.arange(1, reach + 1)
    for alpha in _SMOOTHINGS:
        errors, level = np.empty(n), 0.0
        for at in range(n):
            errors[at] = y[at] - level
            level += alpha * errors[at]
        faded = (1 - alpha) ** np.arange(n)
        known = float(faded @ faded)
        begun = float(faded @ errors) / known
        rest = errors - faded * begun
        squares = max(float(rest @ rest), n * _LEAST_NOISE**2)
        last = (1 - alpha) ** n
        variance = 1 + (ahead - 1) * alpha**2 + last**2 / known
        weight = _LEVEL_WEIGHT + (_WALK_WEIGHT if alpha == 1 else 0)
        yield (
            _fit(n, squares, 1) + weight - math.log(len(_SMOOTHINGS)),
            np.full(reach, level + last * begun),
            np.sqrt(variance * squares / (n - 1)),
            n - 1,
        )


def _fit(n: int, squares: float, k: int) -> float:
    """Minus half the BIC."""
    return -n / 2 * math.log(squares / n) - k / 2 * math.log(n)
