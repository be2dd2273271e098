"""A consent of which the moment is known counts from it in every zone, and its periods from the earliest day of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.audience.standing import standing_of
from domain.kernel.ids import MessageId
from domain.law.facts import Consent, ConsentKind, Message, Purpose, Written
from tests.support.given import uid
from tests.support.persons import ALLOW, DENY, at, person, verdict

EVENING = datetime(2026, 11, 27, 2, 57, tzinfo=UTC)
"""The 26th in Canada still, the 27th in UTC."""
JUST = timedelta(microseconds=1)


def given_at(moment: datetime, kind: ConsentKind = ConsentKind.DOUBLE) -> Consent:
    return Consent(moment.astimezone(UTC).date(), kind, documented=True, position=1, at=moment)


@pytest.mark.parametrize("country", ["CA", "DE", "AU", "KR", "GB"])
def test_it_counts_from_its_moment_wherever_the_person_is(country: str) -> None:
    somebody = person(country, given_at(EVENING))
    assert verdict(somebody, EVENING - JUST) is DENY
    assert verdict(somebody, EVENING) is ALLOW


def test_one_of_a_day_alone_counts_once_that_day_has_come() -> None:
    by_day = person("CA", Consent(EVENING.date(), ConsentKind.SINGLE, documented=True, position=1))
    assert verdict(by_day, EVENING) is DENY
    assert verdict(by_day, at(2026, 11, 27, 0, "America/St_Johns")) is ALLOW


def test_its_period_counts_from_the_earliest_day_that_it_was_where_the_law_holds() -> None:
    before_midnight_in_paris = datetime(2023, 11, 26, 22, 59, tzinfo=UTC)
    ends = at(2026, 11, 26, 0, "Europe/Paris")
    somebody = person("FR", given_at(before_midnight_in_paris))
    assert (verdict(somebody, ends - JUST), verdict(somebody, ends)) == (ALLOW, DENY)
    after_midnight = person("FR", given_at(before_midnight_in_paris + timedelta(minutes=2)))
    assert verdict(after_midnight, ends) is ALLOW
    assert standing_of(somebody, "FR", before_midnight_in_paris).lapses_at == ends


def test_a_standing_turns_at_the_moment_itself() -> None:
    found = standing_of(person("CA", given_at(EVENING)), "CA", EVENING - timedelta(hours=1))
    assert [(one.begins_at, one.verdict) for one in found.phases][1:] == [(EVENING, ALLOW)]
    assert standing_of(person("CA", given_at(EVENING)), "CA", EVENING).now.verdict is ALLOW


def test_what_asked_for_a_consent_an_hour_after_it_was_given_asked_again() -> None:
    """Where the day alone is known, what went on that day went before."""
    asks = Message(purpose=Purpose.CONSENT_REQUEST)
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    asked = Written(MessageId(uid(7)), Purpose.CONSENT_REQUEST, noon)

    def again(consent: Consent) -> bool:
        somebody = person("FR", consent, written=(asked,))
        return verdict(somebody, at(2029, 12, 1), asks) is ALLOW

    assert again(Consent(noon.date(), ConsentKind.SINGLE, documented=True, position=1))
    assert again(given_at(noon + JUST))
    assert not again(given_at(noon - timedelta(hours=1)))
