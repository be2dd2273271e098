"""Blame: which event gave each field of a stream's state the value that it has, and why.

A field is what a JSON pointer into the state names: fields of values within it apart, lists and sets whole. The stream
is folded once, event by event; the states are compared as they are, and only what is shown becomes JSON.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from application.plain import plain_value, step
from application.showing import is_pseudonym
from domain.kernel.commands import DECIDERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from application.ports.codec import EventCodec
    from application.ports.log import Recorded
    from application.ports.positions import Position
    from application.replay import Replay

WHY: Final = ("command", "command_name", "correlation", "causation", "request", "channel", "reason")


@dataclass(frozen=True, slots=True)
class Because:
    """The event that gave a field its value, and what led to it; each may be unknown."""

    position: int
    recorded_at: datetime
    event: str
    version: int
    actor: dict[str, Any]
    command: str | None
    command_name: str | None
    correlation: str | None
    causation: str | None
    request: str | None
    channel: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """A field's value, the one before, and the event between them; null: the field has been so from the beginning."""

    path: str
    value: Any
    before: Any
    because: Because | None


@dataclass(frozen=True, slots=True)
class Blamed:
    """All fields of a stream as of a position, in order of their pointers. `version` is the stream's."""

    stream: str
    version: int
    position: int
    as_of: datetime
    lines: tuple[Line, ...]


class Blame:
    """Answers from the log of one tenant at a time."""

    def __init__(self, replay: Replay, codec: EventCodec) -> None:
        """Read as `replay` does."""
        self._replay = replay
        self._codec = codec

    async def of_stream(
        self,
        tenant_id: UUID,
        stream: str,
        *,
        at: Position | datetime | None = None,
        reveal: bool = False,
        evidence: bool = False,
    ) -> Blamed:
        """Every field of a stream as of a position or a moment (both included); now, without either.

        Raises as `Replay.state`.
        """
        rows, last = await self._replay.events_of(tenant_id, stream, at)
        decider = DECIDERS[rows[0].category]
        found: dict[str, tuple[int, Any]] = {}
        state = decider.initial
        for index, event in enumerate(self._codec.decode(rows, reveal=reveal, evidence=evidence)):
            before, state = state, decider.evolve(state, event)
            for path, value in _changed(before, state, ""):
                found[path] = index, value
        lines = [
            (path, value, *_last(found, path))
            for path, value in _leaves(state, "")
            if not is_pseudonym(path.partition("/")[2].partition("/")[0])
        ]
        indexes = sorted({index for *_, index, _ in lines if index is not None})
        events = self._because(rows, indexes, reveal=reveal, evidence=evidence)
        return Blamed(
            stream,
            rows[-1].version,
            last,
            rows[-1].recorded_at,
            tuple(
                Line(
                    path or "/",
                    plain_value(value),
                    plain_value(before),
                    None if index is None else events[index],
                )
                for path, value, index, before in sorted(lines, key=_path)
            ),
        )

    def _because(
        self, rows: Sequence[Recorded], indexes: list[int], *, reveal: bool, evidence: bool
    ) -> dict[int, Because]:
        """Those events of the stream that are to blame."""
        chosen = becauses([rows[index] for index in indexes], self._codec, reveal=reveal, evidence=evidence)
        return dict(zip(indexes, chosen, strict=True))


def becauses(rows: Sequence[Recorded], codec: EventCodec, *, reveal: bool, evidence: bool) -> list[Because]:
    """Events as what they are to blame for shows them, in their order."""
    return [
        Because(
            position=row.position,
            recorded_at=row.recorded_at.astimezone(UTC),
            event=row.name,
            version=row.version,
            actor=context.get("actor") or {},
            **{name: context.get(name) for name in WHY},
        )
        for row, context in zip(rows, codec.metadata(rows, reveal=reveal, evidence=evidence), strict=True)
    ]


def _path(line: tuple[str, Any, int | None, Any]) -> str:
    return line[0]


def _last(found: Mapping[str, tuple[int, Any]], path: str) -> tuple[int | None, Any]:
    """The last change of a field or of what it is in; what came with the whole had no value before."""
    index, before = found.get(path, (None, None))
    while path:
        path = path.rpartition("/")[0]
        whole = found.get(path)
        if whole is not None and (index is None or whole[0] > index):
            index, before = whole[0], None
    return index, before


_KIND: Final = "kind"


def _parts(value: Any) -> dict[str, Any] | None:
    """What is in a value by its names; None: it is compared and shown whole."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(getattr(key, "value", key)): one for key, one in value.items()}
    return None


def _state_parts(value: Any, path: str) -> dict[str, Any] | None:
    """The same; of the state itself, which of the union it is too."""
    parts = _parts(value)
    if path:
        return parts
    kind = type(value).__name__
    return {_KIND: kind, "value": value} if parts is None else {_KIND: kind, **parts}


def _changed(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The pointers where two values differ, each with what stood there before."""
    if before is after:
        return
    old, new = _state_parts(before, path), _state_parts(after, path)
    if not old or not new:  # one of them is a leaf
        if before != after:
            yield path, before
        return
    for name in old.keys() | new.keys():
        there = f"{path}/{step(name)}"
        if name in old and name in new:
            yield from _changed(old[name], new[name], there)
        else:
            yield there, old.get(name)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    parts = _state_parts(value, path)
    if not parts:
        yield path, value
        return
    for name, one in parts.items():
        yield from _leaves(one, f"{path}/{step(name)}")
