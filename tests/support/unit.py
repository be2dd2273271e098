"""A tenant's log in memory, under the real unit of work and the real handlers."""

from __future__ import annotations

import copy
import hmac
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import application.handlers  # noqa: F401 - registers the handlers
from application.ports.log import Recorded
from application.unit import Folded, Streams, Unit, decide
from domain.audience.addressee_events import MessageDispatched
from domain.billing.catalogue import Meter
from domain.kernel.commands import DECIDERS, Actor, Command, Decider, Stamp, stream_name
from domain.kernel.events import Event
from domain.kernel.permissions import TENANT_ROLES, Permission, TenantRole
from tests.support.given import ACTOR, NOW, TENANT, uid
from tests.support.reads import Reads

OWNER = TENANT_ROLES[TenantRole.OWNER]


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Run what awaits nothing but this log in memory; no event loop is needed, which keeps properties quick."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("a handler awaited something that is not its unit")


class World:
    """One tenant. `run` accepts a command or raises its refusal, and then nothing has changed."""

    def __init__(self) -> None:
        self.log: list[tuple[str, Event]] = []
        self.times: list[datetime] = []
        self.states: dict[str, Folded] = {}
        self.now = NOW
        self.keys = [b"current"]
        self.addresses = self
        self.reads = Reads()
        self._commands = 0
        self._lent: dict[str, tuple[Folded, Folded]] = {}
        """What a command was given to decide on, and what it was then: nothing else is within its reach."""

    # What the unit of work asks of `Streams`.
    async def load(
        self, tenant_id: UUID, wanted: Sequence[tuple[Decider[Any], str]], *, fresh: bool = False
    ) -> list[Folded]:
        assert tenant_id == TENANT, (tenant_id, fresh)
        return [self._lend(name, self.states.get(name, (0, decider.initial))) for decider, name in wanted]

    def known(self, tenant_id: UUID, decider: Decider[Any], stream: str) -> Folded | None:
        assert tenant_id == TENANT
        kept = None if decider.reveals else self.states.get(stream)
        return kept and self._lend(stream, kept)

    def _lend(self, stream: str, folded: Folded) -> Folded:
        self._lent.setdefault(stream, (folded, copy.deepcopy(folded)))
        return folded

    async def opened(self, tenant_id: UUID, stream: str) -> list[Event]:
        assert tenant_id == TENANT
        return [event for name, event in self.log if name == stream]

    async def recorded(self, tenant_id: UUID, streams: Sequence[str]) -> list[list[Recorded]]:
        assert tenant_id == TENANT
        return [
            [
                Recorded(
                    tenant_id,
                    position,
                    name,
                    0,
                    event.name,
                    event.schema_version,
                    event.model_dump_json().encode(),
                    b"{}",
                    self.times[position],
                )
                for position, (name, event) in enumerate(self.log)
                if name == stream
            ]
            for stream in streams
        ]

    def pseudonyms(self, tenant_id: UUID, purpose: str, value: str) -> list[str]:
        assert tenant_id == TENANT
        return [hmac.digest(key, f"{purpose}|{value}".encode(), "sha256").hex() for key in self.keys]

    async def suppressed_at_platform(self, tenant_id: UUID, _: object) -> None:
        """Of this tenant's people the platform suppresses nobody."""
        assert tenant_id == TENANT

    async def standing(self, tenant_id: UUID, meter: Meter) -> int:
        assert tenant_id == TENANT
        kinds = {
            Meter.USERS: ("member", {"tenancy.member_removed", "tenancy.invitation_revoked"}),
            Meter.WORKSPACES: ("workspace", {"tenancy.workspace_archived"}),
        }
        category, ended = kinds.get(meter, ("", set()))
        there = {name for name, _ in self.log if name.startswith(f"{category}:")}
        return len(there - {name for name, event in self.log if event.name in ended})

    async def sent_in(self, tenant_id: UUID, period: str) -> int:
        assert tenant_id == TENANT
        gone = [event for _, event in self.log if isinstance(event, MessageDispatched)]
        return sum(f"{event.occurred_at:%Y-%m}" == period for event in gone)

    async def aside(self, work: Callable[[], Any]) -> Any:
        return work()

    # What tests ask.
    def run(
        self,
        command: Command,
        target: UUID,
        *,
        actor: Actor = ACTOR,
        held: frozenset[Permission] = OWNER,
        at: datetime | None = None,
    ) -> list[Event]:
        """The events of an accepted command."""
        self._commands += 1
        stamp = Stamp(at or self.now, uid(0xC0000 + self._commands), actor, TENANT, target)
        unit = Unit(cast("Streams", self), stamp, principal_permissions=held)
        self._lent = {}
        try:
            _finish(decide(command.stamped(stamp), unit))
        finally:
            assert all(now == before for now, before in self._lent.values()), "deciding changed a state"
        for name, event in unit.events:
            category, _, key = name.partition(":")
            self.happened(category, key, event)
        return [event for _, event in unit.events]

    def happened(self, category: str, key: object, *events: Event) -> None:
        """Enter events as they are, without a command."""
        name, decider = stream_name(category, key), DECIDERS[category]
        for event in events:
            version, state = self.states.get(name, (0, decider.initial))
            self.states[name] = (version + 1, decider.evolve(state, event))
            self.log.append((name, event))
            self.times.append(self.now)

    def state(self, category: str, key: object) -> Any:
        """The live state of a stream."""
        return self.states.get(stream_name(category, key), (0, DECIDERS[category].initial))[1]

    def of(self, category: str) -> dict[str, Any]:
        """All live states of a category, by key."""
        return {
            name.partition(":")[2]: state
            for name, (_, state) in self.states.items()
            if name.startswith(f"{category}:")
        }

    def replayed(self) -> dict[str, Any]:
        """Every state, folded anew from the log as it would be read from disk."""
        states: dict[str, Any] = {}
        for name, event in self.log:
            decider = DECIDERS[name.partition(":")[0]]
            stored = type(event).model_validate_json(event.model_dump_json())
            states[name] = decider.evolve(states.get(name, decider.initial), stored)
        return states

    def assert_replays(self) -> None:
        """Replay is deterministic: folding the log gives what is live."""
        assert self.replayed() == {name: state for name, (_, state) in self.states.items()}

    def later(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by
