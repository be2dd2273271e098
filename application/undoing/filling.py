"""The commands that undo an event, with their fields filled in from what the log tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.kernel.commands import COMMANDS
from domain.kernel.personal import ERASED, SEALED
from domain.undoing.ways import By, From, Undone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.kernel.commands import Command

_NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Told:
    """What the log tells of an event: its content, the state before it, and earlier events' contents, latest first."""

    position: int
    name: str
    key: str
    version: int
    event: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=dict)
    earlier: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Lacking:
    """A field that is not filled in. `why`: `ask` (the log does not tell it), `sealed`, or `erased`."""

    field: str
    why: str


@dataclass(frozen=True, slots=True)
class Filled:
    """A command as it could be sent. `of`: the position of the event that it undoes."""

    of: int
    kind: type[Command]
    target: UUID
    body: Mapping[str, Any]
    lacks: tuple[Lacking, ...]
    says: str


def filled(way: Undone, told: Told) -> tuple[Filled, ...]:
    """The commands that undo an event: by the first way whose fields are told; none where none is."""
    for one in way.by:
        context, _, slug = one.command.partition("/")
        kind = COMMANDS.by_route[context, slug]
        targets = list(_targets(one.to, told))
        body = _body(one, kind, told)
        if body is None or not targets:
            continue
        lacks = [Lacking(name, "ask") for name in one.asks]
        kept = {}
        for name, value in body.items():
            hidden = _hidden(value)
            if hidden is None:
                kept[name] = value
            else:
                lacks.append(Lacking(name, hidden))
        return tuple(Filled(told.position, kind, target, kept, tuple(lacks), one.says) for target in targets)
    return ()


def _body(one: By, kind: type[Command], told: Told) -> dict[str, Any] | None:
    """Its fields; None where the log does not tell one of them."""
    body: dict[str, Any] = {}
    for source in one.spread:
        found = _found(source, told)
        if isinstance(found, Mapping):
            body |= {name: value for name, value in found.items() if name in kind.model_fields}
        elif isinstance(found, str):  # sealed or erased, as a whole
            body |= dict.fromkeys(kind.personal, found)
        else:
            return None
    for name, value in one.fields.items():
        found = _found(value, told) if isinstance(value, From) else value
        if found is _NOTHING:
            return None
        body[name] = found
    return body


def _targets(to: From, told: Told) -> Iterator[UUID]:
    found = _found(to, told)
    for text in found if isinstance(found, list | tuple) else [found]:
        try:
            yield UUID(str(text))
        except ValueError:
            return


def _found(source: From, told: Told) -> Any:
    root, *path = source.pointer.removeprefix("/").split("/")
    match root:
        case "stream":
            return told.key
        case "version":
            return told.version
        case "because":
            return f"Undoes position {told.position}, {told.name}"
        case "back":
            before, after = (told.event.get(name) or {} for name in path)
            return {name: value for name, value in before.items() if value != after.get(name)}
        case "earlier":
            return next((one[path[0]] for one in told.earlier if path[0] in one), _NOTHING)
        case "before":
            return _within(told.before, path)
        case _:
            return _within(told.event, path)


def _within(thing: Any, path: Sequence[str]) -> Any:
    for step in path:
        if not isinstance(thing, Mapping):
            return thing if thing in (ERASED, SEALED) else _NOTHING
        if step not in thing:
            return _NOTHING
        thing = thing[step]
    return thing


def _hidden(value: Any) -> str | None:
    """Whether a value, or one in it, cannot be shown."""
    if isinstance(value, Mapping):
        return next((why for why in map(_hidden, value.values()) if why), None)
    if isinstance(value, list | tuple):
        return next((why for why in map(_hidden, value) if why), None)
    if value == SEALED:
        return "sealed"
    return "erased" if value == ERASED else None
