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
from domain.law.periods import earliest_day, first_moment

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator
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
        today = earliest_day(after, pack.zones)
        for rule in pack.rules:
            if any(isinstance(one, IsPurpose) and message.purpose not in one.is_one_of for one in rule.when):
                continue
            told = (day for one in rule.when for day in _days(one, person, pack.zones, today))
            days = {*_of_rule(rule), *told}
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


def _days(condition: Condition, person: Person, zones: tuple[str, ...], today: date) -> Iterator[date]:
    """The first days on which it may stand otherwise than the day before."""
    if isinstance(condition, HasConsent | NoConsent):
        given = [
            ((one.kind, one.documented, one.withdrawn_at), day_of(one, zones)) for one in person.consents
        ]
        kinds: tuple[RelationKind, ...] = (RelationKind.CONSENT_CHECKED,) if condition.checked else ()
        kinds += condition.kept_alive_by if isinstance(condition, HasConsent) else ()
        kept = [
            (one.on if _breaks(condition) else None, one.on) for one in person.relations if one.kind in kinds
        ]
        starts = [*given, *kept]
        yield from (day for _, day in starts)
        for term in (condition.within, condition.past if isinstance(condition, HasConsent) else None):
            if term is not None:
                yield from map(term.after, _lasting(starts, today))
    elif isinstance(condition, HasRelation):
        told = [one for one in person.relations if one.kind in condition.kinds]
        yield from (one.on for one in told)
        for term in (condition.within, condition.past):
            if term is not None:
                ends = [
                    (
                        (one.kind, one.refused, one.in_writing, one.ended_on is None),
                        (one.ended_on or one.on) if condition.from_end else one.on,
                    )
                    for one in told
                ]
                yield from map(term.after, _lasting(ends, today))
    elif isinstance(condition, NoMessage):
        yield from (one.on for one in person.relations if one.kind in condition.since)
        yield from (one.on for one in person.consents if condition.since_consent)
    elif isinstance(condition, NoRelation):
        yield from (one.on for one in person.relations if one.kind in (*condition.kinds, *condition.since))


def _breaks(condition: HasConsent | NoConsent) -> bool:
    """Whether what comes after a gap may leave something standing that has begun before: then each counts."""
    if isinstance(condition, NoConsent) or condition.each_within is None or condition.within is None:
        return False
    return condition.each_within != condition.within


def _lasting(starts: Iterable[tuple[Hashable, date]], today: date) -> set[date]:
    """From when periods count that may end: of what is alike and has begun the latest alone, which outlasts the others.

    So that a thousand purchases have one end, and are looked at once.
    """
    latest: dict[Hashable, date] = {}
    coming = set()
    for alike, day in starts:
        if day > today:
            coming.add(day)
        else:
            latest[alike] = max(latest.get(alike, day), day)
    return coming | set(latest.values())
