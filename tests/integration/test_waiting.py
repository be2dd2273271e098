import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from adapters.postgres.policies import policies_for_view
from application.ports.positions import Position
from application.queries import ViewNotReady, ViewStopped
from domain.kernel.ids import WorkspaceId
from domain.tenancy.workspace import WorkspaceCreated
from projections.operational.workspaces.handler import WORKSPACES
from projections.runtime import builds
from projections.runtime.reading import positions
from projections.runtime.waiting import Waiting
from tests.support.database import Database
from tests.support.projecting import World, fresh


def made(name: str = "w") -> tuple[str, WorkspaceCreated]:
    workspace = WorkspaceId(fresh())
    return f"workspace:{workspace}", WorkspaceCreated(workspace_id=workspace, workspace_name=name)


@pytest.fixture
def world(database: Database) -> World:
    return World(database, [WORKSPACES])


class Watched(psycopg.AsyncConnection[Any]):
    """Says each time that the poller has looked."""

    looks: asyncio.Queue[None] = asyncio.Queue()

    async def execute(self, *query: Any, **how: Any) -> psycopg.AsyncCursor[Any]:
        found = await super().execute(*query, **how)
        Watched.looks.put_nowait(None)
        return found


async def looked() -> None:
    """Wait until the poller has looked at those who wait now, and has answered: one look may be under way already."""
    Watched.looks = asyncio.Queue()
    for _ in range(3):
        await asyncio.wait_for(Watched.looks.get(), 10)


@pytest.fixture
async def waiting(database: Database) -> AsyncIterator[Waiting]:
    async def connect() -> psycopg.AsyncConnection[Any]:
        return await Watched.connect(database.loader, autocommit=True)

    async with Waiting(connect) as made_:
        yield made_


async def test_many_wait_at_once_and_each_returns_when_its_view_is_there(
    world: World, waiting: Waiting
) -> None:
    tenants = [fresh() for _ in range(20)]
    ends = {tenant: world.append(tenant, *(made() for _ in range(3))) for tenant in tenants}
    waits = [
        asyncio.create_task(waiting.wait_for(["workspaces"], tenant, Position(1, end), 10))
        for tenant, end in ends.items()
    ]
    await asyncio.sleep(0)  # each begins to wait
    await looked()
    assert not any(wait.done() for wait in waits)
    await asyncio.to_thread(world.project)
    await asyncio.gather(*waits)
    began = time.monotonic()
    await waiting.wait_for(["workspaces"], tenants[0], Position(1, 2), 10)
    assert time.monotonic() - began < 0.5


async def test_a_wait_is_bounded(world: World, waiting: Waiting) -> None:
    tenant = fresh()
    world.append(tenant, made())
    world.project()
    for position in (Position(1, 2), Position(2, 1)):
        with pytest.raises(ViewNotReady):
            await waiting.wait_for(["workspaces"], tenant, position, 0.1)
    with pytest.raises(ViewNotReady):
        await waiting.wait_for(["workspaces", "nothing"], tenant, Position(1, 1), 0.1)


async def test_a_view_that_stopped_says_so_at_once_unless_it_is_far_enough(
    world: World, waiting: Waiting
) -> None:
    tenant = fresh()
    world.append(tenant, made(), made("nul \x00"))
    world.project()
    await waiting.wait_for(["workspaces"], tenant, Position(1, 1), 5)
    with pytest.raises(ViewStopped):
        await waiting.wait_for(["workspaces"], tenant, Position(1, 2), 5)


async def test_a_wait_goes_on_across_the_swap_of_a_rebuild(world: World, waiting: Waiting) -> None:
    tenant = fresh()
    world.append(tenant, *(made() for _ in range(40)))
    world.project()
    stop = threading.Event()
    with world.projector.connect() as connection:
        builds.rebuild(connection, WORKSPACES, policies_for_view)
    running = threading.Thread(target=world.projector.run, args=(stop,))
    running.start()
    try:
        for _ in range(15):
            end = await asyncio.to_thread(world.append, tenant, made())
            await waiting.wait_for(["workspaces"], tenant, Position(1, end), 10)
            shown = [row for row in world.rows("workspaces", "workspaces") if row["created_position"] == end]
            assert len(shown) == 1
            await asyncio.sleep(0.1)
    finally:
        stop.set()
        running.join()
    with psycopg.connect(world.database.admin) as admin:
        assert builds.live_schema(admin, "workspaces") == (2, f"views_workspaces_v{WORKSPACES.version}_2")


async def test_one_can_see_what_has_caught_up(world: World) -> None:
    tenant = fresh()
    world.append(tenant, made(), made())
    world.project()
    world.append(tenant, made())
    connection = await psycopg.AsyncConnection.connect(world.database.request, autocommit=True)
    async with connection:
        assert await positions(connection, tenant) == {"workspaces": Position(1, 2)}
        assert await positions(connection, fresh()) == {}
