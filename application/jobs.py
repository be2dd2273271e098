"""What the jobs of the log do: one function per workflow, idempotent, resumable, through the one command path.

A job is due because an event says so, and is over because another event says so; running it twice does no harm.
Keys are destroyed in a thread: the key store may wait for another writer's disk, and the event loop must not.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson

from application.billing.work import BillingWork
from application.block_ledger import settle_by_log
from application.credentials import first_key_kept
from application.disposing import Disposing
from application.importing.rollback import Rollback
from application.importing.service import Interrupted
from application.platform_suppressions import PlatformSuppressions
from application.request_jobs import RequestJobs
from application.webhooks.secrets import key_of
from application.workflow import Because, Workflow
from domain.audience.erasure import ConfirmKeyDestroyed
from domain.audience.import_commands import ExpireImport
from domain.audience.lapse import MOST_LAPSES, AnnounceLapses
from domain.billing.usage import BlockReserved
from domain.campaign.commands import TimeOutReview
from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import TenantRole
from domain.kernel.personal import KeyKind
from domain.platform.registration import (
    CloseRegistration,
    ForgetFirstKey,
    Registration,
    TenantRegistered,
    first_key_id,
)
from domain.platform.suppression import ForgetSuppression
from domain.retention.kinds import Kind
from domain.tenancy.api_key import CreateApiKey
from domain.tenancy.grant import ExpireGrant
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import OpenTenant, SendsFor
from domain.webhooks.commands import ConfirmWebhookSecretDestroyed
from domain.webhooks.endpoint import WebhookSecretRetired

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from application.certifying import Certification
    from application.commanding import Commands
    from application.delivering.running import Deliveries
    from application.importing.service import Imports
    from application.noticing.running import Notices
    from application.ports.blobs import BlobStore
    from application.ports.codec import EventCodec
    from application.ports.keys import KeyStore
    from application.ports.lapses import Lapses
    from application.ports.log import Recorded
    from application.ports.payments import PaymentGateway
    from application.posting.running import Postings


SWEEPING: Final = frozenset({"permission.announce"})
"""Workflows that time makes due, for many at once: no one event, command or member is their cause."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job that is due: which event it is due for, what it is to do, what it is about.

    `last`: it is not tried again after this attempt.
    """

    job_id: UUID
    tenant_id: UUID
    position: int
    workflow: str
    subject: UUID
    last: bool = False


class UnknownWorkflow(LookupError):
    """This version of the product does not know the workflow; a newer one made the job."""


class Workflows:
    """Runs jobs by the name of their workflow."""

    def __init__(
        self,
        commands: Commands,
        codec: EventCodec,
        keys: KeyStore,
        blobs: BlobStore,
        imports: Imports,
        certification: Certification,
        lapses: Lapses,
        *,
        deliveries: Deliveries,
        notices: Notices,
        postings: Postings,
        payments: PaymentGateway | None = None,
    ) -> None:
        """Act through `commands`.

        `keys` and `blobs` are where erasure takes effect, `certification` looks whether; `lapses` tells whose
        permission ends. `deliveries` delivers reports, `notices` writes of bills, `postings` posts checkpoints. Without
        `payments` what needs the payment provider waits.
        """
        self._commands = commands
        self._codec = codec
        self._keys = keys
        self._imports = imports
        self._lapses = lapses
        self._rollback = Rollback(commands)
        self._requests = RequestJobs(commands)
        self._disposing = Disposing(commands, keys, blobs)
        self._certification = certification
        self._suppressions = PlatformSuppressions(commands, codec)
        self._billing = BillingWork(commands, codec, payments)
        self._deliveries = deliveries
        self._notices = notices
        self._postings = postings
        self.by_name: Final[
            dict[str, Callable[[Job, Recorded, Workflow, Callable[[], bool]], Awaitable[None]]]
        ] = {
            "import.run": self._run_import,
            "import.roll_back": self._roll_back,
            "import.expire": self._expire_import,
            "import.destroy_files": self._destroy_files,
            "subject.shred": self._shred,
            "subject.certify": self._certify,
            "subject.forget_evidence": self._forget_evidence,
            "tenant.open": self._open_tenant,
            "first_key.forget": self._forget_first_key,
            "registration.close": self._close_registration,
            "grant.expire": self._expire_grant,
            "request.remind": self._remind,
            "request.miss": self._miss,
            "request.erase": self._erase_for_request,
            "request.forget_details": self._forget_details,
            "retention.dispose": self._dispose,
            "suppression.copy": self._copy_suppression,
            "suppression.release": self._copy_release,
            "suppression.forget": self._forget_suppression,
            "webhook.destroy_secret": self._destroy_secret,
            "permission.announce": self._announce_lapses,
            "campaign.time_out_review": self._time_out_review,
            **self._billing.by_name,
            "usage.settle_block": self._settle_block,
            "billing.notify": self._notify,
            "report.deliver": self._deliver,
            "checkpoints.post": self._post,
        }

    async def run(self, job: Job, stopping: Callable[[], bool] = lambda: False) -> None:
        """Do a job. Raises what its commands refuse; `Interrupted` when asked to stop halfway."""
        work = self.by_name.get(job.workflow)
        if work is None:
            raise UnknownWorkflow(job.workflow)
        (event,) = await self._commands.log.read_log(
            job.tenant_id, after=job.position - 1, limit=1, up_to=job.position
        )
        because = Because(job.job_id) if job.workflow in SWEEPING else _cause(event)
        await work(job, event, Workflow(self._commands, job.tenant_id, job.job_id, because), stopping)

    async def _run_import(
        self, job: Job, _: Recorded, workflow: Workflow, stopping: Callable[[], bool]
    ) -> None:
        await self._imports.run(workflow, job.subject, stopping)

    async def _roll_back(
        self, job: Job, _: Recorded, workflow: Workflow, stopping: Callable[[], bool]
    ) -> None:
        await self._rollback.run(workflow, job.subject, stopping)

    async def _expire_import(self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]) -> None:
        await workflow.execute(ExpireImport(), job.subject, key=f"import/{job.subject}/expired")

    async def _destroy_files(self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]) -> None:
        await self._disposing.by_itself(workflow, Kind.IMPORT_FILES, job.subject)

    async def _shred(self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]) -> None:
        await self._commands.rehearse(workflow.order(ConfirmKeyDestroyed(), job.subject))
        await asyncio.to_thread(self._keys.destroy, [(job.tenant_id, str(job.subject), KeyKind.PROFILE)])
        await workflow.execute(
            ConfirmKeyDestroyed(), job.subject, key=f"addressee/{job.subject}/key-destroyed"
        )

    async def _certify(self, job: Job, event: Recorded, workflow: Workflow, _: Callable[[], bool]) -> None:
        await self._certification.run(workflow, job.subject, event)

    async def _forget_evidence(
        self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]
    ) -> None:
        await self._disposing.by_itself(workflow, Kind.EVIDENCE, job.subject)

    async def _open_tenant(self, _: Job, event: Recorded, workflow: Workflow, __: Callable[[], bool]) -> None:
        (registered,) = self._codec.decode([event], reveal=True)
        if isinstance(registered, TenantRegistered):
            await open_tenant(self._commands, self._suppressions, registered, workflow)

    async def _forget_first_key(
        self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]
    ) -> None:
        kept = [first_key_kept(job.subject)]
        if await asyncio.to_thread(self._keys.find, kept):
            await asyncio.to_thread(self._keys.destroy, kept)
        await workflow.execute(ForgetFirstKey(), job.subject, key=f"tenant/{job.subject}/first-key-forgotten")

    async def _close_registration(
        self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]
    ) -> None:
        at_the_platform = workflow.in_tenant(PLATFORM)
        await at_the_platform.execute(CloseRegistration(), job.subject, key=f"tenant/{job.subject}/closed")

    async def _copy_suppression(
        self, job: Job, _: Recorded, workflow: Workflow, stopping: Callable[[], bool]
    ) -> None:
        await self._suppressions.copy(workflow, job.subject, stopping, release=False)

    async def _copy_release(
        self, job: Job, _: Recorded, workflow: Workflow, stopping: Callable[[], bool]
    ) -> None:
        await self._suppressions.copy(workflow, job.subject, stopping, release=True)

    async def _forget_suppression(
        self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]
    ) -> None:
        command = ForgetSuppression()
        await self._commands.rehearse(workflow.order(command, job.subject))
        await asyncio.to_thread(self._keys.destroy, [(job.tenant_id, str(job.subject), KeyKind.PROFILE)])
        key = f"platform-suppression/{job.subject}/forgotten"
        await workflow.execute(command, job.subject, key=key)

    async def _expire_grant(self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]) -> None:
        await workflow.execute(ExpireGrant(), job.subject, key=f"grant/{job.subject}/expired")

    async def _remind(self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]) -> None:
        await self._requests.remind(workflow, job.subject, job.job_id)

    async def _miss(self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]) -> None:
        await self._requests.miss(workflow, job.subject, job.job_id)

    async def _erase_for_request(
        self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]
    ) -> None:
        await self._requests.erase(workflow, job.subject)

    async def _forget_details(
        self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]
    ) -> None:
        await self._disposing.by_itself(workflow, Kind.REQUEST_DETAILS, job.subject)

    async def _dispose(self, job: Job, _: Recorded, workflow: Workflow, stopping: Callable[[], bool]) -> None:
        if not await self._disposing.carry_out(workflow, job.subject, stopping):
            raise Interrupted

    async def _destroy_secret(
        self, job: Job, event: Recorded, workflow: Workflow, _: Callable[[], bool]
    ) -> None:
        (retired,) = self._codec.decode([event])
        if isinstance(retired, WebhookSecretRetired):
            command = ConfirmWebhookSecretDestroyed(secret_id=retired.secret_id)
            await self._commands.rehearse(workflow.order(command, retired.endpoint_id))
            await asyncio.to_thread(self._keys.destroy, [key_of(job.tenant_id, retired.secret_id)])
            key = f"webhook-secret/{retired.secret_id}/destroyed"
            await workflow.execute(command, retired.endpoint_id, key=key)

    async def _announce_lapses(
        self, job: Job, _: Recorded, workflow: Workflow, stopping: Callable[[], bool]
    ) -> None:
        async for lapses in self._lapses.due(job.tenant_id, MOST_LAPSES):
            if stopping():
                raise Interrupted
            # One key a page of one run: a page that is read again in a later run is decided anew.
            asked = AnnounceLapses(lapses=tuple(lapses))
            content = sha256(asked.model_dump_json().encode()).hexdigest()
            key = f"lapses/{job.job_id}/{content}"
            await workflow.execute(asked, lapses[0].addressee_id, key=key)

    async def _time_out_review(
        self, job: Job, _: Recorded, workflow: Workflow, __: Callable[[], bool]
    ) -> None:
        key = f"campaign/{job.subject}/review-timed-out/{job.position}"
        await workflow.execute(TimeOutReview(), job.subject, key=key)

    async def _deliver(self, job: Job, _: Recorded, workflow: Workflow, stopping: Callable[[], bool]) -> None:
        await self._deliveries.run(workflow, job.subject, stopping, last=job.last)

    async def _post(self, job: Job, _: Recorded, workflow: Workflow, stopping: Callable[[], bool]) -> None:
        await self._postings.run(workflow, job.subject, stopping, last=job.last)

    async def _notify(
        self, job: Job, event: Recorded, workflow: Workflow, stopping: Callable[[], bool]
    ) -> None:
        await self._notices.run(workflow, job.subject, event, stopping, last=job.last)

    async def _settle_block(
        self, job: Job, event: Recorded, workflow: Workflow, _: Callable[[], bool]
    ) -> None:
        (reserved,) = self._codec.decode([event])
        if isinstance(reserved, BlockReserved):
            period, block_id = reserved.period, reserved.block_id
            await settle_by_log(self._commands, workflow, period, block_id, job.position)


async def open_tenant(
    commands: Commands, suppressions: PlatformSuppressions, registered: TenantRegistered, workflow: Workflow
) -> None:
    """Begin a registered tenant's own log with what the platform suppresses, and enter its owner's first key.

    What is done already stays as it is.
    """
    tenant_id = registered.tenant_id
    registration = await commands.state(PLATFORM, "registration", tenant_id)
    if isinstance(registration, Registration) and registration.closed:
        return  # its log may be deleted, and is not to begin again
    inside = workflow.in_tenant(tenant_id)
    if await commands.log.head(tenant_id) is None:
        command = OpenTenant(
            name=registered.tenant_name,
            tenant_slug=registered.slug,
            plan=Plan(registered.plan),
            country=registered.country,
            commands_a_minute=registered.commands_a_minute,
            sends_for=SendsFor(registered.sends_for),
            workspace_id=registered.workspace_id,
            owner_id=registered.owner_id,
            owner_email=registered.owner_email,
            owner_name=registered.owner_name,
        )
        await inside.execute(command, tenant_id, key=f"tenant/{tenant_id}/open", opens_log=True)
    await suppressions.take_over(inside)
    if isinstance(registration, Registration) and registration.first_key_hmac is not None:
        key = CreateApiKey(label="First key", role=TenantRole.OWNER, member_id=registered.owner_id)
        key.carrying(registration.first_key_hmac)
        await inside.execute(key, first_key_id(tenant_id), key=f"tenant/{tenant_id}/first-key")


def _cause(event: Recorded) -> Because:
    metadata = orjson.loads(event.metadata)
    member = metadata["actor"]["member"]
    return Because(
        UUID(metadata["correlation"]), UUID(metadata["command"]), None if member is None else UUID(member)
    )
