"""Pages of one stream: whole, in order, and read in windows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.memory import MemoryLog
from adapters.keys.memory import MemoryKeyStore
from application.ports.log import Append, NewEvent
from application.replay import Direction, HistoryFilters, Replay

if TYPE_CHECKING:
    from application.ports.log import Recorded

STREAM = "list:1"
EVENTS = 3_300


class Counting(MemoryLog):
    """A log that counts the rows it gives."""

    given = 0

    async def read_streams(self, *_: Any, **__: Any) -> list[list[Recorded]]:
        raise AssertionError("a page reads a window, not the stream")

    async def read_stream(self, *arguments: Any, **options: Any) -> list[Recorded]:
        rows = await super().read_stream(*arguments, **options)
        self.given += len(rows)
        return rows

    async def read_log(self, *arguments: Any, **options: Any) -> list[Recorded]:
        rows = await super().read_log(*arguments, **options)
        self.given += len(rows)
        return rows


@pytest.fixture
async def log() -> Counting:
    """Two streams that take turns."""
    log = Counting()
    tenant = UUID(int=1)
    for start in range(0, EVENTS, 300):
        both = [
            NewEvent(stream, "test.happened", 1, b"{}", b"{}")
            for _ in range(start, start + 300)
            for stream in (STREAM, "list:2")
        ]
        await log.append(Append(tenant, tuple(both), opens_log=True))
    return log


@pytest.mark.parametrize("direction", list(Direction))
async def test_pages_of_a_stream_are_whole_and_read_no_more_than_a_window(
    log: Counting, direction: Direction
) -> None:
    replay, cursor, seen = Replay(log, JsonCodec(MemoryKeyStore())), None, list[int]()
    while True:
        log.given = 0
        page = await replay.history(
            UUID(int=1), HistoryFilters(stream=STREAM), direction=direction, cursor=cursor, limit=100
        )
        assert log.given <= 1_100, "one window, and a few rows to find it by"
        seen += [event.version for event in page.events]
        cursor = page.next
        if cursor is None:
            break
    expected = list(range(1, EVENTS + 1))
    assert seen == (expected if direction is Direction.FORWARD else expected[::-1])


async def test_a_stream_between_two_moments(log: Counting) -> None:
    replay = Replay(log, JsonCodec(MemoryKeyStore()))
    rows = await log.read_log(UUID(int=1), after=0, limit=10_000)
    middle = rows[len(rows) // 2].recorded_at
    early = HistoryFilters(stream=STREAM, before=middle)
    late = HistoryFilters(stream=STREAM, after=middle)
    counts = [len([event async for event in replay.events(UUID(int=1), part)]) for part in (early, late)]
    assert sum(counts) == EVENTS
    assert counts[0] == sum(row.stream == STREAM and row.recorded_at < middle for row in rows)
    nothing = HistoryFilters(stream=f"list:{uuid4()}", after=middle - timedelta(days=1))
    assert [event async for event in replay.events(UUID(int=1), nothing)] == []
