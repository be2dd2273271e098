"""Analytics: reports over what happened, each answer with the position of the log that it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol
from uuid import UUID

from application.ports.positions import Position

if TYPE_CHECKING:
    from application.ports.differences import Difference
    from application.ports.platform import PlatformAnalytics

Value = str | int | float | bool | date | datetime | None
"""What stands in a cell of a report."""


class AnalyticsError(Exception):
    """A report could not be given."""


class UnknownReport(AnalyticsError):
    """There is no report of this name. `GET /v1/reports` lists them."""


class InvalidParameters(AnalyticsError):
    """The report does not take these parameters; `problems` holds (JSON pointer, what is wrong with it)."""

    def __init__(self, problems: tuple[tuple[str, str], ...]) -> None:
        """Take the problems; values are never repeated."""
        super().__init__("; ".join(f"{pointer}: {problem}" for pointer, problem in problems))
        self.problems = problems


class AnalyticsBehind(AnalyticsError):
    """The facts have not reached the position asked for. Ask again in a moment, or ask for less."""

    def __init__(self, position: Position) -> None:
        """Say how far the facts are."""
        super().__init__(AnalyticsBehind.__doc__)
        self.position = position


class AnalyticsUnavailable(AnalyticsError):
    """Analytics cannot answer now: not running, being built for the first time, or too busy. Ask again in a moment."""


class ReportTooLarge(AnalyticsError):
    """The report took longer than a report may. Narrow its dates or filters."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a report. `kind`: "dimension" names a cell, "measure" is counted in `unit`.

    `nature` of a measure: a balance is never summed over time, an activity may be, a ratio and a statistic (a longest,
    a median) over nothing. `parts`: what is opened in place of these; of a ratio, the columns of its numerator and
    denominator; of a statistic, the one whose events it is taken over. Events behind a cell weigh whole numbers,
    `scale` of which are one of the unit: those of seconds are microseconds. A dimension that `tells` says something of
    the row without naming it: another tomorrow, it is the same row.
    """

    name: str
    kind: str
    unit: str
    about: str
    nature: Literal["balance", "activity", "ratio", "statistic"] | None = None
    parts: tuple[str, ...] = ()
    scale: int = 1
    tells: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """What stands beside figures: the question that they answer, who answers for them, and what they are made of.

    `version` rises with any change of what a figure means; a version that figures were given under never changes.
    """

    owner: Literal["finance", "marketing", "operations", "compliance"]
    version: int
    formula: str
    includes: str
    excludes: str
    question: str


@dataclass(frozen=True, slots=True)
class ReportInfo:
    """What a report is. `parameters` is the JSON Schema of what it takes.

    `reaches_ahead`: where `to` is not given, its rows reach beyond today, as far as what was entered.
    """

    name: str
    title: str
    about: str
    permission: str
    columns: tuple[Column, ...]
    parameters: dict[str, Any]
    definition: Definition
    reaches_ahead: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """Rows in the order and with the columns of the report's `ReportInfo`.

    Made from the events up to `position`, the last of which was recorded at `as_of` (None: the log is empty).
    `truncated`: there are more rows than a report gives; narrow it. `emptied_by`: of one without rows, the parameters
    without any one of which there would be some, or all that were given, if it takes all of them.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    position: Position
    as_of: datetime | None
    truncated: bool = False
    emptied_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventsBehind:
    """Events that make up a cell: (position, what it adds to the measure), ascending; all of them sum to the cell.

    `next_after` continues after the last one; None: these were the last.
    """

    events: tuple[tuple[int, int], ...]
    position: Position
    next_after: int | None


@dataclass(frozen=True, slots=True)
class AnalyticsHealth:
    """How analytics is: numbers for metrics by name, and what needs a person."""

    figures: Mapping[str, float]
    poisoned: Mapping[str, str] = field(default_factory=dict)
    """Stopped tenants (id) and why."""
    last_error: str | None = None
    rebuilding: bool = False


@dataclass(frozen=True, slots=True)
class TenantStanding:
    """How far one tenant's facts are. `stopped`: at an event that they cannot take in."""

    position: Position
    stopped: bool


class Analytics(Protocol):
    """Ask for reports. Every method but `reports` raises an `AnalyticsError`."""

    @property
    def platform(self) -> PlatformAnalytics:
        """What is asked about all customers together."""

    def reports(self) -> Mapping[str, ReportInfo]:
        """The reports there are, by name."""

    async def report(
        self,
        name: str,
        tenant_id: UUID,
        parameters: Mapping[str, object] | None = None,
        *,
        min_position: Position | None = None,
    ) -> Report:
        """A report of one tenant. Waits, bounded, until the facts have reached `min_position`."""

    async def events_behind(
        self,
        name: str,
        tenant_id: UUID,
        cell: Mapping[str, object],
        parameters: Mapping[str, object] | None = None,
        *,
        after: int = 0,
        limit: int = 100,
        min_position: Position | None = None,
    ) -> EventsBehind:
        """The events behind one row: `cell` gives the value of each dimension as the row shows it."""

    async def difference(
        self,
        name: str,
        tenant_id: UUID,
        between: tuple[int, int | None],
        parameters: Mapping[str, object] | None = None,
        *,
        after: int = 0,
        limit: int = 20,
        min_position: Position | None = None,
    ) -> Difference:
        """Why a report differs between two positions (the second None: now), a page of cells at a time."""

    async def positions(self) -> Mapping[UUID, Position]:
        """How far each tenant's facts are."""

    async def standing(self, tenant_id: UUID) -> TenantStanding:
        """How far one tenant's facts are; at position 0 of epoch 0 for a tenant that has none."""

    async def health(self) -> AnalyticsHealth:
        """Lag, rates and errors."""

    async def rebuild(self) -> None:
        """Begin to build the facts anew beside the present ones, which serve until the new ones have caught up."""

    async def close(self) -> None:
        """Give connections back."""
