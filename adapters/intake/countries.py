"""Names of countries in many languages, from the Unicode CLDR that babel carries."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

from babel import Locale
from babel.core import get_global
from babel.localedata import exists

_LANGUAGES: Final = """
    en de fr es pt it nl pl sv da nb fi cs sk hu ro bg el hr sl lt lv et tr uk ru ja zh zh_Hant ko ar he hi th vi id
"""
"""Besides these, each country is known by its name in its own languages."""

_USUAL: Final = {
    "usa": "US",
    "united states of america": "US",
    "america": "US",
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "grossbritannien": "GB",
    "holland": "NL",
    "south korea": "KR",
    "russian federation": "RU",
    "czech republic": "CZ",
    "turkey": "TR",
    "uae": "AE",
    "ivory coast": "CI",
    "brd": "DE",
    "prc": "CN",
}
_TWO: Final = frozenset({"congo", "korea"})
_CODE_LENGTH: Final = 2
_NO_COUNTRIES: Final = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})


class CldrCountries:
    """`Countries` by CLDR: names in many languages, ISO alpha-2 and alpha-3 codes."""

    def code(self, written: str) -> str | None:
        """ISO 3166-1 alpha-2 for a name or code in any case; None if unknown or if it could be two."""
        return _table().get(_folded(written))


def _folded(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    kept = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(re.sub(r"[^\w]+", " ", kept.replace(".", "").replace("&", " and ")).split()).removeprefix(
        "the "
    )


@cache
def _table() -> dict[str, str]:
    """Made at first use, in under a second. A name that two countries share is left out."""
    territories = (str(code) for code in Locale("en").territories)
    codes = {
        code
        for code in territories
        if len(code) == _CODE_LENGTH and code.isalpha() and code not in _NO_COUNTRIES
    }
    names: dict[str, set[str]] = {}
    for locale in map(Locale.parse, _locales()):
        for code, name in locale.territories.items():
            if code in codes:
                names.setdefault(_folded(name), set()).add(str(code))
    table = {name: next(iter(of)) for name, of in names.items() if len(of) == 1 and name and name not in _TWO}
    for alias, now in get_global("territory_aliases").items():
        if len(now) == 1 and now[0] in codes and alias.isalpha():
            table.setdefault(alias.casefold(), now[0])
    table.update(_USUAL)
    table.update({code.casefold(): code for code in codes})
    return table


def _locales() -> list[str]:
    native = {
        language
        for languages in get_global("territory_languages").values()
        for language, facts in languages.items()
        if facts.get("official_status") == "official"
    }
    return sorted({name for name in (*_LANGUAGES.split(), *native) if exists(name)})
