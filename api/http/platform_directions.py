"""Directions over HTTP of the figures of all customers together."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.routing import Route

from api.http.directions import language_asked, measures_asked, pace_asked, series_of, told_aside
from api.http.kinds import NOT_FOUND
from api.http.of_all import OfAll, stood
from api.http.problems import Problem
from api.http.reports import parameters_of
from application.figures import days_named
from projections.directions.asked import paces_of, start_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from starlette.requests import Request
    from starlette.responses import Response

    from projections.directions.series import Pace


class PlatformDirections(OfAll):
    """Answers where the figures of all customers are heading."""

    def routes(self) -> list[Route]:
        """The directions of a report's figures."""
        return [Route("/v1/platform/reports/{name}/directions", self.directions, methods=["GET"])]

    async def directions(self, request: Request) -> Response:
        """The series of a report's measures, read together, or of those that `measure` names."""
        info = self.info(request)
        if not paces_of(info):
            raise Problem(NOT_FOUND)
        takes = parameters_of(info)
        query = f"reports.{info.name}_directions"
        asked = await self.staff(request, query, {*takes, "grain", "measure"})
        told = dict(asked.given)
        pace, measures = pace_asked(info, asked), measures_asked(info, asked)
        given = dict(asked.given)
        if "grain" in takes:
            given["grain"] = pace.value
        report = await self.platform.report(info.name, given)
        found = series_of(info, report, measures, pace, _days(given, pace, whole="grain" in takes))
        await self.record(asked, query, len(found), report.standing, {**told, "grain": pace.value})
        language = language_asked(request)
        content = {
            "report": info.name,
            "grain": pace.value,
            "language": language,
            "series": f"/v1/platform/reports/{info.name}?{urlencode(sorted(given.items()))}",
            "data": await told_aside(self.parts, found, language),
            "next": None,
            **stood(report.standing),
        }
        return self.answer(
            asked, content, None, headers={"content-language": language, "vary": "Accept-Language"}
        )


def _days(given: Mapping[str, str], pace: Pace, *, whole: bool) -> tuple[date | None, date | None]:
    """The first and the last day asked for. `whole`: days name the periods that they lie in."""
    since = days_named(given["from"])[0] if "from" in given else None
    to = days_named(given["to"])[1] if "to" in given else None
    if not whole:
        return since, to
    return (
        None if since is None else start_of(since, pace),
        None if to is None else pace.after(start_of(to, pace)) - timedelta(days=1),
    )
