"""Statements sent together: what comes back, which error is told, and what a failure leaves of the connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio

from adapters.eventstore.arrays import BigintArray, TextArray, UuidArray
from adapters.eventstore.wire import WireConnection
from tests.support.database import Database

NUMBERS = "SELECT n, n * 2 FROM unnest(%s::int8[]) n ORDER BY n"
NO_TABLE = "SELECT * FROM no_such_table_here"
DIVISION = "SELECT 1 / n FROM unnest(%s::int8[]) n"


@pytest_asyncio.fixture
async def connection(any_database: Database) -> AsyncIterator[WireConnection]:
    async with await WireConnection.connect(any_database.appender, autocommit=True) as made:
        yield made


async def test_rows_come_back_by_statement_in_order(connection: WireConnection) -> None:
    ids = [uuid4(), uuid4()]
    for _ in range(2):  # prepared the first time, found prepared the second
        assert await connection.together(
            ("BEGIN", ()),
            (NUMBERS, (BigintArray.of([3, 1]),)),
            (
                "SELECT u, t FROM unnest(%s::uuid[], %s::text[]) AS x(u, t)",
                (UuidArray.of(ids), TextArray.of(["a", "é"])),
            ),
            (NUMBERS, (BigintArray.of([]),)),
            ("COMMIT", ()),
        ) == [[], [(1, 2), (3, 6)], [(ids[0], "a"), (ids[1], "é")], [], []]


async def test_the_first_error_is_told_and_the_rest_is_skipped(connection: WireConnection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        await connection.together(
            ("BEGIN", ()), (DIVISION, (BigintArray.of([0]),)), (NO_TABLE, ()), ("COMMIT", ())
        )
    assert await connection.together(("ROLLBACK", ())) == [[]]
    assert await connection.together((NUMBERS, (BigintArray.of([2]),))) == [[(2, 4)]]


async def test_what_could_not_be_prepared_is_prepared_when_it_can_be(connection: WireConnection) -> None:
    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedTable):
            await connection.together((NO_TABLE, ()), (NUMBERS, (BigintArray.of([1]),)))
    # Its preparing was skipped behind the one that failed.
    assert await connection.together((NUMBERS, (BigintArray.of([1]),))) == [[(1, 2)]]


async def test_a_connection_that_is_lost_says_so(connection: WireConnection, any_database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(any_database.admin, autocommit=True) as other:
        await other.execute("SELECT pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        await connection.together((NUMBERS, (BigintArray.of([1]),)))
    assert connection.closed
