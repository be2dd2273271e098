"""Whose turn it is: few questions run at once, and of those that wait the one goes first whose wait is longest for it.

Running all that come at once makes each as slow as all of them. So of quick ones no more run than there are threads for
them; one that turns out to be long gives its place up, and goes on beside them. Of those that wait the highest response
ratio is next: the wait and what the question is expected to take, over what it is expected to take. So the short pass
the long, and nobody waits for ever.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

_QUICK: Final = 0.25
"""Seconds after which a question is a long one."""

_LEAST: Final = 0.001
"""Seconds that any question is expected to take at least."""

_KNOWN: Final = 4_096
_WEIGHT: Final = 0.3
"""Of what a question took last, in what it is expected to take."""


class NoTurn(Exception):
    """Too many questions are asked, and none ended in time."""


@dataclass(eq=False, slots=True)
class _Waiting:
    expected: float
    since: float

    def ratio(self, now: float) -> float:
        return (now - self.since + self.expected) / self.expected


class Turns:
    """May be used from any thread. `quick`: how many run at once, long ones aside; `most`: how many at all."""

    def __init__(
        self, *, quick: int, most: int, patience: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Nothing runs, and nothing is known of any question. `patience` is in seconds."""
        self._quick = quick
        self._most = most
        self._patience = patience
        self._clock = clock
        self._moved = threading.Condition()
        self._running: dict[_Waiting, float] = {}
        self._waiting: list[_Waiting] = []
        self._took: OrderedDict[tuple[str, ...], float] = OrderedDict()

    @contextmanager
    def turn(self, *names: str) -> Iterator[None]:
        """Wait for the turn of a question, called by names from the general to the particular. Raises `NoTurn`."""
        with self._moved:
            mine = self._wait(_Waiting(self.expected(*names), self._clock()))
        with self._ending(mine, names):
            yield

    @contextmanager
    def beside(self, *names: str) -> Iterator[None]:
        """Go at once, whoever waits. It counts among those that run, so others wait for it as for any."""
        with self._moved:
            mine = _Waiting(self.expected(*names), self._clock())
            self._running[mine] = mine.since
        with self._ending(mine, names):
            yield

    @contextmanager
    def _ending(self, mine: _Waiting, names: tuple[str, ...]) -> Iterator[None]:
        """What runs now ends with this, and is known from then on."""
        began = self._clock()
        try:
            yield
        finally:
            with self._moved:
                del self._running[mine]
                self._learn(names, self._clock() - began)
                self._serve(self._clock())

    def _wait(self, mine: _Waiting) -> _Waiting:
        self._waiting.append(mine)
        self._serve(now := self._clock())
        while mine not in self._running:
            left = mine.since + self._patience - now
            if left <= 0:
                self._waiting.remove(mine)
                raise NoTurn(NoTurn.__doc__)
            self._moved.wait(min([left, *self._until_long(now)]))
            self._serve(now := self._clock())
        return mine

    def _serve(self, now: float) -> None:
        """Give what places there are to those who are next."""
        served = False
        while (
            self._waiting and len(self._running) < self._most and len([*self._until_long(now)]) < self._quick
        ):
            best = max(self._waiting, key=lambda one: one.ratio(now))
            self._waiting.remove(best)
            self._running[best] = now
            served = True
        if served:
            self._moved.notify_all()

    def _until_long(self, now: float) -> Iterator[float]:
        """Of each question that runs and is not long, in how many seconds it will be."""
        return (began + _QUICK - now for began in self._running.values() if now - began < _QUICK)

    @property
    def waiting(self) -> int:
        """How many questions wait."""
        return len(self._waiting)

    def expected(self, *names: str) -> float:
        """How many seconds a question takes, by what it took before; one that was never asked, as others like it."""
        for known in range(len(names), 0, -1):
            if (took := self._took.get(names[:known])) is not None:
                return max(took, _LEAST)
        return _LEAST

    def _learn(self, names: tuple[str, ...], seconds: float) -> None:
        for known in range(1, len(names) + 1):
            name = names[:known]
            before = self._took.pop(name, seconds)
            self._took[name] = before + _WEIGHT * (seconds - before)
        while len(self._took) > _KNOWN:
            self._took.popitem(last=False)
