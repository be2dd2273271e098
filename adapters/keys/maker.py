"""Subject keys made durable in groups, off the event loop: callers that come together share a write to the disk."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from adapters.eventstore.coalesce import Coalescer
from application.ports.keys import KeyStoreAway

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.eventstore.ring import Ring
    from application.ports.keys import SubjectKey


class CoalescedKeys:
    """Implements `KeyMaker` over the codec's ring."""

    def __init__(self, ring: Ring) -> None:
        """Make keys in `ring`."""
        self._ring = ring
        self._coalescer: Coalescer[tuple[SubjectKey, ...], LookupError | None] = Coalescer(
            self._serve, shared=(KeyStoreAway,)
        )

    async def ensure(self, keys: Sequence[SubjectKey]) -> None:
        """Make those that are missing. Raises `SubjectErased` where one was destroyed."""
        missing = self._ring.missing(keys)
        if not missing:
            return
        error = await self._coalescer.ask(tuple(missing))
        if error is not None:
            raise error

    async def _serve(self, asks: list[tuple[SubjectKey, ...]]) -> list[LookupError | None]:
        return await asyncio.to_thread(self._make, asks)

    def _make(self, asks: list[tuple[SubjectKey, ...]]) -> list[LookupError | None]:
        try:
            self._ring.make([key for ask in asks for key in ask])
        except LookupError:
            return [self._alone(ask) for ask in asks]
        return [None] * len(asks)

    def _alone(self, ask: tuple[SubjectKey, ...]) -> LookupError | None:
        try:
            self._ring.make(ask)
        except LookupError as error:
            return error
        return None
