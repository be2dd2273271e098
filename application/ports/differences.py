"""Why a report differs between two positions: cell by cell, the events whose weights sum to the difference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from application.ports.analytics import AnalyticsError
from application.ports.positions import Position

Number = int | float | None
Arrival = Literal["new", "late", "before"]
"""`before`: in the log at the first position already. Else `late`: it took effect on a day before that of the first
position's event, or in a month that was closed then; or `new`."""


class NotOfOneLog(AnalyticsError):
    """In the platform's books a pool that is divided by what customers sent follows from their logs as well as its own.

    So no events of its log alone explain how it moved. Ask `costs_by_category`, whose figures are of its log alone.
    """


class TooMuchToExplain(AnalyticsError):
    """Too many events moved what had been there before, or it took too long to find them.

    Choose positions that are nearer, fewer rows a page, or narrow the report.
    """


@dataclass(frozen=True, slots=True)
class Named:
    """An event, as it is pointed at. `effective_on`: the day on which it took effect, where its facts have one."""

    position: int
    name: str
    recorded_at: datetime
    effective_on: date | None
    arrived: Arrival


@dataclass(frozen=True, slots=True)
class Weighed:
    """What an event adds to a measure as of the first position, and as of the second."""

    event: Named
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Moving:
    """An event after the first position that changed the weights of earlier ones, and by how much in sum."""

    event: Named
    moved: int


@dataclass(frozen=True, slots=True)
class MeasureDifference:
    """One figure of a cell. Weights are whole: `scale` of them are one of `unit`.

    `difference` (in weights) = the sum of after - before over `events`, plus `left_out_weight` of the `left_out` events
    beyond those that are shown. Where one of them `arrived` before, `moved_by` names what moved it: these sum to what
    such events moved by.
    """

    measure: str
    unit: str
    scale: int
    before: Number
    after: Number
    difference: int
    events: tuple[Weighed, ...]
    moved_by: tuple[Moving, ...]
    left_out: int
    left_out_weight: int


@dataclass(frozen=True, slots=True)
class NotSummed:
    """A ratio or a statistic: explained by the differences of its `parts`."""

    measure: str
    unit: str
    before: Number
    after: Number
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WordsChanged:
    """What a dimension that names no row said as of the first position, and says as of the second."""

    dimension: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class CellDifference:
    """One row that differs: its dimensions as the row shows them, at the second position; the measures that differ.

    `changed`: words that tell something of the row, such as whether a target was attained, and are others now.
    """

    cell: dict[str, str | None]
    measures: tuple[MeasureDifference, ...]
    not_summed: tuple[NotSummed, ...]
    changed: tuple[WordsChanged, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """A page of the cells that differ between two positions, out of `differing`. Both moments are those of recording.

    `next_after` continues after the last cell; None: these were the last.
    """

    cells: tuple[CellDifference, ...]
    differing: int
    from_position: Position
    from_as_of: datetime | None
    to_position: Position
    to_as_of: datetime | None
    next_after: int | None
