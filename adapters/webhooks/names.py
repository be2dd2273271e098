"""Resolves names of receivers in threads of its own, of which no tenant has more than a share.

A look-up cannot be broken off: a silent name server holds its thread for longer than anybody waits. So a thread counts
until its look-up has ended, and who finds none free has not begun, which is nobody's failure.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from adapters.webhooks.addresses import read
from application.ports.webhooks import SenderBusy

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from uuid import UUID

    from adapters.webhooks.addresses import Address

_THREADS: Final = 64
"""Apart from those that all else in the process is done in. They are made when needed, and mostly wait."""
_SHARE: Final = 4
"""Threads that the look-ups of one tenant take at most: sixteen with silent name servers would take them all."""
PATIENCE: Final = 5.0
"""Seconds that a look-up waits for a thread."""


class Names:
    """The look-ups of one process, on one event loop."""

    def __init__(self, patience: float = PATIENCE) -> None:
        """`patience`: seconds that a look-up waits for a thread."""
        self._patience = patience
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="webhook-names")
        self._free = asyncio.Semaphore(_THREADS)
        # A share is there as long as somebody waits for it or holds some of it.
        self._shares: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()

    async def resolve(
        self, tenant_id: UUID, host: str, port: int, begins: Callable[[], None]
    ) -> list[Address]:
        """Every address of a host, in the system's order; calls `begins` once there is a thread for it.

        Raises `OSError` where there is none, and `SenderBusy` when no thread comes free in time.
        """
        with ExitStack() as held:
            await self._a_thread_of(tenant_id, held)
            begins()
            look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
            running = self._threads.submit(look_up)
            _when_done(running, held.pop_all())
        found = await asyncio.wrap_future(running)
        return list(dict.fromkeys(read(str(address[0])) for *_, address in found))

    async def _a_thread_of(self, tenant_id: UUID, held: ExitStack) -> None:
        """Wait for one of the tenant's share, and then for one of all; `held` gives both back."""
        share = self._shares.setdefault(tenant_id, asyncio.Semaphore(_SHARE))
        try:
            async with asyncio.timeout(self._patience):
                for one in (share, self._free):
                    await one.acquire()
                    held.callback(one.release)
        except TimeoutError:
            raise SenderBusy(SenderBusy.__doc__) from None

    def close(self) -> None:
        """Begin no more. Look-ups under way are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _when_done(running: Future[Any], held: ExitStack) -> None:
    """Give back what is held when the look-up has ended, which may be long after everybody has gone."""
    loop = asyncio.get_running_loop()

    def give_back(_: Future[Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, and with it all that could wait
            loop.call_soon_threadsafe(held.close)

    running.add_done_callback(give_back)
