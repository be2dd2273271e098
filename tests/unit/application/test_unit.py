"""What a unit reads: its own overlay before the cache, and never a cached state that holds personal values."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

import domain.registered  # noqa: F401 - the deciders register themselves
from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.memory import MemoryLog
from adapters.keys.memory import MemoryKeyStore
from application.unit import Streams, Unit
from domain.kernel.commands import DECIDERS, Stamp, stream_name
from tests.support.given import ACTOR, NOW, TENANT

if TYPE_CHECKING:
    from application.unit import Folded

KEY = uuid4()
NAME = stream_name("list", KEY)
STAMP = Stamp(NOW, uuid4(), ACTOR, TENANT, KEY)


@pytest.fixture
def streams() -> Streams:
    """Streams whose cache holds a state that the log does not have."""
    keys = MemoryKeyStore()
    made = Streams(MemoryLog(), JsonCodec(keys), keys)
    made.cache.put(TENANT, NAME, (7, "cached"))
    return made


async def test_what_is_cached_is_read_at_its_version(streams: Streams) -> None:
    unit = Unit(streams, STAMP)
    assert await unit.load("list", KEY) == "cached"
    assert unit.expected() == ((NAME, 7),)


async def test_a_fresh_unit_reads_the_log(streams: Streams) -> None:
    unit = Unit(streams, STAMP, fresh=True)
    assert await unit.load("list", KEY) == DECIDERS["list"].initial
    assert unit.expected() == ((NAME, 0),)


async def test_an_overlay_counts_before_the_cache(streams: Streams) -> None:
    overlay: dict[str, Folded] = {NAME: (9, "ours")}
    unit = Unit(streams, STAMP, overlay=overlay)
    assert await unit.load("list", KEY) == "ours"
    assert unit.version_of(NAME) == 9


async def test_what_a_unit_read_it_does_not_read_again(streams: Streams) -> None:
    unit = Unit(streams, STAMP)
    await unit.load("list", KEY)
    streams.cache.put(TENANT, NAME, (8, "newer"))
    assert await unit.load("list", KEY) == "cached"


async def test_states_with_personal_values_are_read_from_the_log_alone(streams: Streams) -> None:
    name = stream_name("contact", KEY)
    streams.cache.put(TENANT, name, (3, "somebody"))
    unit = Unit(streams, STAMP)
    assert await unit.load("contact", KEY) == DECIDERS["contact"].initial
