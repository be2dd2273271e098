"""The price list is data: whole, sold by versions, never sold under one price id twice."""

from collections.abc import Iterator
from datetime import date

import pytest

from domain.billing import catalogues
from domain.billing.account_state import Account, Entitlements
from domain.billing.catalogue import Catalogue, CatalogueUnusable, Meter, read_catalogue
from domain.billing.catalogues import catalogue_texts, is_sold, load_catalogues, price_of, sold_on
from domain.billing.settling import commands_a_minute, entitlements_of, limits_of
from domain.billing.terms import Interval, ItemKind
from domain.tenancy.plans import Plan
from tests.support.billing import SUBSCRIPTION, item, terms

TEXT = catalogue_texts()["2026-01.toml"]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return sold_on(date(2026, 11, 23))


@pytest.mark.parametrize(
    ("plan", "month", "year"),
    [("starter", 4_900, 47_000), ("professional", 14_900, 143_000), ("business", 39_900, 383_000)],
)
def test_plans_cost_what_the_price_list_says(catalogue: Catalogue, plan: str, month: int, year: int) -> None:
    for interval, amount in ((Interval.MONTH, month), (Interval.YEAR, year)):
        price = catalogue.price(plan, interval, "USD")
        assert price is not None
        assert price.unit_amount == amount


@pytest.mark.parametrize(
    ("plan", "users", "workspaces", "domains", "emails"),
    [
        (Plan.FREE, 1, 1, 1, 300),
        (Plan.STARTER, 2, 3, 5, 10_000),
        (Plan.PROFESSIONAL, 5, 10, 15, 50_000),
        (Plan.BUSINESS, 15, None, None, 200_000),
        (Plan.ENTERPRISE, None, None, None, None),
    ],
)
def test_plans_include_what_the_price_list_says(
    catalogue: Catalogue,
    plan: Plan,
    users: int | None,
    workspaces: int | None,
    domains: int | None,
    emails: int | None,
) -> None:
    limits = catalogue.plan(plan).limits
    wanted = (users, workspaces, domains, emails)
    assert tuple(map(limits.get, (Meter.USERS, Meter.WORKSPACES, Meter.DOMAINS, Meter.EMAILS))) == wanted


def test_nobody_buys_what_is_free_or_agreed(catalogue: Catalogue) -> None:
    assert {price.of for price in catalogue.prices} & {"free", "enterprise"} == set()


def test_a_day_before_all_catalogues_has_the_first() -> None:
    assert sold_on(date(2000, 1, 1)) == load_catalogues()[0]


@pytest.mark.parametrize("currency", ["USD", "EUR", "GBP"])
def test_what_is_sold_is_known_by_its_price_amount_and_currency(currency: str) -> None:
    one = item("starter", quantity=3, currency=currency)
    assert is_sold(one, currency)
    assert not is_sold(one, "CAD")
    assert not is_sold(one.model_copy(update={"unit_amount": 1}), currency)
    assert not is_sold(one.model_copy(update={"price": "price_of_somebody_else"}), currency)
    assert not is_sold(one.model_copy(update={"interval": "year"}), currency)


def test_what_is_paid_by_use_is_known_by_its_price_alone() -> None:
    one = item("emails").model_copy(update={"kind": ItemKind.METERED.value, "unit_amount": 12_345})
    assert is_sold(one, "USD")
    assert not is_sold(one.model_copy(update={"of": "user"}), "USD")


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (("month = 4_900", "month = -1"), "plans/1/month"),
        (('id = "starter"', 'id = "starters"'), "plans/1/id"),
        (('id = "starter"', 'id = "free"'), "each plan once"),
        (('id = "user"', 'id = "emails"'), "ids of their own"),
        (('currencies = ["USD", "EUR", "GBP"]', 'currencies = ["USD", "usd"]'), "currencies/1"),
        (('currencies = ["USD", "EUR", "GBP"]', 'currencies = ["USD", "USD"]'), "each once"),
        (("percent_off = 20\n", ""), "not of both"),
        (("percent_off = 20\n", 'percent_off = 20\ncurrency = "USD"\n'), "an amount has a currency"),
        (("months = 3\n", ""), "for how many months"),
        (("trial_days = 14", "trial_days = "), "2026-01.toml"),
    ],
)
def test_a_catalogue_that_cannot_be_sold_from_says_why(change: tuple[str, str], wrong: str) -> None:
    assert change[0] in TEXT
    with pytest.raises(CatalogueUnusable, match=wrong):
        read_catalogue(TEXT.replace(*change, 1), "2026-01.toml")


def test_a_coupon_makes_a_discount(catalogue: Catalogue) -> None:
    coupon = catalogue.coupon("launch-20")
    assert coupon is not None
    discount = coupon.applied(date(2027, 2, 23))
    assert (discount.percent_off, discount.duration, discount.ends_on) == (
        2_000,
        "repeating",
        date(2027, 2, 23),
    )


@pytest.mark.parametrize(
    ("plan", "rate"), [("free", 60), ("starter", 60), ("professional", 300), ("business", 1000)]
)
def test_every_plan_has_its_rate(plan: str, rate: int) -> None:
    assert commands_a_minute(Plan(plan), None, None, date(2026, 11, 23)) == rate
    assert commands_a_minute(Plan(plan), None, 5, date(2026, 11, 23)) == 5


@pytest.fixture
def two_catalogues(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """From 2027 on a starter includes less, a user adds two, and professionals may give fewer commands."""
    later = TEXT.replace('version = "2026-01"', 'version = "2027-01"').replace("2026-01-01", "2027-01-01")
    later = later.replace("users = 2, workspaces = 3", "users = 1, workspaces = 2")
    later = later.replace("commands_a_minute = 300", "commands_a_minute = 120").replace(
        "adds = 1\n", "adds = 2\n"
    )
    cached = (load_catalogues, catalogues._prices)
    for one in cached:
        one.cache_clear()
    texts = {"2026-01.toml": TEXT, "2027-01.toml": later}
    monkeypatch.setattr(catalogues, "catalogue_texts", lambda: texts)
    yield
    for one in cached:
        one.cache_clear()


@pytest.mark.usefixtures("two_catalogues")
def test_each_price_gives_what_its_own_catalogue_says() -> None:
    today = date(2027, 2, 1)
    old, new = (f"{year}-01/{{}}/month/usd" for year in (2026, 2027))
    for lines, users in (
        ({old.format("starter"): 1}, 2),
        ({new.format("starter"): 1}, 1),
        ({old.format("starter"): 1, new.format("user"): 3}, 8),
        ({new.format("starter"): 1, old.format("user"): 3}, 4),
    ):
        assert limits_of(Plan.STARTER, lines, today)["users"] == users
        items = tuple(found.item(number) for key, number in lines.items() if (found := price_of(key)))
        told = {SUBSCRIPTION: terms(*items)}
        entitled = entitlements_of(Account(), told, Plan.FREE, today)
        assert entitled.limits["users"] == users
    kept = Entitlements(Plan.PROFESSIONAL, "2026-01", {}, ())
    assert commands_a_minute(Plan.PROFESSIONAL, kept, None, today) == 300
    assert commands_a_minute(Plan.PROFESSIONAL, None, None, today) == 120
