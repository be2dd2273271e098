"""What may be done with an import, and when; its events stand in `import_events`, its state in `contact_import`."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias, assert_never
from uuid import UUID

from pydantic import Field, StringConstraints

from domain.audience.contact_import import (
    FILES_KEPT,
    IDLE_FOR,
    Import,
    ImportState,
    ImportStatus,
    NoImport,
    evolve,
)
from domain.audience.import_events import (
    ImportCancelled,
    ImportChunkApplied,
    ImportCompleted,
    ImportExpired,
    ImportFailed,
    ImportFilesDestroyed,
    ImportPaused,
    ImportReady,
    ImportRegistered,
    ImportResumed,
    ImportStarted,
    SettledMapping,
)
from domain.audience.import_rollback import (
    ApplyRollbackChunk,
    ChunkOutOfOrder,
    CompleteRollback,
    Count,
    RollBackImport,
    RowNumber,
    rolled_back,
)
from domain.audience.intake.kinds import FileKind
from domain.audience.intake.mapping import Mapping
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import ImportId, ListId, WorkspaceId
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from domain.kernel.text import LineText

Problem = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,100}$")]
Remedy = Annotated[str, StringConstraints(max_length=1000)]
_OPEN: Final = frozenset(
    {ImportStatus.REGISTERED, ImportStatus.READY, ImportStatus.RUNNING, ImportStatus.PAUSED}
)
_IDLE: Final = frozenset({ImportStatus.REGISTERED, ImportStatus.READY})


class ImportIdTaken(Refusal):
    """An import's id is used once. Take a new id."""

    code = "import-id-taken"


class ImportNotRegistered(Refusal):
    """A file is looked into once, after its upload. Upload it again to have it looked into anew."""

    code = "import-not-registered"


class ImportNotReady(Refusal):
    """An import starts once, when its file was looked into. Wait for `ready`; upload again to import again."""

    code = "import-not-ready"


class ImportReadingSettled(Refusal):
    """Encoding and delimiter are settled at the upload, since the columns depend on them. Upload the file again."""

    code = "import-reading-settled"
    kind = RefusalKind.INVALID
    field = "/mapping"


class NoContactsInIt(Refusal):
    """A suppression list brings no contacts, so nobody comes onto a list of contacts. Leave `list_id` out."""

    code = "import-without-contacts"
    kind = RefusalKind.INVALID
    field = "/list_id"


class ImportNotRunning(Refusal):
    """Rows are dealt with while an import runs. It ended, or has not started."""

    code = "import-not-running"


class ImportNotPaused(Refusal):
    """Only what is paused is resumed. It runs, has ended, or has not started."""

    code = "import-not-paused"


class RowsDoNotAddUp(Refusal):
    """Imported, updated, skipped and rejected are all the rows, each once. Nothing was written; count again."""

    code = "import-rows-do-not-add-up"


class ImportOver(Refusal):
    """An import that has ended does not change any more. Roll it back if it should not have been."""

    code = "import-over"


class ImportStillWaits(Refusal):
    """An import can be started for 7 days after its upload. Wait until `idle_until`, or cancel it."""

    code = "import-still-waits"


class FilesStillKept(Refusal):
    """The file and the error file are kept for 7 days after the end. Wait until `files_until`."""

    code = "import-files-still-kept"


class RegisterImport(
    Command, context="audience", stream="import", permission=Permission.CONTACTS_IMPORT, internal=True
):
    """Take in a file that was uploaded; the upload is its door."""

    workspace_id: WorkspaceId
    file_name: Profile[LineText]
    size: Count
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    encoding: str | None = None
    delimiter: str | None = None
    kind: FileKind = FileKind.CONTACTS


class MarkImportReady(
    Command, context="audience", stream="import", permission=Permission.INTERNAL, internal=True
):
    """Enter how the file reads and what its columns were taken for."""

    encoding: str
    delimiter: str
    columns: dict[str, str]
    rows: Count | None = None


class StartImport(Command, context="audience", stream="import", permission=Permission.CONTACTS_IMPORT):
    """Start an import. `mapping` overrides what was guessed; the contacts go onto `list_id` too, if given."""

    mapping: Mapping = Field(default_factory=Mapping)
    list_id: ListId | None = None


class ApplyChunk(Command, context="audience", stream="import", permission=Permission.INTERNAL, internal=True):
    """Account for rows, in the same append as what became of them."""

    chunk: RowNumber
    first_row: RowNumber
    last_row: RowNumber
    imported: Count = 0
    updated: Count = 0
    skipped: Count = 0
    rejected: Count = 0
    warnings: dict[str, int] = Field(default_factory=dict)
    problems: dict[str, int] = Field(default_factory=dict)


class PauseImport(
    Command, context="audience", stream="import", permission=Permission.INTERNAL, internal=True
):
    """Enter that no more rows are dealt with for now, and why."""

    problem: Problem
    remedy: Remedy


class ResumeImport(Command, context="audience", stream="import", permission=Permission.CONTACTS_IMPORT):
    """Go on with an import that was paused, once what paused it is over."""


class CompleteImport(
    Command, context="audience", stream="import", permission=Permission.INTERNAL, internal=True
):
    """Enter that the file was read to its end; `rows` is how many rows it had."""

    rows: Count


class FailImport(Command, context="audience", stream="import", permission=Permission.INTERNAL, internal=True):
    """Enter that the file cannot be read, or not to its end."""

    problem: Problem
    remedy: Remedy


class CancelImport(Command, context="audience", stream="import", permission=Permission.CONTACTS_IMPORT):
    """Stop an import; what it did so far stays, and can be rolled back."""


class ExpireImport(
    Command, context="audience", stream="import", permission=Permission.INTERNAL, internal=True
):
    """Enter that nobody started the import in time; one that was started, or has ended, stays as it is."""


class DestroyImportFiles(
    Command, context="audience", stream="import", permission=Permission.INTERNAL, internal=True
):
    """Enter that the key of the import's files was destroyed."""


ImportCommand: TypeAlias = (
    RegisterImport
    | MarkImportReady
    | StartImport
    | ApplyChunk
    | PauseImport
    | ResumeImport
    | CompleteImport
    | FailImport
    | CancelImport
    | ExpireImport
    | RollBackImport
    | ApplyRollbackChunk
    | CompleteRollback
    | DestroyImportFiles
)


def decide(command: ImportCommand, state: ImportState) -> tuple[Event, ...]:
    """What a command does to the import."""
    if isinstance(command, RegisterImport):
        return (_registered(command, state),)
    if isinstance(state, NoImport):
        raise NotFound
    match command:
        case MarkImportReady() | StartImport():
            return _begun(command, state)
        case ApplyChunk():
            return (_applied(command, state),)
        case PauseImport() | ResumeImport():
            return _paused(command, state)
        case CompleteImport() | FailImport() | CancelImport():
            return _ended(command, state)
        case ExpireImport():
            return _expired(command, state)
        case RollBackImport() | ApplyRollbackChunk() | CompleteRollback():
            return rolled_back(command, state)
        case DestroyImportFiles():
            if state.files_destroyed:
                return ()
            if state.files_until is None or command.stamp.at < state.files_until:
                raise FilesStillKept
            return (ImportFilesDestroyed(import_id=state.import_id, workspace_id=state.workspace_id),)
        case _:
            assert_never(command)


def _registered(command: RegisterImport, state: ImportState) -> ImportRegistered:
    if isinstance(state, Import):
        raise ImportIdTaken
    actor = command.stamp.actor
    uploader: UUID = actor.member or actor.id
    return ImportRegistered(
        import_id=ImportId(command.stamp.target),
        workspace_id=command.workspace_id,
        uploaded_by=uploader,
        file_name=command.file_name,
        size=command.size,
        sha256=command.sha256,
        encoding=command.encoding,
        delimiter=command.delimiter,
        idle_until=command.stamp.at + IDLE_FOR,
        kind=command.kind,
    )


def _expired(command: ExpireImport, state: Import) -> tuple[Event, ...]:
    if state.status not in _IDLE:
        return ()
    at = command.stamp.at
    if state.idle_until is None or at < state.idle_until:
        raise ImportStillWaits
    return (ImportExpired(import_id=state.import_id, workspace_id=state.workspace_id, files_until=at),)


def _begun(command: MarkImportReady | StartImport, state: Import) -> tuple[Event, ...]:
    match command:
        case MarkImportReady():
            if state.status is not ImportStatus.REGISTERED:
                raise ImportNotRegistered
            return (
                ImportReady(
                    import_id=state.import_id,
                    workspace_id=state.workspace_id,
                    encoding=command.encoding,
                    delimiter=command.delimiter,
                    columns=command.columns,
                    rows=command.rows,
                ),
            )
        case StartImport():
            if state.status is not ImportStatus.READY:
                raise ImportNotReady
            if command.list_id is not None and state.kind is not FileKind.CONTACTS:
                raise NoContactsInIt
            asked = command.mapping
            if asked.encoding not in {None, state.encoding} or asked.delimiter not in {None, state.delimiter}:
                raise ImportReadingSettled
            return (
                ImportStarted(
                    import_id=state.import_id,
                    workspace_id=state.workspace_id,
                    mapping=SettledMapping.model_validate(state.settled(asked).model_dump(mode="json")),
                    list_id=command.list_id,
                ),
            )
        case _:
            assert_never(command)


def _applied(command: ApplyChunk, state: Import) -> ImportChunkApplied:
    if state.status is not ImportStatus.RUNNING:
        raise ImportNotRunning
    if command.chunk != state.chunks + 1 or command.first_row != state.last_row + 1:
        raise ChunkOutOfOrder
    dealt_with = command.imported + command.updated + command.skipped + command.rejected
    if dealt_with != command.last_row - command.first_row + 1:
        raise RowsDoNotAddUp
    return ImportChunkApplied(
        import_id=state.import_id, workspace_id=state.workspace_id, **command.model_dump()
    )


def _paused(command: PauseImport | ResumeImport, state: Import) -> tuple[Event, ...]:
    import_id, workspace_id = state.import_id, state.workspace_id
    if isinstance(command, ResumeImport):
        if state.status is not ImportStatus.PAUSED:
            raise ImportNotPaused
        return (ImportResumed(import_id=import_id, workspace_id=workspace_id),)
    if state.status is not ImportStatus.RUNNING:
        raise ImportNotRunning
    paused = ImportPaused(
        import_id=import_id, workspace_id=workspace_id, problem=command.problem, remedy=command.remedy
    )
    return (paused,)


def _ended(command: CompleteImport | FailImport | CancelImport, state: Import) -> tuple[Event, ...]:
    if state.status not in _OPEN:
        raise ImportOver
    import_id, workspace_id, until = state.import_id, state.workspace_id, command.stamp.at + FILES_KEPT
    match command:
        case CompleteImport():
            if state.status is not ImportStatus.RUNNING:
                raise ImportNotRunning
            if command.rows != state.tally.rows:
                raise RowsDoNotAddUp
            return (
                ImportCompleted(
                    import_id=import_id,
                    workspace_id=workspace_id,
                    rows=command.rows,
                    imported=state.tally.imported,
                    updated=state.tally.updated,
                    skipped=state.tally.skipped,
                    rejected=state.tally.rejected,
                    files_until=until,
                ),
            )
        case FailImport():
            return (
                ImportFailed(
                    import_id=import_id,
                    workspace_id=workspace_id,
                    problem=command.problem,
                    remedy=command.remedy,
                    files_until=until,
                ),
            )
        case CancelImport():
            return (ImportCancelled(import_id=import_id, workspace_id=workspace_id, files_until=until),)
        case _:
            assert_never(command)


IMPORT: Final[Decider[ImportState]] = Decider(
    category="import", initial=NoImport(), evolve=evolve, decide=decide
)
