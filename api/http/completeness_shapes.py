"""The certificate that goes with every export, as the OpenAPI document shows it."""

from __future__ import annotations

from typing import Final

from api.http.answer_headers import headers_of
from api.http.shaping import Json, object_of
from application.completeness import FORMAT

_TEXT: Final[Json] = {"type": "string"}
_NUMBER: Final[Json] = {"type": "integer", "minimum": 0}
_PERHAPS: Final[Json] = {"type": ["integer", "null"], "minimum": 0}

COMPLETENESS: Final = object_of(
    {
        "format": {"const": FORMAT},
        "tenant": {"type": "string", "format": "uuid"},
        "log": {"type": "string", "enum": ["events", "access"]},
        "position": _TEXT,
        "positions": object_of({"first": _NUMBER, "last": _NUMBER}),
        "logs": {**_NUMBER, "description": "Of all customers: how many logs."},
        "digest": {"type": "string", "description": "Of all customers: of the logs' positions."},
        "rows": {**_PERHAPS, "description": "How many are in it; null where its last line tells."},
        "complete": {
            "type": "boolean",
            "description": "Whether nothing was cut off at a limit, or on a further page.",
        },
        "hidden": {
            "type": "array",
            "items": object_of(
                {
                    "filter": _TEXT,
                    "asked": _TEXT,
                    "rows": {**_PERHAPS, "description": "How many it hid; null where nobody counted."},
                }
            ),
        },
        "checkpoint": {
            "anyOf": [
                object_of(
                    {
                        "origin": _TEXT,
                        "size": _NUMBER,
                        "root": {"type": "string", "contentEncoding": "base64"},
                        "covers": {
                            "type": "boolean",
                            "description": "Whether it holds every position that this was made from.",
                        },
                    }
                ),
                {"type": "null"},
            ]
        },
        "verify": {"type": "string", "description": "How it is checked, in words."},
    },
    optional=("log", "position", "positions", "logs", "digest", "checkpoint"),
    about="What an export was made from, how much is in it, what was left out, and what it is checked against.",
)


def certified(made: Json) -> Json:
    """An operation whose answers carry the certificate in a header."""
    made["responses"]["200"]["headers"] |= headers_of(("Completeness",))
    return made
