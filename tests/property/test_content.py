"""Whatever a message holds: one more law takes nothing away; neither consent nor more content adds anything."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.law.content import Content, missing_elements
from domain.law.facts import Purpose
from domain.law.packs import load_packs

PACKS = load_packs()
COUNTRIES = sorted({country for pack in PACKS for country in pack.countries} | {"AQ", "US-NY"})
CIRCUMSTANCES = {"bulk", "first_message"}
GOOD: dict[str, Any] = {
    field.name: (
        frozenset({"en"})
        if field.name == "unsubscribe_languages"
        else 60
        if field.name.endswith("_days")
        else "<ADV> parts"
        if field.name == "subject"
        else "something"
        if "str" in str(field.type)
        else True
    )
    for field in fields(Content)
    if field.name not in CIRCUMSTANCES
}

moments = st.datetimes(datetime(2003, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - given a zone
held = st.sets(st.sampled_from(sorted(GOOD)))
maybe = st.none() | st.booleans()
countries = st.sets(st.sampled_from(COUNTRIES), max_size=5)
contents = st.builds(
    lambda names, bulk, first: replace(
        Content(), bulk=bulk, first_message=first, **{name: GOOD[name] for name in names}
    ),
    held,
    maybe,
    maybe,
)


@given(
    contents, st.sampled_from(Purpose), countries, st.sampled_from(COUNTRIES), moments, st.booleans(), moments
)
def test_one_more_country_never_takes_a_missing_element_away(
    content: Content,
    purpose: Purpose,
    places: set[str],
    more: str,
    moment: datetime,
    consented: bool,  # noqa: FBT001 - drawn
    known: datetime,
) -> None:
    before = missing_elements(content, purpose, places, PACKS, moment, consented=consented, known=known)
    after = missing_elements(
        content, purpose, {*places, more}, PACKS, moment, consented=consented, known=known
    )
    assert set(before) <= set(after)


@given(contents, st.sampled_from(Purpose), countries, moments)
def test_consent_adds_nothing(content: Content, purpose: Purpose, places: set[str], moment: datetime) -> None:
    without, consented = (
        set(missing_elements(content, purpose, places, PACKS, moment, consented=one)) for one in (False, True)
    )
    assert consented <= without


@given(contents, held, st.sampled_from(Purpose), countries, moments, st.booleans())
def test_holding_more_adds_nothing(
    content: Content,
    more: set[str],
    purpose: Purpose,
    places: set[str],
    moment: datetime,
    consented: bool,  # noqa: FBT001 - drawn
) -> None:
    fuller = replace(content, **{name: GOOD[name] for name in more})
    before = missing_elements(content, purpose, places, PACKS, moment, consented=consented)
    assert set(missing_elements(fuller, purpose, places, PACKS, moment, consented=consented)) <= set(before)


@given(contents, st.sampled_from(Purpose), countries, moments, st.booleans())
def test_the_order_of_countries_and_packs_does_not_matter(
    content: Content,
    purpose: Purpose,
    places: set[str],
    moment: datetime,
    consented: bool,  # noqa: FBT001 - drawn
) -> None:
    first = missing_elements(content, purpose, sorted(places), PACKS, moment, consented=consented)
    backwards = sorted(places, reverse=True)
    assert first == missing_elements(content, purpose, backwards, PACKS[::-1], moment, consented=consented)
