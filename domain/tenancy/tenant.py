"""A tenant: one customer, with a log of its own.

It is active, suspended (it may read and export, and change nothing) or closed (nothing works any more).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Final, TypeAlias, assert_never
from uuid import UUID

from pydantic import Field

from domain.audience.email import EmailText
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import EVENTS, Event, Payload
from domain.kernel.ids import MemberId, TenantId, WorkspaceId
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from domain.kernel.places import CountryCode
from domain.kernel.text import LongText, ShortText
from domain.tenancy.plans import Plan

CommandRate = Annotated[int, Field(ge=1, le=10_000_000)]


class SendsFor(StrEnum):
    """Whose mail a tenant sends: its own, or that of clients, each of whom has a workspace and is a sender apart."""

    ITSELF = "itself"
    CLIENTS = "clients"


class TenantStatus(StrEnum):
    """Whether a tenant's people may act."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class TenantOpened(Event, name="tenancy.tenant_opened", version=2, changes_access=True):
    """A tenant's log began. `sends_for`: a `SendsFor`."""

    tenant_id: TenantId
    tenant_name: str
    slug: str
    plan: str
    country: str | None = None
    commands_a_minute: int | None = None
    sends_for: str = SendsFor.ITSELF


@EVENTS.upcaster("tenancy.tenant_opened", 1)
def _of_one_sender(payload: Payload) -> Payload:
    return {**payload, "sends_for": "itself"}


class TenantRenamed(Event, name="tenancy.tenant_renamed", version=1):
    """A tenant took another name; its slug stays."""

    tenant_id: TenantId
    before: str
    after: str


class PlanChanged(Event, name="tenancy.plan_changed", version=1, changes_access=True):
    """A tenant went to another plan, or got a rate of its own."""

    tenant_id: TenantId
    before: str
    after: str
    commands_a_minute: int | None = None


class TenantSuspended(
    Event, name="tenancy.tenant_suspended", version=1, subject="suspended_by", changes_access=True
):
    """The platform stopped a tenant's changes; it may read and export. `suspended_by` wrote the reason."""

    tenant_id: TenantId
    suspended_by: UUID
    reason: Profile[str]


class TenantReinstated(Event, name="tenancy.tenant_reinstated", version=1, changes_access=True):
    """A suspended tenant may act again."""

    tenant_id: TenantId


class TenantClosed(Event, name="tenancy.tenant_closed", version=1, changes_access=True):
    """A tenant ended for good."""

    tenant_id: TenantId


class HashedAddressesKept(Event, name="tenancy.hashed_addresses_kept", version=1):
    """From here on the tenant keeps addresses that it knows by a hash of this algorithm alone: all are compared."""

    tenant_id: TenantId
    algorithm: str


TenantEvent: TypeAlias = (
    TenantOpened
    | TenantRenamed
    | PlanChanged
    | TenantSuspended
    | TenantReinstated
    | TenantClosed
    | HashedAddressesKept
)


@dataclass(frozen=True, slots=True)
class NoTenant:
    """A log that has not begun."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as it stands. `hashed_by`: algorithms of hashes that stand on its suppression list for addresses."""

    tenant_id: TenantId
    name: str
    slug: str
    plan: Plan
    status: TenantStatus = TenantStatus.ACTIVE
    country: str | None = None
    commands_a_minute: int | None = None
    hashed_by: tuple[str, ...] = ()
    sends_for: SendsFor = SendsFor.ITSELF


TenantState: TypeAlias = NoTenant | Tenant


def evolve(state: TenantState, event: TenantEvent) -> TenantState:
    """The tenant after `event`."""
    if isinstance(event, TenantOpened):
        return Tenant(
            tenant_id=event.tenant_id,
            name=event.tenant_name,
            slug=event.slug,
            plan=Plan(event.plan),
            country=event.country,
            commands_a_minute=event.commands_a_minute,
            sends_for=SendsFor(event.sends_for),
        )
    if isinstance(state, NoTenant):
        return state
    match event:
        case TenantRenamed():
            return replace(state, name=event.after)
        case PlanChanged():
            return replace(state, plan=Plan(event.after), commands_a_minute=event.commands_a_minute)
        case TenantSuspended():
            return replace(state, status=TenantStatus.SUSPENDED)
        case TenantReinstated():
            return replace(state, status=TenantStatus.ACTIVE)
        case TenantClosed():
            return replace(state, status=TenantStatus.CLOSED)
        case HashedAddressesKept():
            return replace(state, hashed_by=(*state.hashed_by, event.algorithm))
        case _:
            assert_never(event)


class TenantAlreadyOpen(Refusal):
    """A tenant is opened once. Nothing is to be done."""

    code = "tenant-already-open"


class TenantIsClosed(Refusal):
    """A closed tenant never changes again. Register a new one."""

    code = "tenant-closed"
    kind = RefusalKind.FORBIDDEN


class TenantNotSuspended(Refusal):
    """Only a suspended tenant can be reinstated. Nothing is to be done."""

    code = "tenant-not-suspended"


class OpenTenant(Command, context="tenancy", stream="tenant", permission=Permission.INTERNAL, internal=True):
    """Begin a registered tenant's log: the tenant, its first workspace and its first owner."""

    name: ShortText
    tenant_slug: str = Field(max_length=100)
    plan: Plan
    country: CountryCode | None = None
    commands_a_minute: CommandRate | None = None
    sends_for: SendsFor = SendsFor.ITSELF
    workspace_id: WorkspaceId
    owner_id: MemberId
    owner_email: Profile[EmailText]
    owner_name: Profile[ShortText]


class RenameTenant(Command, context="tenancy", stream="tenant", permission=Permission.TENANT_MANAGE):
    """Give the tenant another name; its slug stays."""

    name: ShortText


class ChangePlan(
    Command, context="tenancy", stream="tenant", permission=Permission.PLATFORM_TENANTS_REGISTER
):
    """Put the tenant on another plan, or give it a rate of its own. For who registers tenants on a plan."""

    plan: Plan
    commands_a_minute: CommandRate | None = None


class SuspendTenant(
    Command, context="tenancy", stream="tenant", permission=Permission.PLATFORM_TENANTS_SUSPEND
):
    """Stop a tenant's changes; reading and exporting go on. The tenant sees the reason."""

    reason: Profile[LongText]


class ReinstateTenant(
    Command, context="tenancy", stream="tenant", permission=Permission.PLATFORM_TENANTS_SUSPEND
):
    """Let a suspended tenant act again."""


class CloseTenant(Command, context="tenancy", stream="tenant", permission=Permission.TENANT_CLOSE):
    """End the tenant for good. Its slug is typed again, so that it is meant."""

    tenant_slug: str = Field(max_length=100)


class SlugDoesNotMatch(Refusal):
    """Closing needs the tenant's own slug. Type it as the tenant page shows it."""

    code = "slug-does-not-match"
    kind = RefusalKind.INVALID
    field = "/tenant_slug"


TenantCommand: TypeAlias = RenameTenant | ChangePlan | SuspendTenant | ReinstateTenant | CloseTenant


def opened(command: OpenTenant, state: TenantState) -> TenantOpened:
    """The event that begins the tenant's log."""
    if isinstance(state, Tenant):
        raise TenantAlreadyOpen
    return TenantOpened(
        tenant_id=TenantId(command.stamp.target),
        tenant_name=command.name,
        slug=command.tenant_slug,
        plan=command.plan,
        country=command.country,
        commands_a_minute=command.commands_a_minute,
        sends_for=command.sends_for,
    )


def decide(command: TenantCommand, state: TenantState) -> tuple[Event, ...]:
    """What a command does to the tenant itself."""
    if isinstance(state, NoTenant):
        raise NotFound
    if state.status is TenantStatus.CLOSED:
        raise TenantIsClosed
    tenant_id = state.tenant_id
    match command:
        case RenameTenant():
            if command.name == state.name:
                return ()
            return (TenantRenamed(tenant_id=tenant_id, before=state.name, after=command.name),)
        case ChangePlan():
            if (command.plan, command.commands_a_minute) == (state.plan, state.commands_a_minute):
                return ()
            return (
                PlanChanged(
                    tenant_id=tenant_id,
                    before=state.plan,
                    after=command.plan,
                    commands_a_minute=command.commands_a_minute,
                ),
            )
        case SuspendTenant():
            if state.status is TenantStatus.SUSPENDED:
                return ()
            by = command.stamp.actor.id
            return (TenantSuspended(tenant_id=tenant_id, suspended_by=by, reason=command.reason),)
        case ReinstateTenant():
            if state.status is not TenantStatus.SUSPENDED:
                raise TenantNotSuspended
            return (TenantReinstated(tenant_id=tenant_id),)
        case CloseTenant():
            if command.tenant_slug != state.slug:
                raise SlugDoesNotMatch
            return (TenantClosed(tenant_id=tenant_id),)
        case _:
            assert_never(command)


TENANT: Final[Decider[TenantState]] = Decider(
    category="tenant", initial=NoTenant(), evolve=evolve, decide=decide
)
