"""A target that is set or changed is told as that: citations and sealed packs say that it moved, not the figure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from application.charts import Period
from application.citing import Citing, encode
from application.packs.definition import definition_named
from application.packs.drift import Drifting, WordMoved
from application.packs.figures import Figuring
from tests.support.events import History
from tests.support.mrr_histories import Told, moment, plan, terms
from tests.unit.application.test_citing import Lived
from tests.unit.olap.test_scorecard import aim

QUARTER: dict[str, Any] = {"period_kind": "quarter", "period": "2026-Q1", "unit": "USD"}
ROW = {"metric": "mrr", "period": "2026-01-01", "currency": "USD", "unit": "USD", "segment": None}


@pytest.fixture
async def life() -> AsyncIterator[tuple[History, Lived]]:
    story = Told(History(tenant_id=UUID(int=5)))
    story.tell(moment(date(2026, 2, 3)), terms(items=[plan(30_000)]))
    aim(story.history, 1, "mrr", "250", **QUARTER)
    analytics = Lived(story.history)
    yield story.history, analytics
    await analytics.close()


async def test_a_cited_figure_stays_where_its_target_changes(life: tuple[History, Lived]) -> None:
    history, analytics = life
    whose, citing = history.tenant_id, Citing(analytics)
    made = await citing.cite(whose, "scorecard", {}, ROW, "actual")
    assert dict(made.cited.cell) == ROW
    aim(history, 1, "mrr", "400", **QUARTER)
    analytics.source.events = list(history.events)
    found = await citing.resolve(whose, made.citation)
    assert (found.otherwise, found.difference) == (None, 0)
    variance = await citing.cite(whose, "scorecard", {}, ROW, "variance")
    assert variance.figure.value == -100


async def test_a_citation_that_names_more_than_the_row_is_found(life: tuple[History, Lived]) -> None:
    history, analytics = life
    whose, citing = history.tenant_id, Citing(analytics)
    made = await citing.cite(whose, "scorecard", {}, ROW, "variance")
    named = {**ROW, "comparison": "at_least", "target": "250", "target_to": None}
    older = type(made.cited)(
        "scorecard", made.cited.version, made.cited.parameters, named, "variance", made.cited.position
    )
    aim(history, 1, "mrr", "400", **QUARTER)
    analytics.source.events = list(history.events)
    found = await citing.resolve(whose, encode(whose, older, made.figure.value))
    assert found.then is not None
    assert found.now is not None
    assert (found.otherwise, found.then.value, found.now.value) == (None, 50, -100)


async def test_each_of_two_targets_of_one_figure_is_cited(life: tuple[History, Lived]) -> None:
    history, analytics = life
    aim(history, 2, "mrr", "500", **QUARTER)
    analytics.source.events = list(history.events)
    whose, citing = history.tenant_id, Citing(analytics)
    for target, variance in (("250", 50), ("500", -200)):
        made = await citing.cite(whose, "scorecard", {}, {**ROW, "target": target}, "variance")
        assert made.figure.value == variance
        found = await citing.resolve(whose, made.citation)
        assert found.then is not None
        assert (found.otherwise, found.then.value) == (None, variance)


@pytest.mark.parametrize(("number", "before"), [(1, "250"), (2, "250")])
async def test_a_sealed_pack_tells_of_the_target(
    life: tuple[History, Lived], number: int, before: str
) -> None:
    """Of one that is changed, and of a second one beside it."""
    history, analytics = life
    whose, figuring = history.tenant_id, Figuring(analytics)
    definition = definition_named("finance", analytics.reports())
    period = Period(date(2026, 1, 1), date(2026, 3, 31))
    sealed = await figuring.figures(definition, whose, period, history.position)
    aim(history, number, "mrr", "400", **QUARTER)
    analytics.source.events = list(history.events)
    found = await Drifting(analytics).drift(whose, sealed.json())
    told = [(one.measure, one.sealed, one.now) for one in found.moved]
    assert told == [("variance", 50, -100)]
    assert WordMoved("target", before, "400") in found.moved[0].told
