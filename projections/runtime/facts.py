"""Events as handlers see them, and projections: names, tables, and a plain function per event."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from domain.kernel.events import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from application.ports.codec import EventCodec
    from application.ports.log import Recorded
    from projections.runtime.recalling import Recall
    from projections.runtime.rows import Rows
    from projections.runtime.tables import Table

    Handler = Callable[["Fact", Rows], None]

_NAME: Final = re.compile(r"[a-z][a-z_]{1,30}")


@dataclass(frozen=True, slots=True)
class Fact:
    """One event of one tenant: `payload` in its current shape, personal values shown unless their key is gone."""

    recorded: Recorded
    payload: dict[str, Any]

    @property
    def tenant_id(self) -> UUID:
        """Whose log it is in."""
        return self.recorded.tenant_id

    @property
    def position(self) -> int:
        """Where in that log."""
        return self.recorded.position

    @property
    def stream(self) -> str:
        """The stream, `<category>:<id>`."""
        return self.recorded.stream

    @property
    def version(self) -> int:
        """Its number within its stream."""
        return self.recorded.version

    @property
    def name(self) -> str:
        """The stored name, `<context>.<past tense>`."""
        return self.recorded.name

    @property
    def recorded_at(self) -> datetime:
        """When the log took it."""
        return self.recorded.recorded_at

    @property
    def metadata(self) -> dict[str, Any]:
        """What is known about its making, the source address sealed; read anew at each call, since few ask."""
        parsed: dict[str, Any] = orjson.loads(self.recorded.metadata or b"{}")
        return parsed

    @property
    def actor(self) -> dict[str, Any] | None:
        """Who did it: kind, id, member, grant."""
        return self.metadata.get("actor")

    @property
    def command_id(self) -> str | None:
        """The command that made it."""
        return self.metadata.get("command")

    @property
    def correlation(self) -> str | None:
        """What it belongs to."""
        return self.metadata.get("correlation")


class Projection:
    """One read model: a function of the log with a version of its own.

    A change of its tables or of what its handlers make of old events needs a new `version`. `reveals=False` is for
    projections that need no personal value: they see `[sealed]` and no key is touched for them. `recalls`: rows of its
    own that its handlers look at, each known from the event alone. `warm` reads what the first event would wait for.
    """

    def __init__(
        self,
        name: str,
        *,
        version: int,
        tables: Sequence[Table],
        reveals: bool = True,
        recalls: Sequence[Recall] = (),
        warm: Callable[[], object] | None = None,
    ) -> None:
        """Declare it. Raises `ValueError` for a name that is no plain identifier."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"projection name {name!r}: use 2 to 31 lower-case letters and underscores")
        self.name = name
        self.version = version
        self.tables = {table.name: table for table in tables}
        self.reveals = reveals
        self.recalls = tuple(recalls)
        self.warm = warm
        self.handlers: dict[str, Handler] = {}

    def on(self, *names: str) -> Callable[[Handler], Handler]:
        """Decorate the function that handles events of these stored names."""

        def register(handler: Handler) -> Handler:
            for name in names:
                if name in self.handlers:
                    raise ValueError(f"projection {self.name} handles {name} already")
                self.handlers[name] = handler
            return handler

        return register


def facts_of(recorded: Sequence[Recorded], codec: EventCodec, *, reveal: bool) -> list[Fact]:
    """The events as facts, in their order. Raises what codec and upcasters raise."""
    result: list[Fact] = []
    for row, payload in zip(recorded, codec.payloads(recorded, reveal=reveal), strict=True):
        current = payload
        known = EVENTS.classes.get(row.name)
        if known is None or known.schema_version != row.schema_version:
            _, current = EVENTS.upcast(row.name, row.schema_version, payload)
        result.append(Fact(row, current))
    return result
