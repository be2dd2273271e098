"""The analytics room when something fails in it: told by its class, and nothing is blocked afterwards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pytest
from pyarrow import flight

from adapters.duckdb.files import Folder
from adapters.duckdb.local import EventsInMemory
from adapters.duckdb.room import Room
from adapters.duckdb.server import _told
from adapters.duckdb.settings import OlapSettings
from adapters.duckdb.store import Store
from application.ports.analytics import AnalyticsUnavailable
from application.ports.positions import Position
from tests.support.events import History
from tests.support.serving import eventually


class Sources:
    """Makes sources; `broken` says what the next one does."""

    def __init__(self) -> None:
        self.events = EventsInMemory()
        self.broken: Callable[[], Any] | None = None

    def __call__(self) -> EventsInMemory:
        if self.broken is not None:
            self.broken()
        return self.events


def full() -> None:
    raise OSError("no space left for ada@example.org")


@pytest.fixture
def sources() -> Sources:
    return Sources()


@pytest.fixture
def room(tmp_path: Path, sources: Sources) -> Iterator[Room]:
    with Folder(tmp_path) as folder:
        made = Room(OlapSettings(folder=tmp_path, database_url="", idle_seconds=0.01), folder, sources)
        made.start()
        yield made
        made.close()


def rebuilt(room: Room) -> None:
    for _ in eventually("the rebuild is over"):
        if not room.health().rebuilding:
            return


def test_a_rebuild_that_cannot_begin_is_told_and_the_next_one_can(
    room: Room, sources: Sources, caplog: pytest.LogCaptureFixture
) -> None:
    before = room._projector.store
    sources.broken = full
    with caplog.at_level(logging.WARNING):
        assert room.rebuild()
        rebuilt(room)
    assert [vars(line)["error"] for line in caplog.records] == ["OSError"]
    assert room._projector.store is before
    sources.broken = None
    assert room.rebuild()
    rebuilt(room)
    assert room._projector.store is not before


def test_a_store_whose_file_cannot_be_made_does_not_end_rebuilding(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = room._projector.store

    def no_store(*_: object) -> Store:
        raise duckdb.IOException

    monkeypatch.setattr("adapters.duckdb.room.Store", no_store)
    assert room.rebuild()
    rebuilt(room)
    monkeypatch.undo()
    assert room.rebuild()
    rebuilt(room)
    assert room._projector.store is not before


def read_by(room: Room, *tenants: UUID) -> None:
    for _ in eventually("the logs are read"):
        if room.positions().keys() == set(tenants):
            return


def test_a_rebuild_leaves_out_a_log_that_a_restore_lost(room: Room, sources: Sources) -> None:
    kept, lost = History(), History()
    for history in (kept, lost):
        history.happen("tenancy.member_invited", {"email": "x"})
    sources.events.events += kept.events + lost.events
    read_by(room, kept.tenant_id, lost.tenant_id)
    sources.events.events = list(kept.events)
    assert room.rebuild()
    rebuilt(room)
    assert room.positions().keys() == {kept.tenant_id}
    later = History()
    later.happen("tenancy.member_invited", {"email": "x"})
    sources.events.events += later.events
    read_by(room, kept.tenant_id, later.tenant_id)


def test_a_rebuild_ends_where_a_log_went_back_without_a_new_epoch(room: Room, sources: Sources) -> None:
    history = History()
    for _ in range(3):
        history.happen("tenancy.member_invited", {"email": "x"})
    sources.events.events = list(history.events)
    for _ in eventually("the log is read"):
        if room.positions() == {history.tenant_id: Position(1, 3)}:
            break
    sources.events.events = history.events[:1]
    assert room.rebuild()
    rebuilt(room)
    assert room.positions() == {history.tenant_id: Position(1, 1)}


class Interrupted:
    """A connection whose cursors are interrupted at their first statement."""

    def __init__(self, real: duckdb.DuckDBPyConnection) -> None:
        self._real = real

    def cursor(self) -> Interrupted:
        return self

    def execute(self, _: str) -> None:
        raise duckdb.InterruptException

    def close(self) -> None:
        pass


def test_a_reader_interrupted_as_it_enters_does_not_keep_the_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(None, OlapSettings(folder=tmp_path, database_url=""))
    with monkeypatch.context() as patch:
        patch.setattr(store, "_connection", Interrupted(store._connection))
        with pytest.raises(AnalyticsUnavailable):
            store.enter()
    assert store.drain(0)
    store.close()


def test_what_duckdb_says_of_values_stays_with_the_owner() -> None:
    with pytest.raises(flight.FlightServerError) as told, _told(), closing(duckdb.connect()) as con:
        con.execute("SELECT 'ada@example.org'::UUID")
    assert "ConversionException" in str(told.value)
    assert "ada@" not in str(told.value)
    assert told.value.__suppress_context__, "and whoever writes the error down writes no other"
