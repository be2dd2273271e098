"""An import whose worker is killed with -9 again and again ends as one that was left alone; all that count it agree."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import psycopg
import pytest

from application.ports.positions import Position
from application.replay import HistoryFilters
from domain.audience.contact_import import Import, ImportStatus
from tests.support.api import analytics_of
from tests.support.contact_export import FILES, ROWS
from tests.support.import_runner import work_off
from tests.support.importing import Importing, content
from tests.support.starting import LOADED
from tests.support.suppressions import hashed, listing, ready, take_in

KILLS = 6


@dataclass
class Worker:
    """A process that works an import off."""

    importing: Importing
    folder: Path
    import_id: UUID

    def start(self) -> ForkServerProcess:
        """Begin, or go on."""
        told = (self.folder, self.importing.database.admin, self.importing.tenant.id, self.import_id)
        process = LOADED.Process(target=work_off, args=told)
        process.start()
        return process

    async def state(self) -> Import:
        """Where the import stands in the log."""
        return await self.importing.api.parts.imports.existing(self.importing.tenant.id, self.import_id)

    async def killed_after(self, chunks: int, moment: float) -> bool:
        """Work until so many more chunks are in the log, and a moment on; False where it ended before."""
        already = (await self.state()).chunks
        process = self.start()
        while process.exitcode is None and (await self.state()).chunks < already + chunks:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.002)
        await asyncio.sleep(moment)
        if (await self.state()).status is not ImportStatus.RUNNING:
            assert await _ended(process) == 0
            return False
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        process.kill()
        await _ended(process)
        _, alive = await asyncio.to_thread(psutil.wait_procs, family[1:], timeout=20)
        assert not alive, "a reader ends with its worker"
        return True

    async def finish(self) -> Import:
        """Work to the end."""
        assert await _ended(self.start()) == 0
        return await self.state()


async def _ended(process: ForkServerProcess) -> int | None:
    await asyncio.to_thread(process.join)
    return process.exitcode


def people(count: int) -> bytes:
    """New people, repeats, withdrawals, rejected rows and those that are there already, all over the file."""
    dice = random.Random(11)
    rows: list[tuple[str, ...]] = []
    for number in range(count):
        who = dice.randrange(number + 1) if dice.random() < 0.1 else number
        email = f"p{who}@people.example" if dice.random() > 0.03 else f"p{who} people"
        stop = "yes" if dice.random() < 0.05 else ""
        rows.append((email, f"Name {number}", "DE", "2025-01-31" if who % 3 else "", stop))
    return content(*rows)


async def result(importing: Importing, state: Import) -> dict[str, Any]:
    """All that an import leaves, without ids and moments."""
    contacts = await importing.contacts()
    names = [row.name for row in await importing.history() if row.name.startswith("audience.")]
    lines = await importing.api.parts.imports.error_file(importing.tenant.id, state.import_id)
    return {
        "status": state.status,
        "chunks": state.chunks,
        "tally": state.tally,
        "problems": dict(state.problems),
        "warnings": dict(state.warnings),
        "errors": b"".join(lines),
        "contacts": {email: (c.first_name, c.attributes, c.segment) for email, c in contacts.items()},
        "events": {name: names.count(name) for name in set(names)},
    }


async def test_a_worker_that_is_killed_again_and_again(importing: Importing, tmp_path: Path) -> None:
    file = people(9_000)
    started = await importing.ready(
        content(("p5@people.example", "Before"), ("p8000@people.example", "Before"))
    )
    await importing.run(started)
    import_id = await importing.ready(file)
    mapping = {"mapping": {"duplicates": "update"}}
    assert (await importing.command(import_id, "start-import", mapping)).status_code == 200
    worker, dice, kills = Worker(importing, tmp_path, import_id), random.Random(7), 0
    while kills < KILLS:
        assert await worker.killed_after(dice.randint(1, 4), dice.uniform(0, 0.03)), "killed while it worked"
        kills += 1
    state = await worker.finish()
    assert state.status is ImportStatus.COMPLETED

    alone = Importing(importing.api, importing.http, await importing.api.tenant("Alone"), importing.database)
    await alone.run(
        await alone.ready(content(("p5@people.example", "Before"), ("p8000@people.example", "Before")))
    )
    left_alone = await alone.run(await alone.ready(file), {"duplicates": "update"})
    assert await result(importing, state) == await result(alone, left_alone)
    assert state.tally.rows == 9_000


def suppressed(count: int) -> bytes:
    """Addresses and hashes, the same again, and words that nobody knows, all over the file."""
    dice, words = random.Random(13), ("unsubscribe", "spam", "bounce", "manual", "bored")
    rows: list[tuple[str, ...]] = []
    for number in range(count):
        who = f"p{dice.randrange(number + 1) if dice.random() < 0.2 else number}@people.example"
        word = words[min(int(dice.expovariate(1)), 4)]
        rows.append((hashed(who, dice.choice(["md5", "sha256"])) if dice.random() < 0.4 else who, word))
    return listing(*rows, header=("Email", "Reason"))


async def test_a_suppression_list_whose_worker_is_killed_again_and_again(
    importing: Importing, tmp_path: Path
) -> None:
    file = suppressed(6_000)
    import_id = await ready(importing, file)
    assert (await importing.command(import_id, "start-import")).status_code == 200
    worker, dice = Worker(importing, tmp_path, import_id), random.Random(17)
    for _ in range(KILLS):
        assert await worker.killed_after(dice.randint(1, 3), dice.uniform(0, 0.03)), "killed while it worked"
    state = await worker.finish()
    assert (state.status, state.tally.rows) == (ImportStatus.COMPLETED, 6_000)
    assert min(state.tally.imported, state.tally.skipped, state.tally.rejected) > 0

    alone = Importing(importing.api, importing.http, await importing.api.tenant("Alone"), importing.database)
    left_alone = await take_in(alone, file)
    assert await result(importing, state) == await result(alone, left_alone)
    again = await take_in(importing, file)
    assert (again.tally.imported, again.tally.rejected) == (0, state.tally.rejected)


@pytest.mark.parametrize("file", FILES)
async def test_a_large_export_is_counted_alike_by_all(
    importing: Importing, tmp_path: Path, file: Callable[[], bytes]
) -> None:
    import_id = await importing.ready(file())
    mapping = {"mapping": {"date_order": "DMY", "duplicates": "update"}}
    assert (await importing.command(import_id, "start-import", mapping)).status_code == 200
    worker = Worker(importing, tmp_path, import_id)
    assert await worker.killed_after(10, 0.01)
    state = await worker.finish()
    tally, tenant_id = state.tally, importing.tenant.id
    assert (state.status, tally.rows, state.rows) == (ImportStatus.COMPLETED, ROWS, ROWS)
    assert tally.imported + tally.updated + tally.skipped + tally.rejected == ROWS
    assert sum(state.problems.values()) >= tally.rejected > 0

    parts = importing.api.parts
    created = HistoryFilters(name=["audience.contact_created"])
    replayed = [event.stream async for event in parts.replay.events(tenant_id, created)]
    assert len(replayed) == len(set(replayed)) == tally.imported
    assert sum(1 for row in await importing.history() if row.name == created.name[0]) == tally.imported

    await importing.api.project()
    with psycopg.connect(importing.database.admin) as connection:
        assert _counted(connection, "contacts", "contacts", tenant_id) == tally.imported
        addresses = _counted(connection, "contacts", "contacts", tenant_id, "DISTINCT email_match")
        assert addresses == tally.imported, "nobody is there twice"
    head = await parts.log.head(tenant_id)
    assert head is not None
    with analytics_of(importing.api):
        report = await parts.analytics.report(
            "contacts_by_segment", tenant_id, {}, min_position=Position(head.epoch, head.position)
        )
    assert sum(int(str(row[-1])) for row in report.rows) == tally.imported
    answer = await importing.get(f"/v1/audience/imports/{import_id}/errors")
    assert state.problems["date-contradicts-order"] > 0
    assert answer.content.count(b"date-contradicts-order") == state.problems["date-contradicts-order"]


def _counted(connection: Any, view: str, table: str, tenant_id: UUID, what: str = "*") -> int:
    (schema,) = connection.execute(
        "SELECT schema_name FROM ops.projection_versions WHERE name = %s AND state = 'live'", (view,)
    ).fetchone()
    statement = f"SELECT count({what}) FROM {schema}.{table} WHERE tenant_id = %s"  # noqa: S608 - names of our own
    (count,) = connection.execute(statement, (tenant_id,)).fetchone()
    return int(count)
