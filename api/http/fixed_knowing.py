"""What was known at an approval, as the OpenAPI document shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.http.shapes import parameter, reading, single
from api.http.shaping import COUNT, TEXT, Json, object_of, ref
from api.known import Leaves
from domain.access.approvals import APPROVALS
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from api.http.openapi import Document

_WORD: Final[Json] = {"type": "string"}
_AT: Final[Json] = {"type": "string", "format": "date-time"}
_SHAPES: Final[Json] = {
    "ReadBefore": object_of(
        {
            "at": _AT,
            "query": _WORD,
            "position": TEXT,
            "entry": {**COUNT, "description": "Its position in the log of reads."},
            "surely": {
                "type": "boolean",
                "description": "False: of a page of this kind; of which row, you may not see.",
            },
        },
        about="A read of the approver's in the hour before; `position` is what the page was made from.",
    ),
    "KnownThen": object_of(
        {
            "name": _WORD,
            "stream": _WORD,
            "version": COUNT,
            "position": COUNT,
            "recorded_at": _AT,
            "approver": {"type": "object"},
            "reason": TEXT,
            "event": {"type": "object"},
            "stood_at": {**_WORD, "description": "Where the log stood when they looked."},
            "pages": {
                "type": "array",
                "items": object_of(
                    {
                        "page": _WORD,
                        "address": {**_WORD, "description": "Opens the page as it stood."},
                        "leaves_entries": {
                            "enum": [one.value for one in Leaves],
                            "description": "Whether the approver's reads of it were recorded: `where_personal`, where "
                            "it showed them personal values.",
                        },
                        "opened": {"type": ["array", "null"], "items": ref("ReadBefore")},
                    }
                ),
            },
            "reads": {
                "type": ["array", "null"],
                "items": ref("ReadBefore"),
                "description": "All of the approver's recorded reads of the hour; null: you may not see who read what.",
            },
            "all_reads": {"type": "boolean"},
            "then": {"type": "object", "description": "What was approved, with the approval."},
            "changes_since": {
                "type": "array",
                "items": object_of({"path": _WORD, "before": {}, "after": {}}),
            },
        },
        about="What was known at an approval.",
    ),
}


def known_paths(document: Document) -> Json:
    """Paths with their operations."""
    document.schemas |= _SHAPES
    made = reading(
        "history_known",
        "What was known when somebody approved: the pages as they stood, which were opened, what changed since",
        Permission.HISTORY_READ,
        [parameter("position", "Of the approval: its number, or a token.", _WORD, needed=True)],
        single(ref("KnownThen")),
    )
    made["description"] = (
        f"Approvals are {', '.join(f'`{name}`' for name in sorted(APPROVALS))}. The pages take their own permissions."
    )
    return {"/v1/history/known": {"get": made}}
