"""Commands take turns: a few begin in each turn of the event loop, and the log goes on between them.

Callers come in bursts, since a group of commands is answered at once. All of a burst in one turn would keep the loop
from what the database says for as long as they take together, and leave it with nothing to do while the next group is
committed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

_MOST: Final = 4
"""Commands that begin in one turn. `scripts/bench api` shows what another number comes to."""


class Turns:
    """Lets so many pass in each turn of the loop, in the order of their coming."""

    def __init__(self, most: int = _MOST) -> None:
        """`most` in one turn."""
        self._most = most
        self._begun = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    def full(self) -> bool:
        """Take a place in this turn; True where there is none, and `mine` has to be awaited."""
        if self._begun >= self._most:
            return True
        self._begun += 1
        if self._begun == 1:
            loop = self._loop = self._loop or asyncio.get_running_loop()
            loop.call_soon(self._next)
        return False

    async def mine(self) -> None:
        """Wait for a place in one of the next turns."""
        if self._loop is None:
            raise RuntimeError("nobody began")
        place = self._loop.create_future()
        self._waiting.append(place)
        await place

    def _next(self) -> None:
        """A turn begins."""
        self._begun, waiting = 0, self._waiting
        while waiting and self._begun < self._most:
            place = waiting.popleft()
            if not place.done():  # else its caller went away
                place.set_result(None)
                self._begun += 1
        if self._begun and self._loop is not None:
            self._loop.call_soon(self._next)
