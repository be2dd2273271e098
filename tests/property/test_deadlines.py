"""Whatever is due: never on the day of the event or before it, never earlier for what comes later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from domain.law.deadlines import Counting, CountsFrom, Deadline, Duty, Extension, Length, legal_terms, term
from domain.law.pack import Pack
from domain.law.packs import load_packs
from domain.law.periods import earliest_day
from projections.olap.permission_reports import SURELY_IN_TIME

PACKS = load_packs()
PLACES = sorted(country for pack in PACKS for country in pack.countries)

moments = st.datetimes(datetime(2019, 1, 1), datetime(2029, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - given a zone
zones = st.lists(
    st.sampled_from(
        ["Pacific/Honolulu", "America/New_York", "Europe/London", "Asia/Tokyo", "Pacific/Auckland"]
    )
)
lengths = st.one_of(
    st.builds(Length, business_days=st.integers(2, 40)),
    st.builds(Length, days=st.integers(2, 120)),
    st.builds(Length, months=st.integers(1, 24)),
)


@st.composite
def deadlines(draw: st.DrawFn) -> Deadline:
    length = draw(lengths)
    pattern = draw(st.sampled_from([one for pack in PACKS for one in pack.deadlines]))
    extension = Extension(by=length, notice=length) if draw(st.booleans()) else None
    return Deadline.model_validate(
        {
            **pattern.model_dump(),
            "length": length,
            "counts_from": draw(st.sampled_from(CountsFrom)),
            "counting": draw(st.sampled_from(Counting)),
            "extension": extension,
        }
    )


countries = st.sampled_from(["US", "CA", "SG", "NZ", "AU", "GB", "KR"])


@given(deadlines(), moments, zones, countries)
def test_nothing_is_due_on_the_day_of_the_event_or_before(
    deadline: Deadline, event: datetime, where: list[str], country: str
) -> None:
    found = term(deadline, event, where, country)
    day = earliest_day(event, where)
    assert found.due > day
    assert found.extended is None or found.extended > found.due
    assert found.notice is None or day < found.notice <= found.due


@given(deadlines(), moments, st.integers(0, 90 * 24), zones, countries)
def test_what_comes_later_is_not_due_earlier(
    deadline: Deadline, event: datetime, hours: int, where: list[str], country: str
) -> None:
    first = term(deadline, event, where, country)
    later = term(deadline, event + timedelta(hours=hours), where, country)
    assert first.due <= later.due
    if first.extended and later.extended:
        assert first.extended <= later.extended


@given(deadlines(), moments, zones, st.sampled_from(["Etc/GMT+12", "Pacific/Apia"]), countries)
def test_one_more_zone_makes_nothing_later(
    deadline: Deadline, event: datetime, where: list[str], more: str, country: str
) -> None:
    before = term(deadline, event, [more], country)
    assert term(deadline, event, [*where, more], country).due <= before.due


@given(st.sampled_from(Duty), st.sets(st.sampled_from(PLACES), max_size=4), st.sampled_from(PLACES), moments)
def test_one_more_country_makes_nothing_later(
    duty: Duty, places: set[str], more: str, event: datetime
) -> None:
    before = legal_terms(PACKS, duty, places, event)
    after = legal_terms(PACKS, duty, {*places, more}, event)
    assert set(before) <= set(after)
    assert not before or after[0].term.due <= before[0].term.due


OPT_OUTS = [(pack, one) for pack in PACKS for one in pack.deadlines if Duty.OPT_OUT in one.of]


@given(st.sampled_from(OPT_OUTS), moments)
def test_an_opt_out_that_is_entered_as_soon_as_a_report_calls_sure_is_in_time_under_every_law(
    case: tuple[Pack, Deadline], said: datetime
) -> None:
    pack, deadline = case
    found = term(deadline, said, pack.zones, pack.countries[0])
    entered = said + SURELY_IN_TIME
    for zone in pack.zones:
        assert entered.astimezone(ZoneInfo(zone)).date() <= found.due
