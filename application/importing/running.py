"""Working an import off: slice after slice of its file, each with its accounting in one append.

While chunks are on their way to the disk the next is decided already, on the states that those will leave. If one is
not accepted as it was decided, it and all after it are decided anew on what is in the log: versions are checked there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from application.importing.ahead import look_ahead
from application.importing.chunk import ChunkDecision, Tally
from application.importing.suppressing import SuppressionChunk, look_ahead_listed
from application.ports.log import MOST_EVENTS, VersionConflict
from application.principals import AccessEnded
from domain.audience.contact_import import Import, ImportStatus
from domain.audience.import_commands import ApplyChunk
from domain.audience.intake import FileKind, Rejected
from domain.billing.account_state import READING_ALONE
from domain.kernel.commands import stream_name
from domain.kernel.errors import Refusal
from domain.tenancy.tenant import Tenant, TenantStatus
from domain.tenancy.workspace import usable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from application.commanding import Commands
    from application.importing.ahead import Ahead
    from application.importing.rows import Decidable, Slice
    from application.importing.suppressing import ListSlice
    from application.ports.log import Append, Appended
    from application.unit import Folded, Unit
    from application.workflow import Workflow
    from domain.billing.account_state import Account

EVENTS_A_ROW: Final = 8
"""Somebody comes back after an erasure: claimed, registered, opt-out carried over, succeeded, created, consented; and
the file says without a day that they stopped: opted out, listed."""

EVENTS_A_CHUNK: Final = 2
"""The accounting, and who came onto the list."""

ROWS_A_CHUNK: Final = (MOST_EVENTS - EVENTS_A_CHUNK) // EVENTS_A_ROW
"""So that a chunk is one append, whatever its rows say."""

_ATTEMPTS: Final = 5
_ON_THEIR_WAY: Final = 2
"""Chunks on their way at most: one is committed, the one behind it writes its rejected rows meanwhile."""


class TenantNotActive(Refusal):
    """The tenant was suspended or closed while the import ran. Import the rest when it is active again."""

    code = "tenant-not-active"


class NoAddresses(Refusal):
    """None of the first 100,000 rows names an e-mail address: the mapping, or the delimiter, is probably wrong.

    Look at the preview, correct them and import the file anew. Where the rows really have no address, take them out.
    """

    code = "import-without-addresses"


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
    """A chunk as it is about to be appended, what became of its rows, and the states it leaves."""

    chunk: _Chunk
    tally: Tally
    append: Append
    leaves: dict[str, Folded]


class ImportRun:
    """One run over the slices of one import.

    `write_errors` keeps a chunk's rejected rows, durably. `left_over` are the chunks whose rejected rows an earlier run
    kept without getting any further: whatever they were, they are written over.
    """

    def __init__(
        self,
        commands: Commands,
        workflow: Workflow,
        state: Import,
        write_errors: Callable[[int, Tally], None],
        left_over: Iterable[int] = (),
    ) -> None:
        """Go on after what `state` has dealt with."""
        self._commands = commands
        self._log = commands.log
        self._workflow = workflow
        self._import = state
        self._write_errors = write_errors
        self._kept = set(left_over)
        self._chunks = state.chunks
        self._settled: dict[str, Folded] = {}
        # A chunk is looked ahead while these and the ones before it are not in the log yet, or may not be.
        self._left: deque[dict[str, Folded]] = deque(maxlen=_ON_THEIR_WAY + 1)
        self._on_their_way: deque[tuple[_Decided, asyncio.Task[Appended]]] = deque()

    async def deal(self, slices: AsyncIterator[Slice], stopping: Callable[[], bool]) -> int:
        """Deal with every slice; the number of the last row.

        Raises `Interrupted`, `Stopped`, `NoAddresses`, `TenantNotActive`, `AccessEnded`.
        """
        last_row = self._import.last_row
        waiting: tuple[_Chunk, asyncio.Task[Ahead]] | None = None
        try:
            async for rows in slices:
                if stopping():
                    if waiting is not None:
                        await self._follow(*waiting)
                    await self._land_all()
                    raise Interrupted
                self._chunks += 1
                chunk = _Chunk(self._chunks, rows)
                before, waiting = waiting, (chunk, asyncio.create_task(self._look_ahead(chunk)))
                if before is not None:
                    await self._follow(*before)
                last_row = _number(rows[-1])
            if waiting is not None:
                await self._follow(*waiting)
            await self._land_all()
        finally:
            under_way = [task for _, task in self._on_their_way]
            looking = [] if waiting is None else [waiting[1]]
            await asyncio.gather(*under_way, *looking, return_exceptions=True)
        return last_row

    async def _look_ahead(self, chunk: _Chunk) -> Ahead:
        state, tenant_id = self._import, self._workflow.tenant_id
        if state.kind is FileKind.SUPPRESSIONS:
            return await look_ahead_listed(self._commands, tenant_id, cast("ListSlice", chunk.rows))
        return await look_ahead(self._commands, tenant_id, state.workspace_id, state.duplicates, chunk.rows)

    async def _follow(self, chunk: _Chunk, looking: asyncio.Task[Ahead]) -> None:
        """Decide a chunk while those before it are on their way, and send it after them."""
        ahead = await looking
        known = dict(ahead.states)
        for left in self._left:
            known |= left
        decided: _Decided | None
        try:
            decided = await self._decide(chunk, ahead, {**known, **self._settled})
        except (Refusal, VersionConflict):
            # Perhaps of a state that never came to be: judged again once the chunks before have landed.
            decided = None
        if not await self._land_all(_ON_THEIR_WAY - 1 if decided else 0) or decided is None:
            await self._alone(chunk)
            return
        before = self._on_their_way[-1][1] if self._on_their_way else None
        self._on_their_way.append((decided, asyncio.create_task(self._send(decided, before))))
        self._keep(decided)

    async def _send(self, decided: _Decided, before: asyncio.Task[Appended] | None = None) -> Appended:
        """Append a chunk after the one `before`. Its rejected rows are kept first: none is counted and lost."""
        number = decided.chunk.number
        if decided.tally.errors or number in self._kept:
            self._kept.add(number)
            await asyncio.to_thread(self._write_errors, number, decided.tally)
        if before is not None:
            await asyncio.wait([before])
            if not _accepted(before):
                raise VersionConflict(f"import:{self._import.import_id}", number, 0)
        return await self._log.append(decided.append)

    async def _land_all(self, but: int = 0) -> bool:
        """Wait until no more than `but` chunks are on their way; False where one was not accepted as it was decided."""
        while len(self._on_their_way) > but:
            _, sent = self._on_their_way[0]
            await asyncio.wait([sent])
            if not _accepted(sent):
                await self._anew()
                return False
            self._on_their_way.popleft()
        return True

    async def _anew(self) -> None:
        """Decide anew, one by one, what is on its way: the first was not accepted, so none after it was."""
        all_sent = list(self._on_their_way)
        outcomes = await asyncio.gather(*(sent for _, sent in all_sent), return_exceptions=True)
        self._on_their_way.clear()
        self._left.clear()
        first = outcomes[0]
        if isinstance(first, BaseException) and not isinstance(first, VersionConflict):
            raise first
        for decided, _ in all_sent:
            await self._alone(decided.chunk)

    async def _alone(self, chunk: _Chunk) -> None:
        """Append a chunk on what is in the log, however often it moves meanwhile."""
        for _ in range(_ATTEMPTS):
            self._settled.clear()
            ahead = await self._look_ahead(chunk)
            decided = await self._decide(chunk, ahead, dict(ahead.states))
            try:
                appended = await self._send(decided)
            except VersionConflict:
                continue
            if appended.replayed is not None:
                raise Interrupted
            self._keep(decided)
            return
        raise VersionConflict(f"import:{self._import.import_id}", chunk.number, chunk.number)

    async def _decide(self, chunk: _Chunk, ahead: Ahead, known: dict[str, Folded]) -> _Decided:
        unit = self._workflow.unit(self._import.import_id, known)
        before, state = await self._check(unit, chunk), self._import
        tally, contacts = Tally(), None
        if state.kind is FileKind.SUPPRESSIONS:
            tally = await SuppressionChunk(unit, state.workspace_id, unit.stamp.at).decide(
                cast("ListSlice", chunk.rows), ahead
            )
        else:
            contacts = ChunkDecision(
                unit, state.workspace_id, state.import_id, state.duplicates, unit.stamp.at
            )
            tally = await contacts.decide(chunk.rows, ahead)
        # By the log's own count of what came before: however often the work resumes, the same rows are kept.
        del tally.errors[before.rejected_room :]
        if state.list_id is not None and contacts is not None:
            await contacts.list_on(state.list_id)
        first, last = _number(chunk.rows[0]), _number(chunk.rows[-1])
        unit.decide(_accounting(chunk.number, first, last, tally).stamped(unit.stamp))
        key = f"import/{state.import_id}/chunk/{chunk.number}"
        append = await self._workflow.prepared(unit, "audience.apply-chunk", key=key)
        leaves = unit.left_behind()
        for category, of in (
            ("tenant", unit.tenant_id),
            ("billing_account", unit.tenant_id),
            ("workspace", state.workspace_id),
            ("list", state.list_id),
        ):
            if of is not None and stream_name(category, of) not in leaves:
                self._settled[stream_name(category, of)] = unit.as_read(category, of)
        return _Decided(chunk, tally, append, leaves)

    async def _check(self, unit: Unit, chunk: _Chunk) -> Import:
        """The import before a chunk: it runs, has not got further elsewhere, and what it goes into is open."""
        now: Import = await unit.load("import", self._import.import_id)
        tenant = await unit.load("tenant", unit.tenant_id)
        usable(await unit.load("workspace", self._import.workspace_id))
        if not isinstance(tenant, Tenant) or tenant.status is not TenantStatus.ACTIVE:
            raise TenantNotActive
        account: Account = await unit.load("billing_account", unit.tenant_id)
        if account.access in READING_ALONE:
            raise AccessEnded.by(account.access)
        if now.status is not ImportStatus.RUNNING:
            raise Stopped
        if now.chunks >= chunk.number:
            raise Interrupted
        if now.in_vain:
            raise NoAddresses
        return now

    def _keep(self, decided: _Decided) -> None:
        """Keep what a chunk leaves for those after it, and for good the states of the few streams that all need."""
        self._left.append(decided.leaves)
        tenant_id = self._workflow.tenant_id
        kept = {
            stream_name("import", self._import.import_id),
            stream_name("list", self._import.list_id),
            stream_name("tenant", tenant_id),
            stream_name("billing_account", tenant_id),
        }
        self._settled |= {name: folded for name, folded in decided.leaves.items() if name in kept}


def _accepted(sent: asyncio.Task[Appended]) -> bool:
    """Whether a chunk that was sent is in the log as it was decided, and by this run."""
    return not sent.cancelled() and sent.exception() is None and sent.result().replayed is None


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
