"""The shapes of what some commands tell besides: decisions on messages, what campaigns lack, erasures."""

from __future__ import annotations

from typing import Final

from api.http.shaping import MISSING, MOMENT, TEXT, UUID, VERDICT, Json, object_of, ref
from domain.audience.going_on import WhyItGoesOn
from domain.campaign.approval import Part
from domain.law.content import Element
from domain.law.statements import Confidence

_REASON: Final = object_of(
    {
        "verdict": VERDICT,
        "law": {**TEXT, "description": "The rule pack; null for suppressions and missing facts."},
        "rule": {"type": "string"},
        "about": {
            **TEXT,
            "description": "In plain words; null where this version of the pack is not at hand.",
        },
        "remedy": {**TEXT, "description": "What would make it legal."},
        "missing": MISSING,
        "entries": {
            "type": "array",
            "items": {"type": "integer"},
            "description": "Versions of the events in the addressee's stream that it rests on.",
        },
        "until": {**MOMENT, "description": "When it lapses by itself."},
        "cites": {"type": "string"},
        "confidence": {"type": "string", "enum": [one.value for one in Confidence]},
        "basis": TEXT,
    },
    "Why.",
    optional=("cites", "confidence", "basis"),
)

RESULTS: Final[Json] = {
    "Decision": object_of(
        {
            "message_id": UUID,
            "verdict": VERDICT,
            "expires_at": {**MOMENT, "description": "Until when an allow may be used."},
            "reasons": {"type": "array", "items": _REASON, "description": "The strictest first."},
            "packs": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "The version of each law's pack.",
            },
        },
        "Whether one message may go to one person.",
    ),
    "HandOver": object_of(
        {
            "dispatched": {"type": "boolean", "description": "Whether the message may be handed over now."},
            "decision": {"anyOf": [ref("Decision"), {"type": "null"}]},
        },
        "The hand-over of a message; `decision` where it was decided again, since facts came after the allow.",
    ),
    "Decisions": object_of(
        {
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
            "decisions": {
                "type": "array",
                "items": object_of(
                    {
                        "message_id": UUID,
                        "addressee_id": UUID,
                        "verdict": VERDICT,
                        "expires_at": MOMENT,
                        "law": TEXT,
                        "rule": TEXT,
                        "missing": MISSING,
                    },
                    "One of them, with the reason that weighs most.",
                ),
            },
        },
        "What was decided of many messages. `dispatched` counts those that had gone before.",
    ),
    "Lacking": object_of(
        {
            "content_hash": {"type": "string", "description": "Of the content that was looked at."},
            "countries": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Whose laws were looked at, the sender's among them.",
            },
            "missing": {
                "type": "array",
                "items": object_of(
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
    "Erasure": object_of(
        {
            "addressee_id": {
                **UUID,
                "description": "Whose certificate it will be: `audience/erasures/{id}`.",
            },
            "evidence_ends": {**MOMENT, "description": "When the last period for keeping proof ends."},
            "evidence_until": {
                **MOMENT,
                "description": "When the key of the proof is destroyed; null while a legal hold stands.",
            },
        },
        "The erasure of a person.",
    ),
}
RESULTS["Received"] = object_of(
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
RESULTS["Approval"] = object_of(
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
RESULTS["ConsentEntered"] = object_of(
    {
        "opt_outs_lifted": {
            "type": "boolean",
            "description": "Whether it ended what the person had said before.",
        },
        "opt_outs_going_on": {
            "type": "array",
            "items": object_of(
                {
                    "entry": {
                        "type": "integer",
                        "description": "The version of its event in the addressee's stream.",
                    },
                    "kind": {"type": "string"},
                    "scope": {"type": "string"},
                    "within": {**TEXT, "description": "The kind of campaign that it is of."},
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
ASKED_BY: Final = object_of(
    {
        "email": TEXT,
        "requester": TEXT,
        "words": TEXT,
        "said": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
    },
    "Who asks about their data; [erased] once that was forgotten.",
)
DISCLOSURE: Final = object_of(
    {
        "about": {"type": "object", "additionalProperties": True},
        "standing": {"type": "object", "additionalProperties": True},
        "processing": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
        "contacts": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
        "history": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
        "kept_after_erasure": {
            "type": "array",
            "items": object_of(
                {
                    "about": {"type": "string", "description": "What is kept and why, in plain words."},
                    "erased_at": MOMENT,
                    "proof_kept": {"type": "boolean"},
                    "proof_kept_until": MOMENT,
                    "suppressions": {
                        "type": "array",
                        "items": {"type": "object", "additionalProperties": True},
                    },
                    "data_not_sold_since": MOMENT,
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
RESULT: Final[Json] = {
    "anyOf": [ref(name) for name in RESULTS],
    "description": "What some commands tell besides: decisions, what goes on or is lacking, what was approved, terms.",
}
