"""The zones of a pack are the outermost of its countries: a day begins and ends nowhere earlier or later there.

Which zones a country has is asked of the tz database (zone1970.tab, of the tzdata package).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from domain.law.deadlines import Duty, legal_terms
from domain.law.packs import load_packs
from tests.support.persons import ALLOW, DENY, at, consent, person, verdict

PACKS = {pack.law: pack for pack in load_packs()}
STATES = {"us-ca": {"America/Los_Angeles"}}
"""The tz database has no parts of countries."""
NOONS = [datetime(2020, 1, 1, 12, tzinfo=UTC) + timedelta(days=days) for days in range(0, 12 * 365, 5)]
"""Every fifth day of twelve years, of both halves of the year and of what the rules of clocks are to be."""


def zones_by_country() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    table = files("tzdata").joinpath("zoneinfo", "zone1970.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if not line.startswith("#"):
            countries, _, zone, *_ = line.split("\t")
            for country in countries.split(","):
                found.setdefault(country, set()).add(zone)
    return found


ZONES = zones_by_country()


def offsets(zones: set[str] | tuple[str, ...], moment: datetime) -> list[timedelta]:
    told = [moment.astimezone(ZoneInfo(zone)).utcoffset() for zone in zones]
    return [one for one in told if one is not None]


@pytest.mark.parametrize("law", PACKS)
def test_no_zone_of_its_countries_is_ahead_of_or_behind_those_of_a_pack(law: str) -> None:
    pack = PACKS[law]
    there = STATES.get(law) or {zone for country in pack.countries for zone in ZONES[country]}
    assert there
    for moment in NOONS:
        all_, told = offsets(there, moment), offsets(pack.zones, moment)
        assert (min(all_), max(all_)) == (min(told), max(told)), moment


def test_a_brazilian_term_is_counted_where_the_day_of_the_request_is_earliest() -> None:
    """At one in the morning in Sao Paulo it is still the day before in Rio Branco; LGPD Art. 19 II: 15 days."""
    moment = at(2026, 11, 20, 1, "America/Sao_Paulo")
    (term,) = (one.term for one in legal_terms(load_packs(), Duty.ACCESS, ["BR"], moment))
    assert term.due == date(2026, 12, 4)


def test_days_begin_first_in_the_islands() -> None:
    for country, zone, mainland in (
        ("NZ", "Pacific/Chatham", "Pacific/Auckland"),
        ("AU", "Australia/Lord_Howe", "Australia/Sydney"),
    ):
        given = person(country, consent(date(2026, 7, 1)))
        begins = at(2026, 7, 1, 0, zone)
        assert begins < at(2026, 7, 1, 0, mainland)
        assert verdict(given, begins - timedelta(seconds=1)) is DENY
        assert verdict(given, begins) is ALLOW
