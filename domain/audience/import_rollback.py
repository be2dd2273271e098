"""Taking an import back: asked for once it ended, done in chunks, and then over."""

from __future__ import annotations

from typing import Annotated, Final, assert_never

from pydantic import Field

from domain.audience.contact_import import Import, ImportStatus
from domain.audience.import_events import (
    ImportRollbackChunkApplied,
    ImportRollbackRequested,
    ImportRolledBack,
)
from domain.audience.intake.kinds import FileKind
from domain.kernel.commands import Command
from domain.kernel.errors import Refusal
from domain.kernel.events import Event
from domain.kernel.permissions import Permission

_ENDED: Final = frozenset({ImportStatus.COMPLETED, ImportStatus.FAILED, ImportStatus.CANCELLED})
Count = Annotated[int, Field(ge=0)]
RowNumber = Annotated[int, Field(ge=1)]


class ChunkOutOfOrder(Refusal):
    """Chunks follow each other without a gap. Go on after the last one in the log."""

    code = "import-chunk-out-of-order"


class ImportNotEnded(Refusal):
    """Only an import that has ended can be rolled back. Cancel it first, or wait."""

    code = "import-not-ended"


class NotRollingBack(Refusal):
    """Contacts are put back while an import is rolled back. Ask for the roll-back first."""

    code = "import-not-rolling-back"


class SuppressionsStay(Refusal):
    """Who said stop has said it: what a suppression list entered stays. Lift what was not the person's word."""

    code = "suppressions-stay"


class RollBackImport(Command, context="audience", stream="import", permission=Permission.CONTACTS_IMPORT):
    """Undo what an import did to contacts, and what it said of their country and kind; not what somebody changed since.

    Opt-outs stay, and so do consents: what a person said does not end with the file. Retract a consent that was wrong.
    """


class ApplyRollbackChunk(
    Command, context="audience", stream="import", permission=Permission.INTERNAL, internal=True
):
    """Account for contacts that were put back, in the same append."""

    chunk: RowNumber
    removed: Count = 0
    restored: Count = 0
    kept: Count = 0


class CompleteRollback(
    Command, context="audience", stream="import", permission=Permission.INTERNAL, internal=True
):
    """Enter that every contact of the import was dealt with."""


def rolled_back(
    command: RollBackImport | ApplyRollbackChunk | CompleteRollback, state: Import
) -> tuple[Event, ...]:
    """What a command does to an import that is to be, or is being, taken back."""
    import_id, workspace_id = state.import_id, state.workspace_id
    if isinstance(command, RollBackImport):
        if state.status in {ImportStatus.ROLLING_BACK, ImportStatus.ROLLED_BACK}:
            return ()
        if state.kind is FileKind.SUPPRESSIONS:
            raise SuppressionsStay
        if state.status not in _ENDED:
            raise ImportNotEnded
        return (ImportRollbackRequested(import_id=import_id, workspace_id=workspace_id),)
    if state.status is not ImportStatus.ROLLING_BACK:
        raise NotRollingBack
    match command:
        case ApplyRollbackChunk():
            if command.chunk != state.undone.chunks + 1:
                raise ChunkOutOfOrder
            return (
                ImportRollbackChunkApplied(
                    import_id=import_id, workspace_id=workspace_id, **command.model_dump()
                ),
            )
        case CompleteRollback():
            return (
                ImportRolledBack(
                    import_id=import_id,
                    workspace_id=workspace_id,
                    removed=state.undone.removed,
                    restored=state.undone.restored,
                    kept=state.undone.kept,
                ),
            )
        case _:
            assert_never(command)
