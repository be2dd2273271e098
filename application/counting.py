"""What is in a log already, counted from the log itself: what a counter begins with, and what became of a block."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.billing.catalogue import Meter
from domain.billing.usage import begins

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from application.ports.log import TenantLog

_DISPATCHED: Final = "audience.message_dispatched"
_ENDED: Final[Mapping[Meter, tuple[str, tuple[str, ...]]]] = {
    Meter.USERS: ("member", ("tenancy.member_removed", "tenancy.invitation_revoked")),
    Meter.WORKSPACES: ("workspace", ("tenancy.workspace_archived",)),
}
"""The streams of what stands, and the events after which it does not: an id is used once."""
_AT_ONCE: Final = 100_000
"""Positions that one statement looks through: a part of what a statement may take."""
_CLOCKS: Final = timedelta(minutes=10)
"""How far the clock of a process may be ahead of the log's."""


async def standing(log: TenantLog, tenant_id: UUID, meter: Meter) -> int:
    """How much of a meter stands now. Of what nothing can be made yet, nothing does."""
    of = _ENDED.get(meter)
    return 0 if of is None else await log.count_streams(tenant_id, *of)


async def sent_in(log: TenantLog, tenant_id: UUID, period: str) -> int:
    """How many messages were handed over in a month, UTC."""
    after = await _before(log, tenant_id, period)
    return await _dispatched(log, tenant_id, "occurred_at", period, after)


async def used_of(log: TenantLog, tenant_id: UUID, block_id: UUID, after: int) -> int:
    """How many messages were handed over under a block that was reserved at position `after`."""
    return await _dispatched(log, tenant_id, "block_id", str(block_id), after)


async def _dispatched(log: TenantLog, tenant_id: UUID, field: str, prefix: str, after: int) -> int:
    head = await log.head(tenant_id)
    last = 0 if head is None else head.position
    found = 0
    for start in range(after, last, _AT_ONCE):
        up_to = min(start + _AT_ONCE, last)
        found += await log.count_events(tenant_id, _DISPATCHED, field, prefix, after=start, up_to=up_to)
    return found


async def _before(log: TenantLog, tenant_id: UUID, period: str) -> int:
    """A position before all that happened in a month: time order is position order, so halving finds it."""
    moment = begins(period) - _CLOCKS
    head = await log.head(tenant_id)
    low, high = 0, 0 if head is None else head.position
    while low < high:
        middle = (low + high) // 2
        (event,) = await log.read_log(tenant_id, after=middle, limit=1)
        if event.recorded_at < moment:
            low = middle + 1
        else:
            high = middle
    return low
