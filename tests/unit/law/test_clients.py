"""A tenant that sends for clients: what was given to one of them counts for no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.law.clients import clients_of, towards
from domain.law.facts import (
    Collected,
    Consent,
    ConsentKind,
    Message,
    Person,
    Purpose,
    Relation,
    RelationKind,
    Scope,
    Subscriber,
    Suppression,
    SuppressionKind,
)
from domain.law.judging import Decision, judge
from domain.law.turning import turning_points
from tests.support.persons import ALLOW, DENY, HOLD, NOON, PACKS, person

BIKES, SAWS = "bikes", "saws"
TICK = timedelta(microseconds=1)
GIVEN = datetime(2026, 3, 1, 9, tzinfo=UTC)


def agreed(client: str | None = SAWS, **more: Any) -> Consent:
    return Consent(
        date(2026, 3, 1), ConsentKind.SINGLE, documented=True, position=4, workspace=client, at=GIVEN, **more
    )


def between(kind: RelationKind, client: str | None = SAWS) -> Relation:
    return Relation(kind, date(2026, 3, 1), position=5, workspace=client)


def decided(who: Person, client: str | None, moment: datetime = NOON, **message: Any) -> Decision:
    return judge(who, Message(workspace=client, **message), who.country, moment, PACKS)


@pytest.mark.parametrize(
    "country", ["DE", "FR", "AT", "IT", "ES", "NL", "CH", "GB", "CA", "AU", "JP", "KR", "BR"]
)
def test_a_consent_given_to_one_is_none_to_another(country: str) -> None:
    who = person(country, agreed())
    assert decided(who, SAWS).verdict is ALLOW
    assert decided(who, BIKES).verdict is not ALLOW
    assert decided(who, None).verdict is not ALLOW, "the tenant itself is another sender"
    assert decided(person(country, agreed(None)), BIKES).verdict is ALLOW, (
        "what was given to the tenant is all theirs"
    )


@pytest.mark.parametrize(
    ("country", "kind"),
    [
        ("DE", RelationKind.PURCHASE),
        ("GB", RelationKind.PURCHASE),
        ("CA", RelationKind.PURCHASE),
        ("CA", RelationKind.CONTRACT),
    ],
)
def test_business_with_one_is_none_with_another(country: str, kind: RelationKind) -> None:
    who = person(country, between(kind), could_object=True)
    assert decided(who, SAWS, similar_goods=True).verdict is ALLOW
    assert decided(who, BIKES, similar_goods=True).verdict is not ALLOW


@pytest.mark.parametrize("country", ["CA", "AU", "NZ", "JP"])
def test_a_notice_beside_a_published_address_is_the_persons_word_to_every_client(country: str) -> None:
    """CASL s.10(9)(b): not where it says that they want no such messages; whoever saw it says so of them."""
    published = between(RelationKind.PUBLISHED_ADDRESS, BIKES)
    seen = replace(between(RelationKind.PUBLISHED_ADDRESS, SAWS), refused=True, position=6)
    corporate: dict[str, Any] = {"subscriber": Subscriber.CORPORATE}
    message: dict[str, Any] = {"role_relevant": True, "bulk": True, "similar_goods": True}
    before = person(country, replace(published, refused=False), **corporate)
    assert decided(before, BIKES, **message).verdict is ALLOW
    after = person(country, replace(published, refused=False), seen, **corporate)
    assert decided(after, BIKES, **message).verdict is DENY


def test_a_message_about_business_is_of_whom_it_is_with() -> None:
    who = person("DE", between(RelationKind.PURCHASE))
    assert decided(who, SAWS, purpose=Purpose.TRANSACTIONAL).verdict is ALLOW
    waits = decided(who, BIKES, purpose=Purpose.TRANSACTIONAL)
    assert (waits.verdict, waits.reasons[0].rule) == (HOLD, "transactional-without-relation")


def test_how_an_address_was_come_by_is_each_ones_own() -> None:
    sold = (between(RelationKind.PURCHASE), between(RelationKind.PURCHASE, BIKES))
    who = person("DE", *sold, collected=(Collected(SAWS, could_object=True, told=True),))
    assert decided(who, SAWS, similar_goods=True).verdict is ALLOW
    held = decided(who, BIKES, similar_goods=True)
    assert (held.verdict, "could_object" in held.reasons[0].missing) == (HOLD, True)
    both = replace(who, collected=(*who.collected, Collected(BIKES, could_object=False, told=None)))
    assert decided(both, BIKES, similar_goods=True).verdict is not ALLOW
    assert decided(both, SAWS, similar_goods=True).verdict is ALLOW


def test_what_a_client_told_them_is_its_own() -> None:
    """France: a professional who was told what their address is for, and could object then (CNIL on L.34-5 CPCE)."""
    bought = between(RelationKind.PURCHASE)
    for told, by_tenant, verdict in ((True, None, ALLOW), (False, True, DENY), (None, True, ALLOW)):
        collected = (Collected(SAWS, could_object=True, told=told),)
        who = person("FR", bought, subscriber=Subscriber.CORPORATE, told=by_tenant, collected=collected)
        assert decided(who, SAWS, role_relevant=True).verdict is verdict


def test_of_what_a_client_does_not_say_the_tenants_word_holds() -> None:
    sold = between(RelationKind.PURCHASE, None)
    who = person("DE", sold, could_object=False, collected=(Collected(SAWS, could_object=None, told=True),))
    assert decided(who, SAWS, similar_goods=True).verdict is DENY
    free = replace(who, could_object=True)
    assert decided(free, SAWS, similar_goods=True).verdict is ALLOW


def test_that_it_does_not_count_is_said_with_its_entries() -> None:
    who = person("DE", agreed(), between(RelationKind.PURCHASE))
    (reason,) = decided(who, BIKES).reasons
    assert reason.verdict is DENY
    assert "What was given to other clients alone does not count here (entries 4, 5)." in reason.about
    assert {4, 5} <= set(reason.positions)
    (allowed,) = decided(who, SAWS).reasons
    assert "other clients" not in allowed.about
    assert allowed.positions == (4,)


OUT = Suppression(SuppressionKind.UNSUBSCRIBE, Scope.TENANT, GIVEN - TICK, position=3)


def test_of_many_that_do_not_count_a_few_are_named() -> None:
    many = [replace(between(RelationKind.PURCHASE), position=number) for number in range(5, 35)]
    (reason, *_) = decided(person("DE", *many), BIKES).reasons
    assert "(entries 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 and 20 more)" in reason.about
    assert reason.positions == tuple(range(5, 15))


def test_an_opt_out_ends_for_the_one_that_they_asked_afterwards() -> None:
    """And goes on for all others, whatever these had been given before."""
    old = replace(agreed(BIKES), position=2, at=GIVEN - timedelta(days=9))
    who = person("DE", OUT, old, agreed(asks_since=GIVEN))
    allowed = decided(who, SAWS)
    assert allowed.verdict is ALLOW
    assert (
        "unsubscribe of 2026-03-01 (entry 3) was ended by the consent of 2026-03-01"
        in allowed.reasons[0].about
    )
    assert decided(who, BIKES).reasons[0].rule == "suppressed-unsubscribe"
    assert decided(who, None).reasons[0].rule == "suppressed-unsubscribe"


@pytest.mark.parametrize("said_at", [GIVEN, GIVEN + TICK])
def test_what_they_said_as_late_or_later_goes_on(said_at: datetime) -> None:
    who = person("DE", replace(OUT, since=said_at), agreed(asks_since=GIVEN))
    assert decided(who, SAWS).verdict is DENY
    again = person("DE", replace(OUT, said_at=said_at), agreed(asks_since=GIVEN))
    assert decided(again, SAWS).verdict is DENY, "said again, it counts from then"


def test_a_consent_that_does_not_ask_ends_nothing() -> None:
    assert decided(person("DE", OUT, agreed()), SAWS).verdict is DENY


@pytest.mark.parametrize(
    "held",
    [
        replace(OUT, scope=Scope.PLATFORM),
        replace(OUT, kind=SuppressionKind.HARD_BOUNCE),
        replace(OUT, kind=SuppressionKind.RESTRICTION),
        replace(OUT, kind=SuppressionKind.ERASURE),
    ],
)
def test_what_is_not_the_persons_word_to_the_tenant_ends_by_no_consent(held: Suppression) -> None:
    assert decided(person("DE", held, agreed(asks_since=GIVEN)), SAWS).verdict is DENY


def test_it_ends_for_that_client_when_it_is_given_and_not_before() -> None:
    """A double opt-in was asked for before it was confirmed: until then the opt-out goes on."""
    asked = GIVEN - timedelta(hours=1)
    who = person("DE", replace(OUT, since=asked - TICK), agreed(asks_since=asked))
    assert decided(who, SAWS, GIVEN - TICK).verdict is DENY
    assert decided(who, SAWS, GIVEN).verdict is ALLOW
    turns = turning_points(who, Message(workspace=SAWS), PACKS, GIVEN - TICK)
    assert GIVEN in turns


def test_of_two_consents_that_end_it_the_earlier_one_does() -> None:
    """Also in hindsight, of a message between the two."""
    again = replace(agreed(asks_since=GIVEN), at=GIVEN + timedelta(days=3), position=6)
    who = person("DE", replace(OUT, since=GIVEN - TICK), agreed(asks_since=GIVEN), again)
    assert [decided(who, SAWS, GIVEN + one).verdict for one in (-TICK, timedelta(days=1))] == [DENY, ALLOW]


def test_the_clients_of_a_person() -> None:
    assert clients_of(person("DE", agreed(None))) == frozenset()
    who = person(
        "DE", agreed(), between(RelationKind.PURCHASE, BIKES), collected=(Collected("c", None, None),)
    )
    assert clients_of(who) == {SAWS, BIKES, "c"}
    assert towards(who, SAWS).elsewhere == (5,)
    untouched = person("DE", agreed(None))
    assert towards(untouched, SAWS).person is untouched
