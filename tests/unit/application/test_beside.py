"""Figures of a period beside which a report stands are cited as those of that period by itself."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

import pytest

from application.beside import by_itself, shown_beside
from application.citing import Citing
from application.figures import plain
from application.ports.analytics import InvalidParameters
from application.variance import COMPARE, compared, compares, periods_of
from projections.olap.reports import REPORTS
from tests.support.required import required
from tests.unit.application.test_citing import Lived
from tests.unit.olap.test_every_figure_opens import told

BY_MONTHS = ("costs_by_workspace", "cost_variance")
COMPARING = sorted(name for name, report in REPORTS.items() if compares(report.info))


async def test_every_figure_of_another_period_is_cited_as_its_own() -> None:
    history, chance = told(), random.Random(3)
    analytics, cited = Lived(history), set()
    citing, whose = Citing(analytics), history.tenant_id
    for name in COMPARING:
        info = REPORTS[name].info
        days = ("2026-03", "2026-03") if name in BY_MONTHS else ("2026-03-01", "2026-03-31")
        given = required(name) | dict(zip(("from", "to"), days, strict=True))
        for compare in ("previous", "2026-02..2026-02"):
            periods = periods_of(given, compare)
            reports = [
                await analytics.report(name, whose, {**given, **one.given}, min_position=history.position)
                for one in periods
            ]
            beside, found = compared(info, given, periods, reports)
            dimensions = [at for at, one in enumerate(beside.columns) if one.kind == "dimension"]
            shown = {beside.columns[at].name for at in dimensions}
            assert shown <= {*(one.name for one in info.columns), *shown_beside(info, compare)}
            rows = [row for row in found.rows if periods[1].name in str(row[found.columns.index("row_in")])]
            for row in chance.sample(rows, min(3, len(rows))):
                cell: dict[str, Any] = {found.columns[at]: plain(row[at]) for at in dimensions}
                for own in (one.name for one in info.columns if one.kind == "measure"):
                    measure = f"{own}_{periods[1].name}"
                    made = await citing.cite(whose, name, {**given, COMPARE: compare}, cell, measure)
                    assert made.figure.value == plain(row[found.columns.index(measure)]), (name, measure)
                    assert COMPARE not in made.cited.parameters
                    assert made.cited.parameters["from"] == periods[1].given["from"]
                    cited.add(name)
    await analytics.close()
    assert len(cited) > 10, cited


async def test_what_is_of_two_figures_is_neither_cited_nor_opened() -> None:
    given = {"from": "2026-02-01", "to": "2026-02-28", COMPARE: "previous"}
    info = REPORTS["costs_by_category"].info
    for measure in ("amount_previous_change", "amount_previous_percent", "amount_year_ago", "nothing"):
        with pytest.raises(InvalidParameters) as refused:
            by_itself(info, given, {}, measure)
        ((at, words),) = refused.value.problems
        assert at == "/measure"
        assert "amount_previous" in words
    with pytest.raises(InvalidParameters) as refused:
        by_itself(info, given, {"month_year_ago": "2026-01-01"}, "amount_previous")
    assert refused.value.problems[0][0] == "/cell"
    citing = Citing(Lived(told()))
    with pytest.raises(InvalidParameters) as refused:
        await citing.cite(UUID(int=1), info.name, {COMPARE: "previous"}, {}, "amount")
    assert refused.value.problems[0][0] == "/parameters/from"
