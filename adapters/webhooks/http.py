"""Sends webhooks: one POST, five seconds for all of it, no redirects, hardly anything read of the answer.

The host is resolved here, every address it resolves to is looked at, and the connection goes to one that was looked at:
a name that resolves to something else a moment later changes nothing. TLS is checked against the host's name.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import httpcore

from adapters.webhooks.addresses import AddressRefused, allowed, read
from application.ports.webhooks import Sent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from concurrent.futures import Executor

    from adapters.webhooks.addresses import Address

TIME_OUT: Final = 5.0
_MOST_READ: Final = 16 * 1024
"""So much of an answer is read to use its connection again; a longer one is hung up on."""
_RESOLVING: Final = 16
"""Threads that resolve names, apart from those that all else in the process is done in: a time-out ends the wait, but
not the look-up, which a silent name server holds for longer."""


class HttpWebhookSender:
    """Implements `WebhookSender`."""

    def __init__(self, *, loopback: bool = False, time_out: float = TIME_OUT) -> None:
        """`loopback`: send to this machine too."""
        self._time_out = time_out
        self._resolving = ThreadPoolExecutor(_RESOLVING, thread_name_prefix="webhook-names")
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=64,
            keepalive_expiry=TIME_OUT,
            network_backend=_Guarded(self._resolving, loopback=loopback),
        )

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        """See `WebhookSender.send`."""
        try:
            async with (
                asyncio.timeout(self._time_out),
                self._pool.stream("POST", url, headers=list(headers.items()), content=body) as answer,
            ):
                await _finish(answer)
                return Sent(answer.status)
        except AddressRefused:
            return Sent(None, "address-refused")
        except (TimeoutError, httpcore.TimeoutException):
            return Sent(None, "time-out")
        except (httpcore.NetworkError, OSError):
            return Sent(None, "unreachable")
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, ValueError):
            return Sent(None, "not-http")

    async def close(self) -> None:
        """Hang up. Look-ups under way are not waited for."""
        await self._pool.aclose()
        self._resolving.shutdown(wait=False, cancel_futures=True)


async def _finish(answer: httpcore.Response) -> None:
    read_so_far = 0
    async for chunk in answer.aiter_stream():
        read_so_far += len(chunk)
        if read_so_far > _MOST_READ:
            return


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were looked at, never to a name."""

    def __init__(self, resolving: Executor, *, loopback: bool) -> None:
        self._resolving = resolving
        self._inner = httpcore.AnyIOBackend()
        self._loopback = loopback

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await resolved(self._resolving, host, port)
        if not addresses or not all(allowed(one, loopback=self._loopback) for one in addresses):
            raise AddressRefused(AddressRefused.__doc__)
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._inner.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or AddressRefused(AddressRefused.__doc__)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def resolved(resolving: Executor, host: str, port: int) -> list[Address]:
    """Every address of a host, in the system's order. Raises `OSError` where there is none."""
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(resolving, look_up)
    return list(dict.fromkeys(read(str(address[0])) for *_, address in found))
