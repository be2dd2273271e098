"""What things cost by their price lists: entries without an invoice, approximate until they are confirmed."""

from __future__ import annotations

from typing import Final, NamedTuple

from domain.costs.entry import Category

_SOURCE: Final = "PenguinMails, product documentation, cost model"


class ListPrice(NamedTuple):
    """What one of a thing costs a month, in minor units, and where that is said."""

    category: Category
    thing: str
    amount: int
    currency: str
    source: str


LIST_PRICES: Final = (
    ListPrice(Category.SERVER, "virtual private server, baseline", 999, "USD", _SOURCE),
    ListPrice(Category.IP, "dedicated IP address", 499, "USD", _SOURCE),
)
"""Baselines: whoever enters a cost says their own amount where theirs is another."""
MONTHLY: Final = {price.category: price for price in LIST_PRICES}
