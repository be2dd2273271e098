"""A subscription: what a tenant pays for, as it was told from moment to moment.

Each telling says all of its terms from a moment on and stands in the log once, whenever it comes: late, doubled and in
any order. What holds now is the telling of the latest moment; what held then, that of the latest moment before. So
tellings that come in another order end in the same subscription.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final, TypeAlias

from pydantic import Field

from domain.billing.terms import Terms, sound
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import Refusal
from domain.kernel.events import Event
from domain.kernel.ids import SubscriptionId
from domain.kernel.moments import Moment
from domain.kernel.permissions import Permission
from domain.kernel.text import ShortText

MOST_RANK: Final = 9
_CLOCKS_APART: Final = timedelta(minutes=5)


class Teller(StrEnum):
    """Who told a subscription's terms."""

    STRIPE = "stripe"
    """A webhook of Stripe's; `told_as` is the id of its event."""
    RECONCILIATION = "reconciliation"
    """We asked Stripe, and it differed from what we had."""
    AGREEMENT = "agreement"
    """Staff of the platform entered what was agreed; nothing of it is at Stripe."""


class SubscriptionReported(Event, name="billing.subscription_reported", version=1):
    """A subscription has these terms from `effective_at` on. `teller`: a `Teller`; `reference`: its id at Stripe.

    `told_as` names the telling; it counts once. `rank` orders tellings of one second: 0 made, 1 changed, 2 looked up, 3
    ended.
    """

    subscription_id: SubscriptionId
    teller: str
    told_as: str
    reference: str | None = None
    effective_at: datetime
    rank: int
    terms: Terms


Order: TypeAlias = tuple[datetime, int, str]
"""Where a telling stands among those of its subscription."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as far as it was told; before the first telling there is none of it."""

    reference: str | None = None
    told: dict[str, Order] = field(default_factory=dict)
    latest: Order | None = None
    terms: Terms | None = None


def order_of(event: SubscriptionReported) -> Order:
    """Where the telling stands, the same whenever it came."""
    return event.effective_at, event.rank, event.told_as


def evolve(state: Subscription, event: SubscriptionReported) -> Subscription:
    """The subscription after one more telling."""
    order = order_of(event)
    after = replace(
        state,
        reference=event.reference or state.reference,
        told={**state.told, event.told_as: order},
    )
    if state.latest is not None and order < state.latest:
        return after
    return replace(after, latest=order, terms=event.terms)


class ToldAsAnother(Refusal):
    """One subscription has one id at Stripe. Check the id; nothing was entered."""

    code = "subscription-told-as-another"
    field = "/reference"


class TellingBeyondNow(Refusal):
    """Terms are told from a moment that is over. What is to come is told when it has come."""

    code = "telling-beyond-now"
    field = "/effective_at"


class ReportSubscription(
    Command, context="billing", stream="subscription", permission=Permission.INTERNAL, internal=True
):
    """Enter what was told of a subscription. A telling that was entered already changes nothing."""

    teller: Teller
    told_as: ShortText
    reference: ShortText | None = None
    effective_at: Moment
    rank: Annotated[int, Field(ge=0, le=MOST_RANK)]
    terms: Terms


def decide(command: ReportSubscription, state: Subscription) -> tuple[Event, ...]:
    """What a telling adds to the subscription."""
    if command.told_as in state.told:
        return ()
    if None not in (command.reference, state.reference) and command.reference != state.reference:
        raise ToldAsAnother
    if command.effective_at > command.stamp.at + _CLOCKS_APART:
        raise TellingBeyondNow
    return (
        SubscriptionReported(
            subscription_id=SubscriptionId(command.stamp.target),
            teller=command.teller,
            told_as=command.told_as,
            reference=command.reference,
            effective_at=command.effective_at,
            rank=command.rank,
            terms=sound(command.terms),
        ),
    )


SUBSCRIPTION: Final[Decider[Subscription]] = Decider(
    category="subscription", initial=Subscription(), evolve=evolve, decide=decide
)
