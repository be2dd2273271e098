"""Asks the owner of the analytics file over Flight."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar
from uuid import UUID

import pyarrow as pa
from pyarrow import flight

from adapters.duckdb import wire
from adapters.duckdb.settings import OlapSettings
from application.ports.analytics import (
    AnalyticsHealth,
    AnalyticsUnavailable,
    EventsBehind,
    Report,
    ReportInfo,
    TenantStanding,
)
from application.ports.positions import Position
from projections.olap.reports import REPORTS

_T = TypeVar("_T")
_MARGIN_SECONDS: Final = 5.0
_RECONNECT: Final = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 500)]


class FlightAnalytics:
    """`Analytics` over Flight. Connects on first use; finds the owner again after it was restarted."""

    def __init__(self, settings: OlapSettings) -> None:
        self._location = settings.location()
        headers = [(b"authorization", f"Bearer {settings.token}".encode())] if settings.token else []
        # A report may wait for its position, for its turn and for its query.
        seconds = settings.min_position_seconds + 2 * settings.report_seconds + _MARGIN_SECONDS
        self._options = flight.FlightCallOptions(timeout=seconds, headers=headers)
        self._threads = ThreadPoolExecutor(settings.concurrent_reports, thread_name_prefix="olap-client")
        self._lock = threading.Lock()
        self._client: Any = None

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
        return wire.read_report(await self._get(wire.Ticket(name, tenant_id, parameters or {}, min_position)))

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
        return wire.read_events(await self._get(ticket))

    async def positions(self) -> Mapping[UUID, Position]:
        """See `Analytics`."""
        return wire.read_positions(await self._act("positions"))

    async def standing(self, tenant_id: UUID) -> TenantStanding:
        """See `Analytics`."""
        return wire.read_standing(await self._act("standing", str(tenant_id).encode()))

    async def health(self) -> AnalyticsHealth:
        """See `Analytics`."""
        return wire.read_health(await self._act("health"))

    async def rebuild(self) -> None:
        """See `Analytics`."""
        await self._act("rebuild")

    async def close(self) -> None:
        """See `Analytics`."""
        await asyncio.to_thread(self._threads.shutdown)
        self._drop()

    async def _get(self, ticket: wire.Ticket) -> Any:
        return await self._call(
            lambda client: client.do_get(flight.Ticket(ticket.encode()), self._options).read_all()
        )

    async def _act(self, action: str, about: bytes = b"") -> bytes:
        def act(client: Any) -> bytes:
            (result,) = client.do_action(flight.Action(action, about), self._options)
            return bytes(result.body.to_pybytes())

        return await self._call(act)

    async def _call(self, ask: Callable[[Any], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, ask)

    def _ask(self, ask: Callable[[Any], _T]) -> _T:
        """Ask, and once more over a new connection if the owner could not be reached: reports change nothing."""
        try:
            return self._ask_once(ask)
        except AnalyticsUnavailable as error:
            if error.__cause__ is None or not isinstance(error.__cause__, flight.FlightUnavailableError):
                raise
            return self._ask_once(ask)

    def _ask_once(self, ask: Callable[[Any], _T]) -> _T:
        try:
            return ask(self._connected())
        except (flight.FlightError, pa.ArrowException) as error:
            told = getattr(error, "extra_info", b"")
            if told:
                raise wire.read_error(told) from error
            self._drop()
            raise AnalyticsUnavailable(AnalyticsUnavailable.__doc__) from error

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = flight.connect(self._location, generic_options=_RECONNECT)
            return self._client

    def _drop(self) -> None:
        """Forget the connection; calls on it that are under way end by themselves."""
        with self._lock:
            self._client = None
