"""How far a suppression reaches: the cases at its edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.law.facts import Message, Person, Purpose, Scope, Suppression, SuppressionKind
from tests.support.persons import ALLOW, DENY, HOLD, NOON, at, decided, person, verdict

OUT = Suppression(SuppressionKind.UNSUBSCRIBE, Scope.TENANT, at(2026, 1, 1), position=4)


def test_what_is_no_advertising_is_held_back_by_no_opt_out_but_by_a_dead_address() -> None:
    receipt = Message(purpose=Purpose.TRANSACTIONAL)
    out = Suppression(SuppressionKind.UNSUBSCRIBE, Scope.TENANT, at(2026, 1, 1), position=3)
    dead = Suppression(SuppressionKind.HARD_BOUNCE, Scope.TENANT, at(2026, 1, 1), position=3)
    assert verdict(person("CA", out), message=receipt) is ALLOW
    assert verdict(person("CA", dead), message=receipt) is DENY


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
    assert verdict(stopped("offers"), message=Message(purpose=Purpose.TRANSACTIONAL)) is ALLOW
    assert verdict(stopped("offers"), at(2025, 12, 31)) is ALLOW
    assert verdict(stopped("offers", ended_at=NOON)) is ALLOW
    out = replace(stopped("offers"), suppressions=(*stopped("offers").suppressions, OUT))
    assert verdict(out) is DENY
