"""Rate limits: plan data, counted in commands, shared by all processes of the installation.

Each process leases a block of a tenant's minute, at most a twentieth of its limit, and spends it without asking again.
What is leased counts as used: no minute ever admits more than its limit, whatever the number of processes. The price
is that a block a process did not spend lapses with its minute: a process that stands idle costs a tenant at most a
twentieth of its limit (and never the last command of it, since small limits are leased one by one).
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.kernel.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from application.ports.rates import RateCounter

COMMANDS_BUCKET: Final = "commands"
READS_BUCKET: Final = "reads"
READS_PER_COMMAND: Final = 10
"""Reads have a limit of their own: this many times the plan's commands."""
_SHARE: Final = 20
_LARGEST_BLOCK: Final = 1_000
_KEPT: Final = 20_000


class RateLimited(Refusal):
    """The tenant's plan allows no more in this minute. Wait for `Retry-After` seconds, or take a larger plan."""

    code = "rate-limited"
    kind = RefusalKind.LIMIT


class Allowance(NamedTuple):
    """Where a tenant stands in its minute: what the rate limit headers tell. `seconds` until the next one."""

    bucket: str
    limit: int
    remaining: int
    seconds: int


class _Block:
    """What is left of this process's block of one tenant's minute."""

    __slots__ = ("ends", "left", "others", "refilling")

    def __init__(self) -> None:
        self.left = 0
        self.others = 0
        self.ends = 0.0
        self.refilling: asyncio.Task[None] | None = None


class RateLimits:
    """Admits commands and reads within each tenant's limit."""

    def __init__(self, counter: RateCounter, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Lease from `counter`; `monotonic` tells seconds."""
        self._counter = counter
        self._now = monotonic
        self._blocks: OrderedDict[tuple[UUID, str], _Block] = OrderedDict()

    async def take(self, tenant_id: UUID, limit: int, bucket: str = COMMANDS_BUCKET) -> Allowance:
        """Take one of the minute. Raises `RateLimited`, whose `extra` holds the allowance, and `LogUnavailable`."""
        block = self._blocks.get((tenant_id, bucket))
        if block is None:
            block = self._remember(tenant_id, bucket)
        now = self._now()
        while block.left <= 0 or now >= block.ends:
            if now < block.ends and block.others <= 0:
                raise RateLimited(allowance=self._allowance(block, bucket, limit, now))
            await self._refill(block, tenant_id, bucket, limit)
            now = self._now()
        block.left -= 1
        return self._allowance(block, bucket, limit, now)

    def _remember(self, tenant_id: UUID, bucket: str) -> _Block:
        block = self._blocks[tenant_id, bucket] = _Block()
        if len(self._blocks) > _KEPT:
            self._blocks.popitem(last=False)
        return block

    @staticmethod
    def _allowance(block: _Block, bucket: str, limit: int, now: float) -> Allowance:
        return Allowance(
            bucket, limit, max(block.left, 0) + max(block.others, 0), max(1, int(block.ends - now + 0.999))
        )

    async def _refill(self, block: _Block, tenant_id: UUID, bucket: str, limit: int) -> None:
        """One lease for all who wait for it; the one who asked is not the one who may cancel it."""
        if block.refilling is None:
            block.refilling = asyncio.create_task(self._lease(block, tenant_id, bucket, limit))
        await asyncio.shield(block.refilling)

    async def _lease(self, block: _Block, tenant_id: UUID, bucket: str, limit: int) -> None:
        try:
            wanted = max(1, min(limit // _SHARE, _LARGEST_BLOCK))
            lease = await self._counter.lease(tenant_id, bucket, wanted, limit)
            now = self._now()
            block.left = lease.granted + (block.left if now < block.ends else 0)
            block.others = lease.left
            block.ends = now + lease.seconds
        finally:
            block.refilling = None
