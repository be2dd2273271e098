"""How often one address may ask: a bucket of requests that fills by and by."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_ADDRESSES: Final = 10_000
_SECONDS_AT_ONCE: Final = 10.0


class Rate:
    """Requests a second of each address, with some seconds' worth at once."""

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        """`clock`: seconds that never go back."""
        self._per_second = per_second
        self._most = max(1.0, per_second * _SECONDS_AT_ONCE)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Count a request of this address; 0, or the seconds until it may ask again."""
        now = self._clock()
        left, since = self._left.pop(address, (self._most, now))
        left = min(self._most, left + (now - since) * self._per_second)
        allowed = left >= 1.0
        self._left[address] = (left - 1.0 if allowed else left, now)
        if len(self._left) > _MOST_ADDRESSES:  # who asked longest ago has a full bucket by now, or soon
            self._left.popitem(last=False)
        return 0.0 if allowed else (1.0 - left) / self._per_second
