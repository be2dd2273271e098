"""What follows for a tenant from its account and its subscriptions: its access, and what it is entitled to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.billing.account_state import Access, Entitlements
from domain.billing.catalogues import catalogue_of, price_of, sold_on
from domain.billing.terms import ENDED, ItemKind, SubscriptionStatus
from domain.kernel.errors import Refusal
from domain.tenancy.plans import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from domain.billing.account_state import Account
    from domain.billing.catalogue import Catalogue
    from domain.billing.terms import Terms
    from domain.kernel.ids import SubscriptionId

_PAYING: Final = frozenset(
    {SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE}
)
_NEVER_BEGAN: Final = frozenset({SubscriptionStatus.INCOMPLETE, SubscriptionStatus.INCOMPLETE_EXPIRED})
_RANK: Final = {plan: rank for rank, plan in enumerate(Plan)}


class PlanFollowsBilling(Refusal):
    """Who has tried a plan out, or pays for one, is on that. Change the subscription, or agree on one."""

    code = "plan-follows-billing"
    field = "/plan"


def goes_on(terms: Terms) -> bool:
    """Whether a subscription has begun and has not ended: it is to be changed, and not bought beside."""
    return terms.status not in ENDED and terms.status != SubscriptionStatus.INCOMPLETE


def is_live(terms: Terms) -> bool:
    """Whether a subscription is tried out, paid, or about to be."""
    return terms.status in _PAYING


def access_of(account: Account, terms: Iterable[Terms]) -> Access:
    """Whether the tenant may use the product, from the terms of all of its subscriptions that hold now.

    Sources: access states and dunning of the product's plans (suspended on day 7, cancelled on day 14).
    """
    statuses = {one.status for one in terms} - _NEVER_BEGAN
    if any(one.suspended for one in account.dunning.values()):
        return Access.SUSPENDED
    going = statuses & _PAYING
    if account.dunning or SubscriptionStatus.PAST_DUE in going:
        return Access.PAST_DUE
    if SubscriptionStatus.ACTIVE in going:
        return Access.ACTIVE
    if going:
        return Access.TRIAL
    if statuses - ENDED:
        return Access.SUSPENDED
    if account.free:
        return Access.ACTIVE
    if statuses:
        return Access.CANCELLED
    if account.trial is None:
        return Access.ACTIVE
    return Access.EXPIRED if account.trial.over else Access.TRIAL


def entitlements_of(
    account: Account, terms: Mapping[SubscriptionId, Terms], registered: Plan, today: date
) -> Entitlements:
    """What the tenant may use: of its best plan that is paid for, with the add-ons of all its subscriptions.

    Without one: of the plan it tries out, or of the free plan; of the plan under which it was `registered`, if it never
    had anything else.
    """
    # What nobody pays goes on to say what is paid for: access alone stops it.
    live = {key: one for key, one in terms.items() if is_live(one) or one.status == SubscriptionStatus.UNPAID}
    plans = [(_RANK[Plan(one.plan)], key) for key, one in live.items() if one.plan in set(Plan)]
    if not plans:
        begun = [one for one in terms.values() if one.status not in _NEVER_BEGAN]
        return _without(account, registered, today, never=not begun)
    best = max(plans)[1]
    catalogue = _catalogue_of(live[best], today)
    plan = Plan(str(live[best].plan))
    agreed = account.agreed.get(best)
    limits = dict(_limits(catalogue, plan) if agreed is None else agreed)
    for one in live.values():
        _add(limits, {item.price: item.quantity for item in one.items if item.kind == ItemKind.ADD_ON})
    return Entitlements(plan, catalogue.version, limits, catalogue.plan(plan).features)


def listed(plan: Plan, today: date) -> Entitlements:
    """What a plan gives by the catalogue of a day."""
    catalogue = sold_on(today)
    return Entitlements(plan, catalogue.version, _limits(catalogue, plan), catalogue.plan(plan).features)


def limits_of(plan: Plan, lines: Mapping[str, int], today: date) -> dict[str, int]:
    """What is allowed by so many of each price: of the plan, and of add-ons. Each price has its catalogue's terms."""
    prices = [price for price in map(price_of, lines) if price is not None]
    of = next((catalogue_of(price.id) for price in prices if price.of == plan), None)
    limits = _limits(of or sold_on(today), plan)
    _add(limits, {price.id: lines[price.id] for price in prices if price.kind is ItemKind.ADD_ON})
    return limits


def commands_a_minute(plan: Plan, entitled: Entitlements | None, agreed: int | None, today: date) -> int:
    """How many commands a minute a tenant may give: as `agreed`, else by the catalogue that its plan is of."""
    if agreed is not None:
        return agreed
    of = None if entitled is None else catalogue_of(entitled.catalogue)
    return (of or sold_on(today)).plan(plan).commands_a_minute


def _add(limits: dict[str, int], add_ons: Mapping[str, int]) -> None:
    """What add-ons give, of which there are so many by their prices."""
    for price_id, quantity in add_ons.items():
        price, of = price_of(price_id), catalogue_of(price_id)
        add_on = None if price is None or of is None else of.add_on(price.of)
        if add_on is not None and add_on.meter in limits:
            limits[add_on.meter] += add_on.adds * quantity


def _without(account: Account, registered: Plan, today: date, *, never: bool) -> Entitlements:
    if account.trial is not None and not account.trial.over:
        return listed(account.trial.plan, today)
    return listed(registered if never and account.trial is None and not account.free else Plan.FREE, today)


def _catalogue_of(terms: Terms, today: date) -> Catalogue:
    """The catalogue whose price the plan has; of an agreed price, the one that is sold from now."""
    price = next(item.price for item in terms.items if item.kind == ItemKind.PLAN)
    return catalogue_of(price) or sold_on(today)


def _limits(catalogue: Catalogue, plan: Plan) -> dict[str, int]:
    return {meter.value: most for meter, most in catalogue.plan(plan).limits.items()}
