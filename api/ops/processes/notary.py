"""The notary: brings each log's Merkle tree forward and signs its checkpoints."""

from __future__ import annotations

import asyncio
import functools
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import psycopg

from adapters.keys.ed25519 import verify
from adapters.keys.notary import KeptSigningKeys, SqliteNotaryMemory
from adapters.keys.sqlite import SqliteKeyStore
from adapters.postgres.roles import Role
from adapters.witnesses.http import HttpWitness
from api.composition import now
from api.ops.errors import CannotRun
from application.ports.notary import NotaryMemoryUnusable
from projections.audit.notary import Notary
from projections.audit.standing import standing
from projections.audit.witnesses import Cosigning

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from api.ops.metrics import Meters
    from api.ops.processes import Around
    from api.settings import Settings

_ABOUT: Final = {
    "notary_events": "Events that were added to trees since the process began.",
    "notary_checkpoints": "Checkpoints signed since the process began.",
    "notary_rebuilt": "Trees made anew from their log's first event since the process began.",
    "notary_overtaken": "Batches dropped because another notary was faster.",
    "notary_reconnects": "Times the database, the keys or the memory had to be found again.",
}
_ABOUT_STANDING: Final = {
    "notary_refused": "Logs that are not signed, since the database tells another past than was signed.",
    "notary_behind": "Logs that wait to be signed.",
    "notary_oldest_s": "Seconds that the one waits whose newest event is the oldest.",
}
_ABOUT_WITNESSES: Final = {
    "witness_asked": "Requests to this witness since the process began.",
    "witness_cosigned": "Cosignatures by this witness since the process began.",
    "witness_refused": "Times this witness did not cosign: it does not know the log or its key, or knows more than we.",
    "witness_wrong": "Answers of this witness that its key did not sign, or of a wrong clock.",
    "witness_contradicted": "Times this witness saw another past of a log than is here.",
    "witness_away": "1 while this witness does not answer, or is busy.",
    "witness_waiting": "Checkpoints that are due at this witness; 200 stands for all that are more.",
}
_UNWITNESSED: Final = "notary_unwitnessed"
_ABOUT_UNWITNESSED: Final = {
    _UNWITNESSED: "Logs whose present checkpoint, or one of the last two hours, too few witnesses cosigned."
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
        around.meters.figures(lambda: _standing(connect), _ABOUT_STANDING)
        with memory.held():
            async with cosigning(settings, around.meters, connect):
                await _sign(around, notary)
    except NotaryMemoryUnusable as error:
        raise CannotRun(str(error)) from error
    memory.close()


@asynccontextmanager
async def cosigning(
    settings: Settings, meters: Meters, connect: Callable[[], psycopg.Connection[Any]]
) -> AsyncIterator[None]:
    """Ask the witnesses that are set, if any, while the block runs: on a connection and a thread of its own."""
    named = {one.key.name: HttpWitness(one.url) for one in settings.witness_addresses}
    if not named:
        yield
        return
    asks, stop = Cosigning(connect, settings.quorum, named, verify, now), asyncio.Event()
    meters.by_label(lambda: _of_witnesses(asks), _ABOUT_WITNESSES, "witness")
    meters.figures(lambda: {_UNWITNESSED: float(asks.unwitnessed)}, _ABOUT_UNWITNESSED)
    asking = asyncio.create_task(asks.run(stop))
    try:
        yield
    finally:
        stop.set()
        await asking
        for witness in named.values():
            await witness.close()


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


def _standing(connect: Callable[[], psycopg.Connection[Any]]) -> Mapping[str, float]:
    try:
        with connect() as connection:
            found = standing(connection)
    except psycopg.Error:
        return {}
    return {
        "notary_refused": found.refused,
        "notary_behind": found.behind,
        "notary_oldest_s": found.seconds,
    }


def _of_witnesses(asks: Cosigning) -> Mapping[str, Mapping[str, float]]:
    return {
        name: {
            witness: float(getattr(figures, name.removeprefix("witness_")))
            for witness, figures in asks.figures.items()
        }
        for name in _ABOUT_WITNESSES
    }
