"""The workflows of billing by their names, as the runner of jobs calls them."""

from __future__ import annotations

from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Final, TypeAlias

from application.billing.jobs import BillingJobs
from application.billing.overage import Overages
from application.billing.placing import Placing
from application.billing.reconciling import Reconciling
from application.ports.payments import PaymentsUnavailable, RateLimited
from application.workflow import NotYet
from domain.billing.account_events import ChangeRequested
from domain.billing.overage import OverageUsed
from domain.kernel.ids import InvoiceId

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from application.commanding import Commands
    from application.jobs import Job
    from application.ports.codec import EventCodec
    from application.ports.log import Recorded
    from application.ports.payments import PaymentGateway
    from application.workflow import Workflow

_AWAY: Final = timedelta(minutes=5)
_RECENT: Final = timedelta(days=45)
"""How far back the daily comparison looks: beyond a month's cycle, and all that is asked for again."""


Work: TypeAlias = "Callable[[Job, Recorded, Workflow, Callable[[], bool]], Awaitable[None]]"


def _patiently(work: Work) -> Work:
    """A provider that is away, or takes no more for now, is waited for; that is no attempt of the job's."""

    @wraps(work)
    async def waiting(job: Job, event: Recorded, workflow: Workflow, stopping: Callable[[], bool]) -> None:
        try:
            await work(job, event, workflow, stopping)
        except RateLimited as limited:
            raise NotYet(timedelta(seconds=limited.retry_after or _AWAY.seconds)) from None
        except PaymentsUnavailable:
            raise NotYet(_AWAY) from None

    return waiting


class BillingWork:
    """Does a job of billing."""

    def __init__(self, commands: Commands, codec: EventCodec, payments: PaymentGateway | None) -> None:
        """Without `payments` what needs the provider waits until there is one."""
        self._commands = commands
        self._codec = codec
        self._jobs = BillingJobs(commands, payments)
        self._payments = payments
        works: dict[str, Work] = {
            "gateway.place": self._place,
            "gateway.reconcile": self._reconcile,
            "subscription.change": self._change,
            "subscription.end_all": self._end_all,
            "overage.report": self._report_overage,
            "trial.remind": self._remind_of_trial,
            "trial.end": self._end_trial,
            "dunning.retry": self._retry,
            "dunning.suspend": self._suspend,
            "dunning.give_up": self._give_up,
        }
        self.by_name: Final = {name: _patiently(work) for name, work in works.items()}

    def _gateway(self) -> PaymentGateway:
        if self._payments is None:
            raise NotYet(timedelta(hours=1))
        return self._payments

    async def _place(self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]) -> None:
        await Placing(self._commands, self._gateway()).place(workflow, job.subject)

    async def _reconcile(self, _: Job, __: Recorded, workflow: Workflow, ___: Callable[[], bool]) -> None:
        since = self._commands.clock() - _RECENT
        await Reconciling(self._commands, self._gateway()).reconcile(workflow, repair=True, since=since)

    async def _change(self, _: Job, event: Recorded, workflow: Workflow, __: Callable[[], bool]) -> None:
        (asked,) = self._codec.decode([event])
        if isinstance(asked, ChangeRequested):
            self._gateway()
            await self._jobs.change(workflow, asked)

    async def _report_overage(
        self, _: Job, event: Recorded, workflow: Workflow, __: Callable[[], bool]
    ) -> None:
        (used,) = self._codec.decode([event])
        if isinstance(used, OverageUsed):
            overages = Overages(self._commands, self._codec, self._gateway())
            await overages.report(workflow, used, event.recorded_at)

    async def _end_all(self, _: Job, __: Recorded, workflow: Workflow, ___: Callable[[], bool]) -> None:
        if await self._jobs.has_any(workflow):
            self._gateway()
            await self._jobs.end_all(workflow)

    async def _remind_of_trial(
        self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]
    ) -> None:
        await self._jobs.remind_of_trial(workflow, job.subject, job.position)

    async def _end_trial(self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]) -> None:
        await self._jobs.end_trial(workflow, job.subject)

    async def _retry(self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]) -> None:
        await self._jobs.retry(workflow, InvoiceId(job.subject), job.position)

    async def _suspend(self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]) -> None:
        await self._jobs.suspend(workflow, InvoiceId(job.subject), job.position)

    async def _give_up(self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]) -> None:
        await self._jobs.give_up(workflow, InvoiceId(job.subject), job.position)
