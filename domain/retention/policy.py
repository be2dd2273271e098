"""A tenant's retention policy: how its periods differ from the schedule, and who has to agree to what is destroyed.

One stream a tenant, under the tenant's id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Final, TypeAlias, assert_never
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.kernel.commands import Command, Decider
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import TenantId
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from domain.kernel.text import LongText
from domain.law.periods import Period
from domain.retention.kinds import Kind, schedule, shorter

AGREED_ABOVE: Final = 25
"""How many things one person may have destroyed alone, until the tenant says otherwise."""


class PeriodTold(BaseModel):
    """A period as it was set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    years: int
    months: int
    days: int


class RetentionChanged(Event, name="retention.period_changed", version=1, subject="tenant_id"):
    """Things of a kind are kept for another period from now on, those that are there too. None: without end."""

    tenant_id: TenantId
    kind: str
    before: PeriodTold | None
    after: PeriodTold | None
    reason: Profile[str]


class AgreementChanged(Event, name="retention.agreement_changed", version=1, subject="tenant_id"):
    """Plans of more than so many things take the agreement of a second person from now on."""

    tenant_id: TenantId
    before: int
    after: int
    reason: Profile[str]


PolicyEvent: TypeAlias = RetentionChanged | AgreementChanged


@dataclass(frozen=True, slots=True)
class Policy:
    """What the tenant chose. `chosen`: periods by kind, where it set one; None: without end."""

    chosen: Mapping[Kind, Period | None] = field(default_factory=dict)
    agreed_above: int = AGREED_ABOVE

    def period(self, kind: Kind) -> Period | None:
        """How long things of a kind are kept; None: without end."""
        return self.chosen[kind] if kind in self.chosen else schedule()[kind].period


class BelowTheFloor(Refusal):
    """No period is shorter than its floor, which the schedule names with its source. Set that one, or a longer one."""

    code = "retention-below-the-floor"
    kind = RefusalKind.INVALID
    field = "/period"


class NotWithoutEnd(Refusal):
    """What may hold values of people is kept for a time, and not without end (GDPR Art. 5(1)(e)). Set a period."""

    code = "retention-without-end"
    kind = RefusalKind.INVALID
    field = "/period"


class NotYourPolicy(Refusal):
    """A tenant has one policy, under its own id. Take the id of your tenant."""

    code = "retention-policy-of-another"
    kind = RefusalKind.INVALID


class ChangeRetention(
    Command, context="retention", stream="retention_policy", permission=Permission.RETENTION_MANAGE
):
    """Keep things of a kind for another period, from now on; `period` null: without end. The id is your tenant's.

    It holds for what is there too. `GET /v1/retention/schedule` names kinds, floors and their sources.
    """

    kind: Kind
    period: Period | None
    reason: Profile[LongText]


class ChangeAgreement(
    Command, context="retention", stream="retention_policy", permission=Permission.RETENTION_MANAGE
):
    """Say above how many things a plan takes the agreement of a second person. The id is your tenant's."""

    above: Annotated[int, Field(ge=0, le=500)]
    reason: Profile[LongText]


PolicyCommand: TypeAlias = ChangeRetention | ChangeAgreement


def evolve(state: Policy, event: PolicyEvent) -> Policy:
    """The policy after `event`."""
    match event:
        case RetentionChanged():
            after = None if event.after is None else Period(**event.after.model_dump())
            return replace(state, chosen={**state.chosen, Kind(event.kind): after})
        case AgreementChanged():
            return replace(state, agreed_above=event.after)
        case _:
            assert_never(event)


def decide(command: PolicyCommand, state: Policy) -> tuple[Event, ...]:
    """What a command does to the policy."""
    tenant_id: UUID = command.stamp.tenant_id
    if command.stamp.target != tenant_id:
        raise NotYourPolicy
    match command:
        case ChangeRetention():
            return _changed(command, state)
        case ChangeAgreement():
            if command.above == state.agreed_above:
                return ()
            changed = AgreementChanged(
                tenant_id=TenantId(tenant_id),
                before=state.agreed_above,
                after=command.above,
                reason=command.reason,
            )
            return (changed,)
        case _:
            assert_never(command)


def _changed(command: ChangeRetention, state: Policy) -> tuple[Event, ...]:
    terms, before = schedule()[command.kind], state.period(command.kind)
    if command.period is None and not terms.endless:
        raise NotWithoutEnd(kind=command.kind.value)
    if command.period is not None and shorter(command.period, terms.floor):
        raise BelowTheFloor(
            f"Things of the kind {command.kind.value} are kept for {terms.floor} at least: {terms.source}.",
            kind=command.kind.value,
            floor=terms.floor.model_dump(),
        )
    if command.kind in state.chosen and command.period == before:
        return ()
    return (
        RetentionChanged(
            tenant_id=TenantId(command.stamp.tenant_id),
            kind=command.kind.value,
            before=_told(before),
            after=_told(command.period),
            reason=command.reason,
        ),
    )


def _told(period: Period | None) -> PeriodTold | None:
    return None if period is None else PeriodTold(**period.model_dump())


RETENTION_POLICY: Final[Decider[Policy]] = Decider(
    category="retention_policy", initial=Policy(), evolve=evolve, decide=decide, remembers_empty=True
)
