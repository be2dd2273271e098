"""Asks a witness over HTTP: one POST, ten seconds for all of it, no redirects, a few kilobytes read of the answer.

A witness that is named by a host is asked at addresses of the open internet alone, looked at as those of webhooks are:
what a name resolves to is its owner's word. One that is named by an address is asked there.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import httpcore

from adapters.webhooks.addresses import AddressRefused, allowed, read
from adapters.witnesses.settings import is_named_by_number
from adapters.witnesses.wire import PATH, SIZE_TYPE, STATUSES
from application.ports.witnesses import Answered
from domain.audit.witnessing import MOST_ANSWERED, Found

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.webhooks.addresses import Address

TIME_OUT: Final = 10.0
_LONGEST_WAIT: Final = 600.0
_BUSY: Final = (429, 503)
_CONFLICT: Final = 409
_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n")
_SECONDS: Final = re.compile(rb"[0-9]{1,6}")
_FOUND: Final = {status: found for found, status in STATUSES.items() if status != _CONFLICT}


class HttpWitness:
    """Implements `Witness`; on one event loop."""

    def __init__(self, url: str, *, time_out: float = TIME_OUT) -> None:
        """`url`: the submission prefix."""
        self._url = url + PATH
        self._time_out = time_out
        # A look-up cannot be broken off: a silent name server holds this witness's one thread, and nobody else's.
        self._names = ThreadPoolExecutor(1, thread_name_prefix="witness-names")
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=1,
            keepalive_expiry=60.0,
            network_backend=_Guarded(self._names),
        )

    async def add_checkpoint(self, request: bytes) -> Answered:
        """See `Witness.add_checkpoint`."""
        try:
            async with (
                asyncio.timeout(self._time_out),
                self._pool.stream("POST", self._url, headers=_HEADERS, content=request) as answer,
            ):
                return _answered(answer.status, answer.headers, await _body(answer))
        except AddressRefused:
            return Answered(None, "address-refused")
        except (TimeoutError, httpcore.TimeoutException):
            return Answered(None, "time-out")
        except (httpcore.NetworkError, OSError):
            return Answered(None, "unreachable")
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, ValueError):
            return Answered(None, "not-http")

    async def close(self) -> None:
        """Hang up. Look-ups under way are not waited for."""
        await self._pool.aclose()
        self._names.shutdown(wait=False, cancel_futures=True)


_HEADERS: Final = [(b"content-type", b"text/plain; charset=utf-8"), (b"user-agent", b"penguinmails-notary")]


async def _body(answer: httpcore.Response) -> bytes:
    read_so_far = bytearray()
    async for chunk in answer.aiter_stream():
        read_so_far += chunk
        if len(read_so_far) > MOST_ANSWERED:
            raise ValueError("the answer is too long")
    return bytes(read_so_far)


def _answered(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Answered:
    told = {name.lower(): value for name, value in headers}
    if status in _BUSY:
        wait = told.get(b"retry-after", b"")
        return Answered(
            None, "busy", wait=min(float(wait), _LONGEST_WAIT) if _SECONDS.fullmatch(wait) else None
        )
    if status == _CONFLICT:
        sized = told.get(b"content-type", b"").partition(b";")[0].strip() == SIZE_TYPE.encode()
        if not sized:
            return Answered(Found.TWO_ROOTS)
        size = _SIZE.fullmatch(body)
        return (
            Answered(None, "not-a-witness") if size is None else Answered(Found.OTHER_SIZE, size=int(size[1]))
        )
    found = _FOUND.get(status)
    if found is None:
        return Answered(None, f"answered-{status}")
    return Answered(found, body=body if found is Found.CONSISTENT else b"")


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were looked at, never to a name."""

    def __init__(self, names: ThreadPoolExecutor) -> None:
        self._names = names
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception | None = None
        for address in await self._addresses(host, port):
            try:
                return await self._inner.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or AddressRefused(AddressRefused.__doc__)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> list[Address]:
        if is_named_by_number(host):
            return [read(host)]
        looking = self._names.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.wrap_future(looking)
        addresses = list(dict.fromkeys(read(str(address[0])) for *_, address in found))
        if not all(allowed(one, loopback=False) for one in addresses):
            raise AddressRefused(AddressRefused.__doc__)
        return addresses
