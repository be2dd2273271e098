"""Group commit: appends that wait at the same moment share one transaction; each still succeeds or fails alone.

A group takes two round trips: lock the heads (in tenant order) and read versions and receipts; then write and commit.
Between them every request is judged, in order of arrival, against what is in the log and what the group accepted
before it. A request that cannot be written is found by halves until it stands alone. When the connection breaks
during COMMIT, receipts say what became of the requests that have one; for those without, nobody can say.

A group never waits for a head that another session holds: the requests of that tenant go aside, to a line where
waiting delays nobody else, and follow each other there until none is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future as ThreadFuture
from concurrent.futures import InvalidStateError
from typing import TYPE_CHECKING, Final

import psycopg

from adapters.eventstore.group import refuse
from adapters.eventstore.writer import BrokenCommit, Connect, GroupWriter
from application.ports.log import MOST_EVENTS, Append, Appended, LogUnavailable, OutcomeUnknown

if TYPE_CHECKING:
    from uuid import UUID

    from adapters.eventstore.tables import LogTables

Waiting = tuple[Append, "asyncio.Future[Appended] | ThreadFuture[Appended]"]

_ASIDE: Final = 4
_TURNS: Final = 4
_RESOLVE_FOR: Final = 5.0
_RESOLVE_EVERY: Final = 0.1
_CLOSING: Final = "the log is closing; nothing was written; send the request again"
_STOPPED: Final = "the log was stopped; send the request again"
_UNREACHABLE: Final = "the database cannot be reached; nothing was written; try again"
_UNRESOLVED: Final = (
    "the database went away in mid-request; sending it again with the same idempotency key tells"
)
_BUSY: Final = "another session holds this tenant's log; try again"


class GroupCommitter:
    """One connection that commits groups of appends to one log table set, and lines for what must wait."""

    def __init__(
        self,
        connect: Connect,
        tables: LogTables,
        *,
        max_events: int = MOST_EVENTS,
        one_tenant_per_group: bool = False,
        on_commit: Callable[[], None] | None = None,
        patient: bool = False,
    ) -> None:
        """`one_tenant_per_group` suits databases that place tenants apart (Nile, Citus). `patient`: wait for heads."""
        self._writer = GroupWriter(connect, tables)
        self._max_events = max_events
        self._one_tenant = one_tenant_per_group or patient
        self._on_commit = on_commit
        self._patient = patient
        self._aside = (
            []
            if patient
            else [
                GroupCommitter(connect, tables, max_events=max_events, on_commit=on_commit, patient=True)
                for _ in range(_ASIDE)
            ]
        )
        self._pending: Counter[UUID] = Counter()
        self._queue: deque[Waiting] = deque()
        self._gate = threading.Lock()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = True
        self.groups = 0
        self.events = 0

    async def start(self) -> None:
        """Begin to commit, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._task = asyncio.create_task(self._run())
        for line in self._aside:
            await line.start()

    async def stop(self) -> None:
        """Finish what was accepted, refuse what comes after, close the connections."""
        with self._gate:
            self._closed = True
        self._wake.set()
        if self._task is not None:
            await self._task
        await self._writer.disconnect()
        for line in self._aside:
            await line.stop()

    async def append(self, request: Append) -> Appended:
        """Append from the committer's own loop. Raises a `LogError`."""
        if self._closed or self._loop is None:
            raise LogUnavailable(_CLOSING)
        future: asyncio.Future[Appended] = self._loop.create_future()
        self._queue.append((request, future))
        self._wake.set()
        return await future

    def append_from_thread(self, request: Append) -> ThreadFuture[Appended]:
        """Append from any other thread; shares groups with the callers on the loop."""
        future: ThreadFuture[Appended] = ThreadFuture()
        loop = self._loop
        # The gate: what is queued before the log closes is served, what comes after is refused, nothing is forgotten.
        with self._gate:
            if self._closed or loop is None:
                future.set_exception(LogUnavailable(_CLOSING))
                return future
            self._queue.append((request, future))
        with contextlib.suppress(RuntimeError):  # served and closed since: the future knows
            loop.call_soon_threadsafe(self._wake.set)
        return future

    def accept(self, waiting: list[Waiting]) -> None:
        """Take over requests from another committer of the same loop."""
        self._pending.update(request.tenant_id for request, _ in waiting)
        self._queue.extend(waiting)
        self._wake.set()

    def has(self, tenant_id: UUID) -> bool:
        """Whether requests of a tenant that were taken over wait here."""
        return tenant_id in self._pending

    async def _run(self) -> None:
        group: list[Waiting] = []
        try:
            while True:
                while not self._queue:
                    if self._closed:
                        return
                    self._wake.clear()
                    await self._wake.wait()
                await self._gather()
                group = self._take()
                if group:
                    await self._serve(group)
        except BaseException:
            self._closed = True
            _fail([w for w in group if w[0].receipt is None], OutcomeUnknown(OutcomeUnknown.__doc__))
            _fail([*group, *self._queue], LogUnavailable(_STOPPED))
            raise

    async def _gather(self) -> None:
        """Let those join the group who are about to: what the loop has ready runs before the transaction begins.

        A lone caller waits for one turn of the loop, some ten microseconds; under load groups grow by a third.
        """
        waiting = 0
        for _ in range(_TURNS):
            if len(self._queue) == waiting:
                return
            waiting = len(self._queue)
            await asyncio.sleep(0)

    async def _serve(self, group: list[Waiting]) -> None:
        try:
            await self._commit(group)
        except Exception as error:  # noqa: BLE001 - the loop never dies with callers waiting
            await self._writer.disconnect()
            _fail(
                group,
                LogUnavailable(f"the log failed ({type(error).__name__}); nothing was written; try again"),
            )
        if self._patient:
            self._pending -= Counter(request.tenant_id for request, _ in group)

    def _take(self) -> list[Waiting]:
        """The next group: up to `max_events` events, all of one tenant where the database wants that."""
        group: list[Waiting] = []
        kept: list[Waiting] = []
        events = 0
        while self._queue and events < self._max_events:
            waiting = self._queue[0]
            if waiting[1].done():  # its caller gave up: nobody was told that it would happen
                self._queue.popleft()
                if self._patient:
                    self._pending -= Counter([waiting[0].tenant_id])
                continue
            request = waiting[0]
            if group and events + len(request.events) > self._max_events:
                break
            self._queue.popleft()
            line = self._line(request)
            if line is not None and line.has(request.tenant_id):
                line.accept([waiting])
            elif self._one_tenant and group and request.tenant_id != group[0][0].tenant_id:
                kept.append(waiting)
            else:
                events += len(request.events)
                group.append(waiting)
        self._queue.extendleft(reversed(kept))
        return group

    def _line(self, request: Append) -> GroupCommitter | None:
        return self._aside[request.tenant_id.int % _ASIDE] if self._aside else None

    async def _commit(self, group: list[Waiting]) -> None:
        """Commit a group, or its parts; once more when the connection was lost, longer when the outcome is open."""
        retried, deadline = False, None
        while group:
            try:
                await self._attempt(group)
                return
            except BrokenCommit:
                _fail([w for w in group if w[0].receipt is None], OutcomeUnknown(OutcomeUnknown.__doc__))
                group = [w for w in group if w[0].receipt is not None]
                deadline = deadline or time.monotonic() + _RESOLVE_FOR
            except Exception as error:  # noqa: BLE001 - what cannot even be encoded is its own caller's to see
                if not self._writer.lost(error):
                    await self._halve(group, error)
                    return
            await self._writer.disconnect()
            if deadline is None:
                if retried:
                    _fail(group, LogUnavailable(_UNREACHABLE))
                    return
                retried = True
            elif time.monotonic() > deadline:
                _fail(group, LogUnavailable(_UNRESOLVED))
                return
            else:
                await asyncio.sleep(_RESOLVE_EVERY)

    async def _halve(self, group: list[Waiting], error: Exception) -> None:
        await self._writer.rollback()
        if isinstance(error, psycopg.errors.LockNotAvailable) and self._patient:
            _fail(group, LogUnavailable(_BUSY))
        elif len(group) == 1:
            _fail(group, refuse(error))
        else:
            middle = len(group) // 2
            await self._commit(group[:middle])
            await self._commit(group[middle:])

    async def _attempt(self, group: list[Waiting]) -> None:
        outcomes, events = await self._writer.carry_out([request for request, _ in group], wait=self._patient)
        self.groups += 1
        self.events += events
        for waiting, outcome in zip(group, outcomes, strict=True):
            if outcome is None:
                self._set_aside(waiting)
            else:
                _settle(waiting, outcome)
        if self._on_commit is not None and events:
            self._on_commit()

    def _set_aside(self, waiting: Waiting) -> None:
        line = self._line(waiting[0])
        if line is None:
            raise RuntimeError("a line that waits sets nothing aside")
        line.accept([waiting])


def _fail(group: list[Waiting], error: Exception) -> None:
    for waiting in group:
        _settle(waiting, error)


def _settle(waiting: Waiting, outcome: Appended | Exception) -> None:
    future = waiting[1]
    if future.done():
        return
    try:
        if isinstance(outcome, Appended):
            future.set_result(outcome)
        else:
            future.set_exception(outcome)
    except InvalidStateError:
        pass  # a thread gave up waiting at this very moment
