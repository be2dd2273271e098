"""`penguinmails serve`: everything in one command, and what it tells when it stands."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog

from adapters.postgres.migrate import migrate
from api.ops import logs
from api.ops.database import Schema, opened, schema_of
from api.ops.errors import CannotRun
from api.ops.folder import made
from api.ops.listening import listen
from api.ops.metrics import OWN_STRIPE
from api.ops.own_stripe import beside
from api.ops.processes import NAMES, run_folder
from api.ops.state import RunState, identity, own_identity
from api.ops.supervisor import Program, Supervisor, child_environment, this_program
from api.payments import checked_account

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.ops.database import Database
    from api.ops.supervisor import Child
    from api.settings import Settings

log = structlog.get_logger(__name__)
_PREPARING: Final = 600.0
_LOOPBACK: Final = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True)
class Serving:
    """A running installation, for the banner."""

    settings: Settings
    address: str
    database: Database
    prepared: Mapping[str, Any]
    """What the first start, or an earlier one, made: the demo's ids, and keys that are shown this once."""
    own_stripe: str | None
    """Where our own Stripe is, if it runs."""


def links_to_try(settings: Settings, address: str, *, demo: bool) -> dict[str, str]:
    """Where links in mail lead while nobody said it: here, with a demo that this machine alone reaches.

    They are to try the doors by; in mail that goes out they would lead nowhere, so without a demo there are none.
    """
    if not demo or settings.public_url is not None or settings.host not in _LOOPBACK:
        return {}
    return {"PENGUINMAILS_PUBLIC_URL": address}


def serve(settings: Settings, *, demo: bool, tell: Callable[[Serving], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; `tell` is called once everything is ready."""
    level = settings.log_level
    if sys.stderr.isatty() and "log_level" not in settings.model_fields_set:
        level = "warning"  # a person reads along: the banner must not drown
    logs.set_up("serve", level=level, form=settings.log_format)
    # A signal during the first steps ends them as Ctrl-C does, so that the database is stopped in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # The database's part makes the folder: it knows who must be able to pass through it.
    if settings.database_url is not None:
        with made(settings.root):
            settings.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    checked_account(settings)
    listener = listen(settings)
    with opened(settings) as database:
        state = RunState(run_folder(settings.root))
        with state.held(), listener:
            port = listener.getsockname()[1]
            address = f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{port}"
            _migrate(settings, database)
            environment = child_environment(
                PENGUINMAILS_DATA=str(settings.root),
                PENGUINMAILS_HOST=settings.host,
                PENGUINMAILS_PORT=str(port),
                PENGUINMAILS_LOG_LEVEL=level,
                PENGUINMAILS_LOG_FORMAT=settings.log_format,
                **links_to_try(settings, address, demo=demo),
            )
            prepared = _prepare(environment, demo=demo)
            has_demo = demo and prepared["demo"] is not None
            with beside(settings, demo=has_demo) as own:
                programs = [
                    Program(name, this_program(name), listener if name == "api" else None) for name in NAMES
                ]
                if own is not None:
                    programs.insert(0, Program(OWN_STRIPE, this_program("own-stripe"), own[1]))

                def changed(children: Mapping[str, Child]) -> None:
                    pids = {
                        name: identity(child.pid) for name, child in children.items() if child.pid is not None
                    }
                    state.write({"serve": own_identity(), "address": address, "processes": pids})

                supervisor = Supervisor(programs, environment, changed)
                serving = Serving(settings, address, database, prepared, None if own is None else own[0])
                asyncio.run(_run(supervisor, lambda: tell(serving)))


def _migrate(settings: Settings, database: Database) -> None:
    if schema_of(database.admin) is Schema.NEWER:
        raise CannotRun("The database was migrated by a newer version of PenguinMails. Run that one.")
    changed = migrate(database.admin, settings.passwords)
    if changed:
        log.info("brought rights to the matrix", count=len(changed))


def _prepare(environment: Mapping[str, str], *, demo: bool) -> Mapping[str, Any]:
    """Open the platform's log and make the demo, in a process that gives its memory back."""
    command = this_program("prepare", *([] if demo else ["--no-demo"]))
    done = subprocess.run(  # noqa: S603 - our own program
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=_PREPARING,
        check=False,
    )
    if done.returncode != 0:
        raise CannotRun(f"The first steps failed (exit code {done.returncode}); what happened stands above.")
    told = json.loads(done.stdout)
    if not isinstance(told, dict):
        raise CannotRun("The first steps ended without a word.")
    return told


async def _run(supervisor: Supervisor, tell: Callable[[], None]) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    starting = asyncio.create_task(supervisor.start())
    asked = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        await starting
        tell()
        await asked
    else:
        starting.cancel()
        await asyncio.wait({starting})
    log.info("stopping")
    await supervisor.stop()
