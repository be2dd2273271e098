"""Whatever a sentence names has a name in its language."""

from __future__ import annotations

import pytest

import domain.registered  # noqa: F401 - all events are there then
from domain.costs.entry import Category
from domain.kernel.events import EVENTS
from projections.directions.asked import measures_of, paces_of
from projections.directions.names import names_in
from projections.directions.wording import Language
from projections.finance.metrics import metric_of
from projections.olap.platform.reports import PLATFORM_REPORTS
from projections.olap.reports import REPORTS

CONTEXTS = {name.partition(".")[0] for name in EVENTS.classes}
PARTS = {*Category, *CONTEXTS, "allow", "hold", "deny", "direct", "allocated", "unallotted", "whole"}


@pytest.mark.parametrize("language", Language)
def test_every_figure_and_every_known_part_has_a_name(language: Language) -> None:
    figures = set[str]()
    told = [(name, one.info) for name, one in REPORTS.items()]
    told += ((name, one.info) for name, one in PLATFORM_REPORTS.items())
    for name, info in told:
        for measure in measures_of(info) if paces_of(info) else ():
            metric = metric_of(name, measure.name)
            figures |= {measure.name if metric is None else metric.id, *measure.parts}
    names = names_in(language)
    assert {*figures, *PARTS} <= names.keys()
    assert all(told and "_" not in told for told in names.values())


def test_names_are_of_their_language() -> None:
    english, *others = (names_in(language) for language in Language)
    for other in others:
        same = {name for name, told in other.items() if told == english[name]}
        assert same <= {
            "billing",
            "decisions",
            "domain",
            "marketing",
            "messages",
            "nps",
            "quick_ratio",
            "software",
            "uptime",
            "webhooks",
            "margin",
            "server",
            "direct",
        }, same
