"""How far the figures of a sealed pack have moved since: each computed anew, and set against the sealed one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
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
class WordMoved:
    """What a row tells, under which name: as it was sealed, and as it is now."""

    name: str
    sealed: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class Moved:
    """A figure that is another now. `sealed` or `now` None: there was, or is, none.

    `told`: what its row tells otherwise now, such as its target, which moved the figure or moved beside it.
    """

    section: str
    period: str
    cell: Mapping[str, Any]
    measure: str
    unit: str
    sealed: float | None
    now: float | None
    difference: float
    told: tuple[WordMoved, ...] = ()


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
        names, words, measures = (
            [at for at, one in enumerate(info.columns) if (one.kind, one.tells) == kind]
            for kind in (("dimension", False), ("dimension", True), ("measure", False))
        )
        for old, new in _pairs(names, words, part["rows"], rows):
            row = old or new or ()
            told = tuple(
                WordMoved(columns[at]["name"], old[at], new[at])
                for at in words
                if old and new and old[at] != new[at]
            )
            for place in measures:
                sealed, now = (None if one is None else one[place] for one in (old, new))
                if sealed is None and now is None:
                    continue
                found.compared += 1
                if sealed == now:
                    continue
                found.differ += 1
                found.moved.append(
                    Moved(
                        section["id"],
                        period,
                        {columns[at]["name"]: row[at] for at in names},
                        columns[place]["name"],
                        columns[place]["unit"],
                        sealed,
                        now,
                        (now or 0) - (sealed or 0),
                        told,
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


_Row = Sequence[Any]


def _pairs(
    names: Sequence[int], words: Sequence[int], sealed: Sequence[_Row], now: Sequence[_Row]
) -> Iterator[tuple[_Row | None, _Row | None]]:
    """Rows beside those of the same name. Of several, beside the one that tells most of the same.

    One that is left over, as where a second target was set, is beside one that another is beside too: what both hold
    did not move.
    """

    def named(rows: Sequence[_Row]) -> dict[tuple[Any, ...], list[_Row]]:
        found = dict[tuple[Any, ...], list[_Row]]()
        for row in rows:
            found.setdefault(tuple(row[at] for at in names), []).append(row)
        return found

    before, after = named(sealed), named(now)
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key, []), after.get(key, [])
        if not old or not new:
            yield from ((row, None) for row in old)
            yield from ((None, row) for row in new)
            continue
        by_likeness = sorted(
            ((one, other) for one in range(len(old)) for other in range(len(new))),
            key=lambda pair: -sum(old[pair[0]][at] == new[pair[1]][at] for at in words),
        )
        paired, also = set[int](), set[int]()
        for one, other in by_likeness:
            if one not in paired and other not in also:
                paired.add(one)
                also.add(other)
                yield old[one], new[other]
        for one, other in by_likeness:
            if one not in paired or other not in also:
                paired.add(one)
                also.add(other)
                yield old[one], new[other]
