"""Where no rule fits, the reason names what is entered and has ended, with the section; else what demands a consent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.law.by_law import OTHERWISE, Reason
from domain.law.conditions import HasConsent, HasRelation
from domain.law.ended import ended
from domain.law.facts import Consent, ConsentKind, Message, Person, RelationKind
from domain.law.looking import Look
from domain.law.pack import Verdict
from domain.law.periods import Period, ends_of_chains
from domain.law.statements import Confidence
from tests.support.persons import (
    CHARITABLE,
    CONTACT,
    DENY,
    HOLD,
    INQUIRY,
    NOON,
    OWN_GOODS,
    PACKS,
    PURCHASE,
    ROLE,
    clicked,
    consent,
    decided,
    person,
    relation,
)

AGREED = consent(date(2026, 1, 1))


def reason_of(who: Person, message: Message = OWN_GOODS) -> Reason:
    (reason,) = (one for one in decided(who, NOON, message).reasons if one.law is not None)
    assert reason.rule == OTHERWISE
    return reason


def test_a_purchase_that_is_over_is_named_with_its_day_and_the_section() -> None:
    reason = reason_of(person("CA", relation(PURCHASE, date(2024, 11, 26))))
    assert (reason.verdict, reason.positions, reason.missing) == (DENY, (2,), ())
    assert reason.about == (
        "What is entered as purchase of 2024-11-26 (entry 2) is over since 2026-11-26. "
        "Else it could meet ca.purchase (S.C. 2010 c. 23 s.10(9)(a), s.10(10); T: the text was seen)."
    )
    assert (reason.cites, reason.confidence, reason.composed) == ("S.C. 2010 c. 23 s.6(1)(a)", "T", True)


def test_a_rule_that_it_could_meet_by_our_reading_is_named_as_such() -> None:
    left = relation(RelationKind.MEMBERSHIP, date(2015, 1, 1), date(2024, 11, 26))
    assert "T: the text was seen; by our reading)." in reason_of(person("CA", left)).about


def test_a_consent_that_was_withdrawn_is_named_with_the_moment() -> None:
    reason = reason_of(person("DE", replace(AGREED, withdrawn_at=NOON)))
    assert (reason.verdict, reason.positions) == (DENY, (1,))
    assert "The consent of 2026-01-01 (entry 1) was withdrawn at 2026-11-26 12:00:00 UTC." in reason.about
    assert "de.consent (UWG §7(2) Nr. 2; BGH" in reason.about
    held = reason_of(person("BR", replace(AGREED, withdrawn_at=NOON)))
    assert (held.verdict, held.positions, held.missing) == (HOLD, (1,), ("consent",))
    bare = replace(consent(date(2026, 1, 1), documented=False), withdrawn_at=NOON)
    assert "12:00:00 UTC, and its wording is not kept." in reason_of(person("DE", bare)).about
    later = replace(AGREED, withdrawn_at=NOON + timedelta(seconds=1))
    assert decided(person("DE", later)).reasons[0].verdict is Verdict.ALLOW, "not withdrawn yet"


def test_of_what_ended_twice_the_first_end_is_told() -> None:
    over = consent(date(2023, 1, 1))
    withdrawn = replace(over, withdrawn_at=NOON - timedelta(days=1))
    assert "(entry 1) is over since 2026-01-01." in reason_of(person("FR", withdrawn)).about


def test_a_consent_that_was_kept_alive_is_named_with_its_last_link() -> None:
    reason = reason_of(person("FR", consent(date(2023, 1, 1)), clicked(date(2023, 6, 1))))
    assert reason.positions == (1, 2)
    assert "(entry 1) is over since 2026-06-01." in reason.about
    assert "fr.consent-kept-alive" in reason.about


def test_an_address_beside_a_notice_is_named_with_it_and_one_that_was_not_written() -> None:
    published = relation(RelationKind.PUBLISHED_ADDRESS, date(2026, 1, 1), refused=False)
    notice = replace(published, on=date(2026, 2, 1), refused=True, position=7)
    reason = reason_of(person("CA", published, notice), ROLE)
    assert reason.positions == (7,), "the latest word on it"
    assert "beside a notice of 2026-02-01 (entry 7) that it is not for advertising" in reason.about
    spoken = relation(RelationKind.DISCLOSED_ADDRESS, date(2026, 1, 1), refused=False, in_writing=False)
    assert "was not given in writing" in reason_of(person("JP", spoken)).about
    donor = person("GB", relation(RelationKind.DONATION, date(2026, 2, 4)), could_object=True)
    assert "is from before 2026-02-05" in reason_of(donor, CHARITABLE).about


def test_what_would_not_meet_a_rule_all_the_same_is_not_named() -> None:
    bought = relation(PURCHASE, date(2023, 1, 1))
    assert reason_of(person("FR", bought, could_object=True)).positions == (2,)
    assert reason_of(person("FR", bought)).positions == (2,), "whether they could object, nobody knows"
    assert reason_of(person("FR", bought, could_object=False)).positions == ()
    assert reason_of(person("AU", bought)).positions == (), "a purchase alone never was a consent there"


def test_who_has_nothing_is_told_where_a_consent_is_demanded() -> None:
    for country, cites, confidence in (
        ("CA", "S.C. 2010 c. 23 s.6(1)(a)", Confidence.TEXT),
        ("DE", "UWG §7(2) Nr. 2 (until 2022-05-27: Nr. 3)", Confidence.TEXT),
        ("CH", "UWG Art. 3(1)(o)", Confidence.GUIDANCE),
        ("IT", "Codice Privacy Art. 130 (paragraph not looked up)", Confidence.SECONDARY),
    ):
        reason = reason_of(person(country))
        assert (reason.cites, reason.confidence) == (cites, confidence)
        assert (reason.positions, reason.composed) == ((), False)


def test_every_law_that_denies_where_no_rule_fits_says_by_which_section() -> None:
    for pack in PACKS:
        if pack.rules and pack.otherwise is Verdict.DENY:
            assert pack.otherwise_cites, pack.law


def test_of_each_kind_the_latest_is_named_and_no_other_is_put_into_words() -> None:
    old = [replace(relation(PURCHASE, date(2020, 1, 1 + day)), position=day + 1) for day in range(20)]
    asked = [replace(relation(INQUIRY, date(2021, 1, 1 + day)), position=day + 51) for day in range(20)]
    assert reason_of(person("CA", *old, *asked)).positions == (20, 70)


def test_rules_that_ask_for_nothing_that_is_there_are_not_looked_at() -> None:
    looked: list[str] = []

    class Watched(HasRelation):
        def found(self, look: Look):  # type: ignore[no-untyped-def]  # noqa: ANN202 - as the one it watches
            looked.append(self.kinds[0])
            return super().found(look)

    pack = next(one for one in PACKS if one.law == "ca")
    rules = [
        rule.model_copy(
            update={
                "when": tuple(
                    Watched(**dict(one)) if isinstance(one, HasRelation) else one for one in rule.when
                )
            }
        )
        for rule in pack.rules
    ]
    who = person("CA", relation(INQUIRY, date(2020, 1, 1)))
    assert len(ended(Look(who, OWN_GOODS, NOON, pack.zones), rules)) == 1
    assert looked == [INQUIRY]


@given(
    st.lists(st.dates(date(2015, 1, 1), date(2026, 11, 1)), max_size=12),
    st.lists(st.dates(date(2015, 1, 1), date(2026, 11, 1)), max_size=3),
)
def test_a_chain_ends_at_its_first_gap(clicks: list[date], given_on: list[date]) -> None:
    """As one who walks along it finds, whatever comes after the gap."""
    each = Period(years=1)
    told = sorted(clicks)
    ends = ends_of_chains(told, each)
    condition = HasConsent(fact="consent", within=each, kept_alive_by=(CONTACT,), each_within=each)
    for day in given_on:
        last, start = None, day
        for click in told:
            if click >= day and click < each.after(start):
                last = start = click
            elif click >= day:
                break
        who = Person(
            "FR",
            consents=(Consent(day, ConsentKind.SINGLE, documented=True, position=1),),
            relations=tuple(map(clicked, clicks)),
        )
        counted = condition.counted(Look(who, OWN_GOODS, NOON, ("UTC",)), who.consents[0])
        assert (None if counted is None else counted[0]) == last
    assert all(told[end] >= click for end, click in zip(ends, told, strict=True))
