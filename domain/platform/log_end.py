"""The end of a closed tenant's log, in the platform's own: what holds it, and the tombstone that is left of it.

The log is deleted by whoever maintains the installation, offline, as the tombstone stands: first it is said, with what
was signed last of both logs, then done, then said that it was. After a crash in between it is done again to its end.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.kernel.commands import Command
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import TenantId
from domain.kernel.permissions import Permission
from domain.kernel.personal import Evidence
from domain.kernel.text import LineText, LongText

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.platform.registration import Registration


class LastOfLog(BaseModel):
    """What one of a tenant's logs was: its epoch, its last position, and the checkpoint that was signed of it last.

    `root`: of its Merkle tree, hexadecimal. `checkpoint`: the signed note, as it was.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    log: str
    epoch: int
    position: int
    root: str
    checkpoint: str


class LogHeld(Event, name="platform.log_held", version=1, subject="hold_id"):
    """A claim is made or expected: the log of a tenant is not deleted until the hold is released."""

    tenant_id: TenantId
    hold_id: UUID
    matter: str
    reason: Evidence[str]


class LogReleased(Event, name="platform.log_released", version=1, subject="hold_id"):
    """A hold on a tenant's log ended."""

    tenant_id: TenantId
    hold_id: UUID
    reason: Evidence[str]


class OwnHoldsSettled(Event, name="platform.own_holds_settled", version=1, subject="tenant_id"):
    """The matters of the holds that a closed tenant had placed itself are settled: they keep its log no more."""

    tenant_id: TenantId
    reason: Evidence[str]


class LogDeleted(Event, name="platform.log_deleted", version=1):
    """The tombstone: the log of a closed tenant is deleted, by this rule, and this is what it was.

    `due_at`: when its period after the closing ended. `deleted_by`: the person, or the key that is nobody's.
    """

    tenant_id: TenantId
    closed_at: datetime
    due_at: datetime
    rule: str
    deleted_at: datetime
    deleted_by: UUID
    logs: list[LastOfLog]


class LogGone(Event, name="platform.log_gone", version=1):
    """Nothing of a tenant's log is left but this, its tombstone, and what was signed. `removed`: rows by table."""

    tenant_id: TenantId
    removed: dict[str, int]


LogEndEvent: TypeAlias = LogHeld | LogReleased | OwnHoldsSettled | LogDeleted | LogGone


class LogIsDeleted(Refusal):
    """The log of this tenant is deleted: there is nothing to hold. Read its tombstone in the platform's history."""

    code = "log-is-deleted"


class LogHoldUnknown(Refusal):
    """A hold is released by the id that placing it answered with. Name one that stands."""

    code = "log-hold-unknown"
    kind = RefusalKind.INVALID
    field = "/hold_id"


class TenantNotClosed(Refusal):
    """Only the log of a closed tenant is deleted. Its owner closes it first."""

    code = "tenant-not-closed"


class LogStillKept(Refusal):
    """The log of a closed tenant is kept until its period after the closing is over. Wait until `due_at`."""

    code = "log-still-kept"


class LogUnderHold(Refusal):
    """The log of a tenant is not deleted while a legal hold stands. Release the platform's, and settle its own."""

    code = "log-under-hold"


class LogNotSigned(Refusal):
    """A log is deleted once its last event is signed, so that it can be proven what it was. Let the notary run."""

    code = "log-not-signed"


class HoldLog(
    Command, context="platform", stream="registration", permission=Permission.PLATFORM_TENANTS_SUSPEND
):
    """Keep the log of a tenant, closed or not, for a matter: it is not deleted until the hold is released.

    `matter` is its file number: name nobody in it. The answer tells the hold's id.
    """

    matter: LineText
    reason: Evidence[LongText]

    tells: ClassVar[bool] = True

    @classmethod
    def answer(cls, events: Sequence[Event]) -> dict[str, Any] | None:
        """The id of the hold."""
        return next(({"hold_id": one.hold_id} for one in events if isinstance(one, LogHeld)), None)


class ReleaseLog(
    Command, context="platform", stream="registration", permission=Permission.PLATFORM_TENANTS_SUSPEND
):
    """End a hold on a tenant's log: its matter is settled."""

    hold_id: UUID
    reason: Evidence[LongText]


class SettleOwnHolds(
    Command, context="platform", stream="registration", permission=Permission.PLATFORM_TENANTS_SUSPEND
):
    """Say that the matters of a closed tenant's own holds are settled: nobody of it can release them any more."""

    reason: Evidence[LongText]


class DeleteLog(
    Command,
    context="platform",
    stream="registration",
    permission=Permission.PLATFORM_TENANTS_SUSPEND,
    internal=True,
):
    """Enter the tombstone. `holds`: those of the tenant's own that stand."""

    closed_at: datetime
    due_at: datetime
    rule: str
    holds: int
    logs: list[LastOfLog]


class FinishLogDeletion(
    Command,
    context="platform",
    stream="registration",
    permission=Permission.PLATFORM_TENANTS_SUSPEND,
    internal=True,
):
    """Enter that nothing is left."""

    removed: dict[str, int]


LogEndCommand: TypeAlias = HoldLog | ReleaseLog | SettleOwnHolds | DeleteLog | FinishLogDeletion


def ended(command: LogEndCommand, state: Registration) -> tuple[Event, ...]:
    """What a command on a log's end does."""
    tenant_id = state.tenant_id
    match command:
        case HoldLog():
            if state.log_deleted:
                raise LogIsDeleted
            hold_id = command.stamp.fresh_id("hold")
            held = LogHeld(tenant_id=tenant_id, hold_id=hold_id, matter=command.matter, reason=command.reason)
            return (held,)
        case ReleaseLog():
            if command.hold_id not in state.log_holds:
                raise LogHoldUnknown
            return (LogReleased(tenant_id=tenant_id, hold_id=command.hold_id, reason=command.reason),)
        case SettleOwnHolds():
            if not state.closed:
                raise TenantNotClosed
            if state.own_holds_settled:
                return ()
            return (OwnHoldsSettled(tenant_id=tenant_id, reason=command.reason),)
        case DeleteLog():
            return _deleted(command, state)
        case FinishLogDeletion():
            if not state.log_deleted or state.log_gone:
                return ()
            return (LogGone(tenant_id=tenant_id, removed=command.removed),)


def _deleted(command: DeleteLog, state: Registration) -> tuple[Event, ...]:
    if state.log_deleted:
        return ()
    if not state.closed:
        raise TenantNotClosed
    if command.stamp.at < command.due_at:
        raise LogStillKept(due_at=command.due_at)
    holds = len(state.log_holds) + (0 if state.own_holds_settled else command.holds)
    if holds:
        raise LogUnderHold(holds=holds)
    actor = command.stamp.actor
    return (
        LogDeleted(
            tenant_id=state.tenant_id,
            closed_at=command.closed_at,
            due_at=command.due_at,
            rule=command.rule,
            deleted_at=command.stamp.at,
            deleted_by=actor.member or actor.id,
            logs=command.logs,
        ),
    )
