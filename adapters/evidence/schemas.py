"""JSON Schemas of events as they are stored: personal fields as the sealed values that stand in the log."""

from __future__ import annotations

import json
from typing import Any, Final

from domain.kernel.events import EVENTS

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_SEALED: Final = {
    "description": "A personal value, sealed (docs/envelope.md): ciphertext and commitment.",
    "type": "object",
    "properties": {
        "~": {"enum": ["profile", "evidence"]},
        "s": {"type": "string", "description": "The data subject."},
        "c": {"type": "string", "contentEncoding": "base64", "description": "Nonce, ciphertext and tag."},
        "h": {"type": "string", "contentEncoding": "base64", "description": "The commitment."},
    },
    "required": ["~", "s", "c", "h"],
    "additionalProperties": False,
}


def schema_of(name: str, version: int) -> bytes | None:
    """The schema of the payload of this event; None for a version that is not the present one."""
    cls = EVENTS.classes.get(name)
    if cls is None or cls.schema_version != version:
        return None
    told: dict[str, Any] = cls.model_json_schema()
    for field, kind in cls.personal.items():
        about = {"description": f"Sealed by the subject's {kind} key."}
        told["properties"][field] = {**about, "anyOf": [{"$ref": "#/$defs/Sealed"}, {"type": "null"}]}
    if cls.personal:
        told.setdefault("$defs", {})["Sealed"] = _SEALED
    whole = {"$schema": _DIALECT, "$id": f"{name}@{version}", **told}
    return (json.dumps(whole, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
