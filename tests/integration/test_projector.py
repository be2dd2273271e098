"""The projector: whatever is killed, slow or broken, each event is applied once."""

import signal
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

import psycopg
import pytest

from adapters.eventstore.codec import JsonCodec
from adapters.keys.memory import MemoryKeyStore
from adapters.postgres.policies import policies_for_view
from application.ports.keys import KeysUnavailable, SubjectKey
from application.ports.log import NewEvent
from domain.kernel.ids import WorkspaceId
from domain.tenancy.workspace import WorkspaceRenamed
from projections.runtime import batch, builds
from projections.runtime.compare import compare
from projections.runtime.facts import Fact, Projection
from projections.runtime.oversight import parked, retry, status
from projections.runtime.positions import Overtaken, find_behind
from projections.runtime.projector import ProjectorSettings, run_projector
from projections.runtime.rows import Rows
from projections.runtime.shares import shares
from projections.runtime.tables import Table
from tests.support.counting import counting, many, totals
from tests.support.database import Database
from tests.support.projecting import World, fresh
from tests.support.serving import eventually
from tests.support.starting import LOADED


@pytest.fixture
def world(database: Database) -> World:
    return World(database, [counting()])


@pytest.fixture
def connection(world: World) -> Iterator[psycopg.Connection]:
    with world.projector.connect() as made_:
        yield made_


def test_what_a_projection_does_not_handle_moves_it_on_unread(world: World) -> None:
    tenant = fresh()
    world.append(tenant, *many("a"))
    world.append_raw(tenant, [NewEvent("x:1", "some.thing_happened", 1, b"no json", b"none")] * 3)
    world.append(tenant, *many("b"))
    world.project()
    assert totals(world) == {tenant: 2}
    with psycopg.connect(world.database.admin) as admin:
        assert admin.execute("SELECT position FROM ops.projection_positions").fetchall() == [(5,)]


def test_a_poisoned_event_stops_its_tenant_alone_and_can_be_tried_again(
    world: World, connection: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    ill, well = fresh(), fresh()
    world.append(ill, *many("a", "a", "a", "poison", "a"))
    world.append(well, *many("a", "a", "a"))
    world.project()
    assert totals(world) == {ill: 3, well: 3}
    (stopped,) = parked(connection)
    assert (stopped.tenant_id, stopped.position, stopped.error) == (ill, 4, "Trouble")
    assert "position 4" in caplog.text
    assert "somebody" not in caplog.text
    assert world.projector.counters.parked == 1
    world.append(well, *many("a"))
    world.append(ill, *many("a"))
    world.project()
    assert totals(world) == {ill: 3, well: 4}
    (now,) = status(connection)
    assert (now.tenants_behind, now.events, now.parked) == (1, 3, 1)

    healed = World(world.database, [counting()], world.keys)
    healed.projections[0].handlers["tenancy.workspace_created"] = lambda _, rows: rows.add(
        "counts", {"what": "all"}, n=1
    )
    assert retry(connection, ill, "counting") == 1
    healed.project()
    assert totals(healed) == {ill: 6, well: 4}
    assert parked(connection) == []


class Shaky(MemoryKeyStore):
    """A key store whose disk fails while `away`."""

    def __init__(self) -> None:
        super().__init__()
        self.away = threading.Event()
        self.refused = 0

    def generation(self) -> int:
        if self.away.is_set():
            self.refused += 1
            raise KeysUnavailable
        return super().generation()


def test_a_key_store_that_fails_is_waited_for_and_parks_nobody(
    database: Database, connection: psycopg.Connection
) -> None:
    keys = Shaky()
    world = World(database, [counting(reveals=True)], keys)
    tenants = [fresh() for _ in range(3)]
    for tenant in tenants:
        world.append(tenant, *many("a", "b"))
    keys.away.set()
    stop = threading.Event()
    running = threading.Thread(target=world.projector.run, args=(stop,))
    running.start()
    try:
        for _ in eventually("the store is asked again and again"):
            if keys.refused > 2:
                break
        assert parked(connection) == []
        keys.away.clear()
        for _ in eventually("everything is taken in"):
            if world.projector.counters.positions >= 6:
                break
    finally:
        stop.set()
        running.join()
    assert parked(connection) == []
    assert totals(world) == dict.fromkeys(tenants, 2)


def test_an_event_that_the_database_refuses_is_found_among_many(
    world: World, connection: psycopg.Connection
) -> None:
    tenants = [fresh() for _ in range(5)]
    for tenant in tenants:
        world.append(tenant, *many(*"abcdefg"))
    world.append(tenants[2], *many("b\x00d", "h"))
    world.project()
    assert totals(world) == dict.fromkeys(tenants, 7)
    (stopped,) = parked(connection)
    assert (stopped.tenant_id, stopped.position) == (tenants[2], 8)


def test_a_codec_that_cannot_read_an_event_parks_it(world: World, connection: psycopg.Connection) -> None:
    tenant = fresh()
    world.append(tenant, *many("a"))
    world.append_raw(tenant, [NewEvent("x:1", "tenancy.workspace_created", 1, b"no json", b"{}")])
    world.append_raw(tenant, [NewEvent("x:1", "tenancy.workspace_created", 99, b"{}", b"{}")])
    world.project()
    (stopped,) = parked(connection)
    assert (stopped.position, totals(world)) == (2, {tenant: 1})


def test_a_bulk_import_of_one_tenant_does_not_hold_up_the_others(
    world: World, connection: psycopg.Connection
) -> None:
    bulk, others = fresh(), [fresh() for _ in range(9)]
    world.append(bulk, *many(*["x"] * 400))
    for tenant in others:
        world.append(tenant, *many("a", "b"))
    small = World(world.database, world.projections, world.keys, live_batch=100, catch_up_batch=100)
    assert small.projector.step(connection)
    seen = totals(small)
    assert {tenant: seen[tenant] for tenant in others} == dict.fromkeys(others, 2)
    assert 50 <= seen[bulk] <= 100
    small.project()
    assert totals(small)[bulk] == 400


def test_a_projector_that_slept_through_a_batch_cannot_repeat_it(
    world: World, connection: psycopg.Connection
) -> None:
    tenant = fresh()
    world.append(tenant, *many("a", "a"))
    live = builds.refresh(connection, world.projections, policies_for_view)
    for more in (0, 3):  # a tenant's first batch, and a later one
        if more:
            world.append(tenant, *many(*["a"] * more))
        steps = shares(find_behind(connection, live), 100)
        world.project()
        with pytest.raises(Overtaken):
            batch.take_in(connection, world.codec, steps)
        assert totals(world) == {tenant: 2 + more}


def test_after_a_restore_the_tenants_rows_follow_its_new_history(
    world: World, connection: psycopg.Connection
) -> None:
    restored, other = fresh(), fresh()
    world.append(restored, *many("a", "lost", "lost"))
    world.append(other, *many("a", "b"))
    world.project()
    with psycopg.connect(world.database.admin) as admin:
        admin.execute("DELETE FROM log.events WHERE tenant_id = %s AND position > 1", (restored,))
        admin.execute("UPDATE log.heads SET epoch = 2, position = 1 WHERE tenant_id = %s", (restored,))
    world.project()
    assert totals(world) == {restored: 1, other: 2}
    world.append(restored, *many("new"))
    world.project()
    names = {row["what"] for row in world.rows("counting", "counts") if row["tenant_id"] == restored}
    assert names == {"all", "last a", "last new"}
    assert compare(world.settings(), connection, "counting").equal


def test_a_batch_of_too_many_bytes_is_cut_short_and_nothing_is_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_MOST_BYTES", 900)
    monkeypatch.setattr(batch, "_FETCH", 2)
    tenants = [fresh() for _ in range(3)]
    for tenant in tenants:
        world.append(tenant, *many(*"abcdefghij"))
    world.project()
    assert totals(world) == dict.fromkeys(tenants, 10)
    assert world.projector.counters.batches > 6


def test_events_change_shape_before_they_reach_a_handler(world: World) -> None:
    tenant = fresh()
    seen: list[str] = []
    projection = Projection("shapes", version=1, tables=[Table("t", key=("k",), columns={"k": "text"})])

    @projection.on("tenancy.workspace_renamed")
    def renamed(event: Fact, _: Rows) -> None:
        seen.append(event.payload["after"])
        assert (event.stream, event.version, event.name) == ("workspace:1", 1, "tenancy.workspace_renamed")
        assert event.actor is not None
        assert event.actor["kind"] == "system"
        assert event.command_id == str(UUID(int=2))
        assert event.correlation == str(UUID(int=3))

    event = WorkspaceRenamed(workspace_id=WorkspaceId(UUID(int=1)), before="a", after="b")
    world.append(tenant, ("workspace:1", event))
    World(world.database, [projection], world.keys).project()
    assert seen == ["b"]


class _Keyless(MemoryKeyStore):
    """A key store of which nobody may want a key."""

    def obtain(self, keys: Iterable[SubjectKey]) -> Mapping[SubjectKey, bytes]:
        raise AssertionError(f"a key was wanted: {list(keys)}")

    find = obtain


def _project(dsn: str) -> None:
    settings = ProjectorSettings(
        dsn, JsonCodec(_Keyless()), [counting("one"), counting("two")], policies_for_view, 20, 20
    )
    run_projector(settings, threading.Event())


def test_killed_at_any_moment_nothing_is_counted_twice_or_left_out(database: Database) -> None:
    world = World(database, [counting("one"), counting("two")])
    tenants = [fresh() for _ in range(5)]
    expected = dict.fromkeys(tenants, 0)

    def counted() -> int:
        return sum((totals_or_none(world, "one") or {}).values())

    def write() -> None:
        for tenant in tenants:
            world.append(tenant, *many(*["a"] * 7))
            expected[tenant] += 7

    for kill in range(4):
        before, process = counted(), LOADED.Process(target=_project, args=(database.projector,))
        process.start()
        for _ in eventually("it takes something in", 60):
            write()
            if counted() > before:
                break
        until = time.monotonic() + kill * 0.13
        while time.monotonic() < until:
            write()
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, "it was at work"
    world.project()
    assert totals(world, "one") == expected
    assert totals(world, "two") == expected
    with world.projector.connect() as connection:
        assert compare(world.settings(), connection, "one").equal


def test_a_database_that_goes_away_is_waited_for(world: World) -> None:
    tenant = fresh()
    world.append(tenant, *many("a"))
    stop = threading.Event()
    running = threading.Thread(target=world.projector.run, args=(stop,))
    running.start()
    try:
        _until(lambda: totals_or_none(world) == {tenant: 1})
        with psycopg.connect(world.database.admin, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'projector%'"
            )
        world.append(tenant, *many("a"))
        _until(lambda: totals_or_none(world) == {tenant: 2})
        assert world.projector.counters.reconnects >= 1
    finally:
        stop.set()
        running.join()


def totals_or_none(world: World, name: str = "counting") -> dict[UUID, int] | None:
    try:
        return totals(world, name)
    except AssertionError:
        return None


def _until(true: object, patience: float = 10.0) -> None:
    assert callable(true)
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)
