"""Canada: the edges of consent, express or implied, and of the requests for it, by name."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.law.facts import (
    Message,
    Person,
    Purpose,
    RelationKind,
)
from tests.support.persons import (
    ALLOW,
    ASKING,
    DENY,
    HOLD,
    INQUIRY,
    NOON,
    PURCHASE,
    ROLE,
    at,
    consent,
    decided,
    person,
    relation,
    verdict,
    went,
)


class TestCanada:
    def test_a_purchase_allows_up_to_the_day_before_its_second_anniversary(self) -> None:
        buyer = person("CA", relation(PURCHASE, date(2024, 11, 26)))
        assert verdict(buyer, at(2026, 11, 25, 12, "America/Toronto")) is ALLOW
        assert verdict(buyer, at(2026, 11, 26, 12, "America/Toronto")) is DENY

    def test_a_purchase_on_a_leap_day_is_clamped(self) -> None:
        buyer = person("CA", relation(PURCHASE, date(2024, 2, 29)))
        midnight = at(2026, 2, 28, 0, "America/St_Johns")
        before = decided(buyer, midnight - timedelta(microseconds=1))
        assert (before.verdict, before.expires_at) == (ALLOW, midnight)
        assert verdict(buyer, midnight) is DENY

    def test_the_zone_that_ends_the_permission_first_counts(self) -> None:
        buyer = person("CA", relation(PURCHASE, date(2024, 11, 26)))
        midnight = datetime(2026, 11, 26, tzinfo=ZoneInfo("America/St_Johns"))
        before = decided(buyer, midnight - timedelta(seconds=1))
        assert (before.verdict, before.expires_at) == (ALLOW, midnight)
        assert verdict(buyer, midnight) is DENY

    def test_an_inquiry_lasts_six_months_and_a_purchase_before_it_two_years(self) -> None:
        asked = relation(INQUIRY, date(2026, 5, 26))
        assert verdict(person("CA", asked), at(2026, 11, 25)) is ALLOW
        assert verdict(person("CA", asked), at(2026, 11, 26)) is DENY
        both = person("CA", relation(PURCHASE, date(2025, 3, 1)), asked)
        assert verdict(both, at(2026, 11, 26)) is ALLOW

    def test_a_subscription_that_ended_23_months_ago_allows(self) -> None:
        ended = relation(RelationKind.SUBSCRIPTION, date(2015, 1, 1), date(2024, 12, 26))
        assert verdict(person("CA", ended)) is ALLOW
        longer = relation(RelationKind.SUBSCRIPTION, date(2015, 1, 1), date(2024, 11, 26))
        assert verdict(person("CA", longer)) is DENY

    def test_an_account_or_a_loan_counts_from_its_end(self) -> None:
        ended = relation(RelationKind.LOAN, date(2015, 1, 1), date(2024, 11, 27))
        assert verdict(person("CA", ended)) is ALLOW
        assert verdict(person("CA", relation(RelationKind.LOAN, date(2015, 1, 1)))) is ALLOW
        assert (
            verdict(person("CA", relation(RelationKind.LOAN, date(2015, 1, 1), date(2024, 11, 26)))) is DENY
        )

    def test_a_member_stays_one_and_counts_two_years_from_the_end(self) -> None:
        assert verdict(person("CA", relation(RelationKind.MEMBERSHIP, date(2020, 1, 1)))) is ALLOW
        last, over = date(2024, 11, 27), date(2024, 11, 26)
        assert verdict(person("CA", relation(RelationKind.MEMBERSHIP, date(2020, 1, 1), last))) is ALLOW
        assert verdict(person("CA", relation(RelationKind.MEMBERSHIP, date(2020, 1, 1), over))) is DENY

    def test_who_volunteered_counts_two_years(self) -> None:
        assert verdict(person("CA", relation(RelationKind.VOLUNTEERING, date(2024, 11, 27)))) is ALLOW
        assert verdict(person("CA", relation(RelationKind.VOLUNTEERING, date(2024, 11, 26)))) is DENY

    def test_the_first_message_after_a_referral_names_who_referred(self) -> None:
        first = Message(purpose=Purpose.REFERRAL, names_referrer=True)
        assert verdict(person("CA"), message=first) is ALLOW
        assert verdict(person("CA"), message=Message(purpose=Purpose.REFERRAL, names_referrer=False)) is DENY

    @pytest.mark.parametrize("purpose", Purpose)
    def test_only_the_first_message_after_a_referral_is(self, purpose: Purpose) -> None:
        """SOR/2013-221 s.4(1): whatever went before, the next one is not the first."""
        first = Message(purpose=Purpose.REFERRAL, names_referrer=True)
        written = person("CA", written=went(NOON, purpose))
        assert verdict(written, NOON - timedelta(seconds=1), first) is ALLOW
        assert verdict(written, NOON, first) is DENY
        assert verdict(written, NOON + timedelta(days=3_650), first) is DENY
        agreed = person("CA", consent(date(2026, 1, 1)), written=went(NOON, purpose))
        assert verdict(agreed, NOON, first) is ALLOW

    def test_a_request_for_consent_is_a_commercial_message_itself(self) -> None:
        lapsed = person("CA", relation(PURCHASE, date(2024, 11, 26)))
        implied = person("CA", relation(PURCHASE, date(2025, 11, 26)))
        assert verdict(lapsed, message=ASKING) is DENY
        assert verdict(implied, message=ASKING) is ALLOW

    def test_a_published_address_depends_on_the_notice_beside_it(self) -> None:
        def published(*, refused: bool | None) -> Person:
            return person("CA", relation(RelationKind.PUBLISHED_ADDRESS, date(2026, 1, 1), refused=refused))

        assert verdict(published(refused=False), message=ROLE) is ALLOW
        assert verdict(published(refused=True), message=ROLE) is DENY
        unknown = decided(published(refused=None), message=ROLE)
        assert (unknown.verdict, unknown.reasons[0].missing) == (HOLD, ("refusal_notice",))

    def test_implied_consent_that_lapses_while_the_message_is_queued(self) -> None:
        buyer = person("CA", relation(PURCHASE, date(2024, 11, 26)))
        allowed = decided(buyer, at(2026, 11, 25, 22, "America/St_Johns"))
        assert allowed.verdict is ALLOW
        assert allowed.expires_at is not None
        assert verdict(buyer, allowed.expires_at) is DENY
