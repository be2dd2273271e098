"""Reads that leave a trace before they are answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from application.ports.codec import Cause
from application.ports.log import Append
from domain.access.reads import ReadKind, ReadRecorded
from domain.kernel.commands import stream_name
from domain.kernel.ids import new_id

if TYPE_CHECKING:
    from uuid import UUID

    from application.commanding import Clock, KeyMaker
    from application.ports.codec import EventCodec
    from application.ports.log import TenantLog
    from application.principals import Principal
    from domain.access.reads import AccessEvent


@dataclass(frozen=True, slots=True)
class Read:
    """What is about to be shown, to whom."""

    principal: Principal
    query: str
    kind: ReadKind
    position: str | None = None
    rows: int | None = None
    subjects: tuple[UUID, ...] = field(default=())
    filters: str | None = None
    request_id: str | None = None
    ip: str | None = None
    channel: str = "api"
    reason: str | None = None


class AccessLog:
    """Records reads in the tenants' second logs. The answer waits for it: what was not recorded is not shown."""

    def __init__(self, log: TenantLog, codec: EventCodec, key_maker: KeyMaker, clock: Clock) -> None:
        """`log` is the access log, not the log of events."""
        self._log = log
        self._codec = codec
        self._key_maker = key_maker
        self._clock = clock

    async def record(self, read: Read) -> None:
        """Record one read, durably. Raises a `LogError`: then nothing may be shown."""
        principal, actor = read.principal, read.principal.actor
        event = ReadRecorded(
            reader_id=actor.id,
            kind=ReadKind.STAFF if principal.staff else read.kind,
            query=read.query,
            position=read.position,
            rows=read.rows,
            subjects=list(read.subjects),
            filters=read.filters,
        )
        reason = principal.because(read.reason)
        await self.enter(principal, event, read.request_id, read.ip, read.channel, reason)

    async def enter(
        self,
        principal: Principal,
        event: AccessEvent,
        request_id: str | None = None,
        ip: str | None = None,
        channel: str = "api",
        reason: str | None = None,
    ) -> None:
        """Enter something about a reader, durably. Raises a `LogError`."""
        actor, command_id = principal.actor, new_id(self._clock())
        cause = Cause(
            actor=actor,
            command_id=command_id,
            command_name="access.record-read",
            correlation=command_id,
            request=request_id,
            channel=channel,
            ip=ip,
            reason=reason,
        )
        await self._key_maker.ensure(self._codec.keys_of(principal.tenant_id, [event], cause))
        stream = stream_name("reads", actor.id)
        events = self._codec.encode(principal.tenant_id, [(stream, event)], cause)
        await self._log.append(Append(principal.tenant_id, tuple(events), opens_log=True))
