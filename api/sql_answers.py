"""Answers to SQL as JSON, for the API and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.exports.values import plain

if TYPE_CHECKING:
    from adapters.exports.answered import Answered


def as_json(made: Answered) -> dict[str, Any]:
    """An answer as the API gives it, with its certificate.

    Columns may share a name, so that values are told by their order.
    """
    found = made.answer
    return {
        "columns": [{"name": one.name, "type": str(one.type)} for one in found.table.schema],
        "data": [list(map(plain, row)) for row in made.rows],
        "next": None,
        "truncated": found.truncated,
        "position": found.position.token(),
        "as_of": plain(found.as_of),
        "completeness": made.completeness.told(),
    }
