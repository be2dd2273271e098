"""Destroyed keys leave copies: in free pages, in backups of the key store. Once a day they are made unreadable."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from application.ports.keys import KeysUnavailable

if TYPE_CHECKING:
    from application.commanding import Clock
    from application.ports.keys import KeyStore

log = logging.getLogger(__name__)

_AFTER: Final = timedelta(days=1)
_EVERY: Final = 3_600.0


async def rotate_daily(keys: KeyStore, clock: Clock, stop: asyncio.Event, every: float = _EVERY) -> None:
    """Until `stop`: rotate for tenants whose first destroyed key is a day old; a look each `every` seconds.

    The store remembers what is due and what was halfway, so nothing is lost by a restart; any number of processes
    may do this. A store lets other writers in while it rotates, so commands do not wait for it.
    """
    while not stop.is_set():
        try:
            rotated = await asyncio.to_thread(keys.rotate_due, clock() - _AFTER, stop.is_set)
        except KeysUnavailable as error:
            log.warning("keys could not be rotated, trying again: %s", type(error).__name__)
        else:
            if rotated:
                log.info("key-encryption keys of %d tenants were rotated after erasures", len(rotated))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every)
