"""Copies of destroyed keys are made unreadable a day later, by whoever runs then."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from adapters.keys.memory import MemoryKeyStore
from application.ports.keys import KeysUnavailable, RotationIncomplete
from application.rotation import AFTER, EVERY, Rotation
from application.stores import KEYS
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
    await asyncio.wait_for(Rotation(keys, lambda: clock).run(stop, every=0.001), 5)
    return keys.answers


async def test_after_a_day_and_then_not_again() -> None:
    assert await ask(datetime.now(UTC) + timedelta(days=1, minutes=1)) == [[TENANT], []]


async def test_not_before_a_day_is_over() -> None:
    assert await ask(datetime.now(UTC) + timedelta(hours=23)) == [[], []]


def test_it_is_as_soon_as_certificates_say() -> None:
    assert AFTER + timedelta(seconds=EVERY) == timedelta(days=1, hours=1)
    assert "within a day and an hour" in KEYS.proof
    assert inspect.signature(Rotation.run).parameters["every"].default == EVERY


class Unreadable(MemoryKeyStore):
    """Cannot rotate for one tenant until it is mended; stops the loop after each look."""

    def __init__(self, stop: asyncio.Event) -> None:
        super().__init__()
        self.mended = False
        self._stop, self._loop = stop, asyncio.get_running_loop()

    def rotate_due(self, *_: object, **__: object) -> list[UUID]:
        self._loop.call_soon_threadsafe(self._stop.set)
        if self.mended:
            return [TENANT]
        raise RotationIncomplete([UUID(int=2)], [TENANT])


async def test_tenants_that_are_left_over_are_named_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    stop = asyncio.Event()
    keys = Unreadable(stop)
    rotation = Rotation(keys, lambda: datetime.now(UTC))
    await asyncio.wait_for(rotation.run(stop), 5)
    assert rotation.failing == 1
    assert f"keys of tenant {TENANT} cannot be read" in caplog.text
    assert "of 1 tenants were rotated" in caplog.text
    keys.mended = True
    stop.clear()
    await asyncio.wait_for(rotation.run(stop), 5)
    assert rotation.failing == 0
