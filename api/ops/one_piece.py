"""uvicorn's HTTP protocol, whose answers leave in one piece.

ASGI sends the head of an answer and its body one after the other, and uvicorn writes each to the socket at once: two
calls of the system, two segments, two awakenings of the caller, for a few hundred bytes. Here what is written within
one turn of the event loop is written together, at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from api.ops.bounded import Bounded

if TYPE_CHECKING:
    import asyncio

_AT_ONCE: Final = 65_536
"""What is larger is not kept: streamed answers go out as they come."""


class OnePiece(Bounded):
    """For `uvicorn.Config(http=...)`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a connection."""
        gathering: Any = _Gathering(transport, self.loop)
        super().connection_made(gathering)

    def eof_received(self) -> None:
        """Give what is kept to a caller who will say no more and still listens: the transport closes after this."""
        gathering: Any = self.transport
        gathering.flush()
        super().eof_received()


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
