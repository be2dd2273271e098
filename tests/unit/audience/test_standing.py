"""How somebody stands towards an ordinary advertisement, when that ends by itself, and what is announced of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.audience.addressee_after import evolve
from domain.audience.addressee_events import (
    AddresseeDescribed,
    AddresseeRegistered,
    PermissionDecided,
    PermissionLapsed,
    PermissionLapsing,
    RelationRecorded,
)
from domain.audience.addressee_state import Addressee, NoAddressee
from domain.audience.authorisation import authorised, judged_again
from domain.audience.consent_events import ConsentRecorded, OptedOut
from domain.audience.erasure_events import AddresseeErased
from domain.audience.lapse import announced
from domain.audience.standing import ORDINARY, standing_of
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, MessageId, WorkspaceId
from domain.law.facts import (
    Consent,
    ConsentKind,
    Person,
    Purpose,
    Relation,
    RelationKind,
    Scope,
    Subscriber,
    Suppression,
    SuppressionKind,
    Written,
)
from domain.law.judging import judge
from domain.law.pack import Verdict
from domain.law.packs import load_packs, pack_texts
from domain.law.reading import read_pack
from tests.support.given import uid

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
ANN = AddresseeId(uid(7))
ALLOW, HOLD, DENY = Verdict.ALLOW, Verdict.HOLD, Verdict.DENY
JUST = timedelta(microseconds=1)
PROHIBITION = """
[[rules]]
id = "kr.no-more"
verdict = "deny"
cites = "Law s.1"
confidence = "T"
in_force_from = 2027-02-01
known_from = 2026-01-01
checked = 2026-11-22
about = "Nobody is written to any more."
"""


def person(country: str | None, *facts: object, **known: Any) -> Person:
    told: dict[str, Any] = {"subscriber": Subscriber.INDIVIDUAL, **known}
    return Person(
        country=country,
        consents=tuple(one for one in facts if isinstance(one, Consent)),
        relations=tuple(one for one in facts if isinstance(one, Relation)),
        **told,
    )


def consent(on: date, *, documented: bool = True) -> Consent:
    return Consent(on, ConsentKind.SINGLE, documented, position=2)


def relation(kind: RelationKind, on: date, ended: date | None = None) -> Relation:
    return Relation(kind, on, position=3, ended_on=ended)


def begins(zone: str, year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=ZoneInfo(zone))


ST_JOHNS, PARIS, SEOUL, SYDNEY = "America/St_Johns", "Europe/Paris", "Asia/Seoul", "Australia/Sydney"
CASES = {
    "Canadian purchase, two years": (
        person("CA", relation(RelationKind.PURCHASE, date(2025, 3, 1))),
        ("ca", "ca.purchase", begins(ST_JOHNS, 2027, 3, 1), DENY, "otherwise"),
    ),
    "Canadian purchase on 29 February": (
        person("CA", relation(RelationKind.PURCHASE, date(2024, 2, 29))),
        ("ca", "ca.purchase", begins(ST_JOHNS, 2026, 2, 28), DENY, "otherwise"),
    ),
    "Canadian inquiry, six months": (
        person("CA", relation(RelationKind.INQUIRY, date(2026, 8, 31))),
        ("ca", "ca.inquiry", begins(ST_JOHNS, 2027, 2, 28), DENY, "otherwise"),
    ),
    "Canadian subscription, two years after its end": (
        person("CA", relation(RelationKind.SUBSCRIPTION, date(2019, 1, 1), date(2025, 1, 15))),
        ("ca", "ca.subscription", begins(ST_JOHNS, 2027, 1, 15), DENY, "otherwise"),
    ),
    "Canadian contract whose end lies ahead": (
        person("CA", relation(RelationKind.CONTRACT, date(2024, 1, 1), date(2027, 1, 15))),
        ("ca", "ca.contract", begins(ST_JOHNS, 2029, 1, 15), DENY, "otherwise"),
    ),
    "Canadian inquiry after a purchase: the longer counts": (
        person(
            "CA",
            relation(RelationKind.PURCHASE, date(2025, 3, 1)),
            relation(RelationKind.INQUIRY, date(2026, 8, 31)),
        ),
        ("ca", "ca.purchase", begins(ST_JOHNS, 2027, 3, 1), DENY, "otherwise"),
    ),
    "French consent, three years": (
        person("FR", consent(date(2024, 5, 10))),
        ("fr", "fr.consent", begins(PARIS, 2027, 5, 10), DENY, "otherwise"),
    ),
    "French consent kept alive by a click": (
        person("FR", consent(date(2023, 12, 1)), relation(RelationKind.CONTACT, date(2026, 6, 1))),
        ("fr", "fr.consent-kept-alive", begins(PARIS, 2029, 6, 1), DENY, "otherwise"),
    ),
    "French own customer": (
        person("FR", relation(RelationKind.PURCHASE, date(2024, 7, 1)), could_object=True),
        ("fr", "fr.soft-opt-in", begins(PARIS, 2027, 7, 1), DENY, "otherwise"),
    ),
    "Korean consent without its check": (
        person("KR", consent(date(2025, 2, 1))),
        ("kr", "kr.consent", begins(SEOUL, 2027, 2, 1), HOLD, "kr.consent"),
    ),
    "Korean consent that was checked": (
        person("KR", consent(date(2023, 2, 1)), relation(RelationKind.CONSENT_CHECKED, date(2025, 1, 20))),
        ("kr", "kr.consent", begins(SEOUL, 2027, 1, 20), HOLD, "kr.consent"),
    ),
    "Korean transaction, six months": (
        person("KR", relation(RelationKind.PURCHASE, date(2026, 10, 1))),
        ("kr", "kr.transaction", begins(SEOUL, 2027, 4, 1), DENY, "otherwise"),
    ),
    "Korean transaction that lasts longer than a consent without its check": (
        person("KR", consent(date(2025, 2, 1)), relation(RelationKind.PURCHASE, date(2026, 10, 1))),
        ("kr", "kr.transaction", begins(SEOUL, 2027, 4, 1), HOLD, "kr.consent"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_allow_ends_at_its_boundary(case: str) -> None:
    somebody, (law, rule, ends, verdict, rule_since) = CASES[case]
    ahead = ends - timedelta(days=20)
    found = standing_of(somebody, "US", min(NOW, ahead))
    assert found.lapses_at == ends
    assert found.lapsing is not None
    assert found.lapsing.leading is not None
    assert found.lapsed is not None
    assert found.lapsed.leading is not None
    assert (found.lapsing.leading.law, found.lapsing.leading.rule) == (law, rule)
    assert (found.lapsed.verdict, found.lapsed.leading.rule) == (verdict, rule_since)
    for moment, expected in ((ends - JUST, ALLOW), (ends, verdict)):
        assert judge(somebody, ORDINARY, "US", moment, load_packs()).verdict is expected
        assert standing_of(somebody, "US", moment).now.verdict is expected


@pytest.mark.parametrize("country", ["DE", "GB", "US", "NZ"])
def test_a_consent_that_no_law_ends_does_not_lapse(country: str) -> None:
    found = standing_of(person(country, consent(date(2015, 6, 1))), "US", NOW)
    assert (found.now.verdict, found.lapses_at, found.turns_at) == (ALLOW, None, None)


def test_the_soft_opt_in_holds_for_similar_goods_alone_and_says_so() -> None:
    customer = person("GB", relation(RelationKind.NEGOTIATION, date(2026, 1, 1)), could_object=True)
    found = standing_of(customer, "GB", NOW)
    assert (found.now.verdict, found.now.provided) == (ALLOW, ("similar_goods",))
    assert found.now.leading is not None
    assert found.now.leading.basis == "soft opt-in"
    without = person("GB", relation(RelationKind.NEGOTIATION, date(2026, 1, 1)))
    held = standing_of(without, "GB", NOW).now
    assert (held.verdict, held.leading and held.leading.missing) == (HOLD, ("could_object",))


def test_nobody_knows_where_they_are_a_hold_names_it() -> None:
    found = standing_of(person(None), "US", NOW).now
    assert (found.verdict, found.leading and found.leading.missing) == (HOLD, ("country",))


def test_of_allows_the_law_that_ends_them_leads_or_else_the_recipients() -> None:
    ends = standing_of(person("US", consent(date(2025, 1, 1))), "FR", NOW)
    assert (ends.now.leading and ends.now.leading.law, ends.lapses_at) == (
        "fr",
        begins(PARIS, 2028, 1, 1),
    )
    lasts = standing_of(person("US", consent(date(2025, 1, 1))), "DE", NOW)
    assert (lasts.now.leading and lasts.now.leading.law, lasts.lapses_at) == ("us", None)


def test_a_consent_of_tomorrow_there_begins_tomorrow() -> None:
    """A day is entered as soon as it has begun anywhere; in Canada it begins later."""
    moment = datetime(2026, 11, 26, 11, tzinfo=UTC)
    found = standing_of(person("CA", consent(date(2026, 11, 27))), "CA", moment)
    assert (found.now.verdict, found.phases[1].verdict) == (DENY, ALLOW)
    assert found.turns_at == begins(ST_JOHNS, 2026, 11, 27)
    assert found.lapses_at is None


@pytest.mark.parametrize("minutes", [0, 7, 14])
def test_people_of_whom_the_same_is_known_stand_the_same_in_a_quarter_of_an_hour(minutes: int) -> None:
    somebody = person("FR", consent(date(2024, 5, 10)))
    ends = begins(PARIS, 2027, 5, 10)
    assert standing_of(somebody, "FR", ends + timedelta(minutes=minutes)).now.verdict is DENY
    assert standing_of(somebody, "FR", ends - timedelta(minutes=15 - minutes)).now.verdict is ALLOW


REGISTERED = AddresseeRegistered(addressee_id=ANN, email="ann@people.example", country="FR")
CONSENTED = ConsentRecorded(
    addressee_id=ANN, occurred_on=date(2024, 5, 10), source="event", recorded_by="api", documented=True
)
ENDS = begins(PARIS, 2027, 5, 10)


def after(*events: Event) -> Addressee:
    state: object = NoAddressee()
    for event in events:
        state = evolve(state, event)  # type: ignore[arg-type]  # events of one addressee
    assert isinstance(state, Addressee)
    return state


def test_a_lapse_is_announced_thirty_days_ahead_and_when_it_comes() -> None:
    state = after(REGISTERED, CONSENTED)
    assert announced(state, ENDS, "US", ENDS - timedelta(days=30) - JUST) == ()
    (ahead,) = announced(state, ENDS, "US", ENDS - timedelta(days=30))
    assert isinstance(ahead, PermissionLapsing)
    assert (ahead.law, ahead.rule, ahead.basis, ahead.entries) == ("fr", "fr.consent", "consent", (2,))
    assert (ahead.lapses_at, set(ahead.packs)) == (ENDS, {"fr", "us"})
    state = after(REGISTERED, CONSENTED, ahead)
    assert announced(state, ENDS, "US", ENDS - JUST) == ()
    (over,) = announced(state, ENDS, "US", ENDS)
    assert isinstance(over, PermissionLapsed)
    assert (over.law, over.rule, over.entries, over.lapsed_at) == ("fr", "fr.consent", (2,), ENDS)
    assert (over.verdict, over.rule_since) == ("deny", "otherwise")
    assert announced(after(REGISTERED, CONSENTED, ahead, over), ENDS, "US", ENDS + timedelta(days=1)) == ()


def test_who_stands_otherwise_by_now_is_left_alone() -> None:
    renewed = CONSENTED.model_copy(update={"occurred_on": date(2027, 4, 20)})
    at = ENDS - timedelta(days=9)
    assert announced(after(REGISTERED, CONSENTED, renewed), ENDS, "US", at) == ()
    assert announced(after(REGISTERED, CONSENTED, renewed), ENDS, "US", ENDS) == ()
    stopped = OptedOut(addressee_id=ANN, occurred_at=at, channel="page")
    assert announced(after(REGISTERED, CONSENTED, stopped), ENDS, "US", at) == ()
    assert announced(after(REGISTERED, CONSENTED, stopped), ENDS, "US", ENDS) == ()
    erased = AddresseeErased(addressee_id=ANN)
    assert announced(after(REGISTERED, CONSENTED, erased), ENDS, "US", ENDS) == ()
    moved = AddresseeDescribed(addressee_id=ANN, country="DE")
    assert announced(after(REGISTERED, CONSENTED, moved), ENDS, "US", ENDS) == ()


def test_who_says_stop_after_the_lapse_had_lapsed_before() -> None:
    stopped = OptedOut(addressee_id=ANN, occurred_at=ENDS + timedelta(hours=2), channel="page")
    (over,) = announced(after(REGISTERED, CONSENTED, stopped), ENDS, "US", ENDS + timedelta(hours=3))
    assert isinstance(over, PermissionLapsed)
    assert over.lapsed_at == ENDS


def test_what_lapses_again_is_announced_again() -> None:
    state = after(REGISTERED, CONSENTED)
    first = announced(state, ENDS, "US", ENDS)
    anew = CONSENTED.model_copy(update={"occurred_on": date(2027, 6, 1)})
    ends = begins(PARIS, 2030, 6, 1)
    state = after(REGISTERED, CONSENTED, *first, anew)
    ahead = announced(state, ends, "US", ends - timedelta(days=3))
    over = announced(after(REGISTERED, CONSENTED, *first, anew, *ahead), ends, "US", ends)
    assert [type(one) for one in (*ahead, *over)] == [PermissionLapsing, PermissionLapsed]


def test_after_an_announced_lapse_no_clock_allows_what_ended() -> None:
    state = after(REGISTERED, CONSENTED)
    state = after(REGISTERED, CONSENTED, *announced(state, ENDS, "US", ENDS))
    assert max(state.moments_told()) == ENDS


def test_the_check_of_a_korean_consent_is_announced_before_it_is_due() -> None:
    korean = REGISTERED.model_copy(update={"country": "KR"})
    agreed = CONSENTED.model_copy(update={"occurred_on": date(2025, 3, 1)})
    due = begins(SEOUL, 2027, 3, 1)
    (ahead,) = announced(after(korean, agreed), due, "KR", due - timedelta(days=30))
    assert isinstance(ahead, PermissionLapsing)
    assert (ahead.rule, ahead.lapses_at) == ("kr.consent", due)
    (over,) = announced(after(korean, agreed, ahead), due, "KR", due)
    assert isinstance(over, PermissionLapsed)
    assert (over.verdict, over.missing_since) == ("hold", ("consent",))


def test_a_relation_alone_is_announced_too() -> None:
    bought = RelationRecorded(addressee_id=ANN, kind="purchase", occurred_on=date(2025, 3, 1))
    canadian = REGISTERED.model_copy(update={"country": "CA"})
    ends = begins(ST_JOHNS, 2027, 3, 1)
    (over,) = announced(after(canadian, bought), ends, "CA", ends)
    assert isinstance(over, PermissionLapsed)
    assert (over.law, over.basis) == ("ca", "existing business relationship")


def test_an_allow_of_the_last_minutes_ends_as_a_prohibition_comes_into_force() -> None:
    """The transaction would allow for two months more."""
    bought = RelationRecorded(addressee_id=ANN, kind="purchase", occurred_on=date(2026, 10, 1))
    korean = REGISTERED.model_copy(update={"country": "KR"})
    state, ends = after(korean, bought), begins(SEOUL, 2027, 2, 1)
    strict = read_pack(pack_texts()["kr.toml"] + PROHIBITION, "kr.toml")
    packs = [strict if one.law == "kr" else one for one in load_packs()]

    def decided(minutes: int) -> PermissionDecided:
        at = ends - timedelta(minutes=minutes)
        then = authorised(state, MessageId(uid(9)), WorkspaceId(uid(8)), ORDINARY, "US", at)
        return judged_again(then, state.person, packs)

    assert (decided(4).verdict, decided(4).expires_at) == ("allow", ends)
    assert decided(14).expires_at == ends - timedelta(minutes=4)
    assert decided(0).verdict == "deny"


@pytest.mark.parametrize("country", [*sorted({one for pack in load_packs() for one in pack.countries}), None])
def test_a_contract_to_the_last_day_of_all_is_judged_like_any_other(country: str | None) -> None:
    """Events of before such days were refused hold them."""
    endless = relation(RelationKind.CONTRACT, date(2020, 1, 1), date(9999, 12, 31))
    works = person(country, endless, could_object=True)
    later = person(
        country, relation(RelationKind.CONTRACT, date(2020, 1, 1), date(2090, 1, 1)), could_object=True
    )
    assert standing_of(works, country, NOW).now.verdict is standing_of(later, country, NOW).now.verdict


def test_an_allow_of_the_last_minutes_ends_with_a_contract_that_ends_at_a_known_day() -> None:
    working = RelationRecorded(
        addressee_id=ANN, kind="contract", occurred_on=date(2020, 1, 1), ended_on=date(2025, 2, 1)
    )
    canadian = REGISTERED.model_copy(update={"country": "CA"})
    ends = begins(ST_JOHNS, 2027, 2, 1)
    told = authorised(
        after(canadian, working), MessageId(uid(9)), WorkspaceId(uid(8)), ORDINARY, "US", ends - JUST
    )
    assert (told.verdict, told.expires_at) == ("allow", ends)


def test_what_was_sent_to_somebody_changes_nothing_about_how_they_stand() -> None:
    ann = person("FR", consent(date(2023, 11, 20)))
    written = (Written(MessageId(uid(50)), Purpose.CONSENT_REQUEST, NOW),)
    assert standing_of(replace(ann, written=written), "FR", NOW) is standing_of(ann, "FR", NOW)


def test_an_ordinary_advertisement_is_of_no_type_that_somebody_stopped() -> None:
    stopped = Suppression(SuppressionKind.UNSUBSCRIBE, Scope.CAMPAIGN_TYPE, NOW, position=3, within="offers")
    ann = replace(person("US"), suppressions=(stopped,))
    assert standing_of(ann, "US", NOW).now.verdict is ALLOW
