"""States as JSON, and the fields in which two of them differ."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter

from domain.kernel.idset import IdSet

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs between two moments; `path` is a JSON pointer into the state."""

    path: str
    before: Any
    after: Any


def differences(before: Any, after: Any, path: str = "") -> Iterable[FieldChange]:
    """The fields that differ between two plain values, deepest first found; lists are compared whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from differences(before.get(key), after.get(key), f"{path}/{step(key)}")
    elif before != after:
        yield FieldChange(path or "/", before, after)


def step(key: object) -> str:
    """One step of a JSON pointer (RFC 6901)."""
    return str(key).replace("~", "~0").replace("/", "~1")


def plain(state: Any) -> dict[str, Any]:
    """A state as JSON: its fields by name, sets in order, and which of the union it is."""
    if dataclasses.is_dataclass(state) and not isinstance(state, type):
        fields = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
        shown: dict[str, Any] = _ANY.dump_python(
            {name: _ordered(value) for name, value in fields.items()}, mode="json", fallback=_within
        )
        return {"kind": type(state).__name__, **shown}
    return {"kind": type(state).__name__, "value": plain_value(state)}


def plain_value(value: Any) -> Any:
    """A field of a state as JSON."""
    return _ANY.dump_python(_ordered(value), mode="json", fallback=_within)


def _ordered(value: Any) -> Any:
    return sorted(value, key=str) if isinstance(value, set | frozenset | IdSet) else value


def _within(value: Any) -> Any:
    """What pydantic does not know, deeper in a state."""
    if isinstance(value, IdSet):
        return sorted(value, key=str)
    raise TypeError(f"a state holds a {type(value).__name__}, which has no form in JSON")


_ANY: Final = TypeAdapter(Any)
