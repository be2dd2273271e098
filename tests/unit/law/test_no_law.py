"""Reasons that come of no law have words of their own, and say what ends them."""

from __future__ import annotations

import inspect
import re

import pytest

from domain.law import judging
from domain.law.facts import SuppressionKind
from domain.law.judging import BY_PLATFORM, UNRELATED
from domain.law.no_law import about_of, ended_by

KNOWN = [
    *(f"suppressed-{kind.value}" for kind in SuppressionKind),
    *(f"{whose}{what}" for whose in ("", "sender-") for what in ("country-unknown", "country-without-pack")),
    *(BY_PLATFORM, UNRELATED, "country-contradictory", "campaign-type-unknown"),
]


@pytest.mark.parametrize("rule", KNOWN)
def test_each_is_told_in_words_with_what_ends_it(rule: str) -> None:
    about, remedy = about_of(rule), ended_by(rule)
    assert about is not None
    assert remedy is not None
    assert about.endswith(".")
    assert remedy.endswith(".")


def test_each_that_a_decision_names_is_known() -> None:
    named = set(
        re.findall(r'"((?:sender-)?(?:country|campaign|transactional)-[a-z-]+)"', inspect.getsource(judging))
    )
    assert named <= {*KNOWN, "sender-country"}
    assert {UNRELATED, "country-contradictory", "campaign-type-unknown"} <= named


def test_a_rule_of_a_law_is_not_among_them() -> None:
    assert about_of("de.consent") is None
    assert ended_by("de.consent") is None
