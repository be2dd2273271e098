"""The catalogues that come with the product: one file per version, never edited once something was sold from it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from domain.billing.catalogue import CatalogueUnusable, read_catalogue
from domain.billing.tariffs import load_tariffs
from domain.billing.terms import ItemKind

if TYPE_CHECKING:
    from datetime import date

    from domain.billing.catalogue import Catalogue, ListPrice
    from domain.billing.terms import Item


def catalogue_texts() -> dict[str, str]:
    """The text of each catalogue's file, by the file's name."""
    return {
        file.name: file.read_text(encoding="utf-8")
        for file in files(__name__).iterdir()
        if file.name.endswith(".toml")
    }


@cache
def load_catalogues() -> tuple[Catalogue, ...]:
    """All versions, in the order of the days from which they are sold. Raises `CatalogueUnusable`."""
    found = [read_catalogue(text, name) for name, text in catalogue_texts().items()]
    days = {one.sold_from for one in found}
    prices = [price.id for one in found for price in one.prices]
    if len(days) < len(found) or len({one.version for one in found}) < len(found):
        raise CatalogueUnusable("two catalogues are of one version or begin on one day")
    if len(set(prices)) < len(prices):
        raise CatalogueUnusable("a price stands in two catalogues; a new version has new price ids")
    return tuple(sorted(found, key=lambda one: one.sold_from))


def sold_on(day: date) -> Catalogue:
    """The catalogue that is sold from on a day; the first one on a day before it."""
    catalogues = load_catalogues()
    return next((one for one in reversed(catalogues) if one.sold_from <= day), catalogues[0])


@cache
def _prices() -> dict[str, ListPrice]:
    sold = [price for one in load_catalogues() for price in one.prices]
    return {price.id: price for price in (*sold, *(price for one in load_tariffs() for price in one.prices))}


def is_sold(item: Item, currency: str) -> bool:
    """Whether an item of a subscription is what some catalogue sells under its price, in this currency.

    What is paid by use has no amount beforehand: its price alone is compared.
    """
    price = _prices().get(item.price)
    if price is None or price.currency != currency:
        return False
    if item.kind == ItemKind.METERED:
        return price.of == item.of
    return item == price.item(item.quantity)


def catalogue_of(version: str) -> Catalogue | None:
    """The catalogue of a version, or of the price whose id begins with it; of an agreed price there is none."""
    wanted = version.partition("/")[0]
    return next((one for one in load_catalogues() if one.version == wanted), None)


def price_of(price_id: str) -> ListPrice | None:
    """The price of an id, in whatever catalogue or tariff it is."""
    return _prices().get(price_id)
