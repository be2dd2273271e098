"""The tariffs that come with the product: one file per version, never edited once something was sold by it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from domain.billing.catalogue import CatalogueUnusable, read_tariff
from domain.billing.terms import ItemKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from domain.billing.catalogue import Meter, Tariff
    from domain.billing.terms import Item, Terms


@cache
def load_tariffs() -> tuple[Tariff, ...]:
    """All versions, in the order of the days from which they are sold. Raises `CatalogueUnusable`."""
    found = [
        read_tariff(file.read_text(encoding="utf-8"), file.name)
        for file in files(__name__).iterdir()
        if file.name.endswith(".toml")
    ]
    if len({(one.meter, one.sold_from) for one in found}) < len(found):
        raise CatalogueUnusable("two tariffs of one meter begin on one day")
    if len({one.version for one in found}) < len(found):
        raise CatalogueUnusable("two tariffs are of one version; a new version has new price ids")
    return tuple(sorted(found, key=lambda one: one.sold_from))


def tariff_on(meter: Meter, day: date) -> Tariff | None:
    """The tariff of a meter that is sold from on a day; the first one on a day before it; None: nothing is sold so."""
    tariffs = [one for one in load_tariffs() if one.meter is meter]
    return next((one for one in reversed(tariffs) if one.sold_from <= day), next(iter(tariffs), None))


def tariff_of(price_id: str) -> Tariff | None:
    """The tariff that a price is of."""
    version = price_id.partition("/")[0]
    return next((one for one in load_tariffs() if one.version == version), None)


def by_use(terms: Iterable[Terms], meter: Meter) -> tuple[Item, Tariff, str] | None:
    """The item by which use beyond the limit of a meter is billed, its tariff and its currency, if there is one."""
    for one in terms:
        for item in one.items:
            tariff = tariff_of(item.price)
            if item.kind == ItemKind.METERED and tariff is not None and tariff.meter is meter:
                return item, tariff, one.currency
    return None
