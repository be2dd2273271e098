"""Who may be mailed: the cases at the edges of each law, by name."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.kernel.ids import MessageId
from domain.law.facts import (
    Message,
    Person,
    Purpose,
    Relation,
    RelationKind,
    Scope,
    Subscriber,
    Suppression,
    SuppressionKind,
    Written,
)
from domain.law.judging import judge
from domain.law.pack import Verdict
from tests.support.given import uid
from tests.support.persons import (
    ALLOW,
    CHARITABLE,
    DENY,
    HOLD,
    NOON,
    OWN_GOODS,
    PACKS,
    at,
    consent,
    decided,
    person,
    relation,
    verdict,
)

ROLE = Message(role_relevant=True)
ASKING = Message(purpose=Purpose.CONSENT_REQUEST)


def went(moment: datetime, purpose: Purpose = Purpose.MARKETING) -> tuple[Written, ...]:
    """A message that was handed over."""
    return (Written(MessageId(uid(50)), purpose, moment),)


def clicked(on: date) -> Relation:
    """The person turned to the sender."""
    return relation(CONTACT, on)


PURCHASE, INQUIRY, CONTACT = RelationKind.PURCHASE, RelationKind.INQUIRY, RelationKind.CONTACT


class TestCanada:
    def test_a_purchase_allows_up_to_the_day_before_its_second_anniversary(self) -> None:
        buyer = person("CA", relation(PURCHASE, date(2024, 11, 26)))
        assert verdict(buyer, at(2026, 11, 25, 12, "America/Toronto")) is ALLOW
        assert verdict(buyer, at(2026, 11, 26, 12, "America/Toronto")) is DENY

    def test_a_purchase_on_a_leap_day_is_clamped(self) -> None:
        buyer = person("CA", relation(PURCHASE, date(2024, 2, 29)))
        assert verdict(buyer, at(2026, 2, 27, 12, "America/Toronto")) is ALLOW
        assert verdict(buyer, at(2026, 2, 28, 12, "America/Toronto")) is DENY

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


class TestFrance:
    def test_who_only_opened_is_not_written_to_past_three_years(self) -> None:
        subscriber = person("FR", consent(date(2023, 11, 26)))
        assert verdict(subscriber, at(2026, 11, 25, 23, "Europe/Paris")) is ALLOW
        assert verdict(subscriber, at(2026, 11, 26, 0, "Europe/Paris", second=1)) is DENY
        assert verdict(subscriber, at(2026, 11, 27, 0, "Europe/Paris", second=1)) is DENY

    def test_who_clicked_inside_three_years_is(self) -> None:
        told = decided(person("FR", consent(date(2022, 1, 1)), clicked(date(2024, 6, 1))))
        assert (told.verdict, told.reasons[0].rule, told.reasons[0].positions) == (
            ALLOW,
            "fr.consent-kept-alive",
            (1, 2),
        )
        assert told.expires_at == at(2027, 6, 1, 0, "Europe/Paris")

    def test_at_the_term_one_message_may_ask(self) -> None:
        over = consent(date(2023, 11, 20))
        assert verdict(person("FR", over), message=ASKING) is ALLOW
        asked = relation(RelationKind.ASKED, date(2026, 11, 21))
        assert verdict(person("FR", over, asked), message=ASKING) is DENY
        assert verdict(person("FR", over)) is DENY

    def test_at_the_term_the_message_that_asked_is_the_one(self) -> None:
        def asked(moment: datetime, *more: object, purpose: Purpose = Purpose.CONSENT_REQUEST) -> Verdict:
            over = person("FR", consent(date(2023, 11, 20)), *more, written=went(moment, purpose))
            return verdict(over, message=ASKING)

        assert asked(at(2026, 11, 21)) is DENY
        assert asked(NOON) is DENY
        assert asked(NOON + timedelta(seconds=1)) is ALLOW
        assert asked(at(2026, 11, 21), purpose=Purpose.MARKETING) is ALLOW

    def test_who_turned_to_the_sender_after_they_were_asked_may_be_asked_at_the_next_term(self) -> None:
        """Days are those of Paris: half past eleven in the evening of the 25th, UTC, is the 26th there."""
        given, click = consent(date(2021, 1, 1)), clicked(date(2023, 11, 26))
        for moment, expected in (
            (at(2023, 11, 25, 22, second=59), ALLOW),
            (datetime(2023, 11, 25, 23, tzinfo=UTC), DENY),
            (at(2023, 11, 27), DENY),
        ):
            asked = person("FR", given, click, written=went(moment, Purpose.CONSENT_REQUEST))
            assert verdict(asked, message=ASKING) is expected, moment

    def test_a_consent_given_when_asked_has_a_term_of_its_own(self) -> None:
        for moment, expected in ((at(2023, 11, 20), ALLOW), (at(2023, 11, 21), DENY)):
            asked = went(moment, Purpose.CONSENT_REQUEST)
            again = person("FR", consent(date(2020, 11, 1)), consent(date(2023, 11, 20)), written=asked)
            assert verdict(again, message=ASKING) is expected

    def test_a_professional_who_was_told_and_could_object(self) -> None:
        gave = relation(RelationKind.DISCLOSED_ADDRESS, date(2026, 1, 1))
        firm = person("FR", gave, subscriber=Subscriber.CORPORATE, told=True, could_object=True)
        assert verdict(firm, message=ROLE) is ALLOW
        untold = person("FR", gave, subscriber=Subscriber.CORPORATE, told=False, could_object=True)
        assert verdict(untold, message=ROLE) is DENY

    @pytest.mark.parametrize(
        "known",
        [
            {"subscriber": Subscriber.CORPORATE, "told": True, "could_object": True},
            {"generic_address": True},
        ],
    )
    def test_professionals_have_the_term_from_collection_or_the_last_contact_too(
        self, known: dict[str, object]
    ) -> None:
        def firm(*facts: Relation) -> Person:
            return person("FR", *facts, **known)

        gave = relation(RelationKind.DISCLOSED_ADDRESS, date(2023, 11, 26))
        midnight = at(2026, 11, 26, 0, "Europe/Paris")
        assert verdict(firm(gave), midnight - timedelta(seconds=1), ROLE) is ALLOW
        assert verdict(firm(gave), midnight, ROLE) is DENY
        assert verdict(firm(gave, relation(CONTACT, date(2024, 1, 1))), midnight, ROLE) is ALLOW
        (reason,) = decided(firm(), midnight, ROLE).reasons
        assert reason.verdict is DENY, "nobody entered a day to count from"
        assert "their days are not entered" in reason.about

    @pytest.mark.parametrize(
        ("kind", "known"),
        [
            (PURCHASE, {"could_object": True}),
            (
                RelationKind.DISCLOSED_ADDRESS,
                {"subscriber": Subscriber.CORPORATE, "told": True, "could_object": True},
            ),
            (RelationKind.PUBLISHED_ADDRESS, {"generic_address": True}),
        ],
    )
    def test_customers_and_professionals_may_be_asked_once_at_the_term(
        self, kind: RelationKind, known: dict[str, object]
    ) -> None:
        began = relation(kind, date(2023, 11, 20))
        assert verdict(person("FR", began, **known), message=ASKING) is ALLOW
        asked = relation(RelationKind.ASKED, date(2026, 11, 21))
        assert verdict(person("FR", began, asked, **known), message=ASKING) is DENY
        went_out = went(at(2026, 11, 21), Purpose.CONSENT_REQUEST)
        assert verdict(person("FR", began, written=went_out, **known), message=ASKING) is DENY
        month_later = at(2026, 12, 20, 0, "Europe/Paris")
        assert verdict(person("FR", began, **known), month_later - timedelta(seconds=1), ASKING) is ALLOW
        assert verdict(person("FR", began, **known), month_later, ASKING) is DENY

    def test_the_three_years_are_a_recommendation(self) -> None:
        rules = [rule for pack in PACKS if pack.law == "fr" for rule in pack.rules]
        resting = [rule for rule in rules if "three years" in rule.cites]
        assert {"fr.consent", "fr.soft-opt-in", "fr.b2b", "fr.generic"} <= {rule.id for rule in resting}
        assert {rule.confidence for rule in resting} == {"S"}

    def test_a_customer_stays_one_for_three_years_after_the_relation_ended(self) -> None:
        def customer(*facts: Relation) -> Person:
            return person("FR", *facts, could_object=True)

        bought = relation(PURCHASE, date(2023, 11, 27))
        assert verdict(customer(bought), message=OWN_GOODS) is ALLOW
        assert verdict(customer(relation(PURCHASE, date(2023, 11, 26))), message=OWN_GOODS) is DENY
        runs = relation(RelationKind.CONTRACT, date(2015, 1, 1))
        assert verdict(customer(runs), message=OWN_GOODS) is ALLOW
        ended = relation(RelationKind.CONTRACT, date(2015, 1, 1), date(2023, 11, 26))
        assert verdict(customer(ended), message=OWN_GOODS) is DENY

    def test_a_generic_address_counts_as_a_legal_persons(self) -> None:
        found = relation(RelationKind.PUBLISHED_ADDRESS, date(2026, 1, 1))
        assert verdict(person("FR", found, generic_address=True), message=ROLE) is ALLOW


class TestGermany:
    def test_a_company_without_consent_is_not_written_to(self) -> None:
        assert verdict(person("DE", subscriber=Subscriber.CORPORATE)) is DENY

    def test_a_documented_consent_allows_and_one_that_is_not_does_not(self) -> None:
        assert verdict(person("DE", consent(date(2024, 1, 1)))) is ALLOW
        assert verdict(person("DE", consent(date(2024, 1, 1), documented=False))) is DENY

    def test_the_number_of_the_rule_changed_in_2022(self) -> None:
        who = person("DE", consent(date(2020, 1, 1)))
        for moment, number in ((at(2022, 5, 27), "Nr. 3"), (at(2022, 5, 28), "Nr. 2")):
            (reason,) = decided(who, moment).reasons
            assert reason.cites is not None
            assert number in reason.cites

    def test_an_own_customer_is_written_to_about_own_similar_goods(self) -> None:
        customer = person("DE", relation(PURCHASE, date(2020, 1, 1)), could_object=True)
        assert verdict(customer, message=OWN_GOODS) is ALLOW
        assert verdict(customer, message=Message(similar_goods=False)) is DENY


class TestUnitedKingdom:
    def test_a_limited_company_is_written_to_and_a_sole_trader_is_not(self) -> None:
        assert verdict(person("GB", subscriber=Subscriber.CORPORATE)) is ALLOW
        assert verdict(person("GB", subscriber=Subscriber.SOLE_TRADER)) is DENY

    def test_negotiations_without_a_sale_are_enough_for_the_soft_opt_in(self) -> None:
        prospect = person("GB", relation(RelationKind.NEGOTIATION, date(2026, 1, 1)), could_object=True)
        assert verdict(prospect, message=OWN_GOODS) is ALLOW

    def test_a_named_contact_keeps_the_objection(self) -> None:
        objected = Suppression(SuppressionKind.OBJECTION, Scope.TENANT, at(2026, 1, 1), position=3)
        assert verdict(person("GB", objected, subscriber=Subscriber.CORPORATE)) is DENY

    def test_charities_may_write_to_who_supports_them_since_february_2026(self) -> None:
        def supporter(day: int) -> Person:
            return person("GB", relation(RelationKind.DONATION, date(2026, 2, day)), could_object=True)

        assert verdict(supporter(5), at(2026, 2, 5), CHARITABLE) is ALLOW
        assert verdict(supporter(4), at(2026, 2, 5), CHARITABLE) is DENY
        assert verdict(supporter(4), NOON, CHARITABLE) is DENY

    def test_a_membership_of_what_is_no_charity_is_no_basis(self) -> None:
        member = person("GB", relation(RelationKind.MEMBERSHIP, date(2026, 3, 1)), could_object=True)
        assert verdict(member, message=Message(similar_goods=True, charitable=False)) is DENY
        nobody_said = decided(member, message=OWN_GOODS)
        assert (nobody_said.verdict, nobody_said.reasons[0].missing) == (HOLD, ("charitable",))

    def test_an_unknown_kind_of_subscriber_is_judged_as_an_individual_and_says_so(self) -> None:
        told = decided(person("GB", subscriber=None))
        assert told.verdict is DENY
        assert "nobody knows" in told.reasons[0].about
        assert "subscriber" in told.reasons[0].missing


class TestElsewhere:
    def test_an_australian_buyer_without_more(self) -> None:
        buyer = person("AU", relation(PURCHASE, date(2026, 10, 1)))
        assert verdict(buyer) is DENY
        assert verdict(buyer, message=ASKING) is DENY
        assert verdict(person("AU", consent(date(2020, 1, 1)))) is ALLOW

    def test_an_australian_relationship_waits_for_somebody_to_judge_the_conduct(self) -> None:
        member = person("AU", relation(RelationKind.MEMBERSHIP, date(2020, 1, 1)))
        assert verdict(member) is HOLD

    def test_a_korean_consent_of_two_years_without_a_check_waits(self) -> None:
        given = consent(date(2024, 11, 26))
        assert verdict(person("KR", given), at(2026, 11, 25, 12, "Asia/Seoul")) is ALLOW
        assert verdict(person("KR", given), at(2026, 11, 26, 12, "Asia/Seoul")) is HOLD
        checked = relation(RelationKind.CONSENT_CHECKED, date(2026, 6, 1))
        assert verdict(person("KR", given, checked), at(2026, 11, 26, 12, "Asia/Seoul")) is ALLOW
        assert verdict(person("KR")) is DENY

    def test_a_korean_transaction_counts_for_six_months_and_goods_of_its_kind(self) -> None:
        assert verdict(person("KR", relation(PURCHASE, date(2026, 5, 28))), message=OWN_GOODS) is ALLOW
        assert verdict(person("KR", relation(PURCHASE, date(2026, 5, 26))), message=OWN_GOODS) is DENY

    def test_an_american_opt_out_and_a_later_affirmative_consent(self) -> None:
        out = Suppression(SuppressionKind.UNSUBSCRIBE, Scope.TENANT, at(2026, 1, 1), position=3)
        assert verdict(person("US", out)) is DENY
        ended = Suppression(
            SuppressionKind.UNSUBSCRIBE, Scope.TENANT, at(2026, 1, 1), position=3, ended_at=at(2026, 3, 1)
        )
        assert verdict(person("US", ended, consent(date(2026, 3, 1)))) is ALLOW
        assert verdict(person("US")) is ALLOW

    @pytest.mark.parametrize("country", ["ES", "NL", "IT"])
    def test_companies_too_want_consent(self, country: str) -> None:
        assert verdict(person(country, subscriber=Subscriber.CORPORATE)) is DENY
        agreed = consent(date(2026, 1, 1))
        assert verdict(person(country, agreed, subscriber=Subscriber.CORPORATE)) is ALLOW

    def test_a_consent_of_a_company_in_another_member_state_allows(self) -> None:
        agreed = person("AT", consent(date(2026, 1, 1)), subscriber=Subscriber.CORPORATE)
        assert verdict(agreed) is ALLOW

    def test_a_free_account_in_another_member_state_waits_for_somebody_to_judge_it(self) -> None:
        def holder(*facts: object) -> Person:
            account = relation(RelationKind.SUBSCRIPTION, date(2025, 1, 1))
            return person("AT", account, *facts, could_object=True)

        (reason,) = decided(holder(), message=OWN_GOODS).reasons
        assert (reason.verdict, reason.rule) == (HOLD, "eu.free-account")
        assert verdict(holder(), at(2025, 11, 12), OWN_GOODS) is DENY
        assert verdict(holder(consent(date(2026, 1, 1))), message=OWN_GOODS) is ALLOW
        assert verdict(holder(relation(PURCHASE, date(2026, 1, 1))), message=OWN_GOODS) is ALLOW
        assert verdict(holder(), message=Message(similar_goods=False)) is DENY

    def test_other_members_of_the_union(self) -> None:
        assert verdict(person("AT")) is DENY
        assert verdict(person("AT", consent(date(2026, 1, 1)))) is ALLOW
        assert verdict(person("AT", subscriber=Subscriber.CORPORATE)) is HOLD

    def test_japan_singapore_new_zealand_brazil_and_switzerland(self) -> None:
        address = relation(RelationKind.PUBLISHED_ADDRESS, date(2026, 1, 1), refused=False)
        agreed = consent(date(2026, 1, 1))
        assert verdict(person("JP", address, subscriber=Subscriber.CORPORATE)) is ALLOW
        assert verdict(person("JP", address)) is DENY
        assert verdict(person("JP", agreed)) is ALLOW
        assert verdict(person("SG", agreed)) is ALLOW
        assert verdict(person("SG", address), message=Message(bulk=True)) is ALLOW
        assert verdict(person("SG", address), message=Message(bulk=False)) is ALLOW
        assert verdict(person("NZ", address), message=ROLE) is ALLOW
        assert verdict(person("NZ")) is DENY
        assert verdict(person("NZ", relation(PURCHASE, date(2026, 1, 1)))) is HOLD
        assert verdict(person("BR", agreed)) is ALLOW
        assert verdict(person("BR")) is HOLD
        assert verdict(person("CH", agreed)) is ALLOW
        assert verdict(person("CH")) is DENY

    def test_india_waits(self) -> None:
        (reason,) = decided(person("IN", consent(date(2026, 1, 1)))).reasons
        assert (reason.verdict, reason.confidence) == (HOLD, "N")

    def test_an_unknown_country_waits_and_is_named(self) -> None:
        told = judge(person(None), Message(), "US", NOON, PACKS)
        assert told.verdict is HOLD
        assert told.reasons[0].missing == ("country",)

    def test_a_country_of_which_different_things_are_said_waits_for_who_settles_it(self) -> None:
        (reason, _) = judge(person(None, contradicted=("country",)), Message(), "US", NOON, PACKS).reasons
        assert (reason.verdict, reason.rule, reason.missing) == (HOLD, "country-contradictory", ("country",))
        assert reason.about.startswith("Workspaces say different things of the country")
        assert reason.remedy is not None
        assert "describe-addressee" in reason.remedy

    def test_a_subscriber_of_whom_different_things_are_said_is_judged_as_an_individual(self) -> None:
        told = decided(person("GB", subscriber=None, contradicted=("subscriber",)))
        assert told.verdict is DENY
        assert "since workspaces say different things: for a company" in told.reasons[0].about

    def test_a_country_without_a_pack_waits(self) -> None:
        assert decided(person("AQ")).reasons[0].rule == "country-without-pack"


@pytest.mark.parametrize(
    ("country", "section"),
    [
        ("US", "15 U.S.C. 7704(a)(4)"),
        ("CA", "S.C. 2010 c. 23 s.11"),
        ("AT", "GDPR Art. 21(2)-(3), Art. 7(3)"),
        ("FR", "GDPR Art. 21(2)-(3), Art. 7(3)"),
        ("DE", "GDPR Art. 21(2)-(3), Art. 7(3)"),
        ("GB", "UK GDPR Art. 21(2)-(3), Art. 7(3) (numbered as the GDPR)"),
    ],
)
def test_an_opt_out_is_denied_by_the_section_of_its_law(country: str, section: str) -> None:
    out = Suppression(SuppressionKind.UNSUBSCRIBE, Scope.TENANT, at(2026, 1, 1), position=3)
    reason = decided(person(country, out)).reasons[0]
    assert (reason.verdict, reason.rule, reason.cites) == (DENY, "suppressed-unsubscribe", section)
    assert "by our policy" in reason.about


@pytest.mark.parametrize("country", ["CA", "FR", "GB"])
def test_a_consent_without_proof_waits_for_it(country: str) -> None:
    agreed, bare = consent(date(2026, 1, 1)), consent(date(2026, 1, 1), documented=False)
    assert verdict(person(country, agreed)) is ALLOW
    (reason,) = decided(person(country, bare)).reasons
    assert (reason.verdict, reason.missing) == (HOLD, ("proof_of_consent",))
    assert reason.remedy is not None
    assert "with its wording" in reason.remedy


def test_the_stricter_law_of_sender_and_recipient_wins() -> None:
    american = person("US")
    assert judge(american, Message(), "US", NOON, PACKS).verdict is ALLOW
    german_sender = judge(american, Message(), "DE", NOON, PACKS)
    assert german_sender.verdict is DENY
    assert [reason.law for reason in german_sender.reasons] == ["de", "us"]
