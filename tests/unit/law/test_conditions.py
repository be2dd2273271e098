"""What a condition makes of facts, where the packs' own cases do not show it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from pydantic import ValidationError

from domain.law.conditions import HasConsent, HasRelation, IsFlag
from domain.law.facts import ADDRESSES, Message, Person, RelationKind
from domain.law.looking import Found, Look
from domain.law.periods import Period
from tests.support.persons import NOON, at, consent, person, relation

PROVEN = HasConsent(fact="consent", proof=True)
RECENTLY = HasConsent(fact="consent", proof=True, within=Period(years=3))


def look(who: Person, message: Message = Message()) -> Look:  # noqa: B008 - frozen
    return Look(who, message, NOON, ("UTC",))


def answer(found: Found) -> tuple[bool, tuple[str, ...]]:
    return found.yes, found.missing


def test_where_the_sender_has_to_prove_a_consent_one_without_proof_leaves_it_open() -> None:
    bare, proven = consent(date(2020, 1, 1), documented=False), consent(date(2020, 1, 1))
    assert answer(PROVEN.found(look(person("CA", bare)))) == (False, ("proof_of_consent",))
    assert answer(PROVEN.found(look(person("CA", bare, proven)))) == (True, ())
    assert answer(PROVEN.found(look(person("CA")))) == (False, ())
    assert answer(HasConsent(fact="consent").found(look(person("CA", bare)))) == (True, ())


def test_a_consent_that_is_over_wants_no_proof_any_more() -> None:
    recent, old = date(2025, 1, 1), date(2020, 1, 1)
    assert answer(RECENTLY.found(look(person("FR", consent(recent, documented=False))))) == (
        False,
        ("proof_of_consent",),
    )
    assert answer(RECENTLY.found(look(person("FR", consent(old, documented=False))))) == (False, ())
    old_but_proven = person("FR", consent(recent, documented=False), consent(old))
    assert answer(RECENTLY.found(look(old_but_proven))) == (False, ("proof_of_consent",))


def test_a_relation_that_began_before_its_rule_is_none() -> None:
    since = HasRelation(fact="relation", kinds=(RelationKind.DONATION,), not_before=date(2026, 2, 5))
    early, late = (relation(RelationKind.DONATION, date(2026, 2, day)) for day in (4, 5))
    assert answer(since.found(look(person("GB", early)))) == (False, ())
    assert answer(since.found(look(person("GB", early, late)))) == (True, ())


@pytest.mark.parametrize(
    ("said", "expected"), [(True, (True, ())), (False, (False, ())), (None, (False, ("charitable",)))]
)
def test_whether_a_message_is_charitable_is_said_of_it(
    said: bool | None,  # noqa: FBT001 - a case
    expected: tuple[bool, tuple[str, ...]],
) -> None:
    flag = IsFlag(fact="flag", flag="charitable")
    assert answer(flag.found(look(person("GB"), Message(charitable=said)))) == expected


@pytest.mark.parametrize(
    ("refused", "in_writing", "expected"),
    [
        (False, True, (True, ())),
        (False, None, (False, ("in_writing",))),
        (None, True, (False, ("refusal_notice",))),
        (None, None, (False, ("refusal_notice", "in_writing"))),
        (False, False, (False, ())),
        (None, False, (False, ())),
        (True, None, (False, ())),
    ],
)
def test_an_address_given_in_writing_is_one_where_somebody_says_so(
    *, refused: bool | None, in_writing: bool | None, expected: tuple[bool, tuple[str, ...]]
) -> None:
    given = RelationKind.DISCLOSED_ADDRESS
    asked = HasRelation(fact="relation", kinds=(given,), unrefused=True, in_writing=True)
    told = relation(given, date(2026, 1, 1), refused=refused, in_writing=in_writing)
    assert answer(asked.found(look(person("JP", told)))) == expected


def test_of_several_addresses_of_which_something_is_open_the_one_with_the_least_is_asked_for() -> None:
    given = RelationKind.DISCLOSED_ADDRESS
    asked = HasRelation(fact="relation", kinds=(given,), unrefused=True, in_writing=True)
    both, one = (
        relation(given, date(2026, 1, 1), in_writing=None),
        relation(given, date(2026, 2, 1), in_writing=True),
    )
    for facts in ((both, one), (one, both)):
        assert answer(asked.found(look(person("JP", *facts)))) == (False, ("refusal_notice",))


def test_a_consent_that_has_to_be_checked_by_then_leaves_it_open_where_it_was_not() -> None:
    asked = HasConsent(fact="consent", checked=True, within=Period(years=2), check=True)
    old, recent = consent(date(2024, 11, 26)), consent(date(2024, 11, 27))
    assert answer(asked.found(look(person("KR", old)))) == (False, ("check_of_consent",))
    assert answer(asked.found(look(person("KR", old, recent)))) == (True, ())
    assert answer(asked.found(look(person("KR")))) == (False, ())
    unchecked = HasConsent(fact="consent", checked=True, within=Period(years=2))
    assert answer(unchecked.found(look(person("KR", old)))) == (False, ())


def test_what_counts_where_nothing_keeps_a_consent_alive_is_asked_of_one_that_something_may() -> None:
    with pytest.raises(ValidationError, match="or_given says what counts where nothing keeps it alive"):
        HasConsent(fact="consent", or_given=True)


def test_at_a_term_those_facts_do_of_which_it_is_over_and_no_other_is_within_it() -> None:
    year = Period(years=1)
    asked = HasConsent(fact="consent", past=year)
    old, new = consent(date(2025, 11, 26)), consent(date(2025, 11, 27))
    assert asked.found(look(person("FR", old))).yes
    assert not asked.found(look(person("FR", new))).yes
    assert not asked.found(look(person("FR", old, new))).yes
    bought = HasRelation(fact="relation", kinds=(RelationKind.PURCHASE, RelationKind.CONTRACT), past=year)
    over = relation(RelationKind.PURCHASE, date(2025, 11, 26))
    goes_on = relation(RelationKind.CONTRACT, date(2020, 1, 1))
    assert bought.found(look(person("FR", over))).yes
    assert bought.found(look(person("FR", over, goes_on))).yes, "counted from its beginning"
    from_end = bought.model_copy(update={"from_end": True})
    assert not from_end.found(look(person("FR", over, goes_on))).yes


def test_what_would_not_do_hinders_no_question_at_the_term() -> None:
    year = Period(years=1)
    asked = HasConsent(fact="consent", past=year, proof=True)
    old, bare = consent(date(2025, 11, 26)), consent(date(2025, 11, 27), documented=False)
    assert asked.found(look(person("FR", old, bare))).yes
    assert not asked.model_copy(update={"proof": False}).found(look(person("FR", old, bare))).yes
    seen = HasRelation(fact="relation", kinds=tuple(ADDRESSES), unrefused=True, past=year)
    gave = relation(RelationKind.DISCLOSED_ADDRESS, date(2025, 11, 26), refused=False)
    for refused, expected in ((None, True), (True, True), (False, False)):
        found = relation(RelationKind.PUBLISHED_ADDRESS, date(2026, 1, 1), refused=refused)
        assert seen.found(look(person("FR", gave, found))).yes is expected, refused


def test_at_a_term_it_does_until_another_begins() -> None:
    bought = HasRelation(
        fact="relation",
        kinds=(RelationKind.PURCHASE,),
        within=Period(years=2),
        past=Period(years=1),
    )
    over, coming = (relation(RelationKind.PURCHASE, day) for day in (date(2025, 11, 1), date(2026, 12, 1)))
    alone, both = (bought.found(look(person("FR", *facts))) for facts in ((over,), (over, coming)))
    assert (alone.until, both.until) == (at(2027, 11, 1, 0), at(2026, 12, 1, 0))


def test_at_a_term_a_consent_does_until_one_that_would_do_is_given() -> None:
    asked = HasConsent(fact="consent", within=Period(years=2), past=Period(years=1), proof=True)
    over = consent(date(2025, 11, 1))
    ends, day = at(2027, 11, 1, 0), date(2026, 12, 1)
    moment = at(2026, 12, 1, 9)
    for coming, until in (
        (consent(day), at(2026, 12, 1, 0)),
        (replace(consent(day), at=moment), moment),
        (replace(consent(day), at=moment, withdrawn_at=at(2026, 12, 1, 10)), moment),
        (replace(consent(day), at=moment, withdrawn_at=moment), ends),
        (consent(day, documented=False), ends),
    ):
        assert asked.found(look(person("FR", over, coming))).until == until
