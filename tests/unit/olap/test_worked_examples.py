"""The worked examples that finance people know these figures by, to the cent, as the reports tell them.

- $2,000 a year is $166.67 of MRR.
- Of $100 at the start $10 contract, $10 churn, and $10 expand: 20 % gross and 10 % net churn.
- ARR = 12 x MRR; LTV = ARPA x gross margin / churn; payback = CAC / (ARPA x gross margin);
  quick ratio = (new + expansion) / (churn + contraction); GRR is never above 100 %.
- start + new + expansion + reactivation - contraction - churn = end.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from application.figures import shown
from projections.finance.profiles import PROFILES
from projections.olap.reports import REPORTS
from tests.support.finance_asked import asked, seen
from tests.support.finance_told import Moneys
from tests.support.mrr_histories import Told, moment, plan, terms
from tests.unit.olap.test_ingest import World

BEFORE, MONTH, OVER = date(2026, 1, 5), date(2026, 2, 10), date(2026, 2, 28)
OF_MONTH = {"from_": "2026-02-01", "to": str(OVER)}


def read(name: str, measure: str, row: dict[str, Any]) -> str:
    """A figure as a reader has it."""
    column = next(column for column in REPORTS[name].info.columns if column.name == measure)
    return shown(row[measure], column, row.get("currency"))


def of(rows: list[dict[str, Any]], metric: str) -> dict[str, Any]:
    return next(row for row in rows if row["metric"] == metric)


@pytest.fixture
def hundred() -> Told:
    """$50, $40 and $10 a month; then the first comes to $40, the second to $50, and the third ends."""
    told = Told()
    for subscription, amount in enumerate((5_000, 4_000, 1_000), 1):
        told.tell(moment(BEFORE), terms(items=[plan(amount)]), subscription=subscription)
    told.tell(moment(MONTH), terms(items=[plan(4_000)]), subscription=1)
    told.tell(moment(MONTH, 3), terms(items=[plan(5_000)]), subscription=2)
    told.tell(moment(MONTH, 6), terms("canceled", ended_at=moment(MONTH, 6)), subscription=3)
    return told


@pytest.mark.parametrize("profile", PROFILES)
def test_2000_dollars_a_year_are_166_67_a_month(opened: list[World], profile: str) -> None:
    told = Told()
    told.tell(moment(BEFORE), terms(items=[plan(200_000, "year")]))
    world = seen(opened, told.history)
    (month,) = asked(world, told.history, "mrr", profile=profile, **OF_MONTH)
    assert (month["start_mrr"], month["end_mrr"]) == (16_667, 16_667)
    assert read("mrr", "end_mrr", month) == "166.67 USD"
    (each,) = asked(world, told.history, "mrr_per_subscription", profile=profile, **OF_MONTH)
    assert read("mrr_per_subscription", "mrr", each) == "166.67 USD"
    (year,) = asked(world, told.history, "arr", profile=profile, **OF_MONTH)
    assert year["arr"] == 12 * year["mrr"] == 200_004
    card = asked(world, told.history, "scorecard", profile=profile, grain="month", **OF_MONTH)
    assert (of(card, "mrr")["actual"], of(card, "arr")["actual"]) == (166.67, 2_000.04)


def test_of_100_dollars_20_percent_gross_and_10_percent_net_churn(opened: list[World], hundred: Told) -> None:
    history, world = hundred.history, seen(opened, hundred.history)
    (rates,) = asked(world, history, "churn_rates", **OF_MONTH)
    moved = {name: rates[name] for name in ("start_mrr", "contraction", "churn", "expansion", "reactivation")}
    assert moved == {
        "start_mrr": 10_000,
        "contraction": 1_000,
        "churn": 1_000,
        "expansion": 1_000,
        "reactivation": 0,
    }
    assert (rates["gross_churn"], rates["net_churn"]) == (20.0, 10.0)
    assert (read("churn_rates", "gross_churn", rates), read("churn_rates", "net_churn", rates)) == (
        "20.0 %",
        "10.0 %",
    )
    assert (rates["nrr"], rates["grr"], rates["quick_ratio"]) == (90.0, 90.0, 0.5), (
        "one customer, who pays $90 of $100"
    )
    card = asked(world, history, "scorecard", grain="month", **OF_MONTH)
    assert (of(card, "gross_churn")["actual"], of(card, "quick_ratio")["actual"]) == (20.0, 0.5)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("grain", ["day", "week", "month"])
def test_the_start_and_what_moved_it_are_the_end(
    opened: list[World], hundred: Told, profile: str, grain: str
) -> None:
    world = seen(opened, hundred.history)
    rows = asked(world, hundred.history, "mrr", profile=profile, grain=grain, to=str(OVER))
    ends = 0
    for row in rows:
        assert row["start_mrr"] == ends
        gained, lost = row["new"] + row["expansion"] + row["reactivation"], row["contraction"] + row["churn"]
        ends = row["start_mrr"] + gained - lost
        assert row["end_mrr"] == ends
    assert ends == 9_000


def test_ltv_is_arpa_by_margin_by_churn(opened: list[World]) -> None:
    """$100 a month at 80 % margin, one customer lost in two months of one customer: $100 x 80 % / 50 % = $160."""
    told = Told()
    told.tell(moment(date(2025, 12, 5)), terms(items=[plan(10_000)]))
    told.tell(moment(date(2026, 1, 20)), terms("canceled", ended_at=moment(date(2026, 1, 20))))
    told.tell(moment(MONTH), terms(items=[plan(10_000)]))
    moneys = Moneys(told.history)
    moneys.invoice(10_000, date(2026, 1, 1), date(2026, 2, 1))
    moneys.cost(2_000, date(2026, 1, 1), date(2026, 1, 1))
    world = seen(opened, told.history)
    quarter = {"from_": "2026-01-01", "to": "2026-03-31", "grain": "quarter"}
    (row,) = asked(world, told.history, "unit_economics", **quarter)
    assert (row["arpa"], row["gross_margin"], row["customer_churn"]) == (10_000, 80.0, 50.0)
    assert read("unit_economics", "ltv", row) == "160.00 USD"


def test_payback_is_cac_by_what_a_customer_leaves_a_month(opened: list[World]) -> None:
    """$120 of marketing for one customer of $100 a month at 80 % margin: $120 / $80 = 1.5 months."""
    told = Told()
    told.tell(moment(BEFORE), terms(items=[plan(10_000)]))
    moneys = Moneys(told.history)
    moneys.invoice(10_000, date(2026, 1, 1), date(2026, 2, 1))
    moneys.cost(2_000, date(2026, 1, 1), date(2026, 1, 1))
    moneys.cost(12_000, date(2026, 1, 1), date(2026, 1, 1), category="marketing")
    world = seen(opened, told.history)
    (row,) = asked(world, told.history, "unit_economics", from_="2026-01-01", to="2026-01-31")
    assert (row["arpa"], row["gross_margin"], row["cac"], row["cac_payback"]) == (10_000, 80.0, 12_000, 1.5)
