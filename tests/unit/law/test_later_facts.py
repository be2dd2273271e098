"""What later facts make of earlier ones: a notice, of an address that was entered; a click, of a consent."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from domain.law.facts import Message, Purpose, Relation, RelationKind
from domain.law.pack import Verdict
from tests.support.persons import ALLOW, DENY, HOLD, at, consent, decided, person, relation, verdict

ROLE = Message(role_relevant=True)
ASKING = Message(purpose=Purpose.CONSENT_REQUEST)
PUBLISHED, DISCLOSED = RelationKind.PUBLISHED_ADDRESS, RelationKind.DISCLOSED_ADDRESS


def clicked(on: date) -> Relation:
    """The person turned to the sender."""
    return relation(RelationKind.CONTACT, on)


@pytest.mark.parametrize("kind", [PUBLISHED, DISCLOSED])
@pytest.mark.parametrize(
    ("notices", "expected"),
    [
        ({date(2026, 1, 1): False, date(2026, 11, 20): True}, DENY),
        ({date(2026, 1, 1): None, date(2026, 11, 20): True}, DENY),
        ({date(2026, 1, 1): True, date(2026, 11, 20): False}, ALLOW),
        ({date(2026, 1, 1): True, date(2026, 11, 20): None}, HOLD),
        ({date(2026, 1, 1): False, date(2026, 5, 1): True, date(2026, 11, 20): False}, ALLOW),
    ],
)
def test_the_latest_word_on_an_address_counts(
    kind: RelationKind, notices: dict[date, bool | None], expected: Verdict
) -> None:
    seen = [relation(kind, on, refused=refused) for on, refused in notices.items()]
    assert verdict(person("CA", *seen), message=ROLE) is expected
    assert verdict(person("CA", *reversed(seen)), message=ROLE) is expected


def test_of_two_words_of_one_day_the_refusal_counts() -> None:
    for said in (False, None):
        both = [relation(PUBLISHED, date(2026, 11, 20), refused=one) for one in (said, True)]
        assert verdict(person("CA", *both), message=ROLE) is DENY
        assert verdict(person("CA", *reversed(both)), message=ROLE) is DENY


def test_a_refusal_of_one_address_says_nothing_of_another() -> None:
    public = relation(PUBLISHED, date(2026, 11, 20), refused=True)
    given = relation(DISCLOSED, date(2026, 1, 1), refused=False)
    told = decided(person("CA", public, given), message=ROLE)
    assert (told.verdict, told.reasons[0].rule) == (ALLOW, "ca.disclosed")


def test_an_allow_ends_as_the_day_of_the_refusal_begins() -> None:
    seen = relation(PUBLISHED, date(2026, 1, 1), refused=False)
    later = relation(PUBLISHED, date(2026, 11, 28), refused=True)
    told = decided(person("CA", seen, later), message=ROLE)
    midnight = at(2026, 11, 28, 0, "America/St_Johns")
    assert (told.verdict, told.expires_at) == (ALLOW, midnight)
    assert verdict(person("CA", seen, later), midnight, ROLE) is DENY


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        # Somebody who clicks long after the term, or on the day on which it is over, brings nothing back.
        ([date(2026, 11, 20)], DENY),
        ([date(2023, 1, 1)], DENY),
        ([date(2022, 12, 31)], DENY),
        ([date(2022, 12, 31), date(2024, 1, 1)], ALLOW),
        # One gap later in the chain breaks it too, whatever came before it or comes after.
        ([date(2022, 12, 31), date(2025, 12, 31)], DENY),
        ([date(2022, 12, 31), date(2025, 12, 31), date(2026, 11, 20)], DENY),
        ([date(2022, 12, 31), date(2025, 12, 30)], ALLOW),
        # The order in which they were entered is none of its business, nor a click of before the consent.
        ([date(2025, 12, 30), date(2019, 6, 1), date(2022, 12, 31)], ALLOW),
    ],
)
def test_each_click_keeps_a_consent_alive_for_three_years(links: list[date], expected: Verdict) -> None:
    who = person("FR", consent(date(2020, 1, 1)), *map(clicked, links))
    assert verdict(who) is expected
    again = person("FR", consent(date(2020, 1, 1)), consent(date(2024, 1, 1)), *map(clicked, links))
    assert verdict(again) is ALLOW, "a later consent has a chain of its own"


def test_a_chain_ends_three_years_after_its_last_link_and_one_message_may_ask_for_a_month() -> None:
    given = consent(date(2020, 11, 27))
    alive = person("FR", given, clicked(date(2023, 11, 26)))
    midnight = at(2026, 11, 26, 0, "Europe/Paris")
    before = decided(alive, midnight - timedelta(seconds=1))
    assert (before.verdict, before.expires_at) == (ALLOW, midnight)
    assert verdict(alive, midnight) is DENY
    assert verdict(alive, midnight, ASKING) is ALLOW
    over = at(2026, 12, 26, 0, "Europe/Paris")
    assert verdict(alive, over - timedelta(seconds=1), ASKING) is ALLOW
    assert verdict(alive, over, ASKING) is DENY
    asked = relation(RelationKind.ASKED, date(2025, 1, 1))
    was_asked = person("FR", given, clicked(date(2023, 11, 26)), asked)
    assert verdict(was_asked, midnight - timedelta(seconds=1), ASKING) is ALLOW
    assert verdict(was_asked, midnight, ASKING) is DENY
    assert verdict(alive, midnight - timedelta(seconds=1), Message(purpose=Purpose.REFERRAL)) is DENY
    broken = person("FR", given, clicked(date(2023, 11, 27)))
    assert verdict(broken, at(2026, 11, 25), ASKING) is DENY


def test_a_chain_without_proof_of_its_consent_waits_for_that() -> None:
    unproven = consent(date(2022, 1, 1), documented=False)
    told = decided(person("FR", unproven, clicked(date(2024, 6, 1))))
    assert (told.verdict, told.reasons[0].missing) == (HOLD, ("proof_of_consent",))
    assert verdict(person("FR", unproven, clicked(date(2026, 6, 1)))) is DENY
