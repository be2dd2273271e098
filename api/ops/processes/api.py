"""The API: the HTTP door under uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import structlog
import uvicorn
from starlette.middleware import Middleware

from api.composition import composed
from api.http.app import create_app, settle
from api.ops.child import inherited_listener
from api.ops.health import Health
from api.ops.listening import BACKLOG, listen
from api.ops.one_piece import OnePiece
from api.ops.requests import Lines, RequestLog
from api.ops.spans import trace_queries

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from starlette.types import ASGIApp

    from api.ops.processes import Around

_GRACE: Final = 20
_THREADS: Final = 32

log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the process has one set for everything in it."""

    def __init__(self, config: uvicorn.Config, around: Around) -> None:
        super().__init__(config)
        self._around = around

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = (sockets or [])[0].getsockname()[:2]
            self._around.line.ready(address=f"http://{f'[{host}]' if ':' in host else host}:{port}")


def door_config(app: ASGIApp, trusted_proxies: str) -> uvicorn.Config:
    """How uvicorn serves it. Where a request came from is what one of `trusted_proxies` says, else its connection."""
    return uvicorn.Config(
        app,
        loop="none",
        http=OnePiece,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        backlog=BACKLOG,
        timeout_graceful_shutdown=_GRACE,
        proxy_headers=True,
        forwarded_allow_ips=trusted_proxies.split(","),
    )


async def work(around: Around) -> None:
    """Serve until asked to stop; then take nothing more, answer what was begun, and commit what was accepted."""
    settings = around.settings
    # What waits in a thread waits for a disk or a lock: a few such waits must not be all the threads there are.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, "door"))
    listener = inherited_listener() or listen(settings)
    trace_queries(around.tracer)
    async with composed(settings, around.database.admin, tracer=around.tracer) as parts:
        health = Health(around, parts)
        lines = Lines() if settings.log_level in ("debug", "info") else None
        layer = Middleware(RequestLog, meters=around.meters, tracer=around.tracer, lines=lines)
        app = create_app(parts, health.routes(), [layer]).front
        door = _Server(door_config(app, settings.trusted_proxies), around)
        settle()
        serving = asyncio.create_task(door.serve([listener]))
        asked = asyncio.create_task(around.stop.wait())
        await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
        door.should_exit = True
        asked.cancel()
        await serving
        if lines is not None:
            lines.flush()
