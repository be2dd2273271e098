"""Reports of the whole platform: figures of all customers together, each with what it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from application.ports.analytics import ReportInfo, Value
from application.ports.positions import Position

if TYPE_CHECKING:
    from application.ports.platform_differences import DifferenceOfAll


@dataclass(frozen=True, slots=True)
class Standing:
    """From how much of every log an answer was made.

    `as_of`: when the last of the events was recorded; None: there are none. `tenants`: how many logs. `digest`: SHA-256
    of a line `tenant epoch.position` for each, in the order of the tenants' ids, parted by line feeds. Equal digests
    mean the same events, and so the same answer. `stopped`: how many logs stand at an event that cannot be taken in.
    """

    as_of: datetime | None
    tenants: int
    digest: str
    stopped: int


@dataclass(frozen=True, slots=True)
class PlatformReport:
    """Rows in the order and with the columns of the report's `ReportInfo`. `truncated`: there are more; narrow it."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    standing: Standing
    truncated: bool

    @property
    def as_of(self) -> datetime | None:
        """When the last of the events was recorded."""
        return self.standing.as_of


@dataclass(frozen=True, slots=True)
class Place:
    """An event, by its tenant and position, and what it adds to a figure."""

    tenant_id: UUID
    position: int
    weight: int


@dataclass(frozen=True, slots=True)
class EventsOfAll:
    """The events behind a figure, tenant by tenant; all of them sum to it. `more`: these were not the last."""

    events: tuple[Place, ...]
    standing: Standing
    more: bool


@dataclass(frozen=True, slots=True)
class Vector:
    """Where each log stood, in the order of the tenants' ids. `more`: these were not the last."""

    positions: tuple[tuple[UUID, Position], ...]
    standing: Standing
    more: bool


class PlatformAnalytics(Protocol):
    """Ask about all customers. Every method but `reports` raises an `AnalyticsError`."""

    def reports(self) -> Mapping[str, ReportInfo]:
        """The reports there are, by name."""

    async def report(self, name: str, parameters: Mapping[str, object]) -> PlatformReport:
        """A report of all customers together."""

    async def events_behind(
        self,
        name: str,
        cell: Mapping[str, object],
        parameters: Mapping[str, object],
        *,
        after: tuple[UUID, int] | None = None,
        limit: int = 100,
    ) -> EventsOfAll:
        """The events behind one row: `cell` gives the value of each dimension as the row shows it, and the measure."""

    async def difference(
        self,
        name: str,
        between: tuple[object, object],
        parameters: Mapping[str, object],
        *,
        after: int = 0,
        limit: int = 10,
    ) -> DifferenceOfAll:
        """Why a report differs `between` two moments (the second None: now), cells after the first `after` ones."""

    async def vector(
        self, parameters: Mapping[str, object], *, after: UUID | None = None, limit: int = 100
    ) -> Vector:
        """Where each log stood at `at_time`, or stands: what the digest of an answer with it is made of."""
