"""What happens to an import, from its upload to its roll-back."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.audience.intake.kinds import FileKind
from domain.kernel.events import EVENTS, Event
from domain.kernel.ids import ImportId, ListId, WorkspaceId
from domain.kernel.personal import Profile


class ImportRegistered(Event, name="audience.import_registered", version=3, subject="uploaded_by"):
    """A file was uploaded. `size` in bytes, `sha256` of its bytes in hex; it can be started until `idle_until`.

    `kind`: what it is a list of.
    """

    import_id: ImportId
    workspace_id: WorkspaceId
    uploaded_by: UUID
    file_name: Profile[str]
    size: int
    sha256: str
    encoding: str | None = None
    delimiter: str | None = None
    idle_until: datetime | None = None
    kind: str = FileKind.CONTACTS


@EVENTS.upcaster("audience.import_registered", 1)
def _without_an_end(payload: dict[str, Any]) -> dict[str, Any]:
    """Before version 2 an upload waited for ever."""
    return {**payload, "idle_until": None}


@EVENTS.upcaster("audience.import_registered", 2)
def _of_contacts(payload: dict[str, Any]) -> dict[str, Any]:
    """Before version 3 every file was one of contacts."""
    return {**payload, "kind": FileKind.CONTACTS.value}


class ImportReady(Event, name="audience.import_ready", version=1):
    """The file was read to its end: `columns` is the guessed target of each column by its name, `rows` how many."""

    import_id: ImportId
    workspace_id: WorkspaceId
    encoding: str
    delimiter: str
    columns: dict[str, str]
    rows: int | None = None


class SettledMapping(BaseModel):
    """How the file is read, as it was settled at the start: plain words, which are not judged again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[str, str]
    date_order: str
    timezone: str
    encoding: str | None
    delimiter: str | None
    default_country: str | None
    duplicates: str


class ImportStarted(Event, name="audience.import_started", version=1):
    """Somebody started the import. `mapping` is whole: it does not change however often the work resumes."""

    import_id: ImportId
    workspace_id: WorkspaceId
    mapping: SettledMapping
    list_id: ListId | None = None


class ImportChunkApplied(Event, name="audience.import_chunk_applied", version=1):
    """Rows `first_row` to `last_row` were dealt with. `problems` and `warnings` count by code."""

    import_id: ImportId
    workspace_id: WorkspaceId
    chunk: int
    first_row: int
    last_row: int
    imported: int
    updated: int
    skipped: int
    rejected: int
    warnings: dict[str, int] = Field(default_factory=dict)
    problems: dict[str, int] = Field(default_factory=dict)


class ImportPaused(Event, name="audience.import_paused", version=1):
    """No more rows are dealt with until somebody resumes it. `problem` is a code, `remedy` what to do first."""

    import_id: ImportId
    workspace_id: WorkspaceId
    problem: str
    remedy: str


class ImportResumed(Event, name="audience.import_resumed", version=1):
    """It goes on with the row after the last that was dealt with."""

    import_id: ImportId
    workspace_id: WorkspaceId


class ImportCompleted(Event, name="audience.import_completed", version=1):
    """Every row was dealt with: `rows = imported + updated + skipped + rejected`."""

    import_id: ImportId
    workspace_id: WorkspaceId
    rows: int
    imported: int
    updated: int
    skipped: int
    rejected: int
    files_until: datetime


class ImportFailed(Event, name="audience.import_failed", version=1):
    """The file could not be read to its end. `problem` is a code, `remedy` what to do about it."""

    import_id: ImportId
    workspace_id: WorkspaceId
    problem: str
    remedy: str
    files_until: datetime


class ImportCancelled(Event, name="audience.import_cancelled", version=1):
    """Somebody stopped the import; what was dealt with stays."""

    import_id: ImportId
    workspace_id: WorkspaceId
    files_until: datetime


class ImportExpired(Event, name="audience.import_expired", version=1):
    """Nobody started the import in time; its file is kept no longer."""

    import_id: ImportId
    workspace_id: WorkspaceId
    files_until: datetime


class ImportRollbackRequested(Event, name="audience.import_rollback_requested", version=1):
    """Somebody wants undone what the import did."""

    import_id: ImportId
    workspace_id: WorkspaceId


class ImportRollbackChunkApplied(Event, name="audience.import_rollback_chunk_applied", version=1):
    """Some contacts were dealt with: `removed`, `restored` to before, or `kept` since somebody changed them."""

    import_id: ImportId
    workspace_id: WorkspaceId
    chunk: int
    removed: int
    restored: int
    kept: int


class ImportRolledBack(Event, name="audience.import_rolled_back", version=1):
    """Nothing of the import is left but opt-outs, consents and what somebody changed since."""

    import_id: ImportId
    workspace_id: WorkspaceId
    removed: int
    restored: int
    kept: int


class ImportFilesDestroyed(Event, name="audience.import_files_destroyed", version=1):
    """The key of the file, its preview and its error file is gone."""

    import_id: ImportId
    workspace_id: WorkspaceId


ImportEvent: TypeAlias = (
    ImportRegistered
    | ImportReady
    | ImportStarted
    | ImportChunkApplied
    | ImportPaused
    | ImportResumed
    | ImportCompleted
    | ImportFailed
    | ImportCancelled
    | ImportExpired
    | ImportRollbackRequested
    | ImportRollbackChunkApplied
    | ImportRolledBack
    | ImportFilesDestroyed
)
