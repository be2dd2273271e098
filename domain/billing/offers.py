"""What to buy where a limit is reached: an add-on of the plan that is paid for, and the next plan that holds more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from domain.billing.catalogues import load_catalogues, sold_on
from domain.billing.settling import is_live
from domain.billing.terms import Interval, ItemKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from domain.billing.account_state import Entitlements
    from domain.billing.catalogue import Catalogue, Meter
    from domain.billing.terms import Terms

_USUAL: Final = "USD"


def offer(
    meter: Meter, limit: int, entitled: Entitlements, terms: Iterable[Terms], today: date
) -> dict[str, Any]:
    """What gives more of a meter than `limit`, priced as the subscription is, or by the month in USD without one.

    `add_on` is null where nothing is paid for that an add-on goes with, or there is none; `plan`, where no plan has
    more. `unit_amount`: minor units; null: by agreement.
    """
    paid = next((one for one in terms if is_live(one) and one.plan is not None), None)
    interval, currency = Interval.MONTH, _USUAL
    if paid is not None:
        item = next(one for one in paid.items if one.kind == ItemKind.PLAN)
        currency = paid.currency
        interval = Interval.YEAR if item.interval == Interval.YEAR else Interval.MONTH
    of = next((one for one in load_catalogues() if one.version == entitled.catalogue), sold_on(today))
    return {
        "add_on": None if paid is None else _add_on(of, meter, interval, currency),
        "plan": _plan(sold_on(today), meter, limit, entitled, interval, currency),
    }


def _add_on(of: Catalogue, meter: Meter, interval: Interval, currency: str) -> dict[str, Any] | None:
    one = next((add_on for add_on in of.add_ons if add_on.meter is meter), None)
    if one is None:
        return None
    return {"id": one.id, "adds": one.adds, **_priced(of, one.id, interval, currency)}


def _plan(
    of: Catalogue, meter: Meter, limit: int, entitled: Entitlements, interval: Interval, currency: str
) -> dict[str, Any] | None:
    ranked = [plan.id for plan in of.plans]
    larger = (
        plan
        for plan in of.plans
        if ranked.index(plan.id) > ranked.index(entitled.plan)
        and (meter not in plan.limits or plan.limits[meter] > limit)
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
