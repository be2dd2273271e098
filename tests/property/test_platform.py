"""Any customers, as of any moment: their figures are those of plain Python, and each opens to its events."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.finance.profiles import PROFILES
from projections.olap.platform.query import run_platform_events, run_platform_report, run_vector
from projections.olap.platform.reports import PLATFORM_REPORTS
from tests.support.platform_model import Business, Known, rows_by
from tests.support.required import required_of_all
from tests.unit.olap.test_ingest import World

RUNS = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def worlds() -> Iterator[list[World]]:
    opened: list[World] = []
    yield opened
    for world in opened:
        world.store.close()


def read(worlds: list[World], business: Business) -> World:
    worlds.append(World(*business.histories))
    return worlds[-1].catch_up()


def asked(world: World, name: str, *keys: str, **parameters: Any) -> dict[Any, dict[str, Any]]:
    report = run_platform_report(world.store.writing, name, parameters)
    return rows_by(report.columns, report.rows, *keys)


def assert_shown(shown: dict[Any, dict[str, Any]], expected: dict[Any, dict[str, Any]], name: str) -> None:
    """Each figure that is expected is shown, as far as the report has it, and nothing else is."""
    assert set(shown) == set(expected), name
    for key, row in expected.items():
        for measure, figure in row.items():
            if measure not in shown[key]:
                continue
            told = shown[key][measure]
            if figure is None or isinstance(figure, int):
                assert told == figure, (name, key, measure)
            else:
                tolerance = 0.5000001 if isinstance(told, int) else 1e-9
                assert told == pytest.approx(float(figure), rel=1e-9, abs=tolerance), (name, key, measure)


def moments_of(business: Business, part: float) -> datetime:
    moments = business.moments()
    return moments[int(part * (len(moments) - 1))]


@RUNS
@given(
    seed=st.integers(0, 10_000),
    customers=st.integers(1, 10),
    part=st.floats(0, 1),
    profile=st.sampled_from(sorted(PROFILES)),
    grain=st.sampled_from(("month", "quarter", "year")),
)
def test_figures_as_of_any_moment_are_those_of_plain_python(
    worlds: list[World], *, seed: int, customers: int, part: float, profile: str, grain: str
) -> None:
    business = Business(seed, customers)
    world, at = read(worlds, business), moments_of(business, part)
    known = Known(business, at, PROFILES[profile], grain)
    given_: dict[str, Any] = {"at_time": at, "profile": profile, "grain": grain}
    assert_shown(asked(world, "mrr", "period", "currency", **given_), known.moving(), "mrr")
    assert_shown(asked(world, "churn_rates", "period", "currency", **given_), known.moving(), "churn_rates")
    assert_shown(asked(world, "customers", "period", **given_), known.customers(), "customers")
    economics = asked(world, "unit_economics", "period", "currency", **given_)
    expected = known.economics()
    assert_shown({key: economics[key] for key in expected}, expected, "unit_economics")
    for key, row in asked(world, "margin", "period", "currency", at_time=at, grain=grain).items():
        period, currency = key
        for kind in ("revenue", "cost", "acquisition"):
            assert row[kind] == known.earned(kind, currency, period), (kind, key)
    monthly = Known(business, at, PROFILES[profile], "month")
    shown = asked(world, "cohorts", "cohort", "currency", "month", at_time=at, profile=profile)
    assert_shown(shown, monthly.cohorts(), "cohorts")
    trials = asked(world, "trials", "period", at_time=at, grain=grain)
    assert sum(row["started"] for row in trials.values()) == len(known.trials["started"])
    assert sum(row["won"] for row in trials.values()) == len(known.trials["won"])
    assert sum(row["ended"] for row in trials.values()) == len(known.trials["won"] + known.trials["lost"])


@settings(RUNS, max_examples=5)
@given(seed=st.integers(0, 10_000), part=st.floats(0, 1))
def test_an_answer_says_where_each_log_stood(worlds: list[World], seed: int, part: float) -> None:
    business = Business(seed, 4)
    world, at = read(worlds, business), moments_of(business, part)
    found = run_vector(world.store.writing, {"at_time": at}, after=None, limit=100)
    assert {tenant: position.n for tenant, position in found.positions} == business.vector(at)
    lines = "\n".join(f"{tenant} {position.epoch}.{position.n}" for tenant, position in found.positions)
    assert found.standing.digest == hashlib.sha256(lines.encode()).hexdigest()
    assert found.standing.as_of == max(moment for moment in business.moments() if moment <= at)
    last = business.moments()[-1]
    for name in PLATFORM_REPORTS:
        now, then = (
            run_platform_report(world.store.writing, name, {**required_of_all(name), **given_})
            for given_ in ({}, {"at_time": last})
        )
        assert now == then, name


@settings(RUNS, max_examples=2)
@given(
    seed=st.integers(0, 10_000), part=st.floats(0.3, 1), grain=st.sampled_from(("month", "quarter", "year"))
)
def test_every_figure_opens_to_events_that_sum_to_it(
    worlds: list[World], seed: int, part: float, grain: str
) -> None:
    business = Business(seed, 5)
    world, at = read(worlds, business), moments_of(business, part)
    con, vector, looked_at = world.store.writing, business.vector(at), 0
    for name, report in PLATFORM_REPORTS.items():
        takes = report.info.parameters["properties"]
        asked_for = (("at_time", at), ("grain", grain), *required_of_all(name).items())
        parameters = {key: value for key, value in asked_for if key in takes}
        rows = run_platform_report(con, name, parameters).rows
        for number, row in enumerate(rows[:: max(1, len(rows) // 4)]):
            told = dict(zip([column.name for column in report.info.columns], row, strict=True))
            cell = {
                column.name: told[column.name] for column in report.info.columns if column.kind == "dimension"
            }
            # Half of them in two rows, the others in the next two: rows of one period are often of two currencies.
            for measure in report.opens[number // 2 % 2 :: 2] if len(rows) > 2 else report.opens:
                opened = run_platform_events(
                    con, name, {**cell, "measure": measure}, parameters, after=None, limit=10_000
                )
                assert sum(place.weight for place in opened.events) == (told[measure] or 0), (
                    name,
                    cell,
                    measure,
                )
                assert all(0 < place.position <= vector[place.tenant_id] for place in opened.events)
                looked_at += 1
    assert looked_at > 20
