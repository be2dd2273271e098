"""uvicorn's HTTP protocol, with bounds on what a caller can make it keep and wait for.

A head is kept whole while it comes, before anybody knows whose it is: it has a size, and a time to be there. What is no
HTTP at all, too large, or not sent to its end is answered with a problem document, and the connection closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.http.problems import HEAD_TOO_LARGE, MALFORMED_REQUEST, MEDIA_TYPE, REQUEST_TIMEOUT, Problem

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from api.http.problems import Kind

LARGEST_HEAD: Final = 65_536
"""Bytes of an address and its headers: the query's parameters are the longest part of any that is meant."""
PATIENCE: Final = 60.0
"""Seconds that a head may take to be there, and that a body may stand still."""
_LOOK: Final = PATIENCE / 4


class Bounded(HttpToolsProtocol):
    """For `uvicorn.Config(http=...)`."""

    _in_head = True
    _begun_now = _body_came = False
    _size = _piece = 0
    _refused: Kind = MALFORMED_REQUEST

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a connection; somebody who says nothing is not waited for either."""
        super().connection_made(transport)
        self._begun = self._heard = self.loop.time()
        self._watch = self.loop.call_later(_LOOK, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came. A head is counted once it goes beyond the piece that it began in."""
        self._heard = self.loop.time()
        self._begun_now = self._body_came = False
        self._piece = len(data)
        super().data_received(data)
        if not self._begun_now and (self._in_head or self._in_trailers()):
            self._size += self._piece
            if self._size > LARGEST_HEAD:
                self._refuse(HEAD_TOO_LARGE)

    def _in_trailers(self) -> bool:
        """Whether what came was of no body, and yet not the end: fields after a body's last chunk."""
        return not self._body_came and self.cycle.more_body

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._body_came = True
        self._size = 0
        super().on_body(body)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = self._begun_now = True
        self._size, self._begun = 0, self._heard

    def on_headers_complete(self) -> None:
        """Its head is there. Raises, to the parser, where it is too large."""
        self._in_head = False
        # Nearly always it came in a piece that is no larger than it may be.
        if self._size + self._piece > LARGEST_HEAD and self._head() > LARGEST_HEAD:
            self._refused = HEAD_TOO_LARGE
            raise ValueError("the head is too large")
        super().on_headers_complete()

    def _head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def send_400_response(self, msg: str) -> None:
        """Say that a request could not be read; uvicorn asks for this."""
        del msg
        self._refuse(self._refused)

    def _refuse(self, kind: Kind) -> None:
        if self.transport.is_closing():
            return
        body = orjson.dumps(Problem(kind).document(None))
        head = b"content-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[kind.status] + head % (MEDIA_TYPE.encode(), len(body)) + body)
        self.transport.close()

    def _look(self) -> None:
        """Close the connection of somebody who does not go on; whose answer has begun (a batch's) takes their time."""
        now, cycle = self.loop.time(), cast("RequestResponseCycle | None", self.cycle)
        if cycle is not None and cycle.response_complete and cycle.more_body and not self._in_head:
            if (
                now - self._heard > PATIENCE
            ):  # it was answered before its body was whole, which nobody waits for
                self.transport.close()
                return
            stuck = False
        elif cycle is None or cycle.response_complete:
            stuck = self._in_head and now - self._begun > PATIENCE
        else:
            ours = cycle.response_started or cycle.waiting_for_100_continue or self.flow.read_paused
            stuck = cycle.more_body and not ours and now - self._heard > PATIENCE
        if stuck:
            self._refuse(REQUEST_TIMEOUT)
        else:
            self._watch = self.loop.call_later(_LOOK, self._look)
