"""Unit economics: worked examples, what cannot be told and why, and figures that open."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.support.finance_asked import asked, behind, every_figure_opens, seen
from tests.support.finance_told import Moneys
from tests.support.mrr_histories import Told, moment, plan, terms
from tests.unit.olap.test_costs import enter, reverse
from tests.unit.olap.test_ingest import World

JAN, FEB = date(2026, 1, 1), date(2026, 2, 1)
NO_MARKETING = "cannot be told: no marketing spend was entered"


@pytest.fixture
def economics() -> Moneys:
    """$100 a month earned on $20 of costs; one subscription paid until April, marketing of $120 in January."""
    told = Told()
    told.tell(moment(date(2026, 1, 5)), terms(items=[plan(10_000)]))
    told.tell(moment(date(2026, 4, 6)), terms("canceled", ended_at=moment(date(2026, 4, 6))))
    moneys = Moneys(told.history)
    for month in (1, 2, 3, 4):
        first = date(2026, month, 1)
        moneys.invoice(10_000, first, date(2026, month + 1, 1))
        moneys.cost(2_000, first, first)
    moneys.cost(12_000, JAN, JAN, category="marketing")
    return moneys


def test_unit_economics_of_months(opened: list[World], economics: Moneys) -> None:
    world = seen(opened, economics.history)
    january, february, _, april = asked(world, economics.history, "unit_economics", to="2026-04-30")
    assert (january["arpa"], january["gross_margin"], january["cac"]) == (10_000, 80.0, 12_000)
    assert january["cac_payback"] == 1.5
    assert (january["ltv"], january["ltv_told"]) == (None, "cannot be told: no customers at the start")
    assert (february["ltv"], february["ltv_told"]) == (None, "cannot be told: no churn yet")
    assert (february["cac"], february["cac_told"]) == (None, "cannot be told: no new customers")
    assert (april["customers"], april["customers_lost"], april["customer_churn"]) == (0, 1, 100.0)
    assert april["ltv_told"] == "cannot be told: no customers"


def test_unit_economics_of_a_quarter_in_which_somebody_left_and_came_back(opened: list[World]) -> None:
    told = Told()
    told.tell(moment(date(2025, 12, 5)), terms(items=[plan(10_000)]))
    told.tell(moment(date(2026, 1, 20)), terms("canceled", ended_at=moment(date(2026, 1, 20))))
    told.tell(moment(date(2026, 2, 10)), terms(items=[plan(10_000)]))
    moneys = Moneys(told.history)
    moneys.invoice(10_000, JAN, FEB)
    moneys.cost(2_000, JAN, JAN)
    moneys.cost(6_000, FEB, FEB, category="marketing")
    world = seen(opened, told.history)
    (row,) = asked(
        world, told.history, "unit_economics", from_="2026-01-01", to="2026-03-31", grain="quarter"
    )
    # Lost once in two months that it began as a customer: 50 % a month. $100 x 80 % / 50 % = $160.
    assert (row["customers_lost"], row["customer_months"], row["customer_churn"]) == (1, 2, 50.0)
    assert (row["arpa"], row["ltv"], row["ltv_told"]) == (10_000, 16_000, "told")
    assert (row["new_customers"], row["cac"], row["ltv_to_cac"]) == (0, None, None)


def test_what_it_cost_to_win_a_customer_is_not_known_before_marketing_is_entered(opened: list[World]) -> None:
    told = Told()
    told.tell(moment(date(2026, 1, 5)), terms(items=[plan(10_000)]))
    moneys = Moneys(told.history)
    moneys.invoice(10_000, JAN, FEB)
    moneys.cost(2_000, JAN, JAN)
    moneys.cost(500, JAN, JAN, category="marketing", currency="EUR")
    before = len(told.history.events)
    moneys.cost(12_000, FEB, FEB, category="marketing")
    world = seen(opened, told.history)
    days: dict[str, Any] = {"from_": "2026-01-01", "to": "2026-01-31", "at_position": before}
    row, _ = sorted(
        asked(world, told.history, "unit_economics", **days), key=lambda one: one["currency"], reverse=True
    )
    assert (row["new_customers"], row["acquisition"], row["cac_told"]) == (1, 0, NO_MARKETING)
    assert {row[figure] for figure in ("cac", "cac_payback", "ltv_to_cac")} == {None}
    # Once some is entered, a month without any won its customers for nothing.
    row, *_ = asked(world, told.history, "unit_economics", from_="2026-01-01", to="2026-02-28")[1:]
    assert (row["currency"], row["cac"], row["cac_payback"], row["cac_told"]) == ("USD", 0, 0.0, "told")


def test_a_gross_margin_is_one_figure_to_its_last_digit(opened: list[World]) -> None:
    told = Moneys()
    told.invoice(2_500, JAN, FEB)
    told.cost(1_800, JAN, JAN)
    world = seen(opened, told.history)
    (margin,) = asked(world, told.history, "margin", to="2026-01-31")
    (unit,) = asked(world, told.history, "unit_economics", to="2026-01-31")
    assert margin["gross_margin"] == unit["gross_margin"] == 28.0


def test_marketing_that_was_taken_back_was_never_entered(opened: list[World]) -> None:
    told = Told()
    told.tell(moment(date(2026, 1, 5)), terms(items=[plan(10_000)]))
    reverse(told.history, enter(told.history, category="marketing", amount=500))
    enter(told.history, 2, amount=2_000)
    world = seen(opened, told.history)
    (row,) = asked(world, told.history, "unit_economics", from_="2026-01-01", to="2026-01-31")
    assert (row["new_customers"], row["cac"], row["cac_told"]) == (1, None, NO_MARKETING)


def test_every_figure_of_unit_economics_opens(opened: list[World], economics: Moneys) -> None:
    world = seen(opened, economics.history)
    for grain in ("month", "quarter"):
        assert (
            every_figure_opens(world, economics.history, "unit_economics", to="2026-04-30", grain=grain) > 8
        )


def test_a_new_customer_opens_to_the_event_that_won_it(opened: list[World]) -> None:
    told = Told()
    told.tell(moment(date(2026, 1, 5)), terms(items=[plan(10_000)]))
    told.tell(moment(date(2026, 1, 20)), terms(items=[plan(15_000)]))
    world = seen(opened, told.history)
    (row, *_) = asked(world, told.history, "unit_economics", to="2026-01-31")
    cell = {name: row[name] for name in ("period", "currency", "ltv_told", "cac_told")}
    cell["measure"] = "new_customers"
    assert behind(world, told.history, "unit_economics", cell, to="2026-01-31") == [(1, 1)]
