"""The reading of everything: all batches in their order, some ahead of DuckDB, and no more once nobody wants them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from adapters.duckdb.source import read_ahead

BATCHES = 30
LEFT_UNREAD = 10
SCHEMA = pa.schema([("n", pa.int64())])


class Reader:
    """Gives batches and counts them; fails before the one it is told to."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.given = 0
        self._fails_at = fails_at

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self

    def __next__(self) -> pa.RecordBatch:
        if self.given == self._fails_at:
            raise OSError("the connection was lost")
        if self.given == BATCHES:
            raise StopIteration
        self.given += 1
        return pa.record_batch([[self.given]], schema=SCHEMA)


def readers_left() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("olap-read")]


def test_every_batch_comes_once_and_in_order() -> None:
    tables = list(read_ahead(Reader()))
    assert [n for table in tables for n in table.column("n").to_pylist()] == list(range(1, BATCHES + 1))
    assert len(tables) < BATCHES, "some batches to a table"
    assert not readers_left()


def test_one_that_is_closed_early_reads_no_further() -> None:
    reader = Reader()
    tables = read_ahead(reader)
    next(tables)
    tables.close()
    assert reader.given <= BATCHES - LEFT_UNREAD
    assert not readers_left()


def test_an_error_of_the_reader_comes_through() -> None:
    with pytest.raises(OSError, match="the connection was lost"):
        list(read_ahead(Reader(fails_at=6)))
    assert not readers_left()
