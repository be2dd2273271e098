"""The analytics room: the live file, the thread that reads the logs into it, rebuilds, and reports that may wait.

Readers always see one file, and only one in which every log was read to its head once. A rebuild makes a second file
beside it; when that has caught up, the live one is paused, the last events go into the new one, and they change places.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import duckdb

from adapters.duckdb import platform, wire
from adapters.duckdb.files import Folder
from adapters.duckdb.kept import Found, RecentAnswers
from adapters.duckdb.projector import IncompatibleFile, Projector
from adapters.duckdb.settings import OlapSettings
from adapters.duckdb.store import Store
from application.ports.analytics import (
    AnalyticsBehind,
    AnalyticsHealth,
    AnalyticsUnavailable,
    ReportTooLarge,
    TenantStanding,
)
from application.ports.positions import Position
from projections.olap.query import run_report
from projections.olap.source import LIVE_BATCH, LogSource
from projections.olap.tracking import Tracked, standing_of

_log: Final = logging.getLogger(__name__)
_FIRST_WAIT: Final = 0.02
_BREATH: Final = 0.05
_DUTY: Final = 2.0
"""How many times as long as a small batch took the next one waits: readers need the machine more than it does."""

_DRAIN_SECONDS: Final = 30.0


class Room:
    """Opened by the owner's process, closed before it exits. Reports may be asked for from any thread."""

    def __init__(self, settings: OlapSettings, folder: Folder, source: Callable[[], LogSource]) -> None:
        """Open the live file, or begin a new one when other models made it; `source` makes a connection per thread."""
        self._settings = settings
        self._folder = folder
        self._source = source
        self._stop = threading.Event()
        self._reading = threading.Lock()
        self._moved = threading.Condition()
        self._rebuild: threading.Thread | None = None
        self._building: Store | None = None
        self._last_error: str | None = None
        self._errors = 0
        self._recent = RecentAnswers(settings.kept_mb * 2**18, settings.recent_seconds)
        self._live_source = source()
        self._projector = self._open()
        self._thread = threading.Thread(target=self._run, name="olap-projector")

    def _open(self) -> Projector:
        self._folder.tidy()
        path = self._folder.current
        store = Store(path, self._settings)
        try:
            return self._projector_of(store, self._live_source)
        except IncompatibleFile:
            _log.info("analytics file made by other models: building anew")
            store.close()
        successor = self._folder.successor(path)
        projector = self._projector_of(Store(successor, self._settings), self._live_source)
        self._folder.make_current(successor)
        self._folder.remove(path)
        return projector

    def _projector_of(self, store: Store, source: LogSource) -> Projector:
        settings = self._settings
        return Projector(store, source, keeping=settings.kept_mb * 2**20, recent=settings.recent_seconds)

    def start(self) -> None:
        """Begin to read the logs."""
        self._thread.start()

    def interrupt(self) -> None:
        """Stop reading and answering; whoever waits or runs is told that analytics are unavailable."""
        self._stop.set()
        with self._moved:
            self._moved.notify_all()
            for store in (self._projector.store, self._building):
                if store is not None:
                    store.interrupt()

    def close(self) -> None:
        """Interrupt, join, close. What was under way is rolled back and done again at the next start."""
        self.interrupt()
        for thread in (self._thread, self._rebuild):
            if thread is not None and thread.ident is not None:
                thread.join()
        self._live_source.close()
        self._projector.store.close()

    # -- reading the logs

    def _run(self) -> None:
        wait = _FIRST_WAIT
        while not self._stop.is_set():
            with self._reading:
                began = time.monotonic()
                events = self._try_step(self._projector) or 0
                took = time.monotonic() - began
            wait = _FIRST_WAIT if events else min(wait * 2, self._settings.idle_seconds)
            if not events and not self._stop.is_set():
                self._live_source.wait(wait)
            elif events < LIVE_BATCH:
                # Looking who is behind costs the same for one event as for a hundred.
                self._stop.wait(max(_BREATH, min(_DUTY * took, self._settings.idle_seconds)))

    def _try_step(self, projector: Projector) -> int | None:
        """A step; an error is kept for `health` and told once, and None after a pause says to try it again."""
        try:
            events = projector.step(self._announce, self._stop)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown, and the logs are read on
            if not self._stop.is_set():
                self._note(error, "analytics could not read the logs")
                self._stop.wait(self._settings.idle_seconds)
            return None
        self._last_error = None
        return events

    def _note(self, error: Exception, what: str) -> None:
        """Keep an error's words for `health`, and write a line of its class: the words may repeat values."""
        told = f"{type(error).__name__}: {error}".partition("\n")[0][:300]
        if told != self._last_error:
            _log.warning(what, extra={"error": type(error).__name__})
        self._last_error = told
        self._errors += 1

    def _announce(self) -> None:
        with self._moved:
            self._moved.notify_all()

    # -- rebuild

    def rebuild(self) -> bool:
        """Begin a rebuild; False when one is under way."""
        with self._moved:
            if self._rebuild is not None or self._stop.is_set():
                return False
            self._rebuild = threading.Thread(target=self._build, name="olap-rebuild")
            self._rebuild.start()
            return True

    def _build(self) -> None:
        """Build and swap; where that fails, the live file stays, and another rebuild may begin."""
        try:
            with closing(self._source()) as source:
                self._build_from(source)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown, and the live file is read on
            if not self._stop.is_set():
                self._note(error, "analytics could not be built anew")
        finally:
            with self._moved:
                self._building = None
                self._rebuild = None

    def _build_from(self, source: LogSource) -> None:
        path = self._folder.successor(self._folder.current)
        replaced = store = Store(path, self._settings)
        with self._moved:
            self._building = store
        try:
            replaced = self._build_and_swap(self._projector_of(store, source))
        finally:
            replaced.drain(_DRAIN_SECONDS)
            replaced.close()
            if replaced.path is not None:
                self._folder.remove(replaced.path)

    def _build_and_swap(self, projector: Projector) -> Store:
        """The store that is of no use any more: the old one, or the new one when the owner closes first."""
        while not self._stop.is_set():
            # Bring it near without holding up the live file, then pause the live one for the last few events.
            if self._try_step(projector) or not projector.complete:
                continue
            with self._reading:
                while not self._stop.is_set():
                    read = self._try_step(projector)
                    if read is not None and projector.caught_up_with(self.positions()):
                        return self._swap(projector)
        return projector.store

    def _swap(self, projector: Projector) -> Store:
        old = self._projector.store
        if projector.store.path is not None:
            self._folder.make_current(projector.store.path)
        projector.read_from(self._live_source)
        with self._moved:
            self._projector = projector
            self._building = None
            self._moved.notify_all()
        return old

    # -- answering

    def positions(self) -> dict[UUID, Position]:
        """How far each tenant's facts are."""
        return {tenant_id: tenant.at for tenant_id, tenant in self._projector.tracked.items()}

    def standing(self, tenant_id: UUID) -> TenantStanding:
        """How far one tenant's facts are; before the first file is whole nobody is shown any."""
        projector = self._projector
        return standing_of(projector.tracked.get(tenant_id) if projector.complete else None)

    def health(self) -> AnalyticsHealth:
        """Lag, rates and errors."""
        projector = self._projector
        health = projector.health()
        figures = {
            **health.figures,
            **projector.kept.figures(),
            **self._recent.figures(),
            "errors_total": float(self._errors),
        }
        return replace(
            health, figures=figures, last_error=self._last_error, rebuilding=self._rebuild is not None
        )

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file."""
        with self._reading:
            self._projector.store.writing.execute("CHECKPOINT")

    def await_position(self, tenant_id: UUID, wanted: Position | None) -> None:
        """Wait until the tenant's facts have reached `wanted`. Raises `AnalyticsBehind`, `AnalyticsUnavailable`."""
        deadline = time.monotonic() + self._settings.min_position_seconds

        def tenant() -> Tracked | None:
            return self._projector.tracked.get(tenant_id)

        def reached() -> bool:
            there = tenant()
            return wanted is None or wanted.n == 0 or (there is not None and there.reached(wanted))

        def settled() -> bool:
            stopped = tenant()
            waiting_is_vain = stopped is not None and stopped.state == "poisoned"
            return self._stop.is_set() or (self._projector.complete and (reached() or waiting_is_vain))

        with self._moved:
            self._moved.wait_for(settled, deadline - time.monotonic())
            if self._stop.is_set() or not self._projector.complete:
                raise AnalyticsUnavailable(AnalyticsUnavailable.__doc__)
            if not reached():
                there = tenant()
                raise AnalyticsBehind(there.at if there else Position(0, 0))

    def kept(self, ticket: wire.Ticket, *, again: bool = False) -> Found | None:
        """An answer that was given before and may be given again, or None. `again`: see `KeptAnswers.find`."""
        projector = self._projector
        return projector.kept.find(ticket, projector.tracked.get(ticket.tenant_id), again=again)

    def answer(self, ticket: wire.Ticket) -> Any:
        """The table of a report, made now. Raises as `run_report`, and `ReportTooLarge` when it takes too long."""
        with self._entered() as (projector, cursor):
            report = run_report(cursor, ticket.report, ticket.tenant_id, ticket.params)
        table = wire.report_table(ticket.report, report)
        projector.kept.keep(ticket, report, table)
        return table

    def recent(self, asked: platform.Question, *, again: bool = False) -> Found | None:
        """An answer about all customers that was given a moment ago, or None."""
        return self._recent.find(asked.encode(), self._projector.tracked, again=again)

    def answer_of_all(self, asked: platform.Question) -> Any:
        """The table of an answer about all customers, made now. Raises as `answer`."""
        with self._entered() as (projector, cursor):
            tracked = projector.tracked
            table = platform.answered(cursor, asked, 2 * self._settings.report_seconds)
        self._recent.keep(asked.encode(), table, tracked)
        return table

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor on the live file. Raises `ReportTooLarge` when the question in it takes too long."""
        with self._entered() as (_, cursor):
            yield cursor

    @contextmanager
    def _entered(self) -> Iterator[tuple[Projector, duckdb.DuckDBPyConnection]]:
        with self._moved:
            # Under the lock of the swap: after it no new reader gets into the old file.
            projector = self._projector
            store = projector.store
            cursor = store.enter()
        try:
            yield projector, cursor
        except duckdb.InterruptException as error:
            if self._stop.is_set():
                raise AnalyticsUnavailable(AnalyticsUnavailable.__doc__) from error
            raise ReportTooLarge(ReportTooLarge.__doc__) from error
        except duckdb.OutOfMemoryException as error:
            raise ReportTooLarge(ReportTooLarge.__doc__) from error
        finally:
            store.leave(cursor)
