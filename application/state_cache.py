"""What a process remembers of streams that it loaded."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

Folded = tuple[int, Any]
"""A stream's version and its state."""

_STATES_KEPT: Final = 20_000
_IDS_KEPT: Final = 500_000
"""About 100 MB: an id in a list takes 190 bytes."""


class StateCache:
    """States of streams as they were last seen by this process; never the truth, always checked at the append.

    States that hold personal values are not kept. The least used go first; the last one stays, however large: whoever
    works on it asks for it again.
    """

    def __init__(self, limit: int = _STATES_KEPT, ids: int = _IDS_KEPT) -> None:
        """Keep at most `limit` states, which hold at most `ids` ids together."""
        self._limit = limit
        self._ids = ids
        self._held = 0
        self._states: OrderedDict[tuple[UUID, str], tuple[Folded, int]] = OrderedDict()

    def get(self, tenant_id: UUID, stream: str) -> Folded | None:
        """The last known version and state."""
        known = self._states.get((tenant_id, stream))
        if known is None:
            return None
        self._states.move_to_end((tenant_id, stream))
        return known[0]

    def put(self, tenant_id: UUID, stream: str, folded: Folded, size: int = 0) -> None:
        """Keep a state that is newer than the one at hand; `size`: the ids that it holds."""
        known = self._states.get((tenant_id, stream))
        if known is not None and known[0][0] > folded[0]:
            return
        self._held += size - (0 if known is None else known[1])
        self._states[tenant_id, stream] = folded, size
        if known is not None:
            self._states.move_to_end((tenant_id, stream))
        while len(self._states) > self._limit or (self._held > self._ids and len(self._states) > 1):
            self._held -= self._states.popitem(last=False)[1][1]

    def drop(self, tenant_id: UUID, streams: Sequence[str]) -> None:
        """Forget states that turned out stale."""
        for stream in streams:
            dropped = self._states.pop((tenant_id, stream), None)
            self._held -= 0 if dropped is None else dropped[1]
