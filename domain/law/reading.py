"""From a pack's file (TOML) to the pack; what is wrong with one is told with file and line."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from domain.law.calendars import NoCalendar, is_business_day
from domain.law.pack import Pack, Verdict
from domain.law.wanted import ENTERED, TO_SETTLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.law.statements import Statement

_TABLE: Final = re.compile(r"^\s*\[\[\s*(\w+)\s*\]\]\s*(?:#.*)?$")
_LONGEST_LINE: Final = 2_000
"""A key of many parts takes the parser time that grows with the square of its length."""


class PackUnusable(ValueError):
    """A rule pack cannot be loaded. The message names the file, the line and the remedy."""


class _Places:
    """Where in a file its tables begin."""

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._lines: dict[str, list[int]] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if table := _TABLE.match(line):
                self._lines.setdefault(table[1], []).append(number)

    def of(self, table: str = "", index: int = 0) -> str:
        """File and line of the table's entry; of the file's beginning, where it stands elsewhere."""
        lines = self._lines.get(table, [])
        return f"{self._name}:{lines[index] if index < len(lines) else 1}"


def read_pack(text: str, name: str, *, adopted: bool = False) -> Pack:
    """The pack in a file's text; `version` is the hash of what it says, not of how. Raises `PackUnusable`.

    `adopted`: decisions were made by it, maybe when a hold named nothing that is missing, or what nobody enters.
    """
    told = _toml(text, name)
    told["version"] = _version(told)
    places = _Places(text, name)
    try:
        pack = Pack.model_validate(told)
    except ValidationError as error:
        raise PackUnusable(_first_of(error, places)) from None
    _check_versions("rules", pack.rules, places)
    _check_versions("deadlines", pack.deadlines, places)
    _check_versions("content", pack.content, places)
    _check_versions("also", pack.also, places)
    _check_calendars(pack, places)
    _check_zones(pack, places)
    if not adopted:
        _check_holds(pack, places)
    return pack


def _version(told: dict[str, Any]) -> str:
    """Comments, blanks and the order of an entry's keys make no other version.

    Of the file's own values: a default that a later product gives to what it does not name changes nothing.
    """
    canonical = json.dumps(told, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _toml(text: str, name: str) -> dict[str, Any]:
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > _LONGEST_LINE:
            raise PackUnusable(f"{name}:{number}: a line has at most {_LONGEST_LINE} characters. Break it.")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackUnusable(f"{name}: {error}. Write it as TOML has it.") from None
    except RecursionError:
        raise PackUnusable(
            f"{name}: lists lie in lists more deeply than a pack needs. Make it flat."
        ) from None


def _first_of(error: ValidationError, places: _Places) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    path = [str(part) for part in first["loc"]]
    place = places.of(path[0], int(path[1])) if len(path) > 1 and path[1].isdigit() else places.of()
    return f"{place}: {'.'.join(path) or 'the pack'}: {first['msg']}."


def _check_versions(table: str, statements: Sequence[Statement], places: _Places) -> None:
    """Versions of a statement follow each other: no day has two, none between the first and the last has none."""
    versions: dict[str, list[tuple[Statement, str]]] = {}
    for index, statement in enumerate(statements):
        versions.setdefault(statement.id, []).append((statement, places.of(table, index)))
    for id_, known in versions.items():
        known.sort(key=lambda one: one[0].in_force_from or date.min)
        for (earlier, _), (later, place) in pairwise(known):
            if later.in_force_from is None:
                raise PackUnusable(
                    f"{place}: two versions of {id_} are in force since ever. "
                    "Say from when: in_force_from, and in_force_to of the one before."
                )
            begins = later.in_force_from
            if earlier.in_force_to is None or earlier.in_force_to > begins:
                raise PackUnusable(
                    f"{place}: two versions of {id_} are in force on {begins}. "
                    f"End the earlier one: in_force_to = {begins}."
                )
            if earlier.in_force_to < begins:
                raise PackUnusable(
                    f"{place}: no version of {id_} is in force from {earlier.in_force_to} to "
                    f"{begins}. Close the gap, or give the later one an id of its own."
                )
        for index, (statement, _) in enumerate(known):
            statement.followed_by([later for later, _ in known[index + 1 :]])


def _check_holds(pack: Pack, places: _Places) -> None:
    """A hold names what is missing: facts that a command takes, or matters that no entry clears."""
    for index, rule in enumerate(pack.rules):
        if rule.verdict is Verdict.HOLD and not rule.missing:
            raise PackUnusable(
                f"{places.of('rules', index)}: {rule.id} holds, and does not say for want of what. "
                'Name the facts: missing = ["purchase"].'
            )
        _check_missing(rule.missing, f"{places.of('rules', index)}: {rule.id}")
    if pack.rules and pack.otherwise is Verdict.HOLD and not pack.otherwise_missing:
        raise PackUnusable(
            f"{places.of()}: where no rule fits it holds, and does not say for want of what. "
            'Name the facts: otherwise_missing = ["consent"].'
        )
    _check_missing(pack.otherwise_missing, f"{places.of()}: where no rule fits it")


def _check_missing(names: Sequence[str], place: str) -> None:
    for name in names:
        if name not in ENTERED and name not in TO_SETTLE:
            raise PackUnusable(
                f"{place} holds for want of {name}, which no command takes. Name what is entered "
                f"({', '.join(sorted(ENTERED))}), or what a lawyer has to settle ({', '.join(sorted(TO_SETTLE))})."
            )


def _check_calendars(pack: Pack, places: _Places) -> None:
    """Where a deadline is counted in business days, these can be told in every country of the pack."""
    for index, deadline in enumerate(pack.deadlines):
        if not deadline.in_business_days:
            continue
        for country in pack.countries:
            try:
                is_business_day(deadline.checked, country)
            except NoCalendar as error:
                raise PackUnusable(
                    f"{places.of('deadlines', index)}: {deadline.id} is counted in business days, and {error}. "
                    "Correct the pack's countries, or count it in days."
                ) from None


def _check_zones(pack: Pack, places: _Places) -> None:
    """The days of a pack begin somewhere."""
    for index, zone in enumerate(pack.zones):
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise PackUnusable(
                f"{places.of()}: zones.{index}: there is no such zone. Name it as Europe/Paris is named."
            ) from None
