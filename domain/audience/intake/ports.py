"""What the intake must be told about the world: countries, telephone numbers, domain names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Countries(Protocol):
    """Names and codes of countries, in the languages that files are written in."""

    def code(self, written: str) -> str | None:
        """ISO 3166-1 alpha-2 for a name or code in any case; None if unknown or if it could be two."""
        ...


class Phones(Protocol):
    """The world's numbering plans."""

    def e164(self, written: str, country: str | None) -> str | None:
        """E.164 (`+4930...`) if the number is valid, read as dialled inside `country`; else None."""
        ...


class DomainNames(Protocol):
    """Internationalised domain names (IDNA 2008)."""

    def to_ascii(self, domain: str) -> str | None:
        """The lower-case `xn--` form of a domain; None if it is not one."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """The three, handed in together."""

    countries: Countries
    phones: Phones
    domains: DomainNames
