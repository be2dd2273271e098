"""The notary: brings each log's Merkle tree forward and signs its checkpoints."""

from __future__ import annotations

import asyncio
import functools
import threading
from typing import TYPE_CHECKING, Final

import psycopg

from adapters.keys.notary import KeptSigningKeys, SqliteNotaryMemory
from adapters.keys.sqlite import SqliteKeyStore
from adapters.postgres.roles import Role
from api.composition import now
from api.ops.errors import CannotRun
from application.ports.notary import NotaryMemoryUnusable
from projections.audit.notary import Notary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.ops.processes import Around

_ABOUT: Final = {
    "notary_events": "Events that were added to trees since the process began.",
    "notary_checkpoints": "Checkpoints signed since the process began.",
    "notary_rebuilt": "Trees made anew from their log's first event since the process began.",
    "notary_overtaken": "Batches dropped because another notary was faster.",
    "notary_reconnects": "Times the database, the keys or the memory had to be found again.",
    "notary_refused": "Logs that are not signed, since the database tells another past than was signed.",
}


async def work(around: Around) -> None:
    """Sign until asked to stop; the loop itself is a thread's, for its connection blocks."""
    settings = around.settings
    dsn = settings.dsn(Role.NOTARY, around.database.admin)
    try:
        memory = SqliteNotaryMemory(settings.keys_folder, settings.ledger_name)
        keys = KeptSigningKeys(SqliteKeyStore(settings.keys_folder, settings.master_key_bytes), memory)
        connect = functools.partial(psycopg.connect, dsn, autocommit=True, application_name="notary")
        notary = Notary(connect, memory, keys, now)
        around.meters.figures(lambda: _figures(notary), _ABOUT)
        with memory.held():
            await _sign(around, notary)
    except NotaryMemoryUnusable as error:
        raise CannotRun(str(error)) from error
    memory.close()


async def _sign(around: Around, notary: Notary) -> None:
    stop = threading.Event()
    running = asyncio.create_task(asyncio.to_thread(notary.run, stop))
    around.line.ready()
    asked = asyncio.create_task(around.stop.wait())
    await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    asked.cancel()
    await running


def _figures(notary: Notary) -> Mapping[str, float]:
    counters = notary.counters
    return {name: float(getattr(counters, name.removeprefix("notary_"))) for name in _ABOUT}
