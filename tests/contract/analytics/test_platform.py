"""What `PlatformAnalytics` promises, held by the one in this process and by the owner's, asked over Flight."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from application.ports.analytics import InvalidParameters, UnknownReport
from application.ports.platform import Place
from application.ports.positions import Position
from tests.support.analytics_worlds import World
from tests.support.events import History
from tests.support.mrr_histories import Told, moment, plan, terms
from tests.unit.olap.test_platform import JAN


async def told(world: World) -> None:
    """Two customers, at $100 and $50 a month."""
    for history, amount in ((world.one, 10_000), (world.two, 5_000)):
        Told(history).tell(moment(JAN), terms(items=[plan(amount)]))
        history.happen("billing.trial_started", {"plan": "starter"})
    await world.publish()
    for history in (world.one, world.two):
        await known(world, history)


async def known(world: World, history: History) -> None:
    """Wait until the facts hold all of a history."""
    for _ in range(400):
        if (await world.analytics.standing(history.tenant_id)).position == history.position:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("the facts did not catch up")


async def test_a_report_of_all_and_what_it_was_made_from(world: World) -> None:
    await told(world)
    report = await world.analytics.platform.report("mrr", {"to": "2026-01-31"})
    (row,) = (dict(zip(report.columns, row, strict=True)) for row in report.rows)
    assert (row["period"], row["currency"], row["new"], row["end_mrr"]) == (JAN, "USD", 15_000, 15_000)
    assert (report.standing.tenants, report.standing.stopped, report.truncated) == (2, 0, False)
    assert report.standing.as_of == world.one.events[-1].recorded_at
    first = world.one.events[0].recorded_at
    then = await world.analytics.platform.report("trials", {"at_time": first.isoformat()})
    assert (then.rows, then.standing.as_of) == ((), first)
    assert (await world.analytics.platform.report("scorecard", {})).rows


async def test_a_figure_opens_page_by_page(world: World) -> None:
    await told(world)
    cell = {"period": "2026-01-01", "currency": "USD", "measure": "new"}
    found: list[Place] = []
    after = None
    for more in (True, False):
        page = await world.analytics.platform.events_behind("mrr", cell, {}, after=after, limit=1)
        assert page.more is more
        found += page.events
        after = (page.events[-1].tenant_id, page.events[-1].position)
    weights = {world.one.tenant_id: 10_000, world.two.tenant_id: 5_000}
    assert [(one.tenant_id, one.position, one.weight) for one in found] == [
        (tenant, 1, weights[tenant]) for tenant in sorted(weights)
    ]


async def test_positions_page_by_page(world: World) -> None:
    await told(world)
    platform = world.analytics.platform
    first = await platform.vector({}, limit=1)
    ((tenant, position),) = first.positions
    last = await platform.vector({}, after=tenant, limit=1)
    assert (first.more, last.more, position) == (True, False, Position(1, 2))
    assert first.standing == last.standing
    assert sorted((world.one.tenant_id, world.two.tenant_id)) == [tenant, last.positions[0][0]]
    early = await platform.vector({"at_time": world.one.events[0].recorded_at.isoformat()})
    assert {position.n for _, position in early.positions} == {1}


async def test_a_difference_names_its_events(world: World) -> None:
    await told(world)
    first = world.one.events[0].recorded_at - timedelta(minutes=1)
    again = world.two.events[-1].recorded_at
    other = Told(world.two)
    other.tell(moment(JAN), terms(items=[plan(2_500)]), subscription=2)
    await world.publish()
    await known(world, world.two)
    days = {"from": "2026-01-01", "to": "2026-01-31"}
    found = await world.analytics.platform.difference("mrr", (again, None), days)
    (cell,) = found.cells
    assert (found.differing, found.next_after, cell.cell["period"]) == (1, None, "2026-01-01")
    (end,) = (one for one in cell.measures if one.measure == "end_mrr")
    (event,) = end.events
    assert (event.tenant_id, event.position, event.before, event.after) == (
        world.two.tenant_id,
        world.two.position.n,
        0,
        2_500,
    )
    assert (event.arrived, event.recorded_at) == ("late", world.two.events[-1].recorded_at)
    assert (found.last.tenants, found.first.digest == found.last.digest) == (2, False)
    with pytest.raises(InvalidParameters):
        await world.analytics.platform.difference("mrr", (first, first), {})
    with pytest.raises(UnknownReport):
        await world.analytics.platform.difference("contacts_by_segment", (again, None), {})
    card = await world.analytics.platform.difference("scorecard", (again, None), {**days, "grain": "month"})
    assert {(one.cell["metric"], one.cell["currency"]) for one in card.cells} >= {
        ("mrr", "USD"),
        ("arr", "USD"),
    }


async def test_what_is_wrong_travels(world: World) -> None:
    await told(world)
    platform = world.analytics.platform
    with pytest.raises(UnknownReport):
        await platform.report("contacts_by_segment", {})
    for parameters in (
        {"grain": "week"},
        {"at_time": "2100-01-01T00:00:00Z"},
        {"tenant_id": str(UUID(int=1))},
    ):
        with pytest.raises(InvalidParameters) as refused:
            await platform.report("mrr", parameters)
        assert refused.value.problems[0][0] == f"/{next(iter(parameters))}"
    with pytest.raises(InvalidParameters):
        await platform.events_behind("mrr", {"period": "2026-01-01"}, {})
    with pytest.raises(InvalidParameters):
        await platform.vector({"at_time": "soon"})
