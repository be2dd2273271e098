"""France: the edges of consent, of the three years and of the one question at their end, by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.law.facts import (
    ADDRESSES,
    Person,
    Purpose,
    Relation,
    RelationKind,
    Subscriber,
)
from domain.law.pack import Verdict
from domain.law.turning import turning_points
from tests.support.persons import (
    ALLOW,
    ASKING,
    CONTACT,
    DENY,
    HOLD,
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
        gave = relation(RelationKind.DISCLOSED_ADDRESS, date(2026, 1, 1), refused=False)
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

        gave = relation(RelationKind.DISCLOSED_ADDRESS, date(2023, 11, 26), refused=False)
        midnight = at(2026, 11, 26, 0, "Europe/Paris")
        assert verdict(firm(gave), midnight - timedelta(seconds=1), ROLE) is ALLOW
        assert verdict(firm(gave), midnight, ROLE) is DENY
        assert verdict(firm(gave, relation(CONTACT, date(2024, 1, 1))), midnight, ROLE) is ALLOW
        (reason,) = decided(firm(), midnight, ROLE).reasons
        assert reason.verdict is DENY, "nobody entered a day to count from"
        assert "no relation of which the day is entered" in reason.about

    @pytest.mark.parametrize("kind", sorted(ADDRESSES))
    @pytest.mark.parametrize(
        "known",
        [
            {"subscriber": Subscriber.CORPORATE, "told": True, "could_object": True},
            {"generic_address": True},
        ],
    )
    def test_an_address_beside_a_notice_against_advertising_does_not_do(
        self, kind: RelationKind, known: dict[str, object]
    ) -> None:
        for message, on in ((ROLE, date(2026, 1, 1)), (ASKING, date(2023, 11, 20))):
            for refused, expected in ((False, ALLOW), (True, DENY), (None, HOLD)):
                found = decided(person("FR", relation(kind, on, refused=refused), **known), message=message)
                assert (found.verdict, kind, refused) == (expected, kind, refused)
                assert ("refusal_notice" in found.reasons[0].missing) is (refused is None)
        bought = relation(PURCHASE, date(2026, 1, 1))
        assert verdict(person("FR", bought, **known), message=ROLE) is ALLOW, "of that there is no notice"

    @pytest.mark.parametrize(
        "kind", [RelationKind.INQUIRY, RelationKind.NEGOTIATION, PURCHASE, RelationKind.DONATION, CONTACT]
    )
    def test_whatever_the_person_turned_to_the_sender_with_keeps_a_consent_alive(
        self, kind: RelationKind
    ) -> None:
        """The last contact from the person, of the recommendation; which it is, is our reading."""
        told = decided(person("FR", consent(date(2023, 1, 1)), relation(kind, date(2025, 6, 1))))
        assert (told.verdict, told.reasons[0].rule) == (ALLOW, "fr.consent-kept-alive")
        assert told.expires_at == at(2028, 6, 1, 0, "Europe/Paris")
        asked = relation(RelationKind.ASKED, date(2022, 1, 1))
        over = person("FR", consent(date(2018, 1, 1)), relation(kind, date(2020, 6, 1)), asked)
        assert verdict(over, message=ASKING) is DENY
        again = person("FR", consent(date(2021, 1, 1)), relation(kind, date(2023, 11, 20)), asked)
        assert verdict(again, message=ASKING) is ALLOW, "they turned to the sender after they were asked"

    def test_the_end_of_a_term_is_a_moment_at_which_an_answer_may_turn(self) -> None:
        end = at(2026, 11, 20, 0, "Europe/Paris")
        (pack,) = (one for one in PACKS if one.law == "fr")
        questions = tuple(rule for rule in pack.rules if rule.id.startswith("fr.ask-once"))
        alone = pack.model_copy(update={"rules": questions})
        for fact in (consent(date(2023, 11, 20)), relation(PURCHASE, date(2023, 11, 20))):
            assert end in turning_points(person("FR", fact), ASKING, [alone], at(2026, 1, 1))

    def test_within_the_term_a_request_rests_on_what_allows_then_and_on_no_question_at_the_term(self) -> None:
        fresh = decided(person("FR", consent(date(2026, 1, 1))), message=ASKING)
        assert (fresh.verdict, fresh.reasons[0].rule) == (ALLOW, "fr.consent")
        assert fresh.expires_at == at(2029, 1, 1, 0, "Europe/Paris")
        alive = decided(person("FR", consent(date(2023, 11, 20)), clicked(date(2023, 12, 1))), message=ASKING)
        assert alive.reasons[0].rule == "fr.consent-kept-alive"
        assert alive.expires_at == at(2026, 12, 1, 0, "Europe/Paris")
        other_goods = person("FR", relation(PURCHASE, date(2026, 1, 1)), could_object=True)
        waits = decided(other_goods, message=ASKING)
        assert (waits.verdict, waits.reasons[0].missing) == (HOLD, ("similar_goods",)), "an advertisement yet"
        both = person("FR", relation(PURCHASE, date(2023, 11, 20)), *other_goods.relations, could_object=True)
        assert decided(both, message=ASKING).reasons == waits.reasons, "who bought since is not at the term"
        gave = relation(RelationKind.DISCLOSED_ADDRESS, date(2023, 11, 20), refused=False)
        firm: dict[str, object] = {"subscriber": Subscriber.CORPORATE, "told": True, "could_object": True}
        off_topic = replace(ASKING, role_relevant=False)
        assert verdict(person("FR", gave, **firm), message=off_topic) is ALLOW
        assert verdict(person("FR", gave, clicked(date(2026, 11, 20)), **firm), message=off_topic) is DENY
        renewed = decided(
            person("FR", consent(date(2023, 11, 20)), consent(date(2026, 1, 1))), message=ASKING
        )
        assert renewed.reasons[0].rule == "fr.consent"

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
        began = relation(kind, date(2023, 11, 20), refused=False if kind in ADDRESSES else None)
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
        found = relation(RelationKind.PUBLISHED_ADDRESS, date(2026, 1, 1), refused=False)
        assert verdict(person("FR", found, generic_address=True), message=ROLE) is ALLOW
