"""Copies of destroyed keys are made unreadable a day later, by whoever runs then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from adapters.keys.memory import MemoryKeyStore
from application.ports.keys import KeysUnavailable
from application.rotation import rotate_daily
from domain.kernel.personal import KeyKind

TENANT = UUID(int=1)


class Asked(MemoryKeyStore):
    """Fails at first; then remembers what it rotated, and stops the loop."""

    def __init__(self, stop: asyncio.Event) -> None:
        super().__init__()
        self.answers: list[list[UUID]] = []
        self._stop, self._loop = stop, asyncio.get_running_loop()
        self._fails = 1

    def rotate_due(
        self, destroyed_before: datetime, stopping: Callable[[], bool] = lambda: False
    ) -> list[UUID]:
        if self._fails:
            self._fails -= 1
            raise KeysUnavailable
        self.answers.append(super().rotate_due(destroyed_before, stopping))
        if len(self.answers) > 1:
            self._loop.call_soon_threadsafe(self._stop.set)
        return self.answers[-1]


async def ask(clock: datetime) -> list[list[UUID]]:
    stop = asyncio.Event()
    keys = Asked(stop)
    keys.obtain([(TENANT, "somebody", KeyKind.PROFILE)])
    keys.destroy([(TENANT, "somebody", KeyKind.PROFILE)])
    await asyncio.wait_for(rotate_daily(keys, lambda: clock, stop, every=0.001), 5)
    return keys.answers


async def test_after_a_day_and_then_not_again() -> None:
    assert await ask(datetime.now(UTC) + timedelta(days=1, minutes=1)) == [[TENANT], []]


async def test_not_before_a_day_is_over() -> None:
    assert await ask(datetime.now(UTC) + timedelta(hours=23)) == [[], []]
