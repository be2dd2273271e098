"""Examples of bodies, made from their shapes: what the document shows, and what tests send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]

_ID: Final = "0198c0de-0000-7000-8000-000000000000"
_DEEP: Final = 8
_BY_NAME: Final[Mapping[str, Any]] = {
    "email": "ada@people.example",
    "owner_email": "ada@people.example",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "full_name": "Ada Lovelace",
    "owner_name": "Ada Lovelace",
    "company": "Analytical Engines",
    "phone": "+44 20 7946 0000",
    "country": "GB",
    "name": "Newsletter",
    "label": "Nightly sync",
    "ticket": "SUP-1024",
    "reason": "Asked for by the customer",
    "tenant_slug": "analytical-engines",
    "url": "https://example.com/webhooks",
    "from_position": "cDEuMS4x",
    "to_position": "cDEuMS45",
    "amount": 999,
    "currency": "USD",
    "reference": "INV-1024",
}


def example(schema: Json, definitions: Json, name: str = "", depth: int = 0) -> Any:
    """A value that fits a schema: the fields that are needed, and those that have a telling example."""
    if "$ref" in schema:
        return example(definitions[schema["$ref"].rpartition("/")[2]], definitions, name, depth + 1)
    if name in _BY_NAME and _BY_NAME[name] in schema.get("enum", [_BY_NAME[name]]):
        return _BY_NAME[name]
    if "examples" in schema:
        return schema["examples"][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return example(schema[key][0], definitions, name, depth + 1)
    match schema.get("type"):
        case "object":
            return {} if depth > _DEEP else _fields(schema, definitions, depth)
        case "array":
            return [example(schema.get("items", {}), definitions, name, depth + 1)]
        case "integer" | "number" | "boolean" as kind:
            return True if kind == "boolean" else max(schema.get("minimum", 1), 1)
        case _:
            return _text(schema)


def _fields(schema: Json, definitions: Json, depth: int) -> Json:
    needed = schema.get("required", [])
    shown = [field for field in schema.get("properties", {}) if field in needed or field in _BY_NAME]
    return {field: example(schema["properties"][field], definitions, field, depth + 1) for field in shown}


def _text(schema: Json) -> str:
    match schema.get("format"):
        case "uuid":
            return _ID
        case "date-time":
            return "2027-01-31T12:00:00Z"
        case "date":
            return "2027-01-31"
        case _:
            return "Example"
