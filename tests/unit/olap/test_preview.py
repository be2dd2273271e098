"""A changed definition: restated history is that of the definition, and every difference is explained."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from application.ports.analytics import InvalidParameters
from application.restating import RESTATEMENT, Restated, restated
from projections.finance.profiles import PROFILES, Profile, ProfileVersionTaken, must_not_be_taken
from projections.olap.mrr_sql import KINDS
from projections.olap.preview_report import FIGURES, NAME
from projections.olap.query import run_events_behind, run_report
from tests.support.events import History
from tests.support.mrr_histories import Told, moment, percent, plan, terms
from tests.unit.olap.test_every_figure_opens import told
from tests.unit.olap.test_ingest import World

OURS = PROFILES["profitwell-1"].model_copy(update={"id": "ours-1", "statuses": ("active",)})
LOST = ("contraction", "churn")


@pytest.fixture(scope="module")
def lived() -> Iterator[tuple[World, History]]:
    history = told()
    world = World(history).catch_up()
    yield world, history
    world.store.close()


def previewed(world: World, history: History, changed: Profile = OURS, **given: Any) -> Restated:
    given = {name.removesuffix("_"): value for name, value in given.items()}
    asked = {**given, "changed": changed.model_dump_json()}
    return restated(run_report(world.store.writing, NAME, history.tenant_id, asked), FIGURES)


def mrr(world: World, history: History, profile: str, **given: Any) -> dict[Any, dict[str, Any]]:
    found = run_report(world.store.writing, "mrr", history.tenant_id, {"profile": profile, **given})
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    return {(row.pop("period"), row.pop("currency")): row for row in rows}


def balances(amounts: dict[str, int]) -> bool:
    moved = sum(-amounts[kind] if kind in LOST else amounts[kind] for kind in KINDS)
    return amounts["start_mrr"] + amounts[RESTATEMENT] + moved == amounts["end_mrr"]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("dating", ["effective", "posting"])
def test_all_of_history_is_that_of_the_other_definition(
    lived: tuple[World, History], profile: str, dating: str
) -> None:
    world, history = lived
    changed = PROFILES["chartmogul-1"].model_copy(update={"id": "ours-1"})
    found = previewed(world, history, changed, profile=profile, dating=dating)
    old, new = (mrr(world, history, one, dating=dating) for one in (profile, "chartmogul-1"))
    for month in found.months:
        key, nothing = (month.period, month.currency), dict.fromkeys((*KINDS, "start_mrr", "end_mrr"), 0)
        assert month.old == {**old.get(key, nothing), RESTATEMENT: 0}
        assert month.restated == {**new.get(key, nothing), RESTATEMENT: 0}
        assert set(month.left_over.values()) == {0}
        assert balances(month.old)
        assert balances(month.restated)
    assert {key for key, row in new.items() if any(row.values())} <= {
        (one.period, one.currency) for one in found.months
    }
    assert bool(found.movements) == (profile != "chartmogul-1")


@pytest.mark.parametrize("since", ["2025-11-02", "2026-01-01", "2026-02-17"])
@pytest.mark.parametrize("dating", ["effective", "posting"])
def test_from_a_day_on_what_was_before_is_taken_over(
    lived: tuple[World, History], since: str, dating: str
) -> None:
    world, history = lived
    found = previewed(world, history, effective_from=since, dating=dating)
    day, was = date.fromisoformat(since), dict[str, int]()
    old = mrr(world, history, "stripe-1", dating=dating)
    for month in found.months:
        assert month.old == {**old[month.period, month.currency], RESTATEMENT: 0}
        assert set(month.left_over.values()) == {0}
        assert balances(month.restated)
        assert month.restated["start_mrr"] == was.get(month.currency, month.old["start_mrr"])
        was[month.currency] = month.restated["end_mrr"]
        if (month.period + timedelta(days=31)).replace(day=1) <= day:
            assert month.restated == month.old
        if month.period > day or (month.period + timedelta(days=31)).replace(day=1) <= day:
            assert month.restated[RESTATEMENT] == 0
    assert all(one.day >= day for one in found.movements)
    assert any(month.restated != month.old for month in found.months)


def test_every_line_opens_also_as_of_a_position(lived: tuple[World, History]) -> None:
    world, history = lived
    chance, con = random.Random(2), world.store.writing
    for given in ({}, {"effective_from": "2026-01-10", "at_position": len(history.events) - 7}):
        asked = {**given, "changed": OURS.model_dump_json()}
        found = run_report(con, NAME, history.tenant_id, asked)
        for row in chance.sample(found.rows, 25):
            cell = dict(zip(found.columns[:-1], row[:-1], strict=True))
            behind = run_events_behind(con, NAME, history.tenant_id, cell, asked, after=0, limit=1_000)
            assert sum(weight for _, weight in behind.events) == row[-1], cell


def test_a_worked_example() -> None:
    story = Told()
    story.tell(moment(date(2026, 1, 5)), terms(items=[plan(10_000)]))
    story.tell(
        moment(date(2026, 2, 5)), terms(items=[plan(10_000)], discounts=[percent(2_500, date(2026, 2, 20))])
    )
    world = World(story.history).catch_up()
    changed = PROFILES["stripe-1"].model_copy(update={"id": "stripe-2", "coupons": "all"})
    january, february = previewed(world, story.history, changed, to="2026-02-28").months
    assert january.old == january.restated
    assert february.old["end_mrr"] == february.restated["end_mrr"] == 10_000
    assert (february.restated["contraction"], february.restated["expansion"]) == (2_500, 2_500)
    assert february.by_switch == {"coupons": {"contraction": 2_500, "expansion": 2_500}}
    _, later = previewed(world, story.history, changed, to="2026-02-28", effective_from="2026-02-10").months
    assert (later.restated[RESTATEMENT], later.restated["expansion"]) == (-2_500, 2_500)
    assert later.restated["contraction"] == 0
    world.store.close()


def test_a_profile_that_is_none_names_the_field_and_a_version_is_given_once(
    lived: tuple[World, History],
) -> None:
    world, history = lived
    wrong = OURS.model_dump_json().replace('"coupons":"all"', '"coupons":"some"')
    with pytest.raises(InvalidParameters) as told_:
        run_report(world.store.writing, NAME, history.tenant_id, {"changed": wrong})
    assert [pointer for pointer, _ in told_.value.problems] == ["/changed/coupons"]
    must_not_be_taken(OURS)
    must_not_be_taken(PROFILES["maxio-1"])
    with pytest.raises(ProfileVersionTaken):
        must_not_be_taken(OURS.model_copy(update={"id": "maxio-1"}))
