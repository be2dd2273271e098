"""What the platform suppresses, carried into the tenants' logs: by one job for each, tenant by tenant, resumable.

A step finds what the log of a tenant has already, and adds what is missing: done twice, it is done once. A tenant whose
log opens meanwhile takes everything over that stands then, after its opening: one of the two meets the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from application.importing.running import Interrupted
from application.ports.log import VersionConflict
from domain.audience.barring import FromPlatform, barred, released, unbarred, under_bar
from domain.audience.email import match_form
from domain.kernel.ids import PLATFORM
from domain.kernel.personal import is_hidden
from domain.platform.registration import TenantRegistered
from domain.platform.suppression import (
    PLATFORM_SUPPRESSION,
    AddressReleased,
    AddressSuppressed,
    ConfirmSuppressionCopied,
)
from domain.tenancy.tenant import Tenant, TenantStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from datetime import datetime
    from uuid import UUID

    from application.commanding import Commands
    from application.ports.codec import EventCodec
    from application.unit import Unit
    from application.workflow import Workflow
    from domain.audience.email_claim import EmailClaim

_READ: Final = 1_000
_ATTEMPTS: Final = 6
_TOGETHER: Final = 100
"""Suppressions that a new tenant takes over in one append."""
_STEP: Final = "audience.copy-platform-suppression"
_ENDED: Final = "The platform ended its suppression."


class Standing(NamedTuple):
    """A suppression of the platform's, with its address in the clear."""

    told: FromPlatform
    email: str


class PlatformSuppressions:
    """Reads them in the platform's log and enters them in others."""

    def __init__(self, commands: Commands, codec: EventCodec) -> None:
        """Act through `commands`; addresses are opened with `codec`."""
        self._commands = commands
        self._codec = codec

    async def copy(
        self, workflow: Workflow, suppression_id: UUID, stopping: Callable[[], bool], *, release: bool
    ) -> None:
        """Enter a suppression, or its end, in the log of every tenant; then say that it is done.

        Raises `Interrupted` between two tenants when `stopping` says so.
        """
        one = await self._standing(suppression_id)
        if one is not None:
            async for tenant_id in self._tenants():
                if stopping():
                    raise Interrupted
                inside = workflow.in_tenant(tenant_id)
                await self._enter(inside, [one], release=release)
        done = f"platform-suppression/{suppression_id}/{'release-' if release else ''}copied"
        await workflow.execute(ConfirmSuppressionCopied(release=release), suppression_id, key=done)

    async def take_over(self, inside: Workflow) -> None:
        """Enter all that stands now in the log of a tenant that has just been opened."""
        standing: dict[UUID, Standing] = {}
        async for one, ended in self._all():
            if ended is not None:
                standing.pop(ended, None)
            elif one is not None:
                standing[one.told.suppression_id] = one
        some = list(standing.values())
        for start in range(0, len(some), _TOGETHER):
            await self._enter(inside, some[start : start + _TOGETHER], release=False)

    async def _enter(self, inside: Workflow, some: Iterable[Standing], *, release: bool) -> None:
        """One append to one tenant's log; none where it has it all."""
        for _ in range(_ATTEMPTS):
            unit = inside.unit(inside.tenant_id)
            tenant = await unit.load("tenant", inside.tenant_id)
            if not isinstance(tenant, Tenant) or tenant.status is TenantStatus.CLOSED:
                return
            for one in some:
                await _decided(unit, one, release=release)
            if not unit.events:
                return
            try:
                # What the log has already is found by its states; a receipt would only stand in the way of what is new.
                await inside.commit(unit, _STEP, key=f"platform-suppression/{unit.stamp.command_id}")
            except VersionConflict:
                continue
            return
        raise VersionConflict(f"tenant:{inside.tenant_id}", 0, 0)

    async def _standing(self, suppression_id: UUID) -> Standing | None:
        """A suppression; None where its address was destroyed."""
        stream = f"{PLATFORM_SUPPRESSION.category}:{suppression_id}"
        recorded = await self._commands.log.read_stream(PLATFORM, stream, limit=1)
        (event,) = self._codec.decode(recorded, reveal=True)
        if not isinstance(event, AddressSuppressed):
            return None
        return _with_address(event, recorded[0].recorded_at)

    async def _all(self) -> AsyncIterator[tuple[Standing | None, UUID | None]]:
        """Every suppression, and the id of each that ended, in the order of the log."""
        names = {AddressSuppressed.name, AddressReleased.name}
        after = 0
        while rows := await self._commands.log.read_log(PLATFORM, after=after, limit=_READ):
            after = rows[-1].position
            wanted = [row for row in rows if row.name in names]
            for row, event in zip(wanted, self._codec.decode(wanted, reveal=True), strict=True):
                if isinstance(event, AddressSuppressed):
                    yield _with_address(event, row.recorded_at), None
                elif isinstance(event, AddressReleased):
                    yield None, event.suppression_id

    async def _tenants(self) -> AsyncIterator[UUID]:
        """Every tenant whose log is open, in the order of their registration."""
        after = 0
        while rows := await self._commands.log.read_log(PLATFORM, after=after, limit=_READ):
            after = rows[-1].position
            wanted = [row for row in rows if row.name == TenantRegistered.name]
            for event in self._codec.decode(wanted):
                if (
                    isinstance(event, TenantRegistered)
                    and await self._commands.log.head(event.tenant_id) is not None
                ):
                    yield event.tenant_id


def _with_address(event: AddressSuppressed, since: datetime) -> Standing | None:
    if is_hidden(event.email):
        return None
    return Standing(FromPlatform(event.suppression_id, event.kind, since), event.email)


async def _decided(unit: Unit, one: Standing, *, release: bool) -> None:
    """What one suppression, or its end, changes of an address and of whoever has it."""
    claim: EmailClaim
    key, claim = await unit.find("email_claim", match_form(one.email))
    ended = unbarred(claim, one.told.suppression_id)
    unit.append("email_claim", key, *(ended if release else barred(claim, one.told)))
    claim = unit.state("email_claim", key)
    who = claim.addressee_id
    if who is None:
        return
    state = await unit.load("addressee", who)
    # Also with an end: another kind that stands with the address may not have come to its addressee yet.
    ending = released(state, claim, unit.stamp.at, _ENDED) if release else ()
    unit.append("addressee", who, *under_bar(who, state, claim), *ending)
