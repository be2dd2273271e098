"""The dispatcher: sends the ids of due jobs to the broker, at least once each.

It marks a job, commits, and only then sends: whoever takes up a message finds the job marked. The mark is short until
its message is sent, so that after a crash in between another dispatcher sends it; a message twice is for the lease to
settle. Any number of dispatchers may run.
"""

from __future__ import annotations

import logging
import math
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import psycopg

from projections.jobs.runs import forget, take_due, wait_for
from projections.jobs.sweeps import AGAIN_AFTER, take_sweeps

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from uuid import UUID

    from psycopg import Connection

log = logging.getLogger(__name__)

_EVERY: Final = 0.25
_SWEEPS_EVERY: Final = 1.0
_PATIENCE: Final = timedelta(seconds=60)
_TO_SEND: Final = timedelta(seconds=10)
_NOT_SENT: Final = timedelta(0)
_FORGET_AFTER: Final = timedelta(days=30)
_FORGET_EVERY: Final = 10_000


class Dispatcher:
    """Sends due jobs through `send(job_id)`. `dsn` connects as the role that owns the views.

    `patience`: how long a message may go unheeded before it is sent again. `to_send`: how long a dispatcher has to send
    what it marked, before another one does. `again_after`: how long after a sweep the next begins, where anything is
    still due.
    """

    def __init__(
        self,
        dsn: str,
        send: Callable[[UUID], None],
        patience: timedelta = _PATIENCE,
        again_after: timedelta = AGAIN_AFTER,
        to_send: timedelta = _TO_SEND,
    ) -> None:
        """Take what is needed; nothing is opened yet."""
        self._dsn = dsn
        self._send = send
        self._patience = patience
        self._again_after = again_after
        self._to_send = min(to_send, patience)
        self._swept_at = -math.inf
        self.sent = 0

    def run(self, stop: threading.Event) -> None:
        """Dispatch until `stop` is set; a database or a broker that goes away is waited for."""
        rounds = 0
        while not stop.is_set():
            try:
                with psycopg.connect(self._dsn, autocommit=True, application_name="dispatcher") as connection:
                    while not stop.is_set():
                        if rounds % _FORGET_EVERY == 0:
                            forget(connection, _FORGET_AFTER)
                        rounds += 1
                        if not self.step(connection):
                            stop.wait(_EVERY)
            except Exception as error:  # noqa: BLE001 - each broker has its own errors; all of them pass
                log.warning("dispatcher: trouble, trying again: %s", type(error).__name__)
                stop.wait(1.0)

    def step(self, connection: Connection[Any]) -> int:
        """Send what is due now, 100 jobs at most, and 100 sweeps of each kind once a second; how many."""
        with connection.transaction():
            jobs = take_due(connection, self._to_send)
            if time.monotonic() - self._swept_at >= _SWEEPS_EVERY:
                jobs += take_sweeps(connection, self._to_send, self._again_after)
                self._swept_at = time.monotonic()
        sent = 0
        try:
            for job in jobs:
                self._send(job)
                sent += 1
        finally:
            self.sent += sent
            wait_for(connection, jobs[:sent], self._patience)
            wait_for(connection, jobs[sent:], _NOT_SENT)
        return len(jobs)
