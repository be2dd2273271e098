"""The API: the HTTP door under uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Final

import structlog
import uvicorn
from starlette.middleware import Middleware

from api.composition import composed
from api.http.app import create_app
from api.ops.child import inherited_listener
from api.ops.health import Health
from api.ops.requests import Lines, RequestLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.ops.processes import Around
    from api.settings import Settings

_GRACE: Final = 20
_BACKLOG: Final = 2048

log = structlog.get_logger(__name__)


class AddressTaken(Exception):
    """Something else listens on the address. Stop it, or choose another: PENGUINMAILS_PORT or `--port`."""


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
            self._around.line.ready()


def listen(settings: Settings) -> socket.socket:
    """A listening socket on the settings' address. Raises `AddressTaken`."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        where = f"{settings.host}:{settings.port}"
        raise AddressTaken(
            f"Cannot listen on {where}: {error.strerror}. Choose another address: PENGUINMAILS_PORT or --port, "
            "PENGUINMAILS_HOST or --host."
        ) from None
    listener.listen(_BACKLOG)
    return listener


async def work(around: Around) -> None:
    """Serve until asked to stop; then take nothing more, answer what was begun, and commit what was accepted."""
    settings = around.settings
    listener = inherited_listener() or listen(settings)
    async with composed(settings, around.database.admin) as parts:
        health = Health(around, parts)
        lines = Lines() if settings.log_level in ("debug", "info") else None
        layer = Middleware(RequestLog, meters=around.meters, tracer=around.tracer, lines=lines)
        config = uvicorn.Config(
            create_app(parts, health.routes(), [layer]),
            loop="none",
            http="httptools",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_GRACE,
        )
        server = _Server(config, around)
        serving = asyncio.create_task(server.serve([listener]))
        asked = asyncio.create_task(around.stop.wait())
        await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        asked.cancel()
        await serving
        if lines is not None:
            lines.flush()
