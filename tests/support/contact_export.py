"""A large contact list as a sales tool exports it, with every oddity of the trade; made up, the same for the same seed.

It is of the kind that a real export is: UTF-8 with a byte order mark, cells with line breaks and quotes, addresses in
upper case, with a name around them, broken or missing, an internationalised domain, four forms of dates, countries by
name and by code, two words for "unsubscribed", notes that a spreadsheet would take for formulas, and repeats.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.support.contact_files import as_csv

ROWS: Final = 20_400
_SAMPLES: Final = os.environ.get("PENGUINMAILS_SAMPLES") or Path(__file__).parents[3] / "shared" / "samples"
SAMPLE: Final = Path(_SAMPLES) / "contacts-export.csv"
"""An export that is no part of the project: where it is at hand, it is one example more."""

_HEADER: Final = (
    "First Name",
    "Last Name",
    "Title",
    "Company",
    "Email",
    "Country",
    "Phone",
    "Opted in at",
    "Opt-in source",
    "Opt-in IP",
    "Last purchase",
    "Unsubscribed",
    "Tags",
    "Notes",
)
_FIRST: Final = ("Ann", "Jürgen", "Zoë", "Benoît", "くみ子", "José María", "Łucja")
_LAST: Final = ("O'Neil", "Groß", "de la Cruz", "後藤", "Smith", "Maszczyk-Sowała")
_TITLES: Final = ("CFO", "Geschäftsführer", "Budget Owner, EMEA", "経理部長", "")
_COMPANIES: Final = (
    "Smith Group",
    "Hill, Roberts and Acosta",
    "Briemer GmbH & Co. KGaA",
    "伊藤水産有限会社",
    "",
)
_DOMAINS: Final = ("mail.example.org", "hq.example.com", "team.example.net", "bücher.example")
_COUNTRIES: Final = ("Germany", "DE", "FRANCE", "fr", "US", "", "Atlantis")
_PHONES: Final = ("", "030 1234567", "+49 30 1234567", "001-609-555-2872x40946", "(04165) 141600")
_SOURCES: Final = ("webinar", "trade fair", "pricing form", "import")
_TAGS: Final = ("", "vip", "cold;reseller", "événement;q3")
_NOTES: Final = (
    "",
    "a,b;c",
    "line one\nline two",
    'says "call me, maybe"',
    '=HYPERLINK("http://example.com")',
    "+1+1",
    "👍",
)


@dataclass(frozen=True, slots=True)
class Export:
    """A file, and what was put into it: how often each problem, how many rows have any, how many opt-outs count."""

    content: bytes
    rows: int
    rejected: int
    withdrawals: int
    problems: Counter[str] = field(default_factory=Counter)


def export(rows: int = ROWS, seed: int = 20) -> Export:
    """An export of so many rows."""
    chance = random.Random(seed)
    lines, problems, rejected, withdrawals = [list(_HEADER)], Counter[str](), 0, 0
    for number in range(rows):
        # Now and then somebody who was there before.
        who = chance.randrange(number + 1) if chance.random() < 0.03 else number
        first, last = chance.choice(_FIRST), chance.choice(_LAST)
        email, wrong_email = _email(chance, who, f"{first} {last}")
        date, wrong_date = _date(chance)
        unsubscribed = chance.choices(("", "yes", "TRUE"), (78, 11, 11))[0]
        wrong = [one for one in (wrong_email, wrong_date) if one is not None]
        problems.update(wrong)
        rejected += bool(wrong)
        withdrawals += bool(unsubscribed and wrong_email is None)
        consent = (chance.choice(_SOURCES), f"203.0.113.{chance.randrange(256)}") if date else ("", "")
        lines.append(
            [
                first,
                last,
                chance.choice(_TITLES),
                chance.choice(_COMPANIES),
                email,
                chance.choice(_COUNTRIES),
                chance.choice(_PHONES),
                date,
                *consent,
                chance.choice(("", "", f"2025-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}")),
                unsubscribed,
                chance.choice(_TAGS),
                chance.choice(_NOTES),
            ]
        )
    content = as_csv(lines).encode("utf-8-sig")
    return Export(content, rows, rejected, withdrawals, problems)


def _email(chance: random.Random, who: int, name: str) -> tuple[str, str | None]:
    """An address in one of its written forms, and what is wrong with it."""
    domain = _DOMAINS[who % len(_DOMAINS)]
    usual = f"person.{who}@{domain}"
    form, wrong = chance.choices(
        (
            (usual, None),
            (usual.upper(), None),
            (f'"{name}" <{usual}>', None),
            ("", "email-missing"),
            (f"person.{who}{domain}", "email-without-at"),
            (f"person.{who} @ {domain}", "email-with-spaces"),
            (f"..{who}@{domain}", "email-name-invalid"),
        ),
        (880, 20, 10, 10, 10, 20, 50),
    )[0]
    return form, wrong


def _date(chance: random.Random) -> tuple[str, str | None]:
    """A date in one of its written forms, and what is wrong with it where nobody says which number is the day."""
    year, month, early, late = (chance.randint(*span) for span in ((2023, 2025), (1, 12), (1, 12), (13, 28)))
    ambiguous = None if month == early else "date-ambiguous"
    return chance.choices(
        (
            ("", None),
            (f"{year}-{month:02}-{early:02}", None),
            (f"{year}-{month:02}-{late}T08:30:00Z", None),
            (f"{late}.{month:02}.{year} 06:30", None),
            (f"{late}/{month:02}/{year}", None),
            (f"{month:02}/{late}/{year}", None),
            (f"{early:02}/{month:02}/{year}", ambiguous),
        ),
        (44, 12, 12, 12, 8, 4, 8),
    )[0]


def _made() -> bytes:
    return export().content


FILES: Final = [
    pytest.param(_made, id="made"),
    *([pytest.param(SAMPLE.read_bytes, id="sample")] if SAMPLE.is_file() else []),
]
"""Parameters of a test, each giving a file: the made export, and the sample where it is at hand."""
