"""Facts of two tenants, in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.events import History
from tests.unit.olap.test_ingest import World


@pytest.fixture
def opened() -> Iterator[list[World]]:
    worlds: list[World] = []
    yield worlds
    for world in worlds:
        world.store.close()


@pytest.fixture
def world(opened: list[World]) -> World:
    opened.append(World(History(), History()))
    return opened[0]
