"""Uploads that were killed leave half a file and a key, of an import that perhaps nobody ever registered."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from application.ports.keys import KeysUnavailable
from domain.audience.contact_import import IDLE_FOR

if TYPE_CHECKING:
    from application.commanding import Clock
    from application.ports.blobs import BlobStore

log = logging.getLogger(__name__)

_KILLED: Final = timedelta(days=1)
"""An upload that has written nothing for so long is over: no connection lasts that long in silence."""
_ABANDONED: Final = IDLE_FOR
"""So long it may be sent again under its key. One that was registered has expired by itself when that is over."""
_EVERY: Final = 3_600.0


async def sweep_regularly(blobs: BlobStore, clock: Clock, stop: asyncio.Event, every: float = _EVERY) -> None:
    """Until `stop`: tidy up each `every` seconds. Any number of processes may do this."""
    while not stop.is_set():
        now = clock()
        try:
            gone = await asyncio.to_thread(
                blobs.sweep, (now - _KILLED).timestamp(), (now - _ABANDONED).timestamp()
            )
        except (KeysUnavailable, OSError) as error:
            log.warning("killed uploads could not be removed, trying again: %s", type(error).__name__)
        else:
            if gone:
                log.info("%d files and keys of killed uploads were removed", gone)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every)
