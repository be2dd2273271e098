"""Laws of Brazil, Australia, Singapore, Japan, New Zealand, Korea and others: what each says that the others do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from domain.law.facts import (
    Message,
    Purpose,
    RelationKind,
    Scope,
    Suppression,
    SuppressionKind,
)
from domain.law.packs import load_packs
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


class TestKorea:
    def test_a_consent_whose_check_is_due_waits_and_names_that(self) -> None:
        told = decided(person("KR", consent(date(2024, 11, 26))), at(2026, 11, 26, 0, "Asia/Seoul")).reasons[
            0
        ]
        assert (told.verdict, told.rule, told.missing) == (HOLD, "kr.consent", ("check_of_consent",))
        assert told.remedy is not None
        assert "remind the person" in told.remedy

    def test_a_transaction_carries_the_message_whatever_became_of_an_older_consent(self) -> None:
        unchecked, bought = consent(date(2024, 1, 1)), relation(PURCHASE, date(2026, 10, 1))
        (told,) = decided(person("KR", unchecked, bought), message=OWN_GOODS).reasons
        assert (told.verdict, told.rule) == (ALLOW, "kr.transaction")
        assert verdict(person("KR", unchecked), message=OWN_GOODS) is HOLD

    def test_what_it_says_besides(self) -> None:
        assert also("kr") == {"kr.refusal": "T", "kr.silence": "S", "kr.night": "T", "kr.burden": "N"}


class TestSingapore:
    def test_mail_in_bulk_may_go_until_the_person_opts_out_under_a_rule_that_names_what_it_has_to_hold(
        self,
    ) -> None:
        (told,) = decided(person("SG"), message=Message(bulk=True)).reasons
        assert (told.verdict, told.rule, told.confidence) == (ALLOW, "sg.bulk", "G")
        assert "'<ADV> '" in told.about
        assert verdict(person("SG", STOP), message=Message(bulk=True)) is DENY

    def test_where_nobody_says_how_many_go_they_count_as_bulk(self) -> None:
        (told,) = decided(person("SG")).reasons
        assert (told.verdict, told.rule) == (ALLOW, "sg.bulk")
        (told,) = decided(person("SG"), message=Message(bulk=False)).reasons
        assert (told.verdict, told.rule) == (ALLOW, "sg.not-bulk")

    def test_of_advertising_the_purpose_turns_nothing(self) -> None:
        for purpose in Purpose:
            for bulk in (True, False, None):
                assert verdict(person("SG"), message=Message(purpose=purpose, bulk=bulk)) is ALLOW

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

    @pytest.mark.parametrize("kind", [CONTRACT, RelationKind.SUBSCRIPTION])
    def test_a_business_relationship_counts_while_it_goes_on(self, kind: RelationKind) -> None:
        runs = relation(kind, date(2009, 1, 1))
        assert verdict(person("JP", runs)) is ALLOW
        ended = replace(runs, ended_on=date(2026, 11, 26))
        assert verdict(person("JP", ended), at(2026, 11, 25, 23, "Asia/Tokyo")) is ALLOW
        assert verdict(person("JP", ended), at(2026, 11, 26, 0, "Asia/Tokyo")) is DENY

    def test_a_purchase_makes_one_for_a_year(self) -> None:
        bought = person("JP", relation(PURCHASE, date(2025, 11, 26)))
        assert verdict(bought, at(2026, 11, 25, 23, "Asia/Tokyo")) is ALLOW
        assert verdict(bought, at(2026, 11, 26, 0, "Asia/Tokyo")) is DENY

    def test_what_it_says_besides(self) -> None:
        assert also("jp") == {"jp.opt-out": "T", "jp.record": "T", "jp.record-period": "N"}


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


class TestNewZealand:
    def test_sections_that_the_facts_do_not_give_are_marked(self) -> None:
        unseen = {one.id for one in LAWS["nz"].rules if "section" in one.not_looked_up}
        assert unseen == {"nz.consent", "nz.inferred", "nz.deemed", "nz.transactional"}
        assert also("nz") == {"nz.onus": "T"}


@pytest.mark.parametrize(
    ("country", "rule"),
    [("BR", "br.consent"), ("AU", "au.express"), ("NZ", "nz.consent"), ("JP", "jp.consent")],
)
def test_where_the_sender_has_to_prove_it_a_consent_without_proof_waits_and_names_that(
    country: str, rule: str
) -> None:
    told = decided(person(country, BARE)).reasons[0]
    assert (told.verdict, told.rule, told.missing) == (HOLD, rule, ("proof_of_consent",))
    assert verdict(person(country, BARE, PROVEN)) is ALLOW


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
