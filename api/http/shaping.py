"""What the shapes of answers are made of."""

from __future__ import annotations

from typing import Any, Final

from domain.law.pack import Verdict

Json = dict[str, Any]

UUID: Final[Json] = {"type": "string", "format": "uuid"}
MOMENT: Final[Json] = {"type": ["string", "null"], "format": "date-time"}
TEXT: Final[Json] = {"type": ["string", "null"]}
COUNT: Final[Json] = {"type": "integer"}
VERDICT: Final[Json] = {"type": "string", "enum": [one.value for one in Verdict]}
MISSING: Final[Json] = {
    "type": "array",
    "items": {"type": "string"},
    "description": "Facts that nobody knows, and that would turn the answer.",
}


def ref(name: str) -> Json:
    """A reference to a shared schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_of(
    properties: Json, about: str = "", *, optional: tuple[str, ...] = (), closed: bool = True
) -> Json:
    """An object of these properties, and of no others where it is closed."""
    made: Json = {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }
    if closed:
        made["additionalProperties"] = False
    return {**made, "description": about} if about else made
