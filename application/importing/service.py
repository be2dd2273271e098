"""Imports from upload to the destruction of their files. The log says where each stands; a kill loses nothing."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from application.importing.chunk import ChunkDecision
from application.ports.blobs import BlobDamaged, BlobMissing
from application.ports.log import VersionConflict
from application.workflow import Because, Workflow
from domain.audience.contact_import import Import, ImportStatus
from domain.audience.import_commands import (
    ApplyChunk,
    CompleteImport,
    FailImport,
    MarkImportReady,
    RegisterImport,
)
from domain.audience.intake import (
    FileRefused,
    Mapping,
    Normaliser,
    candidates,
    dry_run,
    error_rows,
    open_file,
)
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.ids import WorkspaceId, derived_id, new_id
from domain.tenancy.tenant import Tenant, TenantStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Iterator
    from uuid import UUID

    from application.commanding import Clock, Commands, Order, Outcome
    from application.importing.chunk import RowOutcome, Tally
    from application.ports.blobs import BlobStore
    from application.principals import Principal
    from domain.audience.intake import Opened, Preview, World
    from domain.audience.intake.rows import Row
    from domain.kernel.commands import Command

FILE: Final = "file"
_ROWS_A_CHUNK: Final = 190
"""A row makes five events at most, and a chunk's own two: below the 1,000 events of one append."""
_ATTEMPTS: Final = 5


class FilesGone(Refusal):
    """The import's files were destroyed, seven days after its end. Upload the file again."""

    code = "import-files-gone"
    kind = RefusalKind.NOT_FOUND


class FileDamaged(Refusal):
    """The uploaded file is not what was uploaded any more. Upload it again."""

    code = "import-file-damaged"


class TenantNotActive(Refusal):
    """The tenant was suspended or closed while the import ran. Import the rest when it is active again."""

    code = "tenant-not-active"


@contextmanager
def _files() -> Iterator[None]:
    """Say of missing and damaged files what it means for the import."""
    try:
        yield
    except BlobMissing:
        raise FilesGone from None
    except BlobDamaged:
        raise FileDamaged from None


class Interrupted(Exception):
    """The work was asked to stop between two chunks; it goes on where it stopped when it is begun again."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way in. `template` makes the order that registers it, with the caller's key and context."""

    principal: Principal
    workspace_id: WorkspaceId
    file_name: str
    chunks: AsyncIterable[bytes]
    limit: int
    key: str | None
    encoding: str | None
    delimiter: str | None
    template: Callable[[Command, UUID, bytes], Order]


class Imports:
    """The import workflow: what the doors and the worker call."""

    def __init__(self, commands: Commands, blobs: BlobStore, world: World, clock: Clock) -> None:
        """Files are kept in `blobs`; `world` knows countries, telephone numbers and domain names."""
        self._commands = commands
        self._blobs = blobs
        self._world = world
        self._clock = clock

    async def upload(self, upload: Upload) -> Outcome:
        """Keep the file sealed, register the import, look into the file.

        The same key gives the same import. A file that cannot be read ends as a failed import and a `FileRefused`.
        """
        tenant_id = upload.principal.tenant_id
        upload.principal.require(RegisterImport.permission)
        upload.principal.may_write(RegisterImport.permission)
        import_id = (
            new_id(self._clock()) if upload.key is None else derived_id(tenant_id, "import", upload.key)
        )
        known = await self._state(tenant_id, import_id)
        # A file sent again is kept beside the first until the key's receipt has judged it.
        name = FILE if known is None else "again"
        stored = await self._blobs.receive(tenant_id, import_id, name, upload.chunks, limit=upload.limit)
        command = RegisterImport(
            workspace_id=upload.workspace_id,
            file_name=upload.file_name,
            size=stored.size,
            sha256=stored.sha256,
            encoding=upload.encoding,
            delimiter=upload.delimiter,
        )
        order = upload.template(command, import_id, command.model_dump_json().encode())
        outcome = await self._commands.execute(order)
        if known is None or known.status is ImportStatus.REGISTERED:
            await self._look_into(order, import_id, upload)
        return outcome

    async def _look_into(self, order: Order, import_id: UUID, upload: Upload) -> None:
        override = Mapping.model_validate({"encoding": upload.encoding, "delimiter": upload.delimiter})
        member = order.principal.actor.member
        workflow = Workflow(
            self._commands, order.principal.tenant_id, import_id, Because(import_id, None, member)
        )
        try:
            opened = await asyncio.to_thread(self._opened, order.principal.tenant_id, import_id, override)
        except FileRefused as refused:
            failed = FailImport(problem=refused.code, remedy=refused.remedy)
            await workflow.execute(failed, import_id, key=f"import/{import_id}/failed")
            raise
        ready = MarkImportReady(
            encoding=opened.sheet.encoding.name,
            delimiter=opened.sheet.delimiter,
            columns={guess.column: guess.target for guess in opened.columns},
        )
        await workflow.execute(ready, import_id, key=f"import/{import_id}/ready")

    async def preview(self, tenant_id: UUID, import_id: UUID, mapping: Mapping | None = None) -> Preview:
        """What the import would do with every row, under a mapping; nothing is changed."""
        state = await self._existing(tenant_id, import_id)
        asked = mapping or state.mapping or _as_registered(state)
        if mapping is not None and mapping.encoding is None:
            asked = mapping.model_copy(update={"encoding": state.encoding, "delimiter": state.delimiter})
        with _files():
            return await asyncio.to_thread(
                dry_run,
                lambda: self._blobs.read(tenant_id, import_id, FILE),
                asked,
                self._world,
                now=self._clock(),
                pseudonym=self._pseudonym(tenant_id),
            )

    async def error_file(self, tenant_id: UUID, import_id: UUID) -> Iterator[bytes]:
        """The rejected rows as a CSV file: the owner's own cells with row, column, code and remedy."""
        await self._existing(tenant_id, import_id)
        with _files():
            names = [name for name in self._blobs.names(tenant_id, import_id) if name.startswith("errors-")]
            self._blobs.read(tenant_id, import_id, FILE)
        return self._error_lines(tenant_id, import_id, names)

    def _error_lines(self, tenant_id: UUID, import_id: UUID, names: list[str]) -> Iterator[bytes]:
        for number, name in enumerate(names):
            content = b"".join(self._blobs.read(tenant_id, import_id, name))
            yield content if number == 0 else content.partition(b"\r\n")[2]

    async def run(self, workflow: Workflow, import_id: UUID, stopping: Callable[[], bool]) -> None:
        """Deal with the rows that are left, chunk by chunk, each with its accounting in one append.

        Raises `Interrupted` when `stopping` says so between two chunks.
        """
        tenant_id = workflow.tenant_id
        state = await self._existing(tenant_id, import_id)
        if state.status is not ImportStatus.RUNNING or state.mapping is None:
            return
        try:
            with _files():
                opened = await asyncio.to_thread(self._opened, tenant_id, import_id, state.mapping)
                await self._deal(workflow, state, opened, stopping)
        except (FileRefused, FilesGone, FileDamaged, TenantNotActive) as refused:
            remedy = refused.remedy if isinstance(refused, FileRefused) else refused.rule()
            failed = FailImport(problem=refused.code, remedy=remedy)
            await workflow.execute(failed, import_id, key=f"import/{import_id}/failed")

    async def _deal(
        self,
        workflow: Workflow,
        state: Import,
        opened: Opened,
        stopping: Callable[[], bool],
    ) -> None:
        slices = self._slices(workflow.tenant_id, opened, state.last_row)
        following = asyncio.create_task(asyncio.to_thread(next, slices, None))
        chunk, last_row = state.chunks, state.last_row
        try:
            while (rows := await following) is not None:
                if stopping():
                    raise Interrupted
                following = asyncio.create_task(asyncio.to_thread(next, slices, None))
                chunk += 1
                if not await self._apply(workflow, state, opened.sheet.header, chunk, rows):
                    return
                last_row = rows[-1][0].number
        finally:
            # The thread reads on until its slice is full; what it reads is dropped with it.
            await asyncio.gather(following, return_exceptions=True)
        done = CompleteImport(rows=last_row)
        await workflow.execute(done, state.import_id, key=f"import/{state.import_id}/completed")

    async def _apply(
        self,
        workflow: Workflow,
        state: Import,
        header: tuple[str, ...],
        chunk: int,
        rows: list[tuple[Row, RowOutcome]],
    ) -> bool:
        """Append a chunk; False when the import is no longer running."""
        for _ in range(_ATTEMPTS):
            unit = workflow.unit(state.import_id)
            now: Import = await unit.load("import", state.import_id)
            tenant = await unit.load("tenant", unit.tenant_id)
            if not isinstance(tenant, Tenant) or tenant.status is not TenantStatus.ACTIVE:
                raise TenantNotActive
            if now.status is not ImportStatus.RUNNING:
                return False
            if now.chunks >= chunk:
                return True
            decision = ChunkDecision(
                unit, state.workspace_id, state.import_id, state.duplicates, unit.stamp.at
            )
            tally = await decision.decide(rows)
            if tally.errors:
                await asyncio.to_thread(self._write_errors, unit.tenant_id, state, header, chunk, tally)
            unit.decide(_accounting(chunk, now.last_row + 1, rows[-1][0].number, tally).stamped(unit.stamp))
            try:
                await workflow.commit(
                    unit, "audience.apply-chunk", key=f"import/{state.import_id}/chunk/{chunk}"
                )
            except VersionConflict:
                continue
            return True
        raise VersionConflict(f"import:{state.import_id}", chunk, chunk)

    def _slices(
        self, tenant_id: UUID, opened: Opened, dealt_with: int
    ) -> Iterator[list[tuple[Row, RowOutcome]]]:
        """The rows after the last one that was dealt with. All are read, so that repeats are known as such."""
        last = _Last(opened.rows)
        normaliser = Normaliser(opened.sheet.header, opened.mapping, self._world, self._clock())
        outcomes = candidates(replace(opened, rows=iter(last)), normaliser, self._pseudonym(tenant_id))
        pairs = ((last.row, outcome) for outcome in outcomes if last.row.number > dealt_with)
        while rows := list(islice(pairs, _ROWS_A_CHUNK)):
            yield rows

    def _write_errors(
        self, tenant_id: UUID, state: Import, header: tuple[str, ...], chunk: int, tally: Tally
    ) -> None:
        """A chunk's part of the error file; written before the chunk is appended, and over an earlier attempt's."""
        rejected = [(row.cells, problems) for row, problems in tally.errors]
        lines = error_rows(header, state.delimiter or ",", rejected)
        self._blobs.write(tenant_id, state.import_id, f"errors-{chunk:08d}", lines)

    def _opened(self, tenant_id: UUID, import_id: UUID, override: Mapping) -> Opened:
        return open_file(self._blobs.read(tenant_id, import_id, FILE), override)

    def _pseudonym(self, tenant_id: UUID) -> Callable[[str], bytes]:
        streams = self._commands.streams
        return lambda match: bytes.fromhex(streams.pseudonyms(tenant_id, "email_claim", match)[0])

    async def _state(self, tenant_id: UUID, import_id: UUID) -> Import | None:
        state = await self._commands.state(tenant_id, "import", import_id)
        return state if isinstance(state, Import) else None

    async def _existing(self, tenant_id: UUID, import_id: UUID) -> Import:
        state = await self._state(tenant_id, import_id)
        if state is None:
            raise NotFound
        return state


class _Last:
    """Passes rows on and remembers the latest, so that each outcome keeps the cells it was made of."""

    row: Row

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.row = row
            yield row


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


def _as_registered(state: Import) -> Mapping:
    return Mapping.model_validate({"encoding": state.encoding, "delimiter": state.delimiter})
