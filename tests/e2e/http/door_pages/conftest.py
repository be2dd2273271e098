"""Somebody who has links to the pages for people, of an API that the world reaches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.api import Api, serving
from tests.support.database import Database
from tests.support.doors import (
    PUBLIC,
    SENDER,
    Clock,
    Person,
    met,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def api(database: Database, tmp_path: Path, clock: Clock) -> AsyncIterator[Api]:
    """The API, reachable by the world."""
    async with serving(database, tmp_path, clock=clock, public_url=PUBLIC) as made:
        yield made


@pytest.fixture
async def ada(api: Api) -> Person:
    tenant = await api.tenant()
    renamed = await api.post(f"/v1/tenancy/{tenant.id}/rename-tenant", tenant.key, {"name": SENDER})
    assert renamed.status_code == 200, renamed.text
    return await met(api, tenant)
