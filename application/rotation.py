"""Destroyed keys leave copies: in free pages, in backups of the key store. Once a day they are made unreadable."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from application.ports.keys import KeysUnavailable, RotationIncomplete

if TYPE_CHECKING:
    from application.commanding import Clock
    from application.ports.keys import KeyStore

log = logging.getLogger(__name__)

AFTER: Final = timedelta(days=1)
EVERY: Final = 3_600.0
"""Seconds between two looks: a copy of a destroyed key opens for a day and so long at most, as certificates say."""


class Rotation:
    """Rotates the key-encryption keys of the tenants whose first destroyed key is a day old.

    The store remembers what is due and what was halfway, so nothing is lost by a restart; any number of processes
    may do this. A store lets other writers in while it rotates, so commands do not wait for it.
    """

    def __init__(self, keys: KeyStore, clock: Clock) -> None:
        """Rotate in `keys`."""
        self._keys = keys
        self._clock = clock
        self.failing = 0
        """Tenants that the last look could not rotate for: copies of their destroyed keys can still be opened."""

    async def run(self, stop: asyncio.Event, every: float = EVERY) -> None:
        """Until `stop`: a look each `every` seconds."""
        while not stop.is_set():
            try:
                await self._look(stop)
            except KeysUnavailable as error:
                log.warning("keys could not be rotated, trying again: %s", type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every)

    async def _look(self, stop: asyncio.Event) -> None:
        try:
            rotated = await asyncio.to_thread(self._keys.rotate_due, self._clock() - AFTER, stop.is_set)
        except RotationIncomplete as incomplete:
            rotated, failed = [*incomplete.rotated], incomplete.failed
        else:
            failed = ()
        self.failing = len(failed)
        for tenant_id in failed:
            log.error("keys of tenant %s cannot be read, and so not be rotated after its erasures", tenant_id)
        if rotated:
            log.info("key-encryption keys of %d tenants were rotated after erasures", len(rotated))
