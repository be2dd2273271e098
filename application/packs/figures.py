"""The figures of a pack: reports asked as of one position, and the deterministic JSON that is sealed of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from application.charts import Grid, Period
from application.figures import definition_of, plain, used_by
from application.packs.definition import PackDefinition, Section
from application.ports.analytics import Analytics, Report, ReportInfo
from application.ports.positions import Position
from domain.kernel.errors import Refusal, RefusalKind

_TRIES: Final = 5
AT: Final = "at_position"


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
    position: Position
    """What its rows are as of: the position asked for, or that of the answer."""

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
    """All figures of a pack. `position`: the last that any of them was made from."""

    definition: PackDefinition
    period: Period
    sections: tuple[SectionFigures, ...]
    position: Position
    as_of: datetime | None

    def count(self) -> int:
        """How many figures there are: measures of rows, of both periods."""
        return sum(_counted(one) for one in self.sections)

    def json(self) -> bytes:
        """Every figure as deterministic JSON: what is sealed."""
        told = {
            "pack": self.definition.name,
            "version": self.definition.version,
            "period": {"from": self.period.first.isoformat(), "to": self.period.last.isoformat()},
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
        self, definition: PackDefinition, tenant_id: UUID, period: Period, wanted: Position | None
    ) -> PackFigures:
        """The figures, as of one position where the log lets that be; each says its own.

        Reports that take a position are asked as of the same one. The others are asked again, a few times, until all
        answer from one position; where the log moves on too fast for that, each stands as of its own. Raises an
        `AnalyticsError`, `PackCutOff`.
        """
        infos = self._analytics.reports()
        at = wanted or (await self._analytics.standing(tenant_id)).position
        asked: list[SectionFigures] = []
        for _ in range(_TRIES):
            asked = [
                await self._section(section, infos[section.report], tenant_id, period, at)
                for section in definition.section
            ]
            reached = max(part.position for one in asked for part in (one.now, one.before) if part)
            if all(part.position == reached for one in asked for part in (one.now, one.before) if part):
                break
            at = reached
        parts = [part for one in asked for part in (one.now, one.before) if part is not None]
        latest = max(parts, key=lambda part: part.position)
        return PackFigures(definition, period, tuple(asked), latest.position, latest.report.as_of)

    async def _section(
        self, section: Section, info: ReportInfo, tenant_id: UUID, period: Period, at: Position
    ) -> SectionFigures:
        now = await self.part(info, tenant_id, parameters(section, info, period), at)
        compared = section.compared and takes_days(info)
        before = (
            await self.part(info, tenant_id, parameters(section, info, period.before()), at)
            if compared
            else None
        )
        return SectionFigures(section, info, now, before)

    async def part(self, info: ReportInfo, tenant_id: UUID, given: Mapping[str, str], at: Position) -> Part:
        """One report; as of `at` exactly, where it takes a position. Raises `PackCutOff`."""
        pinned = dict(given) | ({AT: str(at.n)} if takes_position(info) else {})
        found = await self._analytics.report(info.name, tenant_id, pinned, min_position=at)
        if found.truncated:
            raise PackCutOff(report=info.name)
        return Part(given, found, at if takes_position(info) else found.position)


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
