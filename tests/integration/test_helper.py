"""Long rebuilds with a helper: two processes fill a build from both ends, and either may die."""

import functools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

from adapters.eventstore.codec import JsonCodec
from adapters.keys.memory import MemoryKeyStore
from adapters.postgres.policies import policies_for_view
from domain.kernel.ids import WorkspaceId
from domain.tenancy.workspace import WorkspaceCreated
from projections.runtime import builds
from projections.runtime.compare import compare
from projections.runtime.facts import Fact, Projection
from projections.runtime.oversight import parked
from projections.runtime.projector import Projector, ProjectorSettings, run_projector
from projections.runtime.rows import Rows
from projections.runtime.tables import Table
from tests.support.database import Database
from tests.support.projecting import World, fresh
from tests.support.starting import LOADED

TENANTS, EACH = 12, 50


def _names(pause: float) -> Projection:
    """Every name and how often it was given; each event takes `pause` seconds; "poison" cannot be taken in."""
    table = Table("names", key=("name",), columns={"name": "text", "n": "bigint"})
    projection = Projection("names", version=1, tables=[table], reveals=False)

    @projection.on("tenancy.workspace_created")
    def created(event: Fact, rows: Rows) -> None:
        time.sleep(pause)
        name = event.payload["workspace_name"]
        if name == "poison":
            raise ArithmeticError
        rows.insert("names", {"name": f"{name} {event.position}", "n": 1})

    return projection


def _settings(dsn: str, pause: float) -> ProjectorSettings:
    return ProjectorSettings(dsn, JsonCodec(MemoryKeyStore()), [_names(pause)], policies_for_view, 5, 5)


def _helped(dsn: str, pause: float, helpers_pause: float) -> ProjectorSettings:
    return replace(_settings(dsn, pause), again=functools.partial(_settings, dsn, helpers_pause))


def _run(dsn: str, pause: float) -> None:
    run_projector(_helped(dsn, pause, pause), threading.Event())


@pytest.fixture
def tenants() -> list[UUID]:
    return sorted(fresh() for _ in range(TENANTS))


@pytest.fixture
def world(database: Database, tenants: list[UUID]) -> World:
    """Logs with a live view of them, and a build of the same begun."""
    made = World(database, [_names(0)])
    for tenant in tenants:
        workspace = WorkspaceId(tenant)
        event = WorkspaceCreated(workspace_id=workspace, workspace_name="w")
        made.append(tenant, *[(f"workspace:{workspace}", event)] * EACH)
    made.project()
    with made.projector.connect() as connection:
        builds.rebuild(connection, made.projections[0], policies_for_view)
    return made


@contextmanager
def running(projector: Projector) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=projector.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def shown(world: World) -> bool:
    with psycopg.connect(world.database.admin) as connection:
        return builds.live_schema(connection, "names") == (2, "views_names_v1_2")


def until(true: Callable[[], object], patience: float = 20.0) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def sessions(world: World) -> int:
    with psycopg.connect(world.database.admin) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'projector'"
        ).fetchone()
        assert row is not None
        return int(row[0])


def test_two_fill_a_build_and_each_event_is_taken_in_once(world: World) -> None:
    projector = Projector(_helped(world.database.projector, 0.01, 0))
    own: list[int] = []
    ours = projector.settings.projections[0].handlers["tenancy.workspace_created"]

    def counted(event: Fact, rows: Rows) -> None:
        own.append(event.position)
        ours(event, rows)

    projector.settings.projections[0].handlers["tenancy.workspace_created"] = counted
    with running(projector):
        until(lambda: shown(world))
        until(lambda: projector.counters.handled == TENANTS * EACH)
    assert len(own) < TENANTS * EACH * 2 / 3
    assert multiprocessing.active_children() == []
    with world.projector.connect() as connection:
        found = compare(world.settings(), connection, "names")
    assert (found.equal, found.tenants, found.rows) == (True, TENANTS, TENANTS * EACH)


def test_a_helper_that_is_killed_is_done_without(world: World, caplog: pytest.LogCaptureFixture) -> None:
    projector = Projector(_helped(world.database.projector, 0.01, 0.01))
    with running(projector):
        until(multiprocessing.active_children)
        until(lambda: sessions(world) == 2)
        (helper,) = multiprocessing.active_children()
        assert helper.pid is not None
        os.kill(helper.pid, signal.SIGKILL)
        until(lambda: shown(world))
    assert "its helper ended with code -9" in caplog.text
    with world.projector.connect() as connection:
        assert compare(world.settings(), connection, "names").equal


def test_a_helper_ends_with_a_projector_that_is_killed(world: World) -> None:
    process = LOADED.Process(target=_run, args=(world.database.projector, 0.05))
    process.start()
    until(lambda: sessions(world) == 2)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    until(lambda: sessions(world) == 0)
    assert not shown(world)
    world.project()
    assert shown(world)
    with world.projector.connect() as connection:
        assert compare(world.settings(), connection, "names").equal


def test_a_projector_that_is_stopped_stops_its_helper(world: World) -> None:
    with running(Projector(_helped(world.database.projector, 0.05, 0.05))):
        until(lambda: sessions(world) == 2)
    assert multiprocessing.active_children() == []
    assert not shown(world)


def test_what_the_helper_cannot_take_in_is_parked_by_it(world: World, tenants: list[UUID]) -> None:
    last = tenants[-1]
    event = WorkspaceCreated(workspace_id=WorkspaceId(last), workspace_name="poison")
    world.append(last, (f"workspace:{last}", event))
    projector = Projector(_helped(world.database.projector, 0.02, 0))
    with running(projector):
        until(lambda: projector.counters.handled == 2 * TENANTS * EACH or projector.counters.parked == 2)
    with world.projector.connect() as connection:
        stopped = parked(connection)
    assert {(one.build, one.tenant_id, one.position, one.error) for one in stopped} == {
        (1, last, EACH + 1, "ArithmeticError"),
        (2, last, EACH + 1, "ArithmeticError"),
    }


def test_one_log_needs_no_helper(database: Database) -> None:
    world = World(database, [_names(0)])
    tenant = fresh()
    event = WorkspaceCreated(workspace_id=WorkspaceId(tenant), workspace_name="w")
    world.append(tenant, *[(f"workspace:{tenant}", event)] * 200)
    world.project()
    with world.projector.connect() as connection:
        builds.rebuild(connection, world.projections[0], policies_for_view)
        projector = Projector(_helped(database.projector, 0, 0))
        while projector.step(connection):
            assert multiprocessing.active_children() == []
    assert shown(world)
