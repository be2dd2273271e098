"""The shapes of what is judged while an answer is written, and of the packs that it is judged by."""

from __future__ import annotations

from typing import Final

from api.http.shaping import COUNT, MISSING, MOMENT, TEXT, UUID, VERDICT, Json, object_of, ref
from domain.law.pack import Verdict

_COUNTS: Final = {"type": "object", "properties": {one.value: COUNT for one in Verdict}}
PREVIEWS: Final[Json] = {
    "PreviewProgress": object_of(
        {"progress": object_of({"judged": COUNT, "people": COUNT}, "People so far, and in all.")},
        "How far a preview is.",
    ),
    "Preview": object_of(
        {
            "preview": object_of(
                {
                    "people": COUNT,
                    "verdicts": _COUNTS,
                    "never_written_to": {
                        **COUNT,
                        "description": "Those to whom nothing was ever sent from here.",
                    },
                    "laws": {
                        "type": "object",
                        "additionalProperties": _COUNTS,
                        "description": "What each law says of those whom it is about.",
                    },
                    "reasons": {
                        "type": "array",
                        "items": object_of(
                            {
                                "verdict": VERDICT,
                                "law": TEXT,
                                "rule": {"type": "string"},
                                "missing": MISSING,
                                "people": COUNT,
                                "about": TEXT,
                            },
                            "A reason, and of how many people it is the one that weighs most.",
                        ),
                    },
                },
                "Who may be mailed, and who not.",
            ),
            "position": {"type": "string"},
            "as_of": {"type": "string", "format": "date-time"},
        },
        "An audience, judged at one moment.",
    ),
}
_TALLY: Final = {
    "judged": {**COUNT, "description": "Decisions that were judged again."},
    "identical": {**COUNT, "description": "Those that came out the same, to the byte."},
    "same_verdict": {**COUNT, "description": "Those with other reasons, or by another version of a pack."},
    "flipped": {**COUNT, "description": "Those that would be others; each has its line."},
    "without_packs": {
        **COUNT,
        "description": "Those made by a version that is not at hand; they were not judged.",
    },
}
_LED: Final = object_of(
    {"verdict": VERDICT, "law": TEXT, "rule": {"type": "string"}},
    "A verdict, and the law and rule that weighed most.",
)
REJUDGED: Final[Json] = {
    "RejudgingProgress": object_of(
        {
            "progress": object_of(
                {
                    "position": {
                        "type": "string",
                        "description": "How far it is; `start` of another request goes on from here.",
                    },
                    "until": {"type": "string", "description": "Where it ends."},
                    **_TALLY,
                },
                "What came of it so far.",
            )
        },
        "How far a rejudging is.",
    ),
    "Flip": object_of(
        {
            "flip": object_of(
                {
                    "position": {"type": "integer"},
                    "stream": {"type": "string"},
                    "version": {"type": "integer"},
                    "recorded_at": {"type": "string", "format": "date-time"},
                    "message_id": UUID,
                    "workspace_id": UUID,
                    "before": _LED,
                    "after": _LED,
                },
                "Where the decision stands in the log, and what led to it then and now.",
            )
        },
        "A decision that would be another.",
    ),
    "Rejudged": object_of(
        {
            "summary": object_of(_TALLY, "What came of it."),
            "position": {"type": "string"},
            "as_of": {"type": "string", "format": "date-time"},
        },
        "Decisions of a period, judged again.",
    ),
    "RejudgingBrokeOff": object_of(
        {
            "problem": ref("Problem"),
            "position": {"type": "string"},
            "as_of": {"type": "string", "format": "date-time"},
        },
        "Why it ended before its end. Go on with `start`, from the last progress.",
    ),
    "RulePack": object_of(
        {
            "law": {"type": "string"},
            "title": {"type": "string"},
            "countries": {"type": "array", "items": {"type": "string"}},
            "version": {"type": "string", "description": "The beginning of the SHA-256 of its text."},
            "adopted_at": {**MOMENT, "description": "Since when decisions were made by it."},
            "current": {"type": "boolean", "description": "Whether they are made by it now."},
            "statements": {**COUNT, "description": "All of them: rules, deadlines, content and remarks."},
            "rules": COUNT,
            "deadlines": COUNT,
            "content": COUNT,
            "also": {**COUNT, "description": "Remarks: what it says that nothing is decided by."},
            "missing": {
                "type": "array",
                "items": object_of(
                    {
                        "name": {"type": "string"},
                        "command": {**TEXT, "description": "What takes it, as `context/slug`; null: none."},
                        "field": {**TEXT, "description": "The command's field."},
                        "value": {**TEXT, "description": "The field's value, where it is one of several."},
                        "to_settle": {
                            **TEXT,
                            "description": "What a lawyer has to settle: no entry clears it. Null: a command does.",
                        },
                    },
                    "A fact, or a matter that no entry clears.",
                ),
                "description": "All that a reason by it may name as `missing`.",
            },
        },
        "A version of a law's rule pack.",
    ),
}
