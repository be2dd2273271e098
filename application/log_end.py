"""Deleting a closed tenant's log whole: whether it may go, what it was, and every store that has something of it.

The tombstone is entered first. Everything after it may be done again to its end, whatever was killed when.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import orjson

from domain.audit.checkpoints import Checkpoint
from domain.audit.notes import Note
from domain.audit.origins import LogId, LogKind
from domain.kernel.commands import stream_name
from domain.kernel.errors import NotFound
from domain.kernel.ids import PLATFORM
from domain.kernel.personal import KeyKind
from domain.law.periods import over
from domain.platform.log_end import DeleteLog, FinishLogDeletion, LastOfLog, LogNotSigned, TenantNotClosed
from domain.platform.registration import Registration
from domain.retention.kinds import Kind, schedule
from domain.retention.retained import counted_from

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from application.commanding import Commands
    from application.ports.blobs import BlobStore
    from application.ports.keys import KeyStore
    from application.ports.ledger import Ledger
    from domain.kernel.commands import Command
    from domain.retention.hold import Holds
    from domain.retention.policy import Policy


class TenantRows(Protocol):
    """Every row of a tenant, in every table and in the analytics file."""

    def let_go(self) -> None:
        """Make sure that no process holds the analytics file. Raises what says which does."""

    def counted(self, tenant_id: UUID) -> dict[str, int]:
        """How many there are by table, those without any left out."""

    def deleted(self, tenant_id: UUID) -> dict[str, int]:
        """Delete them; how many there were by table. What is signed stays."""

    def heads(self, tenant_id: UUID) -> Mapping[str, tuple[int, int]]:
        """Epoch and last position of each of the tenant's logs that there is."""

    def holds_over_people(self, tenant_id: UUID) -> Iterable[tuple[str, str, int, bytes]]:
        """Stream, name, version and payload of each event that places a hold over somebody, or ends one."""


class DeliveredFiles(Protocol):
    """Files that were delivered to folders of the installation."""

    def remove(self, tenant_id: UUID) -> None:
        """Remove all of a tenant's."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A closed tenant's log before its end. `holds`: of the tenant's own that stand; `logs`: what was signed last."""

    registration: Registration
    closed_at: datetime
    due_at: datetime
    rule: str
    holds: int
    logs: tuple[LastOfLog, ...]

    @property
    def standing(self) -> int:
        """How many holds keep it."""
        own = 0 if self.registration.own_holds_settled else self.holds
        return own + len(self.registration.log_holds)

    @property
    def command(self) -> DeleteLog:
        """What enters the tombstone."""
        return DeleteLog(
            closed_at=self.closed_at,
            due_at=self.due_at,
            rule=self.rule,
            holds=self.holds,
            logs=list(self.logs),
        )


@dataclass(frozen=True, slots=True)
class LogEnd:
    """Ends logs."""

    commands: Commands
    ledger: Ledger
    keys: KeyStore
    blobs: BlobStore
    delivered: DeliveredFiles
    rows: TenantRows

    async def registration(self, tenant_id: UUID) -> Registration:
        """The registration. Raises `NotFound`."""
        found = await self.commands.state(PLATFORM, "registration", tenant_id)
        if not isinstance(found, Registration):
            raise NotFound
        return found

    async def look(self, tenant_id: UUID) -> Ending:
        """What would be said of the log. Raises `NotFound`, `TenantNotClosed` and `LogNotSigned`."""
        registration = await self.registration(tenant_id)
        events = await self.commands.log.read_stream(PLATFORM, stream_name("registration", tenant_id))
        closed_at = next((one.recorded_at for one in events if one.name == "platform.tenant_closed"), None)
        if closed_at is None:
            raise TenantNotClosed
        heads = await asyncio.to_thread(self.rows.heads, tenant_id)
        policy: Policy = await self.commands.state(tenant_id, "retention_policy", tenant_id)
        terms, period = schedule()[Kind.TENANT_LOG], policy.period(Kind.TENANT_LOG)
        if period is None:
            raise ValueError("the log of a closed tenant is never kept without end")
        return Ending(
            registration,
            closed_at,
            over(period.after(counted_from(closed_at)), ()),
            f"{terms.kind}: {period} after the closing; {terms.source}",
            await self._holds(tenant_id),
            tuple(
                [
                    await self._last(tenant_id, kind, *heads[kind])
                    for kind in LogKind
                    if heads.get(kind, (0, 0))[1]
                ]
            ),
        )

    async def delete(
        self, tenant_id: UUID, execute: Callable[[Command, UUID], Awaitable[object]]
    ) -> dict[str, int]:
        """Delete the log, or what is left of it; the rows that were removed this time by table. Raises refusals.

        `execute` runs a command on a registration, as whoever maintains the installation.
        """
        await asyncio.to_thread(self.rows.let_go)
        registration = await self.registration(tenant_id)
        if not registration.log_deleted:
            ending = await self.look(tenant_id)
            await execute(ending.command, tenant_id)
        # Keys first: from here on nothing that is still anywhere can be read by anybody.
        owner = (PLATFORM, str(registration.owner_id), KeyKind.PROFILE)
        await asyncio.to_thread(self.keys.destroy, [owner])
        await asyncio.to_thread(self.keys.destroy_tenant, tenant_id)
        await asyncio.to_thread(self.blobs.destroy_tenant, tenant_id)
        await asyncio.to_thread(self.delivered.remove, tenant_id)
        removed = await asyncio.to_thread(self.rows.deleted, tenant_id)
        await execute(FinishLogDeletion(removed=removed), tenant_id)
        return removed

    async def _holds(self, tenant_id: UUID) -> int:
        """The tenant's own holds that stand: of matters, and over people alone."""
        holds: Holds = await self.commands.state(tenant_id, "legal_holds", tenant_id)
        placed: set[tuple[str, int]] = set()
        for stream, name, version, payload in await asyncio.to_thread(
            lambda: list(self.rows.holds_over_people(tenant_id))
        ):
            if name == "audience.legal_hold_placed":
                placed.add((stream, version))
            else:
                placed.discard((stream, orjson.loads(payload)["entry"]))
        return len(holds.standing) + len(placed)

    async def _last(self, tenant_id: UUID, kind: LogKind, epoch: int, position: int) -> LastOfLog:
        """What was signed of a log last. Raises `LogNotSigned` where it went on since."""
        tree = await self.ledger.tree(LogId(tenant_id, kind))
        if tree is None or (tree.epoch, tree.size) != (epoch, position) or tree.refused:
            raise LogNotSigned(log=kind.value)
        checkpoint = Checkpoint.read(Note.read(tree.note).text)
        return LastOfLog(
            log=kind.value,
            epoch=epoch,
            position=position,
            root=checkpoint.root.hex(),
            checkpoint=tree.note.decode(),
        )
