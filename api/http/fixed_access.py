"""The route of the access log's review, as the OpenAPI document shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.http.shapes import reading, single
from api.http.shaping import UUID, Json, object_of
from domain.access.policy import AlertRule
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from api.http.openapi import Document

_NUMBER: Final[Json] = {"type": "integer"}
_MAYBE: Final[Json] = {"type": ["string", "null"], "format": "date-time"}
_READERS: Final[Json] = {"type": "array", "items": object_of({"reader_id": UUID, "entries": _NUMBER})}
_OPEN: Final = object_of(
    {
        "after_position": _NUMBER,
        "to_position": {
            **_NUMBER,
            "description": "Up to where it is counted: as many entries as are signed off at once.",
        },
        "entries": _NUMBER,
        "staff_entries": _NUMBER,
        "denied_requests": _NUMBER,
        "kinds": {"type": "object", "additionalProperties": _NUMBER},
        "readers": _READERS,
        "readers_count": _NUMBER,
        "first_at": _MAYBE,
        "last_at": _MAYBE,
    }
)
_OWN: Final = object_of(
    {"reader_id": UUID, "after_position": _NUMBER, "to_position": _NUMBER, "entries": _NUMBER}
)


def access_paths(document: Document) -> Json:
    """Where the review stands."""
    shape = object_of(
        {
            "signed_to": _NUMBER,
            "last_position": _NUMBER,
            "cadence_days": _NUMBER,
            "due_at": {
                **_MAYBE,
                "description": "When the oldest entry that nobody signed off has waited too long.",
            },
            "overdue": {"type": "boolean"},
            "open": _OPEN,
            "own_reads": {
                "type": "array",
                "items": _OWN,
                "description": "What officers read themselves in periods that they signed: another signs that off.",
            },
            "open_questions": _NUMBER,
            "open_alerts": _NUMBER,
            "rules": {"type": "array", "items": document.schema(AlertRule, mode="serialization")},
        }
    )
    told = reading(
        "access_review",
        "How far the access log is signed off, what is open, and whether it is overdue",
        Permission.ACCESS_READ,
        [],
        single(shape),
    )
    told["description"] = "Positions of `data` are of the access log; `position` is of the log of events."
    return {"/v1/access/review": {"get": told}}
