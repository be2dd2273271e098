"""What to do while others write to the same stream: try again in turn, as long as a request may wait for it.

Those of this process queue, so that each reads what the one before it wrote; those of others are given a moment.
"""

from __future__ import annotations

import random
from asyncio import Lock, sleep, timeout
from time import monotonic
from typing import TYPE_CHECKING, Final, Self
from weakref import WeakValueDictionary

from domain.kernel.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from uuid import UUID

Queues = WeakValueDictionary[tuple["UUID", str], Lock]
"""Who tries again at a stream of a tenant's, one at a time."""

PATIENCE: Final = 10.0
"""Seconds after which it is given up: half of what a request may take."""
_FIRST: Final = 0.004
_LONGEST: Final = 0.25


class TooMuchContention(Refusal):
    """The stream moved again and again while the command was decided. Nothing was written; try again."""

    code = "contention"
    kind = RefusalKind.LIMIT


class Contention:
    """The tries of one command. Each that met another's write waits longer on average, and no two as long."""

    __slots__ = ("_met", "_queues", "_turn", "_until")

    def __init__(self, queues: Queues, patience: float = PATIENCE) -> None:
        """Nobody was met yet; the time counts from now."""
        self._queues = queues
        self._met = 0
        self._turn: Lock | None = None
        self._until = monotonic() + patience

    async def let_pass(self, tenant_id: UUID, stream: str) -> None:
        """Wait for the turn at a stream, later for a moment. Raises `TooMuchContention` once that took too long."""
        left = self._until - monotonic()
        if left <= 0:
            raise TooMuchContention
        if self._turn is None:  # one turn a command: who held two could wait for each other
            queue = self._queues.setdefault((tenant_id, stream), Lock())
            try:
                async with timeout(left):
                    await queue.acquire()
            except TimeoutError:
                raise TooMuchContention from None
            self._turn = queue
            return
        self._met += 1
        longest = min(_LONGEST, _FIRST * 2.0 ** min(self._met, 10))
        await sleep(random.uniform(0, longest))  # noqa: S311 - so that not all try again at once

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """The next one's turn."""
        if self._turn is not None:
            self._turn.release()
