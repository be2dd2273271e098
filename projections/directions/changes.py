"""When a figure changed its course: pieces of straight lines, as few as explain it (PELT, every point a candidate).

A piece has a level and a slope, so a step and a bend are both changes, and a steady slope is none. What a further piece
must save is measured against the noise with its serial correlation about the best single change; `docs/directions.md`
shows how often a series without any change is said to have one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import ruptures
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHORTEST: Final = 6
"""Points that a piece has at least."""
FEWEST: Final = 20
"""Points below which nothing is said about changes."""
_MOST_CORRELATED: Final = 0.8
_WITHOUT_NOISE: Final = 1e-12


def penalty(n: int) -> float:
    """What a change must save, in units of the noise's long-run variance times log n.

    Measured: about 98 in 100 series of AR(1) with phi = 0.5 and no change stay below it, from 20 to 104 points.
    """
    return 3 + 165 / n


class Change(BaseModel):
    """A change of course at the period that starts on `at`: from there on it is a new piece.

    `step` is by how much the level moved at once; slopes are per period, before and after.
    """

    model_config = ConfigDict(frozen=True)

    at: date
    index: int
    step: float
    slope_before: float
    slope_after: float


class _Pieces(ruptures.base.BaseCost):  # type: ignore[misc]  # the library has no types
    """Squares that remain about a straight line, from sums that are made once."""

    model = ""
    min_size = SHORTEST

    def fit(self, signal: NDArray[np.float64]) -> _Pieces:
        y = signal.reshape(-1)
        t = np.arange(len(y), dtype=float)
        self.signal = signal
        self.sums = [
            np.concatenate([[0.0], np.cumsum(part)]).tolist() for part in (y, t, y * y, t * t, t * y)
        ]
        return self

    def line(self, start: int, end: int) -> tuple[float, float, float]:
        """Mean, slope and remaining squares of the points from `start` to before `end`."""
        y, t, yy, tt, ty = (part[end] - part[start] for part in self.sums)
        count = end - start
        across = tt - t * t / count
        slope = (ty - t * y / count) / across if across else 0.0
        rest = yy - y * y / count - slope * slope * across
        return y / count, slope, max(rest, 0.0)

    def error(self, start: int, end: int) -> float:
        return self.line(start, end)[2]


@dataclass(frozen=True, slots=True)
class Pieces:
    """The changes, in order, and what is left of the values beside their pieces."""

    changes: tuple[Change, ...]
    rest: NDArray[np.float64]


def pieces(values: NDArray[np.float64], starts: tuple[date, ...]) -> Pieces | None:
    """Where a series without gaps changed its course; None: nowhere, or there are too few points to tell."""
    n, spread = len(values), float(np.std(values))
    if n < FEWEST or spread == 0:
        return None
    scaled = (values - values.mean()) / spread
    cost = _Pieces().fit(scaled.reshape(-1, 1))
    price = penalty(n) * max(_noise(cost, scaled), _WITHOUT_NOISE) * math.log(n)
    pelt = ruptures.Pelt(custom_cost=cost, min_size=SHORTEST, jump=1)
    bounds = [0, *pelt.fit(scaled.reshape(-1, 1)).predict(price)]
    turns = [*zip(bounds, bounds[1:], bounds[2:], strict=False)]
    if not turns:
        return None
    rest = np.concatenate([_about(cost, scaled, start, end) for start, end in pairwise(bounds)])
    found = []
    for before, at, after in turns:
        bend = _bend(scaled[before:after], cost.error(before, at) + cost.error(at, after))
        if bend is not None and len(turns) == 1:
            rest = bend.rest
        index, step, left, right = _turn(cost, before, at, after) if bend is None else bend.turn(before)
        found.append(
            Change(
                at=starts[index],
                index=index,
                step=step * spread,
                slope_before=left * spread,
                slope_after=right * spread,
            )
        )
    return Pieces(tuple(found), np.asarray(rest * spread))


def _turn(cost: _Pieces, before: int, at: int, after: int) -> tuple[int, float, float, float]:
    """Where a new line begins, by how much it starts off the old one, and both slopes."""
    (left_mean, left, _), (right_mean, right, _) = cost.line(before, at), cost.line(at, after)
    reached = left_mean + left * (at - (before + at - 1) / 2)
    begun = right_mean + right * (at - (at + after - 1) / 2)
    return at, begun - reached, left, right


@dataclass(frozen=True, slots=True)
class _Bend:
    """A line that bends without a step."""

    at: int
    left: float
    right: float
    rest: NDArray[np.float64]

    def turn(self, before: int) -> tuple[int, float, float, float]:
        return before + self.at, 0.0, self.left, self.right


def _bend(values: NDArray[np.float64], with_step: float) -> _Bend | None:
    """The bend that explains values best, if no step is needed beside it (by BIC: a step is one number more)."""
    n = len(values)
    t, best, found = np.arange(n, dtype=float), math.inf, None
    for at in range(SHORTEST, n - SHORTEST + 1):
        x = np.column_stack([np.ones(n), t, np.maximum(t - at, 0)])
        b = np.linalg.lstsq(x, values, rcond=None)[0]
        rest = values - x @ b
        squares = float(rest @ rest)
        if squares < best:
            best, found = squares, _Bend(at, float(b[1]), float(b[1] + b[2]), rest)
    if n * math.log(max(best, _WITHOUT_NOISE) / max(with_step, _WITHOUT_NOISE)) > math.log(n):
        return None
    return found


def _noise(cost: _Pieces, values: NDArray[np.float64]) -> float:
    """Long-run variance about the two lines that fit best: what is left, and how it is correlated."""
    n = len(values)
    splits = range(SHORTEST, n - SHORTEST + 1)
    at = min(splits, key=lambda split: cost.error(0, split) + cost.error(split, n))
    rest: Any = np.concatenate([_about(cost, values, 0, at), _about(cost, values, at, n)])
    squares = float(rest @ rest)
    if squares == 0:
        return 0.0
    seen = float(rest[1:] @ rest[:-1]) / squares
    phi = min(max((n * seen + 3) / (n - 6), 0.0), _MOST_CORRELATED)
    return squares / (n - 5) * (1 + phi) / (1 - phi)


def _about(cost: _Pieces, values: NDArray[np.float64], start: int, end: int) -> NDArray[np.float64]:
    mean, slope, _ = cost.line(start, end)
    told: NDArray[np.float64] = (
        values[start:end] - mean - slope * (np.arange(start, end) - (start + end - 1) / 2)
    )
    return told
