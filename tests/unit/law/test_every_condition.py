"""What each basis hangs on: somebody who may be mailed, and who may not as soon as one thing is otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from domain.law.facts import BUSINESS, Message, Person, Purpose, Relation, RelationKind, Subscriber
from domain.law.judging import UNRELATED
from tests.support.persons import (
    ALLOW,
    DENY,
    HOLD,
    NOON,
    OWN_GOODS,
    at,
    consent,
    decided,
    person,
    relation,
    verdict,
)

TICK = timedelta(microseconds=1)
ROLE = Message(role_relevant=True)
ASKING, REFERRED, SERVICE = (
    Message(purpose=one) for one in (Purpose.CONSENT_REQUEST, Purpose.REFERRAL, Purpose.TRANSACTIONAL)
)
CONSENT = ["AT", "AU", "BR", "CA", "CH", "DE", "ES", "FR", "GB", "IT", "JP", "KR", "NL", "NZ"]
"""Where advertising wants consent or something in its place."""
NOT_SO = ((False, DENY), (None, HOLD))
"""What a basis is worth that wants a fact which is not so, or which nobody knows."""
COMPANY = Subscriber.CORPORATE
BARE = consent(date(2026, 1, 5), documented=False)


def seen(kind: RelationKind = RelationKind.PUBLISHED_ADDRESS) -> Relation:
    """An address beside which no notice stands."""
    return relation(kind, date(2026, 1, 1), refused=False)


def since(kind: RelationKind, on: date = date(2026, 10, 1), ended: date | None = None) -> Relation:
    """Something between sender and person."""
    return relation(kind, on, ended)


def fact(name: str, *, so: bool | None) -> dict[str, Any]:
    """A fact by its name."""
    return {name: so}


PURCHASE = since(RelationKind.PURCHASE)


@pytest.mark.parametrize("country", [*CONSENT, "SG", "US"])
def test_what_is_no_advertising_may_go_to_whom_nobody_may_advertise(country: str) -> None:
    told = decided(person(country, relation(RelationKind.INQUIRY, date(2019, 1, 1))), message=SERVICE)
    assert told.verdict is ALLOW
    assert len(told.reasons) == 1
    assert told.reasons[0].positions == (2,), "what it can be about"


@pytest.mark.parametrize("country", [*CONSENT, "SG", "US"])
@pytest.mark.parametrize("kind", sorted(set(RelationKind) - BUSINESS))
def test_what_is_said_to_be_no_advertising_waits_where_there_is_nothing_that_it_can_be_about(
    country: str, kind: RelationKind
) -> None:
    for somebody in (person(country), person(country, relation(kind, date(2026, 1, 1)))):
        waits = decided(somebody, message=SERVICE).reasons[0]
        assert (waits.verdict, waits.rule, waits.missing) == (HOLD, UNRELATED, ("relation",))
        assert "record-relation" in (waits.remedy or "")


def test_business_counts_from_the_day_that_begins_anywhere() -> None:
    bought = person("DE", relation(RelationKind.PURCHASE, date(2026, 3, 2)))
    assert verdict(bought, at(2026, 3, 1, 9), SERVICE) is HOLD
    assert verdict(bought, at(2026, 3, 1, 10), SERVICE) is ALLOW


@pytest.mark.parametrize("country", ["AU", "CA", "NZ"])
@pytest.mark.parametrize("kind", [RelationKind.PUBLISHED_ADDRESS, RelationKind.DISCLOSED_ADDRESS])
def test_a_published_or_given_address_is_for_what_is_relevant_to_the_role(
    country: str, kind: RelationKind
) -> None:
    """CASL s.10(9)(b), (c); Spam Act Sch. 2 cl. 4 and UEMA, which know of published ones alone."""
    known = country == "CA" or kind is RelationKind.PUBLISHED_ADDRESS
    for relevant, answer in ((True, ALLOW), *NOT_SO):
        for purpose in (Purpose.MARKETING, Purpose.CONSENT_REQUEST):
            message = Message(purpose=purpose, role_relevant=relevant)
            told = decided(person(country, seen(kind), subscriber=COMPANY), message=message)
            assert told.verdict is (answer if known else DENY)
            assert told.verdict is not HOLD or told.reasons[0].missing == ("role_relevant",)
        referred = Message(purpose=Purpose.REFERRAL, role_relevant=relevant)
        assert verdict(person(country, seen(kind), subscriber=COMPANY), message=referred) is not ALLOW
    assert verdict(person(country), message=ROLE) is DENY


@pytest.mark.parametrize("country", ["AU", "CA", "JP", "NZ"])
def test_a_notice_beside_a_published_address_ends_what_it_was_worth(country: str) -> None:
    firm = person(country, seen(), subscriber=COMPANY)
    assert verdict(firm, message=ROLE) is ALLOW
    assert verdict(firm, message=replace(ROLE, purpose=Purpose.CONSENT_REQUEST)) is ALLOW
    assert verdict(firm, message=replace(ROLE, purpose=Purpose.REFERRAL)) is not ALLOW
    assert verdict(replace(firm, relations=()), message=ROLE) is DENY
    notice = relation(RelationKind.PUBLISHED_ADDRESS, date(2026, 11, 20), refused=True)
    assert verdict(replace(firm, relations=(seen(), notice)), message=ROLE) is DENY


class Customer(NamedTuple):
    """Who is written to as an own customer."""

    country: str
    relation: Relation
    message: Message = OWN_GOODS
    flag: str = "similar_goods"


CUSTOMERS = {
    "ch.customer": Customer("CH", PURCHASE),
    "es.customer": Customer("ES", PURCHASE),
    "it.customer": Customer("IT", PURCHASE),
    "nl.customer": Customer("NL", PURCHASE),
    "eu.soft-opt-in": Customer("AT", PURCHASE),
    "de.soft-opt-in": Customer("DE", PURCHASE),
    "fr.soft-opt-in": Customer("FR", PURCHASE),
    "gb.soft-opt-in": Customer("GB", PURCHASE),
    "gb.charity": Customer("GB", since(RelationKind.DONATION), Message(charitable=True), "charitable"),
}


@pytest.mark.parametrize("rule", CUSTOMERS)
def test_an_own_customer_could_object_and_is_written_to_about_what_they_know(rule: str) -> None:
    """UWG §7(3) Nr. 1-4, PECR reg. 22(3) and (3A), CPCE L.34-5, UWG (CH) Art. 3(1)(o)."""
    country, between, message, flag = CUSTOMERS[rule]
    told = decided(person(country, between, could_object=True), message=message)
    assert (told.verdict, told.reasons[0].rule) == (ALLOW, rule)
    asked = replace(message, purpose=Purpose.CONSENT_REQUEST)
    assert verdict(person(country, between, could_object=True), message=asked) is ALLOW
    for otherwise, expected in NOT_SO:
        could = decided(person(country, between, could_object=otherwise), message=message)
        assert could.verdict is expected
        assert could.verdict is DENY or could.reasons[0].missing == ("could_object",)
        about = decided(
            person(country, between, could_object=True), message=replace(message, **fact(flag, so=otherwise))
        )
        assert about.verdict is expected or rule == "gb.charity"
        assert about.verdict is not ALLOW
    assert verdict(person(country, could_object=True), message=message) is DENY
    assert (
        verdict(
            person(country, between, could_object=True), message=replace(message, purpose=Purpose.REFERRAL)
        )
        is DENY
    )


@pytest.mark.parametrize("year", [2020, 2023, 2026])
def test_a_german_consent_that_is_not_documented_is_none_under_any_number_of_the_rule(year: int) -> None:
    for message in (Message(), ASKING, REFERRED):
        given = person("DE", consent(date(2019, 1, 1), documented=False))
        assert verdict(given, at(year, 1, 1), message) is DENY
        assert verdict(person("DE", consent(date(2019, 1, 1))), at(year, 1, 1), message) is ALLOW


class Ends(NamedTuple):
    """What counts in Canada up to a day, and not from it on."""

    last: date
    first: date
    ended: bool = False


CANADA = {
    RelationKind.PURCHASE: Ends(date(2024, 11, 27), date(2024, 11, 26)),
    RelationKind.INQUIRY: Ends(date(2026, 5, 27), date(2026, 5, 26)),
    RelationKind.DONATION: Ends(date(2024, 11, 27), date(2024, 11, 26)),
    RelationKind.VOLUNTEERING: Ends(date(2024, 11, 27), date(2024, 11, 26)),
    RelationKind.CONTRACT: Ends(date(2024, 11, 27), date(2024, 11, 26), ended=True),
    RelationKind.SUBSCRIPTION: Ends(date(2024, 11, 27), date(2024, 11, 26), ended=True),
    RelationKind.LOAN: Ends(date(2024, 11, 27), date(2024, 11, 26), ended=True),
    RelationKind.MEMBERSHIP: Ends(date(2024, 11, 27), date(2024, 11, 26), ended=True),
}


@pytest.mark.parametrize("kind", CANADA)
def test_an_implied_consent_in_canada_ends_with_its_period_to_the_moment(kind: RelationKind) -> None:
    """CASL s.10(10), s.10(13), s.10(14)(a)."""
    last, first, ends = CANADA[kind]

    def who(day: date) -> Person:
        return person("CA", since(kind, date(2010, 1, 1), day) if ends else since(kind, day))

    for message in (Message(), ASKING):
        assert verdict(who(last), message=message) is ALLOW
        assert verdict(who(first), message=message) is DENY
        assert verdict(who(last), message=REFERRED) is HOLD, "a referral is one that names who referred"
    midnight = at(2026, 11, 27, 0, "America/St_Johns")
    told = decided(who(last), midnight - TICK)
    assert (told.verdict, told.expires_at) == (ALLOW, midnight)
    assert verdict(who(last), midnight) is DENY
    if ends:
        assert verdict(person("CA", since(kind, date(2010, 1, 1)))) is ALLOW, "it goes on"


@pytest.mark.parametrize("country", CONSENT)
@pytest.mark.parametrize("message", [Message(), ASKING, REFERRED], ids=lambda one: one.purpose.value)
def test_a_consent_is_for_advertising_of_each_kind(country: str, message: Message) -> None:
    agreed = consent(date(2026, 1, 5))
    assert verdict(person(country, agreed), message=message) is ALLOW
    assert verdict(person(country), message=message) is not ALLOW
    gone = replace(agreed, withdrawn_at=NOON)
    assert verdict(person(country, gone), message=message) is not ALLOW


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (RelationKind.PURCHASE, ("br.interest", ("weighed_interest",))),
        (RelationKind.SUBSCRIPTION, ("br.interest", ("weighed_interest",))),
        (RelationKind.INQUIRY, ("otherwise", ("consent",))),
    ],
)
def test_a_legitimate_interest_in_brazil_waits_for_who_weighs_it(
    kind: RelationKind, expected: tuple[str, tuple[str, ...]]
) -> None:
    for message in (Message(), ASKING):
        told = decided(person("BR", since(kind)), message=message)
        assert told.verdict is HOLD
        assert (told.reasons[0].rule, told.reasons[0].missing) == expected


@pytest.mark.parametrize(
    ("somebody", "missing"),
    [
        (person("AU", since(RelationKind.CONTRACT)), ("conduct",)),
        (person("NZ", PURCHASE), ("conduct",)),
        (person("AT", subscriber=COMPANY), ("pack",)),
        (person("AT", since(RelationKind.SUBSCRIPTION), could_object=True), ("contract",)),
        (person("DE", since(RelationKind.SUBSCRIPTION), could_object=True), ("rule",)),
        (person("JP", PURCHASE), ("rule",)),
        (person("IN"), ("rule",)),
        (person("BR"), ("consent",)),
    ],
)
def test_a_hold_names_the_fact_that_is_missing(somebody: Person, missing: tuple[str, ...]) -> None:
    told = decided(somebody, message=OWN_GOODS)
    assert (told.verdict, told.reasons[0].missing) == (HOLD, missing)


def test_the_british_protect_sole_traders_and_not_companies() -> None:
    customer = person("GB", PURCHASE, could_object=True, subscriber=Subscriber.SOLE_TRADER)
    assert verdict(customer, message=OWN_GOODS) is ALLOW
    agreed = person("GB", consent(date(2026, 1, 5)), subscriber=Subscriber.SOLE_TRADER)
    assert decided(agreed).reasons[0].rule == "gb.consent"
    for message in (Message(), ASKING, REFERRED):
        told = decided(person("GB", BARE, subscriber=COMPANY), message=message)
        assert (told.verdict, told.reasons[0].rule) == (ALLOW, "gb.corporate")
    everything = (consent(date(2026, 1, 5)), PURCHASE, since(RelationKind.DONATION))
    firm = person("GB", *everything, could_object=True, subscriber=COMPANY)
    told = decided(firm, message=Message(similar_goods=True, charitable=True))
    assert told.reasons[0].rule == "gb.corporate", "what protects individuals says nothing of it"


@pytest.mark.parametrize("country", ["AT", "FR"])
def test_a_soft_opt_in_is_of_individuals_where_companies_have_a_rule_of_their_own(country: str) -> None:
    firm = person(country, PURCHASE, could_object=True, told=False, subscriber=COMPANY)
    assert verdict(firm, message=OWN_GOODS) is (HOLD if country == "AT" else DENY)
    trader = replace(firm, subscriber=Subscriber.SOLE_TRADER)
    assert verdict(trader, message=OWN_GOODS) is ALLOW


@pytest.mark.parametrize("message", [Message(), ASKING, REFERRED], ids=lambda one: one.purpose.value)
def test_a_company_elsewhere_in_the_union_waits_unless_its_consent_is_documented(message: Message) -> None:
    for facts, expected in (((), HOLD), ((BARE,), HOLD), ((consent(date(2026, 1, 5)),), ALLOW)):
        assert verdict(person("AT", *facts, subscriber=COMPANY), message=message) is expected
    assert verdict(person("AT", BARE), message=message) is DENY


def french(on: datetime) -> dict[str, tuple[Person, Message]]:
    """Who is written to in France on the ground of what began on a day."""
    day = on.date()
    collected = relation(RelationKind.DISCLOSED_ADDRESS, day, refused=False)
    told = {"told": True, "could_object": True}
    return {
        "fr.consent": (person("FR", consent(day)), Message()),
        "fr.soft-opt-in": (person("FR", relation(RelationKind.PURCHASE, day), could_object=True), OWN_GOODS),
        "fr.b2b": (person("FR", collected, subscriber=COMPANY, **told), ROLE),
        "fr.generic": (person("FR", collected, generic_address=True), ROLE),
    }


@pytest.mark.parametrize("rule", french(NOON))
def test_each_french_basis_ends_with_its_three_years_to_the_moment(rule: str) -> None:
    midnight = at(2026, 11, 26, 0, "Europe/Paris")
    somebody, message = french(at(2023, 11, 26))[rule]
    told = decided(somebody, midnight - TICK, message)
    assert (told.verdict, told.reasons[0].rule, told.expires_at) == (ALLOW, rule, midnight)
    assert verdict(somebody, midnight, message) is DENY
    asking = replace(message, purpose=Purpose.CONSENT_REQUEST)
    within = decided(somebody, midnight - TICK, asking)
    assert (within.verdict, within.reasons[0].rule, within.expires_at) == (ALLOW, rule, midnight)
    at_the_term = decided(somebody, midnight, asking).reasons[0]
    assert (at_the_term.verdict, at_the_term.basis) == (ALLOW, "one question at the term")
    over = at(2026, 12, 26, 0, "Europe/Paris")
    assert decided(somebody, midnight, asking).expires_at == over
    assert verdict(somebody, over - TICK, asking) is ALLOW
    assert verdict(somebody, over, asking) is DENY


@pytest.mark.parametrize("rule", french(NOON))
def test_who_was_asked_in_france_may_be_asked_within_the_term_and_not_at_its_end(rule: str) -> None:
    somebody, message = french(at(2023, 11, 26))[rule]
    asked = relation(RelationKind.ASKED, date(2025, 1, 1))
    somebody = replace(somebody, relations=(*somebody.relations, asked))
    asking = replace(message, purpose=Purpose.CONSENT_REQUEST)
    told = decided(somebody, at(2026, 11, 25), asking)
    assert (told.verdict, told.reasons[0].rule) == (ALLOW, rule)
    assert verdict(somebody, NOON, asking) is DENY
    if rule != "fr.consent":
        referred = replace(message, purpose=Purpose.REFERRAL)
        assert verdict(somebody, at(2026, 11, 25), referred) is DENY, "of a referral the person knows nothing"


@pytest.mark.parametrize("rule", ["fr.soft-opt-in", "fr.b2b", "fr.generic"])
def test_the_french_term_of_what_went_on_is_counted_from_its_end(rule: str) -> None:
    somebody, message = french(NOON)[rule]
    midnight = at(2026, 11, 26, 0, "Europe/Paris")
    ended = replace(somebody, relations=(since(RelationKind.CONTRACT, date(2010, 1, 1), date(2023, 11, 26)),))
    assert verdict(ended, midnight - TICK, message) is ALLOW
    assert verdict(ended, midnight, message) is DENY
    asking = replace(message, purpose=Purpose.CONSENT_REQUEST)
    assert verdict(ended, midnight, asking) is ALLOW
    assert verdict(ended, at(2026, 12, 26, 0, "Europe/Paris"), asking) is DENY


def test_at_the_french_term_a_customer_is_asked_who_could_object_and_is_no_company() -> None:
    somebody, _ = french(at(2023, 11, 20))["fr.soft-opt-in"]
    assert verdict(somebody, message=ASKING) is ALLOW
    assert verdict(replace(somebody, could_object=False), message=ASKING) is DENY
    firm = replace(somebody, subscriber=COMPANY, told=False)
    assert verdict(firm, message=ASKING) is DENY


def test_at_the_french_term_nobody_is_asked_on_a_consent_without_proof() -> None:
    bare = consent(date(2023, 11, 20), documented=False)
    told = decided(person("FR", bare), message=ASKING)
    assert (told.verdict, told.reasons[0].missing) == (HOLD, ("proof_of_consent",))
    lapsed = consent(date(2020, 12, 1), documented=False)
    click = since(RelationKind.CONTACT, date(2023, 11, 20))
    told = decided(person("FR", lapsed, click), message=ASKING)
    assert (told.verdict, told.reasons[0].missing) == (HOLD, ("proof_of_consent",))


@pytest.mark.parametrize("flag", ["told", "could_object"])
def test_a_french_professional_was_told_and_could_object(flag: str) -> None:
    somebody, message = french(NOON)["fr.b2b"]
    for known, expected in NOT_SO:
        for purpose in (Purpose.MARKETING, Purpose.CONSENT_REQUEST):
            told = decided(
                replace(somebody, **fact(flag, so=known)), message=replace(message, purpose=purpose)
            )
            assert told.verdict is expected
            assert told.verdict is DENY or flag in told.reasons[0].missing


@pytest.mark.parametrize("rule", ["fr.b2b", "fr.generic"])
def test_french_mail_to_a_role_is_about_it(rule: str) -> None:
    somebody, message = french(NOON)[rule]
    for known, expected in NOT_SO:
        assert verdict(somebody, message=replace(message, role_relevant=known)) is expected
    assert verdict(replace(somebody, relations=()), message=message) is not ALLOW
