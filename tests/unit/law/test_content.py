"""What a message must hold: each law with a message that is whole, and with each element missing, by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.law.content import Content, Element, Missing, Requirement, missing_elements
from domain.law.facts import Purpose
from domain.law.packs import load_packs
from domain.law.reading import read_pack

PACKS = load_packs()
REQUIREMENTS = [(one, pack) for pack in PACKS for one in pack.content]
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
MARKETING = Purpose.MARKETING

WHOLE = Content(
    sender_name="Acme Ltd",
    on_whose_behalf="Acme Ltd",
    headers_true=True,
    subject="Spare parts for your lifts",
    subject_true=True,
    subject_related=True,
    identified_as_advertising=True,
    free_of_advertising=True,
    postal_address="PO Box 7, Springfield",
    contact_phone="+1 555 0100",
    contact_email="office@acme.example",
    contact_web="https://acme.example",
    contact_live_days=60,
    unsubscribe_link="https://acme.example/stop",
    unsubscribe_email="stop@acme.example",
    unsubscribe_notice=True,
    unsubscribe_languages=frozenset({"de", "en"}),
    unsubscribe_live_days=60,
    unsubscribe_free=True,
    unsubscribe_same_means=True,
    unsubscribe_one_step=True,
    processing_purpose="To tell you of spare parts.",
    data_source="Your company's web site.",
    objection_told=True,
    consent_purpose="A monthly list of spare parts.",
    consent_separate=True,
    withdrawal_told=True,
    referrer_name="Ada Lovelace",
)
WITHOUT: dict[Element, dict[str, object]] = {
    Element.SENDER_NAME: {"sender_name": " "},
    Element.ON_WHOSE_BEHALF: {"on_whose_behalf": None},
    Element.SENDER_NOT_CONCEALED: {"headers_true": False},
    Element.TRUE_HEADERS: {"headers_true": None},
    Element.TRUE_SUBJECT: {"subject_true": False},
    Element.RELATED_SUBJECT: {"subject_related": False},
    Element.POSTAL_ADDRESS: {"postal_address": ""},
    Element.CONTACT_CHANNEL: {"contact_phone": None, "contact_email": None, "contact_web": None},
    Element.CONTACT_LIFETIME: {"contact_live_days": 29},
    Element.UNSUBSCRIBE_MECHANISM: {"unsubscribe_link": None, "unsubscribe_email": None},
    Element.UNSUBSCRIBE_EMAIL: {"unsubscribe_email": None},
    Element.STOP_ADDRESS: {"unsubscribe_email": None, "contact_email": None},
    Element.UNSUBSCRIBE_NOTICE: {"unsubscribe_notice": None},
    Element.UNSUBSCRIBE_LANGUAGE: {"unsubscribe_languages": frozenset({"de"})},
    Element.UNSUBSCRIBE_LIFETIME: {"unsubscribe_live_days": 29},
    Element.UNSUBSCRIBE_FREE: {"unsubscribe_free": False},
    Element.UNSUBSCRIBE_SAME_MEANS: {"unsubscribe_same_means": False},
    Element.UNSUBSCRIBE_ONE_STEP: {"unsubscribe_one_step": False},
    Element.ADVERTISEMENT_LABEL: {"identified_as_advertising": False, "subject": "Spare parts"},
    Element.NO_ADVERTISING: {"free_of_advertising": False},
    Element.PROCESSING_PURPOSE: {"processing_purpose": None},
    Element.DATA_SOURCE: {"data_source": None},
    Element.OBJECTION_NOTICE: {"objection_told": False},
    Element.CONSENT_PURPOSE: {"consent_purpose": None},
    Element.CONSENT_SEPARATE: {"consent_separate": False},
    Element.WITHDRAWAL_NOTICE: {"withdrawal_told": False},
    Element.REFERRER_NAME: {"referrer_name": None},
}


def changed(**changes: object) -> Content:
    return replace(WHOLE, **changes)  # type: ignore[arg-type]  # each case names fields of its own


def missing(
    content: Content,
    *countries: str,
    purpose: Purpose = MARKETING,
    consented: bool = False,
    moment: datetime = NOON,
) -> list[str]:
    found = missing_elements(content, purpose, countries, PACKS, moment, consented=consented)
    return [one.requirement for one in found]


def test_every_element_is_wanted_by_some_law_and_can_be_missing() -> None:
    assert {one.element for one, _ in REQUIREMENTS} == set(Element) == set(WITHOUT)


@pytest.mark.parametrize(
    "requirement", [one for one, _ in REQUIREMENTS], ids=lambda one: f"{one.id}-{one.in_force_from}"
)
def test_what_a_law_wants_is_met_by_a_whole_message_and_by_none_without_it(requirement: Requirement) -> None:
    whole = replace(WHOLE, subject=f"{requirement.text or ''}Spare parts")
    assert requirement.is_met(whole)
    lacking = replace(whole, **WITHOUT[requirement.element])  # type: ignore[arg-type]  # the same
    assert not requirement.is_met(lacking)
    assert not requirement.is_met(Content())


class TestUnitedStates:
    def test_a_whole_message(self) -> None:
        assert missing(WHOLE, "US") == []

    def test_an_empty_message(self) -> None:
        assert missing(Content(), "US") == [
            "us.headers",
            "us.label",
            "us.opt-out-free",
            "us.opt-out-lifetime",
            "us.opt-out-mechanism",
            "us.opt-out-notice",
            "us.opt-out-one-step",
            "us.postal-address",
            "us.subject",
        ]

    def test_the_label_is_not_needed_with_prior_affirmative_consent(self) -> None:
        unlabelled = changed(identified_as_advertising=False)
        assert missing(unlabelled, "US") == ["us.label"]
        assert missing(unlabelled, "US", consented=True) == []
        assert missing(changed(postal_address=None), "US", consented=True) == ["us.postal-address"]

    def test_a_receipt_needs_true_headers_alone(self) -> None:
        assert missing(Content(), "US", purpose=Purpose.TRANSACTIONAL) == ["us.headers"]

    def test_the_rule_about_fees_is_of_july_2008(self) -> None:
        costly = changed(unsubscribe_free=False)
        assert missing(costly, "US", moment=datetime(2008, 7, 6, 12, tzinfo=UTC)) == []
        assert missing(costly, "US", moment=datetime(2008, 7, 7, 12, tzinfo=UTC)) == ["us.opt-out-free"]

    def test_a_californian_is_an_american(self) -> None:
        assert missing(changed(postal_address=None), "US-CA") == ["us.postal-address"]

    def test_what_is_missing_says_where_it_stands_and_what_to_do(self) -> None:
        (found,) = missing_elements(
            changed(unsubscribe_live_days=29), MARKETING, ["US"], PACKS, NOON, consented=False
        )
        assert found == Missing(
            law="us",
            requirement="us.opt-out-lifetime",
            element=Element.UNSUBSCRIBE_LIFETIME,
            about="The way to opt out works for at least 30 days after the message was sent.",
            cites="15 U.S.C. 7704(a)(3)(A)(ii)",
            confidence="T",  # type: ignore[arg-type]  # a StrEnum is its text
            remedy="Keep the unsubscribe link working for 30 days or longer.",
        )


class TestCanada:
    def test_a_whole_message(self) -> None:
        for purpose in Purpose:
            assert missing(WHOLE, "CA", purpose=purpose) == []

    def test_one_of_three_ways_to_reach_the_sender_is_enough_and_the_address_is_not(self) -> None:
        for way in ("contact_phone", "contact_email", "contact_web"):
            others = {"contact_phone", "contact_email", "contact_web"} - {way}
            assert missing(changed(**dict.fromkeys(others)), "CA") == []
        assert missing(changed(**WITHOUT[Element.CONTACT_CHANNEL]), "CA") == ["ca.contact"]
        assert missing(changed(postal_address=None), "CA") == ["ca.postal-address"]

    def test_sixty_days_and_not_fifty_nine(self) -> None:
        short = changed(contact_live_days=59, unsubscribe_live_days=59)
        assert missing(short, "CA") == ["ca.contact-lifetime", "ca.unsubscribe-lifetime"]

    def test_a_quote_needs_no_consent_but_the_formalities(self) -> None:
        assert missing(changed(sender_name=None), "CA", purpose=Purpose.TRANSACTIONAL) == ["ca.sender-name"]

    def test_a_request_for_consent_holds_what_it_is_for(self) -> None:
        bare = changed(consent_purpose=None, consent_separate=None, withdrawal_told=None)
        assert missing(bare, "CA") == []
        assert missing(bare, "CA", purpose=Purpose.CONSENT_REQUEST) == [
            "ca.consent-purpose",
            "ca.consent-separate",
            "ca.consent-withdrawal",
        ]
        unnamed = changed(sender_name=None)
        assert missing(unnamed, "CA", purpose=Purpose.CONSENT_REQUEST) == [
            "ca.consent-identity",
        ]

    def test_the_first_message_after_a_referral_names_who_referred(self) -> None:
        unnamed = changed(referrer_name=None)
        assert missing(unnamed, "CA", purpose=Purpose.REFERRAL) == ["ca.referrer-name"]
        assert missing(unnamed, "CA") == []


class TestEurope:
    @pytest.mark.parametrize("country", ["AT", "FR", "DE", "ES", "IT", "NL"])
    def test_a_whole_message(self, country: str) -> None:
        for purpose in Purpose:
            assert missing(WHOLE, country, purpose=purpose) == []

    def test_a_link_is_no_address_to_write_to(self) -> None:
        link_alone = changed(unsubscribe_email=None, contact_email=None)
        assert missing(link_alone, "AT") == ["eu-eprivacy.stop-address"]
        assert missing(changed(unsubscribe_email=None), "AT") == []

    def test_own_customers_can_object_with_every_message(self) -> None:
        nowhere = changed(unsubscribe_link=None, unsubscribe_email=None)
        assert missing(nowhere, "IT") == ["eu-eprivacy.objection"]
        assert missing(nowhere, "IT", consented=True) == []

    def test_the_first_message_says_what_the_data_are_for_and_where_from(self) -> None:
        silent = changed(processing_purpose=None, data_source=None, objection_told=None)
        told = ["eu-gdpr.objection", "eu-gdpr.purpose", "eu-gdpr.source"]
        assert missing(silent, "NL") == told
        assert missing(replace(silent, first_message=True), "NL") == told
        assert missing(replace(silent, first_message=False), "NL") == []

    def test_a_french_subject_has_to_do_with_the_offer(self) -> None:
        assert missing(changed(subject_related=False), "FR") == ["fr.subject"]
        assert missing(changed(subject_related=False), "AT") == []
        assert missing(changed(headers_true=False), "FR") == ["eu-eprivacy.sender", "fr.sender"]

    def test_a_german_message_is_recognisable_and_the_number_of_the_rule_changed_in_2022(self) -> None:
        hidden = changed(identified_as_advertising=False)
        for day, cites in (
            ((2022, 5, 27), "UWG §7(2) (as numbered until 2022-05-27); TMG §6(1)"),
            ((2022, 5, 28), "UWG §7(2) Nr. 3; TMG §6(1)"),
            ((2024, 5, 13), "UWG §7(2) Nr. 3; TMG §6(1)"),
            ((2024, 5, 14), "UWG §7(2) Nr. 3; DDG §6(1)"),
        ):
            moment = datetime(*day, 0, tzinfo=ZoneInfo("Europe/Berlin"))
            (found,) = missing_elements(hidden, MARKETING, ["DE"], PACKS, moment, consented=True)
            assert (found.requirement, found.cites) == ("de.recognisable", cites)
            (other,) = missing_elements(
                changed(on_whose_behalf=None), MARKETING, ["DE"], PACKS, moment, consented=True
            )
            assert (other.requirement, other.cites) == ("de.on-whose-behalf", cites)

    def test_german_own_customers_are_told_with_every_message_that_they_can_object(self) -> None:
        silent = changed(unsubscribe_notice=None)
        assert missing(silent, "DE") == ["de.objection"]
        assert missing(silent, "DE", consented=True) == []
        assert missing(silent, "AT") == []

    def test_a_german_double_opt_in_holds_no_advertising(self) -> None:
        asking = changed(free_of_advertising=False)
        assert missing(asking, "DE", purpose=Purpose.CONSENT_REQUEST) == ["de.double-opt-in"]
        assert missing(asking, "DE") == []

    def test_a_spanish_message_is_recognisable(self) -> None:
        assert missing(changed(identified_as_advertising=None), "ES", consented=True) == ["es.recognisable"]

    def test_the_united_kingdom(self) -> None:
        assert missing(WHOLE, "GB") == []
        nobody = changed(sender_name=None, unsubscribe_email=None, contact_email=None)
        assert missing(nobody, "GB") == ["gb.controller", "gb.sender", "gb.stop-address"]
        assert missing(replace(nobody, first_message=False), "GB") == ["gb.sender", "gb.stop-address"]

    def test_british_own_customers_can_refuse_with_every_message(self) -> None:
        nowhere = changed(unsubscribe_link=None, unsubscribe_email=None)
        assert missing(nowhere, "GB") == ["gb.objection"]
        assert missing(nowhere, "GB", consented=True) == []

    def test_the_first_message_to_somebody_british_says_what_the_data_are_for_and_where_from(self) -> None:
        silent = changed(processing_purpose=None, data_source=None, objection_told=None)
        assert missing(silent, "GB") == ["gb.objection-told", "gb.purpose", "gb.source"]
        assert missing(replace(silent, first_message=False), "GB") == []


class TestElsewhere:
    def test_australia(self) -> None:
        assert missing(changed(contact_live_days=30, unsubscribe_live_days=30), "AU") == []
        assert missing(changed(on_whose_behalf=None), "AU") == ["au.authoriser"]
        short = changed(contact_live_days=29, unsubscribe_live_days=None)
        assert missing(short, "AU") == ["au.contact-lifetime", "au.unsubscribe-lifetime"]

    def test_new_zealand(self) -> None:
        assert missing(WHOLE, "NZ") == []
        dear = changed(unsubscribe_free=False, unsubscribe_same_means=False)
        assert missing(dear, "NZ") == ["nz.unsubscribe-free", "nz.unsubscribe-same-means"]

    def test_japan(self) -> None:
        assert missing(WHOLE, "JP") == []
        assert missing(Content(), "JP") == [
            "jp.contact",
            "jp.opt-out-notice",
            "jp.postal-address",
            "jp.sender-name",
            "jp.stop-address",
        ]

    @pytest.mark.parametrize(
        ("subject", "labelled"),
        [
            ("<ADV> Spare parts", True),
            ("<ADV>Spare parts", False),
            ("<adv> Spare parts", False),
            ("Spare parts <ADV> ", False),
            (None, False),
        ],
    )
    def test_singapores_label_stands_before_the_subject(self, subject: str | None, labelled: bool) -> None:  # noqa: FBT001 - a case
        assert missing(changed(subject=subject), "SG") == ([] if labelled else ["sg.label"])

    def test_singapore_asks_it_of_unsolicited_bulk_mail_alone(self) -> None:
        assert missing(WHOLE, "SG", consented=True) == []
        assert missing(changed(bulk=False), "SG") == []
        assert missing(changed(bulk=True), "SG") == ["sg.label"]
        link_alone = changed(subject="<ADV> Parts", unsubscribe_email=None, unsubscribe_languages=frozenset())
        assert missing(link_alone, "SG") == ["sg.unsubscribe-email", "sg.unsubscribe-language"]

    def test_koreas_label_is_needed_with_consent_too(self) -> None:
        assert missing(WHOLE, "KR", consented=True) == ["kr.label"]
        assert missing(changed(subject="(광고) Spare parts"), "KR") == []

    @pytest.mark.parametrize("country", ["BR", "CH", "IN", "AQ"])
    def test_where_no_law_says_what_a_message_holds_nothing_is_missing(self, country: str) -> None:
        assert missing(Content(), country) == []


def test_laws_add_up_and_the_longest_lifetime_counts() -> None:
    message = changed(unsubscribe_live_days=45, postal_address=None)
    assert missing(message, "US") == ["us.postal-address"]
    assert missing(message, "US", "CA", "AU") == [
        "ca.postal-address",
        "ca.unsubscribe-lifetime",
        "us.postal-address",
    ]


def test_a_requirement_counts_once_it_is_known() -> None:
    text = """
law = "us"
title = "A law"
countries = ["US"]
zones = ["Pacific/Auckland"]

[[content]]
id = "us.name"
element = "sender_name"
applies_to = ["marketing"]
cites = "Law s.1"
confidence = "T"
in_force_from = 2025-01-01
known_from = 2025-03-01
checked = 2026-11-22
about = "The sender is named."
remedy = "Name the sender."
"""
    pack = read_pack(text, "us.toml")

    def found(moment: datetime, known: datetime | None = None) -> int:
        told = missing_elements(Content(), MARKETING, ["US"], [pack], moment, consented=False, known=known)
        return len(told)

    march = datetime(2025, 3, 1, tzinfo=UTC)
    assert found(march) == 1
    assert found(datetime(2025, 2, 28, tzinfo=UTC)) == 0
    assert found(datetime(2025, 2, 28, tzinfo=UTC), known=march) == 1
    assert found(datetime(2024, 12, 31, 10, tzinfo=UTC), known=march) == 0
    assert found(datetime(2024, 12, 31, 11, tzinfo=UTC), known=march) == 1  # the first of January in Auckland


def test_what_was_known_of_the_american_rule_of_2008() -> None:
    """16 CFR 316.5, in force since 2008-07-07."""
    message = changed(unsubscribe_free=None)

    def found(known: datetime) -> list[str]:
        told = missing_elements(
            message, MARKETING, ["US"], PACKS, datetime(2008, 8, 1, tzinfo=UTC), consented=False, known=known
        )
        return [one.requirement for one in told]

    assert found(datetime(2008, 7, 6, tzinfo=UTC)) == []
    assert found(datetime(2008, 7, 8, tzinfo=UTC)) == ["us.opt-out-free"]


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="this moment has none"):
        missing(WHOLE, "US", moment=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the case


@pytest.mark.parametrize("purpose", Purpose)
def test_no_law_asks_a_message_twice_for_the_same(purpose: Purpose) -> None:
    for pack in PACKS:
        asked = [
            one.element
            for one in pack.content
            if purpose in one.applies_to and one.stands(NOON.date(), NOON.date()) and not one.only_first
        ]
        assert len(asked) == len(set(asked)), (pack.law, asked)
