"""The worker: sends what is due to the broker, does what the broker hands over, and delivers webhooks."""

from __future__ import annotations

import asyncio
import functools
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import psycopg

from adapters.broker.queue import BrokerUnusable, open_queue
from adapters.postgres.roles import Role
from api.composition import composed
from api.ops.errors import CannotRun
from api.watching import watch_of
from api.webhooks import ABOUT as WEBHOOKS
from api.webhooks import deliverer_of, figures
from api.workflows import workflows_of
from application.billing.stocking import Stocking
from application.noting import ABOUT as NOTING
from application.noting import Noting
from application.rotation import Rotation
from application.sweeping import sweep_regularly
from projections.audit.shown import TreesInDatabase
from projections.jobs.dispatcher import Dispatcher
from projections.jobs.runner import Runner
from projections.jobs.runs import counts
from projections.operational.billing_notices.waiting import ABOUT as LETTERS
from projections.operational.billing_notices.waiting import figures as letter_figures
from projections.operational.gateway_events.figures import ABOUT as GATEWAY
from projections.operational.gateway_events.figures import figures as gateway_figures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.ops.processes import Around
    from api.parts import Composition
    from application.commanding import Commands
    from application.jobs import Job
    from application.ports.payments import PaymentGateway

_THREADS: Final = 4
_PATIENCE: Final = 20.0
_ABOUT: Final = {
    "jobs_due": "Jobs that are due and not taken up.",
    "jobs_later": "Jobs that will be due.",
    "jobs_sent": "Jobs on their way through the broker.",
    "jobs_running": "Jobs under way.",
    "jobs_waiting": "Jobs that failed and will be tried again.",
    "jobs_failed": "Jobs that were given up: somebody has to look.",
    "jobs_oldest_s": "Seconds that the longest due job has been due.",
}
_SELLING: Final = {
    "catalogues_not_sold": "Versions of the catalogue that are not all at the payment provider.",
}
_ROTATION: Final = {
    "keys_not_rotated": "Tenants whose keys cannot be read, so that copies of what they destroyed still open.",
}

_POSTING: Final = {
    "postings_contradicted": "Times that a place of checkpoints held another past, since the process began.",
}


async def work(around: Around) -> None:
    """Dispatch and run jobs and deliver webhooks until asked to stop; work under way stops at its next safe point.

    Beside that, what we sell is made at the payment provider, copies of destroyed keys are made unreadable once a day,
    killed uploads removed, the access logs looked through by their alert rules, and the logs' checkpoints noted in
    the platform's log.
    """
    loop, dsn = asyncio.get_running_loop(), around.settings.dsn(Role.PROJECTOR, around.database.admin)
    broker = around.settings.broker_url
    async with (
        composed(around.settings, around.database.admin, tracer=around.tracer) as parts,
        deliverer_of(parts, dsn) as deliverer,
    ):
        workflows = workflows_of(parts)

        def do(job: Job, stopping: Callable[[], bool]) -> None:
            # Jobs come in the broker's threads; the log and its connections live on this loop.
            with around.tracer.span("job", workflow=job.workflow):
                asyncio.run_coroutine_threadsafe(workflows.run(job, stopping), loop).result()

        runner = Runner(dsn, do)
        try:
            address = None if broker is None else broker.get_secret_value()
            queue = await asyncio.to_thread(open_queue, address, dsn, runner.run)
        except BrokerUnusable as error:
            raise CannotRun(str(error)) from error
        dispatcher, stop = Dispatcher(dsn, queue.send), threading.Event()
        around.meters.figures(lambda: _figures(dsn), _ABOUT)
        around.meters.figures(lambda: figures(deliverer), WEBHOOKS)
        around.meters.figures(lambda: letter_figures(dsn), LETTERS)
        rotation = Rotation(parts.keys, parts.clock)
        around.meters.figures(lambda: {"keys_not_rotated": float(rotation.failing)}, _ROTATION)
        around.meters.figures(lambda: {"postings_contradicted": float(parts.postings.contradicted)}, _POSTING)
        queue.start(_THREADS)
        dispatching = asyncio.create_task(asyncio.to_thread(dispatcher.run, stop))
        rotating = asyncio.create_task(rotation.run(around.stop))
        sweeping = asyncio.create_task(sweep_regularly(parts.blobs, parts.clock, around.stop))
        selling = asyncio.create_task(_sell(around, dsn, parts.payments))
        watching = asyncio.create_task(_watch(around, dsn, parts))
        noting = asyncio.create_task(_note(around, dsn, parts.commands))
        halt = asyncio.Event()
        webhooks = asyncio.create_task(deliverer.run(halt))
        around.line.ready()
        try:
            asked = asyncio.create_task(around.stop.wait())
            beside = (dispatching, rotating, sweeping, selling, watching, noting, webhooks)
            await asyncio.wait({*beside, asked}, return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
        finally:
            # Everything is told to stop before anything is waited for, and everything is waited for before it is told
            # what went wrong: nothing of this works on once the pools are closed.
            runner.stop()
            stop.set()
            halt.set()
            around.stop.set()
            ended = await asyncio.gather(
                asyncio.to_thread(queue.stop, _PATIENCE),
                dispatching,
                rotating,
                sweeping,
                selling,
                watching,
                noting,
                webhooks,
                return_exceptions=True,
            )
        for one in ended:
            if isinstance(one, BaseException):
                raise one


async def _watch(around: Around, dsn: str, parts: Composition) -> None:
    """Look through the access logs by their tenants' alert rules."""
    async with watch_of(parts, dsn) as watch:
        await watch.run(around.stop)


async def _sell(around: Around, dsn: str, payments: PaymentGateway | None) -> None:
    """Have what we sell at the payment provider, where there is one; and say what it told."""
    if payments is not None:
        stocking = Stocking(payments)
        around.meters.figures(lambda: {"catalogues_not_sold": float(stocking.left)}, _SELLING)
        around.meters.figures(lambda: gateway_figures(dsn), GATEWAY)
        await stocking.run(around.stop)
    await around.stop.wait()


async def _note(around: Around, dsn: str, commands: Commands) -> None:
    """Have the checkpoints of all logs noted in the platform's."""
    connect = functools.partial(psycopg.AsyncConnection.connect, dsn, autocommit=True, connect_timeout=5)
    every = timedelta(minutes=around.settings.checkpoints_noted_minutes)
    noting = Noting(commands, TreesInDatabase(connect), every)
    around.meters.figures(noting.figures, NOTING)
    await noting.run(around.stop)


def _figures(dsn: str) -> Mapping[str, float]:
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=1) as connection:
            found = counts(connection)
    except psycopg.Error:
        return {}
    return {name: float(getattr(found, name.removeprefix("jobs_"))) for name in _ABOUT}
