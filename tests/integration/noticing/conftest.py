"""A tenant with a worker, a clock that is moved and a mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.tenancy.plans import Plan
from tests.support.api import serving
from tests.support.database import Database
from tests.support.mailbox import Mailbox
from tests.support.noticed import Noticed
from tests.support.working import MovedClock


@pytest.fixture
async def noticed(
    database: Database, tmp_path: Path, clock: MovedClock, box: Mailbox
) -> AsyncIterator[Noticed]:
    async with serving(
        database,
        tmp_path,
        clock,
        smtp_url=box.url,
        mail_from="billing@sender.example",
        public_url="https://portal.example",
    ) as api:
        yield Noticed(api, await api.tenant(plan=Plan.PROFESSIONAL), clock)
