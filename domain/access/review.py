"""Review of the access log: an officer signs off a period, questions what looks wrong, and somebody answers.

There is one stream to a log, under the tenant's own id. Periods follow each other without a gap. Nobody signs off what
they read themselves: those entries stay open until another officer signs them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, TypeAlias, assert_never
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from domain.access.policy import policy
from domain.access.refusals import (
    BeyondTheAccessLog,
    NoOpenQuestion,
    NoOwnReadsOpen,
    NothingToSignOff,
    OwnReadsNeedAnother,
    PeriodTooLong,
    QuestionedAlready,
    reviewer,
)
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound
from domain.kernel.events import Event
from domain.kernel.permissions import Permission
from domain.kernel.personal import ERASED, SEALED, Evidence
from domain.kernel.text import LongText

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.access.entries import Entry, Tally
    from domain.kernel.commands import Stamp

MOST_ENTRIES: Final = 100_000
"""What is signed off at once, at most: more has to be read in parts, too."""
MOST_READERS: Final = 100
"""Readers that a sign-off names, those who read most first; how many there were it says in any case."""
MOST_QUESTIONS: Final = 100
EntryPosition = Annotated[int, Field(ge=1, le=2**53 - 1)]


class Doubt(StrEnum):
    """What is doubted about a read."""

    NO_REASON = "no_reason"
    NOT_THEIR_WORK = "not_their_work"
    TOO_MUCH = "too_much"
    UNUSUAL_TIME = "unusual_time"
    UNKNOWN_READER = "unknown_reader"
    OTHER = "other"


class QuestionOutcome(StrEnum):
    """What came of a question."""

    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not_justified"
    CANNOT_BE_TOLD = "cannot_be_told"


class ReaderCount(BaseModel):
    """How many entries of a period are of one reader."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reader_id: UUID
    entries: int


class PeriodSignedOff(Event, name="access.period_signed_off", version=1, subject="signed_by"):
    """Entries after `after_position`, up to `to_position`, were looked through; `own_entries` are the signer's own.

    Those are not signed by it. `epoch` is the access log's: positions are of it.
    """

    review_id: UUID
    signed_by: UUID
    epoch: int
    after_position: int
    to_position: int
    entries: int
    own_entries: int
    staff_entries: int
    denied_requests: int
    kinds: dict[str, int]
    readers: list[ReaderCount]
    readers_count: int
    first_at: datetime
    last_at: datetime
    note: Evidence[str | None] = None


class OwnReadsSignedOff(Event, name="access.own_reads_signed_off", version=1, subject="signed_by"):
    """What an officer read themselves, and so had left open, was signed off by another."""

    review_id: UUID
    reader_id: UUID
    signed_by: UUID
    after_position: int
    to_position: int
    entries: int
    note: Evidence[str | None] = None


class ReadQuestioned(Event, name="access.read_questioned", version=1, subject="asked_by"):
    """Something about an entry is doubted. `review_id`: the sign-off that it came with, if it did."""

    question_id: UUID
    position: int
    reader_id: UUID
    doubt: str
    asked_by: UUID
    review_id: UUID | None = None
    note: Evidence[str | None] = None


class QuestionAnswered(Event, name="access.question_answered", version=1, subject="answered_by"):
    """It was found out what there was to the read."""

    question_id: UUID
    position: int
    reader_id: UUID
    outcome: str
    answered_by: UUID
    explanation: Evidence[str]


class ReviewCadenceSet(Event, name="access.review_cadence_set", version=1):
    """How many days an entry may wait for its review."""

    days: int
    set_by: UUID


ReviewEvent: TypeAlias = (
    PeriodSignedOff | OwnReadsSignedOff | ReadQuestioned | QuestionAnswered | ReviewCadenceSet
)


class OwnReads(BaseModel):
    """Entries of an officer's own that await another: those after one position up to another."""

    model_config = ConfigDict(frozen=True)

    after_position: int
    to_position: int
    entries: int


class Question(NamedTuple):
    """An open question, and whose reading it is about."""

    question_id: UUID
    reader_id: UUID


@dataclass(frozen=True, slots=True)
class Review:
    """How far a log is signed off, what awaits another officer, by reader, and what is questioned, by position."""

    signed_to: int = 0
    cadence_days: int = field(default_factory=lambda: policy().review_days)
    own: Mapping[UUID, OwnReads] = field(default_factory=dict)
    questions: Mapping[int, Question] = field(default_factory=dict)


def evolve(state: Review, event: ReviewEvent) -> Review:
    """The review after `event`."""
    match event:
        case PeriodSignedOff():
            own = state.own
            if event.own_entries:
                known = own.get(event.signed_by)
                begun = event.after_position if known is None else known.after_position
                count = event.own_entries + (0 if known is None else known.entries)
                told = OwnReads(after_position=begun, to_position=event.to_position, entries=count)
                own = {**own, event.signed_by: told}
            return replace(state, signed_to=event.to_position, own=own)
        case OwnReadsSignedOff():
            left = {reader: reads for reader, reads in state.own.items() if reader != event.reader_id}
            return replace(state, own=left)
        case ReadQuestioned():
            asked = Question(event.question_id, event.reader_id)
            return replace(state, questions={**state.questions, event.position: asked})
        case QuestionAnswered():
            left_open = {at: one for at, one in state.questions.items() if at != event.position}
            return replace(state, questions=left_open)
        case ReviewCadenceSet():
            return replace(state, cadence_days=event.days)
        case _:
            assert_never(event)


class Finding(BaseModel):
    """A question about an entry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    position: EntryPosition
    doubt: Doubt
    note: LongText | None = None

    @field_validator("note")
    @classmethod
    def _no_mark(cls, note: str | None) -> str | None:
        if note in (ERASED, SEALED):
            raise ValueError("it stands for what cannot be shown; leave the note out instead")
        return note


class SignOffAccess(Command, context="access", stream="access_review", permission=Permission.ACCESS_REVIEW):
    """Sign off the access log from where the last sign-off ended, up to `up_to` or where it stands.

    The id is your tenant's. What you read yourself stays open for another officer.
    """

    up_to: EntryPosition | None = None
    note: Evidence[LongText | None] = None
    findings: Annotated[list[Finding], Field(max_length=MOST_QUESTIONS)] = Field(default_factory=list)


class SignOffOwnReads(Command, context="access", stream="access_review", permission=Permission.ACCESS_REVIEW):
    """Sign off what another officer read themselves in the periods that they signed. The id is your tenant's."""

    reader_id: UUID
    note: Evidence[LongText | None] = None


class QuestionRead(Command, context="access", stream="access_review", permission=Permission.ACCESS_REVIEW):
    """Question an entry of the access log. The id is your tenant's."""

    position: EntryPosition
    doubt: Doubt
    note: Evidence[LongText | None] = None


class AnswerQuestion(Command, context="access", stream="access_review", permission=Permission.ACCESS_REVIEW):
    """Enter what came of a question about an entry. The id is your tenant's."""

    position: EntryPosition
    outcome: QuestionOutcome
    explanation: Evidence[LongText]


class SetReviewCadence(
    Command, context="access", stream="access_review", permission=Permission.ACCESS_REVIEW
):
    """Say how many days an entry may wait for its review. The id is your tenant's."""

    days: Annotated[int, Field(ge=1, le=366)]


def period(command: SignOffAccess, state: Review, last: int) -> tuple[int, int]:
    """The entries that are to be signed off: after one position, up to another. `last`: where the log stands."""
    to = min(last, state.signed_to + MOST_ENTRIES) if command.up_to is None else command.up_to
    if to > last:
        raise BeyondTheAccessLog(last_position=last)
    if to <= state.signed_to:
        raise NothingToSignOff(signed_to=state.signed_to)
    if to - state.signed_to > MOST_ENTRIES:
        raise PeriodTooLong(most=MOST_ENTRIES)
    return state.signed_to, to


def signed_off(
    command: SignOffAccess, state: Review, epoch: int, to: int, tally: Tally, doubted: Mapping[int, Entry]
) -> tuple[Event, ...]:
    """A sign-off and its questions. `tally` counts the period, `doubted` are the entries that are questioned."""
    by, review_id = reviewer(command.stamp), command.stamp.command_id
    at = command.stamp.at
    signed = PeriodSignedOff(
        review_id=review_id,
        signed_by=by,
        epoch=epoch,
        after_position=state.signed_to,
        to_position=to,
        entries=tally.entries,
        own_entries=tally.readers[by],
        staff_entries=tally.staff,
        denied_requests=tally.denied,
        kinds=dict(sorted(tally.kinds.items())),
        readers=[
            ReaderCount(reader_id=reader, entries=count)
            for reader, count in tally.readers.most_common(MOST_READERS)
        ],
        readers_count=len(tally.readers),
        first_at=tally.first_at or at,
        last_at=tally.last_at or at,
        note=command.note,
    )
    events: list[Event] = [signed]
    for one in command.findings:
        entry, stamp = doubted.get(one.position), command.stamp
        asked = _questioned(one, state, entry, stamp, review_id)
        state = evolve(state, asked)
        events.append(asked)
    return tuple(events)


def questioned(command: QuestionRead, state: Review, entry: Entry | None) -> ReadQuestioned:
    """A question about an entry."""
    return _questioned(command, state, entry, command.stamp, None)


def _questioned(
    asked: Finding | QuestionRead, state: Review, entry: Entry | None, stamp: Stamp, review_id: UUID | None
) -> ReadQuestioned:
    if entry is None:
        raise NotFound
    if asked.position in state.questions:
        raise QuestionedAlready(position=asked.position)
    return ReadQuestioned(
        question_id=stamp.fresh_id("question", asked.position),
        position=asked.position,
        reader_id=entry.reader_id,
        doubt=asked.doubt,
        asked_by=reviewer(stamp),
        review_id=review_id,
        note=asked.note,
    )


ReviewCommand: TypeAlias = SignOffOwnReads | AnswerQuestion | SetReviewCadence


def decide(command: ReviewCommand, state: Review) -> tuple[Event, ...]:
    """What a command does that needs no look into the access log."""
    by = reviewer(command.stamp)
    match command:
        case SignOffOwnReads(reader_id=reader):
            if reader == by:
                raise OwnReadsNeedAnother
            if (left := state.own.get(reader)) is None:
                raise NoOwnReadsOpen
            signed = OwnReadsSignedOff(
                review_id=command.stamp.command_id,
                reader_id=reader,
                signed_by=by,
                note=command.note,
                **left.model_dump(),
            )
            return (signed,)
        case AnswerQuestion(position=position):
            if (asked := state.questions.get(position)) is None:
                raise NoOpenQuestion
            if asked.reader_id == by:
                raise OwnReadsNeedAnother
            answered = QuestionAnswered(
                question_id=asked.question_id,
                position=position,
                reader_id=asked.reader_id,
                outcome=command.outcome,
                answered_by=by,
                explanation=command.explanation,
            )
            return (answered,)
        case SetReviewCadence(days=days):
            return () if days == state.cadence_days else (ReviewCadenceSet(days=days, set_by=by),)
        case _:
            assert_never(command)


REVIEW: Final[Decider[Review]] = Decider(
    category="access_review", initial=Review(), evolve=evolve, decide=decide
)
