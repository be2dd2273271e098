"""The figures of a pack: reports asked as of one position, and the deterministic JSON that is sealed of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from application.as_of import AT
from application.charts import Grid, Period
from application.figures import CURRENCY, definition_of, plain, used_by
from application.packs.definition import PackDefinition, Section
from application.ports.analytics import Analytics, Report, ReportInfo, Value
from application.ports.positions import Position
from domain.kernel.errors import Refusal, RefusalKind

_TRIES: Final = 5


class PackCutOff(Refusal):
    """A report of the pack has more rows than a report gives, so its sums would be wrong. Name a shorter period."""

    code = "board-pack-cut-off"
    kind = RefusalKind.INVALID
    field = "/from"


@dataclass(frozen=True, slots=True)
class Part:
    """A report as it was asked for a section."""

    parameters: Mapping[str, str]
    report: Report
    currencies: frozenset[str] = frozenset()
    """Of its amounts, those that were left out included."""

    @property
    def position(self) -> Position:
        """What its rows are as of."""
        return self.report.position

    def grid(self, info: ReportInfo) -> Grid:
        """Its rows with what their columns mean."""
        return Grid(info.columns, self.report.rows)


@dataclass(frozen=True, slots=True)
class SectionFigures:
    """A section with its report, and that of the period before, where it is compared."""

    section: Section
    info: ReportInfo
    now: Part
    before: Part | None


@dataclass(frozen=True, slots=True)
class PackFigures:
    """All figures of a pack. `position`: the last that any of them was made from.

    `currency`: amounts are of this one alone; None: of whatever there is. `until`: the last day that they are of, where
    the period is not over.
    """

    definition: PackDefinition
    period: Period
    sections: tuple[SectionFigures, ...]
    position: Position
    as_of: datetime | None
    currency: str | None = None
    until: date | None = None

    def currencies(self) -> list[str]:
        """Those of the amounts of the period and of the one before, those that were left out included."""
        parts = [part for one in self.sections for part in (one.now, one.before) if part is not None]
        return sorted({code for part in parts for code in part.currencies})

    def left_out(self) -> list[str]:
        """The currencies whose amounts are not in the pack."""
        return [code for code in self.currencies() if self.currency not in (None, code)]

    def count(self) -> int:
        """How many figures there are: measures of rows, of both periods."""
        return sum(_counted(one) for one in self.sections)

    def json(self) -> bytes:
        """Every figure as deterministic JSON: what is sealed."""
        told = {
            "pack": self.definition.name,
            "version": self.definition.version,
            "currency": self.currency,
            "currencies_left_out": self.left_out(),
            "period": {"from": self.period.first.isoformat(), "to": self.period.last.isoformat()},
            "until": None if self.until is None else self.until.isoformat(),
            "position": self.position.token(),
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
            "sections": [_section(one) for one in self.sections],
        }
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)


def _counted(one: SectionFigures) -> int:
    measures = _measures(one.info)
    rows = [row for part in (one.now, one.before) if part is not None for row in part.report.rows]
    return sum(row[at] is not None for row in rows for at in measures)


def _measures(info: ReportInfo) -> set[int]:
    return {at for at, column in enumerate(info.columns) if column.kind == "measure"}


def _section(one: SectionFigures) -> dict[str, Any]:
    return {
        "id": one.section.id,
        "report": one.info.name,
        "definition": definition_of(one.info),
        "columns": [{"name": c.name, "kind": c.kind, "unit": c.unit} for c in one.info.columns],
        "now": _part(one.info, one.now),
        "before": None if one.before is None else _part(one.info, one.before),
    }


def _part(info: ReportInfo, part: Part) -> dict[str, Any]:
    return {
        "parameters": used_by(info, part.parameters),
        "position": part.position.token(),
        "rows": [[plain(value) for value in row] for row in part.report.rows],
    }


class Figuring:
    """Asks the reports of a pack."""

    def __init__(self, analytics: Analytics) -> None:
        """Ask `analytics`."""
        self._analytics = analytics

    async def figures(
        self,
        definition: PackDefinition,
        tenant_id: UUID,
        period: Period,
        wanted: Position | None,
        currency: str | None = None,
        *,
        today: date | None = None,
    ) -> PackFigures:
        """The figures, as of one position where the log lets that be; each says its own.

        With a `currency`, amounts of others are left out. Days after `today` have not come, and are not asked for.

        Reports that take a position are asked as of the same one. The others are asked again, a few times, until all
        answer from one position; where the log moves on too fast for that, each stands as of its own. Raises an
        `AnalyticsError`, `PackCutOff`.
        """
        infos = self._analytics.reports()
        at = wanted or (await self._analytics.standing(tenant_id)).position
        until = None if today is None or today > period.last else today
        asked: list[SectionFigures] = []
        for _ in range(_TRIES):
            asked = [
                await self._section(section, infos[section.report], tenant_id, (period, until), at, currency)
                for section in definition.of(period)
            ]
            reached = max(part.position for one in asked for part in (one.now, one.before) if part)
            if all(part.position == reached for one in asked for part in (one.now, one.before) if part):
                break
            at = reached
        parts = [part for one in asked for part in (one.now, one.before) if part is not None]
        latest = max(parts, key=lambda part: part.position)
        as_of = latest.report.as_of
        return PackFigures(definition, period, tuple(asked), latest.position, as_of, currency, until)

    async def _section(
        self,
        section: Section,
        info: ReportInfo,
        tenant_id: UUID,
        days: tuple[Period, date | None],
        at: Position,
        currency: str | None,
    ) -> SectionFigures:
        period, until = days
        come = period if until is None else replace(period, last=until)
        if section.reaches is not None:
            period = come.reaching(section.reaches.months)
            come = replace(period, last=come.last)
            until = None if come == period else come.last
        asked = [come, period.before(until)] if section.compared and takes_days(info) else [come]
        now, *before = [
            _in_currency(info, await self.part(info, tenant_id, parameters(section, info, one), at), currency)
            for one in asked
        ]
        return SectionFigures(section, info, now, before[0] if before else None)

    async def part(self, info: ReportInfo, tenant_id: UUID, given: Mapping[str, str], at: Position) -> Part:
        """One report; as of `at` exactly, where it takes a position. Raises `PackCutOff`."""
        pinned = dict(given) | ({AT: str(at.n)} if takes_position(info) else {})
        found = await self._analytics.report(info.name, tenant_id, pinned, min_position=at)
        if found.truncated:
            raise PackCutOff(report=info.name)
        return Part(given, found)


def _in_currency(info: ReportInfo, part: Part, currency: str | None) -> Part:
    place = _place(info)
    if place is None:
        return part
    found = frozenset(str(row[place]).upper() for row in part.report.rows if row[place])
    rows = in_currency(info, part.report.rows, currency)
    return replace(part, report=replace(part.report, rows=rows), currencies=found)


def in_currency(
    info: ReportInfo, rows: Iterable[tuple[Value, ...]], currency: str | None
) -> tuple[tuple[Value, ...], ...]:
    """The rows of a report that are of a currency, and those that are of none; all of them where it is None."""
    place = _place(info)
    if place is None or currency is None:
        return tuple(rows)
    return tuple(row for row in rows if not row[place] or str(row[place]).upper() == currency)


def _place(info: ReportInfo) -> int | None:
    """Where a report's currency stands."""
    return next((at for at, column in enumerate(info.columns) if column.unit == CURRENCY), None)


def takes_days(info: ReportInfo) -> bool:
    """Whether a report is of days."""
    return {"from", "to"} <= set(info.parameters.get("properties", {}))


def takes_months(info: ReportInfo) -> bool:
    """Whether the days of a report are whole months, written as 2026-10."""
    told = info.parameters.get("properties", {}).get("from", {})
    return any("pattern" in one for one in told.get("anyOf", ()))


def takes_position(info: ReportInfo) -> bool:
    """Whether a report is given as of any position."""
    return AT in info.parameters.get("properties", {})


def parameters(section: Section, info: ReportInfo, period: Period) -> dict[str, str]:
    """What a section's report is asked with."""
    days = {"from": _day(period.first), "to": _day(period.last)} if takes_days(info) else {}
    return {**section.parameters, **days}


def _day(day: date) -> str:
    return day.isoformat()
