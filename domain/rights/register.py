"""The record of processing activities (GDPR Art. 30): what a tenant does with people's data, for whom, for how long.

A controller's record holds what Art. 30(1) lists, a processor's what Art. 30(2) does. It is kept as it was at every
moment: a supervisory authority asks for it (Art. 30(4)), sometimes years later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, TypeAlias, assert_never

from pydantic import BaseModel, ConfigDict, Field

from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import ActivityId
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from domain.kernel.text import LineText, LongText, ShortText


class ActivityRole(StrEnum):
    """Who decides what the data are used for."""

    CONTROLLER = "controller"
    JOINT_CONTROLLER = "joint_controller"
    PROCESSOR = "processor"
    """The data are used for somebody else, as they say: an agency for its client."""


class ActivityRecord(BaseModel):
    """One activity, as Art. 30 has it. `controllers`: of a processor, for whom; of joint controllers, with whom.

    `transfers`: third countries, and the safeguards of Art. 49(1); `kept_for`: the time limits for erasure.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    role: str
    purposes: tuple[str, ...] = ()
    legal_bases: tuple[str, ...] = ()
    categories_of_people: tuple[str, ...] = ()
    categories_of_data: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    transfers: tuple[str, ...] = ()
    kept_for: tuple[str, ...] = ()
    measures: str | None = None
    controllers: tuple[str, ...] = ()


class ActivityEntered(Event, name="rights.activity_entered", version=1, subject="activity_id"):
    """An activity was entered. `contacts`: of the controller, its representative and its data protection officer."""

    activity_id: ActivityId
    record: ActivityRecord
    contacts: Profile[str | None] = None


class ActivityChanged(Event, name="rights.activity_changed", version=1, subject="activity_id"):
    """It is as told here. `contacts_after` None: nobody is named; `contacts_changed`: they are others."""

    activity_id: ActivityId
    before: ActivityRecord
    after: ActivityRecord
    contacts_changed: bool
    contacts_after: Profile[str | None] = None


class ActivityReviewed(Event, name="rights.activity_reviewed", version=1):
    """Somebody looked at it, and it holds as it stands."""

    activity_id: ActivityId
    reviewed_at: datetime


class ActivityEnded(Event, name="rights.activity_ended", version=1):
    """The data are not used for it any more."""

    activity_id: ActivityId
    ended_at: datetime


ActivityEvent: TypeAlias = ActivityEntered | ActivityChanged | ActivityReviewed | ActivityEnded


@dataclass(frozen=True, slots=True)
class NoActivity:
    """No activity has this id."""


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity as it stands."""

    activity_id: ActivityId
    record: ActivityRecord
    contacts: str | None
    ended: bool = False


ActivityState: TypeAlias = NoActivity | Activity


def evolve(state: ActivityState, event: ActivityEvent) -> ActivityState:
    """The activity after `event`."""
    if isinstance(event, ActivityEntered):
        return Activity(event.activity_id, event.record, event.contacts)
    if isinstance(state, NoActivity):
        return state
    match event:
        case ActivityChanged():
            contacts = event.contacts_after if event.contacts_changed else state.contacts
            return replace(state, record=event.after, contacts=contacts)
        case ActivityReviewed():
            return state
        case ActivityEnded():
            return replace(state, ended=True)
        case _:
            assert_never(event)


class ActivityIdTaken(Refusal):
    """An activity's id is used once. Take a new id."""

    code = "activity-id-taken"


class ActivityHasEnded(Refusal):
    """An activity that has ended does not change any more. Enter it anew if it goes on."""

    code = "activity-ended"


class WhoseProcessor(Refusal):
    """A processor's record names for whom it works, a joint controller's with whom (GDPR Art. 30(1)(a), (2)(a))."""

    code = "controllers-missing"
    kind = RefusalKind.INVALID
    field = "/controllers"


class PurposesMissing(Refusal):
    """A controller's record says what the data are used for (GDPR Art. 30(1)(b)). Give at least one purpose."""

    code = "purposes-missing"
    kind = RefusalKind.INVALID
    field = "/purposes"


Lines = Annotated[tuple[LineText, ...], Field(max_length=50)]


class ActivityCommand(Command):
    """What an activity is; the whole of it, so that what is left out is empty."""

    title: ShortText
    role: ActivityRole = ActivityRole.CONTROLLER
    purposes: Lines = ()
    legal_bases: Lines = ()
    categories_of_people: Lines = ()
    categories_of_data: Lines = ()
    recipients: Lines = ()
    transfers: Lines = ()
    kept_for: Lines = ()
    measures: LongText | None = None
    controllers: Lines = ()
    contacts: Profile[LongText | None] = None

    def record(self) -> ActivityRecord:
        """As it is stored."""
        return ActivityRecord.model_validate(self.model_dump(mode="json", exclude={"contacts"}))


class EnterActivity(
    ActivityCommand, context="rights", stream="activity", permission=Permission.REQUESTS_HANDLE
):
    """Enter something that is done with people's data."""


class ChangeActivity(
    ActivityCommand, context="rights", stream="activity", permission=Permission.REQUESTS_HANDLE
):
    """Say how it is now: the whole record, not the difference."""


class ReviewActivity(Command, context="rights", stream="activity", permission=Permission.REQUESTS_HANDLE):
    """Enter that somebody looked at it, and that it holds."""


class EndActivity(Command, context="rights", stream="activity", permission=Permission.REQUESTS_HANDLE):
    """Enter that the data are not used for it any more. The record of it stays."""


def decide(
    command: EnterActivity | ChangeActivity | ReviewActivity | EndActivity, state: ActivityState
) -> tuple[Event, ...]:
    """What a command does to the record."""
    if isinstance(command, EnterActivity):
        return _entered(command, state)
    if isinstance(state, NoActivity):
        raise NotFound
    if state.ended:
        raise ActivityHasEnded
    match command:
        case ChangeActivity():
            return _changed(command, state)
        case ReviewActivity():
            return (ActivityReviewed(activity_id=state.activity_id, reviewed_at=command.stamp.at),)
        case EndActivity():
            return (ActivityEnded(activity_id=state.activity_id, ended_at=command.stamp.at),)
        case _:
            assert_never(command)


def _entered(command: EnterActivity, state: ActivityState) -> tuple[Event, ...]:
    if not isinstance(state, NoActivity):
        raise ActivityIdTaken
    _whole(command)
    entered = ActivityEntered(
        activity_id=ActivityId(command.stamp.target), record=command.record(), contacts=command.contacts
    )
    return (entered,)


def _changed(command: ChangeActivity, state: Activity) -> tuple[Event, ...]:
    _whole(command)
    record, others = command.record(), command.contacts != state.contacts
    if record == state.record and not others:
        return ()
    changed = ActivityChanged(
        activity_id=state.activity_id,
        before=state.record,
        after=record,
        contacts_changed=others,
        contacts_after=command.contacts if others else None,
    )
    return (changed,)


def _whole(command: ActivityCommand) -> None:
    if command.role is not ActivityRole.CONTROLLER and not command.controllers:
        raise WhoseProcessor
    if command.role is not ActivityRole.PROCESSOR and not command.purposes:
        raise PurposesMissing


ACTIVITY: Final[Decider[ActivityState]] = Decider(
    category="activity", initial=NoActivity(), evolve=evolve, decide=decide, reveals=True
)
