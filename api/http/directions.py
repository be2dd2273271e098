"""Directions over HTTP: where the figures of a report are heading, how sure that is, and what explains it.

The rows are asked of analytics as for the report itself; the reading is done in a process of its own, so that neither
its libraries nor its work are in the way of other requests.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from starlette.routing import Route

from api.http.asking import Desk, latest
from api.http.kinds import ANALYTICS_UNAVAILABLE, NOT_FOUND
from api.http.languages import language_for
from api.http.problems import Problem, bad_parameter
from api.http.reports import parameters_of
from application.figures import days_named
from application.ports.aside import WorkerLost
from domain.access.reads import ReadKind
from domain.kernel.permissions import Permission
from projections.directions.asked import (
    MOST_SERIES,
    Figure,
    Together,
    Window,
    figures,
    last_whole_day,
    measures_of,
    paces_of,
)
from projections.directions.names import names_in
from projections.directions.series import Pace, UnitKind
from projections.directions.wording import Language

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from starlette.requests import Request
    from starlette.responses import Response

    from api.http.asking import Asked
    from api.parts import Composition
    from application.ports.analytics import Column, Report, ReportInfo
    from application.ports.platform import PlatformReport

_LANGUAGES: Final = tuple(one.value for one in Language)
_SECONDS: Final = 30
_MARKETING: Final = "marketing"


class Directions(Desk):
    """Answers where figures are heading."""

    def routes(self) -> list[Route]:
        """The directions of a report's figures."""
        return [Route("/v1/reports/{name}/directions", self.directions, methods=["GET"])]

    async def directions(self, request: Request) -> Response:
        """The series of a report's measures, read together, or of those that `measure` names."""
        info = self.parts.analytics.reports().get(request.path_params["name"])
        if info is None or not paces_of(info):
            raise Problem(NOT_FOUND)
        known = {*parameters_of(info), "grain", "measure", "min_position"}
        asked = await self.asked(request, f"reports.{info.name}_directions", known)
        asked.principal.require(Permission(info.permission))
        told = dict(asked.given)
        pace, measures = pace_asked(info, asked), measures_asked(info, asked)
        wanted = await self.reachable(asked, asked.position())
        given = dict(asked.given)
        if "grain" in parameters_of(info):
            given["grain"] = pace.value
        tenant = asked.principal.tenant_id
        wanted = latest(wanted, await self.look_back(tenant, given))
        report = await self.parts.analytics.report(info.name, tenant, given, min_position=wanted)
        since = days_named(given["from"])[0] if "from" in given else None
        to = days_named(given["to"])[1] if "to" in given else None
        found = series_of(info, report, measures, pace, (since, to))
        if info.name == "margin":
            # Of the same position and dated as the margin is, or the parts would not add up to it.
            same = {
                "dating": given.get("dating", info.parameters["properties"]["dating"]["default"]),
                "at_position": report.position.n,
            }
            found = [await self._by_category(asked, one, same) for one in found]
        position = report.position.token()
        if asked.principal.staff:
            query = f"reports.{info.name}_directions"
            read = {**told, **given, "grain": pace.value}
            await self.trace(asked, query, ReadKind.STAFF, position=position, rows=len(found), filters=read)
        language = language_asked(request)
        content = {
            "report": info.name,
            "grain": pace.value,
            "language": language,
            "series": f"/v1/reports/{info.name}?{urlencode(sorted(given.items()))}",
            "data": await told_aside(self.parts, found, language),
            "next": None,
            "position": position,
            "as_of": report.as_of.isoformat() if report.as_of else None,
        }
        return self.answer(
            asked, content, position, headers={"content-language": language, "vary": "Accept-Language"}
        )

    async def _by_category(self, asked: Asked, one: Figure, same: Mapping[str, object]) -> Figure:
        """A margin is explained by what was spent on what, beside what was earned."""
        if one.measure != "gross_margin" or one.spans is None or one.currency is None or one.window is None:
            return one
        scale = 1 if one.series.unit.kind is UnitKind.RATE else 100
        length, parts = max(1, len(one.series.points) // 3), list[dict[str, Fraction]]()
        size = min(4, length)
        for (first, last), margin in zip(one.spans, (one.window.before, one.window.after), strict=True):
            costs = await self.parts.analytics.report(
                "costs_by_category",
                asked.principal.tenant_id,
                {**same, "from": str(first), "to": str(last), "currency": one.currency},
            )
            spent: dict[str, Fraction] = {"revenue": scale * margin["revenue"]}
            for row in costs.rows:
                told = dict(zip(costs.columns, row, strict=True))
                if told["category"] != _MARKETING and isinstance(told["amount"], int):
                    name = str(told["category"])
                    spent[name] = spent.get(name, Fraction()) - Fraction(scale * told["amount"], size)
            parts.append(spent)
        wholes = (one.window.before["revenue"], one.window.after["revenue"])
        return replace(one, window=Window(parts[0], parts[1], whole=wholes))


async def told_aside(parts: Composition, found: Sequence[Figure], language: str) -> list[dict[str, Any]]:
    """What is said of figures that are read together, by a process of its own; bounded in time."""
    if not found:
        return []
    together = Together(tuple(found), language, names_in(Language(language)))
    work = parts.aside.stream(together, large=True)
    try:
        async with asyncio.timeout(_SECONDS), contextlib.aclosing(work) as results:
            return [one async for one in results]
    except (TimeoutError, WorkerLost):
        raise Problem(ANALYTICS_UNAVAILABLE) from None


def series_of(
    info: ReportInfo,
    report: Report | PlatformReport,
    measures: Sequence[Column],
    pace: Pace,
    days: tuple[date | None, date | None],
) -> list[Figure]:
    """The series of a report's measures over whole periods: none to come, or of which not all days were asked for.

    `days`: the first and the last that were asked for, where they were.
    """
    if report.truncated:
        raise bad_parameter("from", "There are more rows than a report gives. Begin later, or end earlier.")
    if report.as_of is None:
        return []
    rows = [dict(zip(report.columns, row, strict=True)) for row in report.rows]
    since, to = days
    found = figures(info, rows, measures, pace, since, last_whole_day(report.as_of, to))
    if len(found) > MOST_SERIES:
        raise bad_parameter(
            "measure", f"These are {len(found)} series, and {MOST_SERIES} are read at most. Name one."
        )
    return found


def language_asked(request: Request) -> str:
    """The language that sentences are given in."""
    language = language_for(None, request.headers.get("accept-language", ""))
    return language if language in _LANGUAGES else Language.EN.value


def pace_asked(info: ReportInfo, asked: Asked) -> Pace:
    """The length of a period, taken out of what was given."""
    offered = [pace.value for pace in paces_of(info)]
    told = asked.given.pop("grain", offered[0])
    if told not in offered:
        raise bad_parameter("grain", f"Say one of {', '.join(offered)}.")
    return Pace(told)


def measures_asked(info: ReportInfo, asked: Asked) -> Sequence[Column]:
    """The measures that are read: the one that is named, which is taken out of what was given, or all."""
    offered = {one.name: one for one in measures_of(info)}
    named = asked.given.pop("measure", None)
    if named is None:
        return list(offered.values())
    if named not in offered:
        raise bad_parameter("measure", f"Name one of {', '.join(offered)}.")
    return [offered[named]]
