"""Reports of finance as tests ask for them: over histories, in memory, and with the events behind each figure."""

from __future__ import annotations

from typing import Any

from projections.olap.query import run_events_behind, run_report
from projections.olap.reports import REPORTS
from tests.support.events import History
from tests.unit.olap.test_ingest import World


def seen(opened: list[World], *histories: History) -> World:
    world = World(*histories)
    opened.append(world)
    return world.catch_up()


def asked(world: World, history: History, name: str, **parameters: Any) -> list[dict[str, Any]]:
    given = {key.removesuffix("_"): value for key, value in parameters.items()}
    report = run_report(world.store.writing, name, history.tenant_id, given)
    return [dict(zip(report.columns, row, strict=True)) for row in report.rows]


def behind(
    world: World, history: History, name: str, cell: dict[str, Any], **given: Any
) -> list[tuple[int, int]]:
    """The events behind a cell: where each stands, and what it weighs."""
    con, asked_of = world.store.writing, history.tenant_id
    return list(run_events_behind(con, name, asked_of, cell, given, after=0, limit=1_000).events)


def every_figure_opens(world: World, history: History, name: str, **parameters: Any) -> int:
    """Each measure of each row is the sum of its events, and each ratio names what stands in its row."""
    given = {key.removesuffix("_"): value for key, value in parameters.items()}
    columns, looked_at = REPORTS[name].info.columns, 0
    for row in asked(world, history, name, **parameters):
        cell = {one.name: row[one.name] for one in columns if one.kind == "dimension"}
        for one in columns:
            if one.kind == "dimension":
                continue
            if one.nature == "ratio":
                assert one.parts
                assert set(one.parts) <= set(row)
                continue
            events = behind(world, history, name, {**cell, "measure": one.name}, **given)
            assert sum(weight for _, weight in events) == (row[one.name] or 0), (one.name, cell)
            looked_at += 1
    return looked_at
