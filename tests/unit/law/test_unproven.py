"""A consent whose wording is not kept: which verdict it comes to where, as the page of the API says."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from domain.law.pack import Verdict
from domain.law.packs import load_packs
from tests.support.persons import ALLOW, DENY, HOLD, consent, decided, person

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
TOLD = " ".join(PAGE.partition("(`proof_of_consent`).")[2].partition("Most of")[0].split())
MEMBERS = next(set(pack.countries) for pack in load_packs() if pack.law == "eu-gdpr")
WAITING, DENIED = (set(re.findall("[A-Z]{2}", part)) - {"EU"} for part in TOLD.split("and a `deny`"))


def test_the_page_names_some_of_both() -> None:
    assert len(WAITING) > 1 < len(DENIED)
    assert DENIED < MEMBERS - WAITING


@pytest.mark.parametrize("country", sorted(WAITING | DENIED | MEMBERS))
def test_it_waits_for_its_proof_or_nothing_allows_the_message(country: str) -> None:
    told = decided(person(country, consent(date(2026, 1, 1), documented=False)))
    wanted: Verdict = HOLD if country in WAITING else DENY
    assert told.verdict is wanted
    leading = told.reasons[0]
    assert "proof_of_consent" in leading.missing
    assert (leading.rule == "otherwise") is (wanted is DENY)
    assert decided(person(country, consent(date(2026, 1, 1)))).verdict is ALLOW
