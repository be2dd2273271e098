"""Reading the logs: streams of many callers in one round trip, and ranges of one log."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import psycopg

from adapters.eventstore.arrays import BigintArray, TextArray, UuidArray, register
from adapters.eventstore.coalesce import Coalescer
from application.ports.log import Head, LogUnavailable, Receipt, Recorded, Unstorable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from adapters.eventstore.tables import LogTables
    from adapters.eventstore.writer import Connect

END: Final = 2**62
_Ask = tuple["UUID", str, int, int]
# One plan for every size of batch: the primary key, walked per stream.
_SETTINGS: Final = (
    "SET statement_timeout = '30s'; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
    " SET enable_hashjoin = off; SET enable_mergejoin = off; SET default_transaction_read_only = on;"
    " SET timezone = 'UTC'"
)


class LogReader:
    """Reads one log table set through two connections: one for streams, one for ranges."""

    def __init__(
        self, connect: Connect, tables: LogTables, *, one_tenant_per_transaction: bool = False
    ) -> None:
        """Connections are made with `connect` when first needed, and again after they broke."""
        self._tables = tables
        self._one_tenant = one_tenant_per_transaction
        self._streams = _Line(connect, pipelined=not one_tenant_per_transaction)
        self._ranges = _Line(connect, pipelined=not one_tenant_per_transaction)
        self._coalescer: Coalescer[_Ask, list[Recorded]] = Coalescer(self._serve, shared=(LogUnavailable,))

    async def close(self) -> None:
        """Close both connections."""
        await self._streams.close()
        await self._ranges.close()

    async def read_streams(
        self, tenant_id: UUID, streams: Sequence[tuple[str, int]], *, up_to_position: int | None = None
    ) -> list[list[Recorded]]:
        """See `TenantLog.read_streams`."""
        last = END if up_to_position is None else up_to_position
        with _own_errors():
            if len(streams) == 1:
                return [await self._coalescer.ask((tenant_id, streams[0][0], streams[0][1], last))]
            return await self._serve([(tenant_id, stream, after, last) for stream, after in streams])

    async def read_log(
        self, tenant_id: UUID, *, after: int = 0, limit: int = 500, up_to: int | None = None
    ) -> list[Recorded]:
        """See `TenantLog.read_log`."""
        rows = await self._ranges.rows(
            self._tables.log_events, (tenant_id, after, END if up_to is None else up_to, limit)
        )
        return [Recorded(*row) for row in rows]

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
        """A window of one stream by version, `after` (exclusive) to `up_to`; with `newest_first` from its end."""
        statement = self._tables.stream_newest if newest_first else self._tables.stream_window
        asked = (tenant_id, stream, after, END if up_to is None else up_to, END if limit is None else limit)
        with _own_errors():
            return [Recorded(*row) for row in await self._ranges.rows(statement, asked)]

    async def head(self, tenant_id: UUID) -> Head | None:
        """See `TenantLog.head`."""
        rows = await self._ranges.rows(self._tables.head, (tenant_id,))
        return Head(*rows[0]) if rows else None

    async def receipt(self, tenant_id: UUID, key_hmacs: Sequence[bytes]) -> Receipt | None:
        """See `TenantLog.receipt`."""
        if self._tables.one_receipt is None:
            return None
        rows = await self._ranges.rows(self._tables.one_receipt, (tenant_id, list(key_hmacs)))
        return Receipt(rows[0][0], rows[0][1], bytes(rows[0][2]), *rows[0][3:]) if rows else None

    async def _serve(self, asks: list[_Ask]) -> list[list[Recorded]]:
        if not self._one_tenant:
            return await self._serve_together(asks)
        answers: list[list[Recorded]] = [[] for _ in asks]
        for tenant in dict.fromkeys(ask[0] for ask in asks):
            places = [place for place, ask in enumerate(asks) if ask[0] == tenant]
            found = await self._serve_together([asks[place] for place in places])
            for place, events in zip(places, found, strict=True):
                answers[place] = events
        return answers

    async def _serve_together(self, asks: list[_Ask]) -> list[list[Recorded]]:
        tenants, streams, after, last = zip(*asks, strict=True)
        rows = await self._streams.rows(
            self._tables.stream_events,
            (UuidArray.of(tenants), TextArray.of(streams), BigintArray.of(after), BigintArray.of(last)),
        )
        answers: list[list[Recorded]] = [[] for _ in asks]
        for number, position, *rest in rows:
            answers[number - 1].append(Recorded(tenants[number - 1], position, *rest))
        return answers


@contextlib.contextmanager
def _own_errors() -> Iterator[None]:
    """Say in the port's words what the server or the driver refused; their own words may hold data."""
    try:
        yield
    except (psycopg.Error, UnicodeError) as error:
        raise Unstorable(
            f"this cannot be in the log ({type(error).__name__}); ask for something else"
        ) from error


class _Line:
    """A connection that is opened when needed and replaced when broken; one statement at a time."""

    def __init__(self, connect: Connect, *, pipelined: bool) -> None:
        self._connect = connect
        self._pipelined = pipelined
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._coalescer: Coalescer[tuple[Any, tuple[Any, ...]], list[tuple[Any, ...]]] = Coalescer(
            self._ask, shared=(LogUnavailable,)
        )

    async def rows(self, statement: Any, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """All rows of a statement; tries once more on a fresh connection. Raises `LogUnavailable`."""
        return await self._coalescer.ask((statement, parameters))

    async def _ask(self, asks: list[tuple[Any, tuple[Any, ...]]]) -> list[list[tuple[Any, ...]]]:
        try:
            return await self._execute(asks)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            await self.close()
        try:
            return await self._execute(asks)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            await self.close()
            raise LogUnavailable("the database cannot be reached; try again") from error

    async def _execute(self, asks: list[tuple[Any, tuple[Any, ...]]]) -> list[list[tuple[Any, ...]]]:
        connection = self._connection
        if connection is None:
            connection = self._connection = await self._open()
        if len(asks) == 1 or not self._pipelined:
            return [
                await (await connection.execute(*ask, prepare=True, binary=True)).fetchall() for ask in asks
            ]
        async with connection.pipeline():
            cursors = [await connection.execute(*ask, prepare=True, binary=True) for ask in asks]
        return [await cursor.fetchall() for cursor in cursors]

    async def _open(self) -> psycopg.AsyncConnection[Any]:
        connection = await self._connect()
        try:
            register(connection)
            await connection.execute(_SETTINGS)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()
