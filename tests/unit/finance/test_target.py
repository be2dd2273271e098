"""Targets: set, set anew, withdrawn; and the planning document's, as it says them."""

from __future__ import annotations

from typing import Any, Final

import pytest
from pydantic import ValidationError

from domain.finance.target import (
    AdoptTargets,
    Comparison,
    MetricUnknown,
    NoTarget,
    RangeIncomplete,
    SetTarget,
    Target,
    TargetIsOfAnother,
    TargetsAdopted,
    TargetSet,
    TargetWithdrawn,
    WithdrawTarget,
)
from domain.finance.templates import template
from domain.kernel.errors import NotFound
from domain.kernel.ids import TargetId
from projections.finance.metrics import METRICS
from tests.support.given import TENANT, given, uid
from tests.support.unit import World

TARGET = TargetId(uid(0xC1))
PLAN: Final = "strategic-planning-framework"


def aim(**told: Any) -> SetTarget:
    usual = {"metric": "mrr", "period": "2026-Q4", "value": "250000", "unit": "USD"}
    return SetTarget.model_validate({**usual, **told})


def was_set(**told: Any) -> TargetSet:
    usual = {
        "target_id": TARGET,
        "metric": "mrr",
        "period_kind": "quarter",
        "period": "2026-Q4",
        "segment": None,
        "comparison": "at_least",
        "value": "250000",
        "value_to": None,
        "unit": "USD",
        "source": None,
    }
    return TargetSet.model_validate({**usual, **told})


@pytest.mark.parametrize(
    ("metric", "nearest"), [("mmr", "mrr"), ("gros_margin", "gross_margin"), ("colour_of_the_sky", None)]
)
def test_a_target_is_of_a_metric_of_the_catalogue(metric: str, nearest: str | None) -> None:
    world = World()
    with pytest.raises(MetricUnknown) as refused:
        world.run(aim(metric=metric), TARGET)
    near: list[str] = refused.value.extra["nearest"]  # type: ignore[assignment]  # this refusal has them
    assert near[:1] == ([] if nearest is None else [nearest])
    assert set(METRICS) <= set(refused.value.detail.removesuffix(".").replace(",", "").split())
    assert world.log == []


def test_a_target_of_before_is_set_anew_whatever_its_metric() -> None:
    world = World()
    old = was_set(metric="of_before")
    world.happened("target", TARGET, old)
    (again,) = world.run(aim(metric="of_before", value="1"), TARGET)
    assert isinstance(again, TargetSet)


def test_every_target_of_the_templates_is_of_the_catalogue() -> None:
    assert {one.metric for one in template(PLAN)} <= set(METRICS)


def test_a_target_is_set_anew_for_the_same_figure_alone() -> None:
    given().when(aim(), target=TARGET).then(was_set())
    given(was_set()).when(aim(), target=TARGET).then()
    given(was_set()).when(aim(value="260000.50"), target=TARGET).then(was_set(value="260000.50"))
    for other in ({"metric": "arr"}, {"period": "2027"}, {"period": None}, {"segment": "saas"}):
        given(was_set()).when(aim(**other), target=TARGET).then(TargetIsOfAnother)
    standing = given().when(aim(period=None), target=TARGET)
    standing.then(was_set(period=None, period_kind="standing"))


def test_a_withdrawn_target_may_be_set_again() -> None:
    gone = TargetWithdrawn(target_id=TARGET)
    given(was_set()).when(WithdrawTarget(), target=TARGET).then(gone)
    given(was_set(), gone).when(WithdrawTarget(), target=TARGET).then()
    given(was_set(), gone).when(aim(), target=TARGET).then(was_set())
    given().when(WithdrawTarget(), target=TARGET).then(NotFound)


@pytest.mark.parametrize(
    "told",
    [
        {"comparison": "range"},
        {"comparison": "range", "value_to": "250000"},
        {"comparison": "range", "value_to": "-1"},
        {"value_to": "300000"},
    ],
)
def test_a_range_has_two_ends_and_nothing_else_has(told: dict[str, Any]) -> None:
    given().when(aim(**told), target=TARGET).then(RangeIncomplete)


@pytest.mark.parametrize(
    "told",
    [
        {"value": "1e3"},
        {"value": "1,000"},
        {"value": "NaN"},
        {"value": "0.0000001"},
        {"period": "2026-Q5"},
        {"period": "Q4 2026"},
        {"metric": "Gross Margin"},
        {"metric": ""},
    ],
)
def test_bad_fields_are_told_by_their_names(told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        aim(**told)
    assert [error["loc"][0] for error in refused.value.errors()] == list(told)


def test_the_plan_is_adopted_once_and_what_was_withdrawn_stays_so() -> None:
    world = World()
    adopted, *targets = world.run(AdoptTargets(template=PLAN), TENANT)
    assert isinstance(adopted, TargetsAdopted)
    assert adopted.target_ids == [target.target_id for target in targets if isinstance(target, TargetSet)]
    assert len(targets) == len(template(PLAN)) == 43
    world.run(WithdrawTarget(), adopted.target_ids[0])
    assert world.run(AdoptTargets(template=PLAN), TENANT) == []
    assert not isinstance(world.state("target", adopted.target_ids[0]), NoTarget)
    with pytest.raises(NotFound):
        world.run(AdoptTargets(template=PLAN), uid(0x33))
    world.assert_replays()


def test_the_plan_says_what_its_document_says_contradictions_included() -> None:
    told = {one.key: one for one in template(PLAN)}
    by_month_12, first_quarter = told["mrr_month_12"], told["mrr_2026_q1"]
    assert (by_month_12.period, by_month_12.value) == ("2026-09", "25000")
    assert (first_quarter.period, first_quarter.value) == ("2026-Q1", "25000")
    assert told["arr_2027"].value == "500000"
    assert told["arr_2026"].value == "3000000"
    assert told["gross_margin"].comparison is Comparison.RANGE
    assert told["cac_saas"].segment == "saas"
    states = World()
    states.run(AdoptTargets(template=PLAN), TENANT)
    kept = [state for state in states.of("target").values() if isinstance(state, Target)]
    assert all(state.said.source for state in kept)
