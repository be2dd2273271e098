"""Workflows act by themselves: under no credential, with a cause, each step under a key of its own.

Every step is idempotent by its key: a step begun again after a crash finds its receipt and goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from application.orders import KeySpace, Order
from application.ports.codec import Cause
from application.ports.log import Append, ReceiptKey
from application.principals import Principal
from application.pseudonyms import hmac_sha256
from application.unit import Unit
from domain.kernel.commands import Actor, ActorKind, Stamp
from domain.kernel.ids import new_id
from domain.kernel.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from datetime import timedelta
    from uuid import UUID

    from application.commanding import Commands
    from application.orders import Outcome
    from application.ports.log import Appended
    from application.unit import Folded
    from domain.kernel.commands import Command

_EVERYTHING = frozenset(Permission)


class NotYet(Exception):
    """A job waits for something, and nothing is wrong: it is taken up again after `pause`; that is no attempt.

    `waits_for`: a word for it that is shown meanwhile.
    """

    def __init__(self, pause: timedelta, waits_for: str | None = None) -> None:
        """Say when to look again."""
        super().__init__(f"in {pause}")
        self.pause = pause
        self.waits_for = waits_for


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody whose request is done while they wait: what is entered for it is theirs, from where and why too."""

    actor: Actor
    request_id: str | None = None
    ip: str | None = None
    reason: str | None = None
    channel: str = "api"


@dataclass(frozen=True, slots=True)
class Because:
    """What set a workflow going: a command of somebody's, or a job of the log; or somebody who waits for it."""

    correlation: UUID
    causation: UUID | None = None
    member: UUID | None = None
    asking: Asking | None = None


class Workflow:
    """One workflow on one tenant's log. `workflow_id` is who acts in the log: the job, or the thing it is about."""

    def __init__(self, commands: Commands, tenant_id: UUID, workflow_id: UUID, because: Because) -> None:
        """Act through `commands`."""
        self.tenant_id = tenant_id
        self._commands = commands
        self.workflow_id = workflow_id
        self._because = because
        asking = because.asking
        self._actor = (
            Actor(ActorKind.WORKFLOW, workflow_id, because.member) if asking is None else asking.actor
        )
        self.principal = Principal(tenant_id, self._actor, _EVERYTHING, None, 0)

    async def execute(self, command: Command, target: UUID, *, key: str, opens_log: bool = False) -> Outcome:
        """Execute a command in the tenant's log. Raises its `Refusal`, or a `LogError`."""
        return await self._commands.execute(self.order(command, target, key=key, opens_log=opens_log))

    def order(
        self, command: Command, target: UUID, *, key: str | None = None, opens_log: bool = False
    ) -> Order:
        """The order of a step."""
        asking = self._because.asking or Asking(self._actor, channel="worker")
        return Order(
            principal=self.principal,
            command=command,
            target=target,
            body=command.model_dump_json().encode(),
            key=key,
            key_space=KeySpace.STEPS,
            request_id=asking.request_id,
            ip=asking.ip,
            channel=asking.channel,
            reason=asking.reason,
            correlation=self._because.correlation,
            causation=self._because.causation,
            opens_log=opens_log,
        )

    def in_tenant(self, tenant_id: UUID) -> Workflow:
        """The same workflow on another tenant's log."""
        return Workflow(self._commands, tenant_id, self.workflow_id, self._because)

    def unit(self, target: UUID, known: MutableMapping[str, Folded] | None = None) -> Unit:
        """A unit of work for steps that touch many streams: on fresh state, but for streams that are `known`."""
        now = self._commands.clock()
        stamp = Stamp(now, new_id(now), self._actor, self.tenant_id, target)
        return Unit(
            self._commands.streams, stamp, principal_permissions=_EVERYTHING, fresh=True, overlay=known
        )

    async def commit(self, unit: Unit, name: str, *, key: str) -> Appended:
        """Append what a unit decided, under a key of the step. Raises `VersionConflict` where something moved."""
        return await self._commands.log.append(await self.prepared(unit, name, key=key))

    async def prepared(self, unit: Unit, name: str, *, key: str) -> Append:
        """The append of what a unit decided, under a key of the step; its subjects' keys are durable."""
        asking = self._because.asking or Asking(self._actor, channel="worker")
        cause = Cause(
            actor=self._actor,
            command_id=unit.stamp.command_id,
            command_name=name,
            correlation=self._because.correlation,
            causation=self._because.causation,
            request=asking.request_id,
            channel=asking.channel,
            ip=asking.ip,
            reason=asking.reason,
        )
        events = await self._commands.encode(unit, cause)
        secret = self._commands.streams.hmacs(self.tenant_id, KeySpace.STEPS, key)[0]
        # The step's key is its whole meaning: whoever did it first did it.
        receipt = ReceiptKey(secret, hmac_sha256(secret, key.encode()), unit.stamp.command_id, name)
        return Append(self.tenant_id, tuple(events), unit.expected(), receipt)
