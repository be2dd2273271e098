"""SQL of analysts over HTTP: a SELECT over the facts of the whole tenant, and the tables that it may name.

Whoever asks is recorded first, as for an export. What was asked is not: it may hold whatever somebody typed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.responses import Response
from starlette.routing import Route

from adapters.duckdb.sandbox.functions import FUNCTIONS, TABLE_FUNCTIONS
from api.http.asking import Asked, Desk
from api.http.problems import invalid_body
from api.http.replies import ALWAYS
from api.http.reports import DELIMITERS
from api.http.request import must_be, read_body
from api.sql_answers import as_csv, as_json
from application.ports.sql import MOST_PARAMETERS, SqlAnswer, SqlQuestion
from application.sql import must_hold_everywhere
from domain.access.reads import ReadKind
from domain.reporting.saved_query import SqlText
from projections.olap.described import tables

if TYPE_CHECKING:
    from starlette.requests import Request

ASK: Final = "sql.ask"
SCHEMA: Final = "sql.schema"
_WHOLE: Final = 2**63
_WORD: Final = "^[A-Za-z_][A-Za-z0-9_]{0,62}$"
_MARK: Final = "\ufeff"


class SqlAsked(BaseModel):
    """A question in SQL. `parameters` are the values of what it names as `$name`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sql: SqlText
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


class SqlDesk(Desk):
    """Answers SQL."""

    def routes(self) -> list[Route]:
        """One to ask, one to look up what may be asked."""
        return [
            Route("/v1/sql", self.ask, methods=["POST"]),
            Route("/v1/sql/schema", self.schema, methods=["GET"]),
        ]

    async def ask(self, request: Request) -> Response:
        """Answer one SELECT."""
        asked = await self.asked(request, ASK, ("min_position",))
        must_hold_everywhere(asked.principal)
        must_be(asked.call, b"application/json")
        body = await read_body(asked.call, request.receive, self.parts.settings.max_body_bytes)
        try:
            wanted = SqlAsked.model_validate_json(body)
        except ValidationError as error:
            raise invalid_body(error) from None
        position = await self.reachable(asked, asked.position())
        principal = asked.principal
        question = SqlQuestion(
            principal.tenant_id, wanted.sql, wanted.parameters, position, principal.permissions
        )
        found = await self.parts.sql.ask(question)
        filters = {"tables": list(found.tables)}
        rows, made_from = found.table.num_rows, found.position.token()
        await self.trace(asked, ASK, ReadKind.EXPORT, position=made_from, rows=rows, filters=filters)
        if wanted.format == "csv":
            return self._csv(asked, wanted, found)
        return self.answer(asked, as_json(found), made_from)

    def _csv(self, asked: Asked, wanted: SqlAsked, found: SqlAnswer) -> Response:
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
