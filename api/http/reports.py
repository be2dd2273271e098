"""Reports over HTTP: as JSON, or as a file that people work with: CSV, a workbook, Parquet, Arrow."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, TypeVar

from starlette.responses import Response
from starlette.routing import Match, Route

from adapters.exports.forms import FILES, FileForm
from adapters.exports.separated import DECIMALS, DELIMITERS, separated
from api.http.accepting import accepted_form
from api.http.asking import Asked, Desk, latest
from api.http.kinds import NOT_FOUND
from api.http.law_words import must_be_known
from api.http.numbers import whole
from api.http.problems import Problem, bad_parameter
from api.http.views import is_view
from application.ahead import ahead_from
from application.as_of import AT, AT_TIME, taken_by
from application.beside import by_itself, shown_beside
from application.citing import Citing
from application.figures import Figures, plain
from application.ports.analytics import InvalidParameters
from application.variance import COMPARE, compared, compares, periods_of
from domain.access.reads import ReadKind
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from starlette.requests import Request
    from starlette.types import Scope

    from adapters.exports.separated import Separated
    from application.ports.analytics import Report, ReportInfo
    from application.ports.positions import Position
    from application.variance import Period
    from domain.law.words import Kind

_T = TypeVar("_T")
_FORMS: Final[Mapping[str, FileForm | None]] = {"json": None, **FILES}
_MARKS: Final = {"true": True, "false": False}
_WORDS: Final[tuple[Kind, ...]] = ("law", "rule", "basis")
_NONE: Final = "none"
"""What a report shows where a decision names no law, rule or basis."""
FILE_WAYS: Final = ("format", "delimiter", "bom", "decimal")
WAYS: Final = ("min_position", *FILE_WAYS)


class _OfReports(Route):
    """The route of a report, which leaves the views beside the reports alone."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        if match is not Match.NONE and is_view("reports", child["path_params"]["name"]):
            return Match.NONE, {}
        return match, child


class Reports(Desk):
    """Answers reports."""

    def routes(self) -> list[Route]:
        """The list, a report, and the events behind one of its cells."""
        return [
            Route("/v1/reports", self.listed, methods=["GET"]),
            _OfReports("/v1/reports/{name}", self.report, methods=["GET"]),
            Route("/v1/reports/{name}/events", self.events, methods=["GET"]),
        ]

    async def listed(self, request: Request) -> Response:
        """The reports there are, with what each takes and gives."""
        asked = await self.asked(request, "reports.list")
        asked.principal.require(Permission.REPORTS_READ)
        position = await self.parts.position_of(asked.principal.tenant_id)
        reports = [described(info) for info in self.parts.analytics.reports().values()]
        if asked.principal.staff:
            rows = len(reports)
            await self.trace(asked, "reports.list", ReadKind.STAFF, position=position, rows=rows)
        content = {"data": reports, "next": None, "position": position, "as_of": None}
        return self.answer(asked, content, position)

    def _info(self, request: Request) -> ReportInfo:
        info = self.parts.analytics.reports().get(request.path_params["name"])
        if info is None:
            raise Problem(NOT_FOUND)
        return info

    async def report(self, request: Request) -> Response:
        """One report."""
        info = self._info(request)
        comparing = (COMPARE,) if compares(info) else ()
        known = (*parameters_of(info), *WAYS, *comparing)
        asked = await self.asked(request, f"reports.{info.name}", known, repeated=comparing)
        asked.principal.require(Permission(info.permission))
        form = file_form(request, asked)
        # Before the report is made and recorded as an export: neither is for a request that is refused.
        how = separation(asked)
        told = asked.taken(COMPARE)
        periods = periods_of(asked.given, told[COMPARE]) if told else ()
        by_moment = AT_TIME in asked.given
        wanted = await self._wanted(asked)
        found = await self.parts.analytics.report(
            info.name, asked.principal.tenant_id, asked.given, min_position=wanted
        )
        position, ahead = found.position.token(), self._ahead(asked, info, found)
        beside, first_ahead = dict[str, Any](), ahead
        if periods:
            come = [one for period in periods if (one := self._ahead(asked, info, found, period)) is not None]
            first_ahead = min(come, default=None)
            info, found, beside["periods"] = await self._beside(asked, info, found, periods)
            asked.given |= told
        figures = await self._figures(asked, info, found, first_ahead)
        if form is not None or asked.principal.staff:
            query, made = f"reports.{info.name}", figures.completeness
            headers = await self.exported(asked, query, made, filters=asked.given)
            if form is not None:
                return await as_file(figures, form, how, headers)
        content = {
            "report": info.name,
            "columns": list(found.columns),
            "data": [dict(zip(found.columns, map(plain, row), strict=True)) for row in found.rows],
            "next": None,
            "truncated": found.truncated,
            "emptied_by": [AT_TIME if by_moment and one == AT else one for one in found.emptied_by],
            "ahead_from": plain(ahead),
            "position": position,
            "as_of": plain(found.as_of),
            **beside,
            "completeness": figures.completeness.told(),
        }
        return self.answer(asked, content, position)

    async def _beside(
        self, asked: Asked, info: ReportInfo, found: Report, periods: Sequence[Period]
    ) -> tuple[ReportInfo, Report, list[dict[str, Any]]]:
        """What was found, beside the same of other periods, all as of one position; and the periods."""
        pinned = {AT: str(found.position.n), **asked.given}
        reports = [found]
        for period in periods[1:]:
            given = {**pinned, **period.given}
            reports.append(
                await self.parts.analytics.report(
                    info.name, asked.principal.tenant_id, given, min_position=found.position
                )
            )
        told = [
            {
                "name": period.name,
                "from": period.first.isoformat(),
                "to": period.last.isoformat(),
                "rows": len(report.rows),
                "truncated": report.truncated,
                "ahead_from": plain(self._ahead(asked, info, found, period)),
            }
            for period, report in zip(periods, reports, strict=True)
        ]
        return *(await asyncio.to_thread(compared, info, asked.given, periods, reports)), told

    async def _wanted(self, asked: Asked) -> Position | None:
        """The position to wait for, be it the one to look back to; no position may lie beyond the log."""
        back = await self.look_back(asked.principal.tenant_id, asked.given)
        return latest(back, await self.reachable(asked, asked.position()))

    def _ahead(
        self, asked: Asked, info: ReportInfo, found: Report, period: Period | None = None
    ) -> date | None:
        """The first of the days asked for, or of a period beside them, that had not come.

        By today, or by the moment that is looked back to.
        """
        moment = found.as_of if AT in asked.given else self.parts.clock()
        given = asked.given if period is None else {**asked.given, **period.given}
        return None if moment is None else ahead_from(info, given, moment.astimezone(UTC).date(), found)

    async def _figures(self, asked: Asked, info: ReportInfo, found: Report, ahead: date | None) -> Figures:
        tenant_id, actor = asked.principal.tenant_id, asked.principal.actor
        checkpoint = await self.signed(asked, found.position)
        return Figures(info, found, asked.given, tenant_id, f"{actor.kind} {actor.id}", ahead, checkpoint)

    def _by_itself(
        self, asked: Asked, info: ReportInfo, cell: Mapping[str, str | None]
    ) -> dict[str, str | None]:
        """The cell, as the report of its period by itself shows it; `asked` is of that period then."""
        first = next(one.name for one in info.columns if one.kind == "measure" and not one.parts)
        row = {name: value for name, value in cell.items() if name != "measure"}
        try:
            given, row, own = by_itself(info, asked.given, row, cell.get("measure") or first)
        except InvalidParameters as error:
            places = {"/measure": "/cell/measure"}
            raise InvalidParameters(
                tuple((places.get(at, at), words) for at, words in error.problems)
            ) from None
        asked.given.clear()
        asked.given |= given
        return {**row, "measure": own}

    async def events(self, request: Request) -> Response:
        """The events behind one row: its dimensions as `cell.<name>`; their weights / `scale` add up to the cell.

        `cell.measure` names the measure; the first is meant unless it does. What is empty in the row is given empty, or
        left out; nothing else is left out. `citation` names the figure that is opened; null where no row shows it. With
        `compare`, a figure of the other period opens too, by the row and under the name that it has beside.
        """
        info = self._info(request)
        dimensions = [column.name for column in info.columns if column.kind == "dimension"]
        comparing = (COMPARE,) if compares(info) else ()
        if comparing and (compare := ",".join(request.query_params.getlist(COMPARE))):
            dimensions += shown_beside(info, compare)
        cells = [f"cell.{name}" for name in (*dimensions, "measure")]
        known = (*parameters_of(info), *comparing, *cells, "min_position", "limit", "after")
        asked = await self.asked(request, f"reports.{info.name}_events", known, repeated=comparing)
        asked.principal.require(Permission(info.permission))
        asked.principal.require(Permission.REPORTS_DRILL)
        limit, wanted = asked.limit(), await self._wanted(asked)
        after = whole(asked.given.pop("after", "0"))
        if after is None:
            raise bad_parameter("after", "Give `next` of the answer before.")
        told = asked.taken(*cells)
        for kind in _WORDS:
            if given := told.get(f"cell.{kind}"):
                await must_be_known(self.parts.law_archive, kind, f"cell.{kind}", given, _NONE)
        cell = {name: told[f"cell.{name}"] or None for name in dimensions if f"cell.{name}" in told}
        if "cell.measure" in told:
            cell["measure"] = told["cell.measure"]
        if COMPARE in asked.given:
            cell = self._by_itself(asked, info, cell)
        found = await self.parts.analytics.events_behind(
            info.name,
            asked.principal.tenant_id,
            cell,
            asked.given,
            after=after,
            limit=limit,
            min_position=wanted,
        )
        position = found.position.token()
        cited = await Citing(self.parts.analytics).of_opened(
            asked.principal.tenant_id, info, asked.given, cell, found.position
        )
        if asked.principal.staff:
            rows = len(found.events)
            await self.trace(
                asked,
                f"reports.{info.name}_events",
                ReadKind.STAFF,
                position=position,
                rows=rows,
                filters=told,
            )
        content = {
            "data": [{"position": at, "weight": weight} for at, weight in found.events],
            "next": None if found.next_after is None else str(found.next_after),
            "scale": scale_of(info, cell.get("measure")),
            "citation": None if cited is None else cited.citation,
            "position": position,
            "as_of": await self.as_of(asked.principal.tenant_id, found.position),
        }
        return self.answer(asked, content, position)


async def as_file(figures: Figures, form: FileForm, how: Separated, headers: dict[str, str]) -> Response:
    """Figures as a file; made beside the loop, since many rows take a while."""
    found, content = figures.report, await asyncio.to_thread(form.encode, figures, how)
    told = {
        **headers,
        "content-disposition": f'attachment; filename="{figures.info.name}.{form.name}"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "penguin-as-of": "" if found.as_of is None else found.as_of.isoformat(),
        "penguin-truncated": str(found.truncated).lower(),
        "penguin-ahead-from": "" if figures.ahead_from is None else figures.ahead_from.isoformat(),
    }
    text = "; charset=utf-8" if form.media.startswith("text/") else ""
    return Response(content, headers=told, media_type=form.media + text)


def scale_of(info: ReportInfo, measure: str | None) -> int:
    """How many of what events weigh are one of a measure's unit: of the first that opens, unless one is named."""
    opened = (one for one in info.columns if one.kind == "measure" and not one.parts)
    return next(one.scale for one in opened if measure in (None, one.name))


def parameters_of(info: ReportInfo) -> list[str]:
    """The names of what a report takes."""
    return list(taken_by(info).get("properties", {}))


def described(info: ReportInfo) -> dict[str, Any]:
    """A report as the list shows it."""
    means = asdict(info.definition)
    return {
        "name": info.name,
        "title": info.title,
        "question": means.pop("question"),
        "about": info.about,
        "permission": info.permission,
        "definition": means,
        "parameters": taken_by(info),
        "columns": [
            {
                "name": column.name,
                "kind": column.kind,
                "unit": column.unit,
                "about": column.about,
                "nature": column.nature,
                "parts": list(column.parts),
                "scale": column.scale,
                "tells": column.tells,
            }
            for column in info.columns
        ],
    }


def file_form(request: Request, asked: Asked) -> FileForm | None:
    """A file, or None for JSON: by `format`, else by `Accept`."""
    if "format" in asked.given:
        return _one_of(_FORMS, asked, "format", "json")
    return accepted_form(request)


def separation(asked: Asked) -> Separated:
    """How CSV is written. Where commas are decimals, semicolons stand between cells unless told otherwise."""
    decimal = _one_of(DECIMALS, asked, "decimal", "point")
    delimiter = _one_of(DELIMITERS, asked, "delimiter", "comma") if "delimiter" in asked.given else None
    return separated(decimal, delimiter, mark=_one_of(_MARKS, asked, "bom", "false"))


def _one_of(meant: Mapping[str, _T], asked: Asked, name: str, usual: str) -> _T:
    """What a parameter with few values means; taken out of what was given."""
    given = asked.given.pop(name, usual)
    if given not in meant:
        raise bad_parameter(name, f"Say one of {', '.join(meant)}.")
    return meant[given]
