"""What is in a log already, looked up in the log itself: what a counter begins with, and all events of some names."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.billing.catalogue import Meter
from domain.billing.usage import begins

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from application.ports.log import Recorded, TenantLog

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
    after = await _before(log, tenant_id, begins(period))
    return await _dispatched(log, tenant_id, "occurred_at", period, after)


async def used_of(log: TenantLog, tenant_id: UUID, block_id: UUID, after: int) -> int:
    """How many messages were handed over under a block that was reserved at position `after`."""
    return await _dispatched(log, tenant_id, "block_id", str(block_id), after)


async def named(
    log: TenantLog, tenant_id: UUID, names: Sequence[str], since: datetime | None
) -> AsyncIterator[Recorded]:
    """The events of some names that were recorded since a moment, and a few before it; all without one."""
    after = 0 if since is None else await _before(log, tenant_id, since)
    async for start, up_to in _parts(log, tenant_id, after):
        for row in await log.read_named(tenant_id, names, after=start, up_to=up_to):
            yield row


async def _dispatched(log: TenantLog, tenant_id: UUID, field: str, prefix: str, after: int) -> int:
    found = 0
    async for start, up_to in _parts(log, tenant_id, after):
        found += await log.count_events(tenant_id, _DISPATCHED, field, prefix, after=start, up_to=up_to)
    return found


async def _parts(log: TenantLog, tenant_id: UUID, after: int) -> AsyncIterator[tuple[int, int]]:
    """What follows a position, in parts that one statement can look through."""
    head = await log.head(tenant_id)
    last = 0 if head is None else head.position
    for start in range(after, last, _AT_ONCE):
        yield start, min(start + _AT_ONCE, last)


async def _before(log: TenantLog, tenant_id: UUID, since: datetime) -> int:
    """A position before all that happened since a moment: time order is position order, so halving finds it."""
    moment = since - _CLOCKS
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
