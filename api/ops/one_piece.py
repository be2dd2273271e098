"""uvicorn's HTTP protocol, whose answers leave in one piece.

ASGI sends the head of an answer and its body one after the other, and uvicorn writes each to the socket at once: two
calls of the system, two segments, two awakenings of the caller, for a few hundred bytes. Here what is written within
one turn of the event loop is written together, at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from api.ops.bounded import Bounded

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_AT_ONCE: Final = 65_536
"""What is larger is not kept: streamed answers go out as they come."""


class OnePiece(Bounded):
    """For `uvicorn.Config(http=...)`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a connection."""
        gathering: Any = _Gathering(transport, self.loop)
        super().connection_made(gathering)

    _last = False

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it: whether to stay open
        """Answer a caller who will say no more and still listens, and close then."""
        gathering: Any = self.transport
        gathering.flush()
        cycle = cast("RequestResponseCycle | None", self.cycle)
        self._last = cycle is not None and not cycle.response_complete and not cycle.more_body
        return self._last

    def on_response_complete(self) -> None:
        """Go on with the next request; where none can come any more, close."""
        super().on_response_complete()
        if self._last and self.cycle.response_complete:
            self.transport.close()


class _Gathering:
    """A transport that keeps what is written until the turn of the loop ends; everything else is the transport's."""

    __slots__ = ("_kept", "_loop", "_size", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._kept: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._kept:
            self._loop.call_soon(self.flush)
        self._kept.append(data)
        self._size += len(data)
        if self._size > _AT_ONCE:
            self.flush()

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Write what is kept."""
        kept, self._kept, self._size = self._kept, [], 0
        if kept and not self._transport.is_closing():
            self._transport.write(b"".join(kept))
