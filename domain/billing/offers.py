"""What to buy where a limit is reached: an add-on of the plan that is paid for, and the next plan that holds more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from domain.billing.account_state import Access
from domain.billing.catalogues import catalogue_of, sold_on
from domain.billing.settling import is_live
from domain.billing.terms import Interval, ItemKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from domain.billing.account_state import Account, Entitlements
    from domain.billing.catalogue import Catalogue, Feature, Meter, SoldPlan
    from domain.billing.terms import Terms
    from domain.tenancy.plans import Plan

_USUAL: Final = "USD"


def unpaid(account: Account) -> dict[str, Any] | None:
    """What is to be paid before more is bought, and where; None: nothing. A card that is declined buys no more."""
    if account.access is not Access.PAST_DUE:
        return None
    return {"page": "/v1/billing/portal", "invoices": [str(one) for one in account.dunning]}


def offer(
    meter: Meter, limit: int, entitled: Entitlements, terms: Iterable[Terms], today: date
) -> dict[str, Any]:
    """What gives more of a meter than `limit`, priced as the subscription is, or by the month in USD without one.

    `add_on` is null where nothing is paid for that an add-on goes with, or there is none; `plan`, where no plan has
    more. `unit_amount`: minor units; null: by agreement.
    """
    paid, interval, currency = _paid(terms)
    of = catalogue_of(entitled.catalogue) or sold_on(today)
    return {
        "add_on": _add_on(of, meter, interval, currency) if paid else None,
        "plan": _plan(sold_on(today), meter, limit, entitled, interval, currency),
    }


def offer_feature(
    feature: Feature, entitled: Entitlements, terms: Iterable[Terms], today: date
) -> dict[str, Any]:
    """The first plan above that has a feature, priced as `offer` prices it; `plan` is null where none has."""
    _, interval, currency = _paid(terms)
    of = sold_on(today)
    one = next((plan for plan in _above(of, entitled.plan) if feature in plan.features), None)
    plan = None if one is None else {"id": one.id.value, **_priced(of, one.id.value, interval, currency)}
    return {"plan": plan}


def _paid(terms: Iterable[Terms]) -> tuple[bool, Interval, str]:
    """Whether a plan is paid for, and how often in which currency it would be."""
    paid = next((one for one in terms if is_live(one) and one.plan is not None), None)
    if paid is None:
        return False, Interval.MONTH, _USUAL
    item = next(one for one in paid.items if one.kind == ItemKind.PLAN)
    return True, Interval.YEAR if item.interval == Interval.YEAR else Interval.MONTH, paid.currency


def _above(of: Catalogue, plan: Plan) -> list[SoldPlan]:
    """The plans that are more than one, in their order."""
    ranked = [one.id for one in of.plans]
    return list(of.plans[ranked.index(plan) + 1 :])


def _add_on(of: Catalogue, meter: Meter, interval: Interval, currency: str) -> dict[str, Any] | None:
    one = next((add_on for add_on in of.add_ons if add_on.meter is meter), None)
    if one is None:
        return None
    return {"id": one.id, "adds": one.adds, **_priced(of, one.id, interval, currency)}


def _plan(
    of: Catalogue, meter: Meter, limit: int, entitled: Entitlements, interval: Interval, currency: str
) -> dict[str, Any] | None:
    larger = (
        plan for plan in _above(of, entitled.plan) if meter not in plan.limits or plan.limits[meter] > limit
    )
    one = next(larger, None)
    if one is None:
        return None
    return {
        "id": one.id.value,
        "limit": one.limits.get(meter),
        **_priced(of, one.id.value, interval, currency),
    }


def _priced(of: Catalogue, what: str, interval: Interval, currency: str) -> dict[str, Any]:
    price = of.price(what, interval, currency)
    return {
        "unit_amount": None if price is None else price.unit_amount,
        "currency": currency,
        "interval": interval.value,
    }
