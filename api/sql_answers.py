"""Answers to SQL as JSON, for the API and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.exports.values import plain, rows_of

if TYPE_CHECKING:
    from application.ports.sql import SqlAnswer


def as_json(found: SqlAnswer) -> dict[str, Any]:
    """An answer as the API gives it. Columns may share a name, so that values are told by their order."""
    return {
        "columns": [{"name": one.name, "type": str(one.type)} for one in found.table.schema],
        "data": [list(map(plain, row)) for row in rows_of(found.table)],
        "next": None,
        "truncated": found.truncated,
        "position": found.position.token(),
        "as_of": plain(found.as_of),
    }
