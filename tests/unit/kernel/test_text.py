"""Text that people type."""

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.kernel.places import CountryCode
from domain.kernel.text import AttributeText, IpText, LongText, ShortText, legible, wordy

SHORT: TypeAdapter[str] = TypeAdapter(ShortText)
ATTRIBUTE: TypeAdapter[str] = TypeAdapter(AttributeText)
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


@pytest.mark.parametrize(
    "nothing",
    ["\u200b", "\u2060\u2060", "\u00ad", "\u3164", "\u115f\u1160", "\uffa0", "\u2800", "\ufe0f", "\u0301", "\u180e",
     "\u034f", "\U000e0041", "\U0001d159", " \u00a0\u200d \ufeff "],
)  # fmt: skip
def test_what_nobody_sees_is_no_text(nothing: str) -> None:
    """As a consent of a zero-width space once lifted an opt-out."""
    for text in (SHORT, LONG, ATTRIBUTE):
        with pytest.raises(ValidationError, match="nothing that a reader sees"):
            text.validate_python(nothing)
    assert not legible(nothing)
    assert SHORT.validate_python(f"a{nothing}b")
    assert ATTRIBUTE.validate_python("") == ""


def test_a_text_that_names_somebody_has_a_letter_or_a_digit() -> None:
    assert all(wordy(text) for text in ("x", "-7", "李"))
    assert not any(wordy(text) for text in (None, "", "-", "…", "\u3164", "\u200b"))
    assert legible("-")
    assert legible("👍🏽")


@pytest.mark.parametrize("good", ["Zoë", "李小龍", "\u200dمحمد", "O'Brien 👍🏽"])
def test_names_of_the_world_pass(good: str) -> None:
    assert SHORT.validate_python(good)


def test_countries_and_addresses_have_one_form() -> None:
    assert COUNTRY.validate_python("de") == "DE"
    assert IP.validate_python(" 2001:DB8:0::1 ") == "2001:db8::1"
    for bad in ("D", "DEU", "1A"):
        with pytest.raises(ValidationError):
            COUNTRY.validate_python(bad)
