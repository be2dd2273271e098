"""The shapes of what some commands tell besides: decisions on messages, what campaigns lack, erasures."""

from __future__ import annotations

from typing import Any, Final

from domain.audience.going_on import WhyItGoesOn
from domain.campaign.approval import Part
from domain.law.content import Element
from domain.law.pack import Verdict
from domain.law.statements import Confidence

_UUID: Final = {"type": "string", "format": "uuid"}
_MOMENT: Final = {"type": ["string", "null"], "format": "date-time"}
_TEXT: Final = {"type": ["string", "null"]}
_VERDICT: Final = {"type": "string", "enum": [one.value for one in Verdict]}
_MISSING: Final = {
    "type": "array",
    "items": {"type": "string"},
    "description": "Facts that nobody knows, and that would turn the answer.",
}


def _object(properties: dict[str, Any], about: str, *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
        "description": about,
    }


_REASON: Final = _object(
    {
        "verdict": _VERDICT,
        "law": {**_TEXT, "description": "The rule pack; null for suppressions and missing facts."},
        "rule": {"type": "string"},
        "about": {
            **_TEXT,
            "description": "In plain words; null where this version of the pack is not at hand.",
        },
        "remedy": {**_TEXT, "description": "What would make it legal."},
        "missing": _MISSING,
        "entries": {
            "type": "array",
            "items": {"type": "integer"},
            "description": "Versions of the events in the addressee's stream that it rests on.",
        },
        "until": {**_MOMENT, "description": "When it lapses by itself."},
        "cites": {"type": "string"},
        "confidence": {"type": "string", "enum": [one.value for one in Confidence]},
        "basis": _TEXT,
    },
    "Why.",
    optional=("cites", "confidence", "basis"),
)

RESULTS: Final[dict[str, Any]] = {
    "Decision": _object(
        {
            "message_id": _UUID,
            "verdict": _VERDICT,
            "expires_at": {**_MOMENT, "description": "Until when an allow may be used."},
            "reasons": {"type": "array", "items": _REASON, "description": "The strictest first."},
            "packs": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "The version of each law's pack.",
            },
        },
        "Whether one message may go to one person.",
    ),
    "HandOver": _object(
        {
            "dispatched": {"type": "boolean", "description": "Whether the message may be handed over now."},
            "decision": {"anyOf": [{"$ref": "#/components/schemas/Decision"}, {"type": "null"}]},
        },
        "The hand-over of a message; `decision` where it was decided again, since facts came after the allow.",
    ),
    "Decisions": _object(
        {
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
            "decisions": {
                "type": "array",
                "items": _object(
                    {
                        "message_id": _UUID,
                        "addressee_id": _UUID,
                        "verdict": _VERDICT,
                        "expires_at": _MOMENT,
                        "law": _TEXT,
                        "rule": _TEXT,
                        "missing": _MISSING,
                    },
                    "One of them, with the reason that weighs most.",
                ),
            },
        },
        "What was decided of many messages. `dispatched` counts those that had gone before.",
    ),
    "Lacking": _object(
        {
            "content_hash": {"type": "string", "description": "Of the content that was looked at."},
            "countries": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Whose laws were looked at, the sender's among them.",
            },
            "missing": {
                "type": "array",
                "items": _object(
                    {
                        "law": {"type": "string", "description": "The rule pack."},
                        "requirement": {"type": "string"},
                        "element": {"type": "string", "enum": [one.value for one in Element]},
                        "about": {"type": "string", "description": "What the law wants."},
                        "cites": {"type": "string"},
                        "confidence": {"type": "string", "enum": [one.value for one in Confidence]},
                        "remedy": {"type": "string", "description": "What to do about it."},
                    },
                    "An element that a law wants and the message does not hold.",
                ),
            },
            "missing_tokens": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Tokens that every body has to show, and one does not.",
            },
        },
        "What a campaign lacks. Not told where it is as before.",
    ),
    "Erasure": _object(
        {
            "addressee_id": {
                **_UUID,
                "description": "Whose certificate it will be: `audience/erasures/{id}`.",
            },
            "evidence_ends": {**_MOMENT, "description": "When the last period for keeping proof ends."},
            "evidence_until": {
                **_MOMENT,
                "description": "When the key of the proof is destroyed; null while a legal hold stands.",
            },
        },
        "The erasure of a person.",
    ),
}
RESULTS["Received"] = _object(
    {
        "due": {"type": "string", "format": "date", "description": "The last day in time."},
        "due_at": {"type": "string", "format": "date-time", "description": "When that day is over."},
        "acknowledge_by": {"type": ["string", "null"], "format": "date"},
        "place_assumed": {
            "type": "boolean",
            "description": "Nobody knows where the person is, so every law counts.",
        },
        "addressee_id": {"type": ["string", "null"], "format": "uuid"},
        "terms": {
            "type": "array",
            "items": {"type": "object", "additionalProperties": True},
            "description": "What each law says, the earliest first.",
        },
    },
    "By when a request is to be answered, and whether somebody is known by this address.",
)
RESULTS["Approval"] = _object(
    {
        "content_hash": {"type": "string", "description": "Of the content that it is a yes to."},
        "part": {"type": "string", "enum": [one.value for one in Part]},
        "complete": {"type": "boolean", "description": "No other yes is wanted: the campaign is approved."},
        "countries": {
            "type": ["array", "null"],
            "items": {"type": "string"},
            "description": "To whose people it is a yes; empty: to people anywhere.",
        },
        "recipients": {"type": ["integer", "null"], "description": "How many were on the lists."},
        "declared": {
            "type": ["object", "null"],
            "additionalProperties": {"type": ["boolean", "integer"]},
            "description": "What the author alone states of the message, and who says yes answers for.",
        },
    },
    "What was said yes to.",
)
RESULTS["ConsentEntered"] = _object(
    {
        "opt_outs_lifted": {
            "type": "boolean",
            "description": "Whether it ended what the person had said before.",
        },
        "opt_outs_going_on": {
            "type": "array",
            "items": _object(
                {
                    "entry": {
                        "type": "integer",
                        "description": "The version of its event in the addressee's stream.",
                    },
                    "kind": {"type": "string"},
                    "scope": {"type": "string"},
                    "within": {**_TEXT, "description": "The kind of campaign that it is of."},
                    "said_at": {
                        "type": "string",
                        "format": "date-time",
                        "description": "When it was said last.",
                    },
                    "why": {"type": "string", "enum": [one.value for one in WhyItGoesOn]},
                    "about": {"type": "string", "description": "Why in plain words, and what would lift it."},
                },
                "An opt-out that goes on.",
            ),
            "description": "Of all mail and of kinds of campaigns; those of one workspace's mail are in the register.",
        },
    },
    "What a consent did to the person's opt-outs.",
)
ASKED_BY: Final = _object(
    {
        "email": _TEXT,
        "requester": _TEXT,
        "words": _TEXT,
        "said": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
    },
    "Who asks about their data; [erased] once that was forgotten.",
)
DISCLOSURE: Final = _object(
    {
        "about": {"type": "object", "additionalProperties": True},
        "standing": {"type": "object", "additionalProperties": True},
        "processing": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
        "contacts": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
        "history": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
        "kept_after_erasure": {
            "type": "array",
            "items": _object(
                {
                    "about": {"type": "string", "description": "What is kept and why, in plain words."},
                    "erased_at": _MOMENT,
                    "proof_kept": {"type": "boolean"},
                    "proof_kept_until": _MOMENT,
                    "suppressions": {
                        "type": "array",
                        "items": {"type": "object", "additionalProperties": True},
                    },
                    "data_not_sold_since": _MOMENT,
                    "history": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
                },
                "What is kept of somebody who had the address and was erased.",
            ),
        },
    },
    "What is held of a person, and what it is used for; the latter, `standing` and what is kept of who had the address "
    "and was erased are left out of what is portable. Of somebody who was erased and is not back nothing stands now.",
    optional=("standing", "processing", "kept_after_erasure"),
)
_COUNT: Final = {"type": "integer"}
_COUNTS: Final = {"type": "object", "properties": {one.value: _COUNT for one in Verdict}}
PREVIEWS: Final[dict[str, Any]] = {
    "PreviewProgress": _object(
        {"progress": _object({"judged": _COUNT, "people": _COUNT}, "People so far, and in all.")},
        "How far a preview is.",
    ),
    "Preview": _object(
        {
            "preview": _object(
                {
                    "people": _COUNT,
                    "verdicts": _COUNTS,
                    "never_written_to": {
                        **_COUNT,
                        "description": "Those to whom nothing was ever sent from here.",
                    },
                    "laws": {
                        "type": "object",
                        "additionalProperties": _COUNTS,
                        "description": "What each law says of those whom it is about.",
                    },
                    "reasons": {
                        "type": "array",
                        "items": _object(
                            {
                                "verdict": _VERDICT,
                                "law": _TEXT,
                                "rule": {"type": "string"},
                                "missing": _MISSING,
                                "people": _COUNT,
                                "about": _TEXT,
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
    "judged": {**_COUNT, "description": "Decisions that were judged again."},
    "identical": {**_COUNT, "description": "Those that came out the same, to the byte."},
    "same_verdict": {**_COUNT, "description": "Those with other reasons, or by another version of a pack."},
    "flipped": {**_COUNT, "description": "Those that would be others; each has its line."},
    "without_packs": {
        **_COUNT,
        "description": "Those made by a version that is not at hand; they were not judged.",
    },
}
_LED: Final = _object(
    {"verdict": _VERDICT, "law": _TEXT, "rule": {"type": "string"}},
    "A verdict, and the law and rule that weighed most.",
)
REJUDGED: Final[dict[str, Any]] = {
    "RejudgingProgress": _object(
        {
            "progress": _object(
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
    "Flip": _object(
        {
            "flip": _object(
                {
                    "position": {"type": "integer"},
                    "stream": {"type": "string"},
                    "version": {"type": "integer"},
                    "recorded_at": {"type": "string", "format": "date-time"},
                    "message_id": _UUID,
                    "workspace_id": _UUID,
                    "before": _LED,
                    "after": _LED,
                },
                "Where the decision stands in the log, and what led to it then and now.",
            )
        },
        "A decision that would be another.",
    ),
    "Rejudged": _object(
        {
            "summary": _object(_TALLY, "What came of it."),
            "position": {"type": "string"},
            "as_of": {"type": "string", "format": "date-time"},
        },
        "Decisions of a period, judged again.",
    ),
    "RejudgingBrokeOff": _object(
        {
            "problem": {"$ref": "#/components/schemas/Problem"},
            "position": {"type": "string"},
            "as_of": {"type": "string", "format": "date-time"},
        },
        "Why it ended before its end. Go on with `start`, from the last progress.",
    ),
    "RulePack": _object(
        {
            "law": {"type": "string"},
            "title": {"type": "string"},
            "countries": {"type": "array", "items": {"type": "string"}},
            "version": {"type": "string", "description": "The beginning of the SHA-256 of its text."},
            "adopted_at": {**_MOMENT, "description": "Since when decisions were made by it."},
            "current": {"type": "boolean", "description": "Whether they are made by it now."},
            "statements": {**_COUNT, "description": "All of them: rules, deadlines, content and remarks."},
            "rules": _COUNT,
            "deadlines": _COUNT,
            "content": _COUNT,
            "also": {**_COUNT, "description": "Remarks: what it says that nothing is decided by."},
            "missing": {
                "type": "array",
                "items": _object(
                    {
                        "name": {"type": "string"},
                        "command": {**_TEXT, "description": "What takes it, as `context/slug`; null: none."},
                        "field": {**_TEXT, "description": "The command's field."},
                        "value": {**_TEXT, "description": "The field's value, where it is one of several."},
                        "to_settle": {
                            **_TEXT,
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
RESULT: Final[dict[str, Any]] = {
    "anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in RESULTS],
    "description": "What some commands tell besides: decisions, what goes on or is lacking, what was approved, terms.",
}
