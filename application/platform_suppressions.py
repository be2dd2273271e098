"""What the platform suppresses, carried into the tenants' logs: by one job for each, tenant by tenant, resumable.

A step finds what the log of a tenant has already, and adds what is missing: done twice, it is done once. A tenant whose
log opens meanwhile takes everything over that stands then, after its opening: one of the two meets the other.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from application.at_platform import Standing, carried
from application.importing.running import Interrupted
from application.ports.log import VersionConflict
from domain.audience.barring import FromPlatform
from domain.kernel.ids import PLATFORM
from domain.kernel.personal import is_hidden
from domain.platform.registration import TenantRegistered
from domain.platform.suppression import (
    PLATFORM_SUPPRESSION,
    AddressReleased,
    AddressSuppressed,
    ConfirmSuppressionCopied,
    existing,
)
from domain.tenancy.tenant import Tenant, TenantStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from uuid import UUID

    from application.commanding import Commands
    from application.ports.codec import EventCodec
    from application.ports.log import Recorded, TenantLog
    from application.workflow import Workflow

_READ: Final = 1_000
_ATTEMPTS: Final = 6
_TOGETHER: Final = 100
"""Suppressions that a new tenant takes over in one append."""
_TOLD_BY: Final = frozenset({TenantRegistered.name, AddressSuppressed.name, AddressReleased.name})
_STEP: Final = "audience.copy-platform-suppression"


class AddressLost(LookupError):
    """The key of a suppressed address is gone before its end was everywhere: it can be carried nowhere any more."""


class PlatformSuppressions:
    """Reads them in the platform's log and enters them in others; one for all jobs of a process."""

    def __init__(self, commands: Commands, codec: EventCodec) -> None:
        """Act through `commands`; addresses are opened with `codec`."""
        self._commands = commands
        self._codec = codec
        self._followed = Followed(commands.log, codec)

    async def copy(
        self, workflow: Workflow, suppression_id: UUID, stopping: Callable[[], bool], *, release: bool
    ) -> None:
        """Enter a suppression, or its end, in the log of every tenant; then say that it is done.

        Raises `Interrupted` between two tenants when `stopping` says so, and `AddressLost`. Nothing is to be done, nor
        said, once its end stands everywhere.
        """
        known = existing(await self._commands.state(PLATFORM, PLATFORM_SUPPRESSION.category, suppression_id))
        if known.release_copied:
            return
        opened = await self._opened([suppression_id])
        if not opened:
            raise AddressLost(suppression_id)
        # Whose log opens only now takes over what stands: no log that is not there is looked for.
        for tenant_id in (await self._followed.now()).tenants:
            if stopping():
                raise Interrupted
            await self._enter(workflow.in_tenant(tenant_id), opened, release=release)
        done = f"platform-suppression/{suppression_id}/{'release-' if release else ''}copied"
        await workflow.execute(ConfirmSuppressionCopied(release=release), suppression_id, key=done)

    async def take_over(self, inside: Workflow) -> None:
        """Enter all that stands now in the log of a tenant that has just been opened."""
        standing = (await self._followed.now()).standing
        for start in range(0, len(standing), _TOGETHER):
            some = await self._opened(standing[start : start + _TOGETHER])
            await self._enter(inside, some, release=False)

    async def _enter(self, inside: Workflow, some: Iterable[Standing], *, release: bool) -> None:
        """One append to one tenant's log; none where it has it all."""
        for _ in range(_ATTEMPTS):
            unit = inside.unit(inside.tenant_id)
            tenant = await unit.load("tenant", inside.tenant_id)
            if not isinstance(tenant, Tenant) or tenant.status is TenantStatus.CLOSED:
                return
            for one in some:
                await carried(unit, one, release=release)
            if not unit.events:
                return
            try:
                # What the log has already is found by its states; a receipt would only stand in the way of what is new.
                await inside.commit(unit, _STEP, key=f"platform-suppression/{unit.stamp.command_id}")
            except VersionConflict:
                continue
            return
        raise VersionConflict(f"tenant:{inside.tenant_id}", 0, 0)

    async def _opened(self, suppressions: Sequence[UUID]) -> list[Standing]:
        """Suppressions with their addresses; without those whose address was destroyed."""
        names = [(f"{PLATFORM_SUPPRESSION.category}:{one}", 0) for one in suppressions]
        found = await self._commands.log.read_streams(PLATFORM, names, limit=1)
        firsts = [recorded[0] for recorded in found if recorded]
        return [
            Standing(FromPlatform(event.suppression_id, event.kind, row.recorded_at), event.email)
            for row, event in zip(firsts, self._codec.decode(firsts, reveal=True), strict=True)
            if isinstance(event, AddressSuppressed) and not is_hidden(event.email)
        ]


class Told(NamedTuple):
    """Who is registered, in that order, and which suppressions stand."""

    tenants: Sequence[UUID]
    standing: Sequence[UUID]


class Followed:
    """What the platform's log tells of tenants and suppressions, ids alone: read once, and then from where it was.

    A log that was restored is read anew: what came after the point it was restored to never was.
    """

    def __init__(self, log: TenantLog, codec: EventCodec) -> None:
        """Read from `log`."""
        self._log = log
        self._codec = codec
        self._lock = asyncio.Lock()
        self._begin(0)

    def _begin(self, epoch: int) -> None:
        self._epoch = epoch
        self._after = 0
        self._tenants: list[UUID] = []
        self._standing: dict[UUID, None] = {}

    async def now(self) -> Told:
        """What it tells up to its present end."""
        async with self._lock:
            head = await self._log.head(PLATFORM)
            if head is not None and head.epoch != self._epoch:
                self._begin(head.epoch)
            while rows := await self._log.read_log(PLATFORM, after=self._after, limit=_READ):
                self._take([row for row in rows if row.name in _TOLD_BY])
                self._after = rows[-1].position
            return Told(tuple(self._tenants), tuple(self._standing))

    def _take(self, rows: Sequence[Recorded]) -> None:
        for event in self._codec.decode(rows):
            if isinstance(event, TenantRegistered):
                self._tenants.append(event.tenant_id)
            elif isinstance(event, AddressSuppressed):
                self._standing[event.suppression_id] = None
            elif isinstance(event, AddressReleased):
                self._standing.pop(event.suppression_id, None)
