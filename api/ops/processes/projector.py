"""The projector: keeps the operational views and the list of jobs due up with the logs."""

from __future__ import annotations

import asyncio
import functools
import threading
from typing import TYPE_CHECKING, Final

import psycopg

import domain.registered  # noqa: F401 - every event there is must be known before the first is read
from adapters.eventstore.codec import JsonCodec
from adapters.keys.sqlite import SqliteKeyStore
from adapters.postgres.policies import policies_for_view
from adapters.postgres.roles import Role
from api.ops import logs
from projections.jobs.due import JOBS
from projections.operational.views import VIEWS
from projections.runtime.oversight import status
from projections.runtime.projector import Projector, ProjectorSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.ops.processes import Around
    from api.settings import Settings

_CIPHERS: Final = 5_000
"""A projector seldom meets a subject twice in a short time, and each cipher at hand takes 2.5 kB."""

_ABOUT: Final = {
    "projector_batches": "Batches taken in since the process began.",
    "projector_positions": "Positions moved over since the process began.",
    "projector_handled": "Events handled since the process began.",
    "projector_parked": "Tenants' projections stopped at an event since the process began.",
    "projector_overtaken": "Batches dropped because another projector was faster.",
    "projector_reconnects": "Times the database had to be found again.",
}
_LAG: Final = {
    "projection_lag_events": "Events that a view has not taken in yet.",
    "projection_lag_seconds": "Age of the oldest event that a view has not taken in yet.",
    "projection_tenants_behind": "Tenants whose log is ahead of a view.",
    "projection_parked": "Tenants for whom a view stopped at an event it cannot take in.",
}


def projector_settings(settings: Settings, server: str) -> ProjectorSettings:
    """What a projector of this installation needs; also for rebuilding and comparing by hand."""
    master = settings.master_key
    keys = SqliteKeyStore(
        settings.keys_folder, None if master is None else bytes.fromhex(master.get_secret_value())
    )
    return ProjectorSettings(
        dsn=settings.dsn(Role.PROJECTOR, server),
        codec=JsonCodec(keys, ciphers=_CIPHERS),
        projections=(*VIEWS, JOBS),
        policies=policies_for_view,
        again=functools.partial(_again, settings, server),
    )


def _again(settings: Settings, server: str) -> ProjectorSettings:
    """The same in the projector's helper, which logs as its process does."""
    logs.set_up("projector", level=settings.log_level, form=settings.log_format)
    return projector_settings(settings, server)


async def work(around: Around) -> None:
    """Project until asked to stop; the loop itself is a thread's, for its connections block."""
    projector = Projector(projector_settings(around.settings, around.database.admin))
    around.meters.figures(lambda: _figures(projector), _ABOUT)
    around.meters.by_label(lambda: _lag(projector), _LAG, "projection")
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


def _lag(projector: Projector) -> Mapping[str, Mapping[str, float]]:
    """How far each live view is behind, asked of the database at this moment; nothing while it is away."""
    try:
        with projector.connect() as connection:
            builds = [build for build in status(connection) if build.state == "live"]
    except psycopg.Error:
        return {}
    return {
        "projection_lag_events": {build.projection: build.events for build in builds},
        "projection_lag_seconds": {build.projection: build.seconds for build in builds},
        "projection_tenants_behind": {build.projection: build.tenants_behind for build in builds},
        "projection_parked": {build.projection: build.parked for build in builds},
    }
