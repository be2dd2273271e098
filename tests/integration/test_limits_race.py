"""Limits over several processes and a real log: one seat, one block, and a process that is killed while it sends."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import uvloop

from api.composition import composed, now
from api.settings import Settings
from application.orders import Order
from application.principals import Principal
from domain.audience.authorisation import AuthoriseMessage, DispatchMessage
from domain.billing.catalogue import Meter
from domain.billing.usage import LimitReached, Usage
from domain.kernel.commands import Actor, ActorKind, Command
from domain.kernel.ids import MessageId, WorkspaceId, new_id
from domain.kernel.permissions import Permission
from domain.tenancy.plans import Plan
from domain.tenancy.workspace import CreateWorkspace
from tests.support.api import Api, serving
from tests.support.billing import SUBSCRIPTION
from tests.support.database import Database
from tests.support.limited import agreed, dispatched, used
from tests.support.racing import Race, met
from tests.support.starting import LOADED
from tests.support.working import MovedClock, Worker

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier

    from api.composition import Composition

_AT_ONCE = 24
Work = Callable[..., None]


def _order(race: Race, target: UUID | None, command: Command) -> Order:
    principal = Principal(
        race.tenant_id, Actor(ActorKind.SYSTEM, race.tenant_id), frozenset(Permission), None, 0
    )
    return Order(principal, command, target, b"{}")


async def _written(parts: Composition, race: Race, who: UUID) -> str:
    message, workspace = MessageId(new_id(now())), WorkspaceId(race.workspace_id)
    await parts.commands.execute(
        _order(race, who, AuthoriseMessage(message_id=message, workspace_id=workspace))
    )
    try:
        await parts.commands.execute(
            _order(race, who, DispatchMessage(message_id=message, workspace_id=workspace))
        )
    except LimitReached:
        return "refused"
    return "went"


def sends(race: Race, start: Barrier, told: Queue[Counter[str]]) -> None:
    """Write to everybody once."""

    async def run() -> None:
        counts, people = Counter[str](), iter(race.people)

        async def worker(parts: Composition) -> None:
            for who in people:
                counts[await _written(parts, race, who)] += 1

        async with composed(Settings(data=race.folder), race.database) as parts:
            await asyncio.to_thread(start.wait)
            await asyncio.gather(*(worker(parts) for _ in range(_AT_ONCE)))
        told.put(counts)

    uvloop.run(run())


def creates(race: Race, start: Barrier, told: Queue[Counter[str]]) -> None:
    """Make one workspace."""

    async def run() -> None:
        async with composed(Settings(data=race.folder), race.database) as parts:
            await asyncio.to_thread(start.wait)
            try:
                await parts.commands.execute(_order(race, None, CreateWorkspace(name="W")))
            except LimitReached:
                told.put(Counter(refused=1))
            else:
                told.put(Counter(made=1))

    uvloop.run(run())


def raced(race: Race, *work: Work) -> Counter[str]:
    """What came of it, over all processes."""
    start, told = LOADED.Barrier(len(work)), LOADED.Queue()
    processes = [LOADED.Process(target=what, args=(race, start, told)) for what in work]
    for process in processes:
        process.start()
    counts = Counter[str]()
    for _ in processes:
        counts += told.get(timeout=240)
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return counts


async def emails(api: Api, tenant: UUID) -> Usage:
    return await used(api.parts.log, api.parts.commands, tenant, Meter.EMAILS, now())


async def test_of_two_processes_one_gets_the_last_workspace(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as api:
        tenant = await api.tenant(plan=Plan.STARTER)
        race = Race(database.admin, tmp_path, tenant.id, tenant.workspace_id, [])
        await api.act(tenant.id, CreateWorkspace(name="Second"), new_id(now()))
        counts = await asyncio.to_thread(raced, race, creates, creates, creates)
        assert counts == Counter(made=1, refused=2)
        state = await used(api.parts.log, api.parts.commands, tenant.id, Meter.WORKSPACES, now())
        assert state.used == 3


async def test_the_first_uses_begin_a_counter_once(database: Database, tmp_path: Path) -> None:
    async with serving(database, tmp_path) as api:
        tenant = await api.tenant(plan=Plan.PROFESSIONAL)
        race = Race(database.admin, tmp_path, tenant.id, tenant.workspace_id, [])
        assert await asyncio.to_thread(raced, race, creates, creates, creates) == Counter(made=3)
        state = await used(api.parts.log, api.parts.commands, tenant.id, Meter.WORKSPACES, now())
        assert state.used == 4
        log = api.parts.log
        assert await log.count_streams(tenant.id, "workspace", ["tenancy.workspace_archived"]) == 4


async def test_processes_that_send_at_once_pass_no_limit_and_count_exactly(
    database: Database, tmp_path: Path
) -> None:
    async with serving(database, tmp_path) as api:
        tenant = await api.tenant(country="US")
        await api.act(tenant.id, agreed(now(), emails=1_000), SUBSCRIPTION)
        people = await met(api, tenant, 600)
        race = Race(database.admin, tmp_path, tenant.id, tenant.workspace_id, people)
        counts = await asyncio.to_thread(raced, race, sends, sends)
        went = await dispatched(api.parts.log, tenant.id)
        state = await emails(api, tenant.id)
    assert counts["went"] == went == state.used
    assert state.blocks == {}
    # What the other process holds is not to be had meanwhile; it is little, near the limit.
    assert 990 <= went <= 1_000, counts
    assert counts.total() == 1_200


async def test_what_a_killed_process_held_is_settled_by_what_it_sent(
    database: Database, tmp_path: Path
) -> None:
    clock = MovedClock()
    async with serving(database, tmp_path, clock) as api:
        tenant = await api.tenant(country="US")
        await api.act(tenant.id, agreed(now(), emails=2_000), SUBSCRIPTION)
        people = await met(api, tenant, 1_500)
        race = Race(database.admin, tmp_path, tenant.id, tenant.workspace_id, people)
        start, told = LOADED.Barrier(1), LOADED.Queue()
        process = LOADED.Process(target=sends, args=(race, start, told))
        process.start()
        async with asyncio.timeout(120):
            while await dispatched(api.parts.log, tenant.id) < 200:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.01)
        os.kill(process.pid or 0, signal.SIGKILL)
        await asyncio.to_thread(process.join)
        went, state = await dispatched(api.parts.log, tenant.id), await emails(api, tenant.id)
        assert state.blocks, "it held something"
        assert state.used < went <= state.committed
        worker = Worker(api)
        assert "usage.settle_block" not in await worker.work_off()
        await asyncio.to_thread(_let_time_pass, database)
        done = await worker.work_off()
        assert done.count("usage.settle_block") == len(state.blocks)
        state = await emails(api, tenant.id)
        assert (state.used, state.blocks) == (went, {})


def _let_time_pass(database: Database) -> None:
    """All jobs that are to come are due."""
    with psycopg.connect(database.admin) as connection:
        found = connection.execute(
            "SELECT schema_name FROM ops.projection_versions WHERE name = 'jobs' AND state = 'live'"
        ).fetchone()
        assert found is not None
        connection.execute(f"UPDATE {found[0]}.jobs SET due_at = clock_timestamp()".encode())  # noqa: S608 - a name of our own
