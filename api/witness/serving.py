"""Running a witness: a process of its own, without a database, until it is asked to end."""

from __future__ import annotations

import contextlib
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

from adapters.witnesses.folder import opened
from adapters.witnesses.key import WitnessKeyUnusable
from adapters.witnesses.memory import WitnessMemoryUnusable
from api.ops.errors import CannotRun
from api.witness.app import create_app
from api.witness.settings import FILE, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from adapters.witnesses.folder import Kept
    from api.witness.settings import WitnessSettings

_BACKLOG: Final = 512
_AT_ONCE: Final = 256
_GRACE: Final = 10


@contextmanager
def witness_in(folder: Path) -> Iterator[tuple[WitnessSettings, Kept]]:
    """The witness of a folder: what it is told, its key and its memory. Raises `CannotRun`."""
    settings = read_settings(folder / FILE)
    try:
        kept = opened(folder, settings.name)
    except (WitnessKeyUnusable, WitnessMemoryUnusable, OSError) as error:
        words = str(error)
        raise CannotRun(words[:1].upper() + words[1:]) from None
    with contextlib.closing(kept.memory):
        yield settings, kept


def serve(folder: Path, tell: Callable[[str, str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C. `tell` is given the address and the verifier key when it listens."""
    with witness_in(folder) as (settings, kept), _listening(settings) as listener:
        host, port = listener.getsockname()[:2]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        config = uvicorn.Config(
            create_app(settings, kept),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=_AT_ONCE,
            timeout_graceful_shutdown=_GRACE,
        )
        _Server(config, lambda: tell(address, str(kept.key.verifier))).run([listener])


class _Server(uvicorn.Server):
    """uvicorn that says when it serves, and ends in order, with its own exit code, when it is asked to."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.handle_exit)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def _listening(settings: WitnessSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise CannotRun(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Name another in {FILE}."
        ) from None
