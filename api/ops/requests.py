"""What is noted of a request: a log line, a measurement, a span. The doors fill the note in; bodies are not read here.

The line has the form of all others (`logs`), and is put together by hand: 64 callers ask thousands of times a second.
Every part of it is a figure, an id of ours, or a word of the code. Lines are gathered for a twentieth of a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import re
import secrets
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from api.ops.metrics import Meters
    from api.ops.tracing import Tracer

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

NOTE: Final = "penguinmails.note"
"""Where a request's note is in its ASGI scope."""

_LOOKS_LIKE_AN_ID: Final = re.compile(rb"[0-9a-f-]{16,64}")
_PLAIN: Final = re.compile(r"[a-z_]+\.[a-z_-]+|/[a-zA-Z0-9_./{}-]*")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FAILED: Final = 500
_GATHER: Final = 0.05
_PROCESS: Final = secrets.token_hex(10)
_NUMBERS: Final = itertools.count()


class Note:
    """What is known of a request by the time it is answered.

    `request_id` is what the caller sent where that looks like an id (a UUID, 16 to 64 hexadecimal digits): a log line
    must not repeat what might be a name. `name` is the command or the view, `route` the pattern and never the path.
    """

    __slots__ = ("name", "request_id", "route", "tenant_id")

    def __init__(self, request_id: str) -> None:
        """Know nothing but the id yet."""
        self.request_id = request_id
        self.tenant_id: UUID | None = None
        self.name: str | None = None
        self.route: str | None = None


def note_of(scope: Scope) -> Note:
    """The note of a request; outside the middleware, as in tests of a route, a fresh one."""
    note = scope.get(NOTE)
    if not isinstance(note, Note):
        note = scope[NOTE] = Note(_request_id(scope))
    return note


class RequestLog:
    """The outermost ASGI layer: one line and one measurement a request, and its id in the answer."""

    def __init__(self, app: App, *, meters: Meters, tracer: Tracer, lines: Lines | None = None) -> None:
        """Wrap `app`; without `lines` none are written."""
        self._app = app
        self._meters = meters
        self._tracer = tracer
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        note = Note(_request_id(scope))
        scope[NOTE] = note
        status = _FAILED

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"request-id", note.request_id.encode("ascii")),
                ]
            await send(message)

        try:
            with self._tracer.span("request", request=note.request_id):
                await self._app(scope, receive, noted)
        finally:
            seconds = time.perf_counter() - begun
            self._meters.observe(note.name or note.route or "other", status, seconds)
            if self._lines is not None:
                self._lines.add(note, scope["method"], status, seconds)


class Lines:
    """Writes the lines of requests, many at once."""

    def __init__(self, out: BinaryIO | None = None) -> None:
        """Write to standard error unless told otherwise."""
        self._out = out or sys.stderr.buffer
        self._kept: list[str] = []

    def add(self, note: Note, method: str, status: int, seconds: float) -> None:
        """Keep a line; it is written within a twentieth of a second."""
        tenant = f'"tenant":"{note.tenant_id}",' if isinstance(note.tenant_id, UUID) else ""
        name = f'"name":"{note.name}",' if _is_plain(note.name) else ""
        route = f'"route":"{note.route}",' if _is_plain(note.route) else ""
        self._kept.append(
            f'{{"request":"{note.request_id}",{tenant}{name}"method":"{method if method in _METHODS else "other"}",'
            f'{route}"status":{status},"ms":{seconds * 1000:.2f},"event":"request",'
            f'"at":"{datetime.now(UTC).isoformat()}","level":"info","process":"api"}}\n'
        )
        if len(self._kept) == 1:
            asyncio.get_running_loop().call_later(_GATHER, self.flush)

    def flush(self) -> None:
        """Write what is kept. A closed pipe is the reader's wish, and no reason to fail a request."""
        kept, self._kept = self._kept, []
        with contextlib.suppress(OSError, ValueError):
            self._out.write("".join(kept).encode("ascii"))
            self._out.flush()


@functools.lru_cache(maxsize=2048)
def _is_plain(text: str | None) -> bool:
    """Whether a name or a pattern is one of the code's: nothing that somebody typed looks like this."""
    return text is not None and _PLAIN.fullmatch(text) is not None


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _LOOKS_LIKE_AN_ID.fullmatch(value):
            return str(value, "ascii")
    return f"{_PROCESS}{next(_NUMBERS):012x}"
