"""Builds beside the live one: filled, shown, kept back."""

from collections.abc import Iterator

import psycopg
import pytest

from adapters.postgres.policies import policies_for_view
from projections.runtime import builds
from projections.runtime.compare import Difference, compare
from projections.runtime.oversight import status
from tests.support.counting import counting, many, totals
from tests.support.database import Database
from tests.support.projecting import World, fresh


@pytest.fixture
def world(database: Database) -> World:
    return World(database, [counting()])


@pytest.fixture
def connection(world: World) -> Iterator[psycopg.Connection]:
    with world.projector.connect() as made_:
        yield made_


def test_a_new_version_fills_beside_the_live_one_and_takes_its_place(
    world: World, connection: psycopg.Connection
) -> None:
    tenant = fresh()
    world.append(tenant, *many(*["a"] * 30))
    world.project()
    newer = World(world.database, [counting(version=2)], world.keys, live_batch=5, catch_up_batch=5)
    newer.projector.step(connection)
    assert totals(newer) == {tenant: 30}
    shown = {one.state: one.schema for one in status(connection)}
    assert shown == {"live": "views_counting_v1_1", "filling": "views_counting_v2_2"}
    newer.project()
    assert builds.live_schema(connection, "counting") == (2, "views_counting_v2_2")
    assert totals(newer) == {tenant: 30}
    world.append(tenant, *many("a"))
    world.project()  # an older process leaves newer builds alone
    assert totals(world) == {tenant: 30}
    newer.project()
    assert totals(newer) == {tenant: 31}
    with psycopg.connect(world.database.admin) as admin:
        admin.execute("UPDATE ops.projection_versions SET changed_at = now() - interval '1 day'")
    newer.project()
    assert {one.state for one in status(connection)} == {"live"}


def test_a_rebuild_of_the_same_version_swaps_in_what_the_log_says(
    world: World, connection: psycopg.Connection
) -> None:
    tenant = fresh()
    world.append(tenant, *many("a", "b"))
    world.project()
    connection.execute("UPDATE views_counting_v1_1.counts SET n = 17 WHERE what = 'all'")
    wrong = compare(world.settings(), connection, "counting")
    assert (wrong.tenants, wrong.differences) == (1, [Difference("counts", 1, 1)])
    builds.rebuild(connection, world.projections[0], policies_for_view)
    world.project()
    assert totals(world) == {tenant: 2}
    right = compare(world.settings(), connection, "counting")
    assert (right.equal, right.tenants, right.rows) == (True, 1, 3)
    assert {one.state for one in status(connection)} == {"live", "retired"}


def test_a_parked_tenant_keeps_a_rebuild_from_being_shown(
    world: World, connection: psycopg.Connection
) -> None:
    world.append(fresh(), *many("a", "b"))
    world.project()
    builds.rebuild(connection, world.projections[0], policies_for_view)
    worse = World(world.database, [counting(poison="b")], world.keys)
    worse.project()
    assert {one.build: one.state for one in status(connection)} == {1: "live", 2: "filling"}


def test_a_tenant_parked_in_the_live_build_keeps_no_rebuild_from_being_shown(
    world: World, connection: psycopg.Connection
) -> None:
    world.append(fresh(), *many("a", "poison"))
    world.project()
    builds.rebuild(connection, world.projections[0], policies_for_view)
    world.project()
    assert {one.build: one.state for one in status(connection)} == {1: "retired", 2: "live"}


def test_a_tenant_parked_in_a_new_version_stands_still_alone(
    world: World, connection: psycopg.Connection
) -> None:
    """The process that filled the older build is gone: were it not swapped, nobody's view would move."""
    sick, well = fresh(), fresh()
    world.append(sick, *many("a", "b", "c"))
    world.append(well, *many("a"))
    world.project()
    newer = World(world.database, [counting(version=2, poison="b")], world.keys)
    newer.project()
    assert builds.live_schema(connection, "counting") == (1, "views_counting_v1_1"), (
        "the older one may be filled yet"
    )
    world.append(well, *many("c"))
    newer.project()
    waited_for_a_while(world)
    newer.project()
    assert builds.live_schema(connection, "counting") == (2, "views_counting_v2_2")
    world.append(well, *many("b"))
    newer.project()
    assert totals(newer) == {sick: 1, well: 2}, "each stopped at its own event"
    world.append(other := fresh(), *many("a", "c"))
    newer.project()
    assert totals(newer)[other] == 2


def test_a_new_version_that_parks_everybody_is_never_shown(
    world: World, connection: psycopg.Connection
) -> None:
    tenants = [fresh() for _ in range(3)]
    for tenant in tenants:
        world.append(tenant, *many("a"))
    world.project()
    newer = World(world.database, [counting(version=2, poison="a")], world.keys)
    newer.project()
    for tenant in tenants:
        world.append(tenant, *many("b"))
    waited_for_a_while(world)
    newer.project()
    assert builds.live_schema(connection, "counting") == (1, "views_counting_v1_1")
    world.project()
    assert totals(world) == dict.fromkeys(tenants, 2)


def waited_for_a_while(world: World) -> None:
    """Every event came ten seconds earlier."""
    with psycopg.connect(world.database.admin) as admin:
        admin.execute("UPDATE log.heads SET recorded_at = recorded_at - interval '10 seconds'")
