"""Why a report of all customers differs between two moments: the events whose weights sum to each difference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from application.ports.differences import Arrival, NotSummed, Number
from application.ports.platform import Standing


@dataclass(frozen=True, slots=True)
class EventOfAll:
    """An event that weighs something else as of the second moment than as of the first.

    `before`: what it adds to the figure as of the first moment, `after`: as of the second. `effective_on`: the day on
    which it took effect, where its facts have one. `arrived`: `before` is in its log at the first moment already; it
    weighs something else because days have passed, or something came that bears on it.
    """

    tenant_id: UUID
    position: int
    name: str
    recorded_at: datetime
    effective_on: date | None
    arrived: Arrival
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class MeasureOfAll:
    """One figure of a cell. `difference` = the sum of after - before over `events`, plus what `left_out` ones weigh."""

    measure: str
    unit: str
    before: Number
    after: Number
    difference: int
    events: tuple[EventOfAll, ...]
    left_out: int
    left_out_weight: int


@dataclass(frozen=True, slots=True)
class CellOfAll:
    """One row that differs: its dimensions as the row shows them; the measures that differ."""

    cell: dict[str, str | None]
    measures: tuple[MeasureOfAll, ...]
    not_summed: tuple[NotSummed, ...]


@dataclass(frozen=True, slots=True)
class DifferenceOfAll:
    """A page of the cells that differ between two moments, out of `differing`, and what either was made from.

    `next_after` continues after the last cell; None: these were the last.
    """

    cells: tuple[CellOfAll, ...]
    differing: int
    first: Standing
    last: Standing
    next_after: int | None
