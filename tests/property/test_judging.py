"""Whatever is known, no suppression makes it easier, no basis stricter; the strictest law wins, repeatably."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import assume, given
from hypothesis import strategies as st

from domain.kernel.ids import MessageId
from domain.law.conditions import HasRelation
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
    Written,
)
from domain.law.judging import judge
from domain.law.looking import Look
from domain.law.pack import Verdict
from domain.law.packs import load_packs
from domain.law.words import words

PACKS = load_packs()
COUNTRIES = sorted(country for pack in PACKS for country in pack.countries)
RULES, FACTS = set(words("rule", PACKS)), set(words("missing", PACKS))
AT_THE_TERM = [
    (condition, pack.zones)
    for pack in PACKS
    for rule in pack.rules
    for condition in rule.when
    if isinstance(condition, HasRelation) and condition.past is not None
]
UNASKED = [
    pack.model_copy(
        update={
            "rules": tuple(
                rule
                for rule in pack.rules
                if not any(isinstance(one, HasRelation) and one.past is not None for one in rule.when)
            )
        }
    )
    for pack in PACKS
]
"""The packs without the one question that some let be put at the term of a relation."""
STRICT = {Verdict.ALLOW: 0, Verdict.HOLD: 1, Verdict.DENY: 2}

days = st.dates(date(2019, 1, 1), date(2026, 12, 31))
moments = st.datetimes(datetime(2020, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - given a zone
maybe = st.none() | st.booleans()
positions = st.integers(1, 99)
clients = st.sampled_from([None, None, None, "w1", "w2"])


def _as_entered(one: Consent) -> Consent:
    """The day of a moment is its own; a client is asked to write by a documented consent."""
    asks = one.at if one.workspace is not None and one.documented else None
    return replace(one, on=one.on if one.at is None else one.at.date(), asks_since=asks)


consents = st.builds(
    Consent,
    on=days,
    kind=st.sampled_from(ConsentKind),
    documented=st.booleans(),
    position=positions,
    withdrawn_at=st.none() | moments,
    at=st.none() | moments,
    workspace=clients,
).map(_as_entered)
relations = st.builds(
    Relation,
    kind=st.sampled_from(RelationKind),
    on=days,
    position=positions,
    ended_on=st.none() | days,
    refused=maybe,
    in_writing=maybe,
    workspace=clients,
)
addresses = st.builds(
    Relation,
    kind=st.sampled_from([RelationKind.PUBLISHED_ADDRESS, RelationKind.DISCLOSED_ADDRESS]),
    on=days,
    position=positions,
)
suppressions = st.builds(
    Suppression,
    kind=st.sampled_from(SuppressionKind),
    scope=st.sampled_from(Scope),
    since=moments,
    position=positions,
    within=st.none() | st.sampled_from(["w1", "w2", "news", "offers"]),
    ended_at=st.none() | moments,
)
people = st.builds(
    Person,
    country=st.none() | st.sampled_from([*COUNTRIES, "AQ"]),
    subscriber=st.none() | st.sampled_from(Subscriber),
    generic_address=maybe,
    could_object=maybe,
    told=maybe,
    consents=st.lists(consents, max_size=3).map(tuple),
    relations=st.lists(relations, max_size=4).map(tuple),
    suppressions=st.lists(suppressions, max_size=2).map(tuple),
)
of_clients = st.builds(
    replace,
    people,
    collected=st.lists(
        st.builds(Collected, st.sampled_from(["w1", "w2", "w3"]), maybe, maybe),
        max_size=2,
        unique_by=lambda one: one.workspace,
    ).map(tuple),
)
"""People of whom it is told too how clients came by their addresses."""
written = st.builds(
    Written,
    message_id=st.integers(1, 9).map(lambda n: MessageId(UUID(int=n))),
    purpose=st.none() | st.sampled_from(Purpose),
    at=moments,
)
written_to = st.builds(
    replace,
    people,
    written=st.lists(written, max_size=2).map(tuple),
    contradicted=st.sampled_from([(), ("country",), ("subscriber",)]),
)
messages = st.builds(
    Message,
    purpose=st.sampled_from(Purpose),
    workspace=st.none() | st.sampled_from(["w1", "w2"]),
    campaign_type=st.none() | st.sampled_from(["news", "offers"]),
    similar_goods=maybe,
    role_relevant=maybe,
    names_referrer=maybe,
    bulk=maybe,
)
senders = st.sampled_from(COUNTRIES)


@given(people, messages, senders, moments, suppressions)
def test_one_more_suppression_never_makes_anything_easier(
    person: Person, message: Message, sender: str, moment: datetime, more: Suppression
) -> None:
    before = judge(person, message, sender, moment, PACKS)
    after = judge(replace(person, suppressions=(*person.suppressions, more)), message, sender, moment, PACKS)
    assert STRICT[after.verdict] >= STRICT[before.verdict]


@given(written_to, messages, senders, moments, consents)
def test_one_more_documented_consent_that_stands_never_makes_anything_stricter(
    person: Person, message: Message, sender: str, moment: datetime, more: Consent
) -> None:
    before = judge(person, message, sender, moment, PACKS)
    proved = replace(more, documented=True, withdrawn_at=None)
    after = judge(replace(person, consents=(*person.consents, proved)), message, sender, moment, PACKS)
    assert STRICT[after.verdict] <= STRICT[before.verdict]


@given(written_to, messages, senders, moments, relations)
def test_one_more_relation_never_makes_anything_stricter(
    person: Person, message: Message, sender: str, moment: datetime, more: Relation
) -> None:
    """But for a question that the sender put to them, which some laws let be put once, and for a refusal.

    And but for the one question at the term: who has a relation of its kinds within the term is not at it, so that all
    that such a relation takes is that question.
    """
    assume(more.kind is not RelationKind.ASKED and not more.refused)
    looks = [(one, Look(person, message, moment, zones)) for one, zones in AT_THE_TERM]
    renews = message.purpose is Purpose.CONSENT_REQUEST and any(
        more.kind in one.kinds and more.on <= look.day and one.lasts(look, more, one.past)[0]
        for one, look in looks
    )
    before = judge(person, message, sender, moment, UNASKED if renews else PACKS)
    after = judge(replace(person, relations=(*person.relations, more)), message, sender, moment, PACKS)
    assert STRICT[after.verdict] <= STRICT[before.verdict]


@given(written_to, messages, senders, moments, addresses)
def test_one_more_refusal_beside_an_address_never_makes_anything_easier(
    person: Person, message: Message, sender: str, moment: datetime, more: Relation
) -> None:
    before = judge(person, message, sender, moment, PACKS)
    refusal = replace(more, refused=True)
    after = judge(replace(person, relations=(*person.relations, refusal)), message, sender, moment, PACKS)
    assert STRICT[after.verdict] >= STRICT[before.verdict]


@given(written_to, messages, senders, moments, st.lists(consents | relations, min_size=1, max_size=3))
def test_what_is_given_to_others_changes_nothing(
    person: Person, message: Message, sender: str, moment: datetime, more: list[Consent | Relation]
) -> None:
    """Neither the verdict, nor by which rules, nor until when."""
    others = [replace(one, workspace="w9") for one in more]
    fuller = replace(
        person,
        consents=(*person.consents, *(one for one in others if isinstance(one, Consent))),
        relations=(*person.relations, *(one for one in others if isinstance(one, Relation))),
    )
    before, after = (judge(one, message, sender, moment, PACKS) for one in (person, fuller))
    assert (after.verdict, after.expires_at) == (before.verdict, before.expires_at)
    assert [(one.rule, one.until) for one in after.reasons] == [
        (one.rule, one.until) for one in before.reasons
    ]


@given(written_to, messages, senders, moments)
def test_the_strictest_answer_wins_and_leads(
    person: Person, message: Message, sender: str, moment: datetime
) -> None:
    told = judge(person, message, sender, moment, PACKS)
    assert told.verdict is max((reason.verdict for reason in told.reasons), key=STRICT.__getitem__)
    assert told.reasons[0].verdict is told.verdict
    concerned = [pack for pack in PACKS if not {sender, person.country}.isdisjoint(pack.countries)]
    assert {reason.law for reason in told.reasons if reason.law} == {
        pack.law for pack in concerned if pack.rules
    }
    alone = [judge(person, message, sender, moment, [pack]) for pack in concerned]
    assert all(
        STRICT[told.verdict] >= STRICT[reason.verdict]
        for one in alone
        for reason in one.reasons
        if reason.law
    )


@given(written_to, messages, senders, moments)
def test_judging_twice_is_judging_once(
    person: Person, message: Message, sender: str, moment: datetime
) -> None:
    first, again = (judge(person, message, sender, moment, PACKS) for _ in range(2))
    assert repr(first).encode() == repr(again).encode()
    assert judge(person, message, sender, moment, tuple(reversed(PACKS))) == first


@given(people, messages, senders, moments)
def test_an_allow_holds_until_it_lapses_and_no_longer_than_it_says(
    person: Person, message: Message, sender: str, moment: datetime
) -> None:
    told = judge(person, message, sender, moment, PACKS)
    if told.verdict is not Verdict.ALLOW or told.expires_at is None:
        return
    assert told.expires_at > moment
    just_before = told.expires_at - timedelta(microseconds=1)
    steady = all(one.withdrawn_at is None for one in person.consents) and not person.suppressions
    if steady and all(one.kind is not RelationKind.ASKED for one in person.relations):
        assert judge(person, message, sender, just_before, PACKS).verdict is Verdict.ALLOW
        after = judge(person, message, sender, told.expires_at, PACKS)
        assert after.verdict is not Verdict.ALLOW or after.reasons != told.reasons


@given(written_to, messages, senders, moments, written)
def test_one_more_message_never_makes_anything_easier(
    person: Person, message: Message, sender: str, moment: datetime, more: Written
) -> None:
    before = judge(person, message, sender, moment, PACKS)
    after = judge(replace(person, written=(*person.written, more)), message, sender, moment, PACKS)
    assert STRICT[after.verdict] >= STRICT[before.verdict]


@given(people, messages, senders, moments)
def test_who_names_no_campaign_type_never_has_it_easier(
    person: Person, message: Message, sender: str, moment: datetime
) -> None:
    """Than with a type that was not stopped; and is never let through where any type that they could mean was."""
    unnamed = judge(person, replace(message, campaign_type=None), sender, moment, PACKS)
    named = [
        judge(person, replace(message, campaign_type=one), sender, moment, PACKS).verdict
        for one in ("news", "offers")
    ]
    if Verdict.DENY in named:
        assert unnamed.verdict is not Verdict.ALLOW
    assert STRICT[unnamed.verdict] >= min(STRICT[one] for one in named)


@given(written_to, messages, senders, moments)
def test_every_answer_says_why(person: Person, message: Message, sender: str, moment: datetime) -> None:
    told = judge(person, message, sender, moment, PACKS)
    assert told.reasons
    for reason in told.reasons:
        assert reason.about.endswith(".")
        assert reason.rule in RULES
        assert FACTS.issuperset(reason.missing)
        assert reason.law is None or reason.rule == "otherwise" or (reason.cites and reason.confidence)
        assert reason.verdict is not Verdict.HOLD or reason.missing
