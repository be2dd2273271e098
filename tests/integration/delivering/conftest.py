"""A tenant with a worker, a clock that is moved and a mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.api import serving
from tests.support.database import Database
from tests.support.mailbox import Mailbox
from tests.support.offices import Office
from tests.support.working import MovedClock


@pytest.fixture
async def office(
    database: Database, tmp_path: Path, clock: MovedClock, box: Mailbox
) -> AsyncIterator[Office]:
    async with serving(
        database, tmp_path, clock, smtp_url=box.url, mail_from="reports@sender.example"
    ) as api:
        yield Office(api, await api.tenant(), clock, tmp_path)
