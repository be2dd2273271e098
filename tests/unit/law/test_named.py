"""A deny or a hold names what is entered and does not do, and when it will or what it lacks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from domain.law.by_law import Reason
from domain.law.facts import Consent, ConsentKind, Message, Person, Purpose, RelationKind, Subscriber
from domain.law.judging import judge
from domain.law.looking import Look
from domain.law.nearly import falls_short
from tests.support.persons import (
    ALLOW,
    DENY,
    OWN_GOODS,
    PACKS,
    at,
    consent,
    decided,
    person,
    relation,
    verdict,
)

EVENING = datetime(2026, 11, 27, 2, 57, tzinfo=UTC)
"""The 26th in Canada still."""
TOMORROW = date(2026, 11, 27)


def reason_of(who: Person, moment: datetime = EVENING, message: Message = OWN_GOODS) -> Reason:
    found = decided(who, moment, message)
    return next(one for one in found.reasons if one.law is not None)


def test_a_consent_of_a_day_that_has_not_begun_is_named_with_when_it_counts() -> None:
    reason = reason_of(person("CA", consent(TOMORROW)))
    assert (reason.verdict, reason.positions, reason.missing) == (DENY, (1,), ())
    begins = at(2026, 11, 27, 0, "America/St_Johns")
    assert reason.about == (
        "The consent of 2026-11-27 (entry 1) does not count yet: "
        f"it does from {begins.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC on."
    )
    assert verdict(person("CA", consent(TOMORROW)), begins - timedelta(microseconds=1)) is DENY
    assert verdict(person("CA", consent(TOMORROW)), begins) is ALLOW


def test_so_is_a_purchase_and_one_without_any_says_that_there_is_none() -> None:
    reason = reason_of(person("CA", relation(RelationKind.PURCHASE, TOMORROW)))
    assert reason.about.startswith("What is entered as purchase of 2026-11-27 (entry 2) does not count yet")
    assert reason.positions == (2,)
    nothing = reason_of(person("CA"))
    assert nothing.about.startswith("Nobody consented")
    assert (nothing.positions, nothing.composed) == ((), False)


def test_a_consent_without_its_wording_is_named_and_what_it_lacks() -> None:
    undocumented = person("DE", consent(date(2026, 1, 1), documented=False))
    reason = reason_of(undocumented)
    assert (reason.verdict, reason.positions, reason.missing) == (DENY, (1,), ("proof_of_consent",))
    assert "The consent of 2026-01-01 (entry 1) does not do, for its wording is not kept" in reason.about
    assert reason.remedy
    assert reason_of(person("DE", consent(date(2026, 1, 1)))).verdict is ALLOW


def test_what_would_make_it_legal_is_of_such_a_message() -> None:
    """A referral's full name helps a referral, and no advertisement."""
    advertised, referred = (
        reason_of(person("CA")),
        reason_of(person("CA"), message=Message(purpose=Purpose.REFERRAL)),
    )
    assert advertised.remedy is not None
    assert referred.remedy is not None
    assert ("referred" in advertised.remedy, "referred" in referred.remedy) == (False, True)
    assert ("notice" in advertised.remedy, "notice" in referred.remedy) == (True, False)


def test_one_that_has_both_flaws_is_named_with_both() -> None:
    reason = reason_of(person("DE", consent(date(2026, 12, 1), documented=False)))
    assert ("does not count yet" in reason.about, "wording" in reason.about) == (True, True)
    assert (reason.positions, reason.missing) == ((1,), ("proof_of_consent",))


def test_one_of_a_later_moment_is_named_by_it() -> None:
    later = EVENING + timedelta(hours=1)
    given = Consent(later.date(), ConsentKind.DOUBLE, documented=True, position=4, at=later)
    assert (
        "(entry 4) does not count yet: it does from 2026-11-27 03:57:00 UTC on."
        in reason_of(person("AU", given)).about
    )


def test_of_several_that_wait_the_first_to_begin_is_named() -> None:
    """The 27th begins in Canada at 03:30 UTC; a consent of a moment of that day, before or after."""
    later, of_day = replace(consent(date(2026, 12, 24)), position=5), replace(consent(TOMORROW), position=6)
    for minute, named in ((10, 7), (40, 6)):
        at_once = replace(consent(TOMORROW), position=7, at=datetime(2026, 11, 27, 3, minute, tzinfo=UTC))
        for consents in ((later, of_day, at_once), (at_once, later, of_day)):
            reason = reason_of(person("CA", *consents))
            assert (reason.positions, reason.about.count("does not count yet")) == ((named,), 1)


def test_what_would_not_help_is_not_named() -> None:
    withdrawn = replace(consent(date(2026, 1, 1), documented=False), withdrawn_at=EVENING)
    assert reason_of(person("DE", withdrawn)).missing == (), "its wording would not bring it back"
    helped = person("DE", consent(date(2026, 1, 1)), consent(date(2026, 1, 2), documented=False))
    assert reason_of(helped).verdict is ALLOW
    purchase = person("AU", relation(RelationKind.DONATION, date(2026, 12, 24)))
    assert reason_of(purchase).positions == ()


def test_whose_the_address_is_is_asked_besides() -> None:
    somebody = replace(person("CA", consent(TOMORROW)), subscriber=None)
    found = judge(somebody, OWN_GOODS, "CA", EVENING, PACKS)
    assert found.reasons[0].positions == (1,)
    company = replace(somebody, subscriber=Subscriber.CORPORATE)
    assert judge(company, OWN_GOODS, "CA", EVENING, PACKS).reasons[0].positions == (1,)


def test_who_has_many_entries_is_judged_anew_for_the_latest_of_each_sort_alone() -> None:
    """An import enters a consent without proof for each of its days, and every click is a relation."""
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(60)]
    consents = [
        replace(consent(day), documented=False, position=number) for number, day in enumerate(days, 1)
    ]
    clicks = [relation(RelationKind.CONTACT, TOMORROW + timedelta(days=number)) for number in range(60)]
    who = replace(person("FR"), consents=tuple(consents), relations=tuple(clicks))
    asked: list[Look] = []

    def eases(look: Look) -> bool:
        asked.append(look)
        return False

    assert list(falls_short(Look(who, OWN_GOODS, EVENING, ("Europe/Paris",)), eases)) == []
    assert [look.person.consents[-1].documented for look in asked] == [True, False]
    assert len(asked) == 2, "one consent of sixty, and one of as many clicks"
