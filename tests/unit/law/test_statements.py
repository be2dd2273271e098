"""What the product's own packs say of themselves: days that nobody looked up, and what is only written down."""

from __future__ import annotations

import pytest

from domain.law.conditions import HasRelation
from domain.law.facts import RelationKind
from domain.law.pack import Verdict
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
    "eu": {"soft-opt-in-term", "watched"},
    "eu-gdpr": {"proof", "withdrawal", "objection-absolute", "records", "refresh", "no-second-basis"},
    "fr": {"after-the-term", "opened", "form"},
    "de": {"double-opt-in-mail", "evidence", "telephone", "soft-opt-in-term"},
    "gb": {
        "named-contact",
        "no-term",
        "requests",
        "penalties",
        "charity-support",
        "who-is-corporate",
        "soft-opt-in-term",
    },
}


@pytest.mark.parametrize("law", WRITTEN_DOWN)
def test_what_a_law_says_that_nothing_is_decided_by_is_written_down_too(law: str) -> None:
    (of,) = (one for one in load_packs() if one.law == law)
    assert {one.id for one in of.also} == {f"{law}.{what}" for what in WRITTEN_DOWN[law]}


def test_that_a_message_that_is_no_advertising_may_go_is_marked_as_our_reading() -> None:
    """But for Canada, where s.6(6) says so, and the American act, which asks for no consent at all."""
    rules = {rule.id: rule for pack in load_packs() for rule in pack.rules if rule.verdict is Verdict.ALLOW}
    marked = {id_ for id_, rule in rules.items() if rule.basis == "no advertising"}
    assert all(rules[id_].reading for id_ in marked)
    assert {id_ for id_ in rules if id_.endswith(".transactional")} - marked == {"ca.transactional"}
    assert all("our reading" in rules[id_].about for id_ in marked)


def test_what_allows_by_our_reading_is_marked_and_says_so() -> None:
    """That a contract is a sale, what is a contact, what goes on: of each the words alone were seen."""
    rules = [rule for pack in load_packs() for rule in pack.rules if rule.reading]
    assert all("our reading" in rule.about for rule in rules)
    assert {rule.id for rule in rules if rule.basis != "no advertising"} == {
        "ca.membership",
        "es.customer-contract",
        "eu.soft-opt-in-contract",
        "fr.ask-once",
        "fr.ask-once-b2b",
        "fr.ask-once-customer",
        "fr.ask-once-generic",
        "fr.b2b",
        "fr.consent-kept-alive",
        "fr.generic",
        "fr.soft-opt-in",
        "jp.business",
        "kr.transaction",
        "nz.deemed",
    }


def test_where_an_own_customer_has_no_end_it_is_said_that_none_was_found() -> None:
    """Of each law that lets a purchase count for good."""
    ends = {
        pack.law for pack in load_packs() if f"{pack.law}.soft-opt-in-term" in {one.id for one in pack.also}
    }
    for pack in load_packs():
        for one in pack.also:
            assert one.id != f"{pack.law}.soft-opt-in-term" or one.confidence == "N"
    assert ends == {
        pack.law
        for pack in load_packs()
        for rule in pack.rules
        for one in rule.when
        if rule.verdict is Verdict.ALLOW
        and isinstance(one, HasRelation)
        and RelationKind.PURCHASE in one.kinds
        and one.within is None
    }
