"""Versions of definitions are for ever: additions are accepted, changes fail."""

from __future__ import annotations

import copy
import re

import pytest

from projections.olap.definitions import DEFINITIONS
from tests.support.definitions import SNAPSHOT, Versions, broken, current, recorded, unrecorded

# One worker makes out what they are now, and not each of them.
pytestmark = pytest.mark.xdist_group("definitions")


@pytest.fixture(scope="module")
def now() -> Versions:
    return current()


def test_no_definition_that_figures_were_given_under_changed(now: Versions) -> None:
    assert broken(recorded(), now) == []


def test_every_definition_was_accepted(now: Versions) -> None:
    assert unrecorded(recorded(), now) == [], (
        f"new definitions: check them, then run scripts/accept_definitions.py to add them to {SNAPSHOT.name}"
    )


def test_a_change_is_found_and_a_new_version_is_none(now: Versions) -> None:
    accepted, raised = recorded(), copy.deepcopy(now)
    assert broken({"report gone": {"1": {}}}, now) == [
        "report gone: figures were given under it, and it is gone"
    ]
    raised["report mrr"] = {"2": {**now["report mrr"]["2"], "churn": "0" * 16}}
    assert broken(accepted, raised) == ["report mrr, version 2: churn is another; raise the version"]
    raised["report mrr"] = {"3": raised["report mrr"]["2"]}
    assert broken(accepted, raised) == []
    assert "report mrr, version 3: churn" in unrecorded(accepted, raised)
    both = {**accepted, "report mrr": {**accepted["report mrr"], "3": raised["report mrr"]["3"]}}
    assert broken(both, now) == ["report mrr: version 2 is older than what figures were given under"]


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_a_report_says_in_one_line_what_it_answers(name: str) -> None:
    question = DEFINITIONS[name].question
    assert re.fullmatch(r"[A-Z][^\n?]{8,100}\?", question)
    kin = name.startswith("platform/")
    others = [one.question for other, one in DEFINITIONS.items() if other.startswith("platform/") is kin]
    assert others.count(question) == 1
