"""The routes of board packs, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.http import packs
from api.http.answer_headers import OF_COMMANDS, OF_OTHERS
from api.http.completeness_shapes import certified
from api.http.shapes import (
    WRITE_STATUSES,
    answer,
    page_of,
    parameter,
    problems,
    reading,
    shared,
    single,
)
from api.http.shaping import COUNT, MOMENT, TEXT, UUID, Json, object_of, ref
from application.packs.sealing import FIGURES, PDF, PackAsked
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from api.http.openapi import Document

_STRING: Final[Json] = {"type": "string"}
_NUMBER: Final[Json] = {"type": ["number", "null"]}
_DAY: Final[Json] = {"type": "string", "format": "date"}
_SEAL: Final[Json] = {
    "pack_id": UUID,
    "definition": _STRING,
    "definition_version": _STRING,
    "period_from": _DAY,
    "period_to": _DAY,
    "position": _STRING,
    "as_of": MOMENT,
    "pdf_sha256": _STRING,
    "pdf_size": COUNT,
    "figures_sha256": _STRING,
    "figures": COUNT,
    "needs": {"type": "array", "items": _STRING, "description": "Permissions that its reports take."},
    "currency": {
        "type": ["string", "null"],
        "description": "The one that amounts are of alone, if one was named.",
    },
    "pdf": _STRING,
    "figures_file": _STRING,
}
_MOVED: Final = object_of(
    {
        "section": _STRING,
        "period": {"type": "string", "enum": ["now", "before"]},
        "cell": {"type": "object"},
        "measure": _STRING,
        "unit": _STRING,
        "sealed": _NUMBER,
        "now": _NUMBER,
        "difference": {"type": "number"},
        "told": {
            "type": "array",
            "description": "What its row tells otherwise now, such as its target.",
            "items": object_of({"name": _STRING, "sealed": TEXT, "now": TEXT}),
        },
    }
)
PACKS: Final[Json] = {
    "PackDefinition": object_of(
        {
            "name": _STRING,
            "version": _STRING,
            "title": _STRING,
            "about": _STRING,
            "sections": {
                "type": "array",
                "items": object_of({"id": _STRING, "title": _STRING, "report": _STRING}),
            },
        },
        "A pack that can be sealed.",
    ),
    "PackSeal": object_of(_SEAL, "What a pack was made from, and the hashes of its files."),
    "PackDrift": object_of(
        {
            "compared": COUNT,
            "differ": COUNT,
            "moved": {"type": "array", "items": _MOVED, "description": "The first hundred, largest first."},
            "not_compared": {
                "type": "object",
                "additionalProperties": _STRING,
                "description": "Sections that cannot be computed anew, and why.",
            },
            "position": TEXT,
        },
        "How many of the sealed figures are others now, and by how much.",
    ),
    "PackSealedNow": object_of(
        {
            **_SEAL,
            "drift": {"anyOf": [ref("PackDrift"), {"type": "null"}]},
            "checked": {"anyOf": [ref("PackDrift"), {"type": "null"}]},
            "not_computed": TEXT,
        },
        "A seal; `drift` against the figures of now, `checked` against those of its own position.",
    ),
}


def pack_paths(document: Document) -> Json:
    """Paths with their operations."""
    allowed = Permission.REPORTS_READ
    pack = {"name": "id", "in": "path", "required": True, "schema": UUID}
    document.schemas |= PACKS
    listed = reading(
        "packs_definitions",
        "The board packs that can be sealed",
        allowed,
        [],
        page_of(ref("PackDefinition")),
    )
    check = parameter(
        "check",
        "Compute also what the position of the seal gives today, of reports that are given as of a position.",
        {"type": "string", "enum": list(packs.CHECKS)},
    )
    seal = reading(
        "packs_sealed",
        "A sealed pack, and how far its figures have moved since",
        allowed,
        [pack, check],
        single(ref("PackSealedNow")),
    )
    seal["responses"] |= problems((409,))
    paths: Json = {
        "/v1/packs/definitions": {"get": listed},
        "/v1/packs": {"post": _sealing(document)},
        "/v1/packs/{id}": {"get": seal},
    }
    for name, ending, about in (
        ("pdf", PDF, "A sealed pack as PDF: the same bytes for ever"),
        ("figures", FIGURES, "Every figure of a sealed pack as JSON: the same bytes for ever"),
    ):
        shape: Json = {"type": "string", "format": "binary"} if ending == PDF else {"type": "object"}
        made = reading(f"packs_{name}", about, allowed, [pack], {})
        made["responses"]["200"] = answer(
            "As it was sealed. Reading is recorded.", shape, packs.MEDIA[ending], OF_OTHERS
        )
        made["responses"] |= problems((409,))
        certified(made)
        paths[f"/v1/packs/{{id}}/{name}"] = {"get": made}
    return paths


def _sealing(document: Document) -> Json:
    shape = object_of(
        {**document.schemas["Outcome"]["properties"], "data": ref("PackSeal")},
        optional=tuple(
            name
            for name in document.schemas["Outcome"]["properties"]
            if name not in document.schemas["Outcome"].get("required", [])
        ),
    )
    return {
        "operationId": "packs_seal",
        "tags": ["packs"],
        "summary": "Make a board pack of a period and keep it for ever",
        "description": "The pack as PDF and every figure in it are kept under their hashes, which stand in the log. "
        "The same key gives the same pack.",
        "x-permission": Permission.REPORTS_SEAL.value,
        "parameters": shared(("IdempotencyKey", "Reason", "Tenant", "Version", "RequestId")),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": document.schema(PackAsked)}},
        },
        "responses": {
            "201": answer("Sealed.", shape, headers=[name for name in OF_COMMANDS if name != "ETag"]),
            **problems(WRITE_STATUSES),
        },
    }
