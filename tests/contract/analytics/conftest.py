"""The same world, with analytics in this process and asked over Flight."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.duckdb.client import FlightAnalytics
from adapters.duckdb.local import EventsInMemory, LocalAnalytics
from adapters.duckdb.owner import run_owner
from adapters.duckdb.settings import OlapSettings
from tests.support.analytics_worlds import World
from tests.support.database import Database
from tests.support.events import write


@pytest.fixture(params=["local", "flight"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    if request.param == "local":
        settings = OlapSettings(folder=tmp_path, database_url="", min_position_seconds=0.1)
        source = EventsInMemory()
        local = LocalAnalytics(source, settings)
        yield World(local, source.events.extend)
        await local.close()
        return
    database: Database = request.getfixturevalue("database")
    settings = OlapSettings(
        folder=tmp_path / "olap", database_url=database.projector, min_position_seconds=2, idle_seconds=0.05
    )
    stop, ready = threading.Event(), threading.Event()
    owner = threading.Thread(target=run_owner, args=(settings, stop, ready.set))
    owner.start()
    assert await asyncio.to_thread(ready.wait, 10)
    client = FlightAnalytics(settings)
    yield World(client, lambda events: write(database.admin, events))
    await client.close()
    stop.set()
    await asyncio.to_thread(owner.join, 10)
    assert not owner.is_alive()
