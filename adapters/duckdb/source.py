"""The logs in Postgres: psycopg asks who is behind and listens for hints, ADBC reads the batches as Arrow."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any, Final
from uuid import UUID

import psycopg
import pyarrow as pa
from adbc_driver_manager import Error as AdbcError
from adbc_driver_postgresql import (  # type: ignore[import-untyped]  # ships no types
    StatementOptions,
    dbapi,
)

from application.ports.positions import Position
from projections.olap.source import (
    BEHIND,
    HEADS,
    Everything,
    LogHead,
    Range,
    SourceUnavailable,
    batch_query,
    everything_query,
)

HINTS: Final = "penguinmails_log"
"""The channel on which appends are announced, after their commit and coalesced. Polling is the truth."""

_BATCH_BYTES: Final = 8 * 1024 * 1024
_BATCHES_AT_ONCE: Final = 4
"""How much is read at once when everything is: a table holds so many batches of so many bytes."""

_TABLES_AHEAD: Final = 3
"""So many tables are read ahead, so that Postgres and DuckDB wait less for each other; memory is bounded by it."""

_READ_IN_PLACE: Final = "SET LOCAL effective_io_concurrency = 0"
"""Postgres 18 has workers read pages for it. The whole log in sequence is read ahead by the system, and to hand each
read to a worker costs a fifth of what Postgres spends on it."""


class PostgresLogs:
    """A `LogSource`. Connects on first use and again after an error; each method is for one thread at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._heads: psycopg.Connection[tuple[Any, ...]] | None = None
        self._events: dbapi.Connection | None = None

    def behind(self, seen: Mapping[UUID, Position]) -> list[LogHead]:
        """See `LogSource`."""
        parameters = (list(seen), [at.epoch for at in seen.values()], [at.n for at in seen.values()])
        try:
            rows = self._listening().execute(BEHIND, parameters, binary=True).fetchall()
        except psycopg.Error as error:
            self._drop_heads()
            raise SourceUnavailable(_told(error)) from error
        return [LogHead(tenant_id, Position(epoch, position)) for tenant_id, epoch, position in rows]

    def fetch(self, ranges: Sequence[Range]) -> Any:
        """See `LogSource`."""
        try:
            if self._events is None:
                self._events = dbapi.connect(self._url, autocommit=True)
            with self._events.cursor() as cursor:
                cursor.execute(batch_query(ranges))
                return cursor.fetch_arrow_table()
        except AdbcError as error:
            self._drop_events()
            raise SourceUnavailable(_told(error)) from error

    @contextmanager
    def everything(self) -> Iterator[Everything]:
        """See `LogSource`."""
        try:
            with dbapi.connect(self._url, autocommit=True) as connection, connection.cursor() as cursor:
                cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                cursor.execute(_READ_IN_PLACE)
                cursor.execute(HEADS)
                heads = [LogHead(UUID(row[0]), Position(row[1], row[2])) for row in cursor.fetchall()]
                cursor.adbc_statement.set_options(
                    **{StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(_BATCH_BYTES)}
                )
                cursor.execute(everything_query())
                with closing(read_ahead(cursor.fetch_record_batch())) as tables:
                    yield Everything(heads, tables)
        except AdbcError as error:
            raise SourceUnavailable(_told(error)) from error

    def wait(self, seconds: float) -> None:
        """See `LogSource`. Without a connection it waits the whole time: the next `behind` connects."""
        if self._heads is None:
            time.sleep(seconds)
            return
        try:
            for _ in self._heads.notifies(timeout=seconds, stop_after=1):
                pass
        except psycopg.Error:
            # The next poll meets the same error and reports it.
            self._drop_heads()

    def close(self) -> None:
        """See `LogSource`."""
        self._drop_heads()
        self._drop_events()

    def _listening(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._heads is None:
            self._heads = psycopg.connect(self._url, autocommit=True, application_name="penguinmails olap")
            self._heads.execute(f"LISTEN {HINTS}")
        return self._heads

    def _drop_heads(self) -> None:
        if self._heads is not None:
            self._heads.close()
            self._heads = None

    def _drop_events(self) -> None:
        connection, self._events = self._events, None
        if connection is not None:
            connection.close()


def read_ahead(reader: Any) -> Generator[Any]:
    """The reader's batches, some to a table: the next tables are read while DuckDB takes one in.

    Closed early, it waits for the table that is being read and for no other.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="olap-read")
    try:
        ahead = deque(pool.submit(_some, reader) for _ in range(_TABLES_AHEAD))
        while read := ahead.popleft().result():
            ahead.append(pool.submit(_some, reader))
            yield pa.Table.from_batches(read)
    finally:
        pool.shutdown(cancel_futures=True)


def _some(reader: Any) -> list[Any]:
    return list(islice(reader, _BATCHES_AT_ONCE))


def _told(error: Exception) -> str:
    """What may be shown of a database error: its kind and first line; parameters and rows stand in later lines."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
