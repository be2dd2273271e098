"""`given(EVENTS).when(COMMAND).then(EVENTS or a Refusal)`: one stream's decider, without anything around it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest

import domain.registered  # noqa: F401 - the deciders register themselves
from domain.kernel.commands import DECIDERS, Actor, ActorKind, Command, Stamp
from domain.kernel.errors import Refusal
from domain.kernel.events import Event

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
C = TypeVar("C", bound=Command)


def uid(n: int) -> UUID:
    """A UUIDv7 that tests can tell from another at a glance."""
    return UUID(int=0x0198C0DE_0000_7000_8000_000000000000 + n)


TENANT = uid(1)
ACTOR = Actor(ActorKind.API_KEY, uid(2))


def member(n: int) -> Actor:
    """A key that speaks for a member."""
    return Actor(ActorKind.API_KEY, uid(2), member=uid(n))


def staff(n: int) -> Actor:
    """Somebody of staff."""
    return Actor(ActorKind.STAFF, uid(n))


def stamped(
    command: C, *, target: UUID, at: datetime = NOW, actor: Actor = ACTOR, command_id: UUID = TENANT
) -> C:
    """The command with what the world adds to it."""
    return command.stamped(Stamp(at, command_id, actor, TENANT, target))


@dataclass
class Given:
    """A stream's history, and what is asked of it."""

    events: tuple[Event, ...]
    decided: tuple[Event, ...] = ()
    refusal: Refusal | None = None
    at: datetime = NOW
    state: Any = field(default=None)

    def when(
        self, command: Command, *, target: UUID, after: timedelta = timedelta(), actor: Actor = ACTOR
    ) -> Given:
        """Decide, and hold that deciding changed nothing."""
        decider = DECIDERS[type(command).stream]
        state = decider.fold(self.events)
        before = copy.deepcopy(state)
        assert decider.decide is not None
        try:
            self.decided = decider.decide(stamped(command, target=target, at=NOW + after, actor=actor), state)
        except Refusal as refusal:
            self.refusal = refusal
        assert state == before, "decide changed the state"
        self.state = decider.fold(list(self.decided), state)
        return self

    def then(self, *expected: Event | type[Refusal]) -> Any:
        """Exactly these events, or this refusal; the state after them."""
        if expected and isinstance(expected[0], type):
            assert self.refusal is not None, f"not refused, but {self.decided}"
            assert type(self.refusal) is expected[0], repr(self.refusal)
            return self.refusal
        if self.refusal is not None:
            pytest.fail(f"refused: {self.refusal!r}")
        assert self.decided == expected
        return self.state


def given(*events: Event) -> Given:
    """A stream in which these events happened."""
    return Given(events)
