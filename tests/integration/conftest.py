"""What several of these tests live with: a clock that is moved, and a mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.mailbox import Mailbox, mailbox
from tests.support.working import MovedClock


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    async with mailbox() as made:
        yield made
