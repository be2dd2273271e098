"""Countries and telephone numbers, by the real tables."""

import pytest

from adapters.intake.countries import CldrCountries
from adapters.intake.phones import LibPhones


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Germany", "DE"),
        ("GERMANY", "DE"),
        ("Deutschland", "DE"),
        ("Allemagne", "DE"),
        ("de", "DE"),
        ("DEU", "DE"),
        ("UK", "GB"),
        ("The Netherlands", "NL"),
        ("U.S.A.", "US"),
        ("日本", "JP"),
        ("Česko", "CZ"),
        ("Côte d'Ivoire", "CI"),
        ("Congo", None),
        ("Korea", None),
        ("Europe", None),
        ("EU", None),
        ("", None),
    ],
)
def test_countries(written: str, code: str | None) -> None:
    assert CldrCountries().code(written) == code


@pytest.mark.parametrize(
    ("written", "country", "e164"),
    [
        ("030 12345678", "DE", "+493012345678"),
        ("+49 (0)30 12345678", None, "+493012345678"),
        ("0049 30 12345678", None, "+493012345678"),
        ("650-253-0000 x12", "US", "+16502530000"),
        ("030 12345678", None, None),
        ("12", "DE", None),
        ("call me", "DE", None),
        ("", "DE", None),
    ],
)
def test_phones(written: str, country: str | None, e164: str | None) -> None:
    assert LibPhones().e164(written, country) == e164
