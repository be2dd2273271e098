"""The routes of citations and previews of definitions, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from api.http.citations import CiteAsked
from api.http.definition_previews import DefinitionAsked
from api.http.shapes import problems, reading, shared, single
from api.http.shaping import MOMENT, Json, object_of
from application.citing import LONGEST, Otherwise
from domain.kernel.permissions import Permission
from projections.finance.profiles import PROFILES, USUAL, Switch
from projections.olap.preview_report import FIGURES
from projections.olap.reports import REPORTS

if TYPE_CHECKING:
    from api.http.openapi import Document

_TEXT: Final[Json] = {"type": "string"}
_DAY: Final[Json] = {"type": "string", "format": "date"}
_VALUE: Final[Json] = {"type": ["number", "string", "boolean", "null"]}
_CITED: Final[Json] = {
    "report": _TEXT,
    "version": {"type": "integer", "description": "Of the report's definition when it was cited."},
    "parameters": {
        "type": "object",
        "description": "All that the report was asked with, the usual included.",
    },
    "cell": {"type": "object", "description": "The dimensions that name the row."},
    "measure": _TEXT,
    "cited_position": _TEXT,
}
_FIGURE: Final[Json] = {
    **object_of({"value": _VALUE, "position": _TEXT, "as_of": MOMENT}),
    "type": ["object", "null"],
}
_RESOLVED: Final = object_of(
    {
        **_CITED,
        "same": {"type": "boolean", "description": "Computed anew as of its position it is what was cited."},
        "otherwise": {
            "enum": [*Otherwise, None],
            "description": "Why not: another version of the definition, a log restored since, or a fault of ours.",
        },
        "title": {"type": ["string", "null"]},
        "unit": {"type": ["string", "null"]},
        "definition": {"type": ["object", "null"], "description": "The definition of today."},
        "then": {**_FIGURE, "description": "Computed anew as of the cited position."},
        "now": {**_FIGURE, "description": "The same figure of now."},
        "difference": {"type": ["number", "null"], "description": "now - then."},
        "report_at": {"type": ["string", "null"], "description": "The report as of the cited position."},
    }
)
_BODY: Final[dict[str, Any]] = {
    "parameters": {"profile": "stripe-1", "from": "2026-01-01"},
    "cell": {"period": "2026-11-01", "currency": "USD"},
    "measure": "end_mrr",
}


def asking(document: Document, model: Any, example: Json) -> Json:
    """A body of JSON."""
    return {
        "required": True,
        "content": {"application/json": {"schema": document.schema(model), "example": example}},
    }


def citation_paths(document: Document) -> Json:
    """Citing a figure, and resolving a citation."""
    allowed = Permission.REPORTS_READ
    name = {"name": "name", "in": "path", "required": True, "schema": {"enum": list(REPORTS)}}
    cite = reading(
        "reports_cite",
        "A short text that names one figure exactly",
        allowed,
        [name, *shared(("MinPosition",))],
        single(object_of({"citation": _TEXT, **_CITED, "value": _VALUE})),
    )
    cite["description"] = (
        "The text holds the report, the version of its definition, its parameters, the row, the measure, the position "
        "and a hash of the value; no personal data, and not the value. Nothing is kept. Also needs the permission of "
        "the report itself."
    )
    cite["requestBody"] = asking(document, CiteAsked, _BODY)
    cite["responses"] |= problems((413, 415, 422))
    text = {
        "name": "citation",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^pm1:[A-Za-z0-9_-]+$", "maxLength": LONGEST},
    }
    resolve = reading(
        "citations_resolve",
        "What became of a cited figure",
        allowed,
        [text, *shared(("MinPosition",))],
        single(_RESOLVED),
        "reports",
    )
    resolve["description"] = (
        "The figure is computed anew as of its position and set beside the one that was cited, and beside that of now. "
        "A text of another tenant is a 404, as one of nobody is; one with a slip of the pen a 422. Also needs the "
        "permission of the report itself."
    )
    return {
        "/v1/reports/{name}/cite": {"post": cite},
        "/v1/citations/{citation}": {"get": resolve},
        "/v1/reports/definitions/preview": {"post": _preview(document)},
    }


def _preview(document: Document) -> Json:
    """What a changed definition would do."""
    amounts = object_of({name: {"type": "integer"} for name in FIGURES})
    some = object_of({"switch": {"enum": list(Switch)}, **amounts["properties"]}, optional=FIGURES)
    months = object_of(
        {
            "period": _DAY,
            "currency": _TEXT,
            "old": amounts,
            "restated": {**amounts, "description": "start + restatement + movements = end."},
            "difference": amounts,
            "bridge": {
                "type": "array",
                "items": some,
                "description": "What each switch changes, one at a time.",
            },
            "left_over": {**amounts, "description": "What the switches do not explain: nothing."},
        }
    )
    movements = object_of(
        {
            "period": _DAY,
            "currency": _TEXT,
            "figure": {"enum": list(FIGURES)},
            "switch": {"enum": list(Switch)},
        }
        | {"day": _DAY, "subscription": _TEXT, "amount": {"type": "integer"}}
    )
    shape = object_of(
        {
            "profile": _TEXT,
            "against": _TEXT,
            "effective_from": {"type": ["string", "null"], "format": "date"},
            "months": {"type": "array", "items": months},
            "movements": {"type": "array", "items": movements},
            "movements_left_out": {"type": "integer"},
        }
    )
    made = reading(
        "reports_preview_definition",
        "MRR under a changed definition, beside what it is",
        Permission.REPORTS_READ,
        shared(("MinPosition",)),
        single(shape),
    )
    made["description"] = (
        "Every month as it is and as it would be restated under a changed profile from a day on, with what each switch "
        "changes, movement by movement and with nothing left over. Nothing is kept, and nothing changes."
    )
    example = {**PROFILES[USUAL].model_dump(mode="json"), "id": "ours-1", "coupons": "all", "facts": []}
    made["requestBody"] = asking(
        document, DefinitionAsked, {"profile": example, "effective_from": "2026-01-01"}
    )
    made["responses"] |= problems((409, 413, 415, 422))
    return made
