"""By when something is due: every deadline of every law, and the days at the edges, by name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.law.calendars import NoCalendar, is_business_day
from domain.law.deadlines import Deadline, Duty, LegalTerm, Term, due, legal_terms, term
from domain.law.packs import load_packs
from domain.law.reading import read_pack

PACKS = load_packs()
DEADLINES = {one.id: (one, pack) for pack in PACKS for one in pack.deadlines}


def noon(year: int, month: int, day: int, zone: str = "UTC") -> datetime:
    return at(year, month, day, 12, 0, zone)


def at(year: int, month: int, day: int, hour: int, minute: int, zone: str) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone))


def counted(id_: str, event: datetime) -> Term:
    """By the calendar of the first country of its pack."""
    deadline, pack = DEADLINES[id_]
    return term(deadline, event, pack.zones, pack.countries[0])


def told(duty: Duty, place: str, event: datetime, known: datetime | None = None) -> tuple[LegalTerm, ...]:
    return legal_terms(PACKS, duty, [place], event, known)


CASES = {
    # Christmas Day and New Year's Day are no business days, nor are the weekends between.
    "over Christmas and New Year in the US": ("us.opt-out", noon(2025, 12, 19), Term(date(2026, 1, 6))),
    # A Saturday in 2026, it is kept on Friday the 3rd.
    "over Independence Day": ("us.opt-out", noon(2026, 6, 29), Term(date(2026, 7, 14))),
    "over Canada Day": ("ca.opt-out", noon(2026, 6, 26), Term(date(2026, 7, 13))),
    "over Christmas in Canada": ("ca.opt-out", noon(2026, 12, 18), Term(date(2027, 1, 5))),
    # The 17th and 18th of February.
    "over Chinese New Year in Singapore": ("sg.opt-out", noon(2026, 2, 9), Term(date(2026, 2, 25))),
    "over two weeks without a holiday": ("sg.opt-out", noon(2026, 3, 2), Term(date(2026, 3, 16))),
    # A Friday, which is the first of the five.
    "over a weekend": ("au.opt-out", noon(2026, 11, 20), Term(date(2026, 11, 26))),
    # Monday is the first.
    "from a Saturday on": ("au.opt-out", noon(2026, 11, 21), Term(date(2026, 11, 27))),
    # Boxing Day is a Saturday.
    "over Christmas in Australia": ("au.opt-out", noon(2026, 12, 23), Term(date(2026, 12, 30))),
    # Withdrawn from Tuesday, 1 December, on.
    "over a weekend in New Zealand": (
        "nz.opt-out",
        noon(2026, 11, 24, "Pacific/Auckland"),
        Term(date(2026, 11, 30)),
    ),
    # Boxing Day is kept on the 28th.
    "over Christmas in New Zealand": (
        "nz.opt-out",
        noon(2026, 12, 22, "Pacific/Auckland"),
        Term(date(2026, 12, 30)),
    ),
    "calendar days over New Year": ("kr.notice", noon(2026, 12, 25), Term(date(2027, 1, 8))),
    "ends on a Saturday, and stays": ("br.access", noon(2026, 2, 20), Term(date(2026, 3, 7))),
    "the day of a complaint is the first of thirty": (
        "gb.complaint",
        noon(2026, 6, 19),
        Term(date(2026, 7, 18)),
    ),
    "over Thanksgiving in California": (
        "us-ca.acknowledgement",
        noon(2026, 11, 20, "America/Los_Angeles"),
        Term(date(2026, 12, 7)),
    ),
    "the day of a Californian request is the first of 45, and of 90": (
        "us-ca.request",
        noon(2026, 11, 1, "America/Los_Angeles"),
        Term(date(2026, 12, 15), date(2027, 1, 29)),
    ),
    "fifteen business days over Thanksgiving": (
        "us-ca.sale-opt-out",
        noon(2026, 11, 20, "America/Los_Angeles"),
        Term(date(2026, 12, 14)),
    ),
    "a month from the 31st": (
        "eu-gdpr.request",
        noon(2026, 1, 31),
        Term(date(2026, 2, 28), date(2026, 4, 30), date(2026, 2, 28)),
    ),
    "a month up to a leap day": (
        "eu-gdpr.request",
        noon(2024, 1, 31),
        Term(date(2024, 2, 29), date(2024, 4, 30), date(2024, 2, 29)),
    ),
    "a month over Christmas": (
        "eu-gdpr.request",
        noon(2025, 12, 24),
        Term(date(2026, 1, 24), date(2026, 3, 24), date(2026, 1, 24)),
    ),
}


@pytest.mark.parametrize(("id_", "event", "expected"), CASES.values(), ids=CASES)
def test_a_deadline_ends_on(id_: str, event: datetime, expected: Term) -> None:
    assert counted(id_, event) == expected


def test_every_deadline_has_a_case() -> None:
    assert {id_ for id_, _, _ in CASES.values()} == set(DEADLINES)


@pytest.mark.parametrize(
    ("event", "day"),
    [
        (at(2026, 12, 1, 23, 30, "Pacific/Honolulu"), 1),  # in New York it is the 2nd already
        (at(2026, 12, 2, 0, 30, "America/New_York"), 1),  # in Honolulu it is the 1st still
        (at(2026, 12, 1, 23, 30, "America/New_York"), 1),
        (at(2026, 12, 2, 6, 0, "America/New_York"), 2),
    ],
)
def test_of_several_zones_the_one_in_the_west_ends_a_deadline_first(event: datetime, day: int) -> None:
    assert counted("us.opt-out", event) == counted("us.opt-out", noon(2026, 12, day, "America/New_York"))


def test_half_past_eleven_at_night_in_the_east_is_that_days() -> None:
    late = at(2026, 11, 24, 23, 30, "Pacific/Auckland")
    assert counted("nz.opt-out", late).due == date(2026, 11, 30)
    assert counted("nz.opt-out", at(2026, 11, 25, 0, 30, "Pacific/Auckland")).due == date(2026, 12, 1)
    assert late.astimezone(UTC).date() == date(2026, 11, 24)
    assert at(2026, 11, 25, 0, 30, "Pacific/Auckland").astimezone(UTC).date() == date(2026, 11, 24)


def test_without_a_zone_it_is_the_earliest_day_on_earth() -> None:
    deadline, pack = DEADLINES["kr.notice"]
    morning = at(2026, 12, 25, 11, 59, "UTC")
    assert due(deadline, morning, pack.zones, "KR") == date(2027, 1, 8)
    assert due(deadline, morning, (), "KR") == date(2027, 1, 7)
    assert due(deadline, at(2026, 12, 25, 12, 0, "UTC"), (), "KR") == date(2027, 1, 8)


def test_a_moment_without_a_zone_and_a_country_without_a_calendar_are_refused() -> None:
    deadline, pack = DEADLINES["us.opt-out"]
    with pytest.raises(ValueError, match="this moment has none: give it one"):
        due(deadline, datetime(2026, 12, 1, 12), pack.zones, "US")  # noqa: DTZ001 - that is the case
    with pytest.raises(NoCalendar, match="no calendar for XX"):
        due(deadline, noon(2026, 12, 1), pack.zones, "XX")


def test_only_holidays_of_the_whole_country_count() -> None:
    assert not is_business_day(date(2026, 10, 12), "US")  # Columbus Day, a federal holiday
    assert is_business_day(date(2026, 3, 31), "US-CA")  # Cesar Chavez Day, California's own
    assert is_business_day(date(2026, 11, 3), "AU")  # Melbourne Cup Day, Victoria's own


class TestLaws:
    def test_a_deadline_that_was_not_in_force_on_the_day_is_none(self) -> None:
        assert told(Duty.COMPLAINT_ACKNOWLEDGEMENT, "GB", at(2026, 6, 18, 23, 59, "Europe/London")) == ()
        (found,) = told(Duty.COMPLAINT_ACKNOWLEDGEMENT, "GB", at(2026, 6, 19, 0, 0, "Europe/London"))
        deadline = found.deadline
        assert deadline.id == "gb.complaint"
        assert (deadline.confidence, deadline.date_confidence) == ("T", "S"), (
            "thirty days were read, since when was not"
        )

    @pytest.mark.parametrize("country", ["JP", "IN", "CH", "GB", "FR", "DE", "KR", "BR"])
    def test_where_no_law_says_by_when_an_opt_out_has_no_deadline(self, country: str) -> None:
        assert told(Duty.OPT_OUT, country, noon(2026, 12, 1)) == ()

    @pytest.mark.parametrize("country", ["FR", "DE", "IT", "AT", "SE"])
    def test_the_regulation_holds_in_every_member_state(self, country: str) -> None:
        (found,) = told(Duty.ACCESS, country, noon(2026, 12, 1))
        assert (found.law, found.place) == ("eu-gdpr", country)

    def test_an_american_of_no_known_state_may_be_a_californian(self) -> None:
        event = noon(2026, 12, 1)
        assert [found.law for found in told(Duty.ACCESS, "US", event)] == ["us-ca"]
        assert [found.law for found in told(Duty.ACCESS, "US-CA", event)] == ["us-ca"]
        assert told(Duty.ACCESS, "US-NY", event) == ()
        assert [found.law for found in told(Duty.OPT_OUT, "US-CA", event)] == ["us"]

    def test_of_several_laws_the_earliest_leads(self) -> None:
        found = legal_terms(PACKS, Duty.OPT_OUT, ["US", "NZ", "DE"], noon(2026, 12, 1))
        assert [(one.law, one.term.due) for one in found] == [
            ("nz", date(2026, 12, 8)),
            ("us", date(2026, 12, 15)),
        ]

    def test_the_version_that_was_in_force_and_known_counts(self) -> None:
        text = "".join(
            f"""
[[deadlines]]
id = "us.answer"
of = ["access"]
length = {{ days = {days} }}
counts_from = "receipt"
cites = "Law s.1"
confidence = "T"
checked = 2026-11-22
about = "It is answered by then."
{dates}
"""
            for days, dates in (
                (40, "in_force_to = 2025-01-01"),
                (20, "in_force_from = 2025-01-01\nknown_from = 2025-03-01"),
            )
        )
        pack = read_pack(f'law = "us"\ntitle = "A"\ncountries = ["US"]\nzones = ["UTC"]\n{text}', "us.toml")

        def days(event: datetime, known: datetime | None = None) -> list[int]:
            found = legal_terms([pack], Duty.ACCESS, ["US"], event, known)
            return [(one.term.due - event.date()).days for one in found]

        assert days(noon(2024, 12, 31)) == [40]
        assert days(noon(2025, 3, 1)) == [20]
        assert days(noon(2025, 2, 1)) == [40], "as far as was known"
        assert days(noon(2025, 2, 1), known=noon(2025, 3, 1)) == [20]


def test_a_british_complaint_has_a_deadline_once_that_is_known() -> None:
    """DUAA 2025: the duty is in force from 2026-06-19, and known by then at the latest."""
    event = noon(2026, 7, 1)
    for known, laws in ((noon(2026, 6, 18), []), (noon(2026, 6, 19), ["gb"])):
        found = legal_terms(PACKS, Duty.COMPLAINT_ACKNOWLEDGEMENT, ["GB"], event, known)
        assert [one.law for one in found] == laws


def test_what_is_shown_of_a_length() -> None:
    shown = {id_: str(deadline.length) for id_, (deadline, _) in DEADLINES.items()}
    assert shown["us.opt-out"] == "10 business days"
    assert shown["eu-gdpr.request"] == "1 month"
    assert shown["kr.notice"] == "14 days"


@pytest.mark.parametrize(("counting", "earlier"), [("after", 0), ("from", 1), ("before", 1)])
def test_a_month_ends_a_day_earlier_where_the_day_itself_counts(counting: str, earlier: int) -> None:
    counts_itself = {**DEADLINES["eu-gdpr.request"][0].model_dump(), "counting": counting}
    deadline = Deadline.model_validate(counts_itself)
    assert due(deadline, noon(2025, 12, 31), ("UTC",), "FR") == date(2026, 1, 31 - earlier)
    assert due(deadline, noon(2026, 1, 31), ("UTC",), "FR") == date(2026, 2, 28 - earlier)
