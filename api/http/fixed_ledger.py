"""The routes of the audit ledger, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.http import evidence, ledger, openings
from api.http.completeness_shapes import certified
from api.http.shapes import answer, page_of, parameter, problems, reading, single
from api.http.shaping import COUNT, MOMENT, Json, object_of
from application.openings import DisclosureAsked
from application.ports.evidence import EvidenceAsked
from domain.audit.origins import LogKind
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from api.http.openapi import Document

_STRING: Final[Json] = {"type": "string"}
_BASE64: Final[Json] = {"type": "string", "contentEncoding": "base64"}
_LOG: Final[Json] = {
    "name": "log",
    "in": "path",
    "required": True,
    "description": "`events`: what happened. `access`: who read; it takes the permission to read that log.",
    "schema": {"type": "string", "enum": [kind.value for kind in LogKind]},
}
_PLACE: Final[Json] = {
    "name": "position",
    "in": "path",
    "required": True,
    "schema": {"type": "integer", "minimum": 1},
}
_NUMBER: Final[Json] = {"type": "integer", "minimum": 1}
_KEY: Final = object_of(
    {
        "number": COUNT,
        "installation": {"type": "string", "description": "With it the origin of every checkpoint begins."},
        "public_key": _BASE64,
        "signs_from": MOMENT,
        "signs_until": {"anyOf": [MOMENT, {"type": "null"}]},
    },
    "An Ed25519 key of the installation.",
)
_CHECKPOINT: Final = object_of(
    {"epoch": COUNT, "size": COUNT, "signed_at": MOMENT, "note": _STRING}, "A checkpoint as it was signed."
)
_QUESTION: Final = object_of(
    {
        "question": {"type": "object", "description": "Ask with it, as it is."},
        "logs": {
            "type": "array",
            "items": object_of(
                {
                    "log": _STRING,
                    "size": COUNT,
                    "first": COUNT,
                    "last": COUNT,
                    "rows": COUNT,
                    "hidden": {
                        "type": "array",
                        "items": object_of({"filter": _STRING, "asked": _STRING, "rows": COUNT}),
                    },
                }
            ),
        },
    }
)
_HASHES: Final[Json] = {"type": "array", "items": _BASE64}


def ledger_paths(document: Document) -> Json:
    """Paths with their operations."""
    allowed = Permission.HISTORY_READ
    size = parameter(
        "size", "Leaves of the tree it is shown to be in; those of the latest unless given.", _NUMBER
    )
    included = object_of({"leaf": COUNT, "size": COUNT, "hashes": _HASHES, "checkpoint": _STRING})
    consistent = object_of({"old_size": COUNT, "size": COUNT, "hashes": _HASHES, "checkpoint": _STRING})
    return {
        **_evidence(document),
        "/v1/ledger/certificates/{of}": {"get": _certificate()},
        "/v1/ledger/disclosures": {"post": _disclosure(document)},
        "/v1/ledger/keys": {
            "get": reading(
                "ledger_keys", "The keys that checkpoints are signed by", allowed, [], page_of(_KEY)
            )
        },
        "/v1/ledger/{log}/checkpoint": {
            "get": _file("ledger_checkpoint", "The latest checkpoint (C2SP tlog-checkpoint)", [], ledger.TEXT)
        },
        "/v1/ledger/{log}/checkpoints": {
            "get": reading(
                "ledger_checkpoints",
                "The checkpoints that are kept for ever, the oldest first",
                allowed,
                [
                    _LOG,
                    parameter("cursor", "`next` of the page before.", _STRING),
                    parameter("limit", "Rows at most.", {"type": "integer", "minimum": 1, "maximum": 100}),
                ],
                page_of(_CHECKPOINT),
            )
        },
        "/v1/ledger/{log}/verifier-keys": {
            "get": _file(
                "ledger_verifier_keys",
                "The keys of a log's checkpoints, a line each (C2SP signed-note)",
                [parameter("epoch", "Of which epoch of the log; the latest unless given.", _NUMBER)],
                ledger.TEXT,
            )
        },
        "/v1/ledger/{log}/tile/{path}": {
            "get": _file(
                "ledger_tile",
                "A tile of hashes, or a bundle of entries (C2SP tlog-tiles)",
                [{"name": "path", "in": "path", "required": True, "schema": _STRING}],
                ledger.BINARY,
            )
        },
        "/v1/ledger/{log}/inclusion": {
            "get": reading(
                "ledger_inclusion",
                "The proof that an event is in the log (RFC 9162)",
                allowed,
                [_LOG, parameter("position", "The event's.", _NUMBER, needed=True), size],
                single(included),
            )
        },
        "/v1/ledger/{log}/consistency": {
            "get": reading(
                "ledger_consistency",
                "The proof that an older checkpoint is the beginning of a newer one (RFC 9162)",
                allowed,
                [
                    _LOG,
                    parameter(
                        "from", "Size of the older one.", {"type": "integer", "minimum": 0}, needed=True
                    ),
                    parameter("to", "Size of the newer one; that of the latest unless given.", _NUMBER),
                ],
                single(consistent),
            )
        },
        "/v1/ledger/{log}/proofs/{position}": {
            "get": _file(
                "ledger_proof",
                "The proof of one event as a file, with its checkpoint (C2SP tlog-proof)",
                [_PLACE],
                ledger.TEXT,
            )
        },
        "/v1/ledger/{log}/envelopes/{position}": {
            "get": _file(
                "ledger_envelope",
                "The bytes of one event that its leaf is made over, values sealed; takes history.read_personal too",
                [_PLACE],
                "application/json",
            )
        },
    }


def _evidence(document: Document) -> Json:
    body = {"required": True, "content": {"application/json": {"schema": document.schema(EvidenceAsked)}}}
    made = reading(
        "ledger_evidence", "Events with what proves them, as one archive", Permission.HISTORY_READ, [], {}
    )
    made["description"] = (
        f"It takes {Permission.HISTORY_READ_PERSONAL} too. An evidence bundle, streamed. The same question with the "
        "same `checkpoints` gives the same bytes: after a broken connection ask with `from_byte`. "
        "`penguinmails audit verify` checks it offline. Reading is recorded."
    )
    archive: Json = {"type": "string", "format": "binary"}
    made["responses"]["200"] = answer("A zip archive.", archive, evidence.MEDIA)
    certified(made)
    told = reading(
        "ledger_evidence_question",
        "How many events a bundle would hold, and the question that gives the same bytes for ever",
        Permission.HISTORY_READ,
        [],
        single(_QUESTION),
    )
    for one in (made, told):
        one["requestBody"] = body
        one["responses"] |= problems((409, 413, 415))
    return {"/v1/ledger/evidence": {"post": made}, "/v1/ledger/evidence/question": {"post": told}}


def _certificate() -> Json:
    made = reading(
        "ledger_certificate",
        "What proves that a message was decided on before it was sent, by which law and on what, as one archive",
        Permission.HISTORY_READ,
        [
            {
                "name": "of",
                "in": "path",
                "required": True,
                "description": "A message's id, or the position of a decision.",
                "schema": {"anyOf": [{"type": "string", "format": "uuid"}, _NUMBER]},
            },
            parameter(
                "whole",
                "With all that the person's stream told by then, decisions on other messages too.",
                {"type": "string", "enum": ["true", "false"]},
            ),
            parameter(
                "compare",
                "Sizes of checkpoints that you keep, separated by commas, to be compared with.",
                _STRING,
            ),
        ],
        {},
    )
    made["description"] = (
        "A permission certificate: a small evidence bundle of one person's events. It says also why a message was not"
        " sent. `penguinmails audit verify` tells offline what it shows. Personal values are sealed; reading is"
        " recorded."
    )
    archive: Json = {"type": "string", "format": "binary"}
    made["responses"]["200"] = answer("A zip archive.", archive, evidence.MEDIA)
    made["responses"] |= problems((409,))
    return certified(made)


def _disclosure(document: Document) -> Json:
    made = reading(
        "ledger_disclosure",
        "Single sealed values of events, each with what proves that the log holds it",
        Permission.HISTORY_READ_PERSONAL,
        [],
        {},
    )
    made["description"] = (
        "A file apart from any bundle (docs/evidence.md). What proves a consent takes the permission evidence.read"
        " besides, and events of the access log that of reading it. `withheld` names what does not open: `erased` for"
        " ever, `empty` or `plain` in the event, or `damaged`. It is recorded, with the reason."
    )
    made["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": document.schema(DisclosureAsked)}},
    }
    of_value: Json = {"log": _STRING, "position": COUNT, "part": _STRING, "field": _STRING}
    told = object_of(
        {
            "format": _STRING,
            "tenant": {"type": "string", "format": "uuid"},
            "values": {
                "type": "array",
                "items": object_of({**of_value, "opening": _BASE64, "content": _STRING}),
            },
            "withheld": {"type": "array", "items": object_of({**of_value, "why": _STRING})},
        },
        optional=("withheld",),
    )
    made["responses"]["200"] = answer("The file.", told, openings.MEDIA)
    made["responses"] |= problems((413, 415))
    return made


def _file(operation: str, summary: str, own: list[Json], media: str) -> Json:
    made = reading(operation, summary, Permission.HISTORY_READ, [_LOG, *own], {})
    shape: Json = {"type": "string", "format": "binary"} if media == ledger.BINARY else {"type": "string"}
    if media == "application/json":
        shape = {"type": "object"}
    made["responses"]["200"] = answer("As it is kept, byte for byte.", shape, media.partition(";")[0])
    made["responses"] |= problems((409,))
    return made
