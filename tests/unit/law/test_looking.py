"""What is looked at: relations are found once, however often they are looked at anew; rules that cannot fit, never."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from domain.law.facts import Message, Purpose, RelationKind, Subscriber
from domain.law.looking import NO, Look
from domain.law.packs import load_packs
from domain.law.periods import Period
from tests.support.persons import NOON, OWN_GOODS, clicked, consent, person

KINDS: Final = (RelationKind.CONTACT,)
YEARS: Final = Period(years=3)


def test_of_somebody_with_the_same_relations_they_are_not_sorted_anew() -> None:
    who = person("FR", consent(date(2026, 1, 1)), clicked(date(2026, 3, 1)), clicked(date(2026, 2, 1)))
    look = Look(who, OWN_GOODS, NOON, ("Europe/Paris",))
    chained = look.chained(KINDS, YEARS)
    for same in (replace(who, subscriber=Subscriber.CORPORATE), replace(who, consents=())):
        other = look.of(same)
        assert other.person is same
        assert other.chained(KINDS, YEARS) is chained
        assert other.of_kinds(KINDS) is look.of_kinds(KINDS)


def test_of_somebody_with_others_they_are() -> None:
    who = person("FR", clicked(date(2026, 3, 1)))
    look = Look(who, OWN_GOODS, NOON, ("Europe/Paris",))
    assert look.chained(KINDS, YEARS) == ([date(2026, 3, 1)], [0])
    more = look.of(replace(who, relations=(*who.relations, clicked(date(2026, 2, 1)))))
    assert more.chained(KINDS, YEARS) == ([date(2026, 2, 1), date(2026, 3, 1)], [1, 1])
    assert look.of_kinds(KINDS) == list(who.relations), "nor does the first look see them"


def test_of_a_purpose_only_rules_that_can_say_nothing_of_it_are_left_out() -> None:
    for pack in load_packs():
        every = pack.standing(NOON.date(), NOON.date())
        for purpose in Purpose:
            left = pack.standing(NOON.date(), NOON.date(), purpose)
            look = Look(person(pack.countries[0]), Message(purpose=purpose), NOON, pack.zones)
            assert [rule for rule in every if rule in left] == list(left), "in their order"
            for rule in every:
                says_no = any(one.fact == "purpose" and one.found(look) is NO for one in rule.when)
                assert (rule in left) is not says_no
