"""Group commit: appends that wait at the same moment share one transaction; each still succeeds or fails alone.

A group takes two round trips: lock the heads (in tenant order) and read versions and receipts; then write and commit.
Between them every request is judged, in order of arrival, against what is in the log and what the group accepted
before it. A statement the server refuses is retried by halves until the culprit stands alone. When the connection
breaks during COMMIT, receipts say what became of the requests that have one; for those without, nobody can say.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from concurrent.futures import Future as ThreadFuture
from typing import TYPE_CHECKING, Any

import psycopg

from adapters.eventstore.arrays import BytesArray, TextArray, UuidArray, register
from adapters.eventstore.group import Group, refuse
from application.ports.log import Append, Appended, LogUnavailable, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapters.eventstore.tables import LogTables

Connection = psycopg.AsyncConnection[Any]
Waiting = tuple[Append, "asyncio.Future[Appended] | ThreadFuture[Appended]"]

_SETTINGS = (
    "SET lock_timeout = '5s'; SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '15s';"
    " SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off"
)


class _BrokenCommit(Exception):
    """The connection broke when COMMIT was on its way."""


class GroupCommitter:
    """One connection that commits groups of appends to one log table set."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        tables: LogTables,
        *,
        max_events: int = 1_000,
        one_tenant_per_group: bool = False,
        on_commit: Callable[[], None] | None = None,
    ) -> None:
        """`one_tenant_per_group` suits databases that place tenants apart (Nile, Citus)."""
        self._connect = connect
        self._tables = tables
        self._max_events = max_events
        self._one_tenant = one_tenant_per_group
        self._on_commit = on_commit
        self._queue: deque[Waiting] = deque()
        self._wake = asyncio.Event()
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self.groups = 0
        self.events = 0

    async def start(self) -> None:
        """Begin to commit, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finish what was accepted, refuse what comes after, close the connection."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
        await self._disconnect()

    async def append(self, request: Append) -> Appended:
        """Append from the committer's own loop. Raises a `LogError`."""
        if self._stopping or self._loop is None:
            raise LogUnavailable("the log is closing; nothing was written; send the request again")
        future: asyncio.Future[Appended] = self._loop.create_future()
        self._queue.append((request, future))
        self._wake.set()
        return await future

    def append_from_thread(self, request: Append) -> ThreadFuture[Appended]:
        """Append from any other thread; shares groups with the callers on the loop."""
        future: ThreadFuture[Appended] = ThreadFuture()
        if self._stopping or self._loop is None:
            future.set_exception(
                LogUnavailable("the log is closing; nothing was written; send the request again")
            )
            return future
        self._queue.append((request, future))
        self._loop.call_soon_threadsafe(self._wake.set)
        return future

    async def _run(self) -> None:
        while True:
            if not self._queue:
                if self._stopping:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            group = self._take()
            try:
                await self._commit(group)
            except Exception as error:  # noqa: BLE001 - the loop never dies with callers waiting
                await self._disconnect()
                _fail(
                    group,
                    LogUnavailable(
                        f"the log failed ({type(error).__name__}); nothing was written; try again"
                    ),
                )
            except BaseException:
                _fail(group, LogUnavailable("the log was stopped; send the request again"))
                _fail(list(self._queue), LogUnavailable("the log was stopped; send the request again"))
                raise

    def _take(self) -> list[Waiting]:
        """The next group: up to `max_events` events, all of one tenant where the database wants that."""
        group = [self._queue.popleft()]
        events = len(group[0][0].events)
        kept: list[Waiting] = []
        while self._queue and events < self._max_events:
            waiting = self._queue[0]
            if events + len(waiting[0].events) > self._max_events:
                break
            self._queue.popleft()
            if self._one_tenant and waiting[0].tenant_id != group[0][0].tenant_id:
                kept.append(waiting)
                continue
            events += len(waiting[0].events)
            group.append(waiting)
        self._queue.extendleft(reversed(kept))
        return group

    async def _commit(self, group: list[Waiting], *, again: bool = False) -> None:
        """Commit a group, or its parts."""
        try:
            await self._attempt(group)
        except _BrokenCommit:
            await self._disconnect()
            _fail([w for w in group if w[0].receipt is None], OutcomeUnknown(OutcomeUnknown.__doc__))
            rest = [w for w in group if w[0].receipt is not None]
            if rest:
                await self._commit_after_break(rest, again=again)
        except psycopg.Error as error:
            if (
                self._connection is None
                or self._connection.broken
                or isinstance(error, psycopg.InterfaceError)
            ):
                await self._disconnect()
                await self._commit_after_break(group, again=again)
            else:
                await self._halve(group, error)

    async def _commit_after_break(self, group: list[Waiting], *, again: bool) -> None:
        if again:
            _fail(
                group,
                LogUnavailable("the database cannot be reached; try again with the same idempotency key"),
            )
        else:
            await self._commit(group, again=True)

    async def _halve(self, group: list[Waiting], error: psycopg.Error) -> None:
        if self._connection is not None:
            await self._connection.execute("ROLLBACK")
        if len(group) == 1:
            _fail(group, refuse(error))
            return
        middle = len(group) // 2
        await self._commit(group[:middle])
        await self._commit(group[middle:])

    async def _attempt(self, waiting: list[Waiting]) -> None:
        if self._connection is None:
            self._connection = await self._open()
        connection = self._connection
        group = Group([request for request, _ in waiting])
        await self._read(connection, group)
        outcomes = group.judge()
        if group.accepted:
            await self._write(connection, group)
        else:
            await connection.execute("ROLLBACK")
        self.groups += 1
        self.events += group.event_count
        _settle(waiting, outcomes)
        if self._on_commit is not None and group.event_count:
            self._on_commit()

    async def _read(self, connection: Connection, group: Group) -> None:
        tables, receipts = self._tables, None
        async with connection.pipeline():
            await connection.execute("BEGIN", prepare=True)
            if group.opens:
                await connection.execute(tables.open_heads, (UuidArray.of(group.opens),), prepare=True)
            heads = await connection.execute(
                tables.lock_heads, (UuidArray.of(group.tenants),), prepare=True, binary=True
            )
            tenants, streams = group.stream_keys()
            versions = await connection.execute(
                tables.versions, (UuidArray.of(tenants), TextArray.of(streams)), prepare=True, binary=True
            )
            if group.receipt_keys and tables.receipts is not None:
                receipts = await connection.execute(
                    tables.receipts,
                    (
                        UuidArray.of([tenant for tenant, _ in group.receipt_keys]),
                        BytesArray.of([key for _, key in group.receipt_keys]),
                    ),
                    prepare=True,
                    binary=True,
                )
        group.learn(
            await heads.fetchall(),
            await versions.fetchone(),
            [] if receipts is None else await receipts.fetchall(),
        )

    async def _write(self, connection: Connection, group: Group) -> None:
        parameters = (*group.event_columns(), *group.receipt_columns(), *group.head_columns())
        statement = self._tables.write_with_receipts if group.receipts_made else self._tables.write
        if statement is None:
            msg = "this log keeps no receipts"
            raise TypeError(msg)
        try:
            async with connection.pipeline():
                await connection.execute(statement, parameters, prepare=True)
                await connection.execute("COMMIT", prepare=True)
        except psycopg.OperationalError as error:
            if connection.broken:
                raise _BrokenCommit from error
            raise

    async def _open(self) -> Connection:
        connection = await self._connect()
        register(connection)
        await connection.execute(_SETTINGS)
        return connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(psycopg.Error):
                await connection.close()


def _fail(group: list[Waiting], error: Exception) -> None:
    for _, future in group:
        if not future.done():
            future.set_exception(error)


def _settle(waiting: list[Waiting], outcomes: list[Appended | Exception]) -> None:
    for (_, future), outcome in zip(waiting, outcomes, strict=True):
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
