"""SQL of analysts over HTTP: a SELECT over the facts of the whole tenant, and the tables that it may name.

Whoever asks is recorded first, as for an export. What was asked is not: it may hold whatever somebody typed.
"""

from __future__ import annotations

import asyncio
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from starlette.responses import Response
from starlette.routing import Route

from adapters.duckdb.sandbox.functions import FUNCTIONS, TABLE_FUNCTIONS
from adapters.exports.answer_workbook import must_fit_a_sheet
from adapters.exports.answered import Answered
from adapters.exports.answers import ANSWER_FILES
from adapters.exports.forms import FILES
from adapters.exports.names import FileName
from adapters.exports.separated import DECIMALS, DELIMITERS, separated
from api.analytics import sql_limits
from api.http.accepting import accepted_form
from api.http.asking import Asked, Desk
from api.http.kinds import NOT_FOUND
from api.http.problems import Problem, invalid_body
from api.http.replies import ALWAYS
from api.http.request import must_be, read_body, uuid_in, while_there
from api.sql_answers import as_json
from application.ports.sql import MOST_PARAMETERS, SqlQuestion
from application.sql import must_hold_everywhere
from domain.access.reads import ReadKind
from domain.reporting.saved_query import SavedQuery, SqlText
from projections.olap.described import tables

if TYPE_CHECKING:
    from uuid import UUID

    from starlette.requests import Request

    from adapters.exports.forms import FileForm

ASK: Final = "sql.ask"
RUN: Final = "sql.run"
SCHEMA: Final = "sql.schema"
_WHOLE: Final = 2**63
_WORD: Final = "^[A-Za-z_][A-Za-z0-9_]{0,62}$"


def _loses_nothing(value: object) -> object:
    """A value that arrives in DuckDB as it was given."""
    if isinstance(value, int) and not -_WHOLE <= value < _WHOLE:
        raise ValueError("Whole numbers have 64 bits. Give a longer one as text, and cast it.")
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("JSON has finite numbers. Give another as text, and cast it.")
    return value


_Value = Annotated[
    bool
    | Annotated[int, Field(ge=-_WHOLE, lt=_WHOLE)]
    | float
    | Annotated[str, StringConstraints(max_length=1_000)]
    | None,
    BeforeValidator(_loses_nothing),
]


class SqlGiven(BaseModel):
    """What SQL is asked with. `parameters` are the values of what it names as `$name`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parameters: Annotated[
        dict[
            Annotated[str, StringConstraints(pattern=_WORD)],
            _Value,
        ],
        Field(max_length=MOST_PARAMETERS),
    ] = {}
    format: Annotated[
        Literal["json", "csv", "xlsx", "parquet", "arrow"] | None,
        Field(description="What `Accept` says unless given, and JSON where that takes anything."),
    ] = None
    delimiter: Annotated[
        Literal["comma", "semicolon", "tab"] | None,
        Field(description="CSV: between cells; a comma unless given, a semicolon where commas are decimals."),
    ] = None
    decimal: Annotated[Literal["point", "comma"], Field(description="CSV: the sign of the decimals.")] = (
        "point"
    )
    bom: Annotated[bool, Field(description="CSV: begin with a byte order mark, as Excel likes it.")] = False


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
        return await self._answered(request, asked, wanted.sql, wanted)

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
        return await self._answered(request, asked, kept.sql, wanted, query_id)

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
        self, request: Request, asked: Asked, sql: str, wanted: SqlGiven, query_id: UUID | None = None
    ) -> Response:
        """The answer, recorded with which query was saved, if one was, and never with its text."""
        form = _form(request, wanted)
        position, principal = await self.reachable(asked, asked.position()), asked.principal
        question = SqlQuestion(principal.tenant_id, sql, wanted.parameters, position, principal.permissions)
        found = await while_there(request.receive, self.parts.sql.ask(question))
        if form is not None and form.name is FileName.XLSX:
            must_fit_a_sheet(found.table)
        name, which = (ASK, {}) if query_id is None else (RUN, {"query_id": str(query_id)})
        filters = {**which, "tables": list(found.tables)}
        actor = f"{principal.actor.kind} {principal.actor.id}"
        checkpoint = await self.signed(asked, found.position)
        made = Answered(found, question, actor, sql_limits(self.parts.settings), query_id, checkpoint)
        headers = await self.exported(asked, name, made.completeness, filters=filters)
        if form is None:
            content = await asyncio.to_thread(as_json, made)
            return self.answer(asked, content, made.completeness.position, headers=headers)
        return await self._file(headers, form, wanted, made)

    async def _file(
        self, headers: dict[str, str], form: FileForm, wanted: SqlGiven, made: Answered
    ) -> Response:
        """The answer as a file; beside the loop, since many rows take a while."""
        found, delimiter = made.answer, wanted.delimiter and DELIMITERS[wanted.delimiter]
        how = separated(DECIMALS[wanted.decimal], delimiter, mark=wanted.bom)
        content = await asyncio.to_thread(ANSWER_FILES[form.name], made, how)
        told = {
            **{name.decode(): value.decode() for name, value in ALWAYS},
            **headers,
            "content-disposition": f'attachment; filename="query.{form.name}"',
            "penguin-as-of": "" if found.as_of is None else found.as_of.isoformat(),
            "penguin-truncated": str(found.truncated).lower(),
        }
        text = "; charset=utf-8" if form.media.startswith("text/") else ""
        return Response(content, headers=told, media_type=form.media + text)

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


def _form(request: Request, wanted: SqlGiven) -> FileForm | None:
    """A file, or None for JSON: by `format`, else by `Accept`."""
    return accepted_form(request) if wanted.format is None else FILES.get(wanted.format)
