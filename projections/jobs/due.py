"""The list of jobs due: made by events, ended by events.

A job's id follows from the event that makes it, so a rebuild makes the same jobs and drops those that are over. What
becomes of a job besides (who runs it, how often it was tried) is no part of the log and stands in `ops.job_runs`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.billing.notices import TOLD, kind_of, notice_of
from domain.kernel.ids import derived_id
from projections.runtime.facts import Projection, facts_of
from projections.runtime.tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from application.ports.codec import EventCodec
    from application.ports.log import Recorded
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

_ANSWERED: Final = ("rights.request_completed", "rights.request_refused", "rights.request_withdrawn")
_ENDED: Final = (
    "audience.import_completed",
    "audience.import_failed",
    "audience.import_cancelled",
    "audience.import_expired",
)
_SETTLED: Final = (
    "reporting.delivery_made",
    "reporting.delivery_failed",
    "reporting.deliveries_skipped",
)

_POSTED: Final = ("ledger.checkpoints_posted", "ledger.posting_failed")


def _owed(event: Fact) -> str | None:
    """The letter that is owed for an event, if one is."""
    kind = kind_of(event.name, event.payload)
    return None if kind is None else str(notice_of(event.tenant_id, event.position))


@dataclass(frozen=True, slots=True)
class Workflow:
    """When a workflow is due: `on` these events, about the thing that their field `subject` names.

    `at`: the field with the moment it is due, which is never where that is null; None: so long `after` the event.
    `over`: the events, with the same subject, that end it; none where that is told in another log: such a job is over
    once it ran, and running it again does nothing. `only_where`: of those that end it, the ones that do so only where a
    field of theirs is true. `about`: what the job is about, where no field of the event names it; None: nothing is due.
    """

    name: str
    subject: str
    on: tuple[str, ...]
    over: tuple[str, ...]
    at: str | None = None
    after: timedelta = timedelta(0)
    only_where: Mapping[str, str] = field(default_factory=dict)
    about: Callable[[Fact], str | None] | None = None

    def begins(self, event: Fact) -> str | None:
        """What is due by an event, by its id; None: nothing."""
        if event.name not in self.on:
            return None
        if self.about is not None:
            return self.about(event)
        named: str = event.payload[self.subject]
        return named

    def ends(self, event: Fact) -> bool:
        """Whether an event ends it."""
        if event.name not in self.over:
            return False
        condition = self.only_where.get(event.name)
        return condition is None or bool(event.payload[condition])


WORKFLOWS: Final = (
    Workflow("tenant.open", "tenant_id", on=("platform.tenant_registered",), over=()),
    Workflow(
        "first_key.forget",
        "tenant_id",
        on=("platform.first_key_made",),
        over=("platform.first_key_forgotten",),
        after=timedelta(hours=24),
    ),
    Workflow(
        "suppression.copy",
        "suppression_id",
        on=("platform.address_suppressed",),
        over=("platform.suppression_copied", "platform.release_copied"),
    ),
    Workflow(
        "suppression.release",
        "suppression_id",
        on=("platform.address_released",),
        over=("platform.release_copied",),
    ),
    Workflow(
        "suppression.forget",
        "suppression_id",
        on=("platform.release_copied",),
        over=("platform.suppression_forgotten",),
    ),
    Workflow("registration.close", "tenant_id", on=("tenancy.tenant_closed",), over=()),
    Workflow(
        "import.run",
        "import_id",
        on=("audience.import_started", "audience.import_resumed"),
        over=("audience.import_paused", *_ENDED),
    ),
    Workflow(
        "import.expire",
        "import_id",
        on=("audience.import_registered",),
        over=("audience.import_started", *_ENDED),
        at="idle_until",
    ),
    Workflow(
        "import.roll_back",
        "import_id",
        on=("audience.import_rollback_requested",),
        over=("audience.import_rolled_back",),
    ),
    Workflow(
        "import.destroy_files",
        "import_id",
        on=_ENDED,
        over=("audience.import_files_destroyed",),
        at="files_until",
    ),
    Workflow(
        "subject.shred",
        "addressee_id",
        on=("audience.addressee_erased",),
        over=("audience.profile_key_destroyed",),
    ),
    Workflow(
        "subject.certify",
        "addressee_id",
        on=("audience.profile_key_destroyed",),
        over=("audience.erasure_certified",),
    ),
    Workflow(
        "subject.forget_evidence",
        "addressee_id",
        on=("audience.addressee_erased", "audience.legal_hold_released"),
        over=("audience.evidence_key_destroyed", "audience.legal_hold_placed"),
        at="evidence_until",
    ),
    Workflow(
        "grant.expire",
        "grant_id",
        on=("tenancy.grant_approved",),
        over=("tenancy.grant_expired", "tenancy.grant_revoked"),
        at="expires_at",
    ),
    Workflow(
        "request.remind",
        "request_id",
        on=("rights.request_received", "rights.request_extended"),
        over=(
            "rights.request_extended",
            "rights.deadline_approaching",
            "rights.deadline_missed",
            *_ANSWERED,
        ),
        at="warn_at",
    ),
    Workflow(
        "request.miss",
        "request_id",
        on=("rights.request_received", "rights.request_extended"),
        over=("rights.request_extended", "rights.deadline_missed", *_ANSWERED),
        at="due_at",
    ),
    Workflow(
        "request.erase",
        "request_id",
        on=("rights.erasure_begun",),
        over=("rights.erasure_confirmed",),
    ),
    Workflow(
        "request.forget_details",
        "request_id",
        on=_ANSWERED,
        over=("rights.details_destroyed",),
        at="details_until",
    ),
    Workflow(
        "retention.dispose",
        "plan_id",
        on=("retention.disposal_planned", "retention.disposal_agreed"),
        over=("retention.disposal_cancelled", "retention.disposal_done"),
        at="run_at",
    ),
    Workflow(
        "webhook.destroy_secret",
        "secret_id",
        on=("webhooks.secret_retired",),
        over=("webhooks.secret_destroyed",),
        at="retires_at",
    ),
    Workflow(
        "usage.settle_block",
        "block_id",
        on=("billing.block_reserved",),
        over=("billing.block_settled",),
        at="settle_at",
    ),
    Workflow(
        "overage.report",
        "block_id",
        on=("billing.overage_used",),
        over=("billing.overage_reported", "billing.overage_written_off"),
    ),
    Workflow(
        "campaign.time_out_review",
        "campaign_id",
        on=("campaign.approval_requested",),
        over=(
            "campaign.approval_given",
            "campaign.rejected",
            "campaign.review_timed_out",
            "campaign.approval_voided",
            "campaign.withdrawn",
            "campaign.archived",
        ),
        at="answer_by",
        only_where={"campaign.approval_given": "complete"},
    ),
    Workflow(
        "gateway.place",
        "gateway_event_id",
        on=("billing.gateway_event_received", "billing.gateway_event_taken_up"),
        over=("billing.gateway_event_placed", "billing.gateway_event_set_aside"),
    ),
    Workflow(
        "gateway.reconcile",
        "tenant_id",
        on=("billing.customer_linked", "billing.reconciled"),
        over=("billing.reconciled", "tenancy.tenant_closed"),
        after=timedelta(days=1),
    ),
    Workflow(
        "subscription.change",
        "change_id",
        on=("billing.change_requested",),
        over=("billing.change_made", "billing.change_declined"),
    ),
    Workflow("subscription.end_all", "tenant_id", on=("tenancy.tenant_closed",), over=()),
    Workflow(
        "trial.remind",
        "tenant_id",
        on=("billing.trial_started", "billing.trial_reminded"),
        over=("billing.trial_reminded", "billing.trial_ended", "tenancy.tenant_closed"),
        at="remind_at",
    ),
    Workflow(
        "trial.end",
        "tenant_id",
        on=("billing.trial_started",),
        over=("billing.trial_ended", "tenancy.tenant_closed"),
        at="ends_at",
    ),
    Workflow(
        "dunning.retry",
        "invoice_id",
        on=("billing.dunning_began", "billing.dunning_retried"),
        over=("billing.dunning_began", "billing.dunning_retried", "billing.dunning_ended"),
        at="retry_at",
    ),
    Workflow(
        "dunning.suspend",
        "invoice_id",
        on=("billing.dunning_began",),
        over=("billing.dunning_began", "billing.dunning_suspended", "billing.dunning_ended"),
        at="suspend_at",
    ),
    Workflow(
        "dunning.give_up",
        "invoice_id",
        on=("billing.dunning_began",),
        over=(
            "billing.dunning_began",
            "billing.dunning_ended",
        ),
        at="cancel_at",
    ),
    Workflow("billing.notify", "notice_id", on=TOLD, over=("billing.notice_settled",), about=_owed),
    Workflow(
        "report.deliver",
        "schedule_id",
        on=(
            "reporting.schedule_created",
            "reporting.schedule_changed",
            "reporting.schedule_resumed",
            *_SETTLED,
        ),
        over=(
            "reporting.schedule_changed",
            "reporting.schedule_paused",
            "reporting.schedule_removed",
            *_SETTLED,
        ),
        at="next_at",
    ),
    Workflow(
        "checkpoints.post",
        "posting_id",
        on=("ledger.posting_started", "ledger.posting_changed", *_POSTED),
        over=("ledger.posting_changed", "ledger.posting_stopped", *_POSTED),
        at="next_at",
    ),
)

JOBS: Final = Projection(
    "jobs",
    version=13,
    reveals=False,
    tables=(
        Table(
            "jobs",
            key=("job_id",),
            columns={
                "job_id": "uuid",
                "workflow": "text",
                "subject_id": "uuid",
                "position": "bigint",
                "due_at": "timestamptz",
            },
            indexes=(("subject_id", "workflow"),),
            across=(("due_at",),),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Due:
    """A job that an event makes due."""

    job_id: UUID
    workflow: str
    subject_id: str
    position: int
    due_at: Any


def begun_by(event: Fact) -> Iterator[Due]:
    """The jobs that an event makes due."""
    for workflow in WORKFLOWS:
        subject = workflow.begins(event)
        due_at = event.recorded_at + workflow.after if workflow.at is None else event.payload.get(workflow.at)
        if subject is not None and due_at is not None:
            id_ = job_id(event.tenant_id, event.position, workflow.name)
            yield Due(id_, workflow.name, subject, event.position, due_at)


def begun(codec: EventCodec, recorded: Sequence[Recorded]) -> Iterator[Due]:
    """The same of events as the log has them; no value is opened."""
    for fact in facts_of([row for row in recorded if row.name in JOBS.handlers], codec, reveal=False):
        yield from begun_by(fact)


@JOBS.on(*dict.fromkeys(name for workflow in WORKFLOWS for name in (*workflow.on, *workflow.over)))
def happened(event: Fact, rows: Rows) -> None:
    """What an event ends is over; what it begins is due."""
    for workflow in WORKFLOWS:
        if workflow.ends(event):
            rows.delete_where("jobs", subject_id=event.payload[workflow.subject], workflow=workflow.name)
    for due in begun_by(event):
        rows.insert("jobs", {field.name: getattr(due, field.name) for field in fields(due)})


def job_id(tenant_id: UUID, position: int, workflow: str, number: int = 0) -> UUID:
    """The id of a job: the same whenever the log is read. `number` tells apart several jobs of one event."""
    return derived_id(tenant_id, position, workflow, number)
