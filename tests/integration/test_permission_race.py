"""Opt-outs against authorise-then-dispatch, over several processes: after an opt-out nothing goes."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from application.replay import HistoryFilters
from tests.support.api import serving
from tests.support.database import Database
from tests.support.racing import Race, met, opt_out, raced, send

PEOPLE = 5_000
SENDERS = 2
"""Each goes to everybody: ten thousand pairs of an authorisation and its hand-over."""


async def test_after_an_opt_out_nothing_is_allowed_and_nothing_goes(
    database: Database, tmp_path: Path
) -> None:
    async with serving(database, tmp_path) as api:
        tenant = await api.tenant(country="US")
        race = Race(database.admin, tmp_path, tenant.id, tenant.workspace_id, await met(api, tenant, PEOPLE))
        counts = await asyncio.to_thread(raced, race, [*[send] * SENDERS, opt_out])
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
