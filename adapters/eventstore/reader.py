"""Reading the logs: streams of many callers in one round trip, and ranges of one log."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import psycopg

from adapters.eventstore.arrays import BigintArray, TextArray, UuidArray, register
from adapters.eventstore.coalesce import Coalescer
from application.ports.log import Head, LogUnavailable, Receipt, Recorded, Unstorable

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from uuid import UUID

    from adapters.eventstore.tables import LogTables
    from adapters.eventstore.writer import Connect

END: Final = 2**62
_Ask = tuple["UUID", str, int, int, int]
_Rows = list[tuple[Any, ...]]
_PATIENCE: Final = 8
"""Seconds that a statement may take: less than a caller is waited for, so that the others are answered in time."""
_BRIEFLY: Final = 1
"""Seconds that it may take when it stood beside one that took too long; each is a few rows by their primary key."""
# One plan for every size of batch: the primary key, walked per stream.
_SETTINGS: Final = (
    "SET statement_timeout = '{}s'; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
    " SET enable_hashjoin = off; SET enable_mergejoin = off; SET default_transaction_read_only = on;"
    " SET timezone = 'UTC'"
).format


class _TookTooLong(LogUnavailable):
    """The database took too long over this one question; others may be answered."""


class LogReader:
    """Reads one log table set through three connections: for streams, for ranges, and for heads and receipts.

    Every request begins with a head; whoever reads a range that is long, or that somebody has locked, must not hold
    them up.
    """

    def __init__(
        self, connect: Connect, tables: LogTables, *, one_tenant_per_transaction: bool = False
    ) -> None:
        """Connections are made with `connect` when first needed, and again after they broke."""
        self._tables = tables
        self._one_tenant = one_tenant_per_transaction
        self._streams = _Line(connect, pipelined=not one_tenant_per_transaction)
        self._ranges = _Line(connect, pipelined=not one_tenant_per_transaction)
        self._heads = _Line(connect, pipelined=not one_tenant_per_transaction)
        self._coalescer: Coalescer[_Ask, list[Recorded] | _TookTooLong] = Coalescer(
            self._serve, shared=(LogUnavailable,)
        )

    async def close(self) -> None:
        """Close the connections."""
        for line in (self._streams, self._ranges, self._heads):
            await line.close()

    async def read_streams(
        self,
        tenant_id: UUID,
        streams: Sequence[tuple[str, int]],
        *,
        up_to_position: int | None = None,
        limit: int | None = None,
    ) -> list[list[Recorded]]:
        """See `TenantLog.read_streams`."""
        last = END if up_to_position is None else up_to_position
        with _own_errors():
            # Versions of a stream have no gap: so many events are up to so many versions.
            asks = [
                (tenant_id, stream, after, last, END if limit is None else after + limit)
                for stream, after in streams
            ]
            answers = [await self._coalescer.ask(asks[0])] if len(asks) == 1 else await self._serve(asks)
        return [_told(answer) for answer in answers]

    async def read_log(
        self, tenant_id: UUID, *, after: int = 0, limit: int = 500, up_to: int | None = None
    ) -> list[Recorded]:
        """See `TenantLog.read_log`."""
        rows = await self._ranges.rows(
            tenant_id, self._tables.log_events, (tenant_id, after, END if up_to is None else up_to, limit)
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
            return [Recorded(*row) for row in await self._ranges.rows(tenant_id, statement, asked)]

    async def count_streams(self, tenant_id: UUID, category: str, ended: Sequence[str]) -> int:
        """See `TenantLog.count_streams`."""
        # ";" comes after ":", and nothing comes between the two.
        asked = (list(ended), tenant_id, f"{category}:", f"{category};")
        ((count,),) = await self._ranges.rows(tenant_id, self._tables.count_streams, asked)
        return int(count)

    async def count_events(
        self, tenant_id: UUID, name: str, field: str, prefix: str, *, after: int, up_to: int
    ) -> int:
        """See `TenantLog.count_events`."""
        asked = (tenant_id, after, up_to, name, field, prefix)
        ((count,),) = await self._ranges.rows(tenant_id, self._tables.count_events, asked)
        return int(count)

    async def read_named(
        self, tenant_id: UUID, names: Sequence[str], *, after: int, up_to: int
    ) -> list[Recorded]:
        """See `TenantLog.read_named`."""
        asked = (tenant_id, after, up_to, list(names))
        return [
            Recorded(*row) for row in await self._ranges.rows(tenant_id, self._tables.named_events, asked)
        ]

    async def head(self, tenant_id: UUID) -> Head | None:
        """See `TenantLog.head`."""
        rows = await self._heads.rows(tenant_id, self._tables.head, (tenant_id,))
        return Head(*rows[0]) if rows else None

    async def receipt(self, tenant_id: UUID, key_hmacs: Sequence[bytes]) -> Receipt | None:
        """See `TenantLog.receipt`."""
        if self._tables.one_receipt is None:
            return None
        rows = await self._heads.rows(tenant_id, self._tables.one_receipt, (tenant_id, list(key_hmacs)))
        return Receipt(rows[0][0], rows[0][1], bytes(rows[0][2]), *rows[0][3:]) if rows else None

    async def _serve(self, asks: list[_Ask]) -> list[list[Recorded] | _TookTooLong]:
        """Answers in the order of `asks`; a question that takes too long costs the others no answer."""
        places: dict[UUID, list[int]] = {}
        for place, ask in enumerate(asks):
            places.setdefault(ask[0], []).append(place)
        if len(places) == 1 or not self._one_tenant:
            answers = await self._served(asks)
            if len(places) == 1 or not isinstance(answers[0], _TookTooLong):
                return answers
        found = await asyncio.gather(*(self._served([asks[n] for n in own]) for own in places.values()))
        by_place = dict(zip(chain(*places.values()), chain(*found), strict=True))
        return [by_place[n] for n in range(len(asks))]

    async def _served(self, asks: list[_Ask]) -> list[list[Recorded] | _TookTooLong]:
        """One statement for all: it takes too long for each or for none."""
        try:
            return [*await self._serve_together(asks)]
        except _TookTooLong as error:
            return [error] * len(asks)

    async def _serve_together(self, asks: list[_Ask]) -> list[list[Recorded]]:
        tenants, streams, after, last, newest = zip(*asks, strict=True)
        rows = await self._streams.rows(
            tenants,
            self._tables.stream_events,
            (
                UuidArray.of(tenants),
                TextArray.of(streams),
                BigintArray.of(after),
                BigintArray.of(last),
                BigintArray.of(newest),
            ),
        )
        answers: list[list[Recorded]] = [[] for _ in asks]
        for number, position, *rest in rows:
            answers[number - 1].append(Recorded(tenants[number - 1], position, *rest))
        return answers


def _told(answer: list[Recorded] | _TookTooLong) -> list[Recorded]:
    if isinstance(answer, _TookTooLong):
        raise answer
    return answer


@contextlib.contextmanager
def _own_errors() -> Iterator[None]:
    """Say in the port's words what the server or the driver refused; their own words may hold data."""
    try:
        yield
    except (psycopg.Error, UnicodeError) as error:
        raise Unstorable(
            f"this cannot be in the log ({type(error).__name__}); ask for something else"
        ) from error


class _Asked(NamedTuple):
    """A statement, its parameters, and whose question it is."""

    of: Hashable
    statement: Any
    parameters: tuple[Any, ...]


class _Line:
    """A connection that is opened when needed and replaced when broken; one batch of statements at a time."""

    def __init__(self, connect: Connect, *, pipelined: bool) -> None:
        self._connect = connect
        self._pipelined = pipelined
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._coalescer: Coalescer[_Asked, _Rows | None] = Coalescer(self._ask, shared=(LogUnavailable,))

    async def rows(self, of: Hashable, statement: Any, parameters: tuple[Any, ...]) -> _Rows:
        """All rows of a statement; tries once more on a fresh connection. Raises `LogUnavailable`."""
        rows = await self._coalescer.ask(_Asked(of, statement, parameters))
        if rows is None:
            raise _TookTooLong("the database took too long over this; try again")
        return rows

    async def _ask(self, asks: list[_Asked]) -> list[_Rows | None]:
        """Rows for each; None for what took too long."""
        try:
            return await self._patiently(asks)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            await self.close()
        try:
            return await self._patiently(asks)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            await self.close()
            raise LogUnavailable("the database cannot be reached; try again") from error

    async def _patiently(self, asks: list[_Asked]) -> list[_Rows | None]:
        try:
            return [*await self._execute(asks)]
        except psycopg.errors.QueryCanceled:
            # The connection is well, and asking the same again would take as long again.
            return [None] if len(asks) == 1 else await self._one_by_one(asks)

    async def _one_by_one(self, asks: list[_Asked]) -> list[_Rows | None]:
        """Answer a batch in which one took too long: the others have theirs, and whose it was is asked no more.

        Bounded as a whole too: where a table is locked to all, the last of a full batch would wait for minutes.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + _PATIENCE
        slow: set[Hashable] = set()
        answers: list[_Rows | None] = []
        try:
            connection = await self._opened()
            await connection.execute(f"SET statement_timeout = '{_BRIEFLY}s'")
            for ask in asks:
                if ask.of in slow or loop.time() > ends:
                    answers.append(None)
                    continue
                try:
                    answers += await self._execute([ask])
                except psycopg.errors.QueryCanceled:
                    slow.add(ask.of)
                    answers.append(None)
        finally:
            await self.close()  # the next one has the usual patience
        return answers

    async def _execute(self, asks: list[_Asked]) -> list[_Rows]:
        connection = await self._opened()
        if len(asks) == 1 or not self._pipelined:
            return [
                await (
                    await connection.execute(ask.statement, ask.parameters, prepare=True, binary=True)
                ).fetchall()
                for ask in asks
            ]
        async with connection.pipeline():
            cursors = [
                await connection.execute(ask.statement, ask.parameters, prepare=True, binary=True)
                for ask in asks
            ]
        return [await cursor.fetchall() for cursor in cursors]

    async def _opened(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None:
            self._connection = await self._open()
        return self._connection

    async def _open(self) -> psycopg.AsyncConnection[Any]:
        connection = await self._connect()
        try:
            register(connection)
            await connection.execute(_SETTINGS(_PATIENCE))
        except BaseException:
            await connection.close()
            raise
        return connection

    async def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()
