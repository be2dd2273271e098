"""France: the edges of consent, of the three years and of the one question at their end, by name."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.law.facts import (
    Person,
    Purpose,
    Relation,
    RelationKind,
    Subscriber,
)
from domain.law.pack import Verdict
from tests.support.persons import (
    ALLOW,
    ASKING,
    CONTACT,
    DENY,
    NOON,
    OWN_GOODS,
    PACKS,
    PURCHASE,
    ROLE,
    at,
    clicked,
    consent,
    decided,
    person,
    relation,
    verdict,
    went,
)


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
        assert "no relation of which the day is entered" in reason.about

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
