"""The routes of the time machine of law, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.http import law
from api.http.shapes import page_of, parameter, problems, reading
from api.http.shaping import Json, ref
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from api.http.openapi import Document

_ABOUT = (
    "JSON lines: how far it is, again and again; each decision that would be another, with the rule that led then and "
    "the one that turns it; at last what came of it. With nothing said it shows that each decision follows from its "
    "facts and packs. Reading is recorded."
)


def law_paths(document: Document) -> Json:
    """Paths with their operations."""
    bare, sent = _rejudging(document, ""), _rejudging(document, "_by_sent_pack")
    sent["summary"] = "The same by the packs of today, with the pack in the body in place of that of its law"
    # Clients are generated from here, and take no application/toml, which the door takes as well.
    text: Json = {"schema": {"type": "string", "format": "binary", "maxLength": law.LARGEST}}
    name = {
        "name": "Penguin-File-Name",
        "in": "header",
        "required": False,
        "description": "What problems call the file; percent-encoded UTF-8.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,100}$"},
    }
    sent["parameters"] = [*sent["parameters"], name]
    sent["requestBody"] = {"required": True, "content": {law.BYTES.decode(): text}}
    sent["responses"] |= problems((413, 415))
    packs = reading(
        "law_packs",
        "Each version of each law's rule pack that decisions were made by",
        None,
        [],
        page_of(ref("RulePack")),
    )
    return {"/v1/law/rejudge": {"get": bare, "post": sent}, "/v1/law/packs": {"get": packs}}


def _rejudging(document: Document, suffix: str) -> Json:
    start = parameter(
        "start",
        "Go on after this position, where an answer broke off: that of its last progress.",
        {"type": "string"},
    )
    own = document.parameters(law.Again)
    for one in own:
        if one["schema"].get("type") == "array":
            one |= {"style": "form", "explode": False}
    shown = reading(
        f"law_rejudge{suffix}",
        "Past decisions judged again: under other rules, other knowledge, or with hindsight",
        Permission.HISTORY_READ,
        [*own, start],
        ref("Rejudged"),
    )
    shown["description"] = _ABOUT
    lines = ("RejudgingProgress", "Flip", "Rejudged", "RejudgingBrokeOff")
    shown["responses"]["200"]["content"] = {
        "application/x-ndjson": {"schema": {"anyOf": [ref(one) for one in lines]}}
    }
    return shown
