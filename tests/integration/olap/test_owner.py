"""The owner as a process of its own: killed, stopped, doubled, rebuilt under readers, and cut off from its database."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import psycopg
import pytest

from adapters.duckdb import renewals
from adapters.duckdb.client import FlightAnalytics
from adapters.duckdb.files import AlreadyOwned, Folder
from adapters.duckdb.owner import run_owner
from adapters.duckdb.settings import InvalidSettings, OlapSettings
from application.ports.analytics import AnalyticsUnavailable, Report
from application.ports.positions import Position
from projections.olap.sql import FACTS
from tests.support.database import Database
from tests.support.events import History, segment, write
from tests.support.starting import LOADED


def _own(folder: Path, database_url: str, ready: Event) -> None:
    settings = OlapSettings(folder=folder, database_url=database_url, idle_seconds=0.05)
    run_owner(settings, ready=ready.set)


def owner(settings: OlapSettings) -> ForkServerProcess:
    """An owner's process, ready."""
    ready = LOADED.Event()
    started = LOADED.Process(target=_own, args=(settings.folder, settings.database_url, ready))
    started.start()
    assert ready.wait(30)
    return started


def end(process: ForkServerProcess, number: signal.Signals = signal.SIGTERM) -> int | None:
    assert process.pid is not None
    os.kill(process.pid, number)
    process.join(15)
    return process.exitcode


@pytest.fixture
def settings(tmp_path: Path, database: Database) -> OlapSettings:
    return OlapSettings(
        folder=tmp_path / "olap", database_url=database.projector, idle_seconds=0.05, min_position_seconds=5
    )


def eventually(done: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def facts(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the live file, opened by this process; roll-ups summed."""
    with Folder(folder) as owned, duckdb.connect(str(owned.current), read_only=True) as con:
        summed = "SELECT * REPLACE (sum(events) AS events) FROM fact_event_daily GROUP BY ALL"
        found = {}
        for table in FACTS:
            rows = summed if "daily" in table else f"FROM {table}"
            statement = f"SELECT tenant_id, fact.* EXCLUDE (tenant_key) FROM ({rows}) AS fact"  # noqa: S608 - the test's own
            found[table] = con.execute(
                f"{statement} JOIN dim_tenant USING (tenant_key) ORDER BY ALL"
            ).fetchall()
        return found


class Writer(threading.Thread):
    """Appends to several logs until told to stop."""

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self.histories = [History() for _ in range(5)]
        self.stopping = threading.Event()
        self._dsn = dsn

    def run(self) -> None:
        while not self.stopping.is_set():
            new = []
            for history in self.histories:
                before = len(history.events)
                one = history.contact("created")
                history.contact("updated", one, segment_before=segment(), segment_after=segment("DE"))
                for _ in range(30):
                    history.happen("tenancy.member_invited")
                new += history.events[before:]
            write(self._dsn, new)

    def positions(self) -> dict[UUID, Position]:
        return {history.tenant_id: history.position for history in self.histories}


async def reached(settings: OlapSettings, positions: dict[UUID, Position]) -> None:
    client = FlightAnalytics(settings)
    for tenant_id, position in positions.items():
        await client.report("activity", tenant_id, min_position=position)
    await client.close()


def test_killed_at_any_moment_no_event_is_lost_or_doubled(
    settings: OlapSettings, database: Database, tmp_path: Path
) -> None:
    writer = Writer(database.admin)
    writer.start()
    try:
        for kill in range(10):
            process = owner(settings)
            time.sleep(0.02 + kill * 0.03)
            assert end(process, signal.SIGKILL) == -signal.SIGKILL
    finally:
        writer.stopping.set()
        writer.join()
    process = owner(settings)
    try:
        asyncio.run(reached(settings, writer.positions()))
    finally:
        assert end(process) == 0
    live = facts(settings.folder)
    assert [len(history.events) for history in writer.histories] == [
        sum(row[0] == history.tenant_id for row in live["fact_event"]) for history in writer.histories
    ]
    rebuilt = OlapSettings(folder=tmp_path / "rebuilt", database_url=settings.database_url, idle_seconds=0.05)
    process = owner(rebuilt)
    try:
        asyncio.run(reached(rebuilt, writer.positions()))
    finally:
        assert end(process) == 0
    assert facts(rebuilt.folder) == live


def test_asked_to_end_it_leaves_nothing_behind(settings: OlapSettings, database: Database) -> None:
    history = History()
    history.contact("created")
    write(database.admin, history.events)
    process = owner(settings)
    asyncio.run(reached(settings, {history.tenant_id: history.position}))
    assert end(process) == 0
    assert {path.name for path in settings.folder.iterdir()} == {"facts-1.duckdb", "owner.lock"}
    assert settings.folder.stat().st_mode & 0o777 == 0o700


def test_a_file_has_one_owner(settings: OlapSettings) -> None:
    process = owner(settings)
    try:
        with pytest.raises(AlreadyOwned, match=f"Its process id is {process.pid}"):
            run_owner(settings, threading.Event())
    finally:
        end(process)


@contextmanager
def served(settings: OlapSettings) -> Iterator[None]:
    """An owner in a thread of this process."""
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=run_owner, args=(settings, stop, ready.set))
    thread.start()
    assert ready.wait(10)
    yield
    stop.set()
    thread.join(15)
    assert not thread.is_alive()


@pytest.fixture
def running(settings: OlapSettings) -> Iterator[OlapSettings]:
    with served(settings):
        yield settings


async def test_what_is_asked_for_again_is_made_anew_beside(
    settings: OlapSettings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer may be an hour old here: only one that was made meanwhile is newer."""
    monkeypatch.setattr(renewals, "_EARLY", 1e9)
    history = History()
    history.contact("created")
    await asyncio.to_thread(write, database.admin, history.events)
    with served(replace(settings, recent_seconds=3_600.0)):
        client = FlightAnalytics(settings)
        tenant_id, first = history.tenant_id, history.position

        async def of_one() -> Position:
            return (await client.report("contacts_by_segment", tenant_id)).position

        async def of_all() -> str:
            return (await client.platform.report("activity", {})).standing.digest

        await reached(settings, {tenant_id: first})
        before = await of_one(), await of_all()
        assert before[0] == first
        history.contact("created")
        await asyncio.to_thread(write, database.admin, history.events[1:])
        await reached(settings, {tenant_id: history.position})
        assert (await of_one(), await of_all()) == before, "nobody waits for the new ones"
        deadline = time.monotonic() + 20
        while (after := (await of_one(), await of_all()))[1] == before[1] or after[0] != history.position:
            assert time.monotonic() < deadline
        await client.close()


async def test_readers_never_see_half_a_rebuild(running: OlapSettings, database: Database) -> None:
    histories = [History() for _ in range(3)]
    for history in histories:
        for _ in range(40):
            history.contact("created")
    write(database.admin, [event for history in histories for event in history.events])
    client = FlightAnalytics(running)
    first = histories[0]
    await client.report("contacts_by_segment", first.tenant_id, min_position=first.position)
    for _ in range(3):
        await client.rebuild()
        rebuilding = True
        while rebuilding:
            rebuilding = (await client.health()).rebuilding
            new = first.happen("tenancy.member_invited")
            await asyncio.to_thread(write, database.admin, [new])
            asked = [
                client.report("contacts_by_segment", history.tenant_id, min_position=history.position)
                for history in histories
            ]
            for report in await asyncio.gather(*asked):
                assert report.rows == (("CA", "import", None, 40),)
    assert {path.name for path in running.folder.iterdir()} >= {"facts-4.duckdb", "current"}
    await client.close()


async def test_a_client_finds_the_owner_again(settings: OlapSettings, database: Database) -> None:
    history = History()
    history.contact("created")
    await asyncio.to_thread(write, database.admin, history.events)
    client = FlightAnalytics(settings)
    with pytest.raises(AnalyticsUnavailable):
        await client.health()
    for _ in range(2):
        process = await asyncio.to_thread(owner, settings)
        report = await client.report("activity", history.tenant_id, min_position=history.position)
        assert report.position == history.position
        await asyncio.to_thread(end, process, signal.SIGKILL)
        with pytest.raises(AnalyticsUnavailable):
            await client.health()
    await client.close()


async def test_it_goes_on_when_its_database_comes_back(running: OlapSettings, database: Database) -> None:
    history = History()
    history.contact("created")
    await asyncio.to_thread(write, database.admin, history.events)
    client = FlightAnalytics(running)
    await client.report("activity", history.tenant_id, min_position=history.position)

    def cut() -> None:
        with psycopg.connect(database.admin, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    for _ in range(3):
        await asyncio.to_thread(cut)
        new = history.happen("tenancy.member_invited")
        await asyncio.to_thread(write, database.admin, [new])
        report = await client.report("activity", history.tenant_id, min_position=history.position)
        assert report.position == history.position
    assert (await client.health()).last_error is None
    await client.close()


async def test_reports_go_on_while_the_database_is_away(tmp_path: Path, database: Database) -> None:
    history = History()
    history.contact("created")
    await asyncio.to_thread(write, database.admin, history.events)
    folder = tmp_path / "olap"
    there = OlapSettings(folder=folder, database_url=database.projector, idle_seconds=0.05)
    process = await asyncio.to_thread(owner, there)
    await reached(there, {history.tenant_id: history.position})
    await asyncio.to_thread(end, process)
    secret = "do-not-tell"
    away = OlapSettings(
        folder=folder, database_url=f"host={tmp_path} user=nobody password={secret}", idle_seconds=0.05
    )
    process = await asyncio.to_thread(owner, away)
    client = FlightAnalytics(away)
    report: Report = await client.report("activity", history.tenant_id)
    assert report.position == history.position
    while not (error := (await client.health()).last_error):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.02)
    assert "SourceUnavailable" in error
    assert secret not in error
    await client.close()
    await asyncio.to_thread(end, process)


async def test_on_a_port_it_wants_the_token(tmp_path: Path, database: Database) -> None:
    folder = tmp_path / "olap"
    listen = f"grpc://127.0.0.1:{20_000 + os.getpid() % 20_000}"
    with pytest.raises(InvalidSettings, match="token"):
        OlapSettings(folder=folder, database_url="", listen=listen).location()
    settings = OlapSettings(folder=folder, database_url=database.projector, listen=listen, token="right")
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=run_owner, args=(settings, stop, ready.set))
    thread.start()
    assert await asyncio.to_thread(ready.wait, 10)
    allowed = FlightAnalytics(settings)
    denied = FlightAnalytics(OlapSettings(folder=folder, database_url="", listen=listen, token="wrong"))
    assert (await allowed.health()).figures["errors_total"] == 0
    with pytest.raises(AnalyticsUnavailable):
        await denied.health()
    await allowed.close()
    await denied.close()
    stop.set()
    await asyncio.to_thread(thread.join, 10)


def test_settings_that_cannot_work(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="shorter folder"):
        OlapSettings(folder=tmp_path / ("x" * 100), database_url="").location()
    with pytest.raises(InvalidSettings, match="listen: give"):
        OlapSettings(folder=tmp_path, database_url="", listen="grpc://0.0.0.0:1234", token="t").location()
