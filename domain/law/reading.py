"""From a pack's file (TOML) to the pack; what is wrong with one is told with file and line."""

from __future__ import annotations

import hashlib
import re
import tomllib
from datetime import date
from itertools import pairwise
from typing import Final

from pydantic import ValidationError

from domain.law.pack import Pack, Rule

_RULE: Final = re.compile(r"^\s*\[\[rules\]\]\s*(?:#.*)?$")


class PackUnusable(ValueError):
    """A rule pack cannot be loaded. The message names the file, the line and the remedy."""


def read_pack(text: str, name: str) -> Pack:
    """The pack in a file's text; `version` is the hash of that text. Raises `PackUnusable`."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackUnusable(f"{name}: {error}. Write it as TOML has it.") from None
    told["version"] = hashlib.sha256(text.encode()).hexdigest()[:16]
    lines = [number for number, line in enumerate(text.splitlines(), 1) if _RULE.match(line)]
    try:
        pack = Pack.model_validate(told)
    except ValidationError as error:
        raise PackUnusable(_first_of(error, name, lines)) from None
    _check_versions(pack, name, lines)
    return pack


def _first_of(error: ValidationError, name: str, lines: list[int]) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = [str(part) for part in first["loc"]]
    line = 1
    if len(place) > 1 and place[0] == "rules" and place[1].isdigit() and int(place[1]) < len(lines):
        line = lines[int(place[1])]
    return f"{name}:{line}: {'.'.join(place) or 'the pack'}: {first['msg']}."


def _check_versions(pack: Pack, name: str, lines: list[int]) -> None:
    """Versions of a rule follow each other: no day has two, none between the first and the last has none."""
    versions: dict[str, list[tuple[Rule, int]]] = {}
    for rule, line in zip(pack.rules, lines, strict=True):
        versions.setdefault(rule.id, []).append((rule, line))
    for rule_id, known in versions.items():
        known.sort(key=lambda one: one[0].in_force_from or date.min)
        for (earlier, _), (later, line) in pairwise(known):
            begins = later.in_force_from or date.min
            if earlier.in_force_to is None or earlier.in_force_to > begins:
                raise PackUnusable(
                    f"{name}:{line}: two versions of {rule_id} are in force on {later.in_force_from}. "
                    f"End the earlier one: in_force_to = {later.in_force_from}."
                )
            if earlier.in_force_to < begins:
                raise PackUnusable(
                    f"{name}:{line}: no version of {rule_id} is in force from {earlier.in_force_to} to "
                    f"{later.in_force_from}. Close the gap, or give the later one an id of its own."
                )
