"""The projector: keeps the operational views and the list of jobs due up with the logs."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from adapters.eventstore.codec import JsonCodec
from adapters.keys.sqlite import SqliteKeyStore
from adapters.postgres.policies import policies_for_view
from adapters.postgres.roles import Role
from projections.operational.views import VIEWS
from projections.runtime.projector import Projector, ProjectorSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.ops.processes import Around
    from api.settings import Settings

_ABOUT = {
    "projector_batches": "Batches taken in since the process began.",
    "projector_positions": "Positions moved over since the process began.",
    "projector_handled": "Events handled since the process began.",
    "projector_parked": "Tenants' projections stopped at an event since the process began.",
    "projector_overtaken": "Batches dropped because another projector was faster.",
    "projector_reconnects": "Times the database had to be found again.",
}


def projector_settings(settings: Settings, server: str) -> ProjectorSettings:
    """What a projector of this installation needs; also for rebuilding and comparing by hand."""
    master = settings.master_key
    keys = SqliteKeyStore(
        settings.keys_folder, None if master is None else bytes.fromhex(master.get_secret_value())
    )
    return ProjectorSettings(
        dsn=settings.dsn(Role.PROJECTOR, server),
        codec=JsonCodec(keys),
        projections=VIEWS,
        policies=policies_for_view,
    )


async def work(around: Around) -> None:
    """Project until asked to stop; the loop itself is a thread's, for its connections block."""
    projector = Projector(projector_settings(around.settings, around.database.admin))
    around.meters.figures(lambda: _figures(projector), _ABOUT)
    stop = threading.Event()
    running = asyncio.create_task(asyncio.to_thread(projector.run, stop))
    around.line.ready()
    asked = asyncio.create_task(around.stop.wait())
    await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    asked.cancel()
    await running


def _figures(projector: Projector) -> Mapping[str, float]:
    counters = projector.counters
    return {name: float(getattr(counters, name.removeprefix("projector_"))) for name in _ABOUT}
