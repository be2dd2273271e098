"""Laws of Brazil, Australia, Singapore, Japan, New Zealand, Korea and others: what each says that the others do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from domain.law.facts import (
    GOES_ON,
    Message,
    Purpose,
    RelationKind,
    Scope,
    Subscriber,
    Suppression,
    SuppressionKind,
)
from domain.law.pack import Verdict
from domain.law.packs import load_packs
from domain.law.periods import Period
from tests.support.persons import (
    ALLOW,
    DENY,
    HOLD,
    OWN_GOODS,
    at,
    consent,
    decided,
    person,
    relation,
    verdict,
)

LAWS = {pack.law: pack for pack in load_packs()}
HERE = ("br", "au", "sg", "jp", "nz", "kr", "es", "it", "nl", "ch", "in")
PURCHASE, CONTRACT, ADDRESS = (
    RelationKind.PURCHASE,
    RelationKind.CONTRACT,
    RelationKind.PUBLISHED_ADDRESS,
)
PROVEN, BARE = consent(date(2026, 1, 5)), consent(date(2026, 1, 5), documented=False)
STOP = Suppression(SuppressionKind.UNSUBSCRIBE, Scope.TENANT, at(2026, 3, 1), position=9)


def also(law: str) -> dict[str, str]:
    """What a law says besides, with how it is known."""
    return {one.id: one.confidence for one in LAWS[law].also}


@pytest.mark.parametrize("law", HERE)
def test_each_statement_has_the_day_it_came_into_force_or_says_that_nobody_looked(law: str) -> None:
    pack = LAWS[law]
    for one in (*pack.rules, *pack.deadlines, *pack.content, *pack.also):
        assert (one.in_force_from is None) is ("date" in one.not_looked_up), one.id


@pytest.mark.parametrize(
    ("law", "section"),
    [
        ("br", "LGPD Art. 8 §5, Art. 18 §2"),
        ("au", "Spam Act 2003 s.18, Sch. 2 cl. 6 (text not seen)"),
        ("sg", "Spam Control Act 2007 Sch. 2"),
        ("jp", "Act 26/2002 (section not looked up)"),
        ("nz", "UEMA 2007 s.9(2)"),
        ("kr", "Network Act Art. 50 (paragraph not looked up)"),
        ("es", "GDPR Art. 21(2)-(3), Art. 7(3); LSSI Art. 21 (paragraph not looked up)"),
        ("it", "GDPR Art. 21(2)-(3), Art. 7(3); Codice Privacy Art. 130 (paragraph not looked up)"),
        ("nl", "GDPR Art. 21(2)-(3), Art. 7(3); Tw Art. 11.7 (paragraph not looked up)"),
        ("ch", "Switzerland: not looked up"),
        ("in", "India: not looked up"),
    ],
)
def test_who_is_held_back_by_an_opt_out_is_told_the_section_of_the_law(law: str, section: str) -> None:
    told = decided(person(law.upper(), PROVEN, STOP)).reasons[0]
    assert (told.verdict, told.rule, told.cites) == (DENY, "suppressed-unsubscribe", section)


def test_each_law_of_who_may_be_mailed_names_a_section_on_opt_outs_or_that_nobody_looked() -> None:
    for pack in LAWS.values():
        assert bool(pack.opt_out_section) is bool(pack.rules), pack.law
        if "GDPR" in {law.title for law in LAWS.values() if set(pack.countries) & set(law.countries)}:
            assert pack.law.startswith("eu-") or "GDPR Art. 21(2)-(3), Art. 7(3)" in str(pack.opt_out_section)


@pytest.mark.parametrize(
    ("country", "rule"),
    [
        ("BR", "br.consent"),
        ("AU", "au.express"),
        ("NZ", "nz.consent"),
        ("JP", "jp.consent"),
        ("KR", "kr.consent"),
    ],
)
def test_where_a_consent_has_to_be_proven_or_explicit_one_without_proof_waits_and_names_that(
    country: str, rule: str
) -> None:
    told = decided(person(country, BARE)).reasons[0]
    assert (told.verdict, told.rule, told.missing) == (HOLD, rule, ("proof_of_consent",))
    assert verdict(person(country, BARE, PROVEN)) is ALLOW


def test_korea_wants_it_explicit_and_says_what_shows_that() -> None:
    assert also("kr")["kr.burden"] == "N"
    old, checked = (
        consent(date(2024, 1, 5), documented=False),
        relation(RelationKind.CONSENT_CHECKED, date(2025, 12, 1)),
    )
    (told,) = decided(person("KR", old, checked)).reasons
    assert (told.verdict, told.missing) == (HOLD, ("proof_of_consent",)), "a check shows nothing of it"


def test_in_korea_each_check_is_made_within_two_years_of_the_one_before() -> None:
    def checked(*days: date) -> Verdict:
        checks = [relation(RelationKind.CONSENT_CHECKED, day) for day in days]
        return verdict(person("KR", consent(date(2020, 1, 5)), *checks))

    in_time = (date(2022, 1, 4), date(2024, 1, 3), date(2026, 1, 2))
    assert checked(*in_time) is ALLOW
    assert checked(*in_time[:2]) is HOLD, "the last is missing"
    assert checked(date(2026, 1, 2)) is HOLD, "a late one brings nothing back"
    assert checked(date(2022, 1, 5), *in_time[1:]) is HOLD, "nor one of the anniversary"
    (told,) = decided(person("KR", consent(date(2020, 1, 5)))).reasons
    assert (told.verdict, told.missing) == (HOLD, ("consent",))


@pytest.mark.parametrize("country", ["SG", "CH"])
def test_where_nobody_looked_who_has_to_prove_it_a_consent_is_proven_and_the_law_says_so(
    country: str,
) -> None:
    """What was not found allows nothing. In Singapore such mail may go as what nobody asked for."""
    assert also(country.lower())[f"{country.lower()}.burden"] == "N"
    proven, bare = (decided(person(country, one)).reasons[0] for one in (PROVEN, BARE))
    assert (proven.verdict, proven.basis) == (ALLOW, "consent")
    if country == "SG":
        assert (bare.verdict, bare.basis) == (ALLOW, "opt-out regime")
    else:
        assert (bare.verdict, bare.missing) == (HOLD, ("proof_of_consent",))


@pytest.mark.parametrize(
    ("country", "kind"),
    [("BR", PURCHASE), ("AU", CONTRACT), ("AU", RelationKind.MEMBERSHIP), ("NZ", PURCHASE)],
)
def test_a_relation_that_somebody_has_to_judge_does_not_hold_up_who_consented(
    country: str, kind: RelationKind
) -> None:
    there = relation(kind, date(2026, 2, 1))
    assert verdict(person(country, there)) is HOLD
    assert verdict(person(country, there, BARE)) is HOLD
    assert verdict(person(country, there, PROVEN)) is ALLOW


class TestBrazil:
    def test_what_it_says_besides(self) -> None:
        assert also("br") == {
            "br.revocation": "T",
            "br.objection": "T",
            "br.simplified-access": "T",
            "br.content": "N",
        }


class TestAustralia:
    def test_what_it_says_besides(self) -> None:
        assert also("au") == {
            "au.burden": "T",
            "au.publication": "T",
            "au.purchase": "G",
            "au.asking": "G",
            "au.not-advertising": "N",
        }

    def test_to_ask_for_consent_is_marketing(self) -> None:
        member = relation(RelationKind.MEMBERSHIP, date(2020, 1, 1))
        for facts in ((), (relation(PURCHASE, date(2026, 2, 1)),), (member,), (PROVEN,), (BARE,)):
            who = person("AU", *facts)
            asking, offering = (
                verdict(who, message=Message(purpose=one))
                for one in (Purpose.CONSENT_REQUEST, Purpose.MARKETING)
            )
            assert asking is offering

    def test_publication_alone_is_no_consent(self) -> None:
        bare = relation(ADDRESS, date(2026, 1, 1))
        looked = relation(ADDRESS, date(2026, 1, 1), refused=False)
        assert verdict(person("AU", bare), message=Message(role_relevant=True)) is HOLD
        assert verdict(person("AU", looked)) is HOLD
        assert verdict(person("AU", looked), message=Message(role_relevant=False)) is DENY
        assert verdict(person("AU", looked), message=Message(role_relevant=True)) is ALLOW


class TestSingapore:
    def test_mail_in_bulk_may_go_until_the_person_opts_out_under_a_rule_that_names_what_it_has_to_hold(
        self,
    ) -> None:
        (told,) = decided(person("SG"), message=Message(bulk=True)).reasons
        assert (told.verdict, told.rule, told.confidence) == (ALLOW, "sg.bulk", "G")
        assert "'<ADV> '" in told.about
        assert "looked at of a campaign, not of each message" in told.about
        assert verdict(person("SG", STOP), message=Message(bulk=True)) is DENY

    def test_where_nobody_says_how_many_go_they_count_as_bulk(self) -> None:
        (told,) = decided(person("SG")).reasons
        assert (told.verdict, told.rule) == (ALLOW, "sg.bulk")
        (told,) = decided(person("SG"), message=Message(bulk=False)).reasons
        assert (told.verdict, told.rule) == (ALLOW, "sg.not-bulk")

    def test_of_advertising_the_purpose_turns_nothing(self) -> None:
        for purpose in Purpose:
            for bulk in (True, False, None):
                member = person("SG", relation(RelationKind.MEMBERSHIP, date(2026, 1, 1)))
                assert verdict(member, message=Message(purpose=purpose, bulk=bulk)) is ALLOW

    def test_what_it_says_besides(self) -> None:
        assert also("sg") == {"sg.not-disclosed": "T", "sg.burden": "N"}


class TestJapan:
    def test_an_address_that_was_given_counts_where_it_was_given_in_writing(self) -> None:
        def gave(*, in_writing: bool | None) -> object:
            given = RelationKind.DISCLOSED_ADDRESS
            return relation(given, date(2026, 1, 1), refused=False, in_writing=in_writing)

        assert verdict(person("JP", gave(in_writing=True))) is ALLOW
        assert verdict(person("JP", gave(in_writing=False))) is DENY
        told = decided(person("JP", gave(in_writing=None))).reasons[0]
        assert (told.verdict, told.rule, told.missing) == (HOLD, "jp.given", ("in_writing",))

    def test_what_is_entered_as_the_remedy_says_clears_it(self) -> None:
        """A hold for two facts names both, and what would make it legal speaks of both."""
        bare = relation(RelationKind.DISCLOSED_ADDRESS, date(2026, 1, 1))
        told = decided(person("JP", bare)).reasons[0]
        assert (told.verdict, told.missing) == (HOLD, ("refusal_notice", "in_writing"))
        assert told.remedy == (
            "Enter the address that the person gave, that it was in writing, and that no refusal stood beside it."
        )
        assert verdict(person("JP", replace(bare, in_writing=True, refused=False))) is ALLOW

    @pytest.mark.parametrize("kind", [CONTRACT, RelationKind.SUBSCRIPTION])
    def test_a_business_relationship_counts_while_it_goes_on(self, kind: RelationKind) -> None:
        runs = relation(kind, date(2009, 1, 1))
        assert verdict(person("JP", runs)) is ALLOW
        ended = replace(runs, ended_on=date(2026, 11, 26))
        assert verdict(person("JP", ended), at(2026, 11, 25, 23, "Asia/Tokyo")) is ALLOW
        assert verdict(person("JP", ended), at(2026, 11, 26, 0, "Asia/Tokyo")) is DENY

    def test_whether_a_purchase_makes_one_was_not_found_and_so_it_waits(self) -> None:
        for day in (date(2026, 11, 25), date(2020, 1, 1)):
            (told,) = decided(person("JP", relation(PURCHASE, day))).reasons
            assert (told.verdict, told.rule, told.missing) == (HOLD, "jp.purchase", ("rule",))
            assert told.confidence == "N"
        assert verdict(person("JP", relation(PURCHASE, day), PROVEN)) is ALLOW

    def test_what_it_says_besides(self) -> None:
        assert also("jp") == {
            "jp.opt-out": "T",
            "jp.term": "N",
            "jp.record": "T",
            "jp.record-period": "N",
        }

    def test_what_is_our_reading_of_a_business_relationship_is_marked(self) -> None:
        (business,) = [one for one in LAWS["jp"].rules if one.id == "jp.business"]
        assert business.reading
        assert "our reading" in business.about
        (term,) = [one for one in LAWS["jp"].also if one.id == "jp.term"]
        assert "A purchase is a hold" in term.here


class TestNewZealand:
    def test_sections_that_the_facts_do_not_give_are_marked(self) -> None:
        unseen = {one.id for one in LAWS["nz"].rules if "section" in one.not_looked_up}
        assert unseen == {"nz.consent", "nz.inferred", "nz.deemed", "nz.transactional"}
        assert also("nz") == {"nz.onus": "T"}


class TestKorea:
    def test_a_consent_whose_check_is_overdue_waits_and_names_what_clears_that(self) -> None:
        """A check that is made now does not; one that was made in time does, and a consent anew."""
        over, today = consent(date(2024, 11, 26)), at(2026, 11, 26, 0, "Asia/Seoul")
        late, in_time = (
            relation(RelationKind.CONSENT_CHECKED, day) for day in (date(2026, 11, 26), date(2026, 11, 25))
        )
        for facts in ((over,), (over, late)):
            (told,) = decided(person("KR", *facts), today).reasons
            assert (told.verdict, told.rule, told.missing) == (HOLD, "kr.consent", ("consent",))
            assert told.remedy is not None
            assert "remind the person" in told.remedy
        assert verdict(person("KR", over, late, consent(date(2026, 11, 26))), today) is ALLOW
        assert verdict(person("KR", over, in_time), today) is ALLOW

    def test_a_transaction_carries_the_message_whatever_became_of_an_older_consent(self) -> None:
        unchecked, bought = consent(date(2024, 1, 1)), relation(PURCHASE, date(2026, 10, 1))
        (told,) = decided(person("KR", unchecked, bought), message=OWN_GOODS).reasons
        assert (told.verdict, told.rule) == (ALLOW, "kr.transaction")
        assert verdict(person("KR", unchecked), message=OWN_GOODS) is HOLD

    def test_what_it_says_besides(self) -> None:
        assert also("kr") == {
            "kr.refusal": "T",
            "kr.notice-owed": "T",
            "kr.check": "T",
            "kr.silence": "S",
            "kr.night": "T",
            "kr.burden": "N",
        }


class TestOthers:
    def test_what_nobody_looked_up_is_said(self) -> None:
        assert also("es") == {"es.soft-opt-in-term": "N"}
        assert also("it") == {"it.content": "N", "it.soft-opt-in-term": "N"}
        assert also("nl") == {"nl.content": "N", "nl.soft-opt-in-term": "N"}
        assert also("ch") == {
            "ch.companies": "N",
            "ch.content": "N",
            "ch.burden": "N",
            "ch.soft-opt-in-term": "N",
        }

    @pytest.mark.parametrize("country", ["ES", "IT", "NL"])
    def test_a_consent_without_its_wording_is_none(self, country: str) -> None:
        assert verdict(person(country, BARE)) is DENY

    @pytest.mark.parametrize("country", ["ES", "IT", "NL", "CH"])
    def test_own_customers_may_be_written_to_about_similar_goods_if_they_could_object(
        self, country: str
    ) -> None:
        bought = relation(PURCHASE, date(2026, 1, 5))
        assert verdict(person(country, bought, could_object=True), message=OWN_GOODS) is ALLOW
        assert verdict(person(country, bought, could_object=True)) is HOLD
        assert verdict(person(country, bought, could_object=False), message=OWN_GOODS) is DENY
        assert verdict(person(country, could_object=True), message=OWN_GOODS) is DENY

    def test_a_contract_makes_an_own_customer_in_spain_alone(self) -> None:
        runs = relation(CONTRACT, date(2026, 1, 5))
        found = {
            one: verdict(person(one, runs, could_object=True), message=OWN_GOODS)
            for one in ("ES", "IT", "NL", "CH")
        }
        assert found == {"ES": ALLOW, "IT": DENY, "NL": DENY, "CH": DENY}

    def test_companies_are_covered_in_switzerland(self) -> None:
        assert verdict(person("CH", subscriber=Subscriber.CORPORATE)) is DENY

    def test_in_india_mail_that_is_no_advertising_waits_too(self) -> None:
        for purpose in Purpose:
            bought = relation(RelationKind.PURCHASE, date(2026, 1, 1))
            (told,) = decided(person("IN", PROVEN, bought), message=Message(purpose=purpose)).reasons
            assert (told.verdict, told.rule) == (HOLD, "in.nothing-found")
            assert "all of it waits" in told.about


def test_only_what_goes_on_has_to_end() -> None:
    """The relations that a rule lets count while they go on are of the kinds that do."""
    for law in HERE:
        for rule in LAWS[law].rules:
            for condition in rule.when:
                if condition.fact == "relation" and condition.within == Period():
                    assert GOES_ON.issuperset(condition.kinds), rule.id
