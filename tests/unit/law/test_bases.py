"""The bases of one law are alternatives: one that fits is enough, and nothing but a prohibition stands against it."""

from __future__ import annotations

from datetime import date

import pytest

from domain.law.facts import Message, Person, Purpose, RelationKind, Subscriber
from domain.law.judging import Decision, judge
from domain.law.reading import read_pack
from tests.support.persons import ALLOW, DENY, HOLD, NOON, OWN_GOODS, at, consent, decided, person, relation

AGREED = consent(date(2026, 1, 10))
HEAD = """law = "xx"
title = "A law"
countries = ["XX"]
zones = ["UTC"]
otherwise_about = "Nothing fits."
"""
RULES = {
    "deny": """
[[rules]]
id = "xx.deny"
verdict = "deny"
cites = "Law s.1"
confidence = "T"
checked = 2026-11-22
about = "Nobody writes to an info address."
when = [{ fact = "flag", flag = "generic_address" }]
""",
    "hold": """
[[rules]]
id = "xx.hold"
verdict = "hold"
missing = ["conduct"]
cites = "Law s.2"
confidence = "T"
checked = 2026-11-22
about = "Somebody has to judge that."
remedy = "Judge it."
""",
    "may-hold": """
[[rules]]
id = "xx.may-hold"
verdict = "hold"
missing = ["conduct"]
cites = "Law s.4"
confidence = "T"
checked = 2026-11-22
about = "Somebody has to judge it."
when = [{ fact = "flag", flag = "generic_address" }]
""",
    "allow": """
[[rules]]
id = "xx.allow"
verdict = "allow"
basis = "similar goods"
cites = "Law s.3"
confidence = "T"
checked = 2026-11-22
about = "Similar goods are advertised."
when = [{ fact = "flag", flag = "similar_goods" }]
""",
}


def by(rules: str, message: Message = OWN_GOODS, *, generic: bool | None = False) -> Decision:
    pack = read_pack(HEAD + "".join(RULES[one] for one in rules.split()), "xx.toml")
    return judge(person("XX", generic_address=generic), message, "XX", NOON, [pack])


@pytest.mark.parametrize("rules", ["deny hold allow", "allow hold deny", "hold allow deny"])
def test_a_prohibition_comes_first_then_a_basis_then_what_waits(rules: str) -> None:
    """Whatever the order in which a pack has them."""
    nobody_said = Message(purpose=Purpose.MARKETING)
    for told, expected in (
        (by(rules, generic=True), (DENY, "xx.deny")),
        (by(rules), (ALLOW, "xx.allow")),
        (by(rules, nobody_said), (HOLD, "xx.hold")),
        (by("allow deny", nobody_said), (HOLD, "xx.allow")),
        (by("allow deny", Message(similar_goods=False)), (DENY, "otherwise")),
    ):
        assert (told.verdict, told.reasons[0].rule) == expected


def test_a_prohibition_that_may_hold_lets_nothing_go() -> None:
    told = by("allow hold deny", generic=None)
    assert (told.verdict, told.reasons[0].rule, told.reasons[0].missing) == (
        HOLD,
        "xx.deny",
        ("generic_address",),
    )


@pytest.mark.parametrize("rules", ["hold allow", "allow hold"])
def test_a_hold_names_what_would_allow_beside_it_and_its_own_want_first(rules: str) -> None:
    (told,) = by(rules, Message()).reasons
    assert (told.verdict, told.rule, told.missing) == (HOLD, "xx.hold", ("conduct", "similar_goods"))
    assert told.about == (
        "Somebody has to judge that. It would also be allowed as similar goods (xx.allow). "
        "Similar goods are advertised. Whether that is so is not known: similar_goods."
    )
    assert told.remedy is not None
    assert (told.remedy.partition(" No entry")[0], told.composed) == ("Judge it.", True)
    (alone,) = by(rules, Message(similar_goods=False)).reasons
    assert (alone.about, alone.missing, alone.composed) == (
        "Somebody has to judge that.",
        ("conduct",),
        False,
    )


@pytest.mark.parametrize("rules", ["may-hold", "allow may-hold", "may-hold allow"])
def test_where_nothing_else_fits_what_may_hold_does_and_names_what_would_tell(rules: str) -> None:
    """An unknown fact would else be a deny, and the same fact entered a hold."""
    nobody_said = Message(similar_goods=False)
    (told,) = by(rules, nobody_said, generic=None).reasons
    assert (told.verdict, told.rule, told.missing) == (HOLD, "xx.may-hold", ("generic_address", "conduct"))
    assert told.about == "Somebody has to judge it. Whether it comes to that is not known: generic_address."
    assert told.composed
    (told,) = by(rules, nobody_said, generic=True).reasons
    assert (told.verdict, told.missing, told.about) == (HOLD, ("conduct",), "Somebody has to judge it.")
    assert by(rules, nobody_said).verdict is DENY


def test_what_may_hold_stands_behind_what_does_and_what_may_allow() -> None:
    for rules, expected in (
        ("may-hold hold", ("xx.hold", ("conduct",))),
        ("may-hold allow", ("xx.allow", ("similar_goods",))),
    ):
        (told,) = by(rules, Message(), generic=None).reasons
        assert (told.verdict, told.rule, told.missing) == (HOLD, *expected)
    assert by("may-hold allow", generic=None).verdict is ALLOW
    assert by("may-hold deny", generic=True).verdict is DENY


@pytest.mark.parametrize(
    ("country", "rule", "wanted"),
    [
        ("AT", "eu.free-account", "contract"),
        ("FR", "fr.free-account", "contract"),
        ("ES", "es.free-account", "contract"),
        ("DE", "de.free-account", "rule"),
        ("IT", "it.free-account", "rule"),
        ("NL", "nl.free-account", "rule"),
    ],
)
def test_a_free_account_waits_for_what_nobody_said_of_it_as_a_purchase_does(
    country: str, rule: str, wanted: str
) -> None:
    account, bought = (
        relation(one, date(2025, 1, 1)) for one in (RelationKind.SUBSCRIPTION, RelationKind.PURCHASE)
    )
    for message, known, missing in (
        (Message(), True, ("similar_goods",)),
        (OWN_GOODS, None, ("could_object",)),
        (Message(), None, ("similar_goods", "could_object")),
    ):
        told = decided(person(country, account, could_object=known), message=message).reasons[0]
        assert (told.verdict, told.rule, told.missing) == (HOLD, rule, (*missing, wanted))
        customer = decided(person(country, bought, could_object=known), message=message).reasons[0]
        assert (customer.verdict, customer.missing[: len(missing)]) == (HOLD, missing)
    for message, known in ((Message(similar_goods=False), None), (Message(), False)):
        assert decided(person(country, account, could_object=known), message=message).verdict is DENY


@pytest.mark.parametrize(
    ("country", "kind"), [("AU", RelationKind.MEMBERSHIP), ("NZ", RelationKind.PURCHASE)]
)
def test_who_waits_for_a_judgement_is_told_what_lets_a_published_address_be_written_to(
    country: str, kind: RelationKind
) -> None:
    both = person(
        country,
        relation(kind, date(2026, 1, 1)),
        relation(RelationKind.PUBLISHED_ADDRESS, date(2026, 1, 1), refused=False),
        subscriber=Subscriber.CORPORATE,
    )
    assert decided(both).reasons[0].missing == ("conduct", "role_relevant")
    assert decided(both, message=Message(role_relevant=True)).verdict is ALLOW
    assert decided(both, message=Message(role_relevant=False)).reasons[0].missing == ("conduct",)


@pytest.mark.parametrize(
    ("country", "more", "rule"),
    [
        ("AU", RelationKind.CONTRACT, "au.express"),
        ("BR", RelationKind.PURCHASE, "br.consent"),
        ("NZ", RelationKind.PURCHASE, "nz.consent"),
    ],
)
def test_a_consent_counts_beside_a_relation_that_somebody_would_have_to_judge(
    country: str, more: RelationKind, rule: str
) -> None:
    for somebody, expected in (
        (person(country, relation(more, date(2026, 1, 1))), HOLD),
        (person(country, AGREED, relation(more, date(2026, 1, 1))), ALLOW),
    ):
        assert decided(somebody).verdict is expected
    assert decided(somebody).reasons[0].rule == rule


def test_a_company_that_consented_is_written_to_in_every_member_state() -> None:
    company = Person("PL", Subscriber.CORPORATE)
    assert decided(company).verdict is HOLD
    told = decided(person("PL", AGREED, subscriber=Subscriber.CORPORATE))
    assert (told.verdict, told.reasons[0].rule) == (ALLOW, "eu.corporate-consent")


def test_a_korean_transaction_counts_beside_a_consent_whose_check_is_overdue() -> None:
    """Until its six months are over: then the consent waits for its check."""
    old = consent(date(2023, 1, 10))
    bought = relation(RelationKind.PURCHASE, date(2026, 10, 1))
    told = decided(person("KR", old, bought), message=OWN_GOODS)
    ends = at(2027, 4, 1, 0, "Asia/Seoul")
    assert (told.verdict, told.reasons[0].rule, told.expires_at) == (ALLOW, "kr.transaction", ends)
    then = decided(person("KR", old, bought), ends, OWN_GOODS)
    assert (then.verdict, then.reasons[0].rule) == (HOLD, "kr.consent")


def test_a_korean_allow_ends_with_the_last_of_its_bases() -> None:
    """A consent that becomes two years old meanwhile takes nothing from a transaction."""
    both = person("KR", consent(date(2025, 2, 1)), relation(RelationKind.PURCHASE, date(2026, 10, 1)))
    assert decided(both, message=OWN_GOODS).expires_at == at(2027, 4, 1, 0, "Asia/Seoul")
    assert decided(both, at(2027, 2, 1, 0, "Asia/Seoul"), OWN_GOODS).verdict is ALLOW
