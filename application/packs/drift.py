"""How far the figures of a sealed pack have moved since: each computed anew, and set against the sealed one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from application.as_of import AT
from application.figures import plain
from application.packs.figures import in_currency, takes_position
from application.ports.analytics import Analytics, ReportInfo
from application.ports.positions import Position

MOST_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class Moved:
    """A figure that is another now. `sealed` or `now` None: there was, or is, none."""

    section: str
    period: str
    cell: Mapping[str, Any]
    measure: str
    unit: str
    sealed: float | None
    now: float | None
    difference: float


@dataclass(slots=True)
class Drift:
    """What came of it. `compared` figures, `differ` of them; `moved` shows the first hundred, largest first.

    `not_compared` names sections that cannot be computed anew, and why. `position`: of the present figures; None when
    they were computed as of the seal.
    """

    compared: int = 0
    differ: int = 0
    moved: list[Moved] = field(default_factory=list)
    not_compared: dict[str, str] = field(default_factory=dict)
    position: Position | None = None


class Drifting:
    """Computes the figures of sealed packs anew."""

    def __init__(self, analytics: Analytics) -> None:
        """Ask `analytics`."""
        self._analytics = analytics

    async def drift(self, tenant_id: UUID, sealed: bytes, *, at_seal: bool = False) -> Drift:
        """Sealed figures against those of now; `at_seal`: against what their position gives today.

        The latter holds for reports that are given as of a position. Raises an `AnalyticsError`.
        """
        told, found = json.loads(sealed), Drift()
        currency = told.get("currency")  # packs that were sealed first say none
        infos = self._analytics.reports()
        known = (await self._analytics.standing(tenant_id)).position
        for section in told["sections"]:
            info = infos.get(section["report"])
            reason = _not_comparable(section, info, at_seal=at_seal)
            if info is None or reason is not None:
                found.not_compared[section["id"]] = reason or ""
                continue
            for period in ("now", "before"):
                part = section[period]
                if part is not None:
                    await self._part(
                        found, tenant_id, section, period, info, currency, None if at_seal else known
                    )
        found.moved.sort(key=lambda one: -abs(one.difference))
        del found.moved[MOST_SHOWN:]
        return found

    async def _part(
        self,
        found: Drift,
        tenant_id: UUID,
        section: Mapping[str, Any],
        period: str,
        info: ReportInfo,
        currency: str | None,
        known: Position | None,
    ) -> None:
        """Compare a part. `known`: how far the facts are: present figures are no earlier; None: as of the seal."""
        part = section[period]
        position = Position.parse(part["position"])
        given = dict(part["parameters"]) | ({AT: str(position.n)} if known is None else {})
        wanted = position if known is None else max(position, known)
        report = await self._analytics.report(info.name, tenant_id, given, min_position=wanted)
        if known is not None:
            found.position = max(report.position, found.position or report.position)
        if report.truncated:
            found.not_compared[section["id"]] = "The report has more rows today than it gives."
            return
        rows = [[plain(value) for value in row] for row in in_currency(info, report.rows, currency)]
        columns = section["columns"]
        naming = [at for at, one in enumerate(info.columns) if one.kind == "dimension" and not one.tells]
        before, after = _cells(columns, naming, part["rows"]), _cells(columns, naming, rows)
        for key in dict.fromkeys((*before, *after)):
            sealed, now = before.get(key), after.get(key)
            found.compared += 1
            if sealed == now:
                continue
            found.differ += 1
            cell, place = key
            names, measure = [columns[at]["name"] for at in naming], columns[place]
            found.moved.append(
                Moved(
                    section["id"],
                    period,
                    dict(zip(names, cell, strict=True)),
                    measure["name"],
                    measure["unit"],
                    sealed,
                    now,
                    (now or 0) - (sealed or 0),
                )
            )


def _not_comparable(section: Mapping[str, Any], info: ReportInfo | None, *, at_seal: bool) -> str | None:
    """Why a section cannot be computed anew; None: it can."""
    if info is None:
        return "There is no such report any more."
    shape = [{"name": c.name, "kind": c.kind, "unit": c.unit} for c in info.columns]
    if shape != section["columns"]:
        return "The report has other columns today."
    if at_seal and not takes_position(info):
        return "The report is not given as of a position."
    return None


def _cells(
    columns: Sequence[Mapping[str, str]], naming: Sequence[int], rows: Sequence[Sequence[Any]]
) -> dict[tuple[tuple[Any, ...], int], float]:
    """Every figure by what names its row and the place of its measure; what only tells of the row names none."""
    measures = [at for at, column in enumerate(columns) if column["kind"] == "measure"]
    return {
        (tuple(row[at] for at in naming), measure): row[measure]
        for row in rows
        for measure in measures
        if row[measure] is not None
    }
