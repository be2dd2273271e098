"""Series for tests of directions."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from projections.directions.series import Better, Pace, Series, Unit, UnitKind

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST: Final = date(2026, 1, 5)
NUMBER: Final = Unit(kind=UnitKind.NUMBER)


def weekly(
    values: Iterable[float | None],
    better: Better = Better.HIGHER,
    unit: Unit = NUMBER,
    pace: Pace = Pace.WEEK,
    name: str = "figure",
) -> Series:
    """Values one after the other from the first week of 2026 on (or day, or month)."""
    points, start = [], FIRST if pace is not Pace.MONTH else date(2026, 1, 1)
    for value in values:
        points.append((start, value))
        start = pace.after(start)
    return Series.of(name, points, unit=unit, pace=pace, better=better)
