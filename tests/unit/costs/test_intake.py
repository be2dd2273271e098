"""Files of costs: every row is an entry or a problem of a column, amounts are exact, and keys follow from rows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audience.intake import DateOrder
from domain.audience.intake.errors import Fault
from domain.costs.cost import CostColumnsMissing, CostColumnUnknown, EnterCost
from domain.costs.intake import (
    CostLine,
    CostRejected,
    minor_units,
    open_costs,
)
from domain.kernel.money import CURRENCIES

HEADER = "Category,Vendor,Invoice no,Invoice date,Period start,Period end,Amount,Currency,Basis"
ROW = "Server,Hostwinds,HW-1,2026-10-01,2026-10-01,2026-10-31,9.99,usd,invoice"


def read(text: str, **how: Any) -> list[CostLine | CostRejected]:
    opened = open_costs([text.encode()], how.pop("mapping", {}), how.pop("constants", {}), **how)
    return list(opened.read())


def told(outcome: CostLine | CostRejected) -> list[tuple[int, str | None, str]]:
    assert isinstance(outcome, CostRejected)
    return [(problem.row, problem.column, problem.code) for problem in outcome.problems]


def test_columns_are_known_by_their_names_and_an_amount_stands_as_on_the_invoice() -> None:
    (line,) = read(f"{HEADER}\n{ROW}\n")
    assert isinstance(line, CostLine)
    assert line.body == {
        "category": "server",
        "provider": "Hostwinds",
        "reference": "HW-1",
        "incurred_on": "2026-10-01",
        "covers_from": "2026-10-01",
        "covers_to": "2026-10-31",
        "amount": 999,
        "currency": "USD",
        "basis": "invoice",
    }
    EnterCost.model_validate(line.body)


def test_every_row_that_is_none_says_where_and_nothing_is_lost() -> None:
    bad = (
        "Boat,Hostwinds,HW-2,03/04/2026,,,9.999,USD,invoice\n"
        "Server,,HW-3,2026-10-01,,,1,XXX,invoice\n"
        "Server,Hostwinds,HW-4,2026-10-01,,,1,USD,list price,more\n"
        "Payment fee,Stripe,ST-1,1.10.2026,,,-3.5,USD,list price\n"
    )
    first, *others, last = read(f"{HEADER}\n{ROW}\n{bad}")
    assert isinstance(first, CostLine)
    assert [told(one) for one in others] == [
        [(2, "Invoice date", "date-ambiguous"), (2, "Amount", "cost-amount-too-precise")],
        [(3, "Currency", "cost-currency-unknown")],
        [(4, None, "row-too-many-cells")],
    ]
    assert isinstance(last, CostLine)
    assert (last.body["amount"], last.body["category"], last.body["basis"]) == (
        -350,
        "payment_fee",
        "list_price",
    )
    (boat,) = read(f"{HEADER}\n{ROW.replace('Server', 'Boat').replace('Hostwinds', '')}\n")
    assert told(boat) == [(1, "Category", "cost-value-invalid"), (1, "Vendor", "cost-value-missing")]
    assert isinstance(boat, CostRejected)
    assert "Boat" not in str(boat.problems)
    (bare,) = read(f"{HEADER}\n{ROW.replace('usd', '')}\n")
    assert told(bare) == [(1, "Currency", "cost-value-missing")]


def test_the_same_row_has_the_same_key_and_a_row_without_a_number_may_stand_twice() -> None:
    twice = [one.key for one in read(f"{HEADER}\n{ROW}\n{ROW}\n") if isinstance(one, CostLine)]
    assert twice[0] == twice[1]
    bare = ROW.replace("HW-1", "")
    lines = read(f"{HEADER}\n{bare}\n{bare}\n")
    keys = [one.key for one in lines if isinstance(one, CostLine)]
    assert len(set(keys)) == 2
    assert keys == [one.key for one in read(f"{HEADER}\n{bare}\n{bare}\n") if isinstance(one, CostLine)]


def test_what_no_column_says_is_said_for_all_rows() -> None:
    text = "When,What,Sum\n01/10/2026,mailbox,3\n"
    constants = {"provider": "Mailu Ltd", "currency": "EUR", "basis": "estimate", "pool": "shared"}
    how: dict[str, Any] = {"mapping": {"When": "incurred_on", "What": "category"}, "constants": constants}
    (line,) = read(text, dates=DateOrder.DMY, **how)
    assert isinstance(line, CostLine)
    assert line.body["incurred_on"] == "2026-10-01"
    assert (line.body["amount"], line.body["pool"]) == (300, "shared")
    with pytest.raises(CostColumnsMissing) as missing:
        read(text, mapping={"When": "incurred_on"})
    assert missing.value.detail == "Nothing fills category, currency, provider, basis."
    for mapping in ({"Nowhere": "amount"}, {"When": "email"}, {"When": "amount"}):
        with pytest.raises(CostColumnUnknown):
            read(text, mapping=mapping, constants=constants)
    with pytest.raises(CostColumnUnknown):
        read(text, mapping={"When": "incurred_on"}, constants={**constants, "colour": "red"})


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("1234.5", "USD", 123_450),
        ("1234,50", "EUR", 123_450),
        ("5.00", "JPY", 5),
        ("1.234", "KWD", 1_234),
        ("-0.01", "USD", -1),
        ("1,234", "USD", None),
        ("1,234.00", "USD", None),
        ("$5", "USD", None),
        ("5.5", "JPY", None),
        ("1e3", "USD", None),
        ("5", "", None),
    ],
)
def test_amounts(text: str, currency: str, amount: int | None) -> None:
    found = minor_units(text, currency)
    assert isinstance(found, Fault) if amount is None else found == amount


@pytest.mark.parametrize(
    ("text", "currency", "decimals", "form"),
    [("12.505", "USD", "2", "1234.56"), ("12.5", "JPY", "no", "1234,"), ("1.23", "KRW", "no", "1234,")],
)
def test_too_many_decimals_are_told_by_the_currency(
    text: str, currency: str, decimals: str, form: str
) -> None:
    found = minor_units(text, currency)
    assert isinstance(found, Fault)
    assert found.code == "cost-amount-too-precise"
    assert f"{currency} has {decimals} decimals" in found.message
    assert f"as {form}" in found.remedy


@given(st.integers(-(10**15), 10**15), st.sampled_from(sorted(CURRENCIES)))
def test_an_amount_that_is_written_out_is_read_back_exactly(amount: int, currency: str) -> None:
    digits = CURRENCIES[currency]
    whole, part = divmod(abs(amount), 10**digits)
    text = f"{'-' if amount < 0 else ''}{whole}" + (f".{part:0{digits}}" if digits else "")
    assert minor_units(text, currency) == amount


@pytest.mark.parametrize("minutes", ["1.5", "-5", "many", "9" * 5_000])
def test_minutes_are_whole(minutes: str) -> None:
    row = f"staff_time,Acme,,2026-10-01,EUR,estimate,{minutes},65.00"
    (outcome,) = read(f"category,provider,reference,date,currency,basis,minutes,rate\n{row}\n")
    assert told(outcome) == [(1, "minutes", "cost-number-unreadable")]
