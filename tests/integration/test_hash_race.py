"""Hashes that come onto the list against authorise-then-dispatch, over several processes: what is listed holds at once.

Nobody can tell beforehand whose a hash is: that no allow comes after it is seen from the log alone, by position.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from domain.audience.addressee_events import PermissionDecided
from domain.audience.hashed import ADDRESS_HASH, Algorithm
from domain.kernel.commands import stream_name
from tests.support.api import serving
from tests.support.database import Database
from tests.support.importing import Importing
from tests.support.racing import Race, hash_of, list_hashes, met, raced, send

PEOPLE = 1_500
SENDERS = 2


async def test_from_the_position_of_a_hash_on_nothing_is_allowed_to_whose_it_is_and_nothing_goes(
    database: Database, tmp_path: Path
) -> None:
    async with serving(database, tmp_path) as api:
        tenant = await api.tenant(country="US")
        people = await met(api, tenant, PEOPLE)
        race = Race(database.admin, tmp_path, tenant.id, tenant.workspace_id, people)
        counts = await asyncio.to_thread(raced, race, [*[send] * SENDERS, list_hashes])
        pseudonyms = api.parts.commands.streams.pseudonyms
        whose = {
            stream_name(ADDRESS_HASH.category, key): f"addressee:{who}"
            for who in people
            for algorithm in Algorithm
            for key in pseudonyms(tenant.id, ADDRESS_HASH.category, hash_of(who, algorithm))
        }
        listed: set[str] = set()
        seen = Counter[str]()
        rows = await Importing(api, api.http, tenant, database).history()
        for row, event in zip(rows, api.parts.codec.decode(rows), strict=True):
            after = "after" if row.stream in listed else "before"
            if row.name == "audience.address_hash_listed":
                listed.add(whose[row.stream])
            elif isinstance(event, PermissionDecided):
                seen[f"{event.verdict} {after}"] += 1
            elif row.name in ("audience.message_dispatched", "audience.opted_out"):
                seen[f"{row.name.partition('.')[2]} {after}"] += 1

    assert len(listed) == counts["listed"] == PEOPLE
    assert seen["allow after"] == seen["message_dispatched after"] == 0, seen
    assert seen["deny before"] == seen["opted_out before"] == 0, "nobody is suppressed before they are listed"
    assert seen["message_dispatched before"] == counts["dispatched"]
    assert seen["opted_out after"] <= PEOPLE, "entered with the addressee at the first decision, once"
    assert seen["deny after"] == counts["denied"] + counts["withheld"]
    # A race that one side always wins shows nothing.
    assert min(counts["denied"], counts["withheld"], counts["dispatched"]) > PEOPLE // 100, counts
