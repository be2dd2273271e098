"""Costs as facts: accrual, posting after locks, division by rules; each cell opens to events that sum to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.finance.calendar import first_day, month_of, moved
from domain.kernel.ids import PLATFORM
from domain.kernel.money import allotted
from projections.olap.query import run_events_behind, run_report
from projections.olap.reports import REPORTS
from tests.support.events import History
from tests.unit.olap.test_ingest import World

HOLDERS = [UUID(int=n << 96) for n in (1, 2**30, 2**31, 2**32 - 1)]
"""Of ids on both sides of the sign bit: they are in the order of their digits."""


def facts(**told: Any) -> dict[str, Any]:
    """A cost as events hold it."""
    assigned = next(
        (
            kind
            for kind, field in (
                ("pool", "pool"),
                ("workspace", "workspace_id"),
                ("customer", "customer_id"),
            )
            if told.get(field)
        ),
        "tenant",
    )
    usual = {
        "category": "server",
        "amount": 999,
        "currency": "USD",
        "covers_from": "2026-01-01",
        "incurred_on": told.get("covers_from", "2026-01-01"),
        "provider": "Hostwinds",
        "resource": None,
        "assigned": assigned,
        "workspace_id": None,
        "customer_id": None,
        "pool": None,
        "acquires": None,
        "approximate": False,
        "basis": "invoice",
        "reference": "R-1",
        "minutes": None,
        "hourly_rate": None,
    }
    entry = {**usual, **told}
    entry.setdefault("covers_to", entry["covers_from"])
    return {name: str(value) if isinstance(value, UUID | date) else value for name, value in entry.items()}


def enter(history: History, number: int = 1, **told: Any) -> dict[str, Any]:
    entry = facts(**told)
    history.happen("costs.cost_entered", {"cost_id": str(UUID(int=number)), "entry": entry})
    return entry


def reverse(history: History, entry: dict[str, Any], number: int = 1) -> None:
    told = {"cost_id": str(UUID(int=number)), "reason": "duplicate", "entry": entry}
    history.happen("costs.cost_reversed", told)


def confirm(history: History, entry: dict[str, Any], amount: int, number: int = 1) -> dict[str, Any]:
    after = {**entry, "amount": amount, "basis": "invoice", "approximate": False}
    told = {"cost_id": str(UUID(int=number)), "before": entry, "after": after}
    history.happen("costs.cost_confirmed", told)
    return after


def lock(history: History, month: str) -> None:
    told = {"period": month, "closed_through": month, "locked_by": str(UUID(int=9))}
    history.happen("finance.period_locked", told)


def reopen(history: History, month: str, left: str | None) -> None:
    told = {"period": month, "closed_through": left, "reopened_by": str(UUID(int=9)), "reason": "mistake"}
    history.happen("finance.period_reopened", {**told, "explanation": {"~": "profile"}})


def rule(
    history: History, by: str, from_day: str = "2026-01-01", weights: Sequence[int] | None = None
) -> None:
    shares = [
        {"holder_id": str(holder), "weight": weight}
        for holder, weight in zip(HOLDERS, weights or (), strict=False)
    ]
    told = {"pool": "shared", "by": by, "from_day": from_day, "shares": shares}
    history.happen("costs.allocation_ruled", told)


def asked(
    world: World, name: str, history: History | None = None, *, each: int = 1, **parameters: Any
) -> list[Any]:
    """The rows of a report; every cell of them, or of each so many, opens to events that sum to it."""
    whose = (history or world.histories[0]).tenant_id
    rows = run_report(world.store.writing, name, whose, parameters).rows
    dimensions = [column.name for column in REPORTS[name].info.columns if column.kind == "dimension"]
    for row in rows[::each]:
        cell = dict(zip(dimensions, row, strict=False))
        behind = run_events_behind(world.store.writing, name, whose, cell, parameters, after=0, limit=1_000)
        assert sum(weight for _, weight in behind.events) == row[len(dimensions)], cell
        assert behind.events, cell
    return [tuple(month_of(value) if isinstance(value, date) else value for value in row) for row in rows]


def test_a_cost_accrues_evenly_over_its_days_and_the_first_take_what_is_left(world: World) -> None:
    enter(world.histories[0], amount=100, covers_from="2026-01-30", covers_to="2026-02-02")
    enter(world.histories[0], 2, amount=-7, covers_from="2026-01-31", covers_to="2026-02-01", currency="EUR")
    world.catch_up()
    assert asked(world, "costs_by_category") == [
        ("2026-01", "server", "EUR", "exact", -4),
        ("2026-01", "server", "USD", "exact", 50),
        ("2026-02", "server", "EUR", "exact", -3),
        ("2026-02", "server", "USD", "exact", 50),
    ]
    within = asked(world, "costs_by_category", from_="2026-01-31", to="2026-02-01", currency="USD")
    assert within == [("2026-01", "server", "USD", "exact", 25), ("2026-02", "server", "USD", "exact", 25)]


def test_an_estimate_is_approximate_until_it_is_confirmed_and_the_difference_is_told(world: World) -> None:
    history = world.histories[0]
    told = enter(history, amount=999, approximate=True, basis="list_price")
    enter(history, 2, amount=100)
    world.catch_up()
    assert asked(world, "costs_by_category") == [
        ("2026-01", "server", "USD", "approximate", 999),
        ("2026-01", "server", "USD", "exact", 100),
    ]
    assert asked(world, "costs_by_workspace")[0][5:] == ("approximate", 1099)
    confirm(history, told, 1_049)
    world.catch_up()
    assert asked(world, "costs_by_category") == [("2026-01", "server", "USD", "exact", 1_149)]
    assert asked(world, "costs_by_workspace") == [("2026-01", "whole", None, None, "USD", "exact", 1_149)]
    assert asked(world, "cost_variance") == [("2026-01", "server", "Hostwinds", "USD", 50, 999, 1_049)]
    assert asked(world, "cost_variance", to="2025-12") == []
    assert asked(world, "costs_by_category", at_position=1)[0][4] == 999


def test_what_is_taken_back_is_no_difference_of_an_invoice_any_more(world: World) -> None:
    history = world.histories[0]
    duplicate = confirm(history, enter(history, amount=3_100, approximate=True), 3_300)
    stays = enter(history, 2, amount=100, approximate=True)
    confirm(history, stays, 90, 2)
    reverse(history, duplicate)
    world.catch_up()
    assert asked(world, "cost_variance") == [("2026-01", "server", "Hostwinds", "USD", -10, 100, 90)]
    assert asked(world, "cost_variance", at_position=4)[0][4:] == (190, 3_200, 3_390)
    cell = {"month": "2026-01-01", "category": "server", "provider": "Hostwinds", "currency": "USD"}
    whole = {**cell, "measure": "difference"}
    opened = run_events_behind(
        world.store.writing, "cost_variance", history.tenant_id, whole, {}, after=0, limit=9
    )
    assert opened.events == ((2, 200), (4, -10), (5, -200))


def test_what_was_taken_back_after_its_month_was_locked_is_posted_to_the_next(world: World) -> None:
    history = world.histories[0]
    entry = confirm(history, enter(history, amount=3_100, approximate=True), 3_300)
    lock(history, "2026-01")
    reverse(history, entry)
    world.catch_up()
    assert asked(world, "cost_variance") == [
        ("2026-01", "server", "Hostwinds", "USD", 200, 3_100, 3_300),
        ("2026-02", "server", "Hostwinds", "USD", -200, -3_100, -3_300),
    ]
    assert asked(world, "cost_variance", dating="effective") == []


def test_what_comes_late_is_posted_to_the_first_month_that_was_open_then(world: World) -> None:
    history = world.histories[0]
    january = {"covers_from": "2026-01-01", "covers_to": "2026-01-31"}
    first = enter(history, 1, amount=310, **january)
    lock(history, "2026-01")
    enter(history, 2, amount=31, **january)
    enter(history, 3, amount=590, covers_from="2026-01-01", covers_to="2026-02-28")
    reopen(history, "2026-01", None)
    enter(history, 4, amount=1, **january)
    lock(history, "2026-01")
    lock(history, "2026-02")
    reverse(history, first)
    world.catch_up()
    assert asked(world, "costs_by_category", dating="effective") == [
        ("2026-01", "server", "USD", "exact", 31 + 310 + 1),
        ("2026-02", "server", "USD", "exact", 280),
    ]
    posted = [
        ("2026-01", "server", "USD", "exact", 310 + 1),
        ("2026-02", "server", "USD", "exact", 31 + 590),
        ("2026-03", "server", "USD", "exact", -310),
    ]
    assert asked(world, "costs_by_category") == posted
    assert asked(world, "costs_by_category", from_="2026-02-01", to="2026-02-01")[0][4] == 31 + 310 + 10
    # A lock moves nothing that was entered before it.
    assert asked(world, "costs_by_category", at_position=8)[:2] == posted[:2]
    assert [(row[0], row[-1]) for row in asked(world, "costs_by_workspace")] == [
        (row[0], row[-1]) for row in posted
    ]


def test_a_confirmation_that_comes_late_moves_the_difference_alone(world: World) -> None:
    history = world.histories[0]
    told = enter(history, amount=1_000, approximate=True, basis="estimate", pool="shared")
    rule(history, "weights", weights=[1])
    lock(history, "2026-01")
    confirm(history, told, 1_100)
    world.catch_up()
    assert [(row[0], row[2], row[6]) for row in asked(world, "costs_by_workspace")] == [
        ("2026-01", str(HOLDERS[0]), 1_000),
        ("2026-02", str(HOLDERS[0]), 100),
    ]
    assert asked(world, "cost_variance")[0][0] == "2026-02"
    assert asked(world, "cost_variance", dating="effective")[0][0] == "2026-01"


def dispatch(history: History, holder: UUID, times: int = 1) -> None:
    for _ in range(times):
        told = {"workspace_id": str(holder), "occurred_at": "2026-03-01T12:00:00Z"}
        history.happen("audience.message_dispatched", told)


def test_a_pool_is_divided_by_messages_and_what_has_no_key_is_shown(world: World) -> None:
    history = world.histories[0]
    enter(history, amount=100, covers_from="2026-03-01", pool="shared", approximate=True)
    enter(history, 2, amount=5, covers_from="2026-03-01", workspace_id=HOLDERS[1])
    enter(history, 3, amount=7, covers_from="2026-04-01", pool="shared")
    enter(history, 4, amount=9, covers_from="2026-03-01", pool="other")
    world.catch_up()
    before = asked(world, "costs_by_workspace")
    assert before[-3:] == [
        ("2026-03", "unallotted", None, "other", "USD", "exact", 9),
        ("2026-03", "unallotted", None, "shared", "USD", "approximate", 100),
        ("2026-04", "unallotted", None, "shared", "USD", "exact", 7),
    ]
    rule(history, "messages_sent")
    dispatch(history, HOLDERS[0], 1)
    dispatch(history, HOLDERS[3], 2)
    world.catch_up()
    assert asked(world, "costs_by_workspace") == [
        ("2026-03", "allocated", str(HOLDERS[0]), "shared", "USD", "approximate", 33),
        ("2026-03", "allocated", str(HOLDERS[3]), "shared", "USD", "approximate", 67),
        ("2026-03", "direct", str(HOLDERS[1]), None, "USD", "exact", 5),
        ("2026-03", "unallotted", None, "other", "USD", "exact", 9),
        ("2026-04", "unallotted", None, "shared", "USD", "exact", 7),
    ]
    assert asked(world, "costs_by_workspace", at_position=4) == before
    assert asked(world, "costs_by_workspace", to="2026-02") == []


def test_the_latest_rule_of_a_month_holds_and_equal_parts_are_of_those_who_were_there(world: World) -> None:
    history = world.histories[0]
    for name, holder in (("created", 0), ("created", 1), ("archived", 1)):
        told = {"workspace_id": str(HOLDERS[holder]), "workspace_name": "W"}
        history.happen(f"tenancy.workspace_{name}", told)
    for number, month in enumerate(("2026-02", "2026-03", "2026-04"), start=1):
        enter(history, number, amount=10, covers_from=f"{month}-05", pool="shared")
    rule(history, "equal")
    rule(history, "weights", "2026-02-01", [0, 0, 1])
    rule(history, "weights", "2026-02-01", [0, 0, 0, 1])
    rule(history, "equal", "2026-03-01")
    world.catch_up()
    assert [(row[0], row[2], row[6]) for row in asked(world, "costs_by_workspace")] == [
        ("2026-02", str(HOLDERS[3]), 10),
        ("2026-03", str(HOLDERS[0]), 5),
        ("2026-03", str(HOLDERS[1]), 5),
        ("2026-04", str(HOLDERS[0]), 10),
    ]


def test_the_platform_divides_by_what_its_customers_sent_and_nobody_else_sees_that(
    opened: list[World],
) -> None:
    one, two, platform = History(), History(), History(tenant_id=PLATFORM)
    opened.append(world := World(one, two, platform))
    dispatch(one, HOLDERS[0], 3)
    dispatch(two, HOLDERS[1], 1)
    for history in (platform, one):
        enter(history, amount=200, covers_from="2026-03-01", pool="shared")
        rule(history, "messages_sent")
    enter(platform, 2, amount=1, covers_from="2026-03-01", customer_id=two.tenant_id)
    world.catch_up()
    told = {row[1:3]: row[6] for row in asked(world, "costs_by_workspace", platform)}
    assert told == {
        ("allocated", str(one.tenant_id)): 150,
        ("allocated", str(two.tenant_id)): 50,
        ("direct", str(two.tenant_id)): 1,
    }
    assert {row[2]: row[6] for row in asked(world, "costs_by_workspace", one)} == {str(HOLDERS[0]): 200}
    assert asked(world, "costs_by_workspace", platform, at_position=3) == asked(
        world, "costs_by_workspace", platform
    )


def expected(costs: list[Any], weights: list[int], *, posting: bool) -> dict[tuple[str, str], int]:
    """The same from scratch: day by day, and month by month."""
    months: dict[str, int] = {}
    for amount, first, days, open_from in costs:
        for number, part in enumerate(allotted(amount, [1] * days)):
            day = first + timedelta(days=number)
            day = max(day, open_from) if posting and open_from else day
            months[month_of(day)] = months.get(month_of(day), 0) + part
    shares: dict[tuple[str, str], int] = {}
    for month, total in months.items():
        parts = allotted(total, weights) if any(weights) else ()
        shares |= {(month, str(holder)): part for holder, part in zip(HOLDERS, parts, strict=False) if part}
        if not parts and total:
            shares[month, "None"] = total
    return shares


AMOUNTS = st.one_of(st.integers(-2_000, 2_000), st.integers(-(10**15), 10**15)).filter(bool)
COSTS = st.tuples(
    AMOUNTS, st.dates(date(2026, 1, 1), date(2026, 6, 30)), st.integers(1, 150), st.integers(0, 2)
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    told=st.lists(COSTS, min_size=1, max_size=6),
    weights=st.lists(st.integers(0, 1_000_000), min_size=4, max_size=4),
)
def test_sql_divides_as_the_money_of_the_kernel_does(
    opened: list[World], told: list[Any], weights: list[int]
) -> None:
    history, closed, costs = History(), "2026-01", []
    for number, (amount, first, days, locks) in enumerate(told):
        for _ in range(locks):
            lock(history, closed)
            closed = moved(closed, 1)
        open_from = first_day(closed) if closed > "2026-01" else None
        last = first + timedelta(days=days - 1)
        enter(history, number, amount=amount, covers_from=first, covers_to=last, pool="shared")
        costs.append((amount, first, days, open_from))
    if any(weights):
        rule(history, "weights", weights=weights)
    opened.append(world := World(history))
    world.catch_up()
    for dating in ("effective", "posting"):
        rows = asked(world, "costs_by_workspace", each=5, dating=dating)  # of months and holders: no multiple
        assert {(row[0], str(row[2])): row[6] for row in rows} == expected(
            costs, weights, posting=dating == "posting"
        )
        by_category = asked(world, "costs_by_category", dating=dating)
        assert sum(row[4] for row in by_category) == sum(cost[0] for cost in costs)
    world.store.close()
    opened.remove(world)


@pytest.mark.parametrize(
    ("name", "payload", "reason"),
    [
        ("costs.cost_entered", {"entry": {"amount": 1}}, "no cost_id"),
        ("costs.cost_entered", {"cost_id": str(UUID(int=1))}, "no amount"),
        ("costs.cost_confirmed", {"cost_id": str(UUID(int=1)), "after": {"amount": 1}}, "no amount before"),
        ("costs.allocation_ruled", {"by": "equal", "from_day": "2026-01-01"}, "no pool"),
        ("finance.period_locked", {"closed_through": "2026-01"}, "no period"),
        ("finance.period_locked", {"period": "2026-01", "closed_through": "2026-13"}, "no month"),
        ("finance.target_set", {"target_id": str(UUID(int=1)), "value": "many"}, "no decimal"),
    ],
)
def test_an_event_without_what_it_must_say_stops_its_tenant(
    world: World, name: str, payload: dict[str, Any], reason: str
) -> None:
    world.histories[0].happen(name, payload)
    world.catch_up()
    (error,) = world.rows("SELECT error FROM positions WHERE state = 'poisoned'")
    assert reason in error[0]
