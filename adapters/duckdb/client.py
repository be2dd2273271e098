"""Asks the owner of the analytics file over Flight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from adapters.duckdb import wire
from adapters.duckdb.calling import OwnerCalls
from adapters.duckdb.platform import FlightPlatform
from adapters.duckdb.settings import OlapSettings
from application.ports.analytics import (
    AnalyticsHealth,
    EventsBehind,
    Report,
    ReportInfo,
    TenantStanding,
)
from application.ports.differences import Difference
from application.ports.positions import Position
from projections.olap.reports import REPORTS

_MARGIN_SECONDS: Final = 5.0


class FlightAnalytics:
    """`Analytics` over Flight. Connects on first use; finds the owner again after it was restarted."""

    def __init__(self, settings: OlapSettings) -> None:
        # A report may wait for its position, for its turn and for its query.
        seconds = settings.min_position_seconds + 2 * settings.report_seconds + _MARGIN_SECONDS
        self._owner = OwnerCalls(
            settings, seconds=seconds, at_once=settings.concurrent_reports, read_error=wire.read_error
        )
        self.platform = FlightPlatform(self._owner)

    def reports(self) -> Mapping[str, ReportInfo]:
        """See `Analytics`."""
        return {name: report.info for name, report in REPORTS.items()}

    async def report(
        self,
        name: str,
        tenant_id: UUID,
        parameters: Mapping[str, object] | None = None,
        *,
        min_position: Position | None = None,
    ) -> Report:
        """See `Analytics`."""
        return wire.read_report(
            await self._owner.get(wire.Ticket(name, tenant_id, parameters or {}, min_position).encode())
        )

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
        """See `Analytics`."""
        ticket = wire.Ticket(name, tenant_id, parameters or {}, min_position, cell, after, limit)
        return wire.read_events(await self._owner.get(ticket.encode()))

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
        """See `Analytics`."""
        ticket = wire.Ticket(
            name, tenant_id, parameters or {}, min_position, after=after, limit=limit, between=between
        )
        return wire.read_difference(await self._owner.get(ticket.encode()))

    async def positions(self) -> Mapping[UUID, Position]:
        """See `Analytics`."""
        return wire.read_positions(await self._owner.act("positions"))

    async def standing(self, tenant_id: UUID) -> TenantStanding:
        """See `Analytics`."""
        return wire.read_standing(await self._owner.act("standing", str(tenant_id).encode()))

    async def health(self) -> AnalyticsHealth:
        """See `Analytics`."""
        return wire.read_health(await self._owner.act("health"))

    async def rebuild(self) -> None:
        """See `Analytics`."""
        await self._owner.act("rebuild")

    async def close(self) -> None:
        """See `Analytics`."""
        await self._owner.close()
