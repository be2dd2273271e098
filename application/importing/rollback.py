"""Rolling an import back: contact by contact, in the order they were touched, chunk by chunk, resumable.

What it said of somebody's country and kind goes with it. It never takes an opt-out or a consent back, and keeps what
somebody changed since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson

from application.importing.running import Interrupted
from application.ports.log import VersionConflict
from application.unit import decide
from domain.audience.contact import Contact, RevertContact
from domain.audience.contact_import import Import, ImportStatus
from domain.audience.email import match_form
from domain.audience.import_rollback import ApplyRollbackChunk, CompleteRollback
from domain.kernel.ids import ImportId
from domain.kernel.personal import is_hidden

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from application.commanding import Commands
    from application.unit import Unit
    from application.workflow import Workflow

_CONTACTS_A_CHUNK: Final = 300
"""Each is removed, its address released and its word taken back, three events: within one append."""

_EVENTS_READ: Final = 1_000
_ATTEMPTS: Final = 5
_TOUCHED: Final = frozenset({"audience.contact_created", "audience.contact_updated"})


class Rollback:
    """Undoes one import after another; the log says what each touched."""

    def __init__(self, commands: Commands) -> None:
        """Act through `commands`."""
        self._commands = commands

    async def run(self, workflow: Workflow, import_id: UUID, stopping: Callable[[], bool]) -> None:
        """Put back what is left to be put back. Raises `Interrupted` between two chunks when `stopping` says so."""
        state = await self._commands.state(workflow.tenant_id, "import", import_id)
        if not isinstance(state, Import) or state.status is not ImportStatus.ROLLING_BACK:
            return
        chunk = 0
        async for contacts in self._touched(workflow.tenant_id, import_id):
            chunk += 1
            if chunk <= state.undone.chunks:
                continue
            if stopping():
                raise Interrupted
            await self._undo(workflow, ImportId(import_id), chunk, contacts)
        done = f"import/{import_id}/rolled-back"
        await workflow.execute(CompleteRollback(), import_id, key=done)

    async def _touched(self, tenant_id: UUID, import_id: UUID) -> AsyncIterator[list[UUID]]:
        """The contacts that the import made or changed, each once, in slices that are the same at every reading.

        A chunk's events lie together in the log, so only the stretch from its first to its last is read. An import
        that ended before it was started touched nobody.
        """
        (history,) = await self._commands.log.read_streams(tenant_id, [(f"import:{import_id}", 0)])
        positions = [row.position for row in history if row.name == "audience.import_chunk_applied"]
        started = next((row.position for row in history if row.name == "audience.import_started"), None)
        if started is None:
            return
        wanted, seen = str(import_id), dict[UUID, None]()
        after, last = started, max(positions, default=started)
        pending: list[UUID] = []
        while after < last:
            rows = await self._commands.log.read_log(tenant_id, after=after, limit=_EVENTS_READ, up_to=last)
            after = rows[-1].position
            for row in rows:
                if row.name in _TOUCHED and orjson.loads(row.payload).get("import_id") == wanted:
                    contact = UUID(row.stream.partition(":")[2])
                    if contact not in seen:
                        seen[contact] = None
                        pending.append(contact)
            while len(pending) >= _CONTACTS_A_CHUNK:
                yield pending[:_CONTACTS_A_CHUNK]
                pending = pending[_CONTACTS_A_CHUNK:]
        if pending:
            yield pending

    async def _undo(
        self, workflow: Workflow, import_id: ImportId, chunk: int, contacts: Sequence[UUID]
    ) -> None:
        for _ in range(_ATTEMPTS):
            unit = workflow.unit(import_id)
            state: Import = await unit.load("import", import_id)
            if state.status is not ImportStatus.ROLLING_BACK or state.undone.chunks >= chunk:
                return
            accounting = await self._put_back(unit, import_id, chunk, contacts)
            unit.decide(accounting.stamped(unit.stamp))
            try:
                await workflow.commit(
                    unit, "audience.apply-rollback-chunk", key=f"import/{import_id}/rollback/{chunk}"
                )
            except VersionConflict:
                continue
            return
        raise VersionConflict(f"import:{import_id}", chunk, chunk)

    async def _put_back(
        self, unit: Unit, import_id: ImportId, chunk: int, contacts: Sequence[UUID]
    ) -> ApplyRollbackChunk:
        """Revert each contact on the unit; reservations and people are loaded in one round trip each before."""
        states = await unit.load_many("contact", contacts)
        there = [one for one in states if isinstance(one, Contact)]
        held = [one.email for one in there if not is_hidden(one.email)]
        await unit.find_many("email_claim", [match_form(email) for email in held])
        await unit.load_many("addressee", list({one.addressee_id for one in there}))
        removed = restored = kept = 0
        for contact in contacts:
            before = len(unit.events)
            await decide(RevertContact(import_id=import_id).stamped(unit.stamp.aimed_at(contact)), unit)
            if len(unit.events) == before:
                kept += 1
            elif isinstance(unit.state("contact", contact), Contact):
                restored += 1
            else:
                removed += 1
        return ApplyRollbackChunk(chunk=chunk, removed=removed, restored=restored, kept=kept)
