"""The runner: does one job, holding a lease on it meanwhile, and enters how it ended."""

from __future__ import annotations

import logging
import random
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID, uuid4

import psycopg

from application.importing.service import Interrupted
from application.jobs import Job
from application.workflow import NotYet
from projections.jobs.runs import Leased, due_job, lease, renew, settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg import Connection

log = logging.getLogger(__name__)

_AT_ONCE: Final = timedelta(0)
_LONGEST_PAUSE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """How jobs are run: the lease that a live worker renews, and how often a failing job is tried, how far apart."""

    lease: timedelta = timedelta(seconds=30)
    attempts: int = 8
    pause: timedelta = timedelta(seconds=2)

    def pause_after(self, attempt: int) -> timedelta:
        """Four times as long after each attempt, an hour at most, scattered by a quarter."""
        pause = min(self.pause * float(4 ** (attempt - 1)), _LONGEST_PAUSE)
        return pause * random.uniform(0.75, 1.25)  # noqa: S311 - no secret


class Runner:
    """Runs jobs by id. `work(job, stopping)` does one, in the caller's thread; it raises what goes wrong.

    It is asked to stop where `stopping()` turns true: the worker shuts down, or lost the lease. Then it raises
    `Interrupted` at its next safe point, and somebody goes on from there.
    """

    def __init__(
        self, dsn: str, work: Callable[[Job, Callable[[], bool]], None], terms: Terms | None = None
    ) -> None:
        """`dsn` connects as the role that owns the views."""
        self._dsn = dsn
        self._work = work
        self._terms = terms or Terms()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ask all running jobs to stop at their next safe point."""
        self._stopping.set()

    def run(self, job_id: UUID) -> bool:
        """Do the job, if it is free, due and not over; whether it was done. Raises where the database is away."""
        if self._stopping.is_set():
            return False
        worker = uuid4()
        with self._connect() as connection:
            leased = lease(connection, job_id, worker, self._terms.lease)
            if leased is None:
                return False
            if leased.attempt > self._terms.attempts:
                # Only a job whose worker died each time comes here.
                self._give_up(connection, leased, worker, "WorkerDied")
                return False
            found = due_job(connection, leased)
            if found is None:
                settle(connection, leased, worker, "done", pause=_AT_ONCE)
                return False
        last = leased.attempt >= self._terms.attempts
        job = Job(job_id, leased.tenant_id, found[0], leased.workflow, found[1], last)
        with _Lease(self._connect, leased, worker, self._terms.lease) as held:
            outcome = self._attempt(job, held)
        with self._connect() as connection:
            return self._enter(connection, leased, worker, outcome)

    def _attempt(self, job: Job, held: _Lease) -> Exception | None:
        try:
            self._work(job, lambda: self._stopping.is_set() or held.lost.is_set())
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is entered, retried, and given up in the end
            return error
        return None

    def _enter(
        self, connection: Connection[Any], leased: Leased, worker: UUID, error: Exception | None
    ) -> bool:
        if error is None:
            return settle(connection, leased, worker, "done", pause=_AT_ONCE)
        if isinstance(error, Interrupted):
            settle(connection, leased, worker, "waiting", pause=_AT_ONCE, counts=False)
            return False
        if isinstance(error, NotYet):
            waits_for = error.waits_for
            settle(connection, leased, worker, "waiting", pause=error.pause, error=waits_for, counts=False)
            return False
        kind = type(error).__name__
        if leased.attempt >= self._terms.attempts:
            self._give_up(connection, leased, worker, kind)
            return False
        pause = self._terms.pause_after(leased.attempt)
        settle(connection, leased, worker, "waiting", pause=pause, error=kind)
        log.warning(
            "job %s (%s) of tenant %s: attempt %d ended with %s, next in %.0f s",
            leased.job_id,
            leased.workflow,
            leased.tenant_id,
            leased.attempt,
            kind,
            pause.total_seconds(),
        )
        return False

    def _give_up(self, connection: Connection[Any], leased: Leased, worker: UUID, kind: str) -> None:
        settle(connection, leased, worker, "failed", pause=_AT_ONCE, error=kind)
        log.error(
            "job %s (%s) of tenant %s was given up after %d attempts: %s",
            leased.job_id,
            leased.workflow,
            leased.tenant_id,
            leased.attempt,
            kind,
        )

    def _connect(self) -> Connection[Any]:
        return psycopg.connect(self._dsn, autocommit=True, application_name="worker")


class _Lease:
    """Renews a lease three times a term while the work goes on; `lost` is set once it cannot be held."""

    def __init__(
        self, connect: Callable[[], Connection[Any]], leased: Leased, worker: UUID, term: timedelta
    ) -> None:
        self._connect = connect
        self._leased = leased
        self._worker = worker
        self._term = term
        self._over = threading.Event()
        self.lost = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease {leased.job_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _renew(self) -> None:
        every = self._term.total_seconds() / 3
        failures = 0
        while not self._over.wait(every):
            try:
                with self._connect() as connection:
                    held = renew(connection, self._leased.job_id, self._worker, self._term)
            except psycopg.Error as error:
                failures += 1
                log.warning("lease of job %s: %s", self._leased.job_id, type(error).__name__)
                held = failures < 2  # noqa: PLR2004 - after a second miss the term is nearly over
            else:
                failures = 0
            if not held:
                self.lost.set()
                return
