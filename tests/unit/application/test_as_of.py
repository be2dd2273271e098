"""The position of a moment, in random logs whose clock stands still, leaps and goes back, against plain Python."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from adapters.eventstore.memory import MemoryLog
from application.as_of import last_before, must_have_come, position_at
from application.ports.analytics import InvalidParameters
from application.ports.log import Append, Head, NewEvent, Recorded
from application.ports.positions import Position

TENANTS = (UUID(int=1), UUID(int=2))
STEP = timedelta(microseconds=1)
FIRST = datetime(2026, 10, 31, 23, 59, 59, 999_990, tzinfo=UTC)


class Clock:
    """A clock that somebody sets while it runs."""

    def __init__(self, chance: Random) -> None:
        self.chance, self.now = chance, FIRST

    def __call__(self) -> datetime:
        self.now += self.chance.choice([0, 0, 1, 1, 2, 7, 86_400_000_000, -1, -3_600_000_000]) * STEP
        return self.now


class Counting(MemoryLog):
    """A log that counts how often it is read."""

    reads = 0

    async def read_log(self, *arguments: Any, **options: Any) -> list[Recorded]:
        self.reads += 1
        return await super().read_log(*arguments, **options)


async def histories(chance: Random) -> Counting:
    """Two tenants' logs; several events of one append share a moment."""
    log = Counting(Clock(chance))
    for tenant in TENANTS:
        await log.append(Append(tenant, (), opens_log=True))
    for _ in range(chance.randint(0, 60)):
        events = tuple(
            NewEvent("list:1", "test.happened", 1, b"{}", b"{}") for _ in range(chance.randint(1, 4))
        )
        await log.append(Append(chance.choice(TENANTS), events))
    return log


async def read(log: Counting, tenant: UUID) -> tuple[Head, list[Recorded]]:
    head = await log.head(tenant)
    assert head is not None
    return head, await log.read_log(tenant, after=0, limit=1_000)


@pytest.mark.parametrize("seed", range(60))
async def test_a_moment_is_the_last_position_recorded_by_then(seed: int) -> None:
    chance = Random(seed)
    log = await histories(chance)
    logs = {tenant: await read(log, tenant) for tenant in TENANTS}
    recorded = sorted({row.recorded_at for _, rows in logs.values() for row in rows} | {FIRST})
    beside = {moment + by for moment in recorded for by in (-STEP, timedelta(0), STEP)}
    far = {FIRST - timedelta(days=9_000), recorded[-1] + timedelta(days=9_000)}
    for tenant, (head, rows) in logs.items():
        moments = [row.recorded_at for row in rows]
        assert moments == sorted(moments), "never back, whatever the clock did"
        for moment in beside | far:
            log.reads = 0
            by_then = max((row.position for row in rows if row.recorded_at <= moment), default=0)
            found = await position_at(log, head, moment)
            assert found == Position(head.epoch, by_then), (tenant, moment)
            assert log.reads <= len(rows).bit_length(), "a bisection"
            before = max((row.position for row in rows if row.recorded_at < moment), default=0)
            assert await last_before(log, head, moment, inclusive=False) == before


async def test_a_moment_after_the_last_event_is_now_and_reads_nothing() -> None:
    log = await histories(Random(7))
    for tenant in TENANTS:
        head, rows = await read(log, tenant)
        log.reads = 0
        assert (await position_at(log, head, head.recorded_at)).n == len(rows) == head.position > 0
        assert (await position_at(log, head, datetime(2099, 1, 1, tzinfo=UTC))).n == len(rows)
        assert log.reads == 0


@pytest.mark.parametrize("behind", [timedelta(0), timedelta(hours=1)])
async def test_a_moment_to_come_is_refused_by_the_later_of_both_clocks(behind: timedelta) -> None:
    log = await histories(Random(7))
    head, _ = await read(log, TENANTS[0])
    must_have_come("at_time", head.recorded_at, head, head.recorded_at - behind)
    must_have_come("at_time", head.recorded_at + behind, head, head.recorded_at + behind)
    with pytest.raises(InvalidParameters) as refused:
        must_have_come("to_time", head.recorded_at + STEP, head, head.recorded_at - behind)
    words = (
        f"events are known up to a moment before it: the last was recorded at {head.recorded_at.isoformat()}"
    )
    assert refused.value.problems == (("/to_time", words),)


async def test_of_a_log_without_events_no_moment_to_come_is_known() -> None:
    log = MemoryLog(lambda: FIRST)
    await log.append(Append(TENANTS[0], (), opens_log=True))
    head = await log.head(TENANTS[0])
    assert head is not None
    with pytest.raises(InvalidParameters, match="there are none yet"):
        must_have_come("at_time", FIRST + STEP, head, FIRST)


async def test_the_same_moment_in_another_zone_is_the_same_position() -> None:
    log = await histories(Random(3))
    head, rows = await read(log, TENANTS[0])
    for row in rows:
        elsewhere = datetime.fromisoformat(f"{row.recorded_at:%Y-%m-%dT%H:%M:%S.%f}-05:30") - timedelta(
            hours=5.5
        )
        assert await position_at(log, head, elsewhere) == await position_at(log, head, row.recorded_at)
