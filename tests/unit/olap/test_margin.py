"""Margin: worked examples, a plain computation beside them, and figures that open."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from typing import Any

import pytest

from domain.finance.calendar import month_of
from projections.olap.reports import REPORTS
from tests.support.events import History
from tests.support.finance_asked import asked, behind, every_figure_opens, seen
from tests.support.finance_told import Moneys
from tests.support.mrr_histories import Told, moment, plan, terms
from tests.unit.olap.test_ingest import World

JAN, FEB = date(2026, 1, 1), date(2026, 2, 1)


@pytest.fixture
def worked() -> Moneys:
    """$310 for January with $31 off and tax of $27.90; a cost of $62 over 31 days; marketing of $50."""
    told = Moneys()
    told.invoice(31_000, JAN, FEB, discount=3_100, tax=2_790)
    told.cost(6_200, JAN, date(2026, 1, 31))
    told.cost(5_000, JAN, JAN, category="marketing")
    return told


def test_a_day_of_service_belongs_to_one_invoice(opened: list[World]) -> None:
    told, renewal = Moneys(), date(2026, 2, 15)
    told.invoice(3_100, date(2026, 1, 15), renewal, hour=14)
    told.invoice(2_800, renewal, date(2026, 3, 15), hour=14)
    told.invoice(77, date(2026, 3, 20), date(2026, 3, 20), hour=14)
    told.invoice(55, date(2026, 3, 21), date(2026, 3, 22), hour=14)
    world = seen(opened, told.history)

    def earned(day: date) -> int:
        row = asked(world, told.history, "margin", from_=str(day), to=str(day))
        return sum(one["revenue"] for one in row)

    assert [earned(renewal + timedelta(days=n)) for n in (-1, 0, 1)] == [100, 100, 100]
    assert [earned(date(2026, 3, day)) for day in (14, 15, 20, 21, 22)] == [100, 0, 77, 55, 0]
    rows = asked(world, told.history, "margin", to="2026-03-31")
    assert sum(row["revenue"] for row in rows) == 3_100 + 2_800 + 77 + 55


def test_the_margin_of_a_month(opened: list[World], worked: Moneys) -> None:
    (row,) = asked(seen(opened, worked.history), worked.history, "margin", to="2026-01-31")
    assert row == {
        "period": JAN,
        "currency": "USD",
        "accuracy": "exact",
        "revenue": 27_900,
        "cost": 6_200,
        "margin": 21_700,
        "gross_margin": pytest.approx(100 * 217 / 279),
        "acquisition": 5_000,
    }


def test_a_service_is_earned_over_its_days(opened: list[World]) -> None:
    told = Moneys()
    told.invoice(36_500, JAN, date(2027, 1, 1))
    world = seen(opened, told.history)
    rows = asked(world, told.history, "margin", to="2026-12-31")
    assert [row["revenue"] for row in rows] == [
        100 * days for days in (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    ]
    (quarter, *_) = asked(world, told.history, "margin", to="2026-12-31", grain="quarter")
    assert quarter["revenue"] == 9_000
    assert (
        asked(world, told.history, "margin", from_="2026-01-05", to="2026-01-11", grain="week")[0]["revenue"]
        == 700
    )


def test_what_is_not_paid_is_not_earned_and_what_goes_back_is_given_back(opened: list[World]) -> None:
    told = Moneys()
    told.invoice(10_000, JAN, FEB, paid=False)
    paid = told.invoice(10_000, JAN, FEB, tax=1_900)
    told.refund(paid, 1_190, date(2026, 2, 3), net=1_000)
    disputed = told.invoice(5_000, JAN, FEB)
    told.dispute(disputed, 5_000, date(2026, 2, 5), "lost", net=5_000)
    kept = told.invoice(700, JAN, FEB)
    told.dispute(kept, 700, date(2026, 2, 5), "won")
    rows = asked(seen(opened, told.history), told.history, "margin", to="2026-02-28")
    assert [row["revenue"] for row in rows] == [15_700, -6_000]


def test_a_refund_that_failed_is_revenue_again_and_a_payment_finds_its_invoice_later(
    opened: list[World],
) -> None:
    told = Moneys()
    late = told.invoice(1_000, JAN, FEB, paid=False, tax=190)
    told.pay(late, 1_190, JAN, assigned=date(2026, 2, 20))
    told.refund(late, 595, date(2026, 2, 3), net=500)
    paid = told.invoice(10_000, JAN, FEB, tax=1_900)
    told.refund(paid, 3, date(2026, 2, 3), net=3, failed=date(2026, 3, 4))
    told.refund(paid, 1_190, date(2026, 2, 3), net=1_000, failed=date(2026, 3, 4))
    rows = asked(seen(opened, told.history), told.history, "margin", to="2026-03-31")
    assert [row["revenue"] for row in rows] == [11_000, -1_503, 1_003]


def test_an_estimate_makes_a_row_approximate(opened: list[World]) -> None:
    told = Moneys()
    told.cost(100, JAN, date(2026, 1, 2), approximate=True)
    told.cost(100, FEB, FEB)
    world = seen(opened, told.history)
    rows = asked(world, told.history, "margin", to="2026-02-28")
    assert [(row["accuracy"], row["margin"], row["gross_margin"]) for row in rows] == [
        ("approximate", -100, None),
        ("exact", -100, None),
    ]
    january = {"period": "2026-01-01", "currency": "USD", "measure": "cost"}
    assert behind(world, told.history, "margin", {**january, "accuracy": "approximate"}) == [(1, 100)]
    assert behind(world, told.history, "margin", {**january, "accuracy": "exact"}) == []


def test_late_facts_are_posted_in_the_first_open_month(opened: list[World]) -> None:
    told = Told()
    told.close(JAN)
    moneys = Moneys(told.history)
    moneys.invoice(3_100, JAN, FEB)
    world = seen(opened, told.history)
    (row,) = asked(world, told.history, "margin", to="2026-02-28")
    assert (row["period"], row["revenue"]) == (FEB, 3_100)
    (row,) = asked(world, told.history, "margin", to="2026-02-28", dating="effective")
    assert (row["period"], row["revenue"]) == (JAN, 3_100)


def test_a_loss_on_revenue_that_went_back_is_no_margin(opened: list[World]) -> None:
    told = Told()
    told.tell(moment(date(2026, 2, 5)), terms(items=[plan(10_000)]))
    moneys = Moneys(told.history)
    paid = moneys.invoice(10_000, JAN, FEB)
    moneys.refund(paid, 422, FEB, net=422)
    moneys.cost(47_161, FEB, FEB)
    moneys.cost(5_000, FEB, FEB, category="marketing")
    world = seen(opened, told.history)
    february = {"from_": "2026-02-01", "to": "2026-02-28"}
    (row,) = asked(world, told.history, "margin", **february)
    assert (row["revenue"], row["margin"], row["gross_margin"]) == (-422, -47_583, None)
    (row,) = asked(world, told.history, "unit_economics", **february)
    assert (row["revenue"], row["margin"], row["cac"]) == (-422, -47_583, 5_000)
    assert row["ltv_told"] == "cannot be told: more revenue went back than came"
    assert {row[name] for name in ("gross_margin", "ltv", "cac_payback", "ltv_to_cac")} == {None}


def test_reports_take_the_same_dating() -> None:
    taken = {
        name: report.info.parameters["properties"]["dating"].get("default")
        for name, report in REPORTS.items()
        if "dating" in report.info.parameters["properties"]
    }
    assert {"costs_by_category", "mrr", "margin", "unit_economics", "scorecard"} <= set(taken)
    assert set(taken.values()) == {"posting"}


def test_a_closed_month_has_one_cost_in_every_report_and_keeps_it(opened: list[World]) -> None:
    told = Told()
    moneys = Moneys(told.history)
    moneys.invoice(31_000, JAN, FEB)
    moneys.cost(6_200, JAN, date(2026, 1, 31))
    told.close(JAN)
    moneys.cost(900, JAN, date(2026, 1, 31))
    world = seen(opened, told.history)
    months = {"from_": "2026-01-01", "to": "2026-02-28"}
    margins = asked(world, told.history, "margin", **months)
    by_category = asked(world, told.history, "costs_by_category", **months)
    assert [row["cost"] for row in margins] == [row["amount"] for row in by_category] == [6_200, 900]
    (january,) = asked(world, told.history, "unit_economics", from_="2026-01-01", to="2026-01-31")
    card = asked(world, told.history, "scorecard", grain="month", metric="gross_margin", **months)
    assert january["margin"] == card[0]["numerator"] == margins[0]["margin"] == 24_800


@pytest.mark.parametrize("seed", range(2))
def test_margin_is_that_of_a_plain_computation(opened: list[World], seed: int) -> None:
    chance, told = random.Random(seed), Moneys()
    for _ in range(60):
        since = JAN + timedelta(days=chance.randrange(400))
        until = since + timedelta(days=chance.randrange(1, 400))
        currency = chance.choice(("USD", "EUR", "JPY"))
        if chance.random() < 0.6:
            amount = chance.randrange(1, 10**6)
            paid = chance.random() < 0.8
            invoice = told.invoice(
                amount, since, until, discount=amount // 5, tax=amount // 7, currency=currency, paid=paid
            )
            net, tax = amount - amount // 5, amount // 7
            if paid and chance.random() < 0.4 and net + tax:
                back = chance.randrange(net + tax) + 1
                share = (2 * back * net + net + tax) // (2 * (net + tax))
                failed = until + timedelta(days=40) if chance.random() < 0.3 else None
                told.refund(invoice, back, until, net=share, currency=currency, failed=failed)
        else:
            told.cost(chance.randrange(1, 10**6), since, until, currency=currency)
    world = seen(opened, told.history)
    found: dict[tuple[str, str], tuple[int, int]] = {
        (month_of(row["period"]), row["currency"]): (row["revenue"], row["cost"])
        for row in asked(world, told.history, "margin", to="2029-12-31")
    }
    expected = {key: (told.earned[key], told.spent[key]) for key in {*told.earned, *told.spent}}
    assert {key: one for key, one in found.items() if any(one)} == {
        key: one for key, one in expected.items() if any(one)
    }
    assert every_figure_opens(world, told.history, "margin", to="2026-12-31", grain="year") > 8


def test_as_of_a_position_nothing_later_is_seen(opened: list[World], worked: Moneys) -> None:
    position = worked.history.position.n
    worked.invoice(31_000, JAN, FEB)
    world = seen(opened, worked.history)
    rows = asked(world, worked.history, "margin", to="2026-01-31", at_position=position)
    assert [row["revenue"] for row in rows] == [27_900]


def test_without_data_there_are_no_rows(opened: list[World]) -> None:
    history = History()
    history.happen("tenancy.tenant_opened", {})
    world = seen(opened, history)
    assert asked(world, history, "margin") == asked(world, history, "unit_economics") == []


def test_batch_by_batch_makes_the_same_facts_as_all_at_once(opened: list[World]) -> None:
    told = Moneys()
    slow = World(told.history)
    opened.append(slow)
    for month in (1, 2, 3):
        paid = told.invoice(1_000 * month, date(2026, month, 1), date(2026, month, 1))
        slow.catch_up()
        told.refund(paid, month, date(2026, month, 2), net=month)
        told.dispute(paid, 10, date(2026, month, 3), ("won", "lost")[month % 2], net=10 * (month % 2))
        sums = {
            "subtotal": 0,
            "discount": 0,
            "tax": 0,
            "total": 0,
            "finalised_at": "2026-01-01T00:00:00+00:00",
        }
        empty = {"invoice_id": str(told.history.tenant_id), "currency": "USD", "lines": []}
        told.history.happen("billing.invoice_finalised", {**empty, **sums})
        slow.catch_up()
    quick = seen(opened, told.history)
    assert quick.facts() == slow.facts()
    assert quick.projector.complete
    rows = asked(quick, told.history, "margin", to="2026-03-31")
    assert [row["revenue"] for row in rows] == [1_000 - 1 - 10, 2_000 - 2, 3_000 - 3 - 10]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("billing.invoice_finalised", {"total": 10**16}),
        ("billing.invoice_finalised", {"lines": [{"kind": "plan", "amount": 1}]}),
        ("billing.invoice_paid", {"currency": None}),
        ("billing.invoice_paid", {"amount": -1}),
    ],
)
def test_an_event_that_cannot_be_counted_stops_its_tenant_alone(
    opened: list[World], worked: Moneys, name: str, change: dict[str, Any]
) -> None:
    sound = next(event for event in worked.history.events if event.name == name)
    other = History()
    other.happen(name, {**json.loads(sound.payload), **change})
    world = seen(opened, worked.history, other)
    assert [
        tenant for (tenant,) in world.rows("SELECT tenant_id FROM positions WHERE state = 'poisoned'")
    ] == [other.tenant_id]
    assert asked(world, worked.history, "margin", to="2026-01-31")
