"""The tenant log on Postgres: lanes for single appends and for bulk, a reader, and the wake-up hint."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any, Final, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.eventstore.committer import GroupCommitter
from adapters.eventstore.reader import LogReader
from adapters.eventstore.tables import EVENTS_LOG
from adapters.eventstore.wire import WireConnection
from adapters.eventstore.writer import Connect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from adapters.eventstore.tables import LogTables
    from application.ports.log import Append, Appended, Head, Receipt, Recorded

CHANNEL: Final = "penguinmails_log"
_PATIENCE: Final[dict[str, Any]] = {
    "connect_timeout": "5",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "45000",
}
_HINT_EVERY: Final = 0.02
_BULK: Final = 64
# One lane makes the largest groups; batches are groups of their own, and two lanes of them keep both sides at work.
_SINGLES: Final = 1
_BULKS: Final = 2


class PostgresLog:
    """One of a tenant's two logs, for every tenant of a database; implements `TenantLog`.

    Async callers use the coroutines on the loop that started it; threads use `from_threads()`. All share the groups.
    """

    def __init__(
        self,
        append_dsn: str,
        read_dsn: str,
        tables: LogTables = EVENTS_LOG,
        *,
        one_tenant_per_group: bool = False,
        hints: bool = True,
        connection: type[WireConnection] = WireConnection,
    ) -> None:
        """`append_dsn` connects as the appender, `read_dsn` as the loader.

        `one_tenant_per_group`: no transaction, reading ones included, touches two tenants. `hints=False` where NOTIFY
        cannot be had. `connection` is the class to connect with.
        """
        self._connection = connection
        self._append_dsn = append_dsn
        self._read_dsn = read_dsn
        self._hints = _Hints(self._connect_appender) if hints else None
        lanes = [
            GroupCommitter(
                self._connect_appender,
                tables,
                one_tenant_per_group=one_tenant_per_group,
                on_commit=self._hints.mark if self._hints else None,
            )
            for _ in range(_SINGLES + _BULKS)
        ]
        self._singles, self._bulks = lanes[:_SINGLES], lanes[_SINGLES:]
        self._reader = LogReader(
            self._connect_reader, tables, one_tenant_per_transaction=one_tenant_per_group
        )

    async def _connect(self, dsn: str) -> WireConnection:
        """A connection that notices within a minute when the other side is silently gone; the address may say else."""
        parameters = {**_PATIENCE, **conninfo_to_dict(dsn)}
        return await self._connection.connect(make_conninfo(**parameters), autocommit=True)

    async def _connect_appender(self) -> WireConnection:
        return await self._connect(self._append_dsn)

    async def _connect_reader(self) -> WireConnection:
        return await self._connect(self._read_dsn)

    async def start(self) -> None:
        """Begin to take appends on the running loop."""
        for lane in (*self._singles, *self._bulks):
            await lane.start()
        if self._hints is not None:
            self._hints.start()

    async def stop(self) -> None:
        """Finish what was accepted and close every connection."""
        for lane in (*self._singles, *self._bulks):
            await lane.stop()
        if self._hints is not None:
            await self._hints.stop()
        await self._reader.close()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    def _lane(self, request: Append) -> GroupCommitter:
        lanes = self._bulks if len(request.events) > _BULK else self._singles
        return lanes[request.tenant_id.int % len(lanes)]

    async def append(self, request: Append) -> Appended:
        """See `TenantLog.append`."""
        return await self._lane(request).append(request)

    async def read_streams(
        self,
        tenant_id: UUID,
        streams: Sequence[tuple[str, int]],
        *,
        up_to_position: int | None = None,
        limit: int | None = None,
    ) -> list[list[Recorded]]:
        """See `TenantLog.read_streams`."""
        return await self._reader.read_streams(tenant_id, streams, up_to_position=up_to_position, limit=limit)

    async def read_log(
        self, tenant_id: UUID, *, after: int = 0, limit: int = 500, up_to: int | None = None
    ) -> list[Recorded]:
        """See `TenantLog.read_log`."""
        return await self._reader.read_log(tenant_id, after=after, limit=limit, up_to=up_to)

    async def read_stream(
        self,
        tenant_id: UUID,
        stream: str,
        *,
        after: int = 0,
        up_to: int | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Recorded]:
        """See `TenantLog.read_stream`."""
        return await self._reader.read_stream(
            tenant_id, stream, after=after, up_to=up_to, limit=limit, newest_first=newest_first
        )

    async def count_streams(self, tenant_id: UUID, category: str, ended: Sequence[str]) -> int:
        """See `TenantLog.count_streams`."""
        return await self._reader.count_streams(tenant_id, category, ended)

    async def count_events(
        self, tenant_id: UUID, name: str, field: str, prefix: str, *, after: int, up_to: int
    ) -> int:
        """See `TenantLog.count_events`."""
        return await self._reader.count_events(tenant_id, name, field, prefix, after=after, up_to=up_to)

    async def read_named(
        self, tenant_id: UUID, names: Sequence[str], *, after: int, up_to: int
    ) -> list[Recorded]:
        """See `TenantLog.read_named`."""
        return await self._reader.read_named(tenant_id, names, after=after, up_to=up_to)

    async def head(self, tenant_id: UUID) -> Head | None:
        """See `TenantLog.head`."""
        return await self._reader.head(tenant_id)

    async def receipt(self, tenant_id: UUID, key_hmacs: Sequence[bytes]) -> Receipt | None:
        """See `TenantLog.receipt`."""
        return await self._reader.receipt(tenant_id, key_hmacs)

    def from_threads(self) -> SyncLog:
        """The log for callers on other threads than the loop's."""
        return SyncLog(self, asyncio.get_running_loop())

    def append_from_thread(self, request: Append) -> Appended:
        """Append from a thread that is not the loop's; blocks until the group is committed."""
        return self._lane(request).append_from_thread(request).result()


class SyncLog:
    """The same log, groups and connections for synchronous callers in threads."""

    def __init__(self, log: PostgresLog, loop: asyncio.AbstractEventLoop) -> None:
        """`log` was started on `loop`, which runs in another thread than the callers'."""
        self.log = log
        self._loop = loop

    def append(self, request: Append) -> Appended:
        """See `TenantLog.append`."""
        return self.log.append_from_thread(request)

    def read_stream(
        self,
        tenant_id: UUID,
        stream: str,
        *,
        after: int = 0,
        up_to: int | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Recorded]:
        """See `PostgresLog.read_stream`."""
        reading = self.log.read_stream(
            tenant_id, stream, after=after, up_to=up_to, limit=limit, newest_first=newest_first
        )
        return asyncio.run_coroutine_threadsafe(reading, self._loop).result()

    def read_log(
        self, tenant_id: UUID, *, after: int = 0, limit: int = 500, up_to: int | None = None
    ) -> list[Recorded]:
        """See `TenantLog.read_log`."""
        reading = self.log.read_log(tenant_id, after=after, limit=limit, up_to=up_to)
        return asyncio.run_coroutine_threadsafe(reading, self._loop).result()

    def head(self, tenant_id: UUID) -> Head | None:
        """See `TenantLog.head`."""
        return asyncio.run_coroutine_threadsafe(self.log.head(tenant_id), self._loop).result()


class LogThread:
    """A log with a loop of its own in a background thread, for programs that are synchronous throughout."""

    def __init__(self, log: PostgresLog) -> None:
        """Start the loop and the log on it; returns when the log takes appends."""
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="tenant-log", daemon=True)
        self._thread.start()
        self.sync = SyncLog(log, self.loop)
        try:
            asyncio.run_coroutine_threadsafe(log.start(), self.loop).result()
        except BaseException:
            self._end()
            raise

    def close(self) -> None:
        """Finish what was accepted, then end the thread."""
        try:
            asyncio.run_coroutine_threadsafe(self.sync.log.stop(), self.loop).result()
        finally:
            self._end()

    def _end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class _Hints:
    """NOTIFY after commit, on a connection of its own, at most every 20 ms; a hint, never a promise.

    Inside the appending transaction NOTIFY would serialise all commits of the database.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def mark(self) -> None:
        self._due.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await self._due.wait()
            try:
                async with await self._connect() as connection:
                    while True:
                        await self._due.wait()
                        self._due.clear()
                        await connection.execute(f"NOTIFY {CHANNEL}")
                        await asyncio.sleep(_HINT_EVERY)
            except psycopg.Error:
                await asyncio.sleep(1)  # readers poll; the hint comes back with the database
