"""Refusals are counted: one entry a reader and door, however often somebody knocks, and none is lost to an outage."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.memory import MemoryLog
from adapters.keys.maker import CoalescedKeys
from adapters.keys.memory import MemoryKeyStore
from application import denials as counting
from application.denials import Denials
from application.ports.log import LogUnavailable
from application.principals import Principal
from application.reading import AccessLog
from tests.support.given import ACTOR, NOW, TENANT

SOMEBODY = Principal(TENANT, ACTOR, frozenset(), 1, 60)


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog(lambda: NOW)


@pytest.fixture
def denials(log: MemoryLog) -> Denials:
    codec = JsonCodec(MemoryKeyStore())
    return Denials(AccessLog(log, codec, CoalescedKeys(codec.ring), lambda: NOW), lambda: NOW)


async def told(log: MemoryLog) -> list[tuple[str, int]]:
    rows = await log.read_log(TENANT, limit=100)
    found: list[dict[str, Any]] = [orjson.loads(row.payload) for row in rows]
    return [(one["query"], one["requests"]) for one in found]


async def test_however_often_somebody_knocks_it_is_one_entry_a_door(log: MemoryLog, denials: Denials) -> None:
    for _ in range(1_000):
        denials.note(SOMEBODY, "history.events", "history.read", "192.0.2.1")
    denials.note(SOMEBODY, "access.reads", "access.read", "192.0.2.1")
    await denials.flush()
    await denials.flush()
    assert await told(log) == [("history.events", 1_000), ("access.reads", 1)]
    await denials.close()


async def test_doors_beyond_what_is_told_apart_are_counted_together(
    log: MemoryLog, denials: Denials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "_MOST", 2)
    for number in range(10):
        denials.note(SOMEBODY, f"door.{number}", "history.read", None)
    await denials.close()
    assert await told(log) == [("door.0", 1), ("door.1", 1), ("*", 8)]


async def test_what_cannot_be_entered_is_counted_on(
    log: MemoryLog, denials: Denials, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: object) -> None:
        raise LogUnavailable("away")

    denials.note(SOMEBODY, "history.events", "history.read", None)
    with monkeypatch.context() as outage:
        outage.setattr(log, "append", away)
        await denials.flush()
    denials.note(SOMEBODY, "history.events", "history.read", None)
    await denials.close()
    assert await told(log) == [("history.events", 2)]
