"""What the platform suppresses: an address that every tenant's mail is held back from, by its own staff.

It stands in the platform's log, where the address is sealed; a workflow copies it into every tenant's own, where no
command of the tenant's ends it. Nothing that a tenant has is told to the platform by that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias, assert_never
from uuid import UUID

from domain.audience.email import EmailText
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.events import Event
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from domain.kernel.text import LongText


class PlatformReason(StrEnum):
    """Why the platform suppresses an address. A complaint holds back advertising alone; abuse holds back everything."""

    COMPLAINT = "complaint"
    ABUSE = "abuse"


class AddressSuppressed(Event, name="platform.address_suppressed", version=1, subject="suppression_id"):
    """From here on an address is held back from, in every tenant. `kind`: a `PlatformReason`, which says what is."""

    suppression_id: UUID
    email: Profile[str]
    kind: str
    reason: Profile[str]


class AddressReleased(Event, name="platform.address_released", version=1, subject="suppression_id"):
    """The platform's staff ended that."""

    suppression_id: UUID
    reason: Profile[str]


class SuppressionCopied(Event, name="platform.suppression_copied", version=1):
    """It stands in the log of every tenant that there was."""

    suppression_id: UUID


class ReleaseCopied(Event, name="platform.release_copied", version=1):
    """Its end stands in the log of every tenant that there was."""

    suppression_id: UUID


class AddressReserved(Event, name="platform.address_reserved", version=1):
    """The address is suppressed under this id, and under no second one."""

    suppression_id: UUID


class AddressFreed(Event, name="platform.address_freed", version=1):
    """It is not any more."""

    suppression_id: UUID


class SuppressionForgotten(Event, name="platform.suppression_forgotten", version=1):
    """The key of its address and of its reasons is gone: from now on nobody can read them."""

    suppression_id: UUID


SuppressionEvent: TypeAlias = (
    AddressSuppressed | AddressReleased | SuppressionCopied | ReleaseCopied | SuppressionForgotten
)
ReservationEvent: TypeAlias = AddressReserved | AddressFreed


@dataclass(frozen=True, slots=True)
class NoSuppression:
    """No suppression has this id."""


@dataclass(frozen=True, slots=True)
class PlatformSuppression:
    """A suppression. `copied`, `release_copied`: into the logs of all tenants. `forgotten`: its address is gone."""

    suppression_id: UUID
    kind: PlatformReason
    released: bool = False
    copied: bool = False
    release_copied: bool = False
    forgotten: bool = False


@dataclass(frozen=True, slots=True)
class PlatformAddress:
    """Under which id an address is suppressed, if it is."""

    suppression_id: UUID | None = None


SuppressionState: TypeAlias = NoSuppression | PlatformSuppression


def evolve(state: SuppressionState, event: SuppressionEvent) -> SuppressionState:
    """The suppression after `event`."""
    if isinstance(event, AddressSuppressed):
        return PlatformSuppression(event.suppression_id, PlatformReason(event.kind))
    if isinstance(state, NoSuppression):
        return state
    match event:
        case AddressReleased():
            return replace(state, released=True)
        case SuppressionCopied():
            return replace(state, copied=True)
        case ReleaseCopied():
            return replace(state, release_copied=True)
        case SuppressionForgotten():
            return replace(state, forgotten=True)
        case _:
            assert_never(event)


def evolve_address(_: PlatformAddress, event: ReservationEvent) -> PlatformAddress:
    """The reservation after `event`."""
    return PlatformAddress(event.suppression_id if isinstance(event, AddressReserved) else None)


class SuppressionIdTaken(Refusal):
    """The id of a suppression is used once. Take a new id, or send the command to `new`."""

    code = "suppression-id-taken"


class SuppressedAlready(Refusal):
    """Nothing goes to this address from any tenant as it is. The suppression's id is in `suppression_id`."""

    code = "suppressed-already"
    field = "/email"


class SuppressionStillNeeded(Refusal):
    """The address is needed until the end of its suppression stands in every tenant's log. It is tried again then."""

    code = "suppression-still-needed"


class SuppressAtPlatform(
    Command,
    context="platform",
    stream="platform_suppression",
    permission=Permission.PLATFORM_SUPPRESSIONS_MANAGE,
):
    """Hold back what goes to an address, from any tenant, whoever has it now or enters it later.

    After a complaint that is advertising: what is transactional may still go. For abuse it is everything.
    """

    email: Profile[EmailText]
    kind: PlatformReason
    reason: Profile[LongText]


class ReleaseAtPlatform(
    Command,
    context="platform",
    stream="platform_suppression",
    permission=Permission.PLATFORM_SUPPRESSIONS_MANAGE,
):
    """End a suppression of the platform's, in every tenant. What tenants, or the person, suppress stays."""

    reason: Profile[LongText]


class ConfirmSuppressionCopied(
    Command,
    context="platform",
    stream="platform_suppression",
    permission=Permission.INTERNAL,
    internal=True,
):
    """Enter that a suppression, or its end, stands in the log of every tenant."""

    release: bool


class ForgetSuppression(
    Command,
    context="platform",
    stream="platform_suppression",
    permission=Permission.INTERNAL,
    internal=True,
):
    """Enter that the key of a suppression's address was destroyed; refused before its end is everywhere."""


def existing(state: SuppressionState) -> PlatformSuppression:
    """A suppression that is there, standing or not."""
    if isinstance(state, NoSuppression):
        raise NotFound
    return state


def suppressed(
    command: SuppressAtPlatform, state: SuppressionState, address: PlatformAddress
) -> AddressSuppressed:
    """The event that suppresses an address whose reservation is `address`."""
    if isinstance(state, PlatformSuppression):
        raise SuppressionIdTaken
    if address.suppression_id is not None:
        raise SuppressedAlready(suppression_id=address.suppression_id)
    return AddressSuppressed(
        suppression_id=command.stamp.target, email=command.email, kind=command.kind, reason=command.reason
    )


def decide(
    command: ConfirmSuppressionCopied | ForgetSuppression, state: SuppressionState
) -> tuple[Event, ...]:
    """What a command on the suppression alone does; suppressing and releasing touch the address too."""
    known = existing(state)
    match command:
        case ConfirmSuppressionCopied(release=True):
            return () if known.release_copied else (ReleaseCopied(suppression_id=known.suppression_id),)
        case ConfirmSuppressionCopied():
            # Once its end is everywhere it stands nowhere, however late the copy comes.
            over = known.copied or known.release_copied
            return () if over else (SuppressionCopied(suppression_id=known.suppression_id),)
        case ForgetSuppression():
            return _forgotten(known)
        case _:
            assert_never(command)


def _forgotten(known: PlatformSuppression) -> tuple[SuppressionForgotten, ...]:
    """The end of its address."""
    if not known.release_copied:
        raise SuppressionStillNeeded
    return () if known.forgotten else (SuppressionForgotten(suppression_id=known.suppression_id),)


PLATFORM_SUPPRESSION: Final[Decider[SuppressionState]] = Decider(
    category="platform_suppression", initial=NoSuppression(), evolve=evolve, decide=decide
)
PLATFORM_ADDRESS: Final[Decider[PlatformAddress]] = Decider(
    category="platform_address", initial=PlatformAddress(), evolve=evolve_address
)
