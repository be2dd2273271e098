"""By when a request is answered, under each law that says so."""

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.law.deadlines import Duty
from domain.law.packs import load_packs
from domain.rights.clock import clock_of, warn_at

PACKS = load_packs()


def at(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("place", "sender", "duty", "received", "law", "due"),
    [
        ("DE", "DE", Duty.ACCESS, at(2026, 1, 15, 12), "eu-gdpr", date(2026, 2, 15)),
        # A month clamps to the last day of a shorter one.
        ("FR", "FR", Duty.DELETION, at(2026, 1, 31, 12), "eu-gdpr", date(2026, 2, 28)),
        ("US-CA", "US", Duty.ACCESS, at(2026, 1, 15, 20), "us-ca", date(2026, 2, 28)),
        ("BR", "BR", Duty.ACCESS, at(2026, 1, 15, 12), "br", date(2026, 1, 30)),
        # A Californian asks a sender in Germany: both laws, and a month is shorter than 45 days.
        ("US-CA", "DE", Duty.ACCESS, at(2026, 1, 15, 20), "eu-gdpr", date(2026, 2, 15)),
        # Of a country alone it is not known which of its parts is meant.
        ("US", "US", Duty.DELETION, at(2026, 1, 15, 20), "us-ca", date(2026, 2, 28)),
        # No law that is loaded says anything: our policy.
        ("NO", "NO", Duty.ACCESS, at(2026, 1, 15, 12), None, date(2026, 2, 15)),
        ("BR", "BR", Duty.DELETION, at(2026, 1, 15, 12), None, date(2026, 2, 15)),
        # Fifteen business days over Martin Luther King Jr. Day (19 January 2026).
        ("US-CA", "US", Duty.SALE_OPT_OUT, at(2026, 1, 15, 20), "us-ca", date(2026, 2, 6)),
    ],
)
def test_the_earliest_term_is_the_one_to_keep(
    place: str, sender: str, duty: Duty, received: datetime, law: str | None, due: date
) -> None:
    clock = clock_of(duty, place, sender, received, received, PACKS)
    assert (clock.terms[0].law, clock.due) == (law, due)
    assert not clock.assumed


def test_every_law_that_sets_a_term_is_told() -> None:
    received = at(2026, 1, 15, 20)
    clock = clock_of(Duty.ACCESS, "US-CA", "DE", received, received, PACKS)
    assert [one.law for one in clock.terms] == ["eu-gdpr", "us-ca"]


@pytest.mark.parametrize("place", ["GB", "KR", "CH", "US-NY"])
def test_the_senders_law_alone_makes_nobody_wait_longer_than_a_month(place: str) -> None:
    received = at(2026, 11, 20, 12)
    clock = clock_of(Duty.ACCESS, place, "US", received, received, PACKS)
    assert [(one.law, one.due) for one in clock.terms] == [
        (None, date(2026, 12, 20)),
        ("us-ca", date(2027, 1, 3)),
    ]
    assert (clock.due, clock.assumed) == (date(2026, 12, 20), False)
    # 90 days of California's are over before three months are.
    assert [one.longest[0] for one in clock.terms] == [date(2027, 2, 20), date(2027, 2, 17)]


def test_a_term_of_the_persons_own_place_needs_no_policy_beside_it() -> None:
    received = at(2026, 11, 20, 12)
    terms = clock_of(Duty.ACCESS, "US-CA", "US", received, received, PACKS).terms
    assert [one.law for one in terms] == ["us-ca"]
    # Of another duty no law of Brazil's is loaded, whatever the sender's country says of it.
    terms = clock_of(Duty.DELETION, "BR", "US-CA", received, received, PACKS).terms
    assert [one.law for one in terms] == [None, "us-ca"]


def test_where_nobody_knows_the_place_all_laws_count() -> None:
    received = at(2026, 1, 15, 12)
    clock = clock_of(Duty.ACCESS, None, "DE", received, received, PACKS)
    assert clock.assumed
    assert {one.law for one in clock.terms} == {"br", "eu-gdpr", "us-ca"}
    assert clock.terms[0].law == "br"


def test_a_term_counted_from_submission_begins_when_it_was_sent() -> None:
    sent, received = at(2026, 1, 10, 12), at(2026, 1, 15, 12)
    brazil = clock_of(Duty.ACCESS, "BR", "BR", received, sent, PACKS)
    assert brazil.due == date(2026, 1, 25)
    germany = clock_of(Duty.ACCESS, "DE", "DE", received, sent, PACKS)
    assert germany.due == date(2026, 2, 15)


def test_the_last_day_is_over_where_it_is_over_first() -> None:
    received = at(2026, 1, 15, 12)
    clock = clock_of(Duty.ACCESS, "DE", "DE", received, received, PACKS)
    # 16 February begins first in Helsinki, of the zones that the pack names.
    assert clock.due_at == at(2026, 2, 15, 22)


def test_extension_and_notice_are_told_with_the_term() -> None:
    received = at(2026, 1, 15, 12)
    (term,) = clock_of(Duty.ACCESS, "DE", "DE", received, received, PACKS).terms
    assert (term.extended, term.notice) == (date(2026, 4, 15), date(2026, 2, 15))
    assert term.tell_until == at(2026, 2, 15, 22)
    (brazil,) = clock_of(Duty.ACCESS, "BR", "BR", received, received, PACKS).terms
    assert (brazil.extended, brazil.tell_until) == (None, None)
    assert brazil.longest == (brazil.due, brazil.due_at)


def test_a_request_is_called_to_mind_a_week_before_or_halfway() -> None:
    received = at(2026, 1, 1)
    assert warn_at(received, received + timedelta(days=31)) == received + timedelta(days=24)
    assert warn_at(received, received + timedelta(days=10)) == received + timedelta(days=5)
