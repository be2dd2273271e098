"""Reports of all customers together, for the staff of the platform that answer for its finance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from starlette.routing import Route

from api.http.numbers import whole
from api.http.of_all import OfAll, stood
from api.http.problems import bad_parameter
from api.http.reports import FILE_WAYS, as_file, described, file_form, parameters_of, scale_of, separation
from application.ahead import ahead_from
from application.figures import Figures, plain
from domain.access.reads import ReadKind
from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from api.http.asking import Asked

_BEFORE: Final = "Give `next` of the answer before."


class PlatformReports(OfAll):
    """Answers reports of all customers."""

    def routes(self) -> list[Route]:
        """The list, the positions, a report, and the events behind one of its cells."""
        return [
            Route("/v1/platform/reports", self.listed, methods=["GET"]),
            Route("/v1/platform/positions", self.positions, methods=["GET"]),
            Route("/v1/platform/reports/{name}", self.report, methods=["GET"]),
            Route("/v1/platform/reports/{name}/events", self.events, methods=["GET"]),
        ]

    async def listed(self, request: Request) -> Response:
        """The reports there are, with what each takes and gives."""
        asked = await self.staff(request, "reports.list")
        reports = [described(info) for info in self.platform.reports().values()]
        position = await self.parts.position_of(PLATFORM)
        await self.trace(asked, "platform.reports.list", ReadKind.STAFF, position=position, rows=len(reports))
        return self.answer(
            asked, {"data": reports, "next": None, "position": position, "as_of": None}, position
        )

    async def report(self, request: Request) -> Response:
        """One report."""
        info = self.info(request)
        query = f"reports.{info.name}"
        asked = await self.staff(request, query, (*parameters_of(info), *FILE_WAYS))
        # Before the report is made and recorded: neither is for a request that is refused.
        form, how = file_form(request, asked), separation(asked)
        found = await self.platform.report(info.name, asked.given)
        ahead = None if found.as_of is None else ahead_from(info, asked.given, found.as_of.date(), found)
        actor = asked.principal.actor
        figures = Figures(info, found, asked.given, PLATFORM, f"{actor.kind} {actor.id}", ahead)
        if form is not None:
            filters = {**asked.given, "digest": found.standing.digest}
            headers = await self.exported(asked, f"platform.{query}", figures.completeness, filters=filters)
            return await as_file(figures, form, how, {**headers, "penguin-digest": found.standing.digest})
        await self.record(asked, query, len(found.rows), found.standing)
        content = {
            "report": info.name,
            "columns": list(found.columns),
            "data": [dict(zip(found.columns, map(plain, row), strict=True)) for row in found.rows],
            "next": None,
            "truncated": found.truncated,
            "ahead_from": plain(ahead),
            **stood(found.standing),
            "completeness": figures.completeness.told(),
        }
        return self.answer(asked, content, None)

    async def events(self, request: Request) -> Response:
        """The events behind one row: its dimensions as `cell.<name>`; their weights / `scale` add up to the cell."""
        info = self.info(request)
        query = f"reports.{info.name}_events"
        dimensions = [column.name for column in info.columns if column.kind == "dimension"]
        cells = [f"cell.{name}" for name in (*dimensions, "measure")]
        asked = await self.staff(request, query, (*parameters_of(info), *cells, "limit", "after"))
        asked.principal.require(Permission.REPORTS_DRILL)
        limit, after = asked.limit(), _after(asked)
        told = asked.taken(*cells)
        cell = {name: told.get(f"cell.{name}") or None for name in (*dimensions, "measure")}
        found = await self.platform.events_behind(info.name, cell, asked.given, after=after, limit=limit)
        await self.record(asked, query, len(found.events), found.standing, told)
        last = found.events[-1] if found.more else None
        content = {
            "data": [
                {"tenant_id": str(one.tenant_id), "position": one.position, "weight": one.weight}
                for one in found.events
            ],
            "next": None if last is None else f"{last.tenant_id}.{last.position}",
            "scale": scale_of(info, cell["measure"]),
            **stood(found.standing),
        }
        return self.answer(asked, content, None)

    async def positions(self, request: Request) -> Response:
        """Where each log stood at `at_time`, or stands: what the digest of an answer is made of."""
        asked = await self.staff(request, "positions", ("at_time", "limit", "after"))
        limit, after = asked.limit(), asked.given.pop("after", None)
        behind = None if after is None else _tenant(after)
        found = await self.platform.vector(asked.given, after=behind, limit=limit)
        await self.record(asked, "positions", len(found.positions), found.standing)
        content = {
            "data": [
                {"tenant_id": str(tenant), "position": position.token()}
                for tenant, position in found.positions
            ],
            "next": str(found.positions[-1][0]) if found.more else None,
            **stood(found.standing),
        }
        return self.answer(asked, content, None)


def _after(asked: Asked) -> tuple[UUID, int] | None:
    text = asked.given.pop("after", None)
    if text is None:
        return None
    tenant, _, position = text.partition(".")
    after = _tenant(tenant)
    number = whole(position)
    if number is None:
        raise bad_parameter("after", _BEFORE)
    return after, number


def _tenant(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise bad_parameter("after", _BEFORE) from None
