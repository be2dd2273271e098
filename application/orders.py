"""What goes into the command path, and what comes out of it."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from uuid import UUID

    from application.ports.log import Appended
    from application.principals import Principal
    from domain.kernel.commands import Command
    from domain.kernel.events import Event


class KeySpace(StrEnum):
    """Whose idempotency keys: workflows' are apart, so that no caller can take one of theirs before they use it."""

    CALLERS = "receipt"
    STEPS = "step"


class Order(NamedTuple):
    """A command, and all that came with it.

    `body`: what its idempotency key stands for besides command and target (`in_one_form`).
    `target` None asks for a new stream with an id of our making: `fresh_target`, where its door had to know it before.
    `expected_version` is the caller's own check.
    `refresh` authenticates the caller anew, when access to the log changed since.
    """

    principal: Principal
    command: Command
    target: UUID | None
    body: bytes
    key: str | None = None
    key_space: KeySpace = KeySpace.CALLERS
    expected_version: int | None = None
    request_id: str | None = None
    ip: str | None = None
    channel: str = "api"
    reason: str | None = None
    correlation: UUID | None = None
    causation: UUID | None = None
    refresh: Callable[[], Awaitable[Principal]] | None = None
    opens_log: bool = False
    fresh_target: UUID | None = None

    def shows(self, stream: str, target: str) -> bool:
        """Whether an answer names the events of a stream: of others than its own only where the caller sees them all.

        Whoever is confined to workspaces would learn by it that somebody is known in another.
        """
        return stream == target or self.principal.confined_to(type(self.command).permission) is None

    def told(self, events: Iterable[Event]) -> dict[str, Any] | None:
        """What the command tells besides, of its events."""
        return self.command.answer(list(events)) if self.command.tells else None


def in_one_form(body: object) -> bytes:
    """A body's JSON in one form: what is sent again is known however it was spaced, and by whichever door it came."""
    try:
        return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a number or a character that it does not take, and a rule will refuse
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8", "surrogatepass")


class Outcome(NamedTuple):
    """What became of a command: the answer is made from this alone, also when it is given again."""

    command_id: UUID
    target: UUID
    appended: Appended | None
    events: tuple[Recordable, ...]
    version: int
    replayed: bool = False
    rehearsed: tuple[Event, ...] = ()
    told: dict[str, Any] | None = None


class Recordable(NamedTuple):
    """An event of an outcome, without its values."""

    name: str
    stream: str
    version: int
    position: int
