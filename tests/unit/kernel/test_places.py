"""Where somebody is: a country, or a part of one that a law of its own may hold in."""

import pytest
from holidays import list_supported_countries
from pydantic import TypeAdapter, ValidationError

from domain.kernel.places import COUNTRIES, PARTS, PlaceCode
from domain.law.packs import load_packs

PLACE: TypeAdapter[str] = TypeAdapter(PlaceCode)


@pytest.mark.parametrize(
    ("given", "place"), [("us-ca", "US-CA"), (" US ", "US"), ("US-DC", "US-DC"), ("de-by", "DE-BY")]
)
def test_a_place_is_a_country_or_a_part_of_one(given: str, place: str) -> None:
    assert PLACE.validate_python(given) == place


@pytest.mark.parametrize("bad", ["US-ZZ", "us-cal", "US-0"])
def test_a_part_that_is_none_is_refused_with_what_to_write_instead(bad: str) -> None:
    with pytest.raises(ValidationError, match="such as US-CA, or the country alone, such as US"):
        PLACE.validate_python(bad)


def test_of_every_country_of_which_a_part_has_a_law_of_its_own_the_parts_are_known() -> None:
    places = {place for pack in load_packs() for place in pack.countries if "-" in place}
    assert {place.partition("-")[0] for place in places} == PARTS.keys() <= COUNTRIES
    for place in places:
        assert PLACE.validate_python(place) == place


@pytest.mark.parametrize("country", PARTS)
def test_the_parts_are_those_that_the_calendars_know(country: str) -> None:
    assert sorted(PARTS[country]) == sorted(list_supported_countries()[country])
