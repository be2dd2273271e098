"""What the product's own packs say of themselves: days that nobody looked up, and what is only written down."""

from __future__ import annotations

import pytest

from domain.law.packs import load_packs


@pytest.mark.parametrize("law", ["us", "us-ca", "ca", "eu", "eu-eprivacy", "eu-gdpr", "fr", "de", "gb"])
def test_a_statement_without_a_day_in_force_says_that_nobody_looked_it_up(law: str) -> None:
    (of,) = (one for one in load_packs() if one.law == law)
    for one in (*of.rules, *of.deadlines, *of.content, *of.also):
        assert (one.in_force_from is None) is ("date" in one.not_looked_up), one.id


def test_one_law_of_the_union_has_the_days_of_another() -> None:
    zones = {one.law: one.zones for one in load_packs() if one.law in {"eu", "eu-gdpr", "eu-eprivacy"}}
    assert len(set(zones.values())) == 1


WRITTEN_DOWN = {
    "us": {"opt-out-ends", "address-stays", "no-expiry"},
    "us-ca": {"no-consent-law", "log", "no-asking-again", "status"},
    "ca": {"asking", "outside", "reach", "proof", "buyer", "retention"},
    "eu": {"watched"},
    "eu-gdpr": {"proof", "withdrawal", "objection-absolute", "records", "refresh", "no-second-basis"},
    "fr": {"after-the-term", "opened", "form"},
    "de": {"double-opt-in-mail", "evidence", "telephone"},
    "gb": {"named-contact", "no-term", "requests", "penalties", "charity-support", "who-is-corporate"},
}


@pytest.mark.parametrize("law", WRITTEN_DOWN)
def test_what_a_law_says_that_nothing_is_decided_by_is_written_down_too(law: str) -> None:
    (of,) = (one for one in load_packs() if one.law == law)
    assert {one.id for one in of.also} == {f"{law}.{what}" for what in WRITTEN_DOWN[law]}
