"""One connection that carries out groups of appends: lock and read, judge, write and commit, in two round trips."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import psycopg

from adapters.eventstore.arrays import BytesArray, TextArray, UuidArray
from adapters.eventstore.group import Group, Outcome
from adapters.eventstore.wire import WireConnection

if TYPE_CHECKING:
    from uuid import UUID

    from adapters.eventstore.tables import LogTables
    from adapters.eventstore.wire import Statement
    from application.ports.log import Append

Connect = Callable[[], Awaitable[WireConnection]]

_SETTINGS: Final = (
    "SET lock_timeout = '5s'; SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '15s';"
    " SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET timezone = 'UTC'"
)
_BEGIN: Final[Statement] = ("BEGIN", ())
_COMMIT: Final[Statement] = ("COMMIT", ())
_ROLLBACK: Final[Statement] = ("ROLLBACK", ())


class BrokenCommit(Exception):
    """The connection broke when COMMIT was on its way: the group may or may not be in the log."""


class GroupWriter:
    """Carries out one group at a time; opens its connection when needed and again after it was lost."""

    def __init__(self, connect: Connect, tables: LogTables) -> None:
        """`connect` gives a connection in autocommit mode, as the appender."""
        self._connect = connect
        self._tables = tables
        self._connection: WireConnection | None = None

    async def carry_out(self, requests: list[Append], *, wait: bool) -> tuple[list[Outcome], int]:
        """What becomes of each request, in order, and how many events were written; durable when it returns.

        A head that another session holds is waited for with `wait`; without it the requests of that tenant come back
        as None and the others go on. Raises `BrokenCommit`, or what the server or the driver said; then nothing was
        written, and the transaction waits for `rollback`.
        """
        if self._connection is None:
            self._connection = await self._open()
        group = Group(requests)
        await self._read(self._connection, group, wait=wait)
        if not wait and group.not_locked():
            group.set_aside(await self._existing(self._connection, group.not_locked()))
        outcomes = group.judge()
        if group.accepted:
            await self._write(self._connection, group)
        else:
            await self._connection.together(_ROLLBACK)
        return outcomes, group.event_count

    async def rollback(self) -> None:
        """End a transaction that failed. Raises `psycopg.Error` when the connection is lost too."""
        if self._connection is not None:
            await self._connection.together(_ROLLBACK)

    def lost(self, error: Exception) -> bool:
        """Whether `error` means that the connection is of no use any more."""
        return (
            self._connection is None
            or self._connection.closed
            or isinstance(error, psycopg.InterfaceError)
            or (isinstance(error, psycopg.Error) and error.diag.severity_nonlocalized in ("FATAL", "PANIC"))
        )

    async def disconnect(self) -> None:
        """Drop the connection; the server rolls back what was open."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(psycopg.Error):
                await connection.close()

    async def _open(self) -> WireConnection:
        connection = await self._connect()
        try:
            await connection.execute(_SETTINGS)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _read(self, connection: WireConnection, group: Group, *, wait: bool) -> None:
        tables, statements = self._tables, [_BEGIN]
        if group.opens:
            statements.append((tables.open_heads, (UuidArray.of(group.opens),)))
        lock = tables.lock_heads if wait else tables.lock_free_heads
        statements.append((lock, (UuidArray.of(group.tenants),)))
        streams = group.streams()
        asked = (
            UuidArray.repeated([(tenant, len(names)) for tenant, names in streams]),
            TextArray.of([name for _, names in streams for name in names]),
        )
        statements.append((tables.versions, asked))
        if group.receipt_keys and tables.receipts is not None:
            keys = (
                UuidArray.of([tenant for tenant, _ in group.receipt_keys]),
                BytesArray.of([key for _, key in group.receipt_keys]),
            )
            statements.append((tables.receipts, keys))
            *_, heads, versions, receipts = await connection.together(*statements)
        else:
            receipts = []
            *_, heads, versions = await connection.together(*statements)
        group.learn(heads, versions[0] if versions else None, receipts)

    async def _existing(self, connection: WireConnection, tenants: list[UUID]) -> set[UUID]:
        """Those of `tenants` that have a head: it is another session's at this moment."""
        (rows,) = await connection.together((self._tables.known_heads, (UuidArray.of(tenants),)))
        return {row[0] for row in rows}

    async def _write(self, connection: WireConnection, group: Group) -> None:
        parameters = (*group.event_columns(), *group.receipt_columns(), *group.head_columns())
        statement = self._tables.write_with_receipts if group.receipts_made else self._tables.write
        if statement is None:
            raise TypeError("this log keeps no receipts")
        try:
            await connection.together((statement, parameters), _COMMIT)
        except Exception as error:
            # Only an error that the server reports says that nothing was written; any other leaves it open.
            if isinstance(error, psycopg.Error) and error.diag.severity_nonlocalized == "ERROR":
                raise
            raise BrokenCommit from error
