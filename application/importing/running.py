"""Working an import off: slice after slice of its file, each with its accounting in one append.

While one chunk is on its way to the disk the next is decided already, on the states that the first will leave. If the
first is not accepted as it was decided, both are decided anew on what is in the log: versions are checked there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from application.importing.ahead import look_ahead
from application.importing.chunk import ChunkDecision
from application.ports.log import VersionConflict
from domain.audience.contact_import import Import, ImportStatus
from domain.audience.import_commands import ApplyChunk
from domain.audience.intake import Rejected
from domain.kernel.commands import stream_name
from domain.kernel.errors import Refusal
from domain.tenancy.tenant import Tenant, TenantStatus
from domain.tenancy.workspace import usable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from application.commanding import Commands
    from application.importing.ahead import Ahead
    from application.importing.chunk import Tally
    from application.importing.rows import Decidable, Slice
    from application.ports.log import Append, Appended
    from application.unit import Folded, Unit
    from application.workflow import Workflow

ROWS_A_CHUNK: Final = 190
"""A row makes five events at most, and a chunk's own two: below the 1,000 events of one append."""

_ATTEMPTS: Final = 5


class TenantNotActive(Refusal):
    """The tenant was suspended or closed while the import ran. Import the rest when it is active again."""

    code = "tenant-not-active"


class Interrupted(Exception):
    """The work was asked to stop between two chunks, or is done elsewhere; begun again, it goes on where it stands."""


class Stopped(Exception):
    """The import does not run any more: somebody cancelled it."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    number: int
    rows: Slice


@dataclass(frozen=True, slots=True)
class _Decided:
    """A chunk as it is about to be appended, and the states it leaves."""

    chunk: _Chunk
    append: Append
    leaves: dict[str, Folded]


class ImportRun:
    """One run over the slices of one import. `write_errors` keeps a chunk's rejected rows, durably."""

    def __init__(
        self,
        commands: Commands,
        workflow: Workflow,
        state: Import,
        write_errors: Callable[[int, Tally], None],
    ) -> None:
        """Go on after what `state` has dealt with."""
        self._commands = commands
        self._log = commands.log
        self._workflow = workflow
        self._import = state
        self._write_errors = write_errors
        self._chunks = state.chunks
        self._settled: dict[str, Folded] = {}
        self._landed: dict[str, Folded] = {}
        self._on_its_way: tuple[_Decided, asyncio.Task[Appended]] | None = None

    async def deal(self, slices: AsyncIterator[Slice], stopping: Callable[[], bool]) -> int:
        """Deal with every slice; the number of the last row. Raises `Interrupted`, `Stopped`, `TenantNotActive`."""
        last_row = self._import.last_row
        waiting: tuple[_Chunk, asyncio.Task[Ahead]] | None = None
        try:
            async for rows in slices:
                if stopping():
                    if waiting is not None:
                        await self._follow(*waiting)
                    await self._land()
                    raise Interrupted
                self._chunks += 1
                chunk = _Chunk(self._chunks, rows)
                before, waiting = waiting, (chunk, asyncio.create_task(self._look_ahead(chunk)))
                if before is not None:
                    await self._follow(*before)
                last_row = _number(rows[-1])
            if waiting is not None:
                await self._follow(*waiting)
            await self._land()
        finally:
            under_way = [pair[1] for pair in (waiting, self._on_its_way) if pair is not None]
            await asyncio.gather(*under_way, return_exceptions=True)
        return last_row

    async def _look_ahead(self, chunk: _Chunk) -> Ahead:
        state, tenant_id = self._import, self._workflow.tenant_id
        return await look_ahead(self._commands, tenant_id, state.workspace_id, state.duplicates, chunk.rows)

    async def _follow(self, chunk: _Chunk, looking: asyncio.Task[Ahead]) -> None:
        """Decide a chunk while the one before is on its way, and send it after that."""
        ahead = await looking
        leaves = {} if self._on_its_way is None else self._on_its_way[0].leaves
        try:
            # It was looked ahead while two chunks before were not in the log yet, or may not have been.
            known = {**ahead.states, **self._landed, **self._settled, **leaves}
            decided = await self._decide(chunk, ahead, known)
        except (Refusal, VersionConflict):
            # Perhaps of a state that never came to be: judged again once the chunk before has landed.
            decided = None
        if not await self._land() or decided is None:
            await self._alone(chunk)
            return
        self._on_its_way = (decided, asyncio.create_task(self._log.append(decided.append)))

    async def _land(self) -> bool:
        """Wait for the chunk that is on its way; False where it was not accepted as it was decided."""
        if self._on_its_way is None:
            return True
        decided, task = self._on_its_way
        try:
            appended = await task
        except VersionConflict:
            appended = None
        finally:
            self._on_its_way = None
        if appended is None or appended.replayed is not None:
            await self._alone(decided.chunk)
            return False
        self._settle(decided)
        return True

    async def _alone(self, chunk: _Chunk) -> None:
        """Append a chunk on what is in the log, however often it moves meanwhile."""
        for _ in range(_ATTEMPTS):
            self._settled.clear()
            ahead = await self._look_ahead(chunk)
            decided = await self._decide(chunk, ahead, dict(ahead.states))
            try:
                appended = await self._log.append(decided.append)
            except VersionConflict:
                continue
            if appended.replayed is not None:
                raise Interrupted
            self._settle(decided)
            return
        raise VersionConflict(f"import:{self._import.import_id}", chunk.number, chunk.number)

    async def _decide(self, chunk: _Chunk, ahead: Ahead, known: dict[str, Folded]) -> _Decided:
        unit = self._workflow.unit(self._import.import_id, known)
        await self._check(unit, chunk)
        state = self._import
        decision = ChunkDecision(unit, state.workspace_id, state.import_id, state.duplicates, unit.stamp.at)
        tally = await decision.decide(chunk.rows, ahead)
        if state.list_id is not None:
            await decision.list_on(state.list_id)
        first, last = _number(chunk.rows[0]), _number(chunk.rows[-1])
        unit.decide(_accounting(chunk.number, first, last, tally).stamped(unit.stamp))
        if tally.errors:
            await asyncio.to_thread(self._write_errors, chunk.number, tally)
        key = f"import/{state.import_id}/chunk/{chunk.number}"
        append = await self._workflow.prepared(unit, "audience.apply-chunk", key=key)
        leaves = unit.left_behind()
        for category, of in (
            ("tenant", unit.tenant_id),
            ("workspace", state.workspace_id),
            ("list", state.list_id),
        ):
            if of is not None and stream_name(category, of) not in leaves:
                self._settled[stream_name(category, of)] = unit.as_read(category, of)
        return _Decided(chunk, append, leaves)

    async def _check(self, unit: Unit, chunk: _Chunk) -> None:
        """The import runs, has not got further elsewhere, and what it goes into is open."""
        now: Import = await unit.load("import", self._import.import_id)
        tenant = await unit.load("tenant", unit.tenant_id)
        usable(await unit.load("workspace", self._import.workspace_id))
        if not isinstance(tenant, Tenant) or tenant.status is not TenantStatus.ACTIVE:
            raise TenantNotActive
        if now.status is not ImportStatus.RUNNING:
            raise Stopped
        if now.chunks >= chunk.number:
            raise Interrupted

    def _settle(self, decided: _Decided) -> None:
        """Keep what the chunk left, and for good the states of the few streams that every chunk needs."""
        self._landed = decided.leaves
        kept = {stream_name("import", self._import.import_id), stream_name("list", self._import.list_id)}
        self._settled |= {name: folded for name, folded in decided.leaves.items() if name in kept}


def _number(row: Decidable) -> int:
    return row.row.number if isinstance(row, Rejected) else row.number


def _accounting(chunk: int, first_row: int, last_row: int, tally: Tally) -> ApplyChunk:
    return ApplyChunk(
        chunk=chunk,
        first_row=first_row,
        last_row=last_row,
        imported=tally.imported,
        updated=tally.updated,
        skipped=tally.skipped,
        rejected=tally.rejected,
        warnings=dict(tally.warnings),
        problems=dict(tally.problems),
    )
