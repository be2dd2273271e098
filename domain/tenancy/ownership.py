"""Who owns a tenant: always somebody. And the reservation of a member's address, so that nobody is asked twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from domain.kernel.commands import Command, Decider
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import MemberId
from domain.kernel.permissions import Permission


class OwnershipGranted(
    Event, name="tenancy.ownership_granted", version=1, subject="member_id", changes_access=True
):
    """A member became an owner."""

    member_id: MemberId


class OwnershipRelinquished(
    Event, name="tenancy.ownership_relinquished", version=1, subject="member_id", changes_access=True
):
    """A member is an owner no more."""

    member_id: MemberId


class MemberEmailClaimed(Event, name="tenancy.member_email_claimed", version=1, subject="member_id"):
    """An address was taken for a member."""

    member_id: MemberId


class MemberEmailReleased(Event, name="tenancy.member_email_released", version=1, subject="member_id"):
    """A member's address is free again."""

    member_id: MemberId


OwnershipEvent: TypeAlias = OwnershipGranted | OwnershipRelinquished
MemberEmailEvent: TypeAlias = MemberEmailClaimed | MemberEmailReleased


@dataclass(frozen=True, slots=True)
class Ownership:
    """The owners, the longest-standing first."""

    owners: tuple[MemberId, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberEmail:
    """Whose an address is, if anybody's."""

    member_id: MemberId | None = None


def evolve(state: Ownership, event: OwnershipEvent) -> Ownership:
    """The owners after `event`."""
    others = tuple(owner for owner in state.owners if owner != event.member_id)
    match event:
        case OwnershipGranted():
            return Ownership((*others, event.member_id))
        case OwnershipRelinquished():
            return Ownership(others)
        case _:
            assert_never(event)


def evolve_email(_: MemberEmail, event: MemberEmailEvent) -> MemberEmail:
    """The reservation after `event`."""
    match event:
        case MemberEmailClaimed():
            return MemberEmail(event.member_id)
        case MemberEmailReleased():
            return MemberEmail()
        case _:
            assert_never(event)


class LastOwnerStays(Refusal):
    """Only the last owner cannot leave. Make somebody else an owner first."""

    code = "last-owner-stays"


class NotAnOwner(Refusal):
    """Only an owner can hand on ownership, or take over what a removed person owned. Name an owner."""

    code = "not-an-owner"
    kind = RefusalKind.INVALID


class NotAboveOneself(Refusal):
    """Nobody changes or removes somebody who may do more than they may. Ask an owner."""

    code = "not-above-oneself"
    kind = RefusalKind.FORBIDDEN


class AlreadyInvited(Refusal):
    """A person is in a tenant once. They have been invited, or are a member, under this address."""

    code = "already-invited"
    field = "/email"


class TransferOwnership(Command, context="tenancy", stream="ownership", permission=Permission.TENANT_OWN):
    """Make `member_id` an owner in the place of `from_member_id` (who asks, if left out), who becomes an admin."""

    member_id: MemberId
    from_member_id: MemberId | None = None


def granted(state: Ownership, member_id: MemberId) -> tuple[OwnershipGranted, ...]:
    """The event that makes somebody an owner, or none if they are."""
    return () if member_id in state.owners else (OwnershipGranted(member_id=member_id),)


def relinquished(state: Ownership, member_id: MemberId) -> tuple[OwnershipRelinquished, ...]:
    """The event after which somebody is no owner, or none if they are not. Refused for the last one."""
    if member_id not in state.owners:
        return ()
    if len(state.owners) == 1:
        raise LastOwnerStays
    return (OwnershipRelinquished(member_id=member_id),)


def heir(state: Ownership, leaving: MemberId, wish: MemberId | None, asking: MemberId | None) -> MemberId:
    """The owner who takes over: the one wished for, the one who asks, or the longest-standing."""
    owners = [owner for owner in state.owners if owner != leaving]
    if wish is not None and wish not in owners:
        raise NotAnOwner
    if not owners:
        raise LastOwnerStays
    return next(candidate for candidate in (wish, asking, owners[0]) if candidate in owners)


OWNERSHIP: Final[Decider[Ownership]] = Decider(category="ownership", initial=Ownership(), evolve=evolve)
MEMBER_EMAIL: Final[Decider[MemberEmail]] = Decider(
    category="member_email", initial=MemberEmail(), evolve=evolve_email
)
