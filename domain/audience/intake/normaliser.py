"""Rows to candidates: every field read by its own rule, every fault of a row told at once."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from operator import itemgetter
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from domain.audience.intake.addresses import (
    NEEDS_SMTPUTF8,
    ROLE,
    UNSEEN,
    Address,
    as_seen,
    read_address,
)
from domain.audience.intake.candidate import MAX_LENGTHS, MAX_TAGS, Candidate, Rejected, split_name
from domain.audience.intake.dates import NO_DAY, read_date, read_last
from domain.audience.intake.errors import Fault, RowProblem
from domain.audience.intake.headers import ATTRIBUTE, EMAIL, UNSUBSCRIBED
from domain.audience.intake.text import many_lines, one_line
from domain.audience.intake.vocabularies import (
    SubscriberType,
    read_flag,
    read_source,
    read_subscriber_type,
    tells_when,
)

if TYPE_CHECKING:
    from datetime import datetime

    from domain.audience.intake.mapping import Mapping
    from domain.audience.intake.ports import World
    from domain.audience.intake.rows import Row

_TOO_LONG: Final = {
    name: Fault("too-long", f"The text is longer than {limit:,} characters.", f"Shorten it to {limit:,}.")
    for name, limit in MAX_LENGTHS.items()
}
_NAME_TOO_LONG: Final = Fault(
    "too-long",
    f"The first word, or the rest, is longer than {MAX_LENGTHS['first_name']} characters.",
    "Give first and last name columns of their own, or shorten them.",
)
_TOO_MANY_TAGS: Final = Fault("too-many-tags", f"There are more than {MAX_TAGS} tags.", "Remove some.")
_COUNTRY_UNKNOWN: Final = Fault(
    "country-unknown",
    "This is no known name or code of a country; it is taken as not known.",
    "Write its ISO code (DE, FR, US): without a country nothing is sent where law asks for it.",
)
_PHONE_INVALID: Final = Fault(
    "phone-not-valid",
    "The number is not valid in its country; it is kept as written.",
    "Write it with its country code, +49 30 1234567.",
)
_IP_INVALID: Final = Fault(
    "ip-not-valid",
    "This is no IP address; it is left out.",
    "Correct it, or leave the cell empty.",
)
_TAG_MARKS: Final = re.compile(r"[;,|]")
_SIMPLE_IP: Final = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\.(?!$)|$)){4}")
_ABROAD: Final = ("+", "00")

_CELLS: Final = (
    EMAIL,
    "first_name",
    "last_name",
    "full_name",
    "title",
    "company",
    "phone",
    "country",
    "subscriber_type",
    "opted_in_at",
    "opt_in_source",
    "opt_in_ip",
    "last_purchase_at",
    "tags",
    "notes",
)


class Normaliser:
    """Reads the rows of a file with this header under a mapping made for it (`resolve_mapping`).

    `now` is the moment after which a date is in the future; it comes in, so that a file reads the same tomorrow.
    """

    def __init__(self, header: tuple[str, ...], mapping: Mapping, world: World, now: datetime) -> None:
        places = {column: place for place, column in enumerate(header)}
        absent = len(header)  # an empty cell is put there for fields that have no column
        self.columns = {field: mapping.column_of(field) for field in _CELLS}
        self.pick = itemgetter(
            *(absent if column is None else places[column] for column in self.columns.values())
        )
        self.flags = [
            (name, places[name]) for name, target in mapping.columns.items() if target == UNSUBSCRIBED
        ]
        self.attributes = [
            (target.removeprefix(ATTRIBUTE), column, places[column])
            for column, target in mapping.columns.items()
            if target.startswith(ATTRIBUTE)
        ]
        self.world = world
        self.now = now
        self.order = mapping.date_order
        self.zone = ZoneInfo(mapping.timezone)
        self.default_country = mapping.default_country
        self.country = lru_cache(maxsize=4096)(self._country)

    def read(self, row: Row) -> Candidate | Rejected:
        """The candidate in a row, or why there is none. A row that is no row of the header stays rejected."""
        if row.problem is not None:
            return Rejected(row, (row.problem,))
        return _Reading(self, row).outcome()

    def _country(self, cell: str) -> str | None:
        return self.world.countries.code(one_line(cell))


class _Reading:
    """One row being read, and what was found wrong with it so far."""

    __slots__ = ("_of", "_problems", "_row", "_warnings")

    def __init__(self, of: Normaliser, row: Row) -> None:
        self._of = of
        self._row = row
        self._problems: list[RowProblem] = []
        self._warnings: list[RowProblem] = []

    def outcome(self) -> Candidate | Rejected:
        row = self._row
        (
            mail,
            first,
            last,
            full,
            title,
            company,
            phone,
            country,
            kind,
            opted_in,
            source,
            ip,
            bought,
            tags,
            notes,
        ) = self._of.pick([*row.cells, ""])
        address = self._address(mail)
        display_name = "" if address is None else address.display_name
        code = self._country(country) if country else self._of.default_country
        number = self._line("phone", phone) if phone else None
        e164 = self._e164(number, code) if number else None
        words = self._line("opt_in_source", source) if source else None
        unsubscribed, unsubscribed_at = self._unsubscribed()
        fields = (
            self._line("first_name", first) if first else None,
            self._line("last_name", last) if last else None,
            self._full_name(full or display_name, alone=not (first or last))
            if full or display_name
            else None,
            self._line("title", title) if title else None,
            self._line("company", company) if company else None,
            number,
            e164,
            code,
            self._kind(kind) if kind else None,
            self._moment("opted_in_at", opted_in) if opted_in else None,
            read_source(words or ""),
            words,
            self._ip(ip) if ip else None,
            self._moment("last_purchase_at", bought) if bought else None,
            unsubscribed,
            unsubscribed_at,
            self._tags(tags) if tags else (),
            self._lines("notes", self._of.columns["notes"], notes) if notes else None,
            self._attributes(),
        )
        if self._problems or address is None:
            withdrawal = address if unsubscribed else None
            return Rejected(row, tuple(self._problems), withdrawal, withdrawn_at=unsubscribed_at)
        return Candidate(row.number, row.line, address, *fields, tuple(self._warnings))

    def _problem(self, column: str | None, fault: Fault) -> None:
        self._problems.append(RowProblem(self._row.number, self._row.line, column, *fault))

    def _warn(self, field: str, fault: Fault) -> None:
        self._warnings.append(RowProblem(self._row.number, self._row.line, self._of.columns[field], *fault))

    def _address(self, cell: str) -> Address | None:
        domains = self._of.world.domains
        address = read_address(cell, domains)
        if address is UNSEEN:
            # Who said stop has said it: they are looked for by the address as it is seen.
            self._problem(self._of.columns[EMAIL], UNSEEN)
            seen = read_address(as_seen(cell), domains)
            return seen if isinstance(seen, Address) else None
        if isinstance(address, Fault):
            self._problem(self._of.columns[EMAIL], address)
            return None
        if address.is_role:
            self._warn(EMAIL, ROLE)
        if address.needs_smtputf8:
            self._warn(EMAIL, NEEDS_SMTPUTF8)
        return address

    def _line(self, field: str, cell: str) -> str | None:
        text = one_line(cell)
        if len(text) > MAX_LENGTHS[field]:
            self._problem(self._of.columns[field] or self._of.columns[EMAIL], _TOO_LONG[field])
        return text or None

    def _full_name(self, cell: str, *, alone: bool) -> str | None:
        """A whole name; where it is `alone`, first and last name are made of it."""
        text = self._line("full_name", cell)
        if alone and text and len(text) > MAX_LENGTHS["first_name"]:
            first, last = split_name(text)
            if max(len(first), len(last or "")) > MAX_LENGTHS["first_name"]:
                self._problem(self._of.columns["full_name"] or self._of.columns[EMAIL], _NAME_TOO_LONG)
        return text

    def _lines(self, field: str, column: str | None, cell: str) -> str | None:
        text = many_lines(cell)
        if len(text) > MAX_LENGTHS[field]:
            self._problem(column, _TOO_LONG[field])
        return text or None

    def _country(self, cell: str) -> str | None:
        code = self._of.country(cell)
        if code is None and not cell.isspace():
            self._warn("country", _COUNTRY_UNKNOWN)
        return code

    def _e164(self, number: str, country: str | None) -> str | None:
        if country is None and not number.startswith(_ABROAD):
            return None
        e164 = self._of.world.phones.e164(number, country)
        if e164 is None:
            self._warn("phone", _PHONE_INVALID)
        return e164

    def _kind(self, cell: str) -> SubscriberType | None:
        kind = read_subscriber_type(one_line(cell))
        if isinstance(kind, Fault):
            self._warn("subscriber_type", kind)
            return None
        return kind

    def _moment(self, field: str, cell: str) -> datetime | None:
        text = cell.strip()
        if not text:
            return None
        moment = read_date(text, self._of.order, self._of.zone, self._of.now)
        if isinstance(moment, Fault):
            self._problem(self._of.columns[field], moment)
            return None
        return moment

    def _ip(self, cell: str) -> str | None:
        text = self._line("opt_in_ip", cell)
        if text and not _SIMPLE_IP.fullmatch(text):
            try:
                ip_address(text)
            except ValueError:
                self._warn("opt_in_ip", _IP_INVALID)
                return None
        return text

    def _unsubscribed(self) -> tuple[bool, datetime | None]:
        """Whether they said stop, and when at the latest; None where that is not said, or a date cannot be read."""
        said, dates = False, []
        for column, place in self._of.flags:
            cell = self._row.cells[place]
            if not cell:
                continue
            cell = cell.strip()
            flag = read_flag(cell)
            if isinstance(flag, Fault):
                self._problem(column, flag)
            elif flag and tells_when(cell):
                moment = read_last(cell, self._of.order, self._of.now)
                if moment == NO_DAY:
                    # Never, or nobody knows when: to take it for a stop would end what nobody ended, unseen.
                    self._problem(column, NO_DAY)
                    continue
                said = True
                dates.append(self._stopped(column, moment))
            else:
                said = said or flag
        if not dates:
            return said, None
        told = [one for one in dates if one is not None]
        return said, max(told) if len(told) == len(dates) else None

    def _stopped(self, column: str, moment: datetime | Fault) -> datetime | None:
        """Who stopped has stopped, also where nobody can tell from this when."""
        if isinstance(moment, Fault):
            self._warnings.append(RowProblem(self._row.number, self._row.line, column, *moment))
            return None
        return moment

    def _tags(self, cell: str) -> tuple[str, ...]:
        tags = tuple(dict.fromkeys(tag for part in _TAG_MARKS.split(cell) if (tag := one_line(part))))
        if len(tags) > MAX_TAGS:
            self._problem(self._of.columns["tags"], _TOO_MANY_TAGS)
        if any(len(tag) > MAX_LENGTHS["tags"] for tag in tags):
            self._problem(self._of.columns["tags"], _TOO_LONG["tags"])
        return tags

    def _attributes(self) -> tuple[tuple[str, str], ...]:
        found = []
        for name, column, place in self._of.attributes:
            cell = self._row.cells[place]
            if cell and (text := self._lines("attribute", column, cell)):
                found.append((name, text))
        return tuple(found)
