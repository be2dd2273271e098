"""What a figure is to a reader: a date, a count, an amount of money, a share; by the unit that its column declares.

Everything that shows or writes figures asks here, so that a column is the same thing in a workbook, a file, a chart and
a page. Figures are given as a report holds them: money in minor units, a percentage in points, a ratio as a fraction.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import orjson
from pydantic import TypeAdapter

from application.as_of import AT, AT_TIME
from application.completeness import Completeness, OfLogs, Signed, hidden_by
from application.ports.analytics import Column, Report, ReportInfo, Value
from application.ports.platform import PlatformReport
from application.ports.positions import Position
from domain.finance.calendar import first_day, is_month, last_day
from domain.kernel.money import CURRENCIES

_DAY: Final = TypeAdapter(date)
CURRENCY: Final = "currency"
"""Unit of the column that says of which currency the amounts of a row are."""
_WAYS: Final = (AT, AT_TIME, "compare")
"""Parameters that leave nothing out: as of when, and what is shown beside."""


class Form(StrEnum):
    """What a column's values are."""

    TEXT = "text"
    DATE = "date"
    COUNT = "count"
    MONEY = "money"
    PERCENT = "percent"
    RATIO = "ratio"
    SECONDS = "seconds"
    NUMBER = "number"


_FORMS: Final[Mapping[str, Form]] = {
    "text": Form.TEXT,
    CURRENCY: Form.TEXT,
    "date": Form.DATE,
    "minor units": Form.MONEY,
    "percent": Form.PERCENT,
    "ratio": Form.RATIO,
    "seconds": Form.SECONDS,
    **dict.fromkeys(("number", "days", "weeks", "months", "years", "times"), Form.NUMBER),
}
_INITIALS: Final = frozenset({"arpa", "arr", "cac", "fx", "grr", "ltv", "mrr", "nrr"})
FRACTIONS: Final = frozenset({Form.PERCENT, Form.RATIO, Form.SECONDS, Form.NUMBER})
"""What may have a fraction; counts and minor units are whole."""


def form_of(column: Column) -> Form:
    """What a column's values are; every unit that is not known counts something: events, contacts, seats."""
    return _FORMS.get(column.unit, Form.COUNT)


def adds_up(column: Column) -> bool:
    """Whether values of rows may be added: counts, amounts, seconds; a percentage of percentages is none."""
    return column.nature not in ("ratio", "statistic") and form_of(column) in (
        Form.COUNT,
        Form.MONEY,
        Form.SECONDS,
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """A report as it leaves, of one log or of all: what was asked by whom, what it means, and the rows.

    `parameters` are those that were given; `asked_by` is the kind and id of an actor, never a name. `ahead_from`: see
    `application.ahead`. `checkpoint`: that of the log which they can be checked against.
    """

    info: ReportInfo
    report: Report | PlatformReport
    parameters: Mapping[str, str]
    tenant_id: UUID
    asked_by: str
    ahead_from: date | None = None
    checkpoint: Signed | None = None

    @property
    def completeness(self) -> Completeness:
        """What they are made from and leave out."""
        report = self.report
        made_from: Position | OfLogs
        if isinstance(report, PlatformReport):
            made_from = OfLogs(report.standing.tenants, report.standing.digest)
        else:
            made_from = report.position
        return Completeness(
            self.tenant_id,
            made_from,
            len(report.rows),
            self.checkpoint,
            hidden_by(self.parameters, but=_WAYS),
            not report.truncated,
        )

    @property
    def definition(self) -> str:
        """The version of what the report means."""
        return definition_of(self.info)

    def currencies(self) -> list[str | None]:
        """Of each row the currency of its amounts, where the report says it and money knows it."""
        at = next((n for n, column in enumerate(self.info.columns) if column.unit == CURRENCY), None)
        if at is None:
            return [None] * len(self.report.rows)
        told = (str(row[at]).upper() for row in self.report.rows)
        return [code if code in CURRENCIES else None for code in told]

    def origin(self) -> list[tuple[str, str]]:
        """What they are made from, by name: a position of one log; of all, how many logs, and their digest."""
        if isinstance(self.report, PlatformReport):
            return _of_all(self.report)
        last = self.report.position.n
        return [
            ("position", self.report.position.token()),
            ("positions", f"1 to {last}" if last else "none: nothing has happened yet"),
        ]

    def made_from(self) -> str:
        """The same in few words, for the head of a page."""
        if isinstance(self.report, PlatformReport):
            standing = self.report.standing
            return f"{standing.tenants} logs, digest {standing.digest[:16]}"
        return f"position {self.report.position.n}"

    def sha256(self) -> str:
        """The hash of the figures alone (`figures_json`): equal figures have equal hashes, in whichever file."""
        return hashlib.sha256(figures_json(self.report.columns, self.report.rows)).hexdigest()

    def path(self) -> str:
        """Where the same is asked again and found the same, whatever comes: all parameters, the usual ones too."""
        used = used_by(self.info, self.parameters)
        if isinstance(self.report, PlatformReport):
            base = "/v1/platform/reports"
            if self.report.as_of is not None:
                used[AT_TIME] = self.report.as_of.isoformat()
        else:
            base = "/v1/reports"
            if AT in self.info.parameters.get("properties", {}):
                used[AT] = str(self.report.position.n)
        given = urlencode(sorted(used.items()))
        return f"{base}/{self.info.name}" + (f"?{given}" if given else "")

    def citation(self) -> str:
        """A line that names these figures exactly, and with which they are found again."""
        if isinstance(self.report, PlatformReport):
            at = f"digest {self.report.standing.digest[:16]}"
        else:
            at = f"{self.report.position.epoch}.{self.report.position.n}"
        return f"{self.path()} @ {at}, definition {self.definition}, sha256 {self.sha256()[:16]}"


def _of_all(report: PlatformReport) -> list[tuple[str, str]]:
    standing = report.standing
    at = "" if standing.as_of is None else "?" + urlencode({AT_TIME: standing.as_of.isoformat()})
    return [
        ("logs", str(standing.tenants)),
        ("stopped", str(standing.stopped)),
        ("digest", standing.digest),
        ("positions", f"of each log: GET /v1/platform/positions{at}"),
    ]


def used_by(info: ReportInfo, given: Mapping[str, str]) -> dict[str, str]:
    """The parameters that figures are made with: those given, and what holds where nothing is said."""
    told = {name: shape.get("default") for name, shape in info.parameters.get("properties", {}).items()}
    return {name: text_of(value) for name, value in told.items() if value is not None} | dict(given)


def days_named(text: str) -> tuple[date, date]:
    """The first and the last day of what a report took as `from` or `to`: a month, or else a day as it reads one."""
    if is_month(text):
        return first_day(text), last_day(text)
    day = _DAY.validate_python(text)
    return day, day


def text_of(value: Any) -> str:
    """A parameter as an address holds it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def definition_of(info: ReportInfo) -> str:
    """Twelve digits that change when a report's title, meaning, columns or parameters do."""
    means = {name: value for name, value in asdict(info).items() if name != "reaches_ahead"}
    told = orjson.dumps(means, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(told).hexdigest()[:12]


def figures_json(columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> bytes:
    """Columns and rows as deterministic JSON: what hashes are made of."""
    told = {"columns": list(columns), "rows": [[plain(value) for value in row] for row in rows]}
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)


def plain(value: Value) -> str | int | float | bool | None:
    """A value as JSON holds it; a number that is none, nothing."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def digits_of(currency: str) -> int:
    """How many digits a currency's minor unit has."""
    return CURRENCIES[currency]


def heading(column: Column) -> str:
    """A column's name for a reader: `surely_in_time` is Surely in time."""
    return titled(column.name.removesuffix("_seconds") if form_of(column) is Form.SECONDS else column.name)


def titled(name: str) -> str:
    """A name for a reader: `end_mrr` is End MRR."""
    words = [word.upper() if word in _INITIALS else word for word in name.split("_")]
    text = " ".join(words).strip()
    return text[:1].upper() + text[1:]


def shown(value: Value, column: Column, currency: str | None = None) -> str:
    """A figure for a reader, in English: `1,234`, `12.50 USD`, `83.3 %`, `1:02:03`; nothing where there is none."""
    told = plain(value)
    if told is None:
        return ""
    form = form_of(column)
    if isinstance(told, str | bool) or form in (Form.TEXT, Form.DATE):
        return str(told)
    match form:
        case Form.MONEY if currency is not None and isinstance(told, int):
            digits = digits_of(currency)
            whole, part = divmod(abs(told), 10**digits)
            minus = "\u2212" if told < 0 else ""
            return f"{minus}{whole:,}" + (f".{part:0{digits}d}" if digits else "") + f" {currency}"
        case Form.PERCENT:
            return _signed(f"{told:,.1f} %")
        case Form.RATIO:
            return _signed(f"{told * 100:,.1f} %")
        case Form.SECONDS:
            return _duration(told)
        case Form.NUMBER:
            return _signed(f"{told:,.2f}".rstrip("0").rstrip("."))
        case _:
            return _signed(f"{told:,}")


def _signed(text: str) -> str:
    return text.replace("-", "\u2212")


def _duration(seconds: float) -> str:
    whole = round(abs(seconds))
    text = f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"\u2212{text}" if seconds < 0 and whole else text
