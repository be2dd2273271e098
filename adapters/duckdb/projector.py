"""Reads the logs into one file: who is behind, fetch, take in; the next batch is fetched while one is taken in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, Final
from uuid import UUID

from adapters.duckdb.kept import KeptAnswers
from adapters.duckdb.store import Store
from application.ports.analytics import AnalyticsHealth
from application.ports.positions import Position
from projections.olap import ingest, tracking
from projections.olap.fill import Unfit, take_in_everything
from projections.olap.source import LIVE_BATCH, LogSource, Range, batches

_STEP: Final = 20
"""Batches after which a step asks again who is behind, so that a long way does not hold up the others for long."""


class IncompatibleFile(Exception):
    """The analytics file was made by other models than this build's; it is built anew from the logs."""


class Projector:
    """One file's reader of the logs.

    `step` is for one thread; `tracked` may be read by any: it is replaced, never changed. After an error the file
    stands at its last whole batch, and the next step begins there.
    """

    def __init__(
        self,
        store: Store,
        source: LogSource,
        *,
        fill_at_once: bool = True,
        keeping: int = 0,
        recent: float = 0.0,
    ) -> None:
        """Prepare the file. Raises `IncompatibleFile` for one that other models made.

        An empty file is filled from all logs at once, unless told to go tenant by tenant from the beginning. `keeping`
        is how many bytes of answers are kept, and `recent` for how many seconds those that hold no more.
        """
        self.store = store
        self.kept = KeptAnswers(keeping, recent)
        self._source = source
        if not tracking.prepare(store.writing):
            raise IncompatibleFile(IncompatibleFile.__doc__)
        self.tracked: Mapping[UUID, tracking.Tracked] = tracking.tracked(store.writing)
        self.complete = tracking.is_complete(store.writing)
        self._behind = frozenset[UUID]()
        self.lag = 0
        self.events = 0
        self.busy_seconds = 0.0
        self._fill_at_once = fill_at_once and not self.tracked and not self.complete
        self._rows_folded = ingest.size(store.writing, "fact_event_daily")

    def read_from(self, source: LogSource) -> None:
        """Use another connection from now on."""
        self._source = source

    def step(self, moved: Callable[[], None] = lambda: None, stop: threading.Event | None = None) -> int:
        """Take in what is behind, up to some batches; how many events that were. `moved` is called after each batch.

        Raises `SourceUnavailable`, `BatchMismatch` or a DuckDB error.
        """
        begun = time.monotonic()
        try:
            if self._fill_at_once and self._fill(moved, stop or threading.Event()):
                return self.events
            return self._bring_up(moved, stop or threading.Event())
        except BaseException:
            self.tracked = tracking.tracked(self.store.writing)
            raise
        finally:
            self.busy_seconds += time.monotonic() - begun

    def _fill(self, moved: Callable[[], None], stop: threading.Event) -> bool:
        """Fill a new file from all logs at once; False if there is an event that forbids it, or nothing to read."""

        def taken(events: int) -> None:
            if stop.is_set():
                raise Stopped(Stopped.__doc__)
            self.lag -= events

        with self._source.everything() as everything:
            self.lag = events = sum(head.position.n for head in everything.heads)
            try:
                take_in_everything(self.store.writing, everything, taken)
            except Unfit:
                events = 0
        self._fill_at_once = False
        self.events += events
        self.tracked = tracking.tracked(self.store.writing)
        moved()
        return events > 0

    def _bring_up(self, moved: Callable[[], None], stop: threading.Event) -> int:
        writing = self.store.writing
        heads = self._source.behind({tenant_id: tenant.at for tenant_id, tenant in self.tracked.items()})
        self._behind = frozenset(head.tenant_id for head in heads)
        restarted = tracking.restarted(writing, heads, self.tracked)
        if restarted:
            self.tracked = {**self.tracked, **restarted}
            moved()
        ranges = tracking.plan(heads, self.tracked)
        self.lag = wanted = sum(part.events for part in ranges)
        taken = 0
        with closing(self._fetched(ranges, stop)) as fetched:
            for batch, incoming in fetched:
                changed = ingest.take_in(writing, batch, incoming, self.tracked)
                taken += incoming.num_rows
                self.events += incoming.num_rows
                self.lag -= incoming.num_rows
                self.tracked = {**self.tracked, **changed}
                moved()
        if not self.complete and taken == wanted and wanted <= LIVE_BATCH:
            tracking.mark_complete(writing)
            self.complete = True
            moved()
        if taken:
            self._fold()
        return taken

    def _fetched(self, ranges: Sequence[Range], stop: threading.Event) -> Generator[tuple[list[Range], Any]]:
        planned = [batch for _, batch in zip(range(_STEP), batches(ranges), strict=False)]
        if len(planned) < 2:  # noqa: PLR2004 - nothing to fetch ahead
            for batch in planned:
                yield batch, self._source.fetch(batch)
            return
        # Leaving the pool waits for the fetch that is under way: nothing outlives the step.
        with ThreadPoolExecutor(1, thread_name_prefix="olap-fetch") as pool:
            ahead = pool.submit(self._source.fetch, planned[0])
            for batch, following in zip(planned, [*planned[1:], []], strict=True):
                incoming = ahead.result()
                if following:
                    ahead = pool.submit(self._source.fetch, following)
                yield batch, incoming
                if stop.is_set():
                    return

    def _fold(self) -> None:
        rows = ingest.size(self.store.writing, "fact_event_daily")
        if ingest.compaction_due(rows, self._rows_folded):
            ingest.compact(self.store.writing)
            self._rows_folded = ingest.size(self.store.writing, "fact_event_daily")

    def caught_up_with(self, positions: Mapping[UUID, Position]) -> bool:
        """Whether every tenant is where `positions` says, or stopped, or as far as its log went at the last step.

        A log that a restore lost, or cut short, never reaches what was read of it before.
        """
        for tenant_id in positions.keys() & self._behind:
            tenant = self.tracked.get(tenant_id)
            if tenant is None or not (tenant.state == "poisoned" or tenant.at >= positions[tenant_id]):
                return False
        return self.complete

    def health(self) -> AnalyticsHealth:
        """Lag and rate of this file."""
        poisoned = {
            str(tenant_id): tenant.error or ""
            for tenant_id, tenant in self.tracked.items()
            if tenant.state == "poisoned"
        }
        figures = {
            "lag_events": float(self.lag),
            "events_total": float(self.events),
            "busy_seconds_total": self.busy_seconds,
            "events_per_busy_second": self.events / self.busy_seconds if self.busy_seconds else 0.0,
            "tenants": float(len(self.tracked)),
            "poisoned_tenants": float(len(poisoned)),
            "complete": float(self.complete),
        }
        return AnalyticsHealth(figures, poisoned)


class Stopped(Exception):
    """The owner is closing; nothing of what was under way is kept."""
