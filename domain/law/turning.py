"""When a judgement may turn by itself: the moments at which time alone makes a rule, a fact or a period begin or end.

More are named than turn anything; between two of them that follow each other nothing does. So whoever looks at each of
them sees every change that is to come, also one that takes an allow away while the rule that gave it still holds.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from domain.law.clients import towards
from domain.law.conditions import (
    HasConsent,
    HasRelation,
    IsPurpose,
    NoConsent,
    NoMessage,
    NoRelation,
)
from domain.law.facts import RelationKind
from domain.law.looking import day_of
from domain.law.periods import first_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime

    from domain.law.conditions import Condition
    from domain.law.facts import Message, Person
    from domain.law.pack import Pack, Rule


def turning_points(
    person: Person, message: Message, packs: Iterable[Pack], after: datetime
) -> list[datetime]:
    """The moments later than `after`, in their order; those of rules for messages of another purpose are left out."""
    person = towards(person, message.workspace).person
    found = set(_of_facts(person))
    for pack in packs:
        for rule in pack.rules:
            if any(isinstance(one, IsPurpose) and message.purpose not in one.is_one_of for one in rule.when):
                continue
            days = {*_of_rule(rule), *(day for one in rule.when for day in _days(one, person, pack.zones))}
            found.update(first_moment(day, pack.zones) for day in days)
    return sorted(one.astimezone(UTC) for one in found if one > after)


def _of_facts(person: Person) -> Iterator[datetime]:
    for consent in person.consents:
        if consent.at is not None:
            yield consent.at
        if consent.withdrawn_at is not None:
            yield consent.withdrawn_at
    for suppression in person.suppressions:
        yield suppression.since
        if suppression.ended_at is not None:
            yield suppression.ended_at
    yield from (one.at for one in person.written)


def _of_rule(rule: Rule) -> Iterator[date]:
    if rule.known_from is not None:
        yield rule.known_from
    if rule.in_force_from is not None:
        yield rule.in_force_from
    if rule.in_force_to is not None:
        yield rule.in_force_to


def _days(condition: Condition, person: Person, zones: tuple[str, ...]) -> Iterator[date]:
    """The first days on which it may stand otherwise than the day before."""
    if isinstance(condition, HasConsent | NoConsent):
        starts = [day_of(one, zones) for one in person.consents]
        if condition.checked:
            starts += [one.on for one in person.relations if one.kind is RelationKind.CONSENT_CHECKED]
        if isinstance(condition, HasConsent):
            starts += [one.on for one in person.relations if one.kind in condition.kept_alive_by]
        yield from starts
        terms = (condition.within, condition.past if isinstance(condition, HasConsent) else None)
        for term in terms:
            if term is not None:
                yield from map(term.after, starts)
    elif isinstance(condition, HasRelation):
        for one in person.relations:
            if one.kind in condition.kinds:
                ends = _ends(condition, one.on, one.ended_on)
                yield from (one.on, *ends)
    elif isinstance(condition, NoMessage):
        yield from (one.on for one in person.relations if one.kind in condition.since)
        yield from (one.on for one in person.consents if condition.since_consent)
    elif isinstance(condition, NoRelation):
        yield from (one.on for one in person.relations if one.kind in (*condition.kinds, *condition.since))


def _ends(condition: HasRelation, on: date, ended_on: date | None) -> Sequence[date]:
    start = (ended_on or on) if condition.from_end else on
    return [term.after(start) for term in (condition.within, condition.past) if term is not None]
