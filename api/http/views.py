"""The doors of the views: `GET /v1/{context}/{view}` and `/{view}/{id}`, one for each query of the registry."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from psycopg import OperationalError
from psycopg.errors import QueryCanceled
from psycopg_pool import PoolTimeout
from starlette.routing import Route

from api.http.asking import Asked, Desk, Past
from api.http.kinds import NOT_FOUND, SEARCH_TOO_SLOW
from api.http.law_words import must_be_known
from api.http.problems import Problem
from api.http.request import uuid_in
from application.ports.analytics import InvalidParameters
from application.ports.log import LogUnavailable
from application.principals import MissingPermission
from application.queries import QUERIES, ById, NamedByLaw
from domain.access.reads import ReadKind
from domain.kernel.personal import SEALED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from uuid import UUID

    from psycopg import AsyncConnection
    from starlette.requests import Request
    from starlette.responses import Response

    from application.ports.positions import Position
    from application.queries import Page, Params, Query, Row

PAGING: Final = ("cursor", "limit", "min_position", "at")
_AT_ALONE: Final = "at names a moment that has been, and min_position one to wait for; leave one of them out"
_BEFORE: Final = "Nothing had been recorded by then."
_SUBJECTS: Final = ("addressee_id", "member_id", "staff_id", "requested_by")


class Views(Desk):
    """Answers queries."""

    def routes(self) -> list[Route]:
        """Two routes for all of them; a dictionary finds the query."""
        return [
            Route("/v1/{context}/{view}", self.many, methods=["GET"]),
            Route("/v1/{context}/{view}/{id}", self.one, methods=["GET"]),
        ]

    async def many(self, request: Request) -> Response:
        """A page of rows."""
        return await self.listed(request, query_of(request, single=False))

    async def listed(self, request: Request, query: Query) -> Response:
        """A page of one query's rows."""
        known = (*query.params.model_fields, *PAGING)
        asked = await self.asked(request, query.name, known, now=False)
        cursor, limit, wanted = asked.given.pop("cursor", None), asked.limit(), await self._wanted(asked)
        params = asked.read_as(query.params)
        await self.known(params)
        found = await self._found(asked, query, wanted, params, cursor, limit)
        data = [row.model_dump(mode="json") for row in found.rows]
        content = {"data": data, "next": found.cursor, **await self._told(asked, wanted, found)}
        await self._trace(asked, query, found, wanted, kept(params))
        return self.answer(asked, content, content["position"])

    async def one(self, request: Request) -> Response:
        """One row."""
        query = query_of(request, single=True)
        asked = await self.asked(request, query.name, PAGING[2:], now=False)
        wanted = await self._wanted(asked)
        row_id = uuid_in(request.path_params["id"])
        if row_id is None:
            raise Problem(NOT_FOUND)
        found = await self._found(asked, query, wanted, ById(id=row_id))
        content = {"data": found.rows[0].model_dump(mode="json"), **await self._told(asked, wanted, found)}
        await self._trace(asked, query, found, wanted, {"id": str(row_id)})
        return self.answer(asked, content, content["position"])

    async def _wanted(self, asked: Asked) -> Past | Position | None:
        """The earlier moment that is asked for, or the position that the live view is to have reached."""
        past = await self.past(asked.principal.tenant_id, asked.given, "at")
        position = asked.position()
        if past is None:
            return position
        if position is not None:
            raise InvalidParameters((("/min_position", _AT_ALONE), ("/at", _AT_ALONE)))
        return past

    async def _told(self, asked: Asked, wanted: Past | Position | None, found: Page[Any]) -> dict[str, Any]:
        """Which moment the answer is of."""
        as_of = await self.as_of(asked.principal.tenant_id, found.position)
        told = {"position": found.position.token(), "as_of": as_of}
        return told | {"note": _BEFORE} if isinstance(wanted, Past) and found.position.n == 0 else told

    async def known(self, params: Params) -> None:
        """Refuse filters by a law, rule, basis or fact that no decision can name."""
        for name, field in type(params).model_fields.items():
            for mark in field.metadata:
                if isinstance(mark, NamedByLaw) and (given := getattr(params, name)) is not None:
                    await must_be_known(self.parts.law_archive, mark.kind, name, given)

    async def _found(
        self, asked: Asked, query: Query, wanted: Past | Position | None, *arguments: Any
    ) -> Page[Any]:
        """Rows of one moment, for a caller whose access was what it was said to be when they were read."""
        try:
            query.scope(asked.principal)
        except MissingPermission:
            asked.principal = await self.parts.callers.identify(asked.call, fresh=True)
            query.scope(asked.principal)
        past = wanted if isinstance(wanted, Past) else None
        if not isinstance(wanted, Past) and (wanted := await self.reachable(asked, wanted)) is not None:
            timeout = self.parts.settings.min_position_wait
            await self.parts.waiting.wait_for(query.projections, asked.principal.tenant_id, wanted, timeout)
        found = await self._run(asked, query, past, arguments)
        if found.auth_epoch != asked.principal.auth_epoch:
            asked.principal = await self.parts.callers.identify(asked.call, fresh=True)
            found = await self._run(asked, query, past, arguments)
        return found

    async def _run(
        self, asked: Asked, query: Query, past: Past | None, arguments: Sequence[Any]
    ) -> Page[Any]:
        scope = query.scope(asked.principal)
        try:
            async with self._source(scope.tenant_id, query, past) as connection:
                return await query.run(connection, scope, *arguments)
        except QueryCanceled:
            raise Problem(SEARCH_TOO_SLOW) from None
        except (OperationalError, PoolTimeout) as error:
            raise LogUnavailable("the database cannot be reached; try again") from error

    @asynccontextmanager
    async def _source(
        self, tenant_id: UUID, query: Query, past: Past | None
    ) -> AsyncIterator[AsyncConnection[Any]]:
        """Where the rows are read: of the live views, or of what is made anew of an earlier moment."""
        if past is None:
            async with self.parts.views.connection() as connection:
                yield connection
        else:
            looking = self.parts.lookback.as_of(tenant_id, query.projections, past.position, past.moment)
            async with looking as rebuilt:
                yield rebuilt.connection

    async def _trace(
        self,
        asked: Asked,
        query: Query,
        found: Page[Any],
        wanted: Past | Position | None,
        filters: dict[str, Any],
    ) -> None:
        """An entry of what is personal, of what staff see, and of every look back."""
        personal = query.personal and bool(found.rows) and query.scope(asked.principal).personal
        past = isinstance(wanted, Past)
        if personal or past or asked.principal.staff:
            rows = found.rows
            subjects = [subject for row in rows if (subject := subject_of(row)) is not None]
            kind, position = ReadKind.REPLAY if past else ReadKind.PERSONAL, found.position.token()
            await self.trace(
                asked, query.name, kind, position=position, rows=len(rows), subjects=subjects, filters=filters
            )


def kept(params: Params) -> dict[str, Any]:
    """The filters as the access log keeps them: that somebody was looked for, not by which address or text."""
    given = params.model_dump(mode="json", exclude_none=True)
    return {name: SEALED if name in params.personal else value for name, value in given.items()}


def subject_of(row: Row) -> UUID | None:
    """Whom a row is about."""
    return next((found for name in _SUBJECTS if (found := getattr(row, name, None)) is not None), None)


def is_view(context: str, view: str) -> bool:
    """Whether there is a view of this name."""
    return any(
        query.context == context and query.path.partition("/")[0] == view for query in QUERIES.values()
    )


def query_of(request: Request, *, single: bool) -> Query:
    """The query that an address names. Raises a `Problem` where there is none."""
    path = request.path_params["view"] + ("/{id}" if single else "")
    context = request.path_params["context"]
    for query in QUERIES.values():
        if (query.context, query.path) == (context, path):
            return query
    raise Problem(NOT_FOUND)
