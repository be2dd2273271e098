"""The worker in tests: what the logs say is due goes through the real dispatcher, runner and workflows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import psycopg

from adapters.postgres.policies import policies_for_view
from api.composition import now
from api.workflows import workflows_of
from application.jobs import Job
from application.workflow import NotYet
from projections.jobs.dispatcher import Dispatcher
from projections.jobs.due import JOBS
from projections.jobs.runner import Runner, Terms
from projections.operational.views import VIEWS
from projections.runtime.projector import Projector, ProjectorSettings
from tests.support.api import Api


@dataclass(slots=True)
class MovedClock:
    """The commands' clock, `behind` the database's: what falls due in days there is due at once for the worker."""

    behind: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        """The moment."""
        return now() - self.behind


@dataclass(slots=True)
class Worker:
    """A worker of an API; `done` are the workflows that it ran to their end, in order."""

    api: Api
    done: list[str] = field(default_factory=list)
    failed: list[Exception] = field(default_factory=list)
    _sent: list[UUID] = field(default_factory=list)

    def settings(self) -> ProjectorSettings:
        """Of a projector for all views and jobs."""
        return ProjectorSettings(
            self.api.database.projector, self.api.parts.codec, (*VIEWS, JOBS), policies_for_view
        )

    async def work_off(self, stopping: Callable[[], bool] | None = None) -> list[str]:
        """Let views and jobs take in the logs, and run what is due until nothing is; the workflows that ran.

        `stopping` asks a job to stop, where it is true. Raises what a job raised: none is tried again.
        """
        asked = stopping
        begun, parts = len(self.done), self.api.parts
        workflows = workflows_of(parts)
        loop = asyncio.get_running_loop()

        def do(job: Job, stopping: Callable[[], bool]) -> None:
            try:
                asyncio.run_coroutine_threadsafe(workflows.run(job, asked or stopping), loop).result(60)
            except NotYet:
                raise
            except Exception as error:
                self.failed.append(error)
                raise
            self.done.append(job.workflow)

        dsn = self.api.database.projector
        runner, dispatcher = (
            Runner(dsn, do, Terms(attempts=1)),
            Dispatcher(dsn, self._sent.append, again_after=timedelta(0)),
        )
        while await asyncio.to_thread(self._turn, runner, dispatcher):
            if self.failed:
                raise self.failed[0]
        return self.done[begun:]

    def _turn(self, runner: Runner, dispatcher: Dispatcher) -> int:
        """Project, send, run; how many jobs were run."""
        dsn = self.api.database.projector
        projector = Projector(self.settings())
        with projector.connect() as connection:
            projector.refresh_soon()
            while projector.step(connection):
                projector.refresh_soon()
        with psycopg.connect(dsn, autocommit=True) as connection:
            dispatcher.step(connection)
        sent, self._sent[:] = list(self._sent), []
        for job_id in sent:
            runner.run(job_id)
        return len(sent)
