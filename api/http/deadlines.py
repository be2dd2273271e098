"""How long an answer may take to begin: whatever a database or a key store does, nobody waits for ever.

One timer looks over all requests twice a second: one for each would have to be made, moved and closed with it.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

PATIENCE: Final = 20.0
"""Seconds until an answer has to begin: twice the longest that a report or a search may take."""
_LOOK: Final = 0.5


class TookTooLong(Exception):
    """What a request waited for neither came nor failed."""


class Deadlines:
    """The requests under way that have to be answered in time."""

    def __init__(self) -> None:
        """None are."""
        self.running: set[Deadline] = set()
        self._watch: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> Deadline:
        """The deadline of the task that asks, to be entered and left by it."""
        loop = self._loop
        if self._watch is None or loop is None:
            loop = self._loop = (
                asyncio.get_running_loop()
            )  # asks the system who this is: not for each request
            self._watch = loop.call_later(_LOOK, self._look, loop)
        return Deadline(self, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        since = loop.time() - PATIENCE
        for one in self.running:
            if one.since < since:
                one.expire()
        # While nothing is under way nobody needs it; the next request begins it again.
        self._watch = loop.call_later(_LOOK, self._look, loop) if self.running else None


class Deadline:
    """Raises `TookTooLong` in its task unless it is left, or told to `wait`, in time."""

    __slots__ = ("_deadlines", "_expired", "_loop", "_task", "since")

    def __init__(self, deadlines: Deadlines, loop: asyncio.AbstractEventLoop) -> None:
        """For the current task."""
        self._deadlines = deadlines
        self._loop = loop
        self._task: asyncio.Task[Any] | None = asyncio.current_task(loop)
        self._expired = False
        self.since = loop.time()

    def wait(self) -> None:
        """Do not count the time from now on: somebody else bounds it, or it is the caller's own."""
        self.since = inf

    def go_on(self) -> None:
        """Count it again, from now."""
        self.since = self._loop.time()

    def expire(self) -> None:
        """Break the task off."""
        self.since = inf
        self._expired = True
        if self._task is not None:
            self._task.cancel()

    def __enter__(self) -> Self:
        self._deadlines.running.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.running.discard(self)
        # The cancelling was ours; where the task was done by then, its answer stands.
        ours = self._expired and self._task is not None and self._task.uncancel() == 0
        if ours and kind is asyncio.CancelledError:
            raise TookTooLong from error
