"""The law packs in a certificate: that each is the one a decision names, and what it says of a rule.

A decision names a pack's version, which is the hash of what the pack says (its first 64 bits); of packs that were
adopted early it is that of the file's bytes. So the decision's event vouches for the text.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, Final

from adapters.evidence import format as named
from adapters.evidence.entries import said
from adapters.evidence.files import Files
from adapters.evidence.verdict import Verdict

_LONGEST: Final = 400_000
_LONGEST_LINE: Final = 2_000
_LENGTH: Final = 16
_DAY: Final = timedelta(days=1)


class Rulebooks:
    """The packs that came along, read when a decision names them."""

    def __init__(self, files: Files, verdict: Verdict) -> None:
        """Read none yet."""
        self._files, self._verdict = files, verdict
        self._read: dict[str, Mapping[str, Any] | None] = {}

    def of(self, law: str, version: str) -> Mapping[str, Any] | None:
        """What the pack says, if it is here, and is the one of this version; it is said whether it is."""
        name = f"{named.PACKS}{law}@{version}.toml"
        if name not in self._read:
            self._read[name] = self._told(name, version)
        return self._read[name]

    def _told(self, name: str, version: str) -> Mapping[str, Any] | None:
        if name not in self._files:
            self._verdict.not_proven.append(f"What a decision's pack says: {name!a} is not here.")
            return None
        data = self._files.read(name)
        pack = _toml(data)
        if pack is None or version not in {_version(pack), sha256(data).hexdigest()[:_LENGTH]}:
            self._verdict.wrong.append(
                f"{name!a} is not the pack that the decision names: its hash is another."
            )
            return None
        self._verdict.proven.append(
            f"{name!a} is the pack that the decision names: the version is the hash of what it says."
        )
        return pack


def in_words(pack: Mapping[str, Any], rule: str, decided: date) -> tuple[str | None, str | None, str | None]:
    """Basis, words and section of a rule, as they were in force on a day, as far as that is one version's."""
    if rule == "otherwise":
        return None, _text(pack.get("otherwise_about")), _text(pack.get("otherwise_cites"))
    rules = pack.get("rules")
    found = [
        one
        for one in (rules if isinstance(rules, list) else ())
        if isinstance(one, dict) and one.get("id") == rule and _stands(one, decided)
    ]
    if len(found) != 1:
        return None, None, None
    one = found[0]
    return _text(one.get("basis")), _text(one.get("about")), _text(one.get("cites"))


def _stands(rule: Mapping[str, Any], day: date) -> bool:
    """Whether it may have been in force: its days begin in the zone of the law, so one more at each end counts."""
    since, until = rule.get("in_force_from"), rule.get("in_force_to")
    begun = type(since) is not date or since <= day + _DAY
    return begun and (type(until) is not date or until > day - _DAY)


def _toml(data: bytes) -> dict[str, Any] | None:
    if len(data) > _LONGEST or any(len(line) > _LONGEST_LINE for line in data.splitlines()):
        return None
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        return None


def _version(pack: Mapping[str, Any]) -> str:
    """As `domain.law.reading` makes it."""
    canonical = json.dumps(pack, sort_keys=True, separators=(",", ":"), default=str)
    return sha256(canonical.encode()).hexdigest()[:_LENGTH]


def _text(value: object) -> str | None:
    return said(value) if isinstance(value, str) else None
