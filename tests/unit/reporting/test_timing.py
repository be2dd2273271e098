"""When something regular is due, and which days it is about."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.reporting.timing import (
    Due,
    Frequency,
    RelativePeriod,
    Rhythm,
    Weekday,
    days_until,
    first_after,
    following,
    missed,
)

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Apia")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def daily(zone: str, clock: str) -> Rhythm:
    return Rhythm(Frequency.DAILY, None, time.fromisoformat(clock), zone)


@pytest.mark.parametrize(
    ("zone", "clock", "day", "moment"),
    [
        ("Europe/Berlin", "06:00", "2026-03-28", "2026-03-28T05:00"),
        ("Europe/Berlin", "06:00", "2026-03-29", "2026-03-29T04:00"),  # summer began that night
        ("Europe/Berlin", "02:30", "2026-03-29", "2026-03-29T01:30"),  # no such hour: 03:30 summer time
        ("Europe/Berlin", "02:30", "2026-10-25", "2026-10-25T00:30"),  # it comes twice: the first
        ("America/New_York", "06:00", "2026-01-15", "2026-01-15T11:00"),
        ("Asia/Tokyo", "06:00", "2026-04-01", "2026-04-01T00:00"),  # 6 a.m. there is still March 31 in UTC
        ("Asia/Tokyo", "09:30", "2026-04-01", "2026-04-01T00:30"),
    ],
)
def test_a_day_is_due_at_its_hour_in_the_zone_and_never_before_the_day_before_is_over_in_utc(
    zone: str, clock: str, day: str, moment: str
) -> None:
    wanted = date.fromisoformat(day)
    assert following(daily(zone, clock), wanted - timedelta(days=1)) == Due(at(moment), wanted)


@pytest.mark.parametrize(
    ("frequency", "weekday", "days"),
    [
        (Frequency.WEEKLY, Weekday.MONDAY, ["2026-11-30", "2026-12-07"]),
        (Frequency.WEEKLY, Weekday.FRIDAY, ["2026-12-04", "2026-12-11"]),
        (Frequency.MONTH_END, None, ["2026-12-01", "2027-01-01"]),
        (Frequency.ON_CLOSE, None, ["2026-12-01", "2027-01-01"]),
    ],
)
def test_weeks_have_a_weekday_and_months_end_on_the_first_day_after_them(
    frequency: Frequency, weekday: Weekday | None, days: list[str]
) -> None:
    rhythm = Rhythm(frequency, weekday, time(6), "UTC")
    first = first_after(rhythm, at("2026-11-27T12:00"))
    found = [first, following(rhythm, first.day)]
    assert [due.day.isoformat() for due in found] == days
    assert first_after(rhythm, first.at) == found[1], "strictly after"


@given(
    st.sampled_from(ZONES),
    st.times().map(lambda one: one.replace(second=0, microsecond=0, tzinfo=None)),
    st.sampled_from(Frequency),
    st.sampled_from(Weekday),
    st.datetimes(at("2011-01-01").replace(tzinfo=None), at("2030-01-01").replace(tzinfo=None)),
    st.integers(0, 400),
)
def test_due_times_follow_each_other_and_none_is_left_out(
    zone: str, clock: time, frequency: Frequency, weekday: Weekday, moment: datetime, later: int
) -> None:
    rhythm = Rhythm(frequency, weekday if frequency is Frequency.WEEKLY else None, clock, zone)
    begin = moment.replace(tzinfo=UTC)
    first, now = first_after(rhythm, begin), begin + timedelta(days=later)
    assert first.at > begin
    found = missed(rhythm, first, now)
    assert [one.at for one in found] == sorted({one.at for one in found})
    assert first_after(rhythm, now) == (following(rhythm, found[-1].day) if found else first)
    for due in found:
        assert due.at >= datetime.combine(due.day, time(), tzinfo=UTC), "its days are over in UTC"
        assert due.at - datetime.combine(due.day, time(), tzinfo=UTC) < timedelta(hours=37)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        (RelativePeriod.YESTERDAY, "2026-02-28", "2026-02-28"),
        (RelativePeriod.LAST_7_DAYS, "2026-02-22", "2026-02-28"),
        (RelativePeriod.LAST_30_DAYS, "2026-01-30", "2026-02-28"),
        (RelativePeriod.LAST_WEEK, "2026-02-16", "2026-02-22"),
        (RelativePeriod.LAST_MONTH, "2026-02-01", "2026-02-28"),
        (RelativePeriod.LAST_QUARTER, "2025-10-01", "2025-12-31"),
        (RelativePeriod.LAST_YEAR, "2025-01-01", "2025-12-31"),
        (RelativePeriod.MONTH_TO_DATE, "2026-02-01", "2026-02-28"),
        (RelativePeriod.QUARTER_TO_DATE, "2026-01-01", "2026-02-28"),
        (RelativePeriod.YEAR_TO_DATE, "2026-01-01", "2026-02-28"),
    ],
)
def test_a_period_is_seen_from_the_day_and_ends_before_it(
    period: RelativePeriod, first: str, last: str
) -> None:
    found = days_until(period, date(2026, 3, 1))  # a Sunday
    assert found == (date.fromisoformat(first), date.fromisoformat(last))


@given(st.sampled_from(RelativePeriod), st.dates(date(2001, 1, 2), date(2098, 12, 31)))
def test_no_period_is_empty_or_reaches_the_day_itself(period: RelativePeriod, day: date) -> None:
    first, last = days_until(period, day)
    assert first <= last < day
