"""Any tellings, in any order: the SQL's movements are those of the definitions, by every profile and both datings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.billing.terms import Discount, Item, Terms
from projections.finance.profiles import PROFILES, bridge
from projections.olap.query import run_events_behind, run_report
from tests.support.mrr_compared import (
    APART,
    IDENTITY,
    assert_as_the_model,
    assert_posted_as_the_model,
)
from tests.support.mrr_histories import Told, metered, moment, percent, plan, terms
from tests.support.mrr_model import Customer
from tests.unit.olap.test_ingest import World

BEGIN = date(2025, 1, 27)
DAYS = st.integers(0, 130)
# Few moments and amounts, so that they meet: one moment twice, an hour apart, midnight, another sum that is the same.
MINUTES = st.sampled_from((0, 30, 60, 90, 600, 1_439))
AMOUNTS = st.sampled_from((0, 1, 100, 999, 4_900, 47_000))


def _moment(day: int, minutes: int) -> Any:
    return moment(BEGIN) + timedelta(days=day, minutes=minutes)


MOMENTS = st.builds(_moment, DAYS, MINUTES)
ITEMS = st.one_of(
    st.builds(
        plan,
        AMOUNTS,
        st.sampled_from(("month", "month", "year", "week", "day")),
        st.integers(1, 3),
        st.integers(0, 3),
    ),
    st.builds(metered, AMOUNTS, st.sampled_from(("month", "week"))),
)


def _discount(off: int, ends: int | None, *, amount: bool) -> Discount:
    ends_on = None if ends is None else BEGIN + timedelta(days=ends)
    if not amount:
        return percent(off, ends_on)
    duration = "forever" if ends is None else "once"
    return Discount(coupon="amount", amount_off=off, duration=duration, ends_on=ends_on)


DISCOUNTS = st.builds(
    _discount, st.sampled_from((1, 333, 5_000, 10_000)), st.none() | DAYS, amount=st.booleans()
)


def _terms(status: str, items: list[Item], off: list[Discount], currency: str, end: Any) -> Terms:
    return terms(status, items, off, currency, end)


TERMS = st.builds(
    _terms,
    st.sampled_from(("active", "active", "active", "past_due", "unpaid", "trialing", "canceled", "canceled")),
    st.lists(ITEMS, min_size=1, max_size=3),
    st.lists(DISCOUNTS, max_size=2),
    st.sampled_from(("USD", "USD", "EUR")),
    st.none() | MOMENTS,
)
TELLING = st.tuples(MOMENTS, TERMS, st.integers(1, 3), st.integers(0, 2), st.sampled_from("abcdefghijkl"))
# All months through one are closed, counted from the first; or all are opened again.
CLOSING = st.one_of(st.none(), st.integers(0, 5))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World()
    world.catch_up()
    yield world
    world.store.close()


def entered(world: World, happened: list[Any]) -> Told:
    """A new tenant of the file, taken in in two batches: tellings, and closings of months."""
    told = Told()
    for one in happened:
        if isinstance(one, tuple):
            at, said, subscription, rank, told_as = one
            told.tell(at, said, subscription=subscription, rank=rank, told_as=told_as)
        else:
            told.close(None if one is None else (BEGIN.replace(day=1) + timedelta(days=31 * one)))
    world.histories = (told.history,)
    whole = list(told.history.events)
    for upto in (len(whole) // 2, len(whole)):
        told.history.events[:] = whole[:upto]
        world.catch_up()
    return told


RUNS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@RUNS
@given(st.lists(TELLING, min_size=1, max_size=9))
def test_movements_are_those_of_the_definitions(world: World, tellings: list[Any]) -> None:
    told = entered(world, tellings)
    assert_as_the_model(world, [told])
    assert world.rows("SELECT count(*) FROM mrr_movement WHERE posted_on <> effective_on") == [(0,)]
    assert world.rows(APART) == [(0,)]
    _, wrong, least = world.rows(IDENTITY)[0]
    assert (wrong, least >= 0) == (0, True)
    world.store.writing.execute("DELETE FROM subscription_interval; DELETE FROM mrr_movement")


@RUNS
@given(st.lists(st.one_of(TELLING, TELLING, CLOSING), min_size=2, max_size=9))
def test_what_is_told_after_a_month_was_closed_is_posted_in_the_first_open_one(
    world: World, happened: list[Any]
) -> None:
    told = entered(world, happened)
    assert_as_the_model(world, [told])
    assert_posted_as_the_model(world, told, told.closings)
    world.store.writing.execute("DELETE FROM subscription_interval; DELETE FROM mrr_movement")


DAY_RANGE = {"from_": "2025-02-03", "to": "2025-05-20"}


@settings(RUNS, max_examples=12)
@given(
    st.lists(TELLING, min_size=1, max_size=7),
    st.sampled_from([(a, b) for a in PROFILES for b in PROFILES if a != b]),
    st.integers(0, 9),
)
def test_a_bridge_has_nothing_left_over_and_each_of_its_lines_opens(
    world: World, tellings: list[Any], between: tuple[str, str], upto: int
) -> None:
    told = entered(world, tellings)
    tenant, con = told.history.tenant_id, world.store.writing
    at = min(upto, len(told.history.events))
    given_: dict[str, object] = {**DAY_RANGE, "at_position": at}
    start, end = between
    known = Customer([telling for telling in told.tellings if telling.position <= at])
    rows = run_report(con, "mrr_bridge", tenant, {**given_, "profile": start, "against": end}).rows
    rules = {str(switch) for switch, _ in bridge(PROFILES[start], PROFILES[end])}
    assert {row[2] for row in rows} <= {"from", "to", *rules}
    for profile, line in ((start, "from"), (end, "to")):
        figures = figures_of(known, profile)
        told_of = {(row[0], row[1]): row[5] for row in rows if row[2] == line}
        assert {key: amount for key, amount in told_of.items() if amount} == figures
    ends = [row[:3] for row in rows if row[2] in ("from", "to")]
    assert sorted(ends) == sorted((*one, end) for one in {row[:2] for row in rows} for end in ("from", "to"))
    over: dict[tuple[object, object], int] = {}
    for figure, currency, rule, _, _, amount in rows:
        sign = -1 if rule == "to" else 1
        over[figure, currency] = over.get((figure, currency), 0) + sign * int(str(amount))
    assert set(over.values()) <= {0}
    for row in rows[:6]:
        cell = dict(zip(("figure", "currency", "switch", "day", "subscription"), row, strict=False))
        behind = run_events_behind(
            con,
            "mrr_bridge",
            tenant,
            cell,
            {**given_, "profile": start, "against": end},
            after=0,
            limit=100,
        )
        assert sum(weight for _, weight in behind.events) == row[5]
    con.execute("DELETE FROM subscription_interval; DELETE FROM mrr_movement")


def figures_of(known: Customer, profile: str) -> dict[tuple[str, str], int]:
    """The figures of the days by the plain model."""
    first, last = date(2025, 2, 3), date(2025, 5, 20)
    figures: dict[tuple[str, str], int] = {}
    for (day, kind, currency, _, _), amount in known.movements(PROFILES[profile]).items():
        sign = -1 if kind in ("contraction", "churn") else 1
        for figure, part_of, told in (
            (kind, first <= day <= last, sign * amount),
            ("start_mrr", day < first, amount),
            ("end_mrr", day <= last, amount),
        ):
            if part_of:
                figures[figure, currency] = figures.get((figure, currency), 0) + told
    return {key: amount for key, amount in figures.items() if amount}
