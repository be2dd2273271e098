"""Series whose truth is known, and what the engine says of them: what calibration counts."""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import pymannkendall

from projections.directions.forecast import forecast
from projections.directions.reading import read, read_together
from projections.directions.series import Better, Pace, Point, Series, Unit, UnitKind
from projections.directions.trend import Direction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_FIRST: Final = date(2018, 1, 1)
_LIBRARY: Final = {
    "`original_test`": (pymannkendall.original_test, {}),
    "`hamed_rao_modification_test`": (pymannkendall.hamed_rao_modification_test, {}),
    "`hamed_rao_modification_test`, lag 3": (pymannkendall.hamed_rao_modification_test, {"lag": 3}),
    "`yue_wang_modification_test`": (pymannkendall.yue_wang_modification_test, {}),
    "`yue_wang_modification_test`, lag 1": (pymannkendall.yue_wang_modification_test, {"lag": 1}),
    "`pre_whitening_modification_test`": (pymannkendall.pre_whitening_modification_test, {}),
    "`trend_free_pre_whitening_modification_test`": (
        pymannkendall.trend_free_pre_whitening_modification_test,
        {},
    ),
}
LIBRARY: Final = (*_LIBRARY,)


def ar1(chance: np.random.Generator, n: int, phi: float, noise: str = "normal") -> NDArray[np.float64]:
    """An AR(1) from its stationary distribution, of standard deviation 1, without any trend."""
    burn = 1 if noise == "normal" else 50
    match noise:
        case "normal":
            shocks = chance.standard_normal(n + burn)
        case "heavy":  # Student's t with three degrees of freedom
            shocks = chance.standard_t(3, n + burn) / np.sqrt(3)
        case _:  # an exponential: skewed, as amounts are
            shocks = chance.exponential(size=n + burn) - 1
    shocks *= np.sqrt(1 - phi**2)
    values = np.empty(n + burn)
    values[0] = shocks[0] / np.sqrt(1 - phi**2)
    for at in range(1, n + burn):
        values[at] = phi * values[at - 1] + shocks[at]
    return values[burn:]


def series(values: NDArray[np.float64], pace: Pace = Pace.WEEK, name: str = "figure") -> Series:
    """The values as a series of which more is better."""
    points, start = [], _FIRST
    for value in values.tolist():
        points.append(Point(start=start, value=value))
        start = pace.after(start)
    unit = Unit(kind=UnitKind.NUMBER)
    return Series(name=name, unit=unit, pace=pace, better=Better.HIGHER, points=tuple(points))


def directed(chance: np.random.Generator, case: Mapping[str, object]) -> tuple[float, ...]:
    """Whether a series is said to improve or decline, to change course, to have a season; whether its slope is held."""
    n, pace = int(str(case["n"])), Pace(str(case.get("pace", "week")))
    values = ar1(chance, n, float(str(case["phi"])), str(case.get("noise", "normal")))
    rise = float(str(case.get("rise", 0)))
    season = float(str(case.get("season", 0)))
    period = {Pace.DAY: 7, Pace.WEEK: 52, Pace.MONTH: 12}[pace]
    at = np.arange(n)
    values = values + rise * at / (n - 1) + season * np.sin(2 * np.pi * at / period)
    said = read(series(values, pace), ahead=0)
    interval = said.trend.slope.interval if said.trend.slope is not None else None
    covered = interval is None or interval.low <= rise / (n - 1) <= interval.high
    return (
        said.trend.direction is Direction.IMPROVING,
        said.trend.direction is Direction.DECLINING,
        bool(said.changes),
        said.season is not None,
        covered,
    )


def turned(chance: np.random.Generator, case: Mapping[str, object]) -> tuple[float, ...]:
    """Of a series that bends or steps: whether it is said to decline, a change is found, and how far off it lies."""
    n, at = int(str(case["n"])), int(str(case["at"]))
    values = ar1(chance, n, float(str(case["phi"])))
    after = np.maximum(np.arange(n) - at, 0.0)
    values -= float(str(case.get("bend", 0))) * after + float(str(case.get("step", 0))) * (np.arange(n) >= at)
    said = read(series(values), ahead=0)
    nearest = min((abs(one.index - at) for one in said.changes), default=n)
    return (said.trend.direction is Direction.DECLINING, bool(said.changes), nearest <= 2, nearest <= 4)


def by_library(chance: np.random.Generator, case: Mapping[str, object]) -> tuple[float, ...]:
    """Whether each test of the library, as it stands, gives a trendless series a trend."""
    values = ar1(chance, int(str(case["n"])), float(str(case["phi"])))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # variances below zero, which some of them come to
        return tuple(bool(test(values, **told).h) for test, told in _LIBRARY.values())


def covered(chance: np.random.Generator, case: Mapping[str, object]) -> tuple[float, ...]:
    """Whether values that came lie within the ranges, of the first period and of the last."""
    n, ahead = int(str(case["n"])), int(str(case["ahead"]))
    values = _of_kind(chance, str(case["kind"]), n + ahead)
    starts = tuple(_FIRST + timedelta(weeks=at) for at in range(ahead))
    told = forecast(values[:n], starts).ahead
    return tuple(
        interval.low <= values[n + at] <= interval.high
        for at in (0, ahead - 1)
        for interval in (told[at].within_80, told[at].within_95)
    )


def _of_kind(chance: np.random.Generator, kind: str, n: int) -> NDArray[np.float64]:
    match kind:
        case "random walk":
            return chance.standard_normal(n).cumsum()
        case "wandering level":
            return chance.standard_normal(n) + 0.3 * chance.standard_normal(n).cumsum()
        case "line, AR(1) 0.5":
            return ar1(chance, n, 0.5) + 3 * np.arange(n) / n
        case _:
            return ar1(chance, n, float(kind.removeprefix("AR(1) ")))


def discovered(chance: np.random.Generator, case: Mapping[str, object]) -> tuple[float, ...]:
    """Of figures looked at together: share of false ones among directions, any told, share of true trends found."""
    count, true, n, phi = (int(str(case[key])) for key in ("figures", "true", "n", "phi10"))
    rises = [3.0 if number < true else 0.0 for number in range(count)]
    told = [ar1(chance, n, phi / 10) + rise * np.arange(n) / (n - 1) for rise in rises]
    readings = read_together(
        [series(values, name=str(number)) for number, values in enumerate(told)], ahead=0
    )
    said = [one.trend.direction for one in readings]
    found = sum(one is Direction.IMPROVING for one in said[:true])
    false = sum(one.is_one for one in said) - found
    alone = sum(one.trend.p_value is not None and one.trend.p_value <= 0.05 for one in readings[true:])
    return (false / max(false + found, 1), bool(false), found / true if true else 0.0, float(alone))
