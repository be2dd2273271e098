"""Contact lists as sales tools export them, made up: every address stands on a reserved domain (RFC 2606)."""

from __future__ import annotations

import csv
import hashlib
import io
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from domain.audience.email import DOMAINS
from domain.audience.intake import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOW: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)

HEADER: Final = (
    "First Name",
    "Last Name",
    "Email",
    "Country",
    "Phone",
    "Opted in at",
    "Opt-in source",
    "Unsubscribed",
    "Notes",
)


class FewCountries:
    """Countries enough for tests."""

    _CODES: Final = {"germany": "DE", "deutschland": "DE", "de": "DE", "france": "FR", "fr": "FR", "us": "US"}

    def code(self, written: str) -> str | None:
        return self._CODES.get(written.casefold())


class GermanPhones:
    """A plan of one country: numbers of nine digits after the zero are valid."""

    def e164(self, written: str, country: str | None) -> str | None:
        digits = "".join(filter(str.isdigit, written)).removeprefix("49").lstrip("0")
        german = country == "DE" or written.startswith("+49")
        return f"+49{digits}" if german and len(digits) == 9 else None


WORLD: Final = World(FewCountries(), GermanPhones(), DOMAINS)


def pseudonym(match: str) -> bytes:
    """A keyed hash, as the caller would give."""
    return hashlib.blake2b(match.encode(), key=b"test", digest_size=16).digest()


def as_csv(rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    """Rows as one CSV text."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


def contacts(count: int, seed: int = 1) -> list[list[str]]:
    """Rows under `HEADER`, good ones with everyday oddities; the same for the same seed."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        first, last = chance.choice(["Ann", "Jürgen", "Zoë"]), chance.choice(["O'Neil", "Groß", "de la Cruz"])
        address = f"person.{number}@{chance.choice(['example.org', 'mail.example.com', 'bücher.example'])}"
        rows.append(
            [
                first,
                last,
                chance.choice([address, address.upper(), f'"{first} {last}" <{address}>']),
                chance.choice(["Germany", "DE", "fr", "", "Atlantis"]),
                chance.choice(["", "030 1234567", "+49 30 1234567"]),
                chance.choice(["", "2025-04-28T20:26:00Z", "2025-04-28", "28.04.2025 06:30", "28/04/2025"]),
                chance.choice(["", "webinar", "pricing form"]),
                chance.choice(["", "", "yes", "TRUE", "no"]),
                chance.choice(["", "a,b;c", "line one\nline two", '=HYPERLINK("x")', 'says "hello"']),
            ]
        )
    return rows


def pieces(data: bytes, size: int = 7) -> Iterator[bytes]:
    """Bytes in pieces of one size."""
    return (data[start : start + size] for start in range(0, len(data), size))
