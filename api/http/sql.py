"""SQL of analysts over HTTP: a SELECT over the facts of the whole tenant, and the tables that it may name.

Whoever asks is recorded first, as for an export. What was asked is not: it may hold whatever somebody typed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.responses import Response
from starlette.routing import Route

from adapters.duckdb.sandbox.functions import FUNCTIONS, TABLE_FUNCTIONS
from adapters.exports.separated import DELIMITERS
from api.http.asking import Asked, Desk
from api.http.kinds import NOT_FOUND
from api.http.problems import Problem, invalid_body
from api.http.replies import ALWAYS
from api.http.request import must_be, read_body, uuid_in
from api.sql_answers import as_csv, as_json
from application.ports.sql import MOST_PARAMETERS, SqlAnswer, SqlQuestion
from application.sql import must_hold_everywhere
from domain.access.reads import ReadKind
from domain.reporting.saved_query import SavedQuery, SqlText
from projections.olap.described import tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

ASK: Final = "sql.ask"
RUN: Final = "sql.run"
SCHEMA: Final = "sql.schema"
_WHOLE: Final = 2**63
_WORD: Final = "^[A-Za-z_][A-Za-z0-9_]{0,62}$"
_MARK: Final = "\ufeff"


class SqlGiven(BaseModel):
    """What SQL is asked with. `parameters` are the values of what it names as `$name`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parameters: Annotated[
        dict[
            Annotated[str, StringConstraints(pattern=_WORD)],
            bool
            | Annotated[int, Field(ge=-_WHOLE, lt=_WHOLE)]
            | float
            | Annotated[str, StringConstraints(max_length=1_000)]
            | None,
        ],
        Field(max_length=MOST_PARAMETERS),
    ] = {}
    format: Literal["json", "csv"] = "json"
    delimiter: Literal["comma", "semicolon", "tab"] = "comma"
    bom: bool = False


class SqlAsked(SqlGiven):
    """A question in SQL."""

    sql: SqlText


_Given = TypeVar("_Given", bound=SqlGiven)


class SqlDesk(Desk):
    """Answers SQL."""

    def routes(self) -> list[Route]:
        """One to ask, one to ask what was saved, one to look up what may be asked."""
        return [
            Route("/v1/sql", self.ask, methods=["POST"]),
            Route("/v1/sql/queries/{id}/run", self.run, methods=["POST"]),
            Route("/v1/sql/schema", self.schema, methods=["GET"]),
        ]

    async def ask(self, request: Request) -> Response:
        """Answer one SELECT."""
        asked = await self._asked(request, ASK)
        wanted = await self._wanted(request, asked, SqlAsked)
        return await self._answered(asked, ASK, wanted.sql, wanted, {})

    async def run(self, request: Request) -> Response:
        """Answer a saved query, as it stands now."""
        asked = await self._asked(request, RUN)
        query_id = uuid_in(request.path_params["id"])
        if query_id is None:
            raise Problem(NOT_FOUND)
        wanted = await self._wanted(request, asked, SqlGiven)
        kept = await self.parts.commands.state(asked.principal.tenant_id, "saved_query", query_id)
        if not isinstance(kept, SavedQuery):
            raise Problem(NOT_FOUND)
        return await self._answered(asked, RUN, kept.sql, wanted, {"query_id": str(query_id)})

    async def _asked(self, request: Request, name: str) -> Asked:
        asked = await self.asked(request, name, ("min_position",))
        must_hold_everywhere(asked.principal)
        must_be(asked.call, b"application/json")
        return asked

    async def _wanted(self, request: Request, asked: Asked, shape: type[_Given]) -> _Given:
        body = await read_body(asked.call, request.receive, self.parts.settings.max_body_bytes)
        try:
            return shape.model_validate_json(body)
        except ValidationError as error:
            raise invalid_body(error) from None

    async def _answered(
        self, asked: Asked, name: str, sql: str, wanted: SqlGiven, which: Mapping[str, str]
    ) -> Response:
        """The answer, recorded with which query was saved, if one was, and never with its text."""
        position, principal = await self.reachable(asked, asked.position()), asked.principal
        question = SqlQuestion(principal.tenant_id, sql, wanted.parameters, position, principal.permissions)
        found = await self.parts.sql.ask(question)
        filters = {**which, "tables": list(found.tables)}
        rows, made_from = found.table.num_rows, found.position.token()
        await self.trace(asked, name, ReadKind.EXPORT, position=made_from, rows=rows, filters=filters)
        if wanted.format == "csv":
            return self._csv(asked, wanted, found)
        return self.answer(asked, as_json(found), made_from)

    def _csv(self, asked: Asked, wanted: SqlGiven, found: SqlAnswer) -> Response:
        headers = {
            **{name.decode(): value.decode() for name, value in ALWAYS},
            **self.headers(asked, found.position.token()),
            "content-disposition": 'attachment; filename="query.csv"',
            "penguin-as-of": "" if found.as_of is None else found.as_of.isoformat(),
            "penguin-truncated": str(found.truncated).lower(),
        }
        content = (_MARK if wanted.bom else "") + as_csv(found, DELIMITERS[wanted.delimiter])
        return Response(content.encode(), headers=headers, media_type="text/csv; charset=utf-8")

    async def schema(self, request: Request) -> Response:
        """The tables that the asker may name in SQL, and the functions."""
        asked = await self.asked(request, SCHEMA)
        must_hold_everywhere(asked.principal)
        position = await self.parts.position_of(asked.principal.tenant_id)
        known = [
            {
                "name": table.name,
                "permission": table.permission,
                "about": table.about,
                "grain": table.grain,
                "measures": table.measures,
                "invariants": table.invariants,
                "columns": [
                    {"name": column.name, "type": column.type, "nullable": column.nullable}
                    for column in table.columns
                ],
            }
            for table in tables()
            if table.permission in asked.principal.permissions
        ]
        if asked.principal.staff:
            await self.trace(asked, SCHEMA, ReadKind.STAFF, position=position, rows=len(known))
        data = {
            "tables": known,
            "functions": sorted(FUNCTIONS),
            "table_functions": sorted(TABLE_FUNCTIONS),
        }
        return self.answer(asked, {"data": data, "position": position, "as_of": None}, position)
