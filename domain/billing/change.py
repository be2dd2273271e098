"""What a tenant changes of its subscription: another plan, another interval, more or fewer add-ons, an end.

What gives more is had at once, and what is left of the cycle is credited; what gives less begins with the next cycle.
The provider is asked by a job, and tells by itself how the subscription stands then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias, assert_never

from pydantic import BaseModel, ConfigDict, Field

from domain.billing.account_events import ChangeDeclined, ChangeMade, ChangeRequested
from domain.billing.account_state import Overage
from domain.billing.catalogue import Meter
from domain.billing.catalogues import price_of, sold_on
from domain.billing.tariffs import by_use, tariff_on
from domain.billing.terms import Interval, ItemKind
from domain.kernel.commands import Command
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.ids import ChangeId, SubscriptionId, TenantId
from domain.kernel.money import Currency
from domain.kernel.permissions import Permission
from domain.kernel.text import ShortText
from domain.tenancy.plans import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from domain.billing.account import SetOveragePolicy
    from domain.billing.account_state import Account
    from domain.billing.catalogue import Catalogue, Tariff
    from domain.billing.terms import Terms
    from domain.kernel.commands import Stamp
    from domain.kernel.events import Event

BoughtPlan: TypeAlias = Literal[Plan.STARTER, Plan.PROFESSIONAL, Plan.BUSINESS]
BoughtInterval: TypeAlias = Literal[Interval.MONTH, Interval.YEAR]
_RANK: Final = {plan: rank for rank, plan in enumerate(Plan)}
_LONGER: Final = {Interval.MONTH: 0, Interval.YEAR: 1}


class NotSubscribed(Refusal):
    """Only a subscription that goes on at the provider can be changed. Subscribe by a checkout first."""

    code = "not-subscribed"


class ChangeInFlight(Refusal):
    """One change is asked for at a time. Wait until the provider has answered the one before."""

    code = "change-in-flight"


class SubscribedTwice(Refusal):
    """Two subscriptions go on, and both are paid. Cancel the one that is not wanted, by its `subscription_id`."""

    code = "subscribed-twice"


class EndIsAhead(Refusal):
    """What ends with its cycle is not changed. Take the end back first (`resume-subscription`), then change it."""

    code = "end-is-ahead"


class CouponRedeemed(Refusal):
    """A coupon is redeemed once. Leave it out."""

    code = "coupon-redeemed"
    field = "/coupon"


class ChangeIsAhead(Refusal):
    """What is bought by use is not added while less begins with the next cycle. Withdraw that first, or wait for it."""

    code = "change-is-ahead"


class NothingChanges(Refusal):
    """A change changes something. This is what the subscription is already."""

    code = "nothing-changes"


class AddOnUnknown(Refusal):
    """Add-ons are those of the catalogue. Choose among the ids that it lists."""

    code = "add-on-unknown"
    kind = RefusalKind.INVALID
    field = "/add_ons"


class CurrencyNotSold(Refusal):
    """What is sold has a price in each currency of the catalogue. Choose one of those that are listed."""

    code = "currency-not-sold"
    kind = RefusalKind.INVALID
    field = "/currency"


class CouponUnknown(Refusal):
    """A coupon is one of the catalogue, and has its last day. Check its id, or leave it out."""

    code = "coupon-unknown"
    kind = RefusalKind.INVALID
    field = "/coupon"


class Wanted(BaseModel):
    """What is to be bought: a plan, how often it is paid, how many of each add-on, in which currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: BoughtPlan
    interval: BoughtInterval = Interval.MONTH
    add_ons: dict[ShortText, Annotated[int, Field(ge=1, le=10_000)]] = Field(default={}, max_length=15)
    currency: Currency = "USD"
    coupon: ShortText | None = None


class ChangeSubscription(
    Command, context="billing", stream="billing_account", permission=Permission.BILLING_MANAGE
):
    """Make this all that is subscribed to: a plan, and how many of each add-on; what is not named ends.

    What gives more begins at once; what gives less begins with the next cycle, and is refused while more is used than
    it allows.
    """

    plan: BoughtPlan
    interval: BoughtInterval = Interval.MONTH
    add_ons: dict[ShortText, Annotated[int, Field(ge=1, le=10_000)]] = Field(default={}, max_length=15)
    coupon: ShortText | None = None


class CancelSubscription(
    Command, context="billing", stream="billing_account", permission=Permission.BILLING_MANAGE
):
    """End the subscription with its cycle, which is paid for. `subscription_id`: which, where there are two."""

    subscription_id: SubscriptionId | None = None


class ResumeSubscription(
    Command, context="billing", stream="billing_account", permission=Permission.BILLING_MANAGE
):
    """Take back an end that has not come yet."""


class WithdrawChange(
    Command, context="billing", stream="billing_account", permission=Permission.BILLING_MANAGE
):
    """Take back a change that was to begin with the next cycle."""


class EnterChange(
    Command, context="billing", stream="billing_account", permission=Permission.INTERNAL, internal=True
):
    """Enter what the provider answered to a change. `reason`: of one that it declined."""

    change_id: ChangeId
    reason: ShortText | None = None


AskedChange: TypeAlias = ChangeSubscription | CancelSubscription | ResumeSubscription | WithdrawChange
ChangeCommand: TypeAlias = AskedChange | EnterChange
Going: TypeAlias = tuple[SubscriptionId, "Terms"]
"""A subscription that goes on at the provider."""


def bought_new(wanted: Wanted, today: date) -> tuple[dict[str, int], str | None]:
    """How many of each price somebody wants who has nothing yet, and the coupon. Raises what `bought` does."""
    catalogue = sold_on(today)
    if wanted.currency not in catalogue.currencies:
        raise CurrencyNotSold(currencies=list(catalogue.currencies))
    lines = bought(wanted, catalogue, wanted.currency, {})
    return lines, redeemable(wanted.coupon, catalogue, today)


def bought(
    wanted: Wanted | ChangeSubscription,
    catalogue: Catalogue,
    currency: str,
    kept: Mapping[tuple[str, str], str],
) -> dict[str, int]:
    """How many of each price is asked for. Raises `AddOnUnknown`.

    `kept`: prices by what they are of and their interval: what is paid for already keeps its price.
    """
    lines: dict[str, int] = {}
    for of, quantity in {wanted.plan.value: 1, **wanted.add_ons}.items():
        price = catalogue.price(of, wanted.interval, currency)
        if price is None or (price.kind is not ItemKind.ADD_ON and of != wanted.plan):
            raise AddOnUnknown(add_on=of)
        lines[kept.get((of, wanted.interval), price.id)] = quantity
    return lines


def gives_less(command: ChangeSubscription, terms: Terms) -> bool:
    """Whether a subscription would be less: of a smaller plan, or of the same with a shorter cycle or fewer add-ons."""
    plan = next((item for item in terms.items if item.kind == ItemKind.PLAN), None)
    if plan is None:
        return False
    before, after = _RANK[Plan(plan.of)], _RANK[command.plan]
    if before != after:
        return after < before
    if _LONGER[command.interval] < _LONGER[Interval(plan.interval)]:
        return True
    return any(
        command.add_ons.get(item.of, 0) < item.quantity
        for item in terms.items
        if item.kind == ItemKind.ADD_ON
    )


def paid_twice(going: Sequence[Going]) -> tuple[SubscriptionId, ...]:
    """Those that go on beside each other, where there is more than one whose end is not settled."""
    staying = tuple(subscription_id for subscription_id, terms in going if terms.cancel_at is None)
    return staying if len(staying) > 1 else ()


def chosen(command: AskedChange | SetOveragePolicy, going: Sequence[Going]) -> Going:
    """The subscription that a change is of. Raises `NotSubscribed` and `SubscribedTwice`."""
    named = command.subscription_id if isinstance(command, CancelSubscription) else None
    found = [one for one in going if named in (None, one[0])]
    if not found:
        raise NotSubscribed
    if named is None and (twice := paid_twice(going)):
        raise SubscribedTwice(subscriptions=[str(one) for one in twice])
    return next((one for one in found if one[1].cancel_at is None), found[0])


def ahead_of(state: Account, going: Going) -> ChangeRequested | None:
    """The change that begins with the next cycle of a subscription, if one does; one that has begun does not."""
    ahead, (subscription_id, terms) = state.ahead, going
    if ahead is None or ahead.subscription_id != subscription_id:
        return None
    return None if ahead.lines == {item.price: item.quantity for item in terms.items} else ahead


def decide_change(
    command: ChangeCommand,
    state: Account,
    going: Sequence[Going],
    redeemed: frozenset[str] = frozenset(),
) -> tuple[Event, ...]:
    """What is asked of the provider.

    `going`: the subscriptions that go on there; `redeemed`: coupons that the tenant has had.
    """
    tenant_id = TenantId(command.stamp.target)
    if isinstance(command, EnterChange):
        return _entered(command, state, tenant_id)
    subscription_id, terms = chosen(command, going)
    if state.asked is not None:
        raise ChangeInFlight(change_id=str(state.asked.change_id))
    change_id = ChangeId(command.stamp.fresh_id("change"))
    lines = {item.price: item.quantity for item in terms.items}
    match command:
        case ChangeSubscription():
            today = command.stamp.at.date()
            catalogue = sold_on(today)
            if terms.cancel_at is not None:
                raise EndIsAhead
            kept = {(item.of, item.interval): item.price for item in terms.items}
            wanted = bought(command, catalogue, terms.currency, kept) | _by_use(terms)
            coupon = redeemable(command.coupon, catalogue, today)
            if coupon in redeemed:
                raise CouponRedeemed
            if wanted == lines and coupon is None:
                raise NothingChanges
            return (
                ChangeRequested(
                    tenant_id=tenant_id,
                    change_id=change_id,
                    subscription_id=subscription_id,
                    kind="change",
                    at_once=not gives_less(command, terms),
                    plan=command.plan,
                    lines=wanted,
                    coupon=coupon,
                ),
            )
        case CancelSubscription() | ResumeSubscription() | WithdrawChange():
            kind, nothing = _ended(command, state, (subscription_id, terms))
            if nothing:
                raise NothingChanges
            return (
                ChangeRequested(
                    tenant_id=tenant_id,
                    change_id=change_id,
                    subscription_id=subscription_id,
                    kind=kind,
                    at_once=False,
                    lines=lines,
                ),
            )
        case _:
            assert_never(command)


def metered_too(command: SetOveragePolicy, state: Account, going: Sequence[Going]) -> tuple[Event, ...]:
    """What is asked of the provider so that use beyond a limit can be billed; nothing where it can, or is asked for."""
    meter, today = command.meter, command.stamp.at.date()
    if by_use((terms for _, terms in going), meter) is not None:
        return ()
    subscription_id, terms = chosen(command, going)
    if state.asked is not None:
        if any(_is_metered(price) for price in state.asked.lines):
            return ()
        raise ChangeInFlight(change_id=str(state.asked.change_id))
    if terms.cancel_at is not None:
        raise EndIsAhead
    if ahead_of(state, (subscription_id, terms)) is not None:
        raise ChangeIsAhead
    tariff = tariff_on(meter, today)
    if tariff is None or tariff.price(terms.currency) is None:
        raise CurrencyNotSold(currencies=[] if tariff is None else list(tariff.unit_amounts))
    return (_metered(command.stamp, (subscription_id, terms), tariff),)


def metered_behind(
    stamp: Stamp, state: Account, began: Going, going: Sequence[Going]
) -> tuple[ChangeRequested, ...]:
    """What is asked for when a subscription began without what its tenant had said is bought by use.

    Pages to pay on take prices of one interval, and use is paid by the month: behind one for a year it is added. Use is
    billed by every subscription that has its price: what one of those `going` has is added to no other.
    """
    terms, today = began[1], stamp.at.date()
    meters = [Meter(meter) for meter, said in state.overage.items() if said.policy is Overage.BUY]
    if state.asked is not None or terms.cancel_at is not None:
        return ()
    wanted = [tariff_on(meter, today) for meter in meters if by_use((one for _, one in going), meter) is None]
    sold = [tariff for tariff in wanted if tariff is not None and tariff.price(terms.currency) is not None]
    return (_metered(stamp, began, *sold),) if sold else ()


def _metered(stamp: Stamp, going: Going, *tariffs: Tariff) -> ChangeRequested:
    subscription_id, terms = going
    prices = [price for price in (tariff.price(terms.currency) for tariff in tariffs) if price is not None]
    lines = {item.price: item.quantity for item in terms.items} | {price.id: 1 for price in prices}
    return ChangeRequested(
        tenant_id=TenantId(stamp.tenant_id),
        change_id=ChangeId(stamp.fresh_id("change")),
        subscription_id=subscription_id,
        kind="change",
        at_once=True,
        plan=terms.plan,
        lines=lines,
    )


def _by_use(terms: Terms) -> dict[str, int]:
    """What is billed by use: it stays whatever plan is chosen, and costs nothing where nothing is used."""
    return {item.price: item.quantity for item in terms.items if item.kind == ItemKind.METERED}


def _is_metered(price_id: str) -> bool:
    price = price_of(price_id)
    return price is not None and price.kind is ItemKind.METERED


def _ended(
    command: CancelSubscription | ResumeSubscription | WithdrawChange, state: Account, going: Going
) -> tuple[str, bool]:
    """What kind of change it is, and whether it changes nothing."""
    ends = going[1].cancel_at is not None
    match command:
        case CancelSubscription():
            return "cancel", ends
        case ResumeSubscription():
            return "resume", not ends
        case WithdrawChange():
            return "withdraw", ahead_of(state, going) is None
        case _:
            assert_never(command)


def _entered(command: EnterChange, state: Account, tenant_id: TenantId) -> tuple[Event, ...]:
    if state.asked is None or state.asked.change_id != command.change_id:
        return ()
    if command.reason is None:
        return (ChangeMade(tenant_id=tenant_id, change_id=command.change_id),)
    return (ChangeDeclined(tenant_id=tenant_id, change_id=command.change_id, reason=command.reason),)


def redeemable(coupon: str | None, catalogue: Catalogue, today: date) -> str | None:
    """A coupon that can be redeemed today, if one is given. Raises `CouponUnknown`."""
    if coupon is None:
        return None
    found = catalogue.coupon(coupon)
    if found is None or found.by_agreement or (found.redeem_by is not None and found.redeem_by < today):
        raise CouponUnknown
    return coupon
