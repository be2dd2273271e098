"""What the platform suppresses, as it is copied into a tenant's log: with the address, and with whoever has it there.

No command of a tenant's ends it. A copy and its end may come in any order, and more than once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domain.audience.addressee_events import AddresseeSuppressed, SuppressionLifted
from domain.audience.addressee_state import Addressee
from domain.audience.email_claim import EmailBarred, EmailUnbarred
from domain.law.facts import Scope

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.audience.addressee_state import AddresseeState
    from domain.audience.email_claim import Bar, EmailClaim
    from domain.kernel.ids import AddresseeId
    from domain.law.facts import Suppression


class FromPlatform(NamedTuple):
    """A suppression of the platform's: which, and of what kind, since when."""

    suppression_id: UUID
    kind: str
    since: datetime


def barred(claim: EmailClaim, one: FromPlatform) -> tuple[EmailBarred, ...]:
    """The event that enters it with the address; none where it stands there, or has ended already."""
    if one.suppression_id in claim.bars or one.suppression_id in claim.unbarred:
        return ()
    return (EmailBarred(suppression_id=one.suppression_id, kind=one.kind, since=one.since),)


def unbarred(claim: EmailClaim, suppression_id: UUID) -> tuple[EmailUnbarred, ...]:
    """The event that ends it with the address, also where it never came here: then it never will."""
    if suppression_id in claim.unbarred:
        return ()
    return (EmailUnbarred(suppression_id=suppression_id),)


def under_bar(
    addressee_id: AddresseeId, state: AddresseeState, claim: EmailClaim
) -> tuple[AddresseeSuppressed, ...]:
    """The events that tell the addressee what stands with their address: of each kind the first, unless they know."""
    known = {one.kind for one in by_platform(state)}
    first: dict[str, Bar] = {}
    for bar in sorted(claim.bars.values(), key=lambda one: one.since):
        first.setdefault(bar.kind, bar)
    return tuple(
        AddresseeSuppressed(addressee_id=addressee_id, kind=kind, scope=Scope.PLATFORM, occurred_at=bar.since)
        for kind, bar in first.items()
        if kind not in known
    )


def released(
    state: AddresseeState, claim: EmailClaim, at: datetime, reason: str
) -> tuple[SuppressionLifted, ...]:
    """The events that end for the addressee each kind of which nothing stands with their address any more."""
    if not isinstance(state, Addressee):
        return ()
    left = {bar.kind for bar in claim.bars.values()}
    return tuple(
        SuppressionLifted(
            addressee_id=state.addressee_id, entry=one.position, occurred_at=max(at, one.since), reason=reason
        )
        for one in by_platform(state)
        if one.kind not in left
    )


def by_platform(state: AddresseeState) -> list[Suppression]:
    """What the platform suppresses of an addressee now."""
    if not isinstance(state, Addressee):
        return []
    return [one for one in state.suppressions if one.scope is Scope.PLATFORM and one.ended_at is None]
