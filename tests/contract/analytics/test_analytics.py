"""What `Analytics` promises, held by the one in this process and by the owner's, asked over Flight."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from adapters.duckdb.local import EventsInMemory, LocalAnalytics
from adapters.duckdb.settings import OlapSettings
from application.ports.analytics import (
    AnalyticsBehind,
    InvalidParameters,
    TenantStanding,
    UnknownReport,
)
from application.ports.positions import Position
from application.restating import restated
from projections.finance.profiles import PROFILES
from projections.olap.preview_report import FIGURES, NAME
from tests.support.analytics_worlds import World
from tests.support.events import BEGIN, History, segment
from tests.support.mrr_histories import Told, moment, plan, terms
from tests.support.required import required


def happened(history: History) -> None:
    """Contacts in five segments, a change, a removal and an erasure, by several actors, over two days."""
    ids = [
        history.contact("created", segment=segment(country, source, kind), actor=actor)
        for country, source, kind, actor in (
            ("CA", "import", "business", "api_key"),
            ("CA", "import", "business", "api_key"),
            ("CA", "form", "individual", "member"),
            ("DE", "import", "business", "api_key"),
            (None, None, None, "member"),
        )
    ]
    history.contact(
        "updated", ids[0], segment_before=segment("CA"), segment_after=segment("FR"), actor="workflow"
    )
    history.contact("removed", ids[3], segment=segment("DE"), actor="staff")
    for _ in range(10):
        history.happen("tenancy.member_invited", {"email": "sealed"})


SEGMENTS = (
    ("CA", "form", None, 1),
    ("CA", "import", None, 1),
    ("FR", "import", None, 1),
    ("unknown", "unknown", None, 1),
)


async def test_contacts_by_country_and_source(world: World) -> None:
    happened(world.one)
    await world.publish()
    report = await world.ask("contacts_by_segment")
    assert report.columns == ("country", "source", "subscriber_type", "contacts")
    assert report.rows == SEGMENTS
    split = await world.ask("contacts_by_segment", by_subscriber_type=True)
    assert split.rows[0] == ("CA", "form", "individual", 1)


async def test_contacts_as_of_a_position(world: World) -> None:
    happened(world.one)
    await world.publish()
    moments = [None, *(event.recorded_at for event in world.one.events)]
    for at, rows in (
        (2, (("CA", "import", None, 2),)),
        (0, ()),
        (17, SEGMENTS),
        (2, (("CA", "import", None, 2),)),
    ):
        report = await world.ask("contacts_by_segment", at_position=at)
        assert report.rows == rows
        assert (report.position, report.as_of) == (Position(1, at), moments[at]), (
            "not where the log is by now"
        )
    with pytest.raises(AnalyticsBehind) as behind:
        await world.ask("contacts_by_segment", at_position=18)
    assert behind.value.position == Position(1, 17)


async def test_contacts_of_one_workspace(world: World) -> None:
    happened(world.one)
    first = world.one.workspace_id
    world.one.workspace_id = uuid4()
    world.one.contact("created", segment=segment("JP"))
    await world.publish()
    assert (await world.ask("contacts_by_segment", workspace_id=str(first))).rows == SEGMENTS
    ours = await world.ask("contacts_by_segment", workspace_id=str(world.one.workspace_id))
    assert ours.rows == (("JP", "import", None, 1),)


async def test_activity_by_day_and_actor(world: World) -> None:
    happened(world.one)
    await world.publish()
    report = await world.ask("activity")
    first, second = date(2026, 3, 1), date(2026, 3, 2)
    assert report.columns == ("day", "context", "actor_kind", "events")
    assert report.rows == (
        (first, "audience", "api_key", 3),
        (first, "audience", "member", 2),
        (first, "audience", "staff", 1),
        (first, "audience", "workflow", 1),
        (first, "tenancy", "member", 4),
        (second, "tenancy", "member", 6),
    )
    parameters = {"from": "2026-03-01", "to": "2026-03-01", "context": "tenancy"}
    narrow = await world.analytics.report("activity", world.one.tenant_id, parameters)
    assert narrow.rows == ((first, "tenancy", "member", 4),)


async def test_an_answer_says_what_it_was_made_from(world: World) -> None:
    happened(world.one)
    await world.publish()
    report = await world.ask("activity")
    assert report.position == Position(1, 17)
    assert report.as_of == world.one.events[-1].recorded_at
    assert not report.truncated


async def test_a_tenant_without_a_log_has_empty_reports(world: World) -> None:
    happened(world.one)
    await world.publish()
    await world.ask("activity")
    for name in world.analytics.reports():
        report = await world.analytics.report(name, uuid4(), required(name))
        assert (report.rows, report.position, report.as_of) == ((), Position(0, 0), None)


async def test_an_empty_report_says_what_emptied_it(world: World) -> None:
    happened(world.one)
    await world.publish()
    assert (await world.ask("activity")).emptied_by == ()
    over = await world.ask("activity", to="2026-02-01", context="tenancy")
    assert (over.rows, over.emptied_by) == ((), ("to",))
    since: dict[str, Any] = {"from": "2027-01-01"}
    both = await world.ask("activity", **since, context="billing")
    assert (both.rows, both.emptied_by) == ((), ("from", "context"))
    assert (await world.ask("mrr", to="2026-02-01")).emptied_by == ()


@pytest.mark.parametrize("name", ["mrr_in_one_currency", "mrr_conversions"])
async def test_what_emptied_a_report_is_told_beside_what_cannot_be_left_out(world: World, name: str) -> None:
    Told(world.one).tell(moment(date(2026, 2, 20)), terms())
    await world.publish()
    assert (await world.ask(name, currency="USD")).rows
    before = await world.ask(name, currency="USD", to="2026-02-01")
    assert (before.rows, before.emptied_by) == ((), ("to",))
    since: dict[str, Any] = {"from": "2027-01-01", "currency": "USD"}
    assert (await world.ask(name, **since)).emptied_by == ("from",)


async def test_money_and_ratios_and_opened_measures_travel(world: World) -> None:
    told = Told(world.one)
    told.tell(moment(date(2026, 3, 2)), terms())
    told.tell(moment(date(2026, 3, 20)), terms(items=[plan(2_450)]))
    await world.publish()
    march: dict[str, Any] = {"from": "2026-03-10", "to": "2026-03-31"}
    (row,) = (await world.ask("churn_rates", **march)).rows
    report = world.analytics.reports()["churn_rates"]
    told_of = dict(zip((column.name for column in report.columns), row, strict=True))
    assert (told_of["start_mrr"], told_of["gross_churn"], told_of["quick_ratio"]) == (4_900, 50.0, 0.0)
    cell = {"period": "2026-03-01", "currency": "USD", "measure": "gross_lost"}
    opened = await world.analytics.events_behind("churn_rates", world.one.tenant_id, cell, march)
    assert opened.events == ((2, 2_450),)
    with pytest.raises(InvalidParameters) as refused:
        await world.analytics.events_behind(
            "churn_rates", world.one.tenant_id, {**cell, "measure": "grr"}, march
        )
    assert [pointer for pointer, _ in refused.value.problems] == ["/cell/measure"]


async def test_reports_know_one_tenant_alone(world: World) -> None:
    happened(world.one)
    world.two.contact("created", segment=segment("JP"), actor="system")
    await world.publish()
    await world.ask("activity")
    assert (await world.ask("activity", world.two)).rows == ((BEGIN.date(), "audience", "system", 1),)
    assert (await world.ask("contacts_by_segment", world.two)).rows == (("JP", "import", None, 1),)
    assert (await world.ask("contacts_by_segment")).rows == SEGMENTS


async def test_every_cell_opens_to_events_that_sum_to_it(world: World) -> None:
    happened(world.one)
    happened(world.two)
    await world.publish()
    await world.ask("activity", world.two)
    asked: list[tuple[str, dict[str, Any]]] = [
        ("activity", {}),
        ("activity", {"to": "2026-03-01", "context": "tenancy"}),
        ("contacts_by_segment", {}),
        ("contacts_by_segment", {"by_subscriber_type": True}),
        ("contacts_by_segment", {"at_position": 4}),
    ]
    for name, parameters in asked:
        report = await world.ask(name, **parameters)
        assert report.rows
        opened: dict[int, int] = {}
        for row in report.rows:
            cell = dict(zip(report.columns[:-1], row[:-1], strict=True))
            behind = await world.analytics.events_behind(name, world.one.tenant_id, cell, parameters)
            assert sum(weight for _, weight in behind.events) == row[-1]
            assert behind.position == report.position == Position(1, parameters.get("at_position", 17))
            assert [position for position, _ in behind.events] == sorted(
                position for position, _ in behind.events
            )
            opened.update(behind.events)
        assert max(opened) <= parameters.get("at_position", 17)


async def test_events_of_a_cell_come_in_pages(world: World) -> None:
    happened(world.one)
    await world.publish()
    await world.ask("activity")
    cell = {"day": "2026-03-02", "context": "tenancy", "actor_kind": "member"}
    positions: list[int] = []
    after: int | None = 0
    while after is not None:
        page = await world.analytics.events_behind(
            "activity", world.one.tenant_id, cell, after=after, limit=4
        )
        positions += [position for position, _ in page.events]
        after = page.next_after
    assert positions == list(range(12, 18))


async def test_min_position_waits_for_what_was_just_written(world: World) -> None:
    world.one.happen("tenancy.tenant_registered")
    await world.publish()
    for _ in range(3):
        world.one.contact("created")
        await world.publish()
        report = await world.ask("contacts_by_segment")
        assert report.position >= world.one.position
        assert report.rows[0][-1] == len(world.one.events) - 1


async def test_a_position_that_is_not_reached_says_how_far_it_is(world: World) -> None:
    world.one.happen("tenancy.tenant_registered")
    await world.publish()
    await world.ask("activity")
    for wanted in (Position(1, 2), Position(2, 1)):
        with pytest.raises(AnalyticsBehind) as behind:
            await world.analytics.report("activity", world.one.tenant_id, min_position=wanted)
        assert behind.value.position == Position(1, 1)


async def test_an_unknown_report(world: World) -> None:
    with pytest.raises(UnknownReport):
        await world.analytics.report("profits", uuid4())


@pytest.mark.parametrize(
    ("name", "parameters", "pointer"),
    [
        ("activity", {"from": "yesterday"}, "/from"),
        ("activity", {"from": "2026-03-02", "to": "2026-03-01"}, "/to"),
        ("activity", {"tenant_id": str(uuid4())}, "/tenant_id"),
        ("contacts_by_segment", {"at_position": -1}, "/at_position"),
        ("contacts_by_segment", {"workspace_id": "'; DROP TABLE fact_event; --"}, "/workspace_id"),
    ],
)
async def test_parameters_that_a_report_does_not_take(
    world: World, name: str, parameters: dict[str, object], pointer: str
) -> None:
    with pytest.raises(InvalidParameters) as refused:
        await world.analytics.report(name, uuid4(), parameters)
    assert [found for found, _ in refused.value.problems] == [pointer]
    assert "DROP" not in str(refused.value)


@pytest.mark.parametrize(
    ("cell", "page"),
    [
        ({"day": "2026-03-01"}, {}),
        ({"day": "no day", "context": "tenancy", "actor_kind": "member"}, {}),
        ({"day": "2026-03-01", "context": ["tenancy"], "actor_kind": "member"}, {}),
        ({"day": "2026-03-01", "context": "tenancy", "actor_kind": "member"}, {"limit": 0}),
        ({"day": "2026-03-01", "context": "tenancy", "actor_kind": "member"}, {"after": -1}),
    ],
)
async def test_a_cell_that_is_none(world: World, cell: dict[str, object], page: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameters):
        await world.analytics.events_behind("activity", uuid4(), cell, **page)


async def test_a_rebuild_changes_no_answer(world: World) -> None:
    happened(world.one)
    happened(world.two)
    await world.publish()
    before = await world.ask("contacts_by_segment"), await world.ask("activity", world.two)
    await world.analytics.rebuild()
    while (await world.analytics.health()).rebuilding:  # noqa: ASYNC110 - the owner is another process to its clients
        await asyncio.sleep(0.02)
    assert (await world.ask("contacts_by_segment"), await world.ask("activity", world.two)) == before


async def test_why_a_report_differs_between_two_positions(world: World) -> None:
    happened(world.one)
    await world.publish()
    found = await world.analytics.difference(
        "contacts_by_segment", world.one.tenant_id, (5, None), min_position=world.one.position
    )
    assert (found.from_position, found.to_position) == (Position(1, 5), Position(1, 17))
    assert (found.differing, found.next_after) == (3, None)
    moved = {
        cell.cell["country"]: [
            (one.event.position, one.event.name, one.after) for one in cell.measures[0].events
        ]
        for cell in found.cells
    }
    assert moved == {
        "CA": [(6, "audience.contact_updated", -1)],
        "DE": [(7, "audience.contact_removed", -1)],
        "FR": [(6, "audience.contact_updated", 1)],
    }
    one = await world.analytics.difference("activity", world.one.tenant_id, (0, 17), limit=1)
    assert (len(one.cells), one.next_after) == (1, 1)
    with pytest.raises(AnalyticsBehind):
        await world.analytics.difference("activity", world.one.tenant_id, (0, 18))
    with pytest.raises(InvalidParameters):
        await world.analytics.difference("activity", world.one.tenant_id, (2, 1))
    with pytest.raises(UnknownReport):
        await world.analytics.difference("nothing", world.one.tenant_id, (0, 1))


async def test_health_and_positions(world: World) -> None:
    happened(world.one)
    await world.publish()
    await world.ask("activity")
    health = await world.analytics.health()
    assert health.figures["lag_events"] == 0
    assert health.figures["events_total"] == 17
    assert (health.poisoned, health.last_error) == ({}, None)
    assert await world.analytics.positions() == {world.one.tenant_id: Position(1, 17)}
    assert await world.analytics.standing(world.one.tenant_id) == TenantStanding(
        Position(1, 17), stopped=False
    )
    assert await world.analytics.standing(uuid4()) == TenantStanding(Position(0, 0), stopped=False)


async def test_a_stopped_tenant_shows_in_health(world: World) -> None:
    happened(world.one)
    world.one.happen("audience.contact_created", b"{}", version=7)
    world.two.happen("tenancy.tenant_registered")
    await world.publish()
    await world.ask("activity", world.two)
    with pytest.raises(AnalyticsBehind) as behind:
        await world.ask("activity")
    assert behind.value.position == Position(1, 17)
    (reason,) = (await world.analytics.health()).poisoned.values()
    assert "schema version 7" in reason


def test_every_report_is_described(tmp_path: Path) -> None:
    local = LocalAnalytics(EventsInMemory(), OlapSettings(folder=tmp_path, database_url=""))
    for name, info in local.reports().items():
        assert info.name == name
        of_costs = "cost" in name or name in ("margin", "unit_economics", "scorecard")
        assert info.permission == ("costs.read" if of_costs else "reports.read")
        assert {column.kind for column in info.columns} == {"dimension", "measure"}
        assert all(column.about.endswith(".") for column in info.columns)
        assert all("description" in field for field in info.parameters["properties"].values())
    asyncio.run(local.close())


async def test_a_changed_definition_is_previewed(world: World) -> None:
    told = Told(world.one)
    told.tell(moment(date(2026, 1, 5)), terms(items=[plan(10_000)]))
    told.tell(moment(date(2026, 2, 5)), terms("unpaid", [plan(10_000)]))
    await world.publish()
    changed = PROFILES["stripe-1"].model_copy(update={"id": "ours-1", "statuses": ("active", "unpaid")})
    asked = {"changed": changed.model_dump_json(), "to": "2026-02-28"}
    found = restated(await world.ask(NAME, None, **asked), FIGURES)
    january, february = found.months
    assert (january.old, february.old["end_mrr"], february.restated["end_mrr"]) == (
        january.restated,
        0,
        10_000,
    )
    assert [(one.switch, one.figure, one.amount) for one in found.movements] == [
        ("statuses", "churn", -10_000)
    ]
    assert set(february.left_over.values()) == {0}
    with pytest.raises(InvalidParameters) as wrong:
        await world.ask(NAME, changed=asked["changed"].replace('"forever"', '"often"'))
    assert [pointer for pointer, _ in wrong.value.problems] == ["/changed/coupons"]
    assert NAME not in world.analytics.reports()
