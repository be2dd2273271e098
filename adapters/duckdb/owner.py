"""The owner's process: `penguinmails olap`."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from typing import Final

from adapters.duckdb.files import Folder
from adapters.duckdb.room import Room
from adapters.duckdb.server import ReportServer
from adapters.duckdb.settings import OlapSettings
from adapters.duckdb.source import PostgresLogs

_LOOKS_UP: Final = 0.2
_log: Final = logging.getLogger(__name__)


def run_owner(
    settings: OlapSettings, stop: threading.Event | None = None, ready: Callable[[], None] = lambda: None
) -> None:
    """Own the analytics file until SIGTERM or SIGINT, or until `stop` is set (signals are then the caller's).

    `ready` is called once reports can be asked for. Raises `AlreadyOwned`, `InvalidSettings`. The database may be away
    at any time: reports go on, and say how old they are.
    """
    asked: list[int] = []
    if stop is None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            # A handler may interrupt this thread inside the event's own lock, so it leaves a note instead.
            signal.signal(number, lambda number, _: asked.append(number))
    settings.location()
    with Folder(settings.folder) as folder:
        room = Room(settings, folder, lambda: PostgresLogs(settings.database_url))
        try:
            room.start()
            server = ReportServer(room, settings)
            _log.info("analytics are served", extra={"folder": settings.folder.name})
            ready()
            # The system may hand a signal to any thread; this one has to wake for Python to run the handler.
            while not asked and not stop.wait(_LOOKS_UP):
                pass
            # Reports under way are interrupted with the room; then the server has nothing left to wait for.
            stopper = threading.Thread(target=server.shutdown, name="olap-shutdown")
            stopper.start()
            server.end_queries()
            room.interrupt()
            stopper.join()
            server.tidy()
        finally:
            room.close()
