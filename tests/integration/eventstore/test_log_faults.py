"""What breaks under the log: backends killed in mid-flight, a database that goes away, heads that others hold."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from adapters.eventstore import reader
from adapters.eventstore.log import LogThread, PostgresLog
from adapters.eventstore.wire import Statement, WireConnection
from adapters.postgres.embedded import EmbeddedPostgres
from application.ports.log import Append, Appended, Head, LogError, LogUnavailable, OutcomeUnknown, Unstorable
from tests.support.database import Database, fresh_database, migrated_server
from tests.support.logs import assert_sound, event, key, opened, running


@pytest.fixture
def log(database: Database) -> Iterator[LogThread]:
    with running(database) as thread:
        yield thread


@contextmanager
def held(database: Database, tenant: UUID) -> Iterator[None]:
    """Another session holds a tenant's head."""
    with psycopg.connect(database.admin) as connection:
        connection.execute("SELECT 1 FROM log.heads WHERE tenant_id = %s FOR UPDATE", (tenant,))
        yield
        connection.rollback()


def attempt(log: LogThread, request: Append) -> Appended | LogError:
    try:
        return log.sync.append(request)
    except LogError as error:
        return error


def payloads(request: Append) -> list[str]:
    return [new.payload.decode() for new in request.events]


def test_killed_backends_lose_and_double_nothing(database: Database, log: LogThread) -> None:
    tenants = opened(log, uuid4(), uuid4())
    stop = threading.Event()

    def kill() -> int:
        killed = 0
        with psycopg.connect(database.admin, autocommit=True) as connection:
            while not stop.wait(0.03):
                killed += connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND usename = 'penguinmails_appender'"
                ).rowcount
        return killed

    requests = [
        Append(tenants[n % 2], (event(f"thing:{n % 7}", f"{n}"),), receipt=None if n % 3 == 0 else key())
        for n in range(1_500)
    ]
    with ThreadPoolExecutor(17) as pool:
        killing = pool.submit(kill)
        outcomes = list(pool.map(lambda request: attempt(log, request), requests))
        stop.set()
        assert killing.result() > 3

    logs = assert_sound(database.admin)
    stored = [row[3] for rows in logs.values() for row in rows]
    assert len(stored) == len(set(stored)), "nothing is there twice"
    for request, outcome in zip(requests, outcomes, strict=True):
        there = payloads(request)[0] in stored
        match outcome:
            case Appended():
                assert there
                assert logs[request.tenant_id][outcome.first_position - 1][3] == payloads(request)[0]
            case OutcomeUnknown():
                assert request.receipt is None, "a receipt resolves what a broken COMMIT leaves open"
            case LogUnavailable() if request.receipt is None:
                assert not there, "said to be unwritten"
            case LogUnavailable():
                again = log.sync.append(request)
                assert (again.replayed is not None) == there
            case _:
                pytest.fail(repr(outcome))
    assert sum(isinstance(outcome, Appended) for outcome in outcomes) > 1_000


def test_a_commit_whose_answer_is_lost_is_found_by_its_receipt(database: Database, log: LogThread) -> None:
    """The connection breaks after COMMIT was done: the receipt answers, and without one nobody can say."""
    (tenant,) = opened(log)
    writer = log.sync.log._singles[0]._writer
    write = writer._write

    async def write_then_break(connection: psycopg.AsyncConnection[object], group: object) -> None:
        await write(connection, group)  # type: ignore[arg-type]  # passed through as it came
        writer._write = write  # type: ignore[method-assign]  # breaks once
        await connection.close()
        raise BrokenCommit

    from adapters.eventstore.writer import BrokenCommit  # noqa: PLC0415 - next to its only use

    with_receipt = Append(tenant, (event("thing:1", "with"),), receipt=key())
    writer._write = write_then_break  # type: ignore[method-assign]  # the fault
    done = log.sync.append(with_receipt)
    assert done.replayed is not None
    assert (done.first_position, done.last_position) == (1, 1)

    writer._write = write_then_break  # type: ignore[method-assign]  # the fault
    with pytest.raises(OutcomeUnknown):
        log.sync.append(Append(tenant, (event("thing:1", "without"),)))
    assert [row[3] for row in assert_sound(database.admin)[tenant]] == [
        '{"what":"with"}',
        '{"what":"without"}',
    ]


@pytest.mark.parametrize("error", [ValueError("no such descriptor"), psycopg.OperationalError("it broke")])
def test_whatever_breaks_once_commit_is_on_its_way_leaves_it_open(
    database: Database, log: LogThread, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The event loop's own errors too: nobody is told that nothing was written, when perhaps it was."""
    (tenant,) = opened(log)
    together = WireConnection.together

    async def broken(connection: WireConnection, *statements: Statement) -> list[Any]:
        rows = await together(connection, *statements)
        if statements[-1][0] == "COMMIT":
            raise error
        return rows

    monkeypatch.setattr(WireConnection, "together", broken)
    with pytest.raises(OutcomeUnknown):
        log.sync.append(Append(tenant, (event("thing:1", "without"),)))
    monkeypatch.undo()
    assert [row[3] for row in assert_sound(database.admin)[tenant]] == ['{"what":"without"}']


def test_a_held_head_delays_its_tenant_alone(database: Database, log: LogThread) -> None:
    stuck, free = opened(log, uuid4(), uuid4())
    with ThreadPoolExecutor(10) as pool:
        with held(database, stuck):
            waiting = [pool.submit(log.sync.append, Append(stuck, (event("a:1", f"{n}"),))) for n in range(5)]
            started = time.monotonic()
            for n in range(200):
                log.sync.append(Append(free, (event("a:1", f"{n}"),)))
            assert time.monotonic() - started < 2, "others go on"
            assert not any(future.done() for future in waiting)
        assert sorted(future.result(5).last_position for future in waiting) == [1, 2, 3, 4, 5]
    assert len(assert_sound(database.admin)[free]) == 200


async def test_callers_who_gave_up_on_a_held_head_leave_nothing_behind(database: Database) -> None:
    async with PostgresLog(database.appender, database.loader) as log:
        tenant = uuid4()
        await log.append(Append(tenant, (event("thing:0", "0"),), receipt=key(), opens_log=True))
        with held(database, tenant):
            asked: list[asyncio.Task[Appended]] = []
            for wave in (
                range(1, 5),
                range(5, 13),
            ):  # the later ones wait behind the first, who wait for the head
                asked += [
                    asyncio.create_task(
                        log.append(Append(tenant, (event(f"thing:{n}", f"{n}"),), receipt=key()))
                    )
                    for n in wave
                ]
                await asyncio.wait(asked, timeout=0.3)
            assert not any(one.done() for one in asked)
            for one in asked:
                one.cancel()
            await asyncio.wait(asked)
        kept = (event("thing:kept", "kept"),)
        await log.append(Append(tenant, kept, receipt=key()))
        lanes = [line for lane in (*log._singles, *log._bulks) for line in lane._aside]
        assert not any(line.has(tenant) for line in lanes), "it would be set aside for ever"
        rows = await log.read_log(tenant, after=0, limit=100)
        assert rows[-1].stream == "thing:kept"
        assert_sound(database.admin)


def test_a_head_held_for_too_long_is_a_clear_no(database: Database, log: LogThread) -> None:
    (tenant,) = opened(log)
    request = Append(tenant, (event("a:1"),), receipt=key())
    with held(database, tenant):
        started = time.monotonic()
        with pytest.raises(LogUnavailable, match="another session holds"):
            log.sync.append(request)
        assert 4 < time.monotonic() - started < 8
    assert log.sync.append(request).replayed is None
    assert len(assert_sound(database.admin)[tenant]) == 1


def test_what_cannot_be_stored_fails_alone(database: Database, log: LogThread) -> None:
    (tenant,) = opened(log)
    bad = [event("a:\0"), event("a:\ud800"), event("a:1", version=2**63)]
    requests = [Append(tenant, (bad[n % 3] if n % 10 == 3 else event(f"a:{n}"),)) for n in range(100)]
    loop_log = log.sync.log

    async def together() -> list[Appended | BaseException]:
        return await asyncio.gather(
            *(loop_log.append(request) for request in requests), return_exceptions=True
        )

    outcomes = asyncio.run_coroutine_threadsafe(together(), log.loop).result(30)
    for n, outcome in enumerate(outcomes):
        assert isinstance(outcome, LogError if n % 10 == 3 else Appended), outcome
        assert not isinstance(outcome, LogUnavailable), "to try again would be in vain"
    assert len(assert_sound(database.admin)[tenant]) == 90


async def test_reading_what_cannot_be_there_fails_alone(database: Database) -> None:
    with running(database) as thread:
        (tenant,) = opened(thread)
        thread.sync.append(Append(tenant, (event("a:1"),)))
        log = thread.sync.log

        async def together() -> list[object]:
            asks = [
                log.read_streams(tenant, [(name, 0)]) for name in ("a:1", "a:\0", "a:\ud800", "a:1", "a:2")
            ]
            return await asyncio.gather(*asks, return_exceptions=True)

        found = asyncio.run_coroutine_threadsafe(together(), thread.loop).result(30)
        assert [isinstance(one, Unstorable) for one in found] == [False, True, True, False, False]
        assert found[0] == found[3] != [[]]
        assert found[4] == [[]]


def test_stopping_finishes_what_was_accepted_and_refuses_the_rest(database: Database) -> None:
    outcomes: list[Appended | LogError] = []
    with running(database) as log:
        (tenant,) = opened(log)
        begun = threading.Barrier(9)

        def caller(name: int) -> None:
            begun.wait()
            for n in range(10_000):
                outcomes.append(outcome := attempt(log, Append(tenant, (event("a:1", f"{name}-{n}"),))))
                if isinstance(outcome, LogError):
                    return

        callers = [threading.Thread(target=caller, args=(name,)) for name in range(8)]
        for thread in callers:
            thread.start()
        begun.wait()
        time.sleep(0.2)  # the load's length, not a race
    for thread in callers:
        thread.join(5)
        assert not thread.is_alive(), "nobody is left waiting"
    accepted = [outcome for outcome in outcomes if isinstance(outcome, Appended)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, LogError)]
    assert len(refused) == 8
    assert all(isinstance(error, LogUnavailable) and "closing" in str(error) for error in refused)
    assert sorted(done.last_position for done in accepted) == [
        row[0] for row in assert_sound(database.admin)[tenant]
    ]


@pytest.fixture(scope="module")
def mortal() -> Iterator[EmbeddedPostgres]:
    """A server of this module's own, to stop and start."""
    with migrated_server(None) as server:
        yield server


def test_a_database_that_goes_away_and_comes_back(mortal: EmbeddedPostgres) -> None:
    with fresh_database(mortal) as database, running(database) as log:
        (tenant,) = opened(log)
        requests = [Append(tenant, (event("a:1", f"{n}"),), receipt=key()) for n in range(1_500)]
        with ThreadPoolExecutor(16) as pool:
            asked = [pool.submit(attempt, log, request) for request in requests]
            while not asked[300].done():
                time.sleep(0.005)
            mortal.stop()
            mortal.start()
            outcomes = [future.result(60) for future in asked]
            assert all(isinstance(outcome, Appended | LogUnavailable) for outcome in outcomes)
            again = list(pool.map(log.sync.append, requests))
        assert sorted(done.last_position for done in again) == list(range(1, 1_501))
        for done, outcome in zip(again, outcomes, strict=True):
            if isinstance(outcome, Appended):
                assert done.last_position == outcome.last_position, "what was acknowledged stays"
        assert log.sync.read_log(tenant, limit=5)[0].position == 1
        assert len(assert_sound(database.admin)[tenant]) == 1_500


def test_callers_are_told_while_the_database_is_away(mortal: EmbeddedPostgres) -> None:
    with fresh_database(mortal) as database, running(database) as log:
        (tenant,) = opened(log)
        mortal.stop()
        try:
            started = time.monotonic()
            with pytest.raises(LogUnavailable, match="cannot be reached"):
                log.sync.append(Append(tenant, (event("a:1"),)))
            with pytest.raises(LogUnavailable, match="cannot be reached"):
                log.sync.head(tenant)
            assert time.monotonic() - started < 5
        finally:
            mortal.start()
        assert log.sync.append(Append(tenant, (event("a:1"),))).last_position == 1
        assert log.sync.head(tenant) is not None


@contextmanager
def locked(database: Database, *tables: str) -> Iterator[None]:
    """Another session changes tables of the log, and nobody reads them meanwhile."""
    with psycopg.connect(database.admin) as connection:
        for table in tables:
            connection.execute(f"LOCK TABLE log.{table} IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_PATIENCE", 2)


async def test_heads_are_told_while_ranges_are_not(database: Database) -> None:
    async with PostgresLog(database.appender, database.loader) as log:
        mine, other = uuid4(), uuid4()
        for tenant in (mine, other):
            await log.append(Append(tenant, (event("a:1"),), opens_log=True))
        assert len(await log.read_log(mine)) == 1
        with locked(database, "events"):
            reading = asyncio.create_task(log.read_log(mine))
            await asyncio.sleep(0.1)
            head = await asyncio.wait_for(log.head(other), 2)
            assert head is not None
            assert head.position == 1
            assert await asyncio.wait_for(log.receipt(other, [b"."]), 2) is None
            assert not reading.done()
        assert len(await reading) == 1


@pytest.mark.usefixtures("impatient")
async def test_a_question_that_takes_too_long_is_asked_once_and_fails_alone(database: Database) -> None:
    async with PostgresLog(database.appender, database.loader) as log:
        mine, other = uuid4(), uuid4()
        for tenant in (mine, other):
            await log.append(Append(tenant, (event("a:1"),), opens_log=True))
        with locked(database, "receipts"):
            before = time.monotonic()
            with pytest.raises(LogUnavailable, match="took too long"):
                await log.receipt(mine, [b"."])
            assert time.monotonic() - before < 3.5, "once"
            asked = [log.head(other), log.receipt(mine, [b"."]), log.head(mine), log.head(other)]
            first, *rest = await asyncio.gather(*[log.head(other), *asked], return_exceptions=True)
        heads = [found.tenant_id for found in (first, *rest) if isinstance(found, Head)]
        assert heads == [other, other, other], "whose question it was is asked no more"
        assert [str(found) for found in rest[1:3]] == ["the database took too long over this; try again"] * 2
        assert await log.receipt(mine, [b"."]) is None


@pytest.mark.usefixtures("impatient")
async def test_a_stream_that_takes_too_long_costs_other_tenants_none(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute, slow, others = reader._Line._execute, uuid4(), [uuid4() for _ in range(3)]

    async def held_up(line: reader._Line, asks: list[reader._Asked]) -> list[reader._Rows]:
        if any(str(slow) in str(ask.of) for ask in asks):
            raise psycopg.errors.QueryCanceled
        return await execute(line, asks)

    async with PostgresLog(database.appender, database.loader) as log:
        for tenant in (slow, *others):
            await log.append(Append(tenant, (event("a:1"),), opens_log=True))
        monkeypatch.setattr(reader._Line, "_execute", held_up)
        reads = [log.read_streams(tenant, [("a:1", 0)]) for tenant in (others[0], others[1], slow, others[2])]
        found = await asyncio.gather(*reads, return_exceptions=True)
        assert [len(events[0]) if isinstance(events, list) else "too long" for events in found] == [
            1,
            1,
            "too long",
            1,
        ]
        with pytest.raises(LogUnavailable, match="took too long"):
            await log.read_streams(slow, [("a:1", 0), ("a:2", 0)])
        assert len(await log.read_streams(others[0], [("a:1", 0), ("a:2", 0)])) == 2
