"""Checkpoints of tenants' logs, noted in the platform's log: nobody can then be shown another past than others.

One stream a log. A checkpoint that contradicts the one that was noted before is not noted: that it was seen is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final, NamedTuple, TypeAlias, assert_never
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.audit.origins import LogId, LogKind
from domain.kernel.commands import Command, Decider
from domain.kernel.events import Event
from domain.kernel.ids import PLATFORM, TenantId, derived_id
from domain.kernel.permissions import Permission

MOST_NOTED: Final = 1_000
"""Logs of one command: an append holds so many events."""

NOTED_IN: Final = LogId(PLATFORM, LogKind.EVENTS)
"""The log that checkpoints are noted in, and that its own are not."""


class CheckpointNoted(Event, name="ledger.checkpoint_noted", version=1):
    """So large a tenant's log was, and this its root, in base64 as its checkpoint has it.

    `noted_for` is the beginning of the hour that it was noted for: of each log one an hour at most.
    """

    tenant_id: TenantId
    log: str
    epoch: int
    size: int
    root: str
    noted_for: datetime


class CheckpointContradicted(Event, name="ledger.checkpoint_contradicted", version=1):
    """The database told a checkpoint that what was noted before contradicts: its history was changed, or lost."""

    tenant_id: TenantId
    log: str
    epoch: int
    size: int
    root: str
    noted_epoch: int
    noted_size: int
    noted_root: str


class Head(NamedTuple):
    """A log's epoch, size, and root in base64."""

    epoch: int
    size: int
    root: str


@dataclass(frozen=True, slots=True)
class NotedLog:
    """What was noted last of a log, for which hour; and the last that contradicted it."""

    head: Head | None = None
    noted_for: datetime | None = None
    contradicted_by: Head | None = None


class LogTold(BaseModel):
    """A log's checkpoint, as the database has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant_id: TenantId
    log: LogKind
    epoch: int
    size: int
    root: str

    @property
    def head(self) -> Head:
        """What is compared."""
        return Head(self.epoch, self.size, self.root)


class NoteCheckpoints(
    Command, context="ledger", stream="noted_log", permission=Permission.INTERNAL, internal=True
):
    """Note checkpoints in the platform's log, of each log one for that hour."""

    noted_for: datetime
    logs: Annotated[list[LogTold], Field(min_length=1, max_length=MOST_NOTED)]


NotedEvent: TypeAlias = CheckpointNoted | CheckpointContradicted


def noted_id(tenant_id: UUID, log: LogKind) -> UUID:
    """The id of the stream of a tenant's log in the platform's."""
    return derived_id(tenant_id, "noted", log.value)


def evolve(state: NotedLog, event: NotedEvent) -> NotedLog:
    """What is known of a log after `event`."""
    found = Head(event.epoch, event.size, event.root)
    match event:
        case CheckpointNoted():
            return replace(state, head=found, noted_for=event.noted_for)
        case CheckpointContradicted():
            return replace(state, contradicted_by=found)
        case _:
            assert_never(event)


def contradicts(noted: Head | None, told: Head) -> bool:
    """Whether both cannot be of one log: of one size two roots, or less than there was. A restore opens a new epoch."""
    if noted is None:
        return False
    if noted.epoch != told.epoch:
        return told.epoch < noted.epoch
    return told.size < noted.size or (told.size == noted.size and told.root != noted.root)


def noted(told: LogTold, noted_for: datetime, state: NotedLog) -> tuple[Event, ...]:
    """What is to be said of a log's checkpoint."""
    about = {"tenant_id": told.tenant_id, "log": told.log.value, **told.head._asdict()}
    if state.head is not None and contradicts(state.head, told.head):
        if state.contradicted_by == told.head:
            return ()
        before = {f"noted_{name}": value for name, value in state.head._asdict().items()}
        return (CheckpointContradicted(**about, **before),)
    known = state.noted_for is not None and state.noted_for >= noted_for
    if known or state.head == told.head or (told.tenant_id, told.log) == NOTED_IN:
        return ()
    return (CheckpointNoted(**about, noted_for=noted_for),)


NOTED: Final[Decider[NotedLog]] = Decider(category="noted_log", initial=NotedLog(), evolve=evolve)
