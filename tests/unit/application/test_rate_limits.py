"""Blocks of a minute: never over the limit, seldom a question to the counter."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from application.ports.rates import Lease
from application.rate_limits import Allowance, RateLimited, RateLimits

TENANT = UUID(int=7)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Counter:
    """Counts in memory, for any number of processes."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.used: dict[tuple[UUID, str, int], int] = {}
        self.asked = 0

    async def lease(self, tenant_id: UUID, bucket: str, wanted: int, limit: int) -> Lease:
        self.asked += 1
        await asyncio.sleep(0)
        minute = int(self.clock.now // 60)
        used = self.used.get((tenant_id, bucket, minute), 0)
        granted = max(0, min(wanted, limit - used))
        self.used[tenant_id, bucket, minute] = used + granted
        return Lease(granted, limit - used - granted, (minute + 1) * 60 - self.clock.now)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counter(clock: Clock) -> Counter:
    return Counter(clock)


async def admitted(limits: RateLimits, limit: int, attempts: int) -> int:
    """How many of `attempts` at once get through."""
    results = await asyncio.gather(
        *(limits.take(TENANT, limit) for _ in range(attempts)), return_exceptions=True
    )
    assert all(isinstance(one, Allowance | RateLimited) for one in results)
    return sum(isinstance(one, Allowance) for one in results)


@pytest.mark.parametrize("limit", [1, 3, 60, 1_000])
async def test_a_minute_admits_its_limit_and_the_next_one_again(
    clock: Clock, counter: Counter, limit: int
) -> None:
    limits = RateLimits(counter, clock)
    assert await admitted(limits, limit, limit + 50) == limit
    clock.now += 60
    assert await admitted(limits, limit, limit + 50) == limit


async def test_processes_share_it(clock: Clock, counter: Counter) -> None:
    one, two = RateLimits(counter, clock), RateLimits(counter, clock)
    through = await asyncio.gather(admitted(one, 200, 200), admitted(two, 200, 200))
    assert sum(through) == 200


async def test_a_high_limit_asks_seldom(clock: Clock, counter: Counter) -> None:
    limits = RateLimits(counter, clock)
    assert await admitted(limits, 1_000_000, 5_000) == 5_000
    assert counter.asked == 5


async def test_a_refusal_says_when_to_come_back(clock: Clock, counter: Counter) -> None:
    limits = RateLimits(counter, clock)
    first = await limits.take(TENANT, 2)
    assert (first.limit, first.remaining, first.seconds) == (2, 1, 20)
    await limits.take(TENANT, 2)
    with pytest.raises(RateLimited) as refused:
        await limits.take(TENANT, 2)
    allowance = refused.value.extra["allowance"]
    assert isinstance(allowance, Allowance)
    assert (allowance.remaining, allowance.seconds) == (0, 20)


async def test_kinds_of_requests_have_limits_of_their_own(clock: Clock, counter: Counter) -> None:
    limits = RateLimits(counter, clock)
    await limits.take(TENANT, 1)
    await limits.take(TENANT, 1, "reads")
    with pytest.raises(RateLimited):
        await limits.take(TENANT, 1)


async def test_one_who_gives_up_does_not_take_the_lease_of_the_others(clock: Clock, counter: Counter) -> None:
    limits = RateLimits(counter, clock)
    impatient = asyncio.create_task(limits.take(TENANT, 100))
    patient = asyncio.create_task(limits.take(TENANT, 100))
    await asyncio.sleep(0)
    impatient.cancel()
    assert isinstance(await patient, Allowance)
