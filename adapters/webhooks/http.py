"""Sends webhooks: one POST, five seconds for all of it, no redirects, hardly anything read of the answer.

The host is resolved here, every address it resolves to is looked at, and the connection goes to one that was looked at:
a name that resolves to something else a moment later changes nothing. TLS is checked against the host's name.
"""

from __future__ import annotations

import asyncio
import ssl
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpcore

from adapters.webhooks.addresses import AddressRefused, allowed
from adapters.webhooks.names import PATIENCE, Names
from application.ports.webhooks import Sent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

TIME_OUT: Final = 5.0
_MOST_READ: Final = 16 * 1024
"""So much of an answer is read to use its connection again; a longer one is hung up on."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Whose message is being sent, and how long it may still take."""

    tenant_id: UUID
    time_out: asyncio.Timeout
    seconds: float

    def begin(self) -> None:
        """Count from now: what was waited for until here is this machine's doing, not the receiver's."""
        self.time_out.reschedule(asyncio.get_running_loop().time() + self.seconds)


_ATTEMPT: Final[ContextVar[_Attempt]] = ContextVar("attempt")
"""The attempt that a connection is made for: httpcore hands on nothing of it, and connects in the sender's own task."""


class HttpWebhookSender:
    """Implements `WebhookSender`."""

    def __init__(
        self, *, loopback: bool = False, time_out: float = TIME_OUT, patience: float = PATIENCE
    ) -> None:
        """`loopback`: send to this machine too. `patience`: seconds that a name waits to be looked up."""
        self._time_out = time_out
        self._names = Names(patience)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=64,
            keepalive_expiry=TIME_OUT,
            network_backend=_Guarded(self._names, loopback=loopback),
        )

    async def send(self, tenant_id: UUID, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        """See `WebhookSender.send`."""
        try:
            async with asyncio.timeout(self._time_out) as time_out:
                _ATTEMPT.set(_Attempt(tenant_id, time_out, self._time_out))
                async with self._pool.stream(
                    "POST", url, headers=list(headers.items()), content=body
                ) as answer:
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
        self._names.close()


async def _finish(answer: httpcore.Response) -> None:
    read_so_far = 0
    async for chunk in answer.aiter_stream():
        read_so_far += len(chunk)
        if read_so_far > _MOST_READ:
            return


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were looked at, never to a name."""

    def __init__(self, names: Names, *, loopback: bool) -> None:
        self._names = names
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
        attempt = _ATTEMPT.get()
        attempt.time_out.reschedule(None)
        addresses = await self._names.resolve(attempt.tenant_id, host, port, attempt.begin)
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
