"""A posting: checkpoints that go regularly to a place outside, from which a past cannot be taken back.

To one place each: a folder of this installation, a bucket, or members by mail. What is posted is what stands at that
moment, so due times that passed while nothing ran are not made up for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, TypeAlias, assert_never
from uuid import UUID

from pydantic import Field, StringConstraints

from domain.audit.origins import LogKind
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import PLATFORM, PostingId
from domain.kernel.permissions import Permission
from domain.kernel.text import ShortText
from domain.ledger.posting_events import (
    CheckpointsPosted,
    LogPosted,
    MemberPassed,
    NoPosting,
    Posting,
    PostingChanged,
    PostingFailed,
    PostingStarted,
    PostingState,
    PostingStopped,
    PostingTerms,
    StoppedPosting,
    evolve,
)
from domain.reporting.schedule import Folder, Recipients

_POST: Final = Permission.LEDGER_POST
_HOUR: Final = timedelta(hours=1)
_A_DAY: Final = timedelta(days=1)
_MINUTES: Final = 60


class PostingFrequency(StrEnum):
    """How often checkpoints are posted."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"


class PostingFailure(StrEnum):
    """Why a due time was given up."""

    NOT_SIGNED = "not_signed"
    """The notary has signed none of these logs yet."""
    CONTRADICTS = "place_contradicts"
    """The place holds another past than the database tells, or something else where a checkpoint or a tile is to be."""
    UNREACHABLE = "place_not_reachable"
    DENIED = "place_denies"
    """The folder or the bucket may not be written to."""
    NO_BUCKET = "bucket_not_set_up"
    NOBODY = "nobody_to_mail"
    NO_MAIL = "mail_not_set_up"
    MAIL = "mail_not_taken_over"
    ERROR = "error"


class PostingIdTaken(Refusal):
    """A posting's id is used once, also after it was stopped. Take a new id."""

    code = "posting-id-taken"


class OnePlace(Refusal):
    """A posting goes to one place: a folder, perhaps in a bucket, or members by mail. Make one for each place."""

    code = "posting-one-place"
    kind = RefusalKind.INVALID
    field = "/folder"


class OfThePlatformAlone(Refusal):
    """The logs of every tenant are posted by the platform, into a folder. Leave `every_tenant` out."""

    code = "posting-every-tenant"
    kind = RefusalKind.INVALID
    field = "/every_tenant"


Bucket = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$"),
    Field(
        description="A bucket by the name that this installation's settings give it; the folder lies in it."
    ),
]
Logs = Annotated[list[LogKind], Field(min_length=1, max_length=2, description="Both, unless told otherwise.")]
PostingTitle = Annotated[ShortText, Field(description="What it is called, in mail too: name nobody in it.")]


class PostCheckpoints(Command, context="ledger", stream="posting", permission=_POST):
    """Post the logs' signed checkpoints outside, now and then regularly; to folders and buckets with their tiles."""

    title: PostingTitle
    logs: Logs = Field(default_factory=lambda: list(LogKind))
    frequency: PostingFrequency = PostingFrequency.DAILY
    folder: Folder | None = None
    bucket: Bucket | None = None
    recipients: Recipients = Field(default_factory=list)
    every_tenant: Annotated[bool, Field(description="The logs of all tenants; the platform alone may.")] = (
        False
    )


class ChangePosting(Command, context="ledger", stream="posting", permission=_POST):
    """Change a posting, and post at once; what is left out stays. What was posted elsewhere stays there."""

    title: PostingTitle | None = None
    logs: Logs | None = None
    frequency: PostingFrequency | None = None
    folder: Annotated[Folder | None, Field(description="Null: into none any more.")] = None
    bucket: Annotated[Bucket | None, Field(description="Null: into none any more.")] = None
    recipients: Recipients | None = None


class StopPosting(Command, context="ledger", stream="posting", permission=_POST):
    """Post nothing any more, for good. Its history stays in the log, and what was posted where it is."""


class OfDueTime(Command):
    """Base of what a worker enters of a due time; nothing is entered where another is due by now."""

    due_at: datetime


class EnterPosted(
    OfDueTime, context="ledger", stream="posting", permission=Permission.INTERNAL, internal=True
):
    """Say that checkpoints are where they were to be."""

    posted: list[LogPosted]
    mailed: int = 0
    passed: list[MemberPassed] = Field(default_factory=list)
    others: int = 0
    others_failed: int = 0


class FailPosting(
    OfDueTime, context="ledger", stream="posting", permission=Permission.INTERNAL, internal=True
):
    """Give a due time up."""

    reason: PostingFailure
    log: LogKind | None = None
    path: str | None = None
    posted: list[LogPosted] = Field(default_factory=list)
    passed: list[MemberPassed] = Field(default_factory=list)


PostingCommand: TypeAlias = PostCheckpoints | ChangePosting | StopPosting | EnterPosted | FailPosting


def next_time(frequency: PostingFrequency, posting_id: UUID, now: datetime) -> datetime:
    """When it is due after `now`: at a minute of its own, so that not all are due at once; days and weeks are UTC's."""
    minute = timedelta(minutes=posting_id.int % _MINUTES)
    hour = now.replace(minute=0, second=0, microsecond=0)
    match frequency:
        case PostingFrequency.HOURLY:
            start, step = hour, _HOUR
        case PostingFrequency.DAILY:
            start, step = hour.replace(hour=0), _A_DAY
        case PostingFrequency.WEEKLY:
            start, step = hour.replace(hour=0) - now.weekday() * _A_DAY, 7 * _A_DAY
        case _:
            assert_never(frequency)
    due = start + minute
    return due if due > now else due + step


def decide(command: PostingCommand, state: PostingState) -> tuple[Event, ...]:
    """What a command does to a posting."""
    if isinstance(command, PostCheckpoints):
        return (_started(command, state),)
    if not isinstance(state, Posting):
        if isinstance(command, OfDueTime):
            return ()
        if isinstance(state, StoppedPosting) and isinstance(command, StopPosting):
            return ()
        raise NotFound
    match command:
        case ChangePosting():
            return _changed(command, state)
        case StopPosting():
            return (PostingStopped(posting_id=state.posting_id),)
        case EnterPosted() | FailPosting():
            return _settled(command, state)
        case _:
            assert_never(command)


def _started(command: PostCheckpoints, state: PostingState) -> PostingStarted:
    if not isinstance(state, NoPosting):
        raise PostingIdTaken
    terms = _terms({name: getattr(command, name) for name in PostCheckpoints.model_fields}, command)
    return PostingStarted(
        posting_id=PostingId(command.stamp.target),
        author_id=_author(command),
        terms=terms,
        next_at=command.stamp.at,
    )


def _changed(command: ChangePosting, state: Posting) -> tuple[Event, ...]:
    given = {
        name: getattr(command, name)
        for name in command.model_fields_set
        if getattr(command, name) is not None or name in ("folder", "bucket")
    }
    terms = _terms({**dict(state.terms), **given}, command)
    if terms == state.terms:
        return ()
    changed = PostingChanged(
        posting_id=state.posting_id, author_id=_author(command), terms=terms, next_at=command.stamp.at
    )
    return (changed,)


def _settled(command: EnterPosted | FailPosting, state: Posting) -> tuple[Event, ...]:
    if command.due_at != state.next_at:
        return ()
    frequency = PostingFrequency(state.terms.frequency)
    told: Mapping[str, Any] = {
        "posting_id": state.posting_id,
        "next_at": next_time(frequency, state.posting_id, command.stamp.at),
        **{name: getattr(command, name) for name in type(command).model_fields},
    }
    settled = CheckpointsPosted if isinstance(command, EnterPosted) else PostingFailed
    return (settled.model_validate(told),)


def _terms(given: Mapping[str, Any], command: Command) -> PostingTerms:
    recipients = list(dict.fromkeys(given["recipients"]))
    if (given["folder"] is None) is not bool(recipients) or (given["bucket"] and recipients):
        raise OnePlace
    if given["every_tenant"] and (command.stamp.tenant_id != PLATFORM or recipients):
        raise OfThePlatformAlone
    logs = [log.value for log in LogKind if log in given["logs"]]
    return PostingTerms.model_validate({**given, "logs": logs, "recipients": recipients})


def _author(command: Command) -> UUID:
    actor = command.stamp.actor
    return actor.member or actor.id


POSTING: Final[Decider[PostingState]] = Decider(
    category="posting", initial=NoPosting(), evolve=evolve, decide=decide
)
