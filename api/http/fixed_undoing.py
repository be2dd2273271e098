"""Undo with consequences, as the OpenAPI document shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.http.shapes import parameter, reading, single
from api.http.shaping import COUNT, TEXT, UUID, Json, object_of, ref
from application.undoing.preview import Verdict
from domain.kernel.permissions import Permission
from domain.undoing.ways import Why

if TYPE_CHECKING:
    from api.http.openapi import Document

_WORD: Final[Json] = {"type": "string"}
_AT: Final[Json] = {"type": "string", "format": "date-time"}
_NAMED: Final[Json] = {
    "name": _WORD,
    "stream": _WORD,
    "version": COUNT,
    "position": COUNT,
    "recorded_at": _AT,
}


def _list(items: Json, *, known: bool = True) -> Json:
    return {"type": "array" if known else ["array", "null"], "items": items}


_SHAPES: Final[Json] = {
    "UndoneEvent": object_of(
        {
            **_NAMED,
            "undone": {"enum": ["by_commands", "along_with_others", "with_another_command", "never"]},
            "why": {"enum": [*(why.value for why in Why), None]},
            "detail": TEXT,
            "along_with": _list(_WORD),
        },
        about="An event of the command, and how it is undone; `why` says why it never is.",
    ),
    "Undoing": object_of(
        {
            "undoes": {**COUNT, "description": "Position of the event."},
            "command": _WORD,
            "path": {**_WORD, "description": "Where it is posted, with `body`."},
            "body": {"type": "object"},
            "lacks": _list(object_of({"field": _WORD, "why": {"enum": ["ask", "sealed", "erased"]}})),
            "note": TEXT,
            "would_append": _list(object_of({"name": _WORD, "data": {"type": "object"}}), known=False),
            "refused": {
                "anyOf": [object_of({"code": _WORD, "detail": _WORD}), {"type": "null"}],
                "description": "The rule that says no, as things are now.",
            },
            "errors": _list({"type": "object"}),
        },
        about="A command that undoes it, filled in, and what a dry run of it said; nothing, where fields are lacking.",
    ),
    "RestsOnIt": object_of(
        {**_NAMED, "how": {"enum": ["follows", "same_stream", "names_it", "made_from"]}},
        about="An event that rests on it.",
    ),
    "Undo": object_of(
        {
            "asked": COUNT,
            "command": _WORD,
            "command_name": TEXT,
            "actor": {"type": ["object", "null"]},
            "reason": TEXT,
            "verdict": {"enum": [one.value for one in Verdict]},
            "reasons": _list(
                object_of({"code": _WORD, "detail": _WORD, "position": {"type": ["integer", "null"]}})
            ),
            "events": _list(ref("UndoneEvent")),
            "by": {
                **_list(ref("Undoing")),
                "description": "In this order; each was rehearsed after those before.",
            },
            "rests_on_it": object_of(
                {
                    "events": _list(ref("RestsOnIt")),
                    "jobs": _list(
                        object_of(
                            {"job": UUID, "workflow": _WORD, "subject": _WORD, "done": {"type": "boolean"}}
                        )
                    ),
                    "made_from": {
                        **_list(ref("RestsOnIt")),
                        "description": "Packs that were sealed, and files that were delivered, from then on.",
                    },
                    "webhooks": {
                        **_list(object_of({"endpoint_id": UUID, "positions": _list(COUNT)}), known=False),
                        "description": "Endpoints that were sent its events; null: you may not see them.",
                    },
                    "exports": {
                        **_list(
                            object_of(
                                {"query": _WORD, "reader_id": UUID, "position": _WORD, "recorded_at": _AT}
                            ),
                            known=False,
                        ),
                        "description": "Exports made from then on; null: you may not see who read what.",
                    },
                    "looked_at": object_of({"after": COUNT, "up_to": COUNT}),
                    "complete": {"type": "boolean"},
                }
            ),
        },
        about="Whether a command may be undone, by what, and what rests on it.",
    ),
}


def undo_paths(document: Document) -> Json:
    """Paths with their operations."""
    document.schemas |= _SHAPES
    made = reading(
        "history_undo",
        "What would undo a command, rehearsed as things are now, and what rests on it since",
        Permission.HISTORY_READ,
        [
            parameter("position", "Of an event: its number, or a token.", _WORD),
            parameter("command", "Or the id of a command.", UUID),
        ],
        single(ref("Undo")),
    )
    made["description"] = (
        "Asking changes nothing. What undoes it is sent by you, and takes its own permissions."
    )
    return {"/v1/history/undo": {"get": made}}
