"""Letters about usage, trials, payments and access: to whom they go, how often, and what becomes of them."""

from __future__ import annotations

from domain.kernel.permissions import TenantRole
from tests.support.mailbox import Mailbox
from tests.support.noticed import Noticed


async def test_usage_is_told_to_owners_and_to_those_who_read_the_bills_and_to_nobody_else(
    noticed: Noticed, box: Mailbox
) -> None:
    for number in range(11):
        await noticed.member(TenantRole.VIEWER, f"viewer{number}@acme.example")
    assert await noticed.work_off() == ["billing.notify"]
    print(box.received[0][1].get_content(), box.received[0][1]["subject"])
    print(await noticed.notices())
    assert [to for to, _ in box.received] == ["owner@acme.example"]
