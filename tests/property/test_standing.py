"""A standing says at every moment what a decision on an ordinary advertisement would say then, whoever sends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.audience.standing import ordinary_of, standing_of
from domain.law.by_law import Reason
from domain.law.clients import clients_of, senders_to, towards
from domain.law.facts import Person, Scope
from domain.law.judging import judge
from domain.law.pack import Verdict
from tests.property.test_judging import (
    COUNTRIES,
    PACKS,
    clients,
    consents,
    moments,
    of_clients,
    people,
    relations,
)

LATER = st.lists(st.integers(0, 2_000 * 24 * 60), max_size=6)
PLACES = st.none() | st.sampled_from(COUNTRIES)
WITH_TERMS = ["FR", "CA", "KR", "JP", "NZ"]
crowded = st.builds(
    replace,
    people,
    country=st.sampled_from(WITH_TERMS),
    consents=st.lists(consents, min_size=3, max_size=8).map(tuple),
    relations=st.lists(relations, min_size=3, max_size=12).map(tuple),
    suppressions=st.just(()),
)
"""Of whom much is known, some of it alike: the last of it counts, and the ends of the others turn nothing."""


def whole(reason: Reason) -> object:
    """All that a standing keeps of it."""
    return reason.law, reason.rule, reason.positions, reason.missing


@settings(max_examples=300)
@given(people, PLACES, moments, LATER)
def test_what_a_standing_says_is_what_a_decision_would_say(
    person: Person, sender: str | None, at: datetime, minutes: list[int]
) -> None:
    as_decided(person, sender, at, minutes, whole)


@settings(max_examples=300)
@given(of_clients, PLACES, moments, LATER)
def test_for_each_client_it_says_what_a_decision_on_a_message_of_theirs_would_say(
    person: Person, sender: str | None, at: datetime, minutes: list[int]
) -> None:
    for workspace in senders_to(person):
        as_decided(person, sender, at, minutes, whole, workspace)


@settings(max_examples=300)
@given(crowded, st.sampled_from(WITH_TERMS), moments, LATER)
def test_of_facts_that_are_alike_the_last_one_counts(
    person: Person, sender: str, at: datetime, minutes: list[int]
) -> None:
    """Which of many flaws a denial names is another matter."""
    for workspace in senders_to(person):
        as_decided(person, sender, at, minutes, lambda one: (one.law, one.rule, one.verdict), workspace)


def as_decided(
    person: Person,
    sender: str | None,
    at: datetime,
    minutes: list[int],
    told: Callable[[Reason], object],
    workspace: str | None = None,
) -> None:
    """At each of these moments later than `at`, and around each of its phases' begins."""
    found = standing_of(person, sender, at, workspace)
    begun = [one.begins_at for one in found.phases]
    assert begun == sorted(set(begun))
    looked_at = [at, *(at + timedelta(minutes=one) for one in minutes)]
    looked_at += [moment for one in begun[1:] for moment in (one - timedelta(microseconds=1), one)]
    for moment in looked_at:
        (*_, phase) = (one for one in found.phases if one.begins_at <= moment)
        # As their only sender sees them: what others were given is said of decisions alone.
        only = towards(person, workspace).person
        decision = judge(only, ordinary_of(workspace), sender, moment.astimezone(UTC), PACKS)
        assert phase.verdict is decision.verdict
        assert [told(one) for one in phase.reasons] == [told(one) for one in decision.reasons]


@given(of_clients)
def test_there_is_somebody_towards_whom_a_person_stands_and_each_client_is_among_them(person: Person) -> None:
    found = senders_to(person)
    assert found
    assert len(found) == len(set(found))
    stopped = {one.within for one in person.suppressions if one.scope is Scope.WORKSPACE and not one.ended_at}
    assert set(found) - {None} == (clients_of(person) | stopped) - {None}


@given(of_clients, clients)
def test_a_person_as_one_sender_sees_them_is_of_no_client(person: Person, workspace: str | None) -> None:
    seen = towards(person, workspace).person
    assert clients_of(seen) == frozenset()
    assert towards(seen, workspace) == (seen, ())


@given(people, PLACES, moments)
def test_the_lapse_is_the_first_end_of_an_allow(person: Person, sender: str | None, at: datetime) -> None:
    found = standing_of(person, sender, at)
    verdicts = [one.verdict for one in found.phases]
    if found.lapses_at is None:
        assert verdicts.count(Verdict.ALLOW) == 0 or verdicts[-1] is Verdict.ALLOW
    else:
        assert found.lapsing is not None
        assert found.lapsed is not None
        assert found.lapsing.verdict is Verdict.ALLOW
        assert found.lapsed.verdict is not Verdict.ALLOW
