"""The routes of SQL, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.exports.forms import FILES
from api.http.completeness_shapes import certified
from api.http.shapes import page_of, problems, reading, shared, single
from api.http.shaping import UUID, Json, object_of, ref
from api.http.sql import SqlAsked, SqlGiven
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from api.http.openapi import Document

_WORD: Final[Json] = {"type": "string"}
_WORDS: Final[Json] = {"type": "array", "items": _WORD}
_COLUMN: Final = object_of(
    {
        "name": _WORD,
        "type": {**_WORD, "description": "DuckDB's."},
        "nullable": {"type": "boolean"},
    }
)
_TABLE: Final = object_of(
    {
        "name": _WORD,
        "permission": {**_WORD, "description": "What is needed to name it."},
        "about": _WORD,
        "grain": {**_WORD, "description": "What a row is."},
        "measures": {**_WORD, "description": "What may be summed."},
        "invariants": {**_WORD, "description": "What always holds."},
        "columns": {"type": "array", "items": _COLUMN},
    }
)
_ABOUT: Final = (
    "One SELECT over the tables of `GET /v1/sql/schema`, which hold the tenant's facts and nobody else's; a "
    "table whose `permission` the asker lacks is refused. It runs in a "
    "process of its own, within limits of time, memory, rows and bytes; `truncated` says that there were more rows. "
    "Decimals and integers beyond 64 bits are text. A file comes by `format`, or else by `Accept`. "
    "That it was asked is recorded as an export is; the SQL is not."
)
_RUN: Final = (
    "As `POST /v1/sql`, of the text that is kept: whoever asks needs what its tables need, not who wrote it. "
    "A problem's `/sql` is that text. That it was asked is recorded with the query's id."
)


def sql_paths(document: Document) -> Json:
    """Asking, and what may be asked."""
    shape = page_of(
        {"type": "array", "items": {}, "description": "The values of a row, in the order of `columns`."},
        columns={
            "type": "array",
            "items": object_of({"name": _WORD, "type": {**_WORD, "description": "Arrow's."}}),
        },
        truncated={"type": "boolean"},
        completeness=ref("Completeness"),
    )
    asking = reading(
        "sql_ask", "Ask the facts in SQL", Permission.REPORTS_SQL, shared(("MinPosition",)), shape
    )
    asking["description"] = _ABOUT
    example = {
        "sql": "SELECT day, sum(events) AS events FROM fact_event_daily WHERE day >= $since GROUP BY day",
        "parameters": {"since": "2026-01-01"},
    }
    running = reading(
        "sql_run",
        "Ask what a saved query asks now",
        Permission.REPORTS_SQL,
        [{"name": "id", "in": "path", "required": True, "schema": UUID}, *shared(("MinPosition",))],
        shape,
    )
    running["description"] = _RUN
    for one, asked, given in ((asking, SqlAsked, example), (running, SqlGiven, {"format": "csv"})):
        media = {"schema": document.schema(asked), "example": given}
        one["requestBody"] = {"required": True, "content": {"application/json": media}}
        for form in FILES.values():
            one["responses"]["200"]["content"][form.media] = {"schema": {**_WORD, "format": "binary"}}
        one["responses"] |= problems((406, 413, 415, 422))
        certified(one)
    schema = reading(
        "sql_schema",
        "The tables, columns and functions that the asker may name in SQL",
        Permission.REPORTS_SQL,
        [],
        single(
            object_of(
                {
                    "tables": {"type": "array", "items": _TABLE},
                    "functions": _WORDS,
                    "table_functions": _WORDS,
                }
            )
        ),
    )
    return {
        "/v1/sql": {"post": asking},
        "/v1/sql/queries/{id}/run": {"post": running},
        "/v1/sql/schema": {"get": schema},
    }
