"""What happens to a schedule: what is delivered when and where, and what became of each delivery.

People stand in it by their ids. Each event that settles a due time says when the next one is, so that a replay never
asks a calendar whose rules may have changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeAlias, assert_never
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.kernel.events import EVENTS, Event, Payload
from domain.kernel.ids import DeliveryId, MemberId, ScheduleId
from domain.reporting.timing import Due


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ItemTold(_Told):
    """A report in a form, or a pack. `name` begins the names of its files; `period` None: until now.

    `decimal`: point or comma, the sign of the decimals in CSV; None: it is none.
    """

    name: str
    report: str | None
    pack: str | None
    parameters: dict[str, str]
    form: str
    decimal: str | None
    period: str | None


class ScheduleTerms(_Told):
    """What is delivered, how often, and where: to a folder, to members, or to both."""

    title: str
    items: list[ItemTold]
    frequency: str
    weekday: str | None
    at: str
    time_zone: str
    folder: str | None
    recipients: list[MemberId]


class FileTold(_Told):
    """A file as it was made. `definition` is the version of what it means, `position` and `as_of` what it is made of.

    `complete`: every row that was asked for is in it.
    """

    name: str
    of: str
    definition: str
    period_from: date | None
    period_to: date | None
    position: str
    as_of: datetime | None
    rows: int
    complete: bool
    size: int
    sha256: str


class ItemRefused(_Told):
    """An item that was not made. `code`: of the refusal, or of what is wrong with its report; `detail`: in words."""

    name: str
    code: str
    detail: str


class Withheld(_Told):
    """A member who was sent nothing, and why.

    `removed`; `permission`: they lack one that is needed; `refused`, or `deferred` until the last attempt, by the mail
    server for their address; `too_large`: for mail; `mail_not_set_up`, `mail_not_taken_over`: of everybody's.
    """

    member_id: MemberId
    reason: str


class ScheduleCreated(Event, name="reporting.schedule_created", version=2):
    """Something is delivered regularly from now on. `author_id`: the member, or the key that acts for nobody."""

    schedule_id: ScheduleId
    author_id: UUID
    terms: ScheduleTerms
    next_at: datetime
    next_day: date


class ScheduleChanged(Event, name="reporting.schedule_changed", version=2):
    """A schedule is from now on as told here. `next_at` None: it is paused.

    `dropped` was prepared, and is not delivered.
    """

    schedule_id: ScheduleId
    author_id: UUID
    terms: ScheduleTerms
    next_at: datetime | None
    next_day: date | None
    dropped: DeliveryId | None


@EVENTS.upcaster("reporting.schedule_created", 1)
@EVENTS.upcaster("reporting.schedule_changed", 1)
def _decimals_had_a_point(payload: Payload) -> Payload:
    terms = payload["terms"]
    items = [{**one, "decimal": "point" if one["form"] == "csv" else None} for one in terms["items"]]
    return {**payload, "terms": {**terms, "items": items}}


class SchedulePaused(Event, name="reporting.schedule_paused", version=1):
    """Nothing is delivered until the schedule is resumed. `dropped`: was prepared, and is not made."""

    schedule_id: ScheduleId
    dropped: DeliveryId | None


class ScheduleResumed(Event, name="reporting.schedule_resumed", version=1):
    """Deliveries go on with the next due time; what was due meanwhile is not made up for."""

    schedule_id: ScheduleId
    next_at: datetime
    next_day: date


class ScheduleRemoved(Event, name="reporting.schedule_removed", version=1):
    """Nothing is delivered any more, for good. `dropped`: was prepared, and is not made."""

    schedule_id: ScheduleId
    dropped: DeliveryId | None


class DeliveryPrepared(Event, name="reporting.delivery_prepared", version=2):
    """The files of a due time are made and kept: whatever happens now, these are delivered. `position` is a token.

    `refused`: items that could not be made.
    """

    schedule_id: ScheduleId
    delivery_id: DeliveryId
    day: date
    due_at: datetime
    position: str
    as_of: datetime | None
    files: list[FileTold]
    refused: list[ItemRefused]


class DeliveryMailed(Event, name="reporting.delivery_mailed", version=1):
    """The mail server took the files over for a member."""

    schedule_id: ScheduleId
    delivery_id: DeliveryId
    member_id: MemberId


class LetterRefused(Event, name="reporting.letter_refused", version=1):
    """The mail server takes nothing for a member's address, whenever it is tried: it is not tried again."""

    schedule_id: ScheduleId
    delivery_id: DeliveryId
    member_id: MemberId


class DeliveryMade(Event, name="reporting.delivery_made", version=3):
    """The files of a due time are where they were to be, or in part: in `folder`; `mailed` counts the members.

    `refused`: items that could not be made. `folder_failed`: why they are in no folder, where they were to be.
    """

    schedule_id: ScheduleId
    delivery_id: DeliveryId
    day: date
    due_at: datetime
    folder: str | None
    mailed: int
    withheld: list[Withheld]
    refused: list[ItemRefused]
    folder_failed: str | None
    next_at: datetime
    next_day: date


@EVENTS.upcaster("reporting.delivery_prepared", 1)
@EVENTS.upcaster("reporting.delivery_made", 1)
def _one_refusal_was_of_all(payload: Payload) -> Payload:
    return {**payload, "refused": []}


@EVENTS.upcaster("reporting.delivery_made", 2)
def _a_folder_that_failed_failed_all(payload: Payload) -> Payload:
    return {**payload, "folder_failed": None}


class DeliveryFailed(Event, name="reporting.delivery_failed", version=2):
    """A due time was given up, for a reason that is a word; the next one is tried. `prepared`: its files were made.

    `withheld`: who was sent nothing, as far as it came to that; `refused`: items that could not be made.
    """

    schedule_id: ScheduleId
    delivery_id: DeliveryId
    day: date
    due_at: datetime
    reason: str
    prepared: bool
    mailed: int
    withheld: list[Withheld]
    refused: list[ItemRefused]
    next_at: datetime
    next_day: date


@EVENTS.upcaster("reporting.delivery_failed", 1)
def _the_reason_was_all_that_was_told(payload: Payload) -> Payload:
    return {**payload, "withheld": [], "refused": []}


class DeliveriesSkipped(Event, name="reporting.deliveries_skipped", version=1):
    """Due times from `day` to `last_day` passed while nothing ran; so many of them are not made up for."""

    schedule_id: ScheduleId
    delivery_id: DeliveryId
    day: date
    last_day: date
    due_at: datetime
    skipped: int
    next_at: datetime
    next_day: date


ScheduleEvent: TypeAlias = (
    ScheduleCreated
    | ScheduleChanged
    | SchedulePaused
    | ScheduleResumed
    | ScheduleRemoved
    | DeliveryPrepared
    | DeliveryMailed
    | LetterRefused
    | DeliveryMade
    | DeliveryFailed
    | DeliveriesSkipped
)


@dataclass(frozen=True, slots=True)
class NoSchedule:
    """No schedule has this id."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as it stands. `due` None: it is paused.

    `mailed`: who has what was prepared; `turned_away`: whose addresses take nothing.
    `prepared` is of the present due time; `files_of` names the delivery whose files were kept last.
    """

    schedule_id: ScheduleId
    terms: ScheduleTerms
    due: Due | None
    prepared: DeliveryPrepared | None = None
    mailed: frozenset[MemberId] = frozenset()
    turned_away: frozenset[MemberId] = frozenset()
    files_of: DeliveryId | None = None

    @property
    def under_way(self) -> DeliveryId | None:
        """What is prepared and not delivered yet."""
        return None if self.prepared is None else self.prepared.delivery_id


@dataclass(frozen=True, slots=True)
class RemovedSchedule:
    """There was one once."""


ScheduleState: TypeAlias = NoSchedule | Schedule | RemovedSchedule


def evolve(state: ScheduleState, event: ScheduleEvent) -> ScheduleState:
    """The schedule after `event`."""
    if isinstance(event, ScheduleCreated):
        return Schedule(event.schedule_id, event.terms, Due(event.next_at, event.next_day))
    if not isinstance(state, Schedule):
        return state
    match event:
        case ScheduleChanged():
            return _waiting(replace(state, terms=event.terms), event.next_at, event.next_day)
        case SchedulePaused():
            return _waiting(state, None, None)
        case ScheduleRemoved():
            return RemovedSchedule()
        case DeliveryPrepared():
            return replace(state, prepared=event, files_of=event.delivery_id)
        case DeliveryMailed():
            return replace(state, mailed=state.mailed | {event.member_id})
        case LetterRefused():
            return replace(state, turned_away=state.turned_away | {event.member_id})
        case ScheduleResumed() | DeliveryMade() | DeliveryFailed() | DeliveriesSkipped():
            return _waiting(state, event.next_at, event.next_day)
        case _:
            assert_never(event)


def _waiting(state: Schedule, at: datetime | None, day: date | None) -> Schedule:
    """The schedule at its next due time, for which nothing is done yet."""
    due = None if at is None or day is None else Due(at, day)
    return replace(state, due=due, prepared=None, mailed=frozenset(), turned_away=frozenset())
