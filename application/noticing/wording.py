"""What a letter says, in the language of whoever gets it: lines with values, and the words of each language."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, TypeAlias

from pydantic import BaseModel, ConfigDict

from application.noticing import languages
from domain.billing.catalogue import Meter
from domain.billing.notices import NoticeKind
from domain.billing.terms import Interval
from domain.kernel.money import CURRENCIES, Money

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Value: TypeAlias = "str | int | date | datetime | Money | Meter | Interval"
FALLBACK: Final = "en"
_SPOKEN: Final = {"DE": "de", "AT": "de", "LI": "de", "FR": "fr", "MC": "fr"}
"""Countries with one of the languages for all; elsewhere nobody is guessed at."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a letter: its key among the words, and what is filled in."""

    key: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """All that a letter says, in no language yet. `subject`: what its subject is filled with."""

    kind: NoticeKind
    subject: Mapping[str, Value]
    lines: Sequence[Line]


class Words(BaseModel):
    """The words of a language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decimal: str
    thousands: str
    words: dict[str, str]
    one: dict[str, str]
    """Words for one of what is counted: filled in as `meter_by_limit` where `limit` is 1."""
    counted: dict[str, str] = {}
    """Words that are others after "so many of so many": what is filled in as `meter_counted_by_limit`."""
    subjects: dict[NoticeKind, str]
    lines: dict[str, str]

    def subject(self, told: Told) -> str:
        """The subject of a letter."""
        return self.subjects[told.kind].format_map(self._shown(told.subject))

    def text(self, lines: Sequence[Line]) -> str:
        """Lines as they are written, one after another."""
        return "".join(self.lines[one.key].format_map(self._shown(one.values)) + "\n" for one in lines)

    def _shown(self, values: Mapping[str, Value]) -> dict[str, str]:
        shown = {name: self._value(value) for name, value in values.items()}
        meters = {name: value for name, value in values.items() if isinstance(value, Meter)}
        for name, meter in meters.items():
            for count, number in values.items():
                one = self.one[meter.value] if number == 1 else None
                shown[f"{name}_by_{count}"] = one or shown[name]
                shown[f"{name}_counted_by_{count}"] = one or self.counted.get(meter.value, shown[name])
        return shown

    def _value(self, value: Value) -> str:
        match value:
            case Meter() | Interval():
                return self.words[value.value]
            case Money():
                return self._money(value)
            case datetime():
                return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            case int():
                return f"{value:,}".replace(",", self.thousands)
            case _:
                return str(value)

    def _money(self, money: Money) -> str:
        """An amount with its currency, exactly: minor units never become a float."""
        digits = CURRENCIES[money.currency]
        whole, rest = divmod(abs(money.amount), 10**digits)
        shown = self._value(whole) + (f"{self.decimal}{rest:0{digits}d}" if digits else "")
        return f"{money.currency} {'-' if money.amount < 0 else ''}{shown}"


@cache
def words_of(language: str) -> Words:
    """The words of a language that there are words of."""
    text = files(languages).joinpath(f"{language}.toml").read_text(encoding="utf-8")
    return Words.model_validate(tomllib.loads(text))


def language_of(wanted: str | None, country: str | None) -> str:
    """The language that a tenant is written to in: what it said, else its country's, else English."""
    return wanted or _SPOKEN.get(country or "", FALLBACK)
