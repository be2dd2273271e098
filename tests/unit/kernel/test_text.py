"""Text that people type."""

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.kernel.places import CountryCode
from domain.kernel.text import IpText, LongText, ShortText

SHORT: TypeAdapter[str] = TypeAdapter(ShortText)
LONG: TypeAdapter[str] = TypeAdapter(LongText)
COUNTRY: TypeAdapter[str] = TypeAdapter(CountryCode)
IP: TypeAdapter[str] = TypeAdapter(IpText)


def test_text_is_trimmed_and_composed() -> None:
    assert SHORT.validate_python("  Su\u0308d ") == "Süd"
    assert LONG.validate_python("a\r\nb\tc\r") == "a\nb\tc"


@pytest.mark.parametrize("bad", ["", "  ", "a\nb", "a\x00b", "a\x7fb", "a\u202eb", "a\u2028b", "x" * 101])
def test_what_a_line_does_not_take(bad: str) -> None:
    with pytest.raises(ValidationError):
        SHORT.validate_python(bad)


@pytest.mark.parametrize("bad", ["a\x00b", "a\x1bb", "a\u2066b", "x" * 2001])
def test_what_some_lines_do_not_take(bad: str) -> None:
    with pytest.raises(ValidationError):
        LONG.validate_python(bad)


@pytest.mark.parametrize("good", ["Zoë", "李小龍", "\u200dمحمد", "O'Brien 👍🏽"])
def test_names_of_the_world_pass(good: str) -> None:
    assert SHORT.validate_python(good)


def test_countries_and_addresses_have_one_form() -> None:
    assert COUNTRY.validate_python("de") == "DE"
    assert IP.validate_python(" 2001:DB8:0::1 ") == "2001:db8::1"
    for bad in ("D", "DEU", "1A"):
        with pytest.raises(ValidationError):
            COUNTRY.validate_python(bad)
