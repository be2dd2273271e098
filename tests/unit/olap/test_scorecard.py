"""The scorecard: what came of each metric beside what was aimed at, and why where nothing is told."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from projections.finance.metrics import CATALOGUE
from tests.support.events import History
from tests.support.finance_asked import asked, every_figure_opens, seen
from tests.support.finance_told import Moneys
from tests.support.mrr_histories import Told, moment, plan, terms
from tests.unit.olap.test_ingest import World

JAN, FEB = date(2026, 1, 1), date(2026, 2, 1)


def aim(history: History, number: int, metric: str, value: str, **told: Any) -> None:
    """Set a target."""
    usual: dict[str, Any] = {
        "metric": metric,
        "value": value,
        "value_to": None,
        "period_kind": "standing",
        "period": None,
        "segment": None,
        "comparison": "at_least",
        "unit": "percent",
        "source": None,
    }
    history.happen("finance.target_set", {"target_id": str(UUID(int=number)), **usual, **told})


@pytest.fixture
def worked() -> History:
    """MRR of $300 and JPY 500; a margin of 80 % in USD; 3 members; nothing is aimed at."""
    told = Told()
    told.tell(moment(date(2026, 1, 5)), terms(items=[plan(30_000)]))
    told.tell(moment(date(2026, 1, 6)), terms(items=[plan(500)], currency="JPY"), subscription=2)
    moneys = Moneys(told.history)
    moneys.invoice(10_000, JAN, FEB)
    moneys.cost(2_000, JAN, JAN)
    for _ in range(3):
        told.history.happen("tenancy.member_invited", {})
    return told.history


@pytest.fixture
def of_metric(opened: list[World], worked: History) -> Any:
    def told(metric: str, **parameters: Any) -> list[dict[str, Any]]:
        if not opened:
            seen(opened, worked)
        return asked(opened[0], worked, "scorecard", metric=metric, **parameters)

    return told


def test_a_target_is_set_beside_the_actual_in_its_currency(worked: History, of_metric: Any) -> None:
    quarter = {"period_kind": "quarter", "period": "2026-Q1", "unit": "USD"}
    aim(worked, 1, "mrr", "250", **quarter)
    aim(worked, 2, "mrr", "25000", **quarter)
    rows = of_metric("mrr")
    assert [(r["currency"], r["target"], r["actual"], r["variance"], r["status"]) for r in rows] == [
        ("JPY", None, 500.0, None, "no_target"),
        ("USD", "250", 300.0, 50.0, "attained_so_far"),
        ("USD", "25000", 300.0, -24_700.0, "not_attained_yet"),
    ]
    assert {row["period"] for row in rows} == {JAN}
    assert [row["status"] for row in of_metric("mrr", grain="year")] == ["no_target", "no_target"]


def test_a_range_is_met_within_its_ends_and_on_its_better_side(worked: History, of_metric: Any) -> None:
    aim(worked, 1, "gross_margin", "80", comparison="range", value_to="85")
    aim(worked, 2, "gross_margin", "81", comparison="range", value_to="85")
    aim(worked, 3, "gross_margin", "70", comparison="range", value_to="75.5")
    aim(worked, 4, "gross_margin", "79.9", comparison="at_most")
    rows = of_metric("gross_margin", grain="month", to="2026-01-31")
    assert [(row["comparison"], row["target"], row["status"], row["variance"]) for row in rows] == [
        ("at_most", "79.9", "not_attained", pytest.approx(0.1)),
        ("range", "70", "attained", 4.5),
        ("range", "80", "attained", 0.0),
        ("range", "81", "not_attained", -1.0),
    ]
    assert {(row["numerator"], row["denominator"], row["actual"]) for row in rows} == {(8_000, 10_000, 80.0)}


def test_less_than_a_range_of_what_should_be_low_attains_it(worked: History, of_metric: Any) -> None:
    aim(worked, 1, "cost", "30", comparison="range", value_to="40", unit="USD")
    aim(worked, 2, "cost", "10", comparison="range", value_to="15", unit="USD")
    rows = of_metric("cost", grain="month", to="2026-01-31")
    assert [(row["target"], row["status"], row["variance"]) for row in rows] == [
        ("10", "not_attained", 5.0),
        ("30", "attained", -10.0),
    ]


def test_a_loss_on_what_went_back_is_no_margin(opened: list[World]) -> None:
    moneys = Moneys()
    paid = moneys.invoice(10_000, JAN, FEB)
    moneys.refund(paid, 422, FEB, net=422)
    moneys.cost(47_161, FEB, FEB)
    aim(moneys.history, 1, "gross_margin", "80")
    world = seen(opened, moneys.history)
    (row,) = asked(
        world, moneys.history, "scorecard", metric="gross_margin", from_="2026-02-01", to="2026-02-28"
    )
    assert (row["numerator"], row["denominator"], row["actual"]) == (-47_583, -422, None)
    assert (row["status"], row["variance"]) == ("nothing_to_divide_by", None)


def test_a_target_without_an_actual_says_why(worked: History, of_metric: Any) -> None:
    aim(worked, 1, "uptime", "99.5")
    aim(worked, 2, "cac", "150", segment="agencies", comparison="at_most", unit="USD")
    aim(worked, 3, "mrr", "1000", unit="EUR")
    aim(worked, 4, "gross_margin", "0.8", unit="ratio")
    aim(worked, 5, "happiness", "9", unit="smiles")
    aim(worked, 6, "arr", "9", segment="saas", unit="USD")
    month = {"grain": "month", "to": "2026-01-31"}
    (uptime,) = of_metric("uptime", **month)
    assert (uptime["status"], uptime["target"], uptime["actual"]) == ("not_built", "99.5", None)
    assert "availability" in uptime["because"]
    (cac,) = of_metric("cac", **month)
    assert (cac["status"], cac["segment"]) == ("platform_wide", "agencies")
    (euro,) = [row for row in of_metric("mrr", **month) if row["currency"] == "EUR"]
    assert (euro["status"], euro["actual"], euro["target"]) == ("no_actual", None, "1000")
    (margin,) = of_metric("gross_margin", **month)
    assert (margin["status"], margin["variance"]) == ("unit_differs", None)
    (unknown,) = of_metric("happiness", **month)
    assert (unknown["status"], unknown["group"], unknown["unit"]) == ("unknown_metric", "other", "smiles")
    (saas,) = [row for row in of_metric("arr", **month) if row["segment"]]
    assert (saas["status"], saas["actual"]) == ("not_by_segment", None)


@pytest.mark.parametrize("unit", ["percent", "usd", "thousand USD"])
def test_a_target_of_an_amount_names_its_currency_or_is_told_to_differ(
    worked: History, of_metric: Any, unit: str
) -> None:
    aim(worked, 1, "mrr", "10", unit=unit)
    rows = of_metric("mrr", grain="month", to="2026-01-31")
    told = [(r["currency"], r["unit"], r["target"], r["actual"], r["variance"], r["status"]) for r in rows]
    assert told == [
        ("JPY", "JPY", None, 500.0, None, "no_target"),
        ("USD", "USD", None, 300.0, None, "no_target"),
        (None, unit, "10", None, None, "unit_differs"),
    ]


@pytest.mark.parametrize(
    ("asked_for", "earned", "stage", "status"),
    [
        ({"to": "2025-12-31"}, 92.0, "over", "attained"),
        ({"from_": "2025-10-01", "to": "2025-12-31"}, 92.0, "over", "attained"),
        ({"from_": "2025-11-01", "to": "2025-12-31"}, 61.0, "open", "not_attained_yet"),
        ({"to": "2025-11-30"}, 61.0, "open", "not_attained_yet"),
    ],
)
def test_a_period_of_which_a_part_was_asked_for_is_not_judged_as_a_whole_one(
    opened: list[World], asked_for: dict[str, str], earned: float, stage: str, status: str
) -> None:
    moneys = Moneys()
    moneys.invoice(9_200, date(2025, 10, 1), date(2026, 1, 1))
    aim(moneys.history, 1, "revenue", "92", unit="USD")
    (row,) = asked(seen(opened, moneys.history), moneys.history, "scorecard", metric="revenue", **asked_for)
    assert (row["actual"], row["stage"], row["status"]) == (earned, stage, status)


def test_what_is_ahead_is_not_missed_yet(worked: History, of_metric: Any) -> None:
    aim(worked, 1, "mrr", "9", period_kind="quarter", period="2026-Q4", unit="USD")
    (ahead,) = [row for row in of_metric("mrr", to="2026-12-31") if row["target"]]
    assert (ahead["stage"], ahead["status"], ahead["period"]) == ("ahead", "ahead", date(2026, 10, 1))


def test_a_tenant_without_data_is_told_what_is_missing(opened: list[World]) -> None:
    history = History()
    history.happen("tenancy.tenant_renamed", {})
    rows = asked(seen(opened, history), history, "scorecard")
    assert {row["metric"] for row in rows} == {one.id for one in CATALOGUE.metrics}
    assert {row["status"] for row in rows} == {"no_actual", "not_built", "platform_wide"}
    assert all(row["because"] for row in rows if row["status"] in {"not_built", "platform_wide"})


def test_growth_is_told_by_what_was_before(opened: list[World]) -> None:
    history = History()
    for number, month in enumerate((1, 1, 2, 2, 2)):
        sent = {"workspace_id": str(UUID(int=number)), "occurred_at": f"2026-0{month}-03T09:00:00+00:00"}
        history.happen("audience.message_dispatched", sent, version=2)
    world = seen(opened, history)

    def told(metric: str) -> list[tuple[Any, ...]]:
        rows = asked(world, history, "scorecard", metric=metric, grain="month", to="2026-02-28")
        return [(row["status"], row["numerator"], row["denominator"], row["actual"]) for row in rows]

    assert told("emails_sent") == [("no_target", 2, None, 2.0), ("no_target", 3, None, 3.0)]
    assert told("email_volume_growth") == [("no_actual", None, None, None), ("no_target", 1, 2, 50.0)]


def test_every_figure_of_a_scorecard_opens(opened: list[World], worked: History) -> None:
    world = seen(opened, worked)
    for metric in ("mrr", "gross_margin", "team_members", "quick_ratio"):
        assert every_figure_opens(world, worked, "scorecard", metric=metric, grain="quarter") >= 2


def test_as_of_a_position_is_as_it_was_then(opened: list[World], worked: History) -> None:
    position = worked.position.n
    aim(worked, 1, "mrr", "250", unit="USD")
    world = seen(opened, worked)
    then = asked(world, worked, "scorecard", metric="mrr", at_position=position)
    assert {row["status"] for row in then} == {"no_target"}
