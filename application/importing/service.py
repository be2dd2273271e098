"""Imports from upload to the destruction of their files. The log says where each stands; a kill loses nothing."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from application.importing.files import FILE, FileDamaged, FilesGone, at_hand
from application.importing.reading import CutUp, Rehearse
from application.importing.rejected import RejectedRows, Writer
from application.importing.running import (
    ROWS_A_CHUNK,
    ImportRun,
    Interrupted,
    NoAddresses,
    Stopped,
    TenantNotActive,
)
from application.importing.suppressing import known_of
from application.importing.threads import InThreads
from application.importing.uploading import Upload, Uploaded, Uploads
from application.principals import AccessEnded
from domain.audience.contact_import import Import, ImportStatus
from domain.audience.email_claim import EmailClaim
from domain.audience.import_commands import CompleteImport, FailImport, PauseImport
from domain.audience.import_events import ImportStarted
from domain.audience.intake import Duplicates, FileKind, FileRefused, Mapping
from domain.kernel.commands import DECIDERS, stream_name
from domain.kernel.errors import NotFound
from domain.tenancy.workspace import WorkspaceIsArchived

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from uuid import UUID

    from application.commanding import Clock, Commands
    from application.ports.aside import Aside
    from application.ports.blobs import BlobStore
    from application.workflow import Workflow
    from domain.audience.intake import Preview, World

__all__ = ["Imports", "Interrupted", "Rehearsal", "Upload", "Uploaded"]

PREVIEWED: Final = 100_000
"""Rows that a preview reads at most: it is waited for."""

_THEN: Final = "Then resume the import: it goes on where it stands."
_LARGE: Final = 200_000
_ENDS: Final = (FileRefused, FilesGone, FileDamaged, NoAddresses, TenantNotActive, WorkspaceIsArchived)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What an import would do with the rows read. Under `update` a row that changes nothing counts as skipped then."""

    preview: Preview
    known: int
    outcomes: dict[str, int]


class Imports:
    """The import workflow: what the doors and the worker call."""

    def __init__(
        self, commands: Commands, blobs: BlobStore, world: World, clock: Clock, aside: Aside | None = None
    ) -> None:
        """Files are kept in `blobs` and read `aside`; `world` knows countries, telephone numbers and domain names."""
        self._commands = commands
        self._blobs = blobs
        self._world = world
        self._clock = clock
        self._aside = InThreads() if aside is None else aside
        self._uploads = Uploads(commands, blobs, self._aside)

    async def upload(self, upload: Upload) -> Uploaded:
        """See `Uploads.take`."""
        return await self._uploads.take(upload)

    async def existing(self, tenant_id: UUID, import_id: UUID) -> Import:
        """An import as it stands in the log. Raises `NotFound`."""
        state = await self._commands.state(tenant_id, "import", import_id)
        if not isinstance(state, Import):
            raise NotFound
        return state

    async def preview(self, tenant_id: UUID, import_id: UUID, mapping: Mapping | None = None) -> Rehearsal:
        """What the import would do with every row, under a mapping; nothing is changed.

        Raises `FilesGone`, `FileDamaged`, `WorkerLost`.
        """
        state = await self.existing(tenant_id, import_id)
        asked = mapping or state.mapping or Mapping()
        if asked.encoding is None:
            asked = asked.model_copy(update={"encoding": state.encoding})
        if asked.delimiter is None:
            asked = asked.model_copy(update={"delimiter": state.delimiter})
        known = 0
        with at_hand():
            file = self._blobs.read(tenant_id, import_id, FILE)
            work = Rehearse(file, asked, self._world, self._clock(), PREVIEWED, state.kind)
            async with aclosing(self._aside.stream(work, large=state.size > _LARGE)) as results:
                async for result in results:
                    if not isinstance(result, list):
                        # Of a suppression list what is there already is left as it is, whatever the mapping says.
                        contacts = state.kind is FileKind.CONTACTS
                        return _rehearsal(result, known, asked.duplicates if contacts else Duplicates.SKIP)
                    known += await self._known(tenant_id, state, result)
        raise FilesGone  # the work always ends with its preview

    async def _known(self, tenant_id: UUID, state: Import, matches: list[str]) -> int:
        """How many of these addresses have a contact in the import's workspace; how many entries tell nothing new."""
        if state.kind is FileKind.SUPPRESSIONS:
            return await known_of(
                self._commands.streams, tenant_id, state.workspace_id, matches, self._clock()
            )
        streams, claim = self._commands.streams, DECIDERS["email_claim"]
        live = [key for match in matches for key in streams.pseudonyms(tenant_id, "email_claim", match)]
        wanted = [(claim, stream_name("email_claim", key)) for key in live]
        found = await streams.load(tenant_id, wanted, fresh=True)
        return sum(isinstance(held, EmailClaim) and state.workspace_id in held.contacts for _, held in found)

    async def error_file(self, tenant_id: UUID, import_id: UUID) -> Iterator[bytes]:
        """The first rejected rows as a CSV file: the owner's own cells with row, column, code and remedy.

        They are `Import.rejected_kept`.
        Raises `FilesGone`, and `FileDamaged` while it is read.
        """
        state = await self.existing(tenant_id, import_id)
        with at_hand():
            self._blobs.read(tenant_id, import_id, FILE)
        # What was written for a chunk that the log does not count yet may never come to be.
        rejected = RejectedRows(self._blobs, tenant_id, import_id)
        counted = (
            [chunk for chunk in rejected.kept() if chunk <= state.chunks] if state.tally.rejected else []
        )
        return rejected.lines(counted)

    async def run(self, workflow: Workflow, import_id: UUID, stopping: Callable[[], bool]) -> None:
        """Deal with the rows that are left, chunk by chunk, each with its accounting in one append.

        Raises `Interrupted` when `stopping` says so between two chunks, `WorkerLost` where the reader was killed.
        """
        tenant_id = workflow.tenant_id
        state = await self.existing(tenant_id, import_id)
        if state.status is not ImportStatus.RUNNING or state.mapping is None:
            return
        try:
            rows = await self._deal(workflow, state, state.mapping, stopping)
        except Stopped:
            return
        except AccessEnded as ended:
            paused = PauseImport(problem=ended.code, remedy=f"{ended.detail} {_THEN}")
            await workflow.execute(paused, import_id, key=f"import/{import_id}/paused/{workflow.workflow_id}")
            return
        except _ENDS as refused:
            remedy = refused.remedy if isinstance(refused, FileRefused) else refused.rule()
            failed = FailImport(problem=refused.code, remedy=remedy)
            await workflow.execute(failed, import_id, key=f"import/{import_id}/failed")
            return
        await workflow.execute(CompleteImport(rows=rows), import_id, key=f"import/{import_id}/completed")

    async def _deal(
        self, workflow: Workflow, state: Import, mapping: Mapping, stopping: Callable[[], bool]
    ) -> int:
        tenant_id, import_id = workflow.tenant_id, state.import_id
        with at_hand():
            work = CutUp(
                file=self._blobs.read(tenant_id, import_id, FILE),
                mapping=mapping,
                world=self._world,
                now=await self._started(tenant_id, import_id),
                dealt_with=state.last_row,
                rows_a_slice=ROWS_A_CHUNK,
                kind=state.kind,
            )
            async with aclosing(self._aside.stream(work, large=state.size > _LARGE)) as parts:
                header = await anext(parts)
                rejected = RejectedRows(self._blobs, tenant_id, import_id)
                left_over = [chunk for chunk in rejected.kept() if chunk > state.chunks]
                errors = Writer(rejected, header, state.delimiter or ",")
                run = ImportRun(self._commands, workflow, state, errors, left_over)
                return await run.deal(parts, stopping)

    async def _started(self, tenant_id: UUID, import_id: UUID) -> datetime:
        """The moment of the start: however often the work resumes, the file reads as it did then."""
        (history,) = await self._commands.log.read_streams(tenant_id, [(stream_name("import", import_id), 0)])
        return next(row.recorded_at for row in history if row.name == ImportStarted.name)


def _rehearsal(preview: Preview, known: int, duplicates: Duplicates) -> Rehearsal:
    met = known + preview.repeated
    outcomes = {
        "imported": preview.accepted - known,
        "updated": met if duplicates is Duplicates.UPDATE else 0,
        "skipped": met if duplicates is Duplicates.SKIP else 0,
        "rejected": preview.rejected + (met if duplicates is Duplicates.CREATE else 0),
    }
    return Rehearsal(preview, known, outcomes)
