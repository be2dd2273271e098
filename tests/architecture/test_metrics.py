"""The catalogue of metrics fits the reports that it names, the targets of the seed, and the page of finance."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from projections.finance.metrics import CATALOGUE, METRICS, MONEY, Metric, read_catalogue
from projections.olap.platform.reports import PLATFORM_REPORTS
from projections.olap.platform.scorecard import TOLD
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
    info = PLATFORM_REPORTS[metric.report].info if metric.platform else REPORTS[metric.report].info
    columns = {column.name: column for column in info.columns}
    told = columns[metric.measure or ""]
    if metric.numerator is not None:
        assert told.parts == (metric.numerator, metric.denominator)
        assert told.nature == metric.nature == "ratio"
    assert metric.profile is ("profile" in info.parameters["properties"])


def test_the_platforms_scorecard_tells_what_is_platform_wide() -> None:
    assert set(METRICS) >= TOLD >= {one.id for one in CATALOGUE.metrics if one.platform}


@pytest.mark.parametrize("metric", CATALOGUE.metrics, ids=lambda one: one.id)
def test_a_metric_that_is_told_both_ways_is_one_measure_in_both(metric: Metric) -> None:
    if metric.report and metric.told and metric.id in TOLD and metric.report in PLATFORM_REPORTS:
        mine = {column.name: column for column in REPORTS[metric.report].info.columns}
        ours = {column.name: column for column in PLATFORM_REPORTS[metric.report].info.columns}
        measure = metric.measure or ""
        assert (mine[measure].unit, mine[measure].nature, mine[measure].parts) == (
            ours[measure].unit,
            ours[measure].nature,
            ours[measure].parts,
        )


def test_each_target_of_the_seed_is_of_a_metric_in_its_unit() -> None:
    for target in TEMPLATE["targets"]:
        unit = METRICS[target["metric"]].unit
        assert (target["unit"] == unit) is not (unit == MONEY), target["key"]


@pytest.mark.parametrize("metric", CATALOGUE.metrics, ids=lambda one: one.id)
def test_the_page_says_of_each_what_it_is(metric: Metric) -> None:
    where = f"`{metric.report}.{metric.measure}`"
    told = f"platform: {where}" if metric.platform else metric.because or where
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
