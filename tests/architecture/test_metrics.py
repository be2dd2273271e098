"""The catalogue of metrics fits the reports that it names, the targets of the seed, and the page of finance."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from projections.finance.metrics import CATALOGUE, METRICS, MONEY, Metric, read_catalogue
from projections.olap.reports import REPORTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "finance.md").read_text(encoding="utf-8")
TEMPLATE = json.loads(
    (ROOT / "domain" / "finance" / "templates" / "strategic-planning-framework.json").read_text(
        encoding="utf-8"
    )
)


@pytest.mark.parametrize("metric", CATALOGUE.metrics, ids=lambda one: one.id)
def test_a_metric_opens_in_a_report_that_there_is(metric: Metric) -> None:
    if metric.report is None:
        return
    columns = {column.name: column for column in REPORTS[metric.report].info.columns}
    told = columns[metric.measure or ""]
    if metric.numerator is not None:
        assert told.parts == (metric.numerator, metric.denominator)
        assert told.nature == metric.nature == "ratio"
    assert metric.profile is ("profile" in REPORTS[metric.report].info.parameters["properties"])


def test_each_target_of_the_seed_is_of_a_metric_in_its_unit() -> None:
    for target in TEMPLATE["targets"]:
        unit = METRICS[target["metric"]].unit
        assert (target["unit"] == unit) is not (unit == MONEY), target["key"]


@pytest.mark.parametrize("metric", CATALOGUE.metrics, ids=lambda one: one.id)
def test_the_page_says_of_each_what_it_is(metric: Metric) -> None:
    told = metric.because or f"`{metric.report}.{metric.measure}`"
    row = f"| `{metric.id}` | {metric.group} | {metric.formula} | {metric.unit} | {metric.better} | {told} |"
    assert f"\n{row}\n" in PAGE


def test_the_page_names_the_version() -> None:
    assert f"version {CATALOGUE.version} of the catalogue" in PAGE


@pytest.mark.parametrize(
    "change",
    [
        ('missing = "domains"', ""),
        ('report = "arr"', ""),
        ('id = "arr"', 'id = "mrr"'),
        ("version = 1", "version = 0"),
    ],
)
def test_a_catalogue_that_does_not_fit_is_refused(change: tuple[str, str]) -> None:
    text = (ROOT / "projections" / "finance" / "metrics.toml").read_text(encoding="utf-8")
    assert change[0] in text
    with pytest.raises(ValidationError):
        read_catalogue(text.replace(*change))
