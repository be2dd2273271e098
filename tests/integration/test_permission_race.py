"""Opt-outs against authorise-then-dispatch, over several processes: after an opt-out nothing goes."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections import Counter
from pathlib import Path
from uuid import UUID

from application.ports.codec import Cause
from application.ports.log import Append
from application.replay import HistoryFilters
from domain.audience.addressee_events import AddresseeRegistered
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.ids import AddresseeId, WorkspaceId, new_id
from tests.support.api import Api, TestTenant, serving
from tests.support.database import Database
from tests.support.racing import Race, opt_out, send

PEOPLE = 5_000
SENDERS = 2
"""Each goes to everybody: ten thousand pairs of an authorisation and its hand-over."""
AN_APPEND = 500


async def met(api: Api, tenant: TestTenant) -> list[UUID]:
    """People of the United States, who may be written to until they say no."""
    parts, ids = api.parts, [new_id(api.parts.clock()) for _ in range(PEOPLE)]
    for first in range(0, PEOPLE, AN_APPEND):
        pairs = [
            (
                f"addressee:{who}",
                AddresseeRegistered(
                    addressee_id=AddresseeId(who),
                    email=f"{who}@people.example",
                    workspace_id=WorkspaceId(tenant.workspace_id),
                    country="US",
                ),
            )
            for who in ids[first : first + AN_APPEND]
        ]
        command = new_id(parts.clock())
        cause = Cause(Actor(ActorKind.SYSTEM, tenant.id), command, "tests.meet", command)
        await parts.commands.make_keys(parts.codec.keys_of(tenant.id, (event for _, event in pairs), cause))
        await parts.log.append(Append(tenant.id, tuple(parts.codec.encode(tenant.id, pairs, cause))))
    return ids


def raced(race: Race) -> Counter[str]:
    """What came of it, over all processes."""
    context = multiprocessing.get_context("spawn")
    start, told = context.Barrier(SENDERS + 1), context.Queue()
    work = [(send, seed) for seed in range(SENDERS)] + [(opt_out, SENDERS)]
    steps = [context.Value("i", 0) for _ in work]
    processes = [context.Process(target=what, args=(race, seed, start, steps, told)) for what, seed in work]
    for process in processes:
        process.start()
    counts = Counter[str]()
    for _ in processes:
        counts += told.get(timeout=240)
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return counts


async def test_after_an_opt_out_nothing_is_allowed_and_nothing_goes(
    database: Database, tmp_path: Path
) -> None:
    async with serving(database, tmp_path) as api:
        tenant = await api.tenant(country="US")
        race = Race(database.admin, tmp_path, tenant.id, tenant.workspace_id, await met(api, tenant))
        counts = await asyncio.to_thread(raced, race)
        out: set[str] = set()
        seen = Counter[str]()
        async for event in api.parts.replay.events(tenant.id, HistoryFilters(), reveal=False, evidence=False):
            after = "after" if event.stream in out else "before"
            if event.name == "audience.opted_out":
                assert after == "before", "an opt-out stands once"
                out.add(event.stream)
            elif event.name == "audience.permission_decided":
                seen[f"{event.payload['verdict']} {after}"] += 1
            elif event.name == "audience.message_dispatched":
                seen[f"gone {after}"] += 1

    assert len(out) == counts["opted out"] == PEOPLE
    assert seen["allow after"] == seen["gone after"] == seen["deny before"] == 0
    assert seen["gone before"] == counts["dispatched"]
    assert seen["deny after"] == counts["denied"] + counts["withheld"]
    assert counts.total() == (SENDERS + 1) * PEOPLE
    # A race that one side always wins shows nothing.
    assert min(counts["denied"], counts["withheld"], counts["dispatched"]) > PEOPLE // 100, counts
