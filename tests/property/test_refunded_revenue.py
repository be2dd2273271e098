"""However an invoice is paid back in parts, the parts of revenue come to the part of the whole, to the minor unit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.kernel.money import rounded
from projections.olap.query import run_report
from tests.support.finance_told import Moneys
from tests.unit.olap.test_ingest import World

DAY = date(2026, 1, 1)
RUNS = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def worlds() -> Iterator[list[World]]:
    opened: list[World] = []
    yield opened
    for world in opened:
        world.store.close()


def revenue(world: World, told: Moneys, at_position: int | None = None) -> int:
    """What is earned in all; of days that are over."""
    asked: dict[str, object] = {"to": "2027-12-31", "grain": "year"}
    asked |= {} if at_position is None else {"at_position": at_position}
    report = run_report(world.store.writing, "margin", told.history.tenant_id, asked)
    place = report.columns.index("revenue")
    earned = [row[place] for row in report.rows]
    return sum(one for one in earned if isinstance(one, int))


@RUNS
@given(
    net=st.integers(1, 2_000),
    tax=st.integers(0, 500),
    parts=st.lists(st.tuples(st.integers(1, 700), st.booleans()), min_size=1, max_size=7),
    all_of_it=st.booleans(),
)
def test_parts_that_went_back_come_to_the_part_of_the_whole(
    worlds: list[World], *, net: int, tax: int, parts: list[tuple[int, bool]], all_of_it: bool
) -> None:
    told, total, gone = Moneys(), net + tax, 0
    invoice = told.invoice(net, DAY, DAY + timedelta(days=1), tax=tax)
    known = [(told.history.position.n, 0)]
    for at, (amount, fails) in enumerate(parts):
        back = min(amount, total - gone)
        if not back:
            break
        day = DAY + timedelta(days=at + 1)
        told.refund(invoice, back, day, net=0, failed=day if fails else None)
        gone += 0 if fails else back
        known.append((told.history.position.n, gone))
    if all_of_it and gone < total:
        told.refund(invoice, total - gone, DAY + timedelta(days=90), net=0)
        gone = total
        known.append((told.history.position.n, gone))
    worlds.append(World(told.history))
    world = worlds[-1].catch_up()
    for position, by_then in known:
        assert revenue(world, told, position) == net - rounded(by_then * net, total)
    assert revenue(world, told) == net - rounded(gone * net, total)
