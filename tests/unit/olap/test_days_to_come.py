"""Every report tells of days to come: where its rows go on after a day, the first day after it is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import accumulate
from typing import Final

import pytest

from application.ahead import ahead_from
from application.ports.analytics import InvalidParameters
from application.variance import compares
from domain.finance.calendar import month_of
from projections.olap.query import run_report
from projections.olap.reports import REPORTS
from tests.support.events import History
from tests.support.required import required
from tests.unit.olap.test_costs import enter
from tests.unit.olap.test_every_figure_opens import told
from tests.unit.olap.test_ingest import World
from tests.unit.olap.test_scorecard import aim

OF_DAYS: Final = [name for name, report in REPORTS.items() if compares(report.info)]
AHEAD: Final = {"costs_by_category", "costs_by_workspace", "cost_variance", "lapses"}


@pytest.fixture(scope="module")
def asked() -> Iterator[tuple[World, History]]:
    """With costs, invoices of services, subscriptions and targets that lie ahead of every event."""
    history = told()
    enter(history, 750, amount=120_000, covers_from=date(2026, 11, 1), covers_to=date(2098, 10, 31))
    aim(history, 71, "mrr", "250", unit="USD", period_kind="year", period="2098")
    latest = accumulate((one.recorded_at for one in history.events), max)
    history.events[:] = [
        one._replace(recorded_at=when) for one, when in zip(history.events, latest, strict=True)
    ]
    world = World(history).catch_up()
    yield world, history
    world.store.close()


def test_reports_that_reach_ahead_say_so() -> None:
    assert {name for name, report in REPORTS.items() if report.info.reaches_ahead} == AHEAD
    for name in OF_DAYS:
        told = REPORTS[name].info.parameters["properties"]["to"]["description"]
        assert ("to come" in told or "one to come" in told) is (name in AHEAD), name


@pytest.mark.parametrize("name", OF_DAYS)
def test_rows_that_go_on_after_a_day_are_marked(asked: tuple[World, History], name: str) -> None:
    world, history = asked
    info, con, usual = REPORTS[name].info, world.store.writing, required(name)
    marked = 0
    for at in range(1, len(history.events) + 1, max(1, len(history.events) // 12)):
        given = {**usual, "at_position": str(at)}
        found = run_report(con, name, history.tenant_id, given)
        day = history.events[at - 1].recorded_at.date()
        until = month_of(day) if "pattern" in str(info.parameters["properties"]["to"]) else str(day)
        actual = run_report(con, name, history.tenant_id, {**given, "to": until})
        ahead = ahead_from(info, given, day, found)
        if found.rows != actual.rows:
            assert ahead is not None
        if ahead is not None:
            assert ahead >= day + timedelta(days=1)
            marked += 1
    assert bool(marked) <= (name in AHEAD), "of others all days had come"
    if name in ("costs_by_category", "costs_by_workspace"):
        assert marked


@pytest.mark.parametrize(
    "name", [name for name in OF_DAYS if name not in ("costs_by_workspace", "cost_variance")]
)
def test_a_day_that_is_none_is_told_how_a_day_is_written(name: str) -> None:
    with pytest.raises(InvalidParameters) as refused:
        REPORTS[name].read({**required(name), "from": "2026-02-30"})
    assert dict(refused.value.problems)["/from"] == "write a day as YYYY-MM-DD, such as 2026-11-30"
