"""List prices are data with their source, and the page of costs shows them as they are."""

from __future__ import annotations

import pytest

from domain.costs.list_prices import LIST_PRICES, MONTHLY, ListPrice
from domain.kernel.money import CURRENCIES
from tests.support.serving import ROOT

PAGE = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("price", LIST_PRICES)
def test_the_page_shows_it(price: ListPrice) -> None:
    assert CURRENCIES[price.currency] == 2
    amount = f"{price.amount / 100:.2f} {price.currency}"
    assert f"| `{price.category}` | {price.thing} | {amount} |" in PAGE
    assert price.source


def test_a_dedicated_server_with_its_address_takes_a_price_that_leaves_four_fifths() -> None:
    cost = sum(price.amount for price in MONTHLY.values())
    assert cost == 1498
    assert f"{cost * 5 / 100:.2f} USD" in PAGE
