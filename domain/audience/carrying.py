"""What goes with an address to whoever has it after an erasure: what the person said, and what is known of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from domain.audience.addressee_events import AddresseeSuppressed, SaleOptedOut
from domain.audience.addressee_state import Addressee, AddresseeState, NoAddressee
from domain.audience.consent_events import OptedOut, Unsaid
from domain.audience.erasure_events import LAST_UNDATED
from domain.law.facts import OPT_OUTS, Scope, SuppressionKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.kernel.events import Event
    from domain.kernel.ids import AddresseeId

_BY_THEN: Final = datetime.fromisoformat(LAST_UNDATED)
_CARRIED: Final = {SuppressionKind.HARD_BOUNCE, SuppressionKind.SOFT_BOUNCES, SuppressionKind.MANUAL}
"""What holds for an address whoever has it now, besides what the person said."""


def carried(former: AddresseeState, addressee_id: AddresseeId) -> tuple[Event, ...]:
    """What still holds for the address of an erased addressee, said again for who has it now."""
    if isinstance(former, NoAddressee):
        return ()
    return tuple(_carried(former, addressee_id))


def _carried(former: Addressee, addressee_id: AddresseeId) -> Iterable[Event]:
    yield from _stops(former, addressee_id)
    if former.sale_opted_out_at is not None:
        yield SaleOptedOut(addressee_id=addressee_id, occurred_at=former.sale_opted_out_at)
    for one in former.suppressions:
        # What the platform suppresses stands with the reservation of the address, and is entered from there.
        if one.ended_at is not None or one.scope is Scope.PLATFORM:
            continue
        if one.kind in OPT_OUTS and one.scope is not Scope.TENANT:
            yield OptedOut(
                addressee_id=addressee_id,
                scope=one.scope,
                occurred_at=former.last_said(one).at,
                channel=Unsaid.CARRIED_OVER,
                kind=one.kind,
                within=one.within,
            )
        if one.kind in _CARRIED:
            yield AddresseeSuppressed(
                addressee_id=addressee_id,
                kind=one.kind,
                scope=one.scope,
                within=one.within,
                occurred_at=one.since,
            )


def _stops(former: Addressee, addressee_id: AddresseeId) -> Iterable[Event]:
    """What was said of all mail, each kind once; the last from the erasure on, which nobody takes back unknowing.

    Who had themselves forgotten, and said nothing, is not written to either because their address turns up again.
    """
    said = [one.kind for one in former.own_words() if one.scope is Scope.TENANT]
    kinds = list(dict.fromkeys(said))
    if former.opted_out_at is not None and not kinds:
        kinds = [SuppressionKind.UNSUBSCRIBE]
    if former.erased:
        *kinds, last = kinds or [SuppressionKind.UNSUBSCRIBE]
        erased_at = former.erased_at or _BY_THEN
        erased_at = max(erased_at, former.opted_out_at or erased_at)
        yield OptedOut(addressee_id=addressee_id, occurred_at=erased_at, channel=Unsaid.ERASURE, kind=last)
    for kind in kinds:
        occurred_at = former.opted_out_at or _BY_THEN
        yield OptedOut(
            addressee_id=addressee_id, occurred_at=occurred_at, channel=Unsaid.CARRIED_OVER, kind=kind
        )
