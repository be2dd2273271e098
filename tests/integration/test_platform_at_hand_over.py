"""What the platform suppresses holds back a message at its hand-over, before its copy has come to the tenant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.kernel.permissions import StaffRole
from tests.support.api import serving
from tests.support.database import Database
from tests.support.importing import Importing
from tests.support.platform import ANN, BARRED, BOB, Platform, bought, contact, verdict


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    async with serving(database, tmp_path) as api:
        _, key = await api.staff(StaffRole.OPERATIONS)
        yield Platform(api, key, database)


async def allowed(office: Importing, addressee: UUID, **fields: Any) -> dict[str, str]:
    """A message that may go: what its hand-over names."""
    message = {"workspace_id": str(office.tenant.workspace_id), "message_id": str(uuid4())}
    assert (await verdict(office, addressee, **message, **fields))[0] == "allow"
    return message


async def handed_over(office: Importing, addressee: UUID, message: dict[str, str]) -> dict[str, Any]:
    path = f"/v1/audience/{addressee}/dispatch-message"
    answer = await office.api.post(path, office.tenant.key, message)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()["result"]
    return result


async def entered(office: Importing) -> list[str]:
    """What the tenant's log tells of the platform's suppressions."""
    rows = await office.api.parts.log.read_log(office.tenant.id, after=0, limit=1_000)
    told = ("audience.email_barred", "audience.addressee_suppressed")
    return [row.name for row in rows if row.name in told]


async def test_it_holds_back_what_was_allowed_before_and_the_copy_finds_it_there(platform: Platform) -> None:
    office = await platform.opened("Office")
    ann, bob = await contact(office, ANN), await contact(office, BOB)
    to_ann, to_bob = await allowed(office, ann), await allowed(office, bob)
    first = await allowed(office, ann)
    assert (await handed_over(office, ann, first))["dispatched"], "the platform says nothing yet"
    await platform.suppress(ANN.upper())
    held = await handed_over(office, ann, to_ann)
    assert held["dispatched"] is False
    assert (held["decision"]["verdict"], held["decision"]["reasons"][0]["rule"]) == BARRED
    assert (await handed_over(office, bob, to_bob))["dispatched"]
    once = await entered(office)
    assert once == ["audience.email_barred", "audience.addressee_suppressed"]
    assert await platform.worker.work_off() == ["suppression.copy"]
    assert await entered(office) == once


async def test_a_complaint_holds_back_no_message_that_is_due_anyway(platform: Platform) -> None:
    office = await platform.opened("Office")
    ann = await contact(office, ANN)
    await bought(office, ann)
    due = await allowed(office, ann, purpose="transactional")
    await platform.suppress(ANN)
    assert (await handed_over(office, ann, due))["dispatched"]


async def test_what_was_released_before_it_was_copied_holds_nothing_back(platform: Platform) -> None:
    office = await platform.opened("Office")
    ann = await contact(office, ANN)
    message = await allowed(office, ann)
    await platform.release(await platform.suppress(ANN))
    assert (await handed_over(office, ann, message))["dispatched"]
    assert await entered(office) == []
