"""Analytics in this process, over a file in memory and events handed in: for tests, and for looking at a copied log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

import duckdb
import pyarrow as pa

from adapters.duckdb.platform import LocalPlatform
from adapters.duckdb.projector import Projector
from adapters.duckdb.settings import OlapSettings
from adapters.duckdb.store import Store
from application.ports.analytics import (
    AnalyticsBehind,
    AnalyticsHealth,
    EventsBehind,
    Report,
    ReportInfo,
    TenantStanding,
)
from application.ports.differences import Difference
from application.ports.log import Recorded
from application.ports.positions import Position
from projections.olap.difference import run_difference
from projections.olap.query import run_events_behind, run_report
from projections.olap.reports import REPORTS
from projections.olap.source import PSEUDONYMOUS, Everything, LogHead, Range
from projections.olap.sql import HANDLED
from projections.olap.tracking import standing_of

_SCHEMA: Final = pa.schema(
    [
        ("tenant_id", pa.uuid()),
        ("position", pa.int64()),
        ("name", pa.string()),
        ("schema_version", pa.int16()),
        ("recorded_at", pa.timestamp("us", tz="UTC")),
        ("stream", pa.string()),
        ("actor", pa.string()),
        ("payload", pa.binary()),
    ]
)


class EventsInMemory:
    """A `LogSource` over a list. `events` may be added to, in order of position; `epochs` default to 1."""

    def __init__(self, events: Sequence[Recorded] = ()) -> None:
        self.events = list(events)
        self.epochs: dict[UUID, int] = {}

    def heads(self) -> list[LogHead]:
        """Where each log ends."""
        ends: dict[UUID, int] = {}
        for event in self.events:
            ends[event.tenant_id] = max(event.position, ends.get(event.tenant_id, 0))
        return [
            LogHead(tenant_id, Position(self.epochs.get(tenant_id, 1), end))
            for tenant_id, end in sorted(ends.items())
        ]

    def behind(self, seen: Mapping[UUID, Position]) -> list[LogHead]:
        """See `LogSource`."""
        return [head for head in self.heads() if seen.get(head.tenant_id) != head.position]

    def fetch(self, ranges: Sequence[Range]) -> Any:
        """See `LogSource`."""
        wanted = {part.tenant_id: part for part in ranges}
        return self._table(
            event
            for event in self.events
            if event.tenant_id in wanted
            and wanted[event.tenant_id].after < event.position <= wanted[event.tenant_id].upto
        )

    @contextmanager
    def everything(self) -> Iterator[Everything]:
        """See `LogSource`."""
        yield Everything(self.heads(), iter([self._table(iter(self.events))]))

    def wait(self, seconds: float) -> None:
        """See `LogSource`: nothing comes by itself."""

    def close(self) -> None:
        """See `LogSource`."""

    def _table(self, events: Iterator[Recorded]) -> Any:
        return pa.Table.from_pylist([_row(event) for event in events], schema=_SCHEMA)


def _row(event: Recorded) -> dict[str, object]:
    """What Postgres would let out of an event."""
    category, _, stream_id = event.stream.partition(":")
    try:
        shown = category not in PSEUDONYMOUS and str(UUID(stream_id)) == stream_id
    except ValueError:
        shown = False
    _, _, actor = event.metadata.partition(b'"kind":"')
    return {
        "tenant_id": event.tenant_id.bytes,
        "position": event.position,
        "name": event.name,
        "schema_version": event.schema_version,
        "recorded_at": event.recorded_at,
        "stream": event.stream if shown else category,
        "actor": actor[:16].decode("ascii", "backslashreplace")
        if event.metadata.startswith(b'{"actor":{')
        else None,
        "payload": event.payload if event.name in HANDLED else None,
    }


class LocalAnalytics:
    """`Analytics` over a source in this process. Each question first takes in what the source has."""

    def __init__(self, source: EventsInMemory, settings: OlapSettings) -> None:
        self._source = source
        self._settings = settings
        self._projector = Projector(Store(None, settings), source)
        self._lock = asyncio.Lock()
        self.platform = LocalPlatform(self._caught_up)

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
        async with self._lock:
            self._catch_up(tenant_id, min_position)
            return run_report(self._projector.store.writing, name, tenant_id, parameters or {})

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
        async with self._lock:
            self._catch_up(tenant_id, min_position)
            writing = self._projector.store.writing
            return run_events_behind(
                writing, name, tenant_id, cell, parameters or {}, after=after, limit=limit
            )

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
        async with self._lock:
            self._catch_up(tenant_id, min_position)
            first, last = between
            return run_difference(
                self._projector.store.writing,
                name,
                tenant_id,
                parameters or {},
                first=first,
                last=last,
                after=after,
                limit=limit,
            )

    async def positions(self) -> Mapping[UUID, Position]:
        """See `Analytics`."""
        async with self._lock:
            self._catch_up()
            return {tenant_id: tenant.at for tenant_id, tenant in self._projector.tracked.items()}

    async def standing(self, tenant_id: UUID) -> TenantStanding:
        """See `Analytics`."""
        async with self._lock:
            self._catch_up()
            return standing_of(self._projector.tracked.get(tenant_id))

    async def health(self) -> AnalyticsHealth:
        """See `Analytics`."""
        async with self._lock:
            self._catch_up()
            return self._projector.health()

    async def rebuild(self) -> None:
        """See `Analytics`."""
        async with self._lock:
            self._projector.store.close()
            self._projector = Projector(Store(None, self._settings), self._source)

    async def close(self) -> None:
        """See `Analytics`."""
        async with self._lock:
            self._projector.store.close()

    def _caught_up(self) -> duckdb.DuckDBPyConnection:
        self._catch_up()
        return self._projector.store.writing

    def _catch_up(self, tenant_id: UUID | None = None, wanted: Position | None = None) -> None:
        while self._projector.step():
            pass
        if tenant_id is not None and wanted is not None and wanted.n:
            tenant = self._projector.tracked.get(tenant_id)
            if tenant is None or not tenant.reached(wanted):
                raise AnalyticsBehind(tenant.at if tenant else Position(0, 0))
