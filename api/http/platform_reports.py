"""Reports of all customers together, for the staff of the platform that answer for its finance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from starlette.routing import Route

from api.http.asking import Asked, Desk
from api.http.kinds import NOT_FOUND
from api.http.problems import Problem, bad_parameter
from api.http.reports import FILE_WAYS, as_file, described, file_form, parameters_of, separation
from application.figures import Figures, plain
from domain.access.reads import ReadKind
from domain.kernel.ids import PLATFORM
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from application.ports.analytics import ReportInfo
    from application.ports.platform import PlatformAnalytics, Standing

_DIGITS: Final = 18
_BEFORE: Final = "Give `next` of the answer before."


class PlatformReports(Desk):
    """Answers reports of all customers: who asks holds the permission in the platform's own log, or is refused."""

    def routes(self) -> list[Route]:
        """The list, the positions, a report, and the events behind one of its cells."""
        return [
            Route("/v1/platform/reports", self.listed, methods=["GET"]),
            Route("/v1/platform/positions", self.positions, methods=["GET"]),
            Route("/v1/platform/reports/{name}", self.report, methods=["GET"]),
            Route("/v1/platform/reports/{name}/events", self.events, methods=["GET"]),
        ]

    @property
    def _platform(self) -> PlatformAnalytics:
        return self.parts.analytics.platform

    async def _staff(self, request: Request, name: str, known: tuple[str, ...] = ()) -> Asked:
        asked = await self.asked(request, f"platform.{name}", known)
        asked.principal.require(Permission.PLATFORM_REPORTS_READ)
        if asked.principal.tenant_id != PLATFORM:
            # Whatever a credential of another log may hold one day: of all customers it learns nothing.
            raise Problem(NOT_FOUND)
        return asked

    def _info(self, request: Request) -> ReportInfo:
        info = self._platform.reports().get(request.path_params["name"])
        if info is None:
            raise Problem(NOT_FOUND)
        return info

    async def listed(self, request: Request) -> Response:
        """The reports there are, with what each takes and gives."""
        asked = await self._staff(request, "reports.list")
        reports = [described(info) for info in self._platform.reports().values()]
        position = await self.parts.position_of(PLATFORM)
        await self.trace(asked, "platform.reports.list", ReadKind.STAFF, position=position, rows=len(reports))
        return self.answer(
            asked, {"data": reports, "next": None, "position": position, "as_of": None}, position
        )

    async def report(self, request: Request) -> Response:
        """One report."""
        info = self._info(request)
        query = f"reports.{info.name}"
        asked = await self._staff(request, query, (*parameters_of(info), *FILE_WAYS))
        # Before the report is made and recorded: neither is for a request that is refused.
        form, how = file_form(request, asked), separation(asked)
        found = await self._platform.report(info.name, asked.given)
        kind = ReadKind.STAFF if form is None else ReadKind.EXPORT
        await self._trace(asked, f"platform.{query}", len(found.rows), found.standing, kind=kind)
        if form is not None:
            actor = asked.principal.actor
            figures = Figures(info, found, asked.given, PLATFORM, f"{actor.kind} {actor.id}")
            headers = {**self.headers(asked, None), "penguin-digest": found.standing.digest}
            return await as_file(figures, form, how, headers)
        content = {
            "report": info.name,
            "columns": list(found.columns),
            "data": [dict(zip(found.columns, map(plain, row), strict=True)) for row in found.rows],
            "next": None,
            "truncated": found.truncated,
            **_standing(found.standing),
        }
        return self.answer(asked, content, None)

    async def events(self, request: Request) -> Response:
        """The events behind one row: its dimensions as `cell.<name>`; their weights add up to the cell."""
        info = self._info(request)
        query = f"reports.{info.name}_events"
        dimensions = [column.name for column in info.columns if column.kind == "dimension"]
        cells = [f"cell.{name}" for name in (*dimensions, "measure")]
        asked = await self._staff(request, query, (*parameters_of(info), *cells, "limit", "after"))
        asked.principal.require(Permission.REPORTS_DRILL)
        limit, after = asked.limit(), _after(asked)
        told = asked.taken(*cells)
        cell = {name: told.get(f"cell.{name}") or None for name in (*dimensions, "measure")}
        found = await self._platform.events_behind(info.name, cell, asked.given, after=after, limit=limit)
        await self._trace(asked, f"platform.{query}", len(found.events), found.standing, told)
        last = found.events[-1] if found.more else None
        content = {
            "data": [
                {"tenant_id": str(one.tenant_id), "position": one.position, "weight": one.weight}
                for one in found.events
            ],
            "next": None if last is None else f"{last.tenant_id}.{last.position}",
            **_standing(found.standing),
        }
        return self.answer(asked, content, None)

    async def positions(self, request: Request) -> Response:
        """Where each log stood at `at_time`, or stands: what the digest of an answer is made of."""
        asked = await self._staff(request, "positions", ("at_time", "limit", "after"))
        limit, after = asked.limit(), asked.given.pop("after", None)
        behind = None if after is None else _tenant(after)
        found = await self._platform.vector(asked.given, after=behind, limit=limit)
        await self._trace(asked, "platform.positions", len(found.positions), found.standing)
        content = {
            "data": [
                {"tenant_id": str(tenant), "position": position.token()}
                for tenant, position in found.positions
            ],
            "next": str(found.positions[-1][0]) if found.more else None,
            **_standing(found.standing),
        }
        return self.answer(asked, content, None)

    async def _trace(
        self,
        asked: Asked,
        query: str,
        rows: int,
        standing: Standing,
        cell: dict[str, str] | None = None,
        kind: ReadKind = ReadKind.STAFF,
    ) -> None:
        """Everything that staff read of customers is recorded, in the platform's log, before it is answered."""
        filters = {**asked.given, **(cell or {}), "digest": standing.digest}
        await self.trace(asked, query, kind, position=None, rows=rows, filters=filters)


def _standing(standing: Standing) -> dict[str, Any]:
    """What an answer was made from; no single position says it."""
    return {
        "position": None,
        "as_of": plain(standing.as_of),
        "tenants": standing.tenants,
        "digest": standing.digest,
        "stopped": standing.stopped,
    }


def _after(asked: Asked) -> tuple[UUID, int] | None:
    text = asked.given.pop("after", None)
    if text is None:
        return None
    tenant, _, position = text.partition(".")
    after = _tenant(tenant)
    if not (position.isascii() and position.isdigit() and len(position) <= _DIGITS):
        raise bad_parameter("after", _BEFORE)
    return after, int(position)


def _tenant(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise bad_parameter("after", _BEFORE) from None
