"""One delivery of a schedule: what a worker enters of it, and how its due time is settled.

The files are made and kept before anything is delivered, so that whatever is killed meanwhile the same files arrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from pydantic import Field

from domain.kernel.commands import Command
from domain.kernel.events import Event
from domain.kernel.ids import DeliveryId, MemberId, ScheduleId, derived_id
from domain.kernel.permissions import Permission
from domain.reporting.schedule_events import (
    DeliveriesSkipped,
    DeliveryFailed,
    DeliveryMade,
    DeliveryMailed,
    DeliveryPrepared,
    FileTold,
    ItemRefused,
    LetterRefused,
    Schedule,
    ScheduleState,
    ScheduleTerms,
    Withheld,
)
from domain.reporting.timing import Due, Frequency, Rhythm, Weekday, following, missed

MOST_CAUGHT_UP: Final = 7
"""Due times that passed while nothing ran are made up for, the latest so many of them."""


class FailureReason(StrEnum):
    """Why a due time was given up."""

    NOBODY = "nobody_may_have_it"
    PARAMETERS = "parameters_not_taken"
    TOO_LARGE = "too_large"
    REFUSED = "pack_refused"
    NO_FIGURES = "figures_not_available"
    FOLDER = "folder_not_writable"
    NO_MAIL = "mail_not_set_up"
    MAIL = "mail_not_taken_over"
    ARCHIVE = "archive_not_readable"
    ERROR = "error"


class OfDelivery(Command):
    """Base of what a worker enters about one delivery; nothing is entered where another is due by now."""

    delivery_id: DeliveryId


class PrepareDelivery(
    OfDelivery, context="reporting", stream="schedule", permission=Permission.INTERNAL, internal=True
):
    """Say that the files of a due time are made and kept."""

    position: str
    as_of: datetime | None
    files: list[FileTold]
    refused: list[ItemRefused]


class EnterMailed(
    OfDelivery, context="reporting", stream="schedule", permission=Permission.INTERNAL, internal=True
):
    """Say that the mail server took the files over for a member."""

    member_id: MemberId


class EnterLetterRefused(
    OfDelivery, context="reporting", stream="schedule", permission=Permission.INTERNAL, internal=True
):
    """Say that the mail server takes nothing for a member's address."""

    member_id: MemberId


class FinishDelivery(
    OfDelivery, context="reporting", stream="schedule", permission=Permission.INTERNAL, internal=True
):
    """Say that the files are where they were to be, or what of them is not; `folder_failed`: why in no folder."""

    withheld: list[Withheld]
    folder_failed: FailureReason | None = None


class FailDelivery(
    OfDelivery, context="reporting", stream="schedule", permission=Permission.INTERNAL, internal=True
):
    """Give a due time up. `withheld`: who was sent nothing, and why; `refused`: items that could not be made."""

    reason: FailureReason
    withheld: list[Withheld] = Field(default_factory=list)
    refused: list[ItemRefused] = Field(default_factory=list)


class SkipMissed(
    OfDelivery, context="reporting", stream="schedule", permission=Permission.INTERNAL, internal=True
):
    """Skip due times that passed while nothing ran, but the latest."""


def rhythm_of(terms: ScheduleTerms) -> Rhythm:
    """How often, and when."""
    weekday = None if terms.weekday is None else Weekday(terms.weekday)
    return Rhythm(Frequency(terms.frequency), weekday, time.fromisoformat(terms.at), terms.time_zone)


def delivery_of(schedule_id: UUID, due: Due) -> DeliveryId:
    """The id of what is delivered at a due time: the same whoever asks."""
    return DeliveryId(derived_id(schedule_id, "delivery", due.at.astimezone(UTC).isoformat()))


def behind(terms: ScheduleTerms, due: Due, now: datetime) -> list[Due]:
    """The due times that are past making up for. A month that waits to be closed is never."""
    if terms.frequency == Frequency.ON_CLOSE:
        return []
    return missed(rhythm_of(terms), due, now)[:-MOST_CAUGHT_UP]


@dataclass(frozen=True, slots=True)
class _Present:
    """The delivery that a worker's command is about, and the due time after it."""

    schedule_id: ScheduleId
    due: Due
    then: Due

    def told(self, delivery_id: DeliveryId) -> Mapping[str, Any]:
        return {
            "schedule_id": self.schedule_id,
            "delivery_id": delivery_id,
            "day": self.due.day,
            "due_at": self.due.at,
        }

    def next(self) -> Mapping[str, Any]:
        return {"next_at": self.then.at, "next_day": self.then.day}


def delivered(command: OfDelivery, state: ScheduleState) -> tuple[Event, ...]:
    """What a worker enters, where what it is about is what is due."""
    if not isinstance(state, Schedule) or state.due is None:
        return ()
    due, delivery_id = state.due, command.delivery_id
    if delivery_id != delivery_of(state.schedule_id, due):
        return ()
    then = following(rhythm_of(state.terms), due.day)
    present = _Present(state.schedule_id, due, then)
    told, following_one, mailed = present.told(delivery_id), present.next(), len(state.mailed)
    match command:
        case PrepareDelivery():
            if state.prepared is not None:
                return ()
            made_of = {name: getattr(command, name) for name in ("position", "as_of", "files", "refused")}
            return (DeliveryPrepared(**told, **made_of),)
        case EnterMailed() | EnterLetterRefused():
            return _of_letter(command, state)
        case FinishDelivery():
            made = DeliveryMade(
                **told,
                folder=state.terms.folder if command.folder_failed is None else None,
                mailed=mailed,
                withheld=command.withheld,
                refused=[] if state.prepared is None else state.prepared.refused,
                folder_failed=command.folder_failed,
                **following_one,
            )
            return (made,)
        case FailDelivery():
            failed = DeliveryFailed(
                **told,
                reason=command.reason.value,
                prepared=state.prepared is not None,
                mailed=mailed,
                withheld=command.withheld,
                refused=command.refused if state.prepared is None else state.prepared.refused,
                **following_one,
            )
            return (failed,)
        case SkipMissed():
            return _skipped(command, state, present)
        case _:
            return ()


def _of_letter(command: EnterMailed | EnterLetterRefused, state: Schedule) -> tuple[Event, ...]:
    """What became of a member's letter: it was taken over, or is taken for nobody's address of theirs."""
    sent = isinstance(command, EnterMailed)
    if command.member_id in state.mailed or (not sent and command.member_id in state.turned_away):
        return ()
    entered = DeliveryMailed if sent else LetterRefused
    letter = entered(
        schedule_id=state.schedule_id, delivery_id=command.delivery_id, member_id=command.member_id
    )
    return (letter,)


def _skipped(command: SkipMissed, state: Schedule, present: _Present) -> tuple[Event, ...]:
    over = behind(state.terms, present.due, command.stamp.at)
    if not over:
        return ()
    then = following(rhythm_of(state.terms), over[-1].day)
    return (
        DeliveriesSkipped(
            **present.told(command.delivery_id),
            last_day=over[-1].day,
            skipped=len(over),
            next_at=then.at,
            next_day=then.day,
        ),
    )
