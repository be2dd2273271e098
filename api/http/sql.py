"""SQL of analysts over HTTP: a SELECT over the facts of the whole tenant, and the tables that it may name.

Whoever asks is recorded first, as for an export. What was asked is not: it may hold whatever somebody typed.
"""

from __future__ import annotations

import base64
import csv
import io
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.responses import Response
from starlette.routing import Route

from adapters.duckdb.sandbox.functions import FUNCTIONS, TABLE_FUNCTIONS
from api.http.asking import Asked, Desk
from api.http.problems import invalid_body
from api.http.replies import ALWAYS, dumps
from api.http.reports import DELIMITERS
from api.http.request import must_be, read_body
from application.confining import NeedsWholeTenant
from application.ports.sql import MOST_PARAMETERS, SqlAnswer, SqlQuestion
from domain.access.reads import ReadKind
from domain.audience.intake import escape_formula
from domain.kernel.permissions import Permission
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
        _must_hold_everywhere(asked)
        must_be(asked.call, b"application/json")
        body = await read_body(asked.call, request.receive, self.parts.settings.max_body_bytes)
        try:
            wanted = SqlAsked.model_validate_json(body)
        except ValidationError as error:
            raise invalid_body(error) from None
        position = await self.reachable(asked, asked.position())
        question = SqlQuestion(asked.principal.tenant_id, wanted.sql, wanted.parameters, position)
        found = await self.parts.sql.ask(question)
        filters = {"tables": list(found.tables)}
        rows, made_from = found.table.num_rows, found.position.token()
        await self.trace(asked, ASK, ReadKind.EXPORT, position=made_from, rows=rows, filters=filters)
        if wanted.format == "csv":
            return self._csv(asked, wanted, found)
        content = {
            "columns": [{"name": one.name, "type": str(one.type)} for one in found.table.schema],
            "data": [[plain(value) for value in row] for row in rows_of(found)],
            "next": None,
            "truncated": found.truncated,
            "position": made_from,
            "as_of": plain(found.as_of),
        }
        return self.answer(asked, content, made_from)

    def _csv(self, asked: Asked, wanted: SqlAsked, found: SqlAnswer) -> Response:
        text = io.StringIO()
        lines = csv.writer(text, delimiter=DELIMITERS[wanted.delimiter], lineterminator="\r\n")
        lines.writerow([escape_formula(name) for name in found.table.column_names])
        lines.writerows([[_cell(value) for value in row] for row in rows_of(found)])
        headers = {
            **{name.decode(): value.decode() for name, value in ALWAYS},
            **self.headers(asked, found.position.token()),
            "content-disposition": 'attachment; filename="query.csv"',
            "penguin-as-of": "" if found.as_of is None else found.as_of.isoformat(),
            "penguin-truncated": str(found.truncated).lower(),
        }
        content = (_MARK if wanted.bom else "") + text.getvalue()
        return Response(content.encode(), headers=headers, media_type="text/csv; charset=utf-8")

    async def schema(self, request: Request) -> Response:
        """The tables and functions that SQL may name."""
        asked = await self.asked(request, SCHEMA)
        _must_hold_everywhere(asked)
        position = await self.parts.position_of(asked.principal.tenant_id)
        known = [
            {
                "name": table.name,
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
        ]
        if asked.principal.staff:
            await self.trace(asked, SCHEMA, ReadKind.STAFF, position=position, rows=len(known))
        data = {
            "tables": known,
            "functions": sorted(FUNCTIONS),
            "table_functions": sorted(TABLE_FUNCTIONS),
        }
        return self.answer(asked, {"data": data, "position": position, "as_of": None}, position)


def _must_hold_everywhere(asked: Asked) -> None:
    """Facts are the tenant's: who may ask in single workspaces alone is not told of the others."""
    asked.principal.require(Permission.REPORTS_SQL)
    if asked.principal.confined_to(Permission.REPORTS_SQL) is not None:
        raise NeedsWholeTenant


def rows_of(found: SqlAnswer) -> list[tuple[Any, ...]]:
    """The rows; columns may share a name, so that they are told by their order."""
    return list(zip(*(column.to_pylist() for column in found.table.columns), strict=True))


def plain(value: Any) -> Any:
    """A value as JSON holds it without loss: moments in ISO 8601, decimals and integers beyond 64 bits as text."""
    match value:
        case Mapping():
            return {str(name): plain(one) for name, one in value.items()}
        case list():
            return [plain(one) for one in value]
        case tuple() if hasattr(value, "nanoseconds"):
            months, days, nanoseconds = value
            return {"months": months, "days": days, "microseconds": nanoseconds // 1000}
        case tuple():
            return [plain(one) for one in value]
        case Decimal() if value.as_tuple().exponent == 0:
            return _scalar(int(value))
        case _:
            return _scalar(value)


def _scalar(value: Any) -> Any:
    match value:
        case int() if -_WHOLE <= value < _WHOLE:
            return value
        case float() if math.isfinite(value):
            return value
        case str() | None:
            return value
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return str(value)


def _cell(value: Any) -> Any:
    """A value in a cell of CSV: nests as JSON, and no text that a spreadsheet would run."""
    told = plain(value)
    if isinstance(told, list | dict):
        told = dumps(told).decode()
    return escape_formula(told) if isinstance(told, str) else told
