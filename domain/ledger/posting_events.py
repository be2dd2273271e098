"""What happens to a posting: where checkpoints go and how often, and what became of each due time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias, assert_never
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.kernel.events import Event
from domain.kernel.ids import MemberId, PostingId


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PostingTerms(_Told):
    """What is posted, how often, and where: into a folder, of this installation or in a bucket, or to members by mail.

    `every_tenant`: the logs of all, by the platform.
    """

    title: str
    logs: list[str]
    frequency: str
    folder: str | None
    bucket: str | None
    recipients: list[MemberId]
    every_tenant: bool


class LogPosted(_Told):
    """A checkpoint as it was posted; `files`: how many were written with it, tiles and itself; of mail none."""

    log: str
    epoch: int
    size: int
    root: str
    files: int


class MemberPassed(_Told):
    """A member who was sent nothing: `removed`; `refused` or `deferred` by the mail server; `mail_not_taken_over`."""

    member_id: MemberId
    reason: str


class PostingStarted(Event, name="ledger.posting_started", version=1):
    """Checkpoints are posted from now on. `author_id`: the member, or the key that acts for nobody."""

    posting_id: PostingId
    author_id: UUID
    terms: PostingTerms
    next_at: datetime


class PostingChanged(Event, name="ledger.posting_changed", version=1):
    """A posting is from now on as told here."""

    posting_id: PostingId
    author_id: UUID
    terms: PostingTerms
    next_at: datetime


class PostingStopped(Event, name="ledger.posting_stopped", version=1):
    """Nothing is posted any more, for good. What was posted stays where it is."""

    posting_id: PostingId


class CheckpointsPosted(Event, name="ledger.checkpoints_posted", version=1):
    """Checkpoints are where they were to be; `posted` those of this log's tenant.

    `mailed` counts members. Where every tenant's were posted, `others` counts logs of others that were, and
    `others_failed` those that were not: the worker's log names them.
    """

    posting_id: PostingId
    due_at: datetime
    posted: list[LogPosted]
    mailed: int
    passed: list[MemberPassed]
    others: int
    others_failed: int
    next_at: datetime


class PostingFailed(Event, name="ledger.posting_failed", version=1):
    """A due time was given up, for a reason that is a word; the next one is tried.

    `log` and `path` tell where a place holds another past, or something else.
    """

    posting_id: PostingId
    due_at: datetime
    reason: str
    log: str | None
    path: str | None
    posted: list[LogPosted]
    passed: list[MemberPassed]
    next_at: datetime


PostingEvent: TypeAlias = PostingStarted | PostingChanged | PostingStopped | CheckpointsPosted | PostingFailed


@dataclass(frozen=True, slots=True)
class NoPosting:
    """No posting has this id."""


@dataclass(frozen=True, slots=True)
class Posting:
    """A posting as it stands."""

    posting_id: PostingId
    terms: PostingTerms
    next_at: datetime


@dataclass(frozen=True, slots=True)
class StoppedPosting:
    """There was one once."""


PostingState: TypeAlias = NoPosting | Posting | StoppedPosting


def evolve(state: PostingState, event: PostingEvent) -> PostingState:
    """The posting after `event`."""
    if isinstance(event, PostingStarted):
        return Posting(event.posting_id, event.terms, event.next_at)
    if not isinstance(state, Posting):
        return state
    match event:
        case PostingChanged():
            return replace(state, terms=event.terms, next_at=event.next_at)
        case PostingStopped():
            return StoppedPosting()
        case CheckpointsPosted() | PostingFailed():
            return replace(state, next_at=event.next_at)
        case _:
            assert_never(event)
