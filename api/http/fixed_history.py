"""The routes of the history, as the OpenAPI document shows them, and those of differences of views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.http.completeness_shapes import certified
from api.http.shapes import page_of, parameter, reading, shared, single
from api.http.shaping import MOMENT, Json, object_of, ref
from application.blame import WHY
from application.replay import HistoryFilters
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from api.http.openapi import Document

_TEXT: Final[Json] = {"type": "string"}
_UUID: Final[Json] = {"type": "string", "format": "uuid"}
_WHOLE: Final[Json] = {"type": "integer"}
_MAYBE: Final[Json] = {"type": ["string", "null"]}
_STREAM: Final = parameter("stream", "The stream, as `category:id`.", _TEXT, needed=True)
_BECAUSE: Final[Json] = {"anyOf": [ref("Because"), {"type": "null"}]}
_SHAPES: Final[Json] = {
    "Because": object_of(
        {
            "position": _WHOLE,
            "recorded_at": {"type": "string", "format": "date-time"},
            "event": _TEXT,
            "version": _WHOLE,
            "actor": {"type": "object"},
            **dict.fromkeys(WHY, _MAYBE),
        },
        about="An event, who did it, through what, by which command, and the reason that they gave.",
    ),
    "Blame": object_of(
        {
            "stream": _TEXT,
            "version": _WHOLE,
            "fields": {
                "type": "array",
                "items": object_of({"path": _TEXT, "value": {}, "before": {}, "because": _BECAUSE}),
            },
        },
        about="`path` is a JSON pointer into the state; `because` null: it has been so from the beginning.",
    ),
    "CausingCommand": object_of(
        {
            "command": _TEXT,
            "actor": {"type": ["object", "null"]},
            **dict.fromkeys(("command_name", "channel", "request", "reason", "causation"), _MAYBE),
            "events": {"type": "array", "items": ref("CausedEvent")},
            "commands": {"type": "array", "items": ref("CausingCommand")},
            "more": {
                **_WHOLE,
                "description": "So many commands follow from it that are too deep to be shown.",
            },
        },
        about="A command; `commands` are those that it gave itself, without a job.",
    ),
    "CausedEvent": object_of(
        {
            "position": _WHOLE,
            "recorded_at": {"type": "string", "format": "date-time"},
            "event": _TEXT,
            "stream": _TEXT,
            "version": _WHOLE,
            "jobs": {
                "type": "array",
                "items": object_of(
                    {
                        "job": _UUID,
                        "workflow": _TEXT,
                        "subject": _TEXT,
                        "due_at": {"type": "string", "format": "date-time"},
                        "commands": {"type": "array", "items": ref("CausingCommand")},
                    }
                ),
            },
        },
        about="An event, and the jobs that it made due.",
    ),
    "Causes": object_of(
        {
            "asked": _WHOLE,
            "correlation": _UUID,
            "events": {**_WHOLE, "description": "How many events of it were found."},
            "above": {**_WHOLE, "description": "How many commands lie above the first that is shown."},
            "tree": ref("CausingCommand"),
            "looked_at": {
                "type": "array",
                "items": object_of({"after": _WHOLE, "up_to": _WHOLE}),
                "description": "Stretches of positions (exclusive, inclusive) that were looked at.",
            },
            "complete": {
                "type": "boolean",
                "description": "Whether they are all in which anything of it can be.",
            },
        }
    ),
}


def history_paths(document: Document) -> Json:
    """Paths with their operations."""
    document.schemas |= _SHAPES
    filters = document.parameters(HistoryFilters)
    for one in filters:
        if one["schema"].get("type") == "array":
            one |= {"style": "form", "explode": False}
    direction = parameter(
        "direction",
        "From the first event on, or from the last one back.",
        {"type": "string", "enum": ["forward", "backward"]},
    )
    at = {"type": "string", "description": "A position token, or a moment with its offset."}
    allowed = Permission.HISTORY_READ
    page = page_of(
        ref("HistoryEvent"), looked_at={"type": "integer", "description": "Events looked at for this page."}
    )
    events = reading(
        "history_events",
        "What happened, in order",
        allowed,
        [*filters, direction, *shared(("Cursor", "Limit"))],
        page,
    )
    accesses = reading(
        "access_reads",
        "Who read what: personal values, exports, and everything that staff read",
        Permission.ACCESS_READ,
        [*filters, direction, *shared(("Cursor", "Limit"))],
        page,
    )
    return {
        "/v1/history": {"get": certified(events)},
        "/v1/access": {"get": certified(accesses)},
        "/v1/history/state": {
            "get": reading(
                "history_state",
                "What a stream was, as of a position or a moment",
                allowed,
                [_STREAM, parameter("at", "As of when; now unless given.", at)],
                single(ref("StreamState")),
            )
        },
        "/v1/history/difference": {
            "get": reading(
                "history_difference",
                "What changed in a stream between two moments, field by field",
                allowed,
                [
                    _STREAM,
                    parameter("from", "The earlier one.", at, needed=True),
                    parameter("to", "The later one; now unless given.", at),
                ],
                single(ref("Difference")),
            )
        },
        "/v1/history/blame": {
            "get": reading(
                "history_blame",
                "For each field of a stream the event that gave it its value, and why",
                allowed,
                [_STREAM, *shared(("At",))],
                single(ref("Blame")),
            )
        },
        "/v1/history/causes": {
            "get": reading(
                "history_causes",
                "What led to what: commands, their events, the jobs that these made due, and so on, as a tree",
                allowed,
                [
                    parameter("position", "Of an event: its number, or a token.", _TEXT),
                    parameter("command", "Or the id of a command.", _UUID),
                    parameter("correlation", "Or the id of the first of all commands.", _UUID),
                ],
                single(ref("Causes")),
            )
        },
    }


def difference_of(operation: str, own: list[Json], row: Json, permission: Permission) -> Json:
    """What changed in a view: `own` are its filters, `row` is one of its rows."""
    at = {
        "type": "string",
        "description": "A position (its number, or a token), or a moment with its offset.",
    }
    maybe = {"anyOf": [row, {"type": "null"}]}
    change = object_of(
        {
            "change": {"enum": ["added", "gone", "changed"]},
            "before": maybe,
            "after": maybe,
            "because": _BECAUSE,
            "fields": {
                "type": "array",
                "items": object_of({"path": _TEXT, "before": {}, "after": {}, "because": _BECAUSE}),
            },
            "since": {
                "type": ["integer", "null"],
                "description": "Where too many events touched it: those after this position alone were looked at.",
            },
        }
    )
    made = reading(
        f"{operation}_difference",
        "What changed between two moments, row by row and field by field, each with the event that did it",
        permission,
        [
            *own,
            parameter("from", "The earlier one.", at, needed=True),
            parameter(
                "to", "The later one; now unless given. Give the answer's `position` for more pages.", at
            ),
            *shared(("Cursor", "Limit")),
        ],
        page_of(change, **{"from": object_of({"position": _TEXT, "as_of": MOMENT})}),
    )
    made["description"] = (
        "It takes `history.read` besides. `because` is null where no event that was looked at did it: it follows from "
        "the clock, or from what happened to other things long before. A view of more than 5,000 rows is to be "
        "narrowed by its filters."
    )
    return made
