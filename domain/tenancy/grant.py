"""Break-glass: staff look into a tenant only under a grant, for a ticket, approved by a second person, for hours.

The grant is a stream of the tenant's own log, so that the tenant sees it; the tenant may end it at any moment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final, TypeAlias, assert_never

from pydantic import Field, StringConstraints

from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import GrantId, StaffId
from domain.kernel.permissions import GRANTABLE, PERSONAL, Permission
from domain.kernel.personal import Profile
from domain.kernel.text import LongText

MAX_HOURS: Final = 4


class GrantStatus(StrEnum):
    """Where a grant stands."""

    REQUESTED = "requested"
    APPROVED = "approved"
    DENIED = "denied"
    REVOKED = "revoked"
    EXPIRED = "expired"


class GrantRequested(Event, name="tenancy.grant_requested", version=1, subject="requested_by"):
    """Staff asked to look into the tenant."""

    grant_id: GrantId
    requested_by: StaffId
    scope: list[str]
    ticket: str
    reason: Profile[str]
    hours: int


class GrantApproved(Event, name="tenancy.grant_approved", version=1, changes_access=True):
    """A second person of staff agreed; the grant works until `expires_at`."""

    grant_id: GrantId
    approved_by: StaffId
    expires_at: datetime


class GrantDenied(Event, name="tenancy.grant_denied", version=1):
    """A second person of staff did not agree."""

    grant_id: GrantId
    denied_by: StaffId


class GrantRevoked(Event, name="tenancy.grant_revoked", version=1, changes_access=True):
    """A grant was ended early, by the tenant or by staff."""

    grant_id: GrantId
    by_tenant: bool


class GrantExpired(Event, name="tenancy.grant_expired", version=1, changes_access=True):
    """A grant's time was over."""

    grant_id: GrantId


GrantEvent: TypeAlias = GrantRequested | GrantApproved | GrantDenied | GrantRevoked | GrantExpired


@dataclass(frozen=True, slots=True)
class NoGrant:
    """No grant has this id."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant as it stands. `expires_at` is there once it was approved."""

    grant_id: GrantId
    requested_by: StaffId
    scope: frozenset[Permission]
    ticket: str
    hours: int
    status: GrantStatus = GrantStatus.REQUESTED
    approved_by: StaffId | None = None
    expires_at: datetime | None = None

    def is_active(self, at: datetime) -> bool:
        """Whether the grant opens anything at this moment; it ends by itself, with or without the event."""
        return self.status is GrantStatus.APPROVED and self.expires_at is not None and at < self.expires_at


GrantState: TypeAlias = NoGrant | Grant


def evolve(state: GrantState, event: GrantEvent) -> GrantState:
    """The grant after `event`."""
    if isinstance(event, GrantRequested):
        grantable = {permission.value for permission in GRANTABLE}
        scope = frozenset(Permission(name) for name in event.scope if name in grantable)
        return Grant(event.grant_id, event.requested_by, scope, event.ticket, event.hours)
    if isinstance(state, NoGrant):
        return state
    match event:
        case GrantApproved():
            return replace(
                state,
                status=GrantStatus.APPROVED,
                approved_by=event.approved_by,
                expires_at=event.expires_at,
            )
        case GrantDenied():
            return replace(state, status=GrantStatus.DENIED)
        case GrantRevoked():
            return replace(state, status=GrantStatus.REVOKED)
        case GrantExpired():
            return replace(state, status=GrantStatus.EXPIRED)
        case _:
            assert_never(event)


class GrantIdTaken(Refusal):
    """A grant's id is used once. Take a new id."""

    code = "grant-id-taken"


class NotGrantable(Refusal):
    """A grant lets staff read, and no more. Leave out what is named in `not_grantable`."""

    code = "not-grantable"
    kind = RefusalKind.INVALID
    field = "/scope"


class NoPersonalData(Refusal):
    """Support looks into a tenant without personal data. Leave out what is named, or have another role ask."""

    code = "no-personal-data"
    kind = RefusalKind.FORBIDDEN
    field = "/scope"


class SecondPersonNeeded(Refusal):
    """Nobody approves their own request. Ask a second person of staff."""

    code = "second-person-needed"
    kind = RefusalKind.FORBIDDEN


class GrantNotOpen(Refusal):
    """Only a request that was not answered can be approved or denied. Make a new request."""

    code = "grant-not-open"


class GrantIsOver(Refusal):
    """Only a request or an active grant can be ended. Nothing is to be done."""

    code = "grant-over"


class GrantNotOver(Refusal):
    """A grant expires when its time is over, not before. Revoke it to end it now."""

    code = "grant-not-over"


Ticket = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9#/_.:-]{1,100}$")]


class RequestGrant(Command, context="tenancy", stream="grant", permission=Permission.PLATFORM_GRANTS_REQUEST):
    """Ask to look into the tenant, for a ticket, for at most 4 hours from the approval on."""

    scope: Annotated[frozenset[Permission], Field(min_length=1)]
    ticket: Ticket
    reason: Profile[LongText]
    hours: Annotated[int, Field(ge=1, le=MAX_HOURS)] = 1


class ApproveGrant(Command, context="tenancy", stream="grant", permission=Permission.PLATFORM_GRANTS_APPROVE):
    """Agree to somebody else's request; its hours run from now."""


class DenyGrant(Command, context="tenancy", stream="grant", permission=Permission.PLATFORM_GRANTS_APPROVE):
    """Refuse somebody else's request."""


class RevokeGrant(Command, context="tenancy", stream="grant", permission=Permission.TENANT_MANAGE):
    """End a grant, or a request, as the tenant."""


class WithdrawGrant(
    Command, context="tenancy", stream="grant", permission=Permission.PLATFORM_GRANTS_REQUEST
):
    """End a grant, or a request, as staff."""


class ExpireGrant(Command, context="tenancy", stream="grant", permission=Permission.INTERNAL, internal=True):
    """Enter that a grant's time is over."""


GrantCommand: TypeAlias = RequestGrant | ApproveGrant | DenyGrant | RevokeGrant | WithdrawGrant | ExpireGrant


def within_role(command: RequestGrant, held: frozenset[Permission]) -> None:
    """Refuse a scope that shows personal data to staff whose role, which holds `held`, never sees any."""
    personal = sorted(command.scope & PERSONAL)
    if personal and Permission.PLATFORM_GRANTS_PERSONAL not in held:
        raise NoPersonalData(not_grantable=personal)


def _requested(command: RequestGrant, state: GrantState) -> GrantRequested:
    if isinstance(state, Grant):
        raise GrantIdTaken
    beyond = sorted(command.scope - GRANTABLE)
    if beyond:
        raise NotGrantable(not_grantable=beyond)
    return GrantRequested(
        grant_id=GrantId(command.stamp.target),
        requested_by=StaffId(command.stamp.actor.id),
        scope=sorted(command.scope),
        ticket=command.ticket,
        reason=command.reason,
        hours=command.hours,
    )


def _answerable(command: ApproveGrant | DenyGrant, state: Grant) -> StaffId:
    """The second person who answers an open request."""
    if state.status is not GrantStatus.REQUESTED:
        raise GrantNotOpen
    if command.stamp.actor.id == state.requested_by:
        raise SecondPersonNeeded
    return StaffId(command.stamp.actor.id)


def decide(command: GrantCommand, state: GrantState) -> tuple[Event, ...]:
    """What a command does to the grant."""
    if isinstance(command, RequestGrant):
        return (_requested(command, state),)
    if isinstance(state, NoGrant):
        raise NotFound
    grant_id, at = state.grant_id, command.stamp.at
    match command:
        case ApproveGrant():
            approver = _answerable(command, state)
            until = at + timedelta(hours=state.hours)
            return (GrantApproved(grant_id=grant_id, approved_by=approver, expires_at=until),)
        case DenyGrant():
            return (GrantDenied(grant_id=grant_id, denied_by=_answerable(command, state)),)
        case RevokeGrant() | WithdrawGrant():
            if state.status is not GrantStatus.REQUESTED and not state.is_active(at):
                raise GrantIsOver
            return (GrantRevoked(grant_id=grant_id, by_tenant=isinstance(command, RevokeGrant)),)
        case ExpireGrant():
            if state.status is not GrantStatus.APPROVED:
                return ()
            if state.is_active(at):
                raise GrantNotOver
            return (GrantExpired(grant_id=grant_id),)
        case _:
            assert_never(command)


GRANT: Final[Decider[GrantState]] = Decider(category="grant", initial=NoGrant(), evolve=evolve, decide=decide)
