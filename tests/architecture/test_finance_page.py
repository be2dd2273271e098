"""The page of finance says what the profiles are, switch by switch, and names every report of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from projections.finance.profiles import PROFILES, Profile, Switch
from projections.olap.bridge_report import BRIDGE_REPORTS
from projections.olap.churn_reports import CHURN_REPORTS
from projections.olap.mrr_reports import MRR_REPORTS
from projections.olap.page import reports_page

REPORTS_PAGE = Path(__file__).parents[2] / "docs" / "reports.md"
PAGE = (Path(__file__).parents[2] / "docs" / "finance.md").read_text(encoding="utf-8")


def shown(profile: Profile, switch: Switch) -> str:
    value = getattr(profile, switch)
    if isinstance(value, tuple):
        told = ", ".join(value)
    elif isinstance(value, bool):
        told = "yes" if value else "no"
    else:
        told = "any time" if value is None else str(value)
    return f"**{told}**" if switch in profile.facts else told


@pytest.mark.parametrize("switch", Switch)
def test_each_switch_has_its_row(switch: Switch) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{switch}`:")]
    assert [cell.strip() for cell in row.split("|")[2:-1]] == [
        shown(profile, switch) for profile in PROFILES.values()
    ]


def test_the_profiles_stand_in_its_head() -> None:
    (head,) = [line for line in PAGE.splitlines() if line.startswith("| switch |")]
    assert head == f"| switch | {' | '.join(f'`{name}`' for name in PROFILES)} |"


def test_every_report_is_named() -> None:
    for report in (*MRR_REPORTS, *CHURN_REPORTS, *BRIDGE_REPORTS):
        assert f"\n| `{report.info.name}` |" in PAGE


def test_the_page_of_reports_is_that_of_the_program() -> None:
    assert REPORTS_PAGE.read_text(encoding="utf-8") == reports_page(), (
        "make it anew: python -m scripts.reports_page > docs/reports.md"
    )
