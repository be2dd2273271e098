"""The processes of an installation, each runnable alone; `run` is what they share."""

from __future__ import annotations

import asyncio
import importlib
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from api.ops import logs
from api.ops.child import Line
from api.ops.database import Schema, opened, schema_of
from api.ops.errors import CannotRun
from api.ops.loading import loaded
from api.ops.metrics import Meters, answering, socket_path
from api.ops.tracing import tracer
from api.payments import checked_account

if TYPE_CHECKING:
    from pathlib import Path

    from api.ops.child import Tell
    from api.ops.database import Database
    from api.ops.tracing import Tracer
    from api.settings import Settings

NAMES: Final = ("olap", "projector", "worker", "notary", "api")
"""The API is last: it is the first to stop."""

log = structlog.get_logger(__name__)


class NotMigrated(CannotRun):
    """The database's schema is not that of this version. Run `penguinmails migrate`."""


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds a process's work."""

    name: str
    settings: Settings
    database: Database
    line: Line
    meters: Meters
    tracer: Tracer
    stop: asyncio.Event
    """Set when the process is asked to end: it finishes what it accepted, and takes nothing more on."""


class Body(Protocol):
    """The work of a process."""

    async def __call__(self, around: Around) -> None:
        """Work until `around.stop` is set; call `around.line.ready()` as soon as the work has begun."""


def run_folder(root: Path) -> Path:
    """Where running processes leave word of themselves (0700)."""
    folder = root / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def run(name: str, settings: Settings, tell: Tell | None = None) -> None:
    """Run one process until it is asked to end; `tell` is given what there is to say once it is ready.

    Raises what keeps it from starting: `DatabaseUnusable`, `NotMigrated`, `EmbeddedPostgresFailed` and others.
    """
    logs.set_up(name, level=settings.log_level, form=settings.log_format)
    checked_account(settings)
    # Each process pays for its own libraries alone: DuckDB and Arrow take half a second to import.
    body: Body = importlib.import_module(f"api.ops.processes.{name}").work
    loaded()
    line = Line.from_environment(tell)
    with opened(settings, watch=not line.supervised) as database:
        schema = schema_of(database.admin)
        if schema is not Schema.CURRENT:
            remedy = "Run `penguinmails migrate`." if schema is Schema.BEHIND else "Upgrade PenguinMails."
            raise NotMigrated(f"The database's schema is {schema} of this version's. {remedy}")
        # uvloop serves HTTP faster, and costs the others nothing.
        import uvloop  # noqa: PLC0415 - its own processes alone; the command line starts without it

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_work(name, settings, database, line, body))


async def _work(name: str, settings: Settings, database: Database, line: Line, body: Body) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    line.watch()
    meters, spans = Meters(), tracer(settings.otlp_endpoint, name)
    try:
        async with answering(socket_path(run_folder(settings.root), name), meters):
            await body(Around(name, settings, database, line, meters, spans, stop))
        log.info("stopped in order")
    finally:
        spans.close()
