"""Who may be mailed: the cases at the edges of each law, by name; Canada's and France's have modules of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from domain.law.facts import (
    Message,
    Person,
    RelationKind,
    Scope,
    Subscriber,
    Suppression,
    SuppressionKind,
)
from domain.law.judging import judge
from domain.law.pack import Verdict
from tests.support.persons import (
    ALLOW,
    ASKING,
    CHARITABLE,
    DENY,
    HOLD,
    NOON,
    OWN_GOODS,
    PACKS,
    PURCHASE,
    ROLE,
    at,
    consent,
    decided,
    person,
    relation,
    verdict,
)

TICK = timedelta(microseconds=1)


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

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            (RelationKind.DONATION, ALLOW),
            (RelationKind.MEMBERSHIP, ALLOW),
            (RelationKind.VOLUNTEERING, ALLOW),
            (RelationKind.INQUIRY, DENY),
            (RelationKind.CONTACT, DENY),
        ],
    )
    def test_who_gave_a_charity_support_is_its_supporter_and_who_asked_is_not(
        self, kind: RelationKind, expected: Verdict
    ) -> None:
        somebody = person("GB", relation(kind, date(2026, 3, 1)), could_object=True)
        assert verdict(somebody, message=CHARITABLE) is expected
        assert verdict(somebody, message=Message(charitable=False)) is DENY

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
        given, midnight = consent(date(2024, 11, 26)), at(2026, 11, 26, 0, "Asia/Seoul")
        before = decided(person("KR", given), midnight - TICK)
        assert (before.verdict, before.expires_at) == (ALLOW, midnight)
        assert verdict(person("KR", given), midnight) is HOLD
        checked = relation(RelationKind.CONSENT_CHECKED, date(2026, 6, 1))
        assert verdict(person("KR", given, checked), midnight) is ALLOW
        assert verdict(person("KR")) is DENY

    def test_a_korean_transaction_counts_for_six_months_and_goods_of_its_kind(self) -> None:
        bought, midnight = (
            person("KR", relation(PURCHASE, date(2026, 5, 26))),
            at(2026, 11, 26, 0, "Asia/Seoul"),
        )
        assert verdict(bought, midnight - TICK, OWN_GOODS) is ALLOW
        assert verdict(bought, midnight, OWN_GOODS) is DENY
        assert verdict(bought, midnight - TICK, Message(similar_goods=False)) is DENY

    def test_an_american_opt_out_and_a_later_affirmative_consent(self) -> None:
        out = Suppression(SuppressionKind.UNSUBSCRIBE, Scope.TENANT, at(2026, 1, 1), position=3)
        assert verdict(person("US", out)) is DENY
        moment = at(2026, 3, 1, 9, "America/New_York")
        agreed = replace(consent(date(2026, 3, 1)), at=moment)
        ended = person("US", replace(out, ended_at=moment), agreed)
        assert verdict(ended, moment - TICK) is DENY
        (allowed,) = decided(ended, moment).reasons
        assert (allowed.verdict, allowed.positions) == (ALLOW, (agreed.position,)), "it rests on the consent"
        assert verdict(person("US")) is ALLOW

    @pytest.mark.parametrize("country", ["ES", "NL", "IT"])
    def test_companies_too_want_consent(self, country: str) -> None:
        assert verdict(person(country, subscriber=Subscriber.CORPORATE)) is DENY
        agreed = consent(date(2026, 1, 1))
        assert verdict(person(country, agreed, subscriber=Subscriber.CORPORATE)) is ALLOW

    def test_a_consent_of_a_company_in_another_member_state_allows(self) -> None:
        agreed = person("AT", consent(date(2026, 1, 1)), subscriber=Subscriber.CORPORATE)
        assert verdict(agreed) is ALLOW

    @pytest.mark.parametrize(
        ("country", "rule", "zone", "wanted"),
        [
            ("AT", "eu.free-account", "Europe/Helsinki", "contract"),
            ("FR", "fr.free-account", "Europe/Paris", "contract"),
            ("DE", "de.free-account", "Europe/Berlin", "rule"),
            ("ES", "es.free-account", "Europe/Madrid", "contract"),
            ("IT", "it.free-account", "Europe/Rome", "rule"),
            ("NL", "nl.free-account", "Europe/Amsterdam", "rule"),
        ],
    )
    def test_a_free_account_that_stands_waits_in_every_member_state_for_somebody_to_judge_it(
        self, country: str, rule: str, zone: str, wanted: str
    ) -> None:
        def holder(*facts: object, ended: date | None = None) -> Person:
            account = relation(RelationKind.SUBSCRIPTION, date(2025, 1, 1), ended)
            return person(country, account, *facts, could_object=True)

        (reason,) = decided(holder(), message=OWN_GOODS).reasons
        assert (reason.verdict, reason.rule, reason.missing) == (HOLD, rule, (wanted,))
        assert reason.cites is not None
        assert "C-654/23" in reason.cites
        assert verdict(holder(), at(2025, 11, 12), OWN_GOODS) is DENY
        assert verdict(holder(consent(date(2026, 1, 1))), message=OWN_GOODS) is ALLOW
        sold = verdict(holder(relation(RelationKind.CONTRACT, date(2025, 1, 1))), message=OWN_GOODS)
        assert sold is (ALLOW if wanted == "contract" else HOLD), "what is entered as the remedy says"
        assert verdict(holder(), message=Message(similar_goods=False)) is DENY
        ended, end = holder(ended=date(2026, 11, 26)), at(2026, 11, 26, 0, zone)
        assert verdict(ended, end - timedelta(microseconds=1), OWN_GOODS) is HOLD
        assert verdict(ended, end, OWN_GOODS) is DENY

    @pytest.mark.parametrize(("country", "zone"), [("AT", "Europe/Helsinki"), ("ES", "Europe/Madrid")])
    def test_an_account_that_was_judged_a_sale_is_none_once_it_ended(self, country: str, zone: str) -> None:
        """It is entered as a contract, and who has one is an own customer up to its end (our reading)."""
        opened, closed = date(2021, 1, 1), date(2026, 11, 26)
        sold = [relation(one, opened, closed) for one in (RelationKind.SUBSCRIPTION, RelationKind.CONTRACT)]
        end = at(2026, 11, 26, 0, zone)
        allowed = decided(person(country, *sold, could_object=True), end - TICK, OWN_GOODS)
        assert (allowed.verdict, allowed.expires_at) == (ALLOW, end)
        assert verdict(person(country, *sold, could_object=True), end, OWN_GOODS) is DENY

    @pytest.mark.parametrize("country", ["DE", "IT", "NL"])
    def test_where_a_contract_is_no_sale_nothing_that_is_entered_would_end_with_the_account(
        self, country: str
    ) -> None:
        account = relation(RelationKind.SUBSCRIPTION, date(2025, 1, 1))
        (reason,) = decided(person(country, account, could_object=True), message=OWN_GOODS).reasons
        assert reason.remedy is not None
        assert "purchase" not in reason.remedy
        assert "No entry clears rule" in reason.remedy

    def test_a_french_account_waits_whatever_else_has_lapsed(self) -> None:
        """What the remedy asks for lets it pass: a purchase of the day on which it began would be over."""
        began = date(2020, 1, 1)
        account, bought = relation(RelationKind.SUBSCRIPTION, began), relation(PURCHASE, began)
        old = consent(began)
        holder = person("FR", account, bought, old, could_object=True)
        assert decided(holder, message=OWN_GOODS).reasons[0].rule == "fr.free-account"
        sale = person("FR", account, relation(RelationKind.CONTRACT, began), could_object=True)
        assert verdict(sale, message=OWN_GOODS) is ALLOW
        firm = replace(holder, subscriber=Subscriber.CORPORATE, told=False)
        assert verdict(firm, message=OWN_GOODS) is DENY

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
        assert verdict(person("NZ", address, subscriber=Subscriber.SOLE_TRADER), message=ROLE) is ALLOW
        assert verdict(person("NZ", address), message=ROLE) is DENY, "it is a business address that counts"
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

    @pytest.mark.parametrize(("country", "rule"), [("PL", "eu.soft-opt-in"), ("FR", "fr.soft-opt-in")])
    def test_what_would_be_allowed_to_an_individual_alone_waits_until_it_is_known_whose_it_is(
        self, country: str, rule: str
    ) -> None:
        """The strictest wins, of what an unknown fact may be as of two laws (our reading)."""
        bought = relation(RelationKind.PURCHASE, date(2026, 1, 1))
        known = person(country, bought, could_object=True)
        assert verdict(known, message=OWN_GOODS) is ALLOW
        assert verdict(replace(known, subscriber=Subscriber.CORPORATE), message=OWN_GOODS) is HOLD
        (reason,) = decided(replace(known, subscriber=None), message=OWN_GOODS).reasons
        assert (reason.verdict, reason.rule, reason.missing) == (HOLD, rule, ("subscriber",))
        assert (reason.positions, reason.until) == ((2,), None)
        assert reason.about.endswith(
            "Judged as an individual, since nobody knows: for a company it would be hold. "
            "Until it is known whose the address is, it waits."
        )
        agreed = replace(known, subscriber=None, consents=(consent(date(2026, 1, 1)),))
        (same,) = decided(agreed, message=OWN_GOODS).reasons
        assert (same.verdict, same.missing) == (ALLOW, ()), "a company too"

    def test_what_is_allowed_to_each_by_a_rule_of_its_own_rests_on_both_and_ends_with_the_first(self) -> None:
        """A contract that goes on is an individual's basis without end; a company has its consent, for three years."""
        facts = (consent(date(2023, 11, 28)), relation(RelationKind.CONTRACT, date(2023, 11, 1)))
        unknown = person("FR", *facts, could_object=True, subscriber=None)
        ends = at(2026, 11, 28, 0, "Europe/Paris")
        told = decided(unknown, ends - timedelta(seconds=1), OWN_GOODS)
        (reason,) = told.reasons
        assert (told.verdict, reason.rule, reason.positions) == (ALLOW, "fr.soft-opt-in", (2, 1))
        assert (told.expires_at, reason.until) == (ends, ends)
        assert reason.about.endswith(
            "Judged as an individual, since nobody knows: for a company it is allowed by fr.consent."
        )
        after = decided(unknown, ends, OWN_GOODS)
        assert (after.verdict, after.reasons[0].missing) == (HOLD, ("subscriber",))
        (known,) = decided(replace(unknown, subscriber=Subscriber.INDIVIDUAL), message=OWN_GOODS).reasons
        assert (known.positions, known.until, known.composed) == ((2,), None, False)

    def test_what_is_allowed_to_both_by_one_rule_says_no_more(self) -> None:
        (reason,) = decided(person("FR", consent(date(2026, 1, 1)), subscriber=None)).reasons
        assert (reason.verdict, reason.positions, reason.composed) == (ALLOW, (1,), False)

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
