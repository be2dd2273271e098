"""What is noted of a request: a log line, a measurement, a span.

The doors say in the scope what was asked: `penguin.tenant` (its id), `penguin.command` (its name).
`penguin.request_id` is made here: what the caller sent as `X-Request-Id` where that looks like an id (a UUID, or 16 to
64 hexadecimal digits), since a log line must not repeat what might be a name.

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

_LOOKS_LIKE_AN_ID: Final = re.compile(rb"[0-9a-f-]{16,64}")
_PLAIN: Final = re.compile(r"[a-z_]+(\.[a-z_-]+)?")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FAILED: Final = 500
_GATHER: Final = 0.05
_PROCESS: Final = secrets.token_hex(10)
_NUMBERS: Final = itertools.count()


class RequestLog:
    """The outermost ASGI layer: an id, a line and a measurement for each request."""

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
        request_id = scope["penguin.request_id"] = _request_id(scope)
        try:
            with self._tracer.span("request", request=request_id):
                await self._app(scope, receive, send)
        finally:
            status: int = scope.get("penguin.status", _FAILED)
            seconds = time.perf_counter() - begun
            name = _name(scope)
            self._meters.observe(name or "other", status, seconds)
            if self._lines is not None:
                self._lines.add(request_id, scope, status, seconds)


class Lines:
    """Writes the lines of requests, many at once."""

    def __init__(self, out: BinaryIO | None = None) -> None:
        """Write to standard error unless told otherwise."""
        self._out = out or sys.stderr.buffer
        self._kept: list[str] = []

    def add(self, request_id: str, scope: Scope, status: int, seconds: float) -> None:
        """Keep a line; it is written within a twentieth of a second."""
        tenant_id, name, method = scope.get("penguin.tenant"), _name(scope), scope["method"]
        tenant = _tenant(tenant_id) if isinstance(tenant_id, UUID) else ""
        named = f'"name":"{name}",' if name else ""
        self._kept.append(
            f'{{"request":"{request_id}",{tenant}{named}'
            f'"method":"{method if method in _METHODS else "other"}","status":{status},"ms":{seconds * 1000:.2f},'
            f'"event":"request","at":"{datetime.now(UTC).isoformat()}","level":"info","process":"api"}}\n'
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
def _tenant(tenant_id: UUID) -> str:
    return f'"tenant":"{tenant_id}",'


def _name(scope: Scope) -> str | None:
    name = scope.get("penguin.command")
    return name if _is_plain(name) else None


@functools.lru_cache(maxsize=2048)
def _is_plain(name: object) -> bool:
    """Whether a name has the form of those in the code."""
    return isinstance(name, str) and _PLAIN.fullmatch(name) is not None


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _LOOKS_LIKE_AN_ID.fullmatch(value):
            return str(value, "ascii")
    return f"{_PROCESS}{next(_NUMBERS):012x}"
