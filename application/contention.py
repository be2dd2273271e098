"""What to do while others write to the same stream: try again after a moment, as long as a request may wait for it."""

from __future__ import annotations

import random
from asyncio import sleep
from time import monotonic
from typing import Final

from domain.kernel.errors import Refusal, RefusalKind

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

    __slots__ = ("_met", "_until")

    def __init__(self, patience: float = PATIENCE) -> None:
        """Nobody was met yet; the time counts from now."""
        self._met = 0
        self._until = monotonic() + patience

    async def let_pass(self) -> None:
        """Wait a moment before the next try. Raises `TooMuchContention` once that took too long."""
        if monotonic() >= self._until:
            raise TooMuchContention
        self._met += 1
        longest = min(_LONGEST, _FIRST * 2.0 ** min(self._met, 10))
        await sleep(random.uniform(0, longest))  # noqa: S311 - so that not all try again at once
