"""Replaying a tenant's history through `application.replay`: every event decoded, personal values opened.

- `events_per_s`: all events of a log of contacts, in order, each with three personal values opened and its actor shown.
- `sealed_events_per_s`: the same for a reader who may not see personal values.
- `limit_ratio`: `events_per_s` over the rate at which the same rows are read from Postgres and left undecoded.
- `page_ms`: the median time of a page of 50 events from the middle of the log, under a filter by actor.
- `state_ms`: the median time of one stream's state as of a position.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.log import PostgresLog
from adapters.keys.sqlite import SqliteKeyStore
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import migrate
from adapters.postgres.roles import Role
from application.ports.codec import Cause
from application.ports.log import Append
from application.ports.positions import Position
from application.replay import HistoryFilters, Replay
from domain.audience.contact import ContactCreated, Segment
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.ids import AddresseeId, ContactId, WorkspaceId, new_id

_A_COMMAND = 500
_PAGES = 30


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the shape of every bench
    """The figures; `quick` takes about 20 s."""
    with tempfile.TemporaryDirectory(prefix="penguinmails-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with EmbeddedPostgres(folder / "data") as server:
            migrate(server.admin_dsn, server.passwords)
            return asyncio.run(_measured(server, folder, 20_000 if quick else 200_000))


async def _measured(server: EmbeddedPostgres, folder: Path, count: int) -> dict[str, float]:
    keys = SqliteKeyStore(folder / "keys")
    codec = JsonCodec(keys)
    async with PostgresLog(server.dsn(Role.APPENDER), server.dsn(Role.LOADER)) as log:
        tenant, contacts = await _recorded(log, codec, count)
        replay = Replay(log, codec)
        raw = await _rate(count, lambda: _read(log, tenant))
        opened = await _rate(count, lambda: _replayed(replay, tenant, reveal=True))
        sealed = await _rate(count, lambda: _replayed(replay, tenant, reveal=False))
        middle = Position(1, count // 2)
        filters = HistoryFilters(actor=["api_key"])
        page = await replay.history(tenant, filters)
        pages = [await _ms(lambda: replay.history(tenant, filters, cursor=page.next)) for _ in range(_PAGES)]
        states = [
            await _ms(partial(replay.state, tenant, stream, at=middle, reveal=True))
            for stream in contacts[:_PAGES]
        ]
    keys.close()
    return {
        "events_per_s": opened,
        "sealed_events_per_s": sealed,
        "limit_ratio": opened / raw,
        "page_ms": statistics.median(pages),
        "state_ms": statistics.median(states),
    }


async def _recorded(log: PostgresLog, codec: JsonCodec, count: int) -> tuple[UUID, list[str]]:
    """A log of contacts; the streams of the first of them."""
    now = datetime.now(UTC)
    tenant, workspace, actor = new_id(now), WorkspaceId(new_id(now)), Actor(ActorKind.API_KEY, new_id(now))
    streams: list[str] = []
    for start in range(0, count, _A_COMMAND):
        events = [_created(workspace, number) for number in range(start, min(count, start + _A_COMMAND))]
        pairs = [(f"contact:{event.contact_id}", event) for event in events]
        streams += [stream for stream, _ in pairs][: max(0, _PAGES - len(streams))]
        command = new_id(now)
        encoded = codec.encode(tenant, pairs, Cause(actor, command, "bench.record", command, ip="192.0.2.1"))
        await log.append(Append(tenant, tuple(encoded), opens_log=True))
    return tenant, streams


def _created(workspace: WorkspaceId, number: int) -> ContactCreated:
    now = datetime.now(UTC)
    return ContactCreated(
        contact_id=ContactId(new_id(now)),
        workspace_id=workspace,
        addressee_id=AddresseeId(new_id(now)),
        email=f"person{number}@example.org",
        first_name=f"Person {number}",
        company="Example",
        segment=Segment(country="DE", source="import"),
    )


async def _read(log: PostgresLog, tenant: UUID) -> int:
    rows = after = 0
    while found := await log.read_log(tenant, after=after, limit=1_000):
        rows, after = rows + len(found), found[-1].position
    return rows


async def _replayed(replay: Replay, tenant: UUID, *, reveal: bool) -> int:
    return sum([1 async for _ in replay.events(tenant, HistoryFilters(), reveal=reveal, evidence=reveal)])


async def _rate(count: int, work: Callable[[], Awaitable[int]]) -> float:
    started = time.perf_counter()
    seen = await work()
    if seen != count:
        raise RuntimeError(f"{seen} events were seen of {count}")
    return count / (time.perf_counter() - started)


async def _ms(work: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await work()
    return (time.perf_counter() - started) * 1000
