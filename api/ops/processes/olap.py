"""The owner of the analytics file: takes the logs in, and answers reports over its socket."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Final

from adapters.duckdb.client import FlightAnalytics
from adapters.duckdb.files import AlreadyOwned
from adapters.duckdb.owner import run_owner
from adapters.duckdb.settings import InvalidSettings
from api.analytics import olap_settings
from api.ops.errors import CannotRun
from application.ports.analytics import AnalyticsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.ops.processes import Around

_LOOK_EVERY: Final = 0.1
_ABOUT: Final[Mapping[str, str]] = {}


async def work(around: Around) -> None:
    """Own the file until asked to stop."""
    settings = olap_settings(around.settings, around.database.admin)
    stop = threading.Event()
    owning = asyncio.create_task(asyncio.to_thread(run_owner, settings, stop))
    client = FlightAnalytics(settings)
    loop = asyncio.get_running_loop()

    def figures() -> Mapping[str, float]:
        try:
            health = asyncio.run_coroutine_threadsafe(client.health(), loop).result(timeout=1)
        except (AnalyticsError, TimeoutError):
            return {}
        return {f"olap_{name}": value for name, value in health.figures.items()}

    around.meters.figures(figures, _ABOUT)
    asked = asyncio.create_task(around.stop.wait())
    ready = asyncio.create_task(_tell_when_ready(around, client))
    await asyncio.wait({owning, asked}, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    for task in (asked, ready):
        task.cancel()
    await asyncio.gather(asked, ready, return_exceptions=True)
    await client.close()
    try:
        await owning
    except (AlreadyOwned, InvalidSettings) as error:
        raise CannotRun(str(error)) from error


async def _tell_when_ready(around: Around, client: FlightAnalytics) -> None:
    """The service has no moment of its own at which it is open: it is asked until it answers."""
    while True:
        try:
            await client.health()
        except AnalyticsError:
            await asyncio.sleep(_LOOK_EVERY)
            continue
        around.line.ready()
        return
