"""Citations of figures: each resolves to what it named, in its own tenant alone, and a slip of the pen is seen."""

from __future__ import annotations

import base64
import random
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from adapters.duckdb.local import EventsInMemory, LocalAnalytics
from adapters.duckdb.settings import OlapSettings
from application.citing import CitationMistyped, Citing, Otherwise, decode, encode, naming
from application.figures import plain
from application.ports.analytics import InvalidParameters, ReportInfo
from application.ports.positions import Position
from domain.kernel.errors import NotFound
from projections.olap.reports import REPORTS
from tests.support.events import History
from tests.support.mrr_histories import Told, moment, plan, terms
from tests.support.required import required
from tests.unit.olap.test_every_figure_opens import told

MRR = {"period": "2026-03-01", "currency": "USD"}


class Lived(LocalAnalytics):
    """Analytics of one history, whose definitions a test may raise."""

    def __init__(self, history: History) -> None:
        self.source = EventsInMemory(history.events)
        self.raised: dict[str, int] = {}
        super().__init__(self.source, OlapSettings(folder=Path(), database_url="", min_position_seconds=0.1))

    def reports(self) -> Mapping[str, ReportInfo]:
        found = dict(super().reports())
        for name, version in self.raised.items():
            found[name] = replace(found[name], definition=replace(found[name].definition, version=version))
        return found


@pytest.fixture
async def life() -> AsyncIterator[tuple[Told, Lived]]:
    story = Told(History(tenant_id=UUID(int=5)))
    story.tell(moment(date(2026, 2, 3)), terms(items=[plan(4_900)]))
    story.tell(moment(date(2026, 3, 1)), terms(items=[plan(9_900)]))
    analytics = Lived(story.history)
    yield story, analytics
    await analytics.close()


async def test_figures_of_every_report_are_cited_and_resolve_to_themselves() -> None:
    history = told()
    analytics = Lived(history)
    citing, chance = Citing(analytics), random.Random(1)
    for name, report in REPORTS.items():
        given = required(name)
        found = await analytics.report(name, history.tenant_id, given)
        names = [one.name for one in naming(report.info)]
        at = {column: number for number, column in enumerate(found.columns)}
        named = Counter(tuple(row[at[one]] for one in names) for row in found.rows)
        assert set(named.values()) == {1}, f"{name}: its rows are not told apart by {names}"
        for row in chance.sample(found.rows, min(2, len(found.rows))):
            cell = {one: plain(row[at[one]]) for one in names}
            measure = chance.choice([one.name for one in report.info.columns if one.kind == "measure"])
            made = await citing.cite(history.tenant_id, name, given, cell, measure)
            assert made.figure.value == plain(row[at[measure]])
            assert len(made.citation) < 300, made.citation
            then = await citing.resolve(history.tenant_id, made.citation)
            assert (then.otherwise, then.cited) == (None, made.cited), name
            assert then.then is not None
            assert then.then.value == made.figure.value
    await analytics.close()


async def test_what_came_since_is_the_difference(life: tuple[Told, Lived]) -> None:
    story, analytics = life
    whose, citing = story.history.tenant_id, Citing(analytics)
    made = await citing.cite(whose, "mrr", {"at_position": "1", "to": "2026-03-31"}, MRR, "end_mrr")
    assert (made.figure.value, made.figure.position) == (4_900, Position(1, 1))
    found = await citing.resolve(whose, made.citation)
    assert found.then is not None
    assert found.now is not None
    assert (found.otherwise, found.then.value, found.now.value, found.difference) == (
        None,
        4_900,
        9_900,
        5_000,
    )
    story.tell(moment(date(2026, 2, 4)), terms("canceled", ended_at=moment(date(2026, 2, 4))), subscription=2)
    story.tell(moment(date(2026, 3, 2)), terms(items=[plan(100)]), subscription=2)
    analytics.source.events = list(story.history.events)
    later = await citing.resolve(whose, made.citation)
    assert (later.otherwise, later.difference) == (None, 5_100)


async def test_all_that_is_usual_is_said_so_that_it_may_change(life: tuple[Told, Lived]) -> None:
    story, analytics = life
    made = await Citing(analytics).cite(story.history.tenant_id, "mrr", {}, MRR, "churn")
    assert made.cited.parameters == {"profile": "stripe-1", "dating": "posting", "grain": "month"}
    assert len(made.citation) < 150


async def test_a_slip_of_the_pen_is_seen(life: tuple[Told, Lived]) -> None:
    story, analytics = life
    whose = story.history.tenant_id
    text = (await Citing(analytics).cite(whose, "mrr", {}, MRR, "end_mrr")).citation
    for at in range(len(text)):
        for other in ("", "A", "b", "_", text[at].swapcase()):
            mistyped = text[:at] + other + text[at + 1 :]
            if mistyped != text:
                with pytest.raises(CitationMistyped):
                    decode(whose, mistyped)
    for wrong in ("", "pm1:", "pm2:" + text[4:], text + "A" * 3_000, "pm1:ä", text + "="):
        with pytest.raises(CitationMistyped):
            decode(whose, wrong)
    with pytest.raises(NotFound):
        decode(uuid4(), text)


@pytest.mark.parametrize(
    "told",
    [
        [1, 2, 3, 4, 5, 6, 7],
        ["mrr", 1, {}, [], "new", 1, 1],
        ["mrr", 1, {"to": 1}, {}, "new", 1, 1],
        ["mrr", 1, {}, {}, "new", 1, "1"],
        ["mrr", 1, {}, {}, "new", 1, 1.5],
        {"report": "mrr"},
        7,
    ],
)
def test_what_names_no_figure_is_no_citation(told: object) -> None:
    deflating = zlib.compressobj(wbits=-15)
    body = bytes(16) + deflating.compress(orjson.dumps(told)) + deflating.flush()
    checked = base64.urlsafe_b64encode(body + zlib.crc32(body).to_bytes(4)).decode().rstrip("=")
    with pytest.raises(CitationMistyped):
        decode(uuid4(), f"pm1:{checked}")


async def test_another_value_says_why(life: tuple[Told, Lived]) -> None:
    story, analytics = life
    whose, citing = story.history.tenant_id, Citing(analytics)
    cited = (await citing.cite(whose, "mrr", {}, MRR, "end_mrr")).cited
    another = encode(whose, cited, 1)
    assert (await citing.resolve(whose, another)).otherwise is Otherwise.MADE_OTHERWISE
    analytics.raised["mrr"] = 3
    assert (await citing.resolve(whose, another)).otherwise is Otherwise.DEFINITION_CHANGED
    same = await citing.resolve(whose, encode(whose, cited, 9_900))
    assert same.otherwise is None, "the same under another version is the same"
    for changed in (
        {"report": "gone"},
        {"measure": "gone"},
        {"cell": {"period": "2026-03-01"}},
        {"parameters": {"gone": "1"}},
    ):
        gone = encode(whose, replace(cited, **changed), 9_900)
        found = await citing.resolve(whose, gone)
        assert (found.otherwise, found.then) == (Otherwise.DEFINITION_CHANGED, None)
    restored = encode(whose, replace(cited, position=Position(0, 99)), 9_900)
    found = await citing.resolve(whose, restored)
    assert (found.otherwise, found.then) == (Otherwise.LOG_RESTORED, None)
    other = encode(whose, replace(cited, position=Position(0, 1)), 9_900)
    assert (await citing.resolve(whose, other)).otherwise is Otherwise.LOG_RESTORED


@pytest.mark.parametrize(
    ("pointer", "parameters", "cell", "measure"),
    [
        ("/cell", {}, {"period": "2026-03-01"}, "churn"),
        ("/cell", {}, {**MRR, "colour": "red"}, "churn"),
        ("/cell", {}, {**MRR, "currency": "JPY"}, "churn"),
        ("/measure", {}, MRR, "currency"),
        ("/parameters/profile", {"profile": "mine-1"}, MRR, "churn"),
    ],
)
async def test_what_is_no_figure_is_told(
    life: tuple[Told, Lived], pointer: str, parameters: dict[str, str], cell: dict[str, Any], measure: str
) -> None:
    story, analytics = life
    with pytest.raises(InvalidParameters) as told_:
        await Citing(analytics).cite(story.history.tenant_id, "mrr", parameters, cell, measure)
    assert [at for at, _ in told_.value.problems] == [pointer]
