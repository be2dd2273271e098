"""The shapes of why reports differ."""

from __future__ import annotations

from typing import Final

from api.http.shaping import TEXT, Json, object_of

_TEXT: Final[Json] = {"type": "string"}
_NUMBER: Final[Json] = {"type": ["integer", "number", "null"]}
_INTEGER: Final[Json] = {"type": "integer"}
_EVENT: Final[Json] = {
    "position": _INTEGER,
    "name": _TEXT,
    "recorded_at": {"type": "string", "format": "date-time"},
    "effective_on": {"type": ["string", "null"], "format": "date"},
    "arrived": {"type": "string", "enum": ["new", "late", "before"]},
}
_LEFT_OUT: Final = object_of({"events": _INTEGER, "weight": _INTEGER})
_NOT_SUMMED: Final[Json] = {
    "type": "array",
    "items": object_of(
        {
            "measure": _TEXT,
            "unit": _TEXT,
            "before": _NUMBER,
            "after": _NUMBER,
            "parts": {"type": "array", "items": _TEXT},
        }
    ),
}
_WEIGHED: Final[Json] = {**_EVENT, "before": _INTEGER, "after": _INTEGER}
_OF_ALL: Final = {"tenant_id": {"type": "string", "format": "uuid"}, **_WEIGHED}
DIFFERENCES: Final[Json] = {
    "DifferentCell": object_of(
        {
            "cell": {"type": "object", "additionalProperties": TEXT},
            "changed": {
                "type": "array",
                "description": "Words that tell something of the row and name none, such as whether a target was "
                "attained: as they were, and are.",
                "items": object_of({"dimension": _TEXT, "before": TEXT, "after": TEXT}),
            },
            "measures": {
                "type": "array",
                "items": object_of(
                    {
                        "measure": _TEXT,
                        "unit": _TEXT,
                        "scale": {"type": "integer", "description": "So many of a weight are one of `unit`."},
                        "before": _NUMBER,
                        "after": _NUMBER,
                        "difference": {"type": "integer", "description": "In weights."},
                        "events": {
                            "type": "array",
                            "items": object_of(_WEIGHED),
                        },
                        "moved_by": {"type": "array", "items": object_of({**_EVENT, "moved": _INTEGER})},
                        "left_out": _LEFT_OUT,
                    }
                ),
            },
            "not_summed": _NOT_SUMMED,
        },
        about="A row that differs, and what made each of its figures differ.",
    ),
    "DifferentCellOfAll": object_of(
        {
            "cell": {"type": "object", "additionalProperties": TEXT},
            "measures": {
                "type": "array",
                "items": object_of(
                    {
                        "measure": _TEXT,
                        "unit": _TEXT,
                        "before": _NUMBER,
                        "after": _NUMBER,
                        "difference": _INTEGER,
                        "events": {"type": "array", "items": object_of(_OF_ALL)},
                        "left_out": _LEFT_OUT,
                    }
                ),
            },
            "not_summed": _NOT_SUMMED,
        },
        about="A row of all customers that differs, and what made each of its figures differ.",
    ),
}
