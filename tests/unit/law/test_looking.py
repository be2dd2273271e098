"""What was found of somebody's relations is found once, however often they are looked at anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from domain.law.facts import RelationKind, Subscriber
from domain.law.looking import Look
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
