"""Views as of an earlier position equal those of a projector that has come so far, for every view; bounds, erasure."""

import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from adapters.eventstore.log import PostgresLog
from adapters.postgres.policies import policies_for_view
from application.ports.positions import Position
from domain.kernel.ids import PLATFORM
from domain.kernel.personal import KeyKind
from projections.operational.views import VIEWS
from projections.runtime import builds
from projections.runtime.batch import take_in
from projections.runtime.lookback import LookBack
from projections.runtime.positions import Step
from projections.runtime.reading import RebuiltConnection
from projections.runtime.rebuilt import Rebuilt
from tests.support.database import Database
from tests.support.history import History, events
from tests.support.projecting import World

pytestmark = pytest.mark.xdist_group("lookback")

Tables = dict[str, list[tuple[Any, ...]]]
POSITIONS = 20


@pytest.fixture(scope="module")
def told(module_database: Database) -> tuple[World, History]:
    """Two tenants' histories and the platform's, projected; the key of one person is gone."""
    world = World(module_database, VIEWS)
    mine, other = History(), History()
    for history in (mine, other):
        world.append(history.tenant, *events(history.of_tenant()))
        world.append(PLATFORM, *events(history.of_platform()))
    world.keys.destroy([(mine.tenant, str(mine.subjects[2]), KeyKind.PROFILE)])
    world.project()
    return world, mine


async def _session(dsn: str) -> RebuiltConnection:
    return await RebuiltConnection.connect(dsn, autocommit=True)


@pytest.fixture
async def looking(told: tuple[World, History]) -> AsyncIterator[LookBack]:
    world, _ = told
    database = world.database
    async with (
        PostgresLog(database.appender, database.loader) as log,
        LookBack(lambda: _session(database.request), log, world.codec, world.keys, VIEWS) as lookback,
    ):
        yield lookback


def head(world: World, tenant: UUID) -> int:
    with psycopg.connect(world.database.admin) as connection:
        row = connection.execute("SELECT position FROM log.heads WHERE tenant_id = %s", (tenant,)).fetchone()
    assert row is not None
    return int(row[0])


def projected(world: World, tenant: UUID, positions: list[int]) -> dict[int, Tables]:
    """What a projector has of a tenant when it has come to each of the positions."""
    found: dict[int, Tables] = {}
    with world.projector.connect() as connection:
        scratch = [builds.scratch(connection, one, policies_for_view) for one in VIEWS]
        at = 0
        for position in positions:
            steps = [Step(build, tenant, at > 0, 1, at, position) for build in scratch]
            take_in(connection, world.codec, steps)
            at = position
            found[position] = {
                table: in_order(
                    connection.execute(
                        f"SELECT * FROM {build.schema}.{table} WHERE tenant_id = %s".encode(),  # noqa: S608 - names of our own
                        (tenant,),
                    ).fetchall()
                )
                for build in scratch
                for table in build.projection.tables
            }
        for build in scratch:
            builds.drop(connection, build.projection.name, build.number, build.schema)
    return found


def in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=str)


async def tables_of(rebuilt: Rebuilt) -> Tables:
    found: Tables = {}
    for projection in rebuilt.projections:
        for table in projection.tables:
            cursor = await rebuilt.connection.execute(f"SELECT * FROM pg_temp.{table}".encode())  # noqa: S608 - names of our own
            found[table] = in_order(await cursor.fetchall())
    return found


@pytest.mark.parametrize("whose", ["tenant", "platform"])
async def test_every_view_is_as_it_was_at_random_positions(
    told: tuple[World, History], looking: LookBack, whose: str
) -> None:
    world, mine = told
    tenant = mine.tenant if whose == "tenant" else PLATFORM
    last = head(world, tenant)
    chosen = random.Random(whose).sample(range(1, last), min(POSITIONS, last - 1))
    positions = sorted({*chosen, last})
    then = projected(world, tenant, positions)
    filled: set[str] = set()
    # Forward a kept session goes on, backward each moment is made from the first event on.
    for position in (*positions, *positions[-2::-6]):
        names = [one.name for one in VIEWS]
        async with looking.as_of(tenant, names, Position(1, position), None) as rebuilt:
            found = await tables_of(rebuilt)
        assert found == then[position], position
        filled |= {table for table, rows in found.items() if rows}
    for table, rows in then[last].items():
        (name,) = (one.name for one in VIEWS if table in one.tables)
        live = [tuple(row.values()) for row in world.rows(name, table) if row["tenant_id"] == tenant]
        assert in_order(live) == rows, table
    assert len(filled) > (35 if whose == "tenant" else 2)
