"""Usage as facts: what came to be used and what was given up, month by month."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from projections.olap.query import run_events_behind, run_report
from tests.support.decided import dispatch
from tests.support.events import BEGIN, History
from tests.unit.olap.test_ingest import World

MONTH = BEGIN.date().replace(day=1)


@pytest.fixture
def world() -> Iterator[World]:
    made = World(History(), History())
    yield made
    made.store.close()


def test_usage_is_counted_by_meter_and_opens_to_its_events(world: World) -> None:
    history = world.histories[0]
    for name in (
        "tenancy.tenant_opened",
        "tenancy.workspace_created",
        "tenancy.member_joined",
        "tenancy.member_invited",
        "tenancy.member_invited",
        "tenancy.member_joined",
        "tenancy.invitation_revoked",
        "tenancy.workspace_created",
        "tenancy.workspace_archived",
    ):
        workspace = {"workspace_id": str(history.workspace_id), "workspace_name": "W", "country": None}
        history.happen(name, workspace, version=2 if name == "tenancy.workspace_created" else 1)
    dispatch(history)
    # By the moment of a message, which may be of the month before the day on which it was recorded.
    late = {
        "workspace_id": str(history.workspace_id),
        "occurred_at": (BEGIN - timedelta(days=40)).isoformat(),
    }
    history.happen("audience.message_dispatched", late, version=2)
    world.catch_up()
    before = (BEGIN - timedelta(days=40)).date().replace(day=1)
    report = run_report(world.store.writing, "usage", history.tenant_id, {})
    assert list(report.rows) == [
        (before, "emails", 1, 1, 0),
        (MONTH, "emails", 1, 1, 0),
        (MONTH, "users", 2, 3, 1),
        (MONTH, "workspaces", 1, 2, 1),
    ]
    cell = {"month": str(MONTH), "meter": "users"}
    behind = run_events_behind(world.store.writing, "usage", history.tenant_id, cell, {}, after=0, limit=100)
    assert sum(weight for _, weight in behind.events) == 2
    assert list(run_report(world.store.writing, "usage", world.histories[1].tenant_id, {}).rows) == []
