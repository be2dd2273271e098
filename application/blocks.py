"""Blocks of a month's messages: reserved from the tenant's counter, spent in memory, and settled with what was used.

So the counter, one stream, is written to once for many messages, and a message costs no read. What is out counts as
used: nothing a process does, or is stopped in, makes more of it. A block that is not settled by its process is settled
by a job, from the messages that the log has under it; each of those expected that the block had not ended.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from application.ports.log import LogError
from domain.billing.usage import MOST_AT_ONCE
from domain.kernel.commands import stream_name
from domain.kernel.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any
    from uuid import UUID

    from application.ports.log import Receipt
    from domain.kernel.ids import BlockId

log = logging.getLogger(__name__)

_Key = tuple["UUID", str]

FIRST: Final = 20
"""What the first block asks for; the next one asks for twice as much where the one before it did not last."""
_QUICK: Final = 10.0
IDLE: Final = 30.0
"""Seconds after which a block that nobody uses is given back."""
HELD: Final = 300.0
"""Seconds after which a block is given back in any case: well before the job counts it."""
_LOOKS: Final = 5.0
_PATIENCE: Final = 5.0


class ReservedBlock(NamedTuple):
    """So many messages, reserved at a position of the log."""

    block_id: BlockId
    amount: int
    position: int


class Granted:
    """A block in this process's hands."""

    __slots__ = ("block_id", "key", "left", "position", "since", "spent", "sure", "under_way", "used_at")

    def __init__(self, key: _Key, block: ReservedBlock, now: float) -> None:
        """A block of the month `key`."""
        self.key = key
        self.block_id, self.left, self.position = block
        self.since = self.used_at = now
        self.spent = self.under_way = 0
        self.sure = True


class Hold:
    """One message of a block, until it is known what became of it."""

    __slots__ = ("_blocks", "_granted")

    def __init__(self, blocks: Blocks, granted: Granted) -> None:
        """Take it."""
        self._blocks, self._granted = blocks, granted

    @property
    def block_id(self) -> BlockId:
        """The block that it is of."""
        return self._granted.block_id

    def spent(self) -> None:
        """It went."""
        self._granted.spent += 1
        self._blocks.done(self._granted)

    def given_back(self) -> None:
        """It did not go, for certain."""
        self._granted.left += 1
        self._blocks.done(self._granted)

    def unknown(self) -> None:
        """Whether it went, only the log knows; the block is settled by what is there."""
        self._granted.sure = False
        self._blocks.done(self._granted)

    def ended(self) -> None:
        """The block had ended, so that it did not go: this process stood still for long."""
        self._granted.sure = False
        self._blocks.drop(self._granted)
        self._blocks.done(self._granted)


class Sending:
    """The messages of one unit of work: one at most, taken from a block. Without `blocks`, as in a dry run, none is."""

    __slots__ = ("_blocks", "_hold", "_tenant_id")

    def __init__(self, blocks: Blocks | None, tenant_id: UUID) -> None:
        """Nothing is taken yet."""
        self._blocks, self._tenant_id = blocks, tenant_id
        self._hold: Hold | None = None

    @property
    def counts(self) -> bool:
        """Whether messages are taken from blocks here."""
        return self._blocks is not None

    def at_hand(self, period: str) -> BlockId | None:
        """Take a message of the month from what this process has: the block that it is of."""
        return self._took(None if self._blocks is None else self._blocks.at_hand(self._tenant_id, period))

    async def take(self, period: str) -> BlockId | None:
        """The same, from a block that is reserved for it where none is at hand. Raises `LimitReached`."""
        return None if self._blocks is None else self._took(await self._blocks.take(self._tenant_id, period))

    def _took(self, hold: Hold | None) -> BlockId | None:
        self._hold = hold
        return None if hold is None else hold.block_id

    def accepted(self, known: Receipt | None, command_id: UUID) -> None:
        """The log has what it was taken for, or, under `known`, has had it from another command before."""
        if known is not None and known.command_id != command_id:
            self.went_not()
        elif self._hold is not None:
            self._hold.spent()

    def went_not(self, met: str | None = None) -> None:
        """The log has not. `met`: the stream that had moved, if that is why."""
        if self._hold is not None:
            ended = met == stream_name("usage_block", self._hold.block_id)
            (self._hold.ended if ended else self._hold.given_back)()

    def went_perhaps(self) -> None:
        """Nobody knows whether the log has."""
        if self._hold is not None:
            self._hold.unknown()


class Ledger(Protocol):
    """Where blocks come from, and go back to."""

    async def reserve(self, tenant_id: UUID, period: str, wanted: int) -> ReservedBlock:
        """A block of so many at most. Raises `LimitReached` or another `Refusal`, or a `LogError`."""

    async def settle(self, granted: Granted) -> None:
        """Enter what became of a block. Raises as `reserve` does."""


class Blocks:
    """What this process has of each tenant's months."""

    def __init__(self, ledger: Ledger, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Reserve from `ledger`; `monotonic` tells seconds."""
        self._ledger = ledger
        self._now = monotonic
        self._at_hand: dict[_Key, Granted] = {}
        self._over: set[Granted] = set()
        self._wanted: dict[_Key, int] = {}
        self._reserving: dict[_Key, asyncio.Task[None]] = {}
        self._work: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None

    def at_hand(self, tenant_id: UUID, period: str) -> Hold | None:
        """One of what is at hand, if there is any."""
        granted = self._at_hand.get((tenant_id, period))
        if granted is None:
            return None
        now = self._now()
        if now - granted.since >= HELD:
            self._retire(granted)
            return None
        granted.left -= 1
        granted.under_way += 1
        granted.used_at = now
        if granted.left == 0:
            quick = now - granted.since < _QUICK
            wanted = self._wanted.get(granted.key, FIRST)
            self._wanted[granted.key] = min(wanted * 2, MOST_AT_ONCE) if quick else wanted
            self._retire(granted)
        return Hold(self, granted)

    async def take(self, tenant_id: UUID, period: str) -> Hold:
        """One of the month's; waits for a block where none is at hand. Raises as the ledger does."""
        key = (tenant_id, period)
        while (hold := self.at_hand(tenant_id, period)) is None:
            reserving = self._reserving.get(key)
            if reserving is None:
                # One for all who wait; the one who asked is not the one who may cancel it.
                reserving = self._begin(self._reserve(key))
                self._reserving[key] = reserving
            await asyncio.shield(reserving)
        return hold

    def done(self, granted: Granted) -> None:
        """What one of its messages was for is over."""
        granted.under_way -= 1
        if granted in self._over:
            self._settle_if_over(granted)

    def drop(self, granted: Granted) -> None:
        """Use no more of a block."""
        if self._at_hand.get(granted.key) is granted:
            self._retire(granted)

    async def close(self) -> None:
        """Give everything back that can be; of the rest, a job counts what became of it."""
        if self._looking is not None:
            self._looking.cancel()
        for granted in list(self._at_hand.values()):
            self._retire(granted)
        if self._work:
            await asyncio.wait(self._work, timeout=_PATIENCE)

    async def _reserve(self, key: _Key) -> None:
        try:
            block = await self._ledger.reserve(*key, self._wanted.get(key, FIRST))
            self._at_hand[key] = Granted(key, block, self._now())
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
        finally:
            del self._reserving[key]

    def _retire(self, granted: Granted) -> None:
        """Use no more of it."""
        del self._at_hand[granted.key]
        self._over.add(granted)
        self._settle_if_over(granted)

    def _settle_if_over(self, granted: Granted) -> None:
        if granted.under_way == 0:
            self._over.discard(granted)
            self._begin(self._settle(granted))

    async def _settle(self, granted: Granted) -> None:
        try:
            await self._ledger.settle(granted)
        except (LogError, Refusal) as error:
            log.warning("a block was not given back and is settled by its job: %s", type(error).__name__)

    async def _look(self) -> None:
        """Give back what lies idle, until there is nothing."""
        while self._at_hand:
            await asyncio.sleep(_LOOKS)
            now = self._now()
            for granted in list(self._at_hand.values()):
                if now - granted.used_at >= IDLE or now - granted.since >= HELD:
                    self._wanted.pop(granted.key, None)
                    self._retire(granted)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits is told; where nobody does any more, there is nobody to tell
