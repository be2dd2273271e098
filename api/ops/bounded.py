"""uvicorn's HTTP protocol, with bounds on what a caller can make it keep and wait for.

A head is kept whole while it comes, before anybody knows whose it is: it has a size, and a time to be there. What is no
HTTP at all, too large, or not sent to its end is answered with a problem document, and the connection closed; requests
that came before it on the connection are answered first. No more is read while requests wait for their turn, and who
takes no answers is not waited for.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import TYPE_CHECKING, Final, NoReturn, cast

import orjson
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.http.kinds import (
    HEAD_TOO_LARGE,
    MALFORMED_REQUEST,
    REQUEST_TIMEOUT,
    TOO_MANY_AT_ONCE,
    UPGRADE_NOT_OFFERED,
)
from api.http.problems import MEDIA_TYPE, Problem

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from api.http.kinds import Kind

LARGEST_HEAD: Final = 65_536
"""Bytes of an address and its headers: the query's parameters are the longest part of any that is meant."""
MOST_WAITING: Final = 256
"""Requests of one connection that wait for the answers of those before."""
PATIENCE: Final = 60.0
"""Seconds that a head may take to be there, that a body may stand still, and that an answer may not be taken."""
_LOOK: Final = PATIENCE / 4


class Bounded(HttpToolsProtocol):
    """For `uvicorn.Config(http=...)`."""

    _in_head = True
    _begun_now = _body_came = _deaf = _dropped = False
    _refusal: Kind | None = None
    _full_since: float | None = None
    _size = _piece = 0
    _refused: Kind = MALFORMED_REQUEST

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a connection; somebody who says nothing is not waited for either."""
        super().connection_made(transport)
        self.flow = _Flow(self.transport, self.pipeline)
        self._begun = self._heard = self.loop.time()
        self._watch = self.loop.call_later(_LOOK, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came. A head is counted once it goes beyond the piece that it began in."""
        if self._deaf:
            return
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
            self._stop(HEAD_TOO_LARGE)
        if len(self.pipeline) >= MOST_WAITING:
            self._stop(TOO_MANY_AT_ONCE)
        upgrade = self.parser.should_upgrade()
        if upgrade and self._has_body():
            # The parser takes it for another protocol's, and hands none of it on.
            self._stop(UPGRADE_NOT_OFFERED)
        super().on_headers_complete()
        self.headers = []  # what follows a body's last chunk is no header of the request
        if upgrade:
            self.cycle.keep_alive, self._deaf = False, True

    def _stop(self, kind: Kind) -> NoReturn:
        self._refused = kind
        raise ValueError("the request is refused")

    def _has_body(self) -> bool:
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0 ") != b"")
            for name, value in self.headers
        )

    def _head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def send_400_response(self, msg: str) -> None:
        """Say that a request could not be read; uvicorn asks for this."""
        del msg
        self._refuse(self._refused)

    def _refuse(self, kind: Kind) -> None:
        """Say why the connection ends, after the answers to what came before."""
        if self.transport.is_closing() or self._refusal is not None:
            return
        self._deaf = True
        if self.others_under_way():
            self._refusal = kind
        else:
            self._end(kind)

    def others_under_way(self) -> bool:
        """Whether requests that came whole still wait for their answers; one that will not come whole is dropped."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None or self._dropped:
            return self._dropped
        if cycle.response_complete or not cycle.more_body:
            return bool(self.pipeline) or not cycle.response_complete
        if self.pipeline:
            self.pipeline.popleft()  # the last that came
            self._dropped = True
        return self._dropped

    def on_response_complete(self) -> None:
        """Go on with the next request, or say why none is taken any more."""
        last = not self.pipeline
        super().on_response_complete()
        if last and self._refusal is not None:
            self._end(self._refusal)

    def _end(self, kind: Kind) -> None:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            self.transport.close()  # in the middle of an answer nothing else can be said
            return
        body = orjson.dumps(Problem(kind).document(None))
        head = b"content-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[kind.status] + head % (MEDIA_TYPE.encode(), len(body)) + body)
        self.transport.close()

    def pause_writing(self) -> None:
        """Answers are not taken as fast as they are made."""
        super().pause_writing()
        self._full_since = self.loop.time()

    def resume_writing(self) -> None:
        """They are again."""
        super().resume_writing()
        self._full_since = None

    def _look(self) -> None:
        """Close the connection of somebody who does not go on; whose answer has begun (a batch's) takes their time."""
        now, cycle = self.loop.time(), cast("RequestResponseCycle | None", self.cycle)
        if self._full_since is not None and now - self._full_since > PATIENCE:
            self.transport.abort()
            return
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
        self._watch = self.loop.call_later(_LOOK, self._look)


class _Flow(FlowControl):
    """Reads on only when no request waits: else each answer would let in as many more as one reading holds."""

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()
