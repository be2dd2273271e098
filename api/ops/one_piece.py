"""uvicorn's HTTP protocol, whose answers leave in one piece.

ASGI sends the head of an answer and its body one after the other, and uvicorn writes each to the socket at once: two
calls of the system, two segments, two awakenings of the caller, for a few hundred bytes. Here what is written within
one turn of the event loop is written together, at its end. An app that has its answer whole hands it over at once
(`replies.WHOLE`): two messages, looked through header by header, would cost a twentieth of a command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from api.http.replies import WHOLE
from api.ops.bounded import Bounded

if TYPE_CHECKING:
    import asyncio

    from starlette.types import Scope

    from api.http.replies import RawHeaders

_AT_ONCE: Final = 65_536
"""What is larger is not kept: streamed answers go out as they come."""


class OnePiece(Bounded):
    """For `uvicorn.Config(http=...)`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a connection."""
        gathering: Any = _Gathering(transport, self.loop)
        super().connection_made(gathering)

    _last = False

    def on_headers_complete(self) -> None:
        """Begin to answer; the app may do so in one call."""
        self.scope[WHOLE] = self._whole  # type: ignore[typeddict-unknown-key]  # an extension of ours
        super().on_headers_complete()

    def _whole(self, scope: Scope, status: int, headers: RawHeaders, body: bytes) -> bool:
        """Answer a request, as its cycle's `send` does in two messages. False where that is needed; nothing was done.

        Raises `ValueError` for a header that would end before its end.
        """
        cycle = self.cycle
        if cycle.scope is not scope or cycle.more_body or cycle.response_started or not cycle.keep_alive:
            return False  # another one came already; or it is not there whole, or is to be the last
        if self.flow.write_paused or scope["method"] == "HEAD":
            return False
        if cycle.disconnected:
            return True
        parts = [STATUS_LINE[status]]
        for name, value in (*cycle.default_headers, *headers):
            if name == b"connection":
                return False
            parts += (name, b": ", value, b"\r\n")
        head = b"".join(parts)
        lines = len(parts) // 4 + 1
        if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
            raise ValueError("a header holds a line's end")
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cast("_Gathering", self.transport).write_whole(b"%b\r\n%b" % (head, body))
        cycle.message_event.set()
        cycle.on_response()
        return True

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it: whether to stay open
        """Answer a caller who will say no more and still listens, and close then."""
        gathering: Any = self.transport
        gathering.flush()
        self._last = self.others_under_way()
        return self._last

    def on_response_complete(self) -> None:
        """Go on with the next request; where none can come any more, close."""
        last = self._last and not self.pipeline
        super().on_response_complete()
        if last:
            self.transport.close()


class _Gathering:
    """A transport that keeps what is written until the turn of the loop ends; everything else is the transport's."""

    __slots__ = ("_kept", "_loop", "_size", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self.is_closing = transport.is_closing  # asked for each request, and found at once
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

    def write_whole(self, data: bytes) -> None:
        """Write what needs no company."""
        self.flush()
        if not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Write what is kept."""
        if not self._kept:
            return
        kept, self._kept, self._size = self._kept, [], 0
        if not self._transport.is_closing():
            self._transport.write(b"".join(kept))
