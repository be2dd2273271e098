"""An import: a file of contacts, or a suppression list, on its way in, chunk by chunk, every row accounted for.

registered -> ready -> running -> completed, or failed, or cancelled; what it did can be rolled back. While its tenant
may not use the product it is paused, until somebody resumes it. The file, its
preview and its error file are kept under the import's own key until 7 days after the end, then the key is destroyed.
One that was not started 7 days after its upload expires, and its key is destroyed at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as Counts
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias, assert_never
from uuid import UUID

from domain.audience.import_events import (
    ImportCancelled,
    ImportChunkApplied,
    ImportCompleted,
    ImportEvent,
    ImportExpired,
    ImportFailed,
    ImportFilesDestroyed,
    ImportPaused,
    ImportReady,
    ImportRegistered,
    ImportResumed,
    ImportRollbackChunkApplied,
    ImportRollbackRequested,
    ImportRolledBack,
    ImportStarted,
    SettledMapping,
)
from domain.audience.intake.addresses import NO_ADDRESS
from domain.audience.intake.dates import DateOrder
from domain.audience.intake.errors import NO_ROW
from domain.audience.intake.kinds import FileKind
from domain.audience.intake.mapping import ColumnGuess, Duplicates, Mapping
from domain.audience.intake.reading import settle_columns
from domain.audience.intake.suppressions import WITHOUT_ENTRY
from domain.kernel.ids import ImportId, ListId, WorkspaceId

FILES_KEPT: Final = timedelta(days=7)
IDLE_FOR: Final = timedelta(days=7)
REJECTED_KEPT: Final = 100_000
"""Rejected rows that the error file gives back; those after them are counted. A row of one letter comes back with a
sentence on what is wrong with it, so that a file of nothing else would take many times its own room."""
READ_IN_VAIN: Final = 100_000
"""Rows without one address after which an import stops. As many may well stand first in an export that is sorted by
address and has contacts without one; ten times as few would stop such a file."""


class ImportStatus(StrEnum):
    """Where an import stands."""

    REGISTERED = "registered"
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class NoImport:
    """No import has this id."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows dealt with: what became of them."""

    imported: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: int = 0

    @property
    def rows(self) -> int:
        """All of them."""
        return self.imported + self.updated + self.skipped + self.rejected

    def plus(self, more: ImportChunkApplied) -> Tally:
        """With a chunk added."""
        return Tally(
            self.imported + more.imported,
            self.updated + more.updated,
            self.skipped + more.skipped,
            self.rejected + more.rejected,
        )


@dataclass(frozen=True, slots=True)
class Undone:
    """Contacts dealt with by the roll-back."""

    chunks: int = 0
    removed: int = 0
    restored: int = 0
    kept: int = 0

    def plus(self, more: ImportRollbackChunkApplied) -> Undone:
        """With a chunk added."""
        return Undone(
            more.chunk, self.removed + more.removed, self.restored + more.restored, self.kept + more.kept
        )


@dataclass(frozen=True, slots=True)
class Import:
    """An import as it stands. `chunks` and `last_row` say where the work resumes; `rows` is all that the file has."""

    import_id: ImportId
    workspace_id: WorkspaceId
    uploaded_by: UUID
    size: int
    sha256: str
    kind: FileKind = FileKind.CONTACTS
    status: ImportStatus = ImportStatus.REGISTERED
    encoding: str | None = None
    delimiter: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    rows: int | None = None
    mapping: Mapping | None = None
    list_id: ListId | None = None
    chunks: int = 0
    last_row: int = 0
    tally: Tally = field(default_factory=Tally)
    problems: Counts[str, int] = field(default_factory=dict)
    warnings: Counts[str, int] = field(default_factory=dict)
    undone: Undone = field(default_factory=Undone)
    failure: str | None = None
    remedy: str | None = None
    idle_until: datetime | None = None
    files_until: datetime | None = None
    files_destroyed: bool = False

    @property
    def rejected_kept(self) -> int:
        """Rejected rows in the error file: the first ones, up to its limit."""
        return min(self.tally.rejected, REJECTED_KEPT)

    @property
    def rejected_room(self) -> int:
        """How many more the error file takes."""
        return REJECTED_KEPT - self.rejected_kept

    @property
    def in_vain(self) -> bool:
        """Whether so many rows were read and none of them named anybody: going on would find none either.

        A row whose address was understood counts, whatever else was wrong with it: it may have said stop.
        """
        without = sum(self.problems.get(code, 0) for code in NO_ADDRESS | NO_ROW | WITHOUT_ENTRY)
        return self.tally.rows >= READ_IN_VAIN and without == self.tally.rows

    @property
    def duplicates(self) -> Duplicates:
        """What happens to rows whose address is there already."""
        return Duplicates.SKIP if self.mapping is None else self.mapping.duplicates

    def guesses(self) -> tuple[ColumnGuess, ...]:
        """What the columns were taken for when the file was looked into."""
        return tuple(ColumnGuess(column, target, 1.0, "guessed") for column, target in self.columns.items())

    def settled(self, asked: Mapping) -> Mapping:
        """The whole mapping that `asked` and the guesses make. Raises the intake's refusals."""
        mapping, _ = settle_columns(self.kind, self.guesses(), asked)
        return mapping.model_copy(update={"encoding": self.encoding, "delimiter": self.delimiter})


ImportState: TypeAlias = NoImport | Import
_ENDS: Final[dict[type, ImportStatus]] = {
    ImportCompleted: ImportStatus.COMPLETED,
    ImportCancelled: ImportStatus.CANCELLED,
    ImportExpired: ImportStatus.EXPIRED,
}


def evolve(state: ImportState, event: ImportEvent) -> ImportState:  # noqa: PLR0911 - a case for each event
    """The import after `event`."""
    if isinstance(event, ImportRegistered):
        return Import(
            import_id=event.import_id,
            workspace_id=event.workspace_id,
            uploaded_by=event.uploaded_by,
            size=event.size,
            sha256=event.sha256,
            kind=FileKind(event.kind),
            encoding=event.encoding,
            delimiter=event.delimiter,
            idle_until=event.idle_until,
        )
    if isinstance(state, NoImport):
        return state
    match event:
        case ImportReady():
            return replace(
                state,
                status=ImportStatus.READY,
                encoding=event.encoding,
                delimiter=event.delimiter,
                columns=event.columns,
                rows=event.rows,
            )
        case ImportStarted():
            mapping = _as_settled(event.mapping)
            return replace(state, status=ImportStatus.RUNNING, mapping=mapping, list_id=event.list_id)
        case ImportChunkApplied():
            return replace(
                state,
                chunks=event.chunk,
                last_row=event.last_row,
                tally=state.tally.plus(event),
                problems=Counter(state.problems) + Counter(event.problems),
                warnings=Counter(state.warnings) + Counter(event.warnings),
            )
        case ImportPaused() | ImportResumed() | ImportFailed():
            return _stopped(state, event)
        case ImportCompleted() | ImportCancelled() | ImportExpired():
            return replace(state, status=_ENDS[type(event)], files_until=event.files_until)
        case ImportRollbackRequested():
            return replace(state, status=ImportStatus.ROLLING_BACK)
        case ImportRollbackChunkApplied():
            return replace(state, undone=state.undone.plus(event))
        case ImportRolledBack():
            return replace(state, status=ImportStatus.ROLLED_BACK)
        case ImportFilesDestroyed():
            return replace(state, files_destroyed=True)
        case _:
            assert_never(event)


def _stopped(state: Import, event: ImportPaused | ImportResumed | ImportFailed) -> Import:
    """With why it stopped, or going on."""
    match event:
        case ImportResumed():
            return replace(state, status=ImportStatus.RUNNING, failure=None, remedy=None)
        case ImportPaused():
            return replace(state, status=ImportStatus.PAUSED, failure=event.problem, remedy=event.remedy)
        case ImportFailed():
            return replace(
                state,
                status=ImportStatus.FAILED,
                failure=event.problem,
                remedy=event.remedy,
                files_until=event.files_until,
            )
        case _:
            assert_never(event)


def _as_settled(stored: SettledMapping) -> Mapping:
    """The mapping of a start; whether its zone or encoding is one today is found out where it is used."""
    return Mapping.model_construct(
        **stored.model_dump(exclude={"date_order", "duplicates"}),
        date_order=DateOrder(stored.date_order),
        duplicates=Duplicates(stored.duplicates),
    )
