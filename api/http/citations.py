"""Citations over HTTP: a short text for one figure, and what became of the figure that a text names."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.routing import Route

from api.http.asking import Desk, latest
from api.http.kinds import BODY_INVALID, NOT_FOUND
from api.http.problems import Problem, invalid_body
from api.http.request import must_be, read_body
from application.citing import Citing
from application.figures import text_of
from application.ports.analytics import InvalidParameters
from application.variance import MOST as PERIODS
from domain.access.reads import ReadKind
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from uuid import UUID

    from starlette.requests import Request
    from starlette.responses import Response

    from application.citing import Cited, Figure, Resolved

CITE: Final = "reports.cite"
RESOLVE: Final = "reports.resolve"
_Name = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]{0,59}$")]
_Value = Annotated[str, StringConstraints(max_length=200)]


class CiteAsked(BaseModel):
    """Which figure: the report's parameters, its row and its measure.

    `at_position` is a number or a token; now unless given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    parameters: Annotated[
        dict[_Name, bool | int | _Value | Annotated[list[_Value], Field(min_length=1, max_length=PERIODS)]],
        Field(max_length=20, description="`compare` may be a list."),
    ] = {}
    cell: Annotated[
        dict[_Name, _Value | None],
        Field(
            max_length=20,
            description="The dimensions of the row, as it shows them, null or empty where it shows nothing; those "
            "that `tells` may lack.",
        ),
    ]
    measure: _Name


class Citations(Desk):
    """Makes citations and resolves them."""

    def routes(self) -> list[Route]:
        """One to cite, one to resolve."""
        return [
            Route("/v1/reports/{name}/cite", self.cite, methods=["POST"]),
            Route("/v1/citations/{citation}", self.resolve, methods=["GET"]),
        ]

    async def cite(self, request: Request) -> Response:
        """The text that names one figure. Nothing is kept of it."""
        info = self.parts.analytics.reports().get(request.path_params["name"])
        if info is None:
            raise Problem(NOT_FOUND)
        asked = await self.asked(request, CITE, ("min_position",))
        asked.principal.require(Permission(info.permission))
        must_be(asked.call, b"application/json")
        body = await read_body(asked.call, request.receive, self.parts.settings.max_body_bytes)
        try:
            wanted = CiteAsked.model_validate_json(body)
        except ValidationError as error:
            raise invalid_body(error) from None
        tenant, given = (
            asked.principal.tenant_id,
            {
                name: ",".join(one) if isinstance(one, list) else text_of(one)
                for name, one in wanted.parameters.items()
            },
        )
        position = await self.reachable(asked, asked.position())
        citing = Citing(self.parts.analytics)
        cell = {name: value or None for name, value in wanted.cell.items()}
        try:
            position = latest(position, await self.look_back(tenant, given))
        except InvalidParameters as error:
            problems = tuple((f"/parameters{pointer}", words) for pointer, words in error.problems)
            raise _of_body(InvalidParameters(problems)) from None
        try:
            made = await citing.cite(tenant, info.name, given, cell, wanted.measure, min_position=position)
        except InvalidParameters as error:
            raise _of_body(error) from None
        token = made.figure.position.token()
        if asked.principal.staff:
            await self.trace(asked, CITE, ReadKind.STAFF, position=token, rows=1, filters=given)
        data = {"citation": made.citation, **_cited(made.cited), "value": made.figure.value}
        as_of = await self.as_of(tenant, made.figure.position)
        return self.answer(asked, {"data": data, "position": token, "as_of": as_of}, token)

    async def resolve(self, request: Request) -> Response:
        """The figure that a text names, computed anew as of its position, and the one of now."""
        asked = await self.asked(request, RESOLVE, ("min_position",))
        asked.principal.require(Permission.REPORTS_READ)
        tenant = asked.principal.tenant_id
        citing = Citing(self.parts.analytics)
        cited = citing.read(tenant, request.path_params["citation"])
        info = self.parts.analytics.reports().get(cited.report)
        if info is not None:
            asked.principal.require(Permission(info.permission))
        wanted = await self.reachable(asked, asked.position())
        found = await citing.resolve(tenant, request.path_params["citation"], min_position=wanted)
        token = cited.position.token() if found.now is None else found.now.position.token()
        if asked.principal.staff:
            filters = {"report": cited.report, **cited.parameters}
            await self.trace(asked, RESOLVE, ReadKind.STAFF, position=token, rows=1, filters=filters)
        data = await self._shown(tenant, found)
        as_of = await self.as_of(tenant, found.now.position) if found.now else None
        return self.answer(asked, {"data": data, "position": token, "as_of": as_of}, token)

    async def _shown(self, tenant_id: UUID, found: Resolved) -> dict[str, Any]:
        cited, info = found.cited, found.info
        at = urlencode(sorted({**cited.parameters, "at_position": str(cited.position.n)}.items()))
        return {
            **_cited(cited),
            "same": found.otherwise is None,
            "otherwise": found.otherwise,
            "title": None if info is None else info.title,
            "unit": None if info is None else _unit(found),
            "definition": None if info is None else asdict(info.definition),
            "then": await self._figure(tenant_id, found.then),
            "now": await self._figure(tenant_id, found.now),
            "difference": found.difference,
            "report_at": None if info is None else f"/v1/reports/{info.name}?{at}",
        }

    async def _figure(self, tenant_id: UUID, figure: Figure | None) -> dict[str, Any] | None:
        if figure is None:
            return None
        as_of = await self.as_of(tenant_id, figure.position)
        return {"value": figure.value, "position": figure.position.token(), "as_of": as_of}


def _of_body(error: InvalidParameters) -> Problem:
    errors = [{"pointer": pointer, "code": "invalid", "detail": words} for pointer, words in error.problems]
    return Problem(BODY_INVALID, errors=errors)


def _unit(found: Resolved) -> str | None:
    columns = () if found.info is None else found.info.columns
    return next((one.unit for one in columns if one.name == found.cited.measure), None)


def _cited(cited: Cited) -> dict[str, Any]:
    return {
        "report": cited.report,
        "version": cited.version,
        "parameters": dict(cited.parameters),
        "cell": dict(cited.cell),
        "measure": cited.measure,
        "cited_position": cited.position.token(),
    }
