"""How far a suppression reaches: the cases at its edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from domain.law.facts import Message, Person, Purpose, RelationKind, Scope, Suppression, SuppressionKind
from domain.law.judging import judge
from domain.law.pack import Pack
from domain.law.reading import read_pack
from tests.support.persons import ALLOW, DENY, HOLD, NOON, at, consent, decided, person, relation, verdict

OUT = Suppression(SuppressionKind.UNSUBSCRIBE, Scope.TENANT, at(2026, 1, 1), position=4)


def test_what_is_no_advertising_is_held_back_by_no_opt_out_but_by_a_dead_address() -> None:
    receipt = Message(purpose=Purpose.TRANSACTIONAL)
    out = Suppression(SuppressionKind.UNSUBSCRIBE, Scope.TENANT, at(2026, 1, 1), position=3)
    dead = Suppression(SuppressionKind.HARD_BOUNCE, Scope.TENANT, at(2026, 1, 1), position=3)
    bought = relation(RelationKind.PURCHASE, date(2025, 12, 1))
    assert verdict(person("CA", out, bought), message=receipt) is ALLOW
    assert verdict(person("CA", dead, bought), message=receipt) is DENY


def test_a_suppression_reaches_as_far_as_it_was_said() -> None:
    def out(scope: Scope, within: str | None = None) -> Person:
        return person(
            "US", Suppression(SuppressionKind.MANUAL, scope, at(2026, 1, 1), position=3, within=within)
        )

    here = Message(workspace="w1", campaign_type="newsletter")
    assert verdict(out(Scope.PLATFORM), message=here) is DENY
    assert verdict(out(Scope.WORKSPACE, "w1"), message=here) is DENY
    assert verdict(out(Scope.WORKSPACE, "w2"), message=here) is ALLOW
    assert verdict(out(Scope.CAMPAIGN_TYPE, "newsletter"), message=here) is DENY
    assert verdict(out(Scope.CAMPAIGN_TYPE, "offers"), message=here) is ALLOW


def test_who_stopped_some_campaigns_waits_where_nobody_says_of_which_type_a_message_is() -> None:
    def stopped(*types: str, ended_at: datetime | None = None) -> Person:
        return person(
            "US",
            *(
                Suppression(
                    SuppressionKind.UNSUBSCRIBE, Scope.CAMPAIGN_TYPE, at(2026, 1, 1), 3, one, ended_at
                )
                for one in types
            ),
        )

    reason = decided(stopped("offers", "news")).reasons[0]
    assert (reason.verdict, reason.rule, reason.missing) == (
        HOLD,
        "campaign-type-unknown",
        ("campaign_type",),
    )
    assert "(news, offers)" in reason.about
    assert reason.remedy == "Name the campaign type of the message."
    assert verdict(stopped("offers"), message=Message(campaign_type="news")) is ALLOW
    assert verdict(stopped("offers"), message=Message(campaign_type="offers")) is DENY
    bought = replace(stopped("offers"), relations=(relation(RelationKind.PURCHASE, date(2025, 12, 1)),))
    assert verdict(bought, message=Message(purpose=Purpose.TRANSACTIONAL)) is ALLOW
    assert verdict(stopped("offers"), at(2025, 12, 31)) is ALLOW
    assert verdict(stopped("offers", ended_at=NOON)) is ALLOW
    out = replace(stopped("offers"), suppressions=(*stopped("offers").suppressions, OUT))
    assert verdict(out) is DENY


def test_an_allow_names_the_consent_that_ended_an_opt_out() -> None:
    """CAN-SPAM, 7704(a)(4)(B): an opt-out ends by a later affirmative consent alone, so the allow rests on it."""
    said = replace(consent(date(2026, 3, 1)), at=at(2026, 3, 1), position=5)
    of_a_day = replace(consent(date(2026, 3, 1)), position=5)
    for given in (said, of_a_day):
        since_then = given.at or at(2026, 3, 1, 0, "Etc/GMT-14")
        lifted = replace(OUT, ended_at=since_then)
        (reason,) = decided(person("US", given, lifted)).reasons
        assert (reason.verdict, reason.rule, reason.positions) == (ALLOW, "us.can-spam", (5,))
        assert reason.about.startswith("Mail may be sent until the person opts out")
        assert reason.about.endswith(
            "The unsubscribe of 2026-01-01 (entry 4) was ended by the consent of 2026-03-01 (entry 5)."
        )
        assert decided(person("US", given, OUT)).reasons[0].verdict is DENY
        (german,) = decided(person("DE", given, lifted)).reasons
        assert german.positions == (5,), "named once, whatever it is besides"
        some = replace(lifted, scope=Scope.CAMPAIGN_TYPE, within="news")
        for kind, positions in (("news", (5,)), (None, (5,)), ("offers", ())):
            found = decided(person("US", given, some), message=Message(campaign_type=kind))
            assert found.reasons[0].positions == positions
    anew = replace(said, at=at(2026, 3, 9), position=9)
    taken_back = replace(said, withdrawn_at=at(2026, 3, 5))
    twice = (
        replace(OUT, ended_at=at(2026, 3, 1)),
        replace(OUT, since=at(2026, 3, 5), ended_at=at(2026, 3, 9)),
    )
    found = decided(person("US", taken_back, anew, *twice))
    assert found.reasons[0].positions == (9,), "not one that was withdrawn since"
    receipt = Message(purpose=Purpose.TRANSACTIONAL)
    bought = relation(RelationKind.PURCHASE, date(2025, 12, 1))
    lifted = replace(OUT, ended_at=at(2026, 3, 1))
    found = decided(person("US", said, lifted, bought), message=receipt)
    assert found.reasons[0].positions == (2,), "which no opt-out holds back"


def test_what_ended_without_a_consent_or_is_no_opt_out_names_none() -> None:
    given = replace(consent(date(2026, 3, 1)), at=at(2026, 3, 1), position=5)
    narrowed = replace(OUT, ended_at=at(2026, 3, 2))
    bounced = replace(OUT, kind=SuppressionKind.HARD_BOUNCE, ended_at=at(2026, 3, 1))
    for one in (narrowed, bounced):
        (reason,) = decided(person("US", given, one)).reasons
        assert (reason.positions, reason.composed) == ((), False)


def law(place: str, section: str | None) -> Pack:
    told = "" if section is None else f'opt_out_section = "{section}"'
    return read_pack(
        f"""
law = "{place.lower()}"
title = "A law"
countries = ["{place}"]
zones = ["UTC"]
otherwise_about = "Nothing fits."
{told}
[[rules]]
id = "{place.lower()}.all"
verdict = "allow"
basis = "any"
cites = "Law s.1"
confidence = "T"
checked = 2026-11-22
about = "Anybody may be written to."
""",
        f"{place.lower()}.toml",
    )


def test_an_opt_out_is_held_by_the_section_of_each_law_and_by_our_policy() -> None:
    packs = [law("US", "Act s.4"), law("CA", "Act s.11")]
    reason = judge(person("US", OUT), Message(), "CA", NOON, packs).reasons[0]
    assert (reason.rule, reason.cites) == ("suppressed-unsubscribe", "Act s.11; Act s.4")
    assert reason.about.endswith("At once and in the whole tenant by our policy; by law: Act s.11; Act s.4.")
    some = replace(OUT, scope=Scope.CAMPAIGN_TYPE, within="news")
    held = judge(person("US", some), Message(), "US", NOON, packs).reasons[0]
    assert (held.verdict, held.rule, held.cites) == (HOLD, "campaign-type-unknown", "Act s.4")
    assert held.about.endswith(" At once by our policy; by law: Act s.4.")


def test_what_is_no_word_of_the_person_is_held_by_no_section() -> None:
    dead = replace(OUT, kind=SuppressionKind.HARD_BOUNCE)
    reason = judge(person("US", dead), Message(), "US", NOON, [law("US", "Act s.4")]).reasons[0]
    assert (reason.rule, reason.cites) == ("suppressed-hard_bounce", None)
    assert "by law" not in reason.about


def test_where_a_pack_names_no_section_a_decision_reads_as_it_always_did() -> None:
    """Past decisions are judged again by their own packs, to the byte."""
    reason = judge(person("US", OUT), Message(), "US", NOON, [law("US", None)]).reasons[0]
    assert reason.about == "Suppressed since 2026-01-01 (unsubscribe, tenant)."
    assert reason.cites is None
