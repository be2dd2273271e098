"""The life of an import: every row accounted for, in order, once."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest

from domain.audience.contact_import import (
    FILES_KEPT,
    IDLE_FOR,
    READ_IN_VAIN,
    REJECTED_KEPT,
    Import,
    ImportStatus,
    Tally,
)
from domain.audience.import_commands import (
    IMPORT,
    ApplyChunk,
    CancelImport,
    CompleteImport,
    DestroyImportFiles,
    ExpireImport,
    FailImport,
    FilesStillKept,
    ImportIdTaken,
    ImportNotPaused,
    ImportNotReady,
    ImportNotRegistered,
    ImportNotRunning,
    ImportOver,
    ImportReadingSettled,
    ImportStillWaits,
    MarkImportReady,
    PauseImport,
    RegisterImport,
    ResumeImport,
    RowsDoNotAddUp,
    StartImport,
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
    ImportRollbackChunkApplied,
    ImportRollbackRequested,
    ImportRolledBack,
    ImportStarted,
    SettledMapping,
)
from domain.audience.import_rollback import (
    ApplyRollbackChunk,
    ChunkOutOfOrder,
    CompleteRollback,
    ImportNotEnded,
    NotRollingBack,
    RollBackImport,
)
from domain.audience.intake import addresses, errors
from domain.audience.intake.errors import Fault, UnknownColumn
from domain.audience.intake.mapping import Duplicates, Mapping
from domain.kernel.commands import Command
from domain.kernel.errors import NotFound
from domain.kernel.events import EVENTS, Event
from domain.kernel.ids import ImportId, WorkspaceId
from tests.support.given import NOW, given, member, uid

ID, WORKSPACE = ImportId(uid(40)), WorkspaceId(uid(10))
COLUMNS = {"Mail": "email", "Vorname": "first_name"}
UNTIL = NOW + FILES_KEPT
IDLE_UNTIL = NOW + IDLE_FOR
E = TypeVar("E", bound=Event)
REGISTER = RegisterImport(workspace_id=WORKSPACE, file_name="contacts.csv", size=100, sha256="0" * 64)


def of(kind: Callable[..., E], **fields: object) -> E:
    return kind(import_id=ID, workspace_id=WORKSPACE, **fields)


REGISTERED = of(
    ImportRegistered,
    uploaded_by=uid(3),
    file_name="contacts.csv",
    size=100,
    sha256="0" * 64,
    idle_until=IDLE_UNTIL,
)
READY = of(ImportReady, encoding="utf-8", delimiter=",", columns=COLUMNS)
MAPPING = Mapping(columns=COLUMNS, encoding="utf-8", delimiter=",")
SETTLED = SettledMapping.model_validate(MAPPING.model_dump(mode="json"))
STARTED = of(ImportStarted, mapping=SETTLED)
CHUNK = of(
    ImportChunkApplied,
    chunk=1,
    first_row=1,
    last_row=10,
    imported=5,
    updated=2,
    skipped=1,
    rejected=2,
    problems={"email-missing": 2},
)
COMPLETED = of(ImportCompleted, rows=10, imported=5, updated=2, skipped=1, rejected=2, files_until=UNTIL)
FAILED = of(ImportFailed, problem="import-file-empty", remedy="Upload it again.", files_until=UNTIL)
CANCELLED = of(ImportCancelled, files_until=UNTIL)
ROLLBACK = of(ImportRollbackRequested)
RUNNING = (REGISTERED, READY, STARTED)


def test_a_file_is_registered_by_who_uploads_it() -> None:
    state = given().when(REGISTER, target=ID, actor=member(3)).then(REGISTERED)
    assert (state.status, state.uploaded_by) == (ImportStatus.REGISTERED, uid(3))
    given(REGISTERED).when(REGISTER, target=ID).then(ImportIdTaken)


def after(rejected: int, problems: dict[str, int], **others: int) -> Import:
    """An import that has dealt with so many rows."""
    counts = {"imported": 0, "updated": 0, "skipped": 0, "rejected": rejected, **others}
    rows = sum(counts.values())
    chunk = of(ImportChunkApplied, chunk=1, first_row=1, last_row=rows, problems=problems, **counts)
    state = IMPORT.fold([*RUNNING, chunk])
    assert isinstance(state, Import)
    return state


def test_rejected_rows_are_given_back_up_to_a_limit() -> None:
    some = after(REJECTED_KEPT - 1, {"date-ambiguous": REJECTED_KEPT - 1})
    assert (some.rejected_kept, some.rejected_room) == (REJECTED_KEPT - 1, 1)
    many = after(REJECTED_KEPT + 5, {"date-ambiguous": REJECTED_KEPT + 5})
    assert (many.rejected_kept, many.rejected_room) == (REJECTED_KEPT, 0)


def test_rows_are_read_in_vain_where_none_has_an_address() -> None:
    half = READ_IN_VAIN // 2
    assert after(READ_IN_VAIN, {"email-missing": half, "row-too-few-cells": READ_IN_VAIN - half}).in_vain
    assert not after(READ_IN_VAIN - 1, {"email-missing": READ_IN_VAIN - 1}).in_vain, "too early to say"
    assert not after(READ_IN_VAIN, {"email-missing": READ_IN_VAIN}, skipped=1).in_vain
    # The address is there: what else is wrong may be with the first rows only, and one of them may have said stop.
    assert not after(READ_IN_VAIN, {"address-taken": READ_IN_VAIN}).in_vain
    assert not after(READ_IN_VAIN, {"email-missing": half, "date-ambiguous": READ_IN_VAIN}).in_vain


def test_what_is_no_address_and_what_is_no_row_is_known_by_its_code() -> None:
    faults = {
        value for module in (addresses, errors) for value in vars(module).values() if isinstance(value, Fault)
    }
    warnings = {addresses.ROLE, addresses.NEEDS_SMTPUTF8}
    names_somebody = {addresses.UNSEEN}
    assert {
        fault.code for fault in faults - warnings - names_somebody
    } == addresses.NO_ADDRESS | errors.NO_ROW
    assert not addresses.NO_ADDRESS & errors.NO_ROW


@pytest.mark.parametrize("history", [(REGISTERED,), (REGISTERED, READY)])
def test_an_upload_that_nobody_starts_expires(history: tuple[Event, ...]) -> None:
    given(*history).when(ExpireImport(), target=ID, after=IDLE_FOR - timedelta(seconds=1)).then(
        ImportStillWaits
    )
    expired = of(ImportExpired, files_until=IDLE_UNTIL)
    state = given(*history).when(ExpireImport(), target=ID, after=IDLE_FOR).then(expired)
    assert state.status is ImportStatus.EXPIRED
    given(*history, expired).when(ExpireImport(), target=ID, after=IDLE_FOR).then()
    given(*history, expired).when(StartImport(), target=ID, after=IDLE_FOR).then(ImportNotReady)
    gone = given(*history, expired).when(DestroyImportFiles(), target=ID, after=IDLE_FOR)
    gone.then(of(ImportFilesDestroyed))


@pytest.mark.parametrize("later", [(), (COMPLETED,), (CANCELLED,), (FAILED,)])
def test_an_import_that_was_started_does_not_expire(later: tuple[Event, ...]) -> None:
    given(*RUNNING, *later).when(ExpireImport(), target=ID, after=2 * IDLE_FOR).then()
    given().when(ExpireImport(), target=ID).then(NotFound)


def test_an_upload_of_before_waits_for_ever() -> None:
    stored = REGISTERED.model_dump(mode="json", exclude={"idle_until"})
    kind, payload = EVENTS.upcast("audience.import_registered", 1, stored)
    old = kind.model_validate(payload)
    given(old).when(ExpireImport(), target=ID, after=100 * IDLE_FOR).then(ImportStillWaits)


def test_it_is_ready_once_its_columns_are_known() -> None:
    command = MarkImportReady(encoding="utf-8", delimiter=",", columns=COLUMNS)
    assert given(REGISTERED).when(command, target=ID).then(READY).status is ImportStatus.READY
    given(REGISTERED, READY).when(command, target=ID).then(ImportNotRegistered)


def test_the_mapping_that_counts_is_whole_and_in_the_log() -> None:
    asked = Mapping(columns={"Vorname": "full_name"}, duplicates=Duplicates.UPDATE)
    state = given(REGISTERED, READY).when(StartImport(mapping=asked), target=ID).state
    assert state.mapping.columns == {"Mail": "email", "Vorname": "full_name"}
    assert (state.duplicates, state.mapping.delimiter, state.status) == ("update", ",", ImportStatus.RUNNING)


def test_a_mapping_of_a_column_that_is_not_there_is_refused() -> None:
    asked = StartImport(mapping=Mapping(columns={"Nachname": "last_name"}))
    given(REGISTERED, READY).when(asked, target=ID).then(UnknownColumn)


def test_the_reading_is_settled_at_the_upload() -> None:
    given(REGISTERED, READY).when(StartImport(mapping=Mapping(delimiter=";")), target=ID).then(
        ImportReadingSettled
    )


@pytest.mark.parametrize("events", [(REGISTERED,), RUNNING, (*RUNNING, CHUNK, COMPLETED)])
def test_it_starts_once(events: tuple[Event, ...]) -> None:
    given(*events).when(StartImport(), target=ID).then(ImportNotReady)


def test_chunks_are_accounted_for() -> None:
    command = ApplyChunk(
        chunk=1,
        first_row=1,
        last_row=10,
        imported=5,
        updated=2,
        skipped=1,
        rejected=2,
        problems={"email-missing": 2},
    )
    state = given(*RUNNING).when(command, target=ID).then(CHUNK)
    assert (state.tally, state.chunks, state.last_row) == (Tally(5, 2, 1, 2), 1, 10)
    assert state.problems == {"email-missing": 2}


@pytest.mark.parametrize(
    ("chunk", "first", "last", "imported", "refusal"),
    [
        (1, 1, 10, 10, ChunkOutOfOrder),
        (3, 11, 20, 10, ChunkOutOfOrder),
        (2, 12, 20, 9, ChunkOutOfOrder),
        (2, 11, 20, 9, RowsDoNotAddUp),
        (2, 11, 20, 11, RowsDoNotAddUp),
    ],
)
def test_no_chunk_twice_none_left_out_no_row_uncounted(
    chunk: int, first: int, last: int, imported: int, refusal: type[ChunkOutOfOrder]
) -> None:
    command = ApplyChunk(chunk=chunk, first_row=first, last_row=last, imported=imported)
    given(*RUNNING, CHUNK).when(command, target=ID).then(refusal)


def test_it_completes_when_all_rows_are_accounted_for() -> None:
    state = given(*RUNNING, CHUNK).when(CompleteImport(rows=10), target=ID).then(COMPLETED)
    assert state.status is ImportStatus.COMPLETED
    given(*RUNNING, CHUNK).when(CompleteImport(rows=11), target=ID).then(RowsDoNotAddUp)
    given(REGISTERED, READY).when(CompleteImport(rows=0), target=ID).then(ImportNotRunning)


def test_it_can_fail_or_be_cancelled_until_it_has_ended() -> None:
    fail = FailImport(problem="import-file-empty", remedy="Upload it again.")
    given(REGISTERED).when(fail, target=ID).then(FAILED)
    state = given(*RUNNING, CHUNK).when(CancelImport(), target=ID).then(CANCELLED)
    assert state.status is ImportStatus.CANCELLED
    for ended in (COMPLETED, FAILED, CANCELLED):
        for command in (CancelImport(), fail, CompleteImport(rows=10)):
            given(*RUNNING, CHUNK, ended).when(command, target=ID).then(ImportOver)


def test_it_is_paused_while_it_runs_and_resumed_or_cancelled() -> None:
    pause = PauseImport(problem="access-ended", remedy="Pay what is open.")
    paused = of(ImportPaused, problem="access-ended", remedy="Pay what is open.")
    state = given(*RUNNING, CHUNK).when(pause, target=ID).then(paused)
    assert (state.status, state.failure) == (ImportStatus.PAUSED, "access-ended")
    chunk = ApplyChunk(chunk=2, first_row=11, last_row=11, imported=1)
    for command, answer in (
        (chunk, ImportNotRunning),
        (pause, ImportNotRunning),
        (CompleteImport(rows=10), ImportNotRunning),
        (CancelImport(), CANCELLED),
    ):
        given(*RUNNING, CHUNK, paused).when(command, target=ID).then(answer)
    state = given(*RUNNING, CHUNK, paused).when(ResumeImport(), target=ID).then(of(ImportResumed))
    assert (state.status, state.failure, state.chunks) == (ImportStatus.RUNNING, None, 1)
    given(*RUNNING, CHUNK).when(ResumeImport(), target=ID).then(ImportNotPaused)


def test_a_cancelled_import_takes_no_more_chunks() -> None:
    command = ApplyChunk(chunk=1, first_row=1, last_row=1, imported=1)
    given(*RUNNING, CANCELLED).when(command, target=ID).then(ImportNotRunning)


def test_what_ended_can_be_rolled_back_once() -> None:
    for ended in (COMPLETED, FAILED, CANCELLED):
        given(*RUNNING, CHUNK, ended).when(RollBackImport(), target=ID).then(ROLLBACK)
    given(*RUNNING, CHUNK).when(RollBackImport(), target=ID).then(ImportNotEnded)
    given(*RUNNING, CHUNK, COMPLETED, ROLLBACK).when(RollBackImport(), target=ID).then()


def test_contacts_put_back_are_accounted_for() -> None:
    history = (*RUNNING, CHUNK, COMPLETED, ROLLBACK)
    first = of(ImportRollbackChunkApplied, chunk=1, removed=4, restored=2, kept=1)
    command = ApplyRollbackChunk(chunk=1, removed=4, restored=2, kept=1)
    given(*history).when(command, target=ID).then(first)
    given(*history, first).when(command, target=ID).then(ChunkOutOfOrder)
    state = (
        given(*history, first)
        .when(CompleteRollback(), target=ID)
        .then(of(ImportRolledBack, removed=4, restored=2, kept=1))
    )
    assert state.status is ImportStatus.ROLLED_BACK
    given(*RUNNING, CHUNK, COMPLETED).when(command, target=ID).then(NotRollingBack)


def test_files_go_seven_days_after_the_end() -> None:
    history = (*RUNNING, CHUNK, COMPLETED)
    early, late = timedelta(days=6, hours=23), timedelta(days=7)
    given(*history).when(DestroyImportFiles(), target=ID, after=early).then(FilesStillKept)
    gone = of(ImportFilesDestroyed)
    given(*history).when(DestroyImportFiles(), target=ID, after=late).then(gone)
    given(*history, gone).when(DestroyImportFiles(), target=ID, after=late).then()
    given(*RUNNING).when(DestroyImportFiles(), target=ID, after=late).then(FilesStillKept)


@pytest.mark.parametrize("command", [StartImport(), CancelImport(), RollBackImport(), DestroyImportFiles()])
def test_no_import_is_not_found(command: Command) -> None:
    given().when(command, target=ID).then(NotFound)


def test_what_was_settled_once_is_read_whatever_is_judged_today() -> None:
    long_ago = SETTLED.model_copy(
        update={"timezone": "Atlantis/Harbour", "encoding": "klingon", "delimiter": "x"}
    )
    state = (
        given(REGISTERED, READY, STARTED.model_copy(update={"mapping": long_ago}))
        .when(CancelImport(), target=ID)
        .state
    )
    assert isinstance(state, Import)
    assert state.mapping is not None
    assert (state.mapping.timezone, state.mapping.columns) == ("Atlantis/Harbour", COLUMNS)
