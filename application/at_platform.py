"""What the platform suppresses, entered in a tenant's log: by the job that copies it, or by a hand-over that is sooner.

The copy comes to a tenant when its turn is. Until then the reservation of the address in the platform's own log tells
it, and a hand-over looks there. It is of another log than the append: what is suppressed after that look is too late
for this message, as what anybody says after a hand-over is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domain.audience.barring import FromPlatform, barred, released, unbarred, under_bar
from domain.audience.email import match_form

if TYPE_CHECKING:
    from application.unit import Unit
    from domain.audience.email_claim import EmailClaim
    from domain.kernel.ids import AddresseeId

_ENDED = "The platform ended its suppression."


class Standing(NamedTuple):
    """A suppression of the platform's, with its address in the clear."""

    told: FromPlatform
    email: str


async def compare_platform(unit: Unit, addressee_id: AddresseeId) -> None:
    """Enter with an addressee, who is loaded, what the platform suppresses by now, copied or not yet."""
    one = await unit.suppressed_at_platform(addressee_id)
    if one is not None:
        await carried(unit, Standing(*one), release=False)


async def carried(unit: Unit, one: Standing, *, release: bool) -> None:
    """What one suppression, or its end, changes of an address and of whoever has it."""
    claim: EmailClaim
    key, claim = await unit.find("email_claim", match_form(one.email))
    ended = unbarred(claim, one.told.suppression_id)
    unit.append("email_claim", key, *(ended if release else barred(claim, one.told)))
    claim = unit.state("email_claim", key)
    who = claim.addressee_id
    if who is None:
        return
    state = await unit.load("addressee", who)
    # Also with an end: another kind that stands with the address may not have come to its addressee yet.
    ending = released(state, claim, unit.stamp.at, _ENDED) if release else ()
    unit.append("addressee", who, *under_bar(who, state, claim), *ending)
