"""Each law that says who may be mailed: somebody who may be, somebody who may not, and the edge between the two."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

import pytest

from domain.law.facts import Message, Person, RelationKind, Scope, Subscriber, Suppression, SuppressionKind
from domain.law.pack import Verdict
from domain.law.packs import load_packs
from tests.support.persons import (
    ALLOW,
    CHARITABLE,
    DENY,
    HOLD,
    NOON,
    OWN_GOODS,
    at,
    consent,
    decided,
    person,
    relation,
)

TICK = timedelta(microseconds=1)
AGREED = consent(date(2026, 1, 5))
PURCHASE, CONTRACT = RelationKind.PURCHASE, RelationKind.CONTRACT
ADDRESS = relation(RelationKind.PUBLISHED_ADDRESS, date(2026, 1, 1), refused=False)


class Edge(NamedTuple):
    """The same person just before and at the moment from which it is otherwise."""

    who: Person
    last: datetime
    before: Verdict
    after: Verdict
    message: Message = Message()


class Law(NamedTuple):
    """`allowed`, `refused`: somebody who may be mailed, and somebody who may not."""

    allowed: Person
    refused: Person
    refusal: Verdict
    edge: Edge
    message: Message = Message()


def stopped(country: str, before: Verdict = ALLOW, *facts: object) -> Edge:
    """An opt-out holds from its moment on."""
    out = Suppression(SuppressionKind.UNSUBSCRIBE, Scope.TENANT, NOON, position=9)
    return Edge(person(country, out, *facts), NOON, before, DENY)


def came_back(country: str) -> Edge:
    """A later consent of their own ends an opt-out, from its moment on."""
    out = Suppression(SuppressionKind.UNSUBSCRIBE, Scope.TENANT, at(2026, 1, 1), position=9, ended_at=NOON)
    return Edge(person(country, out, replace(consent(NOON.date()), at=NOON)), NOON, DENY, ALLOW)


def own_customer(country: str, zone: str) -> Edge:
    """Somebody is an own customer from the day of their purchase on, which begins in that zone first."""
    who = person(country, relation(PURCHASE, date(2026, 11, 26)), could_object=True)
    return Edge(who, at(2026, 11, 26, 0, zone), DENY, ALLOW, OWN_GOODS)


COMPANY = Subscriber.CORPORATE
OUT = Suppression(SuppressionKind.UNSUBSCRIBE, Scope.TENANT, at(2026, 1, 1), position=9)
EARLY = consent(date(2007, 1, 5))
REFUSAL = relation(RelationKind.PUBLISHED_ADDRESS, date(2026, 11, 26), refused=True)
ENDED = relation(RelationKind.MEMBERSHIP, date(2020, 1, 1), date(2026, 11, 26))
CUSTOMER = relation(PURCHASE, date(2026, 10, 1))
LAWS = {
    "au": Law(
        person("AU", AGREED),
        person("AU", CUSTOMER),
        DENY,
        # A relationship infers a consent, together with conduct, while it goes on; days are those of Sydney.
        Edge(person("AU", ENDED), at(2026, 11, 26, 0, "Australia/Sydney"), HOLD, DENY),
    ),
    "br": Law(
        person("BR", AGREED),
        person("BR", OUT),
        DENY,
        # A consent can be revoked at any time, and is none from then on.
        Edge(person("BR", replace(AGREED, withdrawn_at=NOON)), NOON, ALLOW, HOLD),
    ),
    "ca": Law(
        person("CA", CUSTOMER),
        person("CA"),
        DENY,
        # Two years immediately before the day, in the zone that ends them first.
        Edge(
            person("CA", relation(PURCHASE, date(2024, 11, 26))),
            at(2026, 11, 26, 0, "America/St_Johns"),
            ALLOW,
            DENY,
        ),
    ),
    "ch": Law(person("CH", AGREED), person("CH"), DENY, own_customer("CH", "Europe/Zurich")),
    "de": Law(
        person("DE", AGREED, subscriber=COMPANY),
        person("DE", subscriber=COMPANY),
        DENY,
        # A consent counts from its day on, which begins in Berlin; a company's too.
        Edge(
            person("DE", consent(date(2026, 11, 26)), subscriber=COMPANY),
            at(2026, 11, 26, 0, "Europe/Berlin"),
            DENY,
            ALLOW,
        ),
    ),
    "es": Law(
        person("ES", AGREED), person("ES", subscriber=COMPANY), DENY, own_customer("ES", "Europe/Madrid")
    ),
    "eu": Law(
        person("AT", AGREED),
        person("AT"),
        DENY,
        # An own customer from the day of the sale on, which begins first in Helsinki.
        Edge(
            person("AT", relation(PURCHASE, date(2026, 11, 26)), could_object=True),
            at(2026, 11, 26, 0, "Europe/Helsinki"),
            DENY,
            ALLOW,
            OWN_GOODS,
        ),
    ),
    "fr": Law(
        person("FR", AGREED),
        person("FR"),
        DENY,
        # Three years from the collection: a recommendation that the pack follows.
        Edge(person("FR", consent(date(2023, 11, 26))), at(2026, 11, 26, 0, "Europe/Paris"), ALLOW, DENY),
    ),
    "gb": Law(
        person("GB", subscriber=COMPANY),
        person("GB"),
        DENY,
        # Reg. 22(3A) is in force since that day, and of supporters since then.
        Edge(
            person("GB", relation(RelationKind.DONATION, date(2026, 2, 5)), could_object=True),
            at(2026, 2, 5, 0, "Europe/London"),
            DENY,
            ALLOW,
            CHARITABLE,
        ),
    ),
    "in": Law(person("IN"), person("IN", OUT), DENY, stopped("IN", HOLD)),
    "it": Law(
        person("IT", AGREED, subscriber=COMPANY),
        person("IT", subscriber=COMPANY),
        DENY,
        own_customer("IT", "Europe/Rome"),
    ),
    "jp": Law(
        person("JP", ADDRESS, subscriber=COMPANY),
        person("JP", ADDRESS),
        DENY,
        # A business relationship counts while it goes on.
        Edge(
            person("JP", relation(CONTRACT, date(2009, 1, 1), date(2026, 11, 26))),
            at(2026, 11, 26, 0, "Asia/Tokyo"),
            ALLOW,
            DENY,
        ),
    ),
    "kr": Law(
        person("KR", AGREED),
        person("KR", subscriber=COMPANY),
        DENY,
        Edge(
            person("KR", relation(PURCHASE, date(2026, 5, 26))),
            at(2026, 11, 26, 0, "Asia/Seoul"),
            ALLOW,
            DENY,
            OWN_GOODS,
        ),
    ),
    "nl": Law(
        person("NL", AGREED), person("NL", subscriber=COMPANY), DENY, own_customer("NL", "Europe/Amsterdam")
    ),
    "nz": Law(
        person("NZ", ADDRESS, subscriber=COMPANY),
        person("NZ", ADDRESS),
        DENY,
        # A consent is deemed until a refusal stands beside the address; days are those of the Chathams.
        Edge(
            person("NZ", ADDRESS, REFUSAL, subscriber=COMPANY),
            at(2026, 11, 26, 0, "Pacific/Chatham"),
            ALLOW,
            DENY,
            Message(role_relevant=True),
        ),
        message=Message(role_relevant=True),
    ),
    "sg": Law(
        person("SG"),
        person("SG", AGREED, OUT),
        DENY,
        # Unsolicited mail may go until the person says stop.
        stopped("SG"),
        message=Message(bulk=True),
    ),
    "us": Law(
        person("US"),
        person("US", OUT),
        DENY,
        # An opt-out ends with a later affirmative consent, 7704(a)(4)(B).
        came_back("US"),
    ),
}
COMMENCED = {
    "br": Edge(person("BR", EARLY), at(2020, 9, 18, 0, "America/Noronha"), HOLD, ALLOW),
    "nz": Edge(person("NZ", EARLY), at(2007, 9, 5, 0, "Pacific/Chatham"), DENY, ALLOW),
    "sg": Edge(person("SG"), at(2007, 6, 15, 0, "Asia/Singapore"), HOLD, ALLOW, Message(bulk=True)),
    "us": Edge(person("US"), at(2004, 1, 1, 0, "America/New_York"), HOLD, ALLOW),
}
"""Laws of which the first day is known, in the zone in which it began first."""
NO_RULE_ALLOWS = {"in"}
"""Of these nothing was found: what is no deny is a hold."""


def test_every_law_that_says_who_may_be_mailed_has_its_cases() -> None:
    packs = {pack.law: pack for pack in load_packs() if pack.rules}
    assert LAWS.keys() == packs.keys()
    allowing = {law for law, pack in packs.items() if any(rule.verdict is ALLOW for rule in pack.rules)}
    assert packs.keys() - allowing == NO_RULE_ALLOWS


@pytest.mark.parametrize("law", LAWS)
def test_somebody_may_be_mailed_and_somebody_may_not(law: str) -> None:
    cases = LAWS[law]
    allowed = decided(cases.allowed, message=cases.message)
    assert allowed.verdict is (HOLD if law in NO_RULE_ALLOWS else ALLOW)
    assert law in {reason.law for reason in allowed.reasons}
    assert decided(cases.refused, message=cases.message).verdict is cases.refusal


@pytest.mark.parametrize("law", LAWS)
def test_the_moment_from_which_it_is_otherwise(law: str) -> None:
    turns(LAWS[law].edge)


@pytest.mark.parametrize("law", COMMENCED)
def test_a_law_allows_from_its_first_day_on(law: str) -> None:
    turns(COMMENCED[law])


def turns(edge: Edge) -> None:
    assert decided(edge.who, edge.last - TICK, edge.message).verdict is edge.before
    assert decided(edge.who, edge.last, edge.message).verdict is edge.after
