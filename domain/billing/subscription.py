"""A subscription: what a tenant pays for, as it was told from moment to moment.

Each telling says all of its terms from a moment on and stands in the log once, whenever it comes: late, doubled and in
any order. What holds now is the telling of the latest moment; what held then, that of the latest moment before. So
tellings that come in another order end in the same subscription.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, TypeAlias, assert_never

from pydantic import Field

from domain.billing.catalogue import Meter
from domain.billing.catalogues import is_sold
from domain.billing.terms import Interval, Item, ItemKind, PriceUnknown, SubscriptionStatus, Terms, sound
from domain.billing.told import over
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.events import Event
from domain.kernel.ids import SubscriptionId
from domain.kernel.moments import Moment
from domain.kernel.money import Currency, Price
from domain.kernel.permissions import Permission
from domain.kernel.text import ShortText
from domain.tenancy.plans import Plan

AGREED: Final = "agreed"
"""What the price of an agreement begins with, in place of a catalogue's version."""
MOST_RANK: Final = 10_000
_CHANGED: Final = 1
_ENDED: Final = MOST_RANK


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

    `told_as` names the telling; it counts once. `rank` orders the tellings of one second.
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
    coupons: frozenset[str] = frozenset()
    """Those that it was ever told with."""


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
        coupons=state.coupons.union(one.coupon for one in event.terms.discounts),
    )
    if state.latest is not None and order < state.latest:
        return after
    return replace(after, latest=order, terms=event.terms)


class ToldAsAnother(Refusal):
    """One subscription has one id at Stripe. Check the id; nothing was entered."""

    code = "subscription-told-as-another"
    field = "/reference"


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


class AgreeSubscription(
    Command, context="billing", stream="subscription", permission=Permission.PLATFORM_BILLING_MANAGE
):
    """Enter what was agreed with a customer, or agreed anew: a plan for a price that is paid past the gateway.

    `unit_amount`: minor units every `interval_count` intervals. `limits`: the most of each meter; what is not named is
    without limit; left out, the plan's own hold. It holds from `since` on, which is not to come.
    """

    plan: Plan
    currency: Currency
    unit_amount: Price
    interval: Literal[Interval.MONTH, Interval.YEAR] = Interval.MONTH
    interval_count: Annotated[int, Field(ge=1, le=36)] = 1
    limits: dict[Meter, Annotated[int, Field(ge=0)]] | None = None
    since: Moment


class EndAgreement(
    Command, context="billing", stream="subscription", permission=Permission.PLATFORM_BILLING_MANAGE
):
    """Enter that what was agreed with a customer has ended."""

    ended_at: Moment


class NotAnAgreement(Refusal):
    """What is paid through the gateway is changed there. Use the tenant's own commands for it."""

    code = "not-an-agreement"


class AgreedOutOfOrder(Refusal):
    """What is agreed anew, or ended, is so after what was agreed before. Give a moment that is not before that."""

    code = "agreed-out-of-order"


SubscriptionCommand: TypeAlias = ReportSubscription | AgreeSubscription | EndAgreement


def decide(command: SubscriptionCommand, state: Subscription) -> tuple[Event, ...]:
    """What a telling, or an agreement, adds to the subscription."""
    match command:
        case ReportSubscription():
            return _told(command, state)
        case AgreeSubscription():
            return (_agreed(command, state, _terms(command), command.since),)
        case EndAgreement():
            if state.terms is None:
                raise NotFound
            ended = state.terms.model_copy(
                update={"status": SubscriptionStatus.CANCELED.value, "ended_at": command.ended_at}
            )
            return (_agreed(command, state, ended, command.ended_at),)
        case _:
            assert_never(command)


def _told(command: ReportSubscription, state: Subscription) -> tuple[Event, ...]:
    if command.told_as in state.told:
        return ()
    if None not in (command.reference, state.reference) and command.reference != state.reference:
        raise ToldAsAnother
    over(command.stamp.at, command.effective_at, command.terms.period_start)
    terms = sound(command.terms)
    for item in terms.items:
        if not is_sold(item, terms.currency):
            raise PriceUnknown(price=item.price)
    return (
        SubscriptionReported(
            subscription_id=SubscriptionId(command.stamp.target),
            teller=command.teller,
            told_as=command.told_as,
            reference=command.reference,
            effective_at=command.effective_at,
            rank=command.rank,
            terms=terms,
        ),
    )


def _agreed(
    command: AgreeSubscription | EndAgreement, state: Subscription, terms: Terms, since: datetime
) -> SubscriptionReported:
    if state.reference is not None:
        raise NotAnAgreement
    over(command.stamp.at, since)
    rank = _ENDED if isinstance(command, EndAgreement) else _CHANGED
    if state.latest is not None:
        before, rank_before, _ = state.latest
        if since < before:
            raise AgreedOutOfOrder(field="/ended_at" if isinstance(command, EndAgreement) else "/since")
        if since == before:  # what ended at a moment may be agreed anew from it on: what is said last holds
            rank = max(rank, rank_before + 1)
    return SubscriptionReported(
        subscription_id=SubscriptionId(command.stamp.target),
        teller=Teller.AGREEMENT,
        told_as=str(command.stamp.command_id),
        effective_at=since,
        rank=rank,
        terms=terms,
    )


def _terms(command: AgreeSubscription) -> Terms:
    item = Item(
        price=f"{AGREED}/{command.stamp.target}",
        kind=ItemKind.PLAN,
        of=command.plan,
        unit_amount=command.unit_amount,
        quantity=1,
        interval=command.interval,
        interval_count=command.interval_count,
    )
    return Terms(status=SubscriptionStatus.ACTIVE, currency=command.currency, items=(item,))


SUBSCRIPTION: Final[Decider[Subscription]] = Decider(
    category="subscription", initial=Subscription(), evolve=evolve, decide=decide
)
