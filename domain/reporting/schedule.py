"""A schedule: reports and packs that are delivered regularly, to a folder of this installation or to members by mail.

Each due time is settled once, by an event that names the next: made, failed, or skipped. What is delivered is the
tenant's: a schedule goes on when its author leaves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self, TypeAlias, assert_never
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.ids import MemberId, ScheduleId
from domain.kernel.money import CURRENCIES
from domain.kernel.permissions import Permission
from domain.kernel.text import ShortText, one_line
from domain.reporting.delivery import OfDelivery, delivered, rhythm_of
from domain.reporting.schedule_events import (
    ItemTold,
    NoSchedule,
    RemovedSchedule,
    Schedule,
    ScheduleChanged,
    ScheduleCreated,
    SchedulePaused,
    ScheduleRemoved,
    ScheduleResumed,
    ScheduleState,
    ScheduleTerms,
    evolve,
)
from domain.reporting.timing import Frequency, RelativePeriod, Weekday, ZoneName, first_after

_NAME: Final = r"^[a-z][a-z0-9_]*$"
_SLUG: Final = r"^[a-z0-9][a-z0-9_-]*$"
_FOLDER: Final = re.compile(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*){0,3}")
_CLOCK: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class ScheduleIdTaken(Refusal):
    """A schedule's id is used once, also after the schedule was removed. Take a new id."""

    code = "schedule-id-taken"


class GoesNowhere(Refusal):
    """A schedule delivers to a folder, to members, or to both. Name one of them."""

    code = "schedule-goes-nowhere"
    kind = RefusalKind.INVALID
    field = "/folder"


class WeekdayOfWeeks(Refusal):
    """A weekday belongs to what is weekly, and what is weekly has one. Name it there, and nowhere else."""

    code = "schedule-weekday"
    kind = RefusalKind.INVALID
    field = "/weekday"


class ItemsShareName(Refusal):
    """Each item of a schedule has a name of its own, by which its files are known. Give one of them another `name`."""

    code = "schedule-items-share-a-name"
    kind = RefusalKind.INVALID
    field = "/items"


class ScheduledItem(BaseModel):
    """A report with its parameters in a form, or a pack."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    report: Annotated[
        str | None,
        Field(max_length=60, pattern=_NAME, description="Name of a report, as `GET /v1/reports` lists them."),
    ] = None
    pack: Annotated[
        str | None,
        Field(max_length=60, pattern=_NAME, description="Name of a pack; each delivery seals one."),
    ] = None
    parameters: Annotated[
        dict[
            Annotated[str, StringConstraints(max_length=60, pattern=_NAME)],
            Annotated[str, StringConstraints(max_length=200), AfterValidator(one_line)],
        ],
        Field(
            max_length=20,
            description="What the report is asked with, but days and position. A pack takes `currency` alone: what its "
            "amounts are of, such as USD.",
        ),
    ] = {}
    format: Annotated[
        Literal["csv", "xlsx", "parquet", "arrow"] | None,
        Field(description="Form of the report; xlsx unless told otherwise. A pack is a PDF."),
    ] = None
    decimal: Annotated[
        Literal["point", "comma"] | None,
        Field(
            description="CSV: the sign of the decimals; a point unless told otherwise. With commas, semicolons stand "
            "between cells."
        ),
    ] = None
    period: Annotated[
        RelativePeriod | None,
        Field(description="Which days. A report without is from the beginning until now."),
    ] = None
    name: Annotated[
        str | None,
        Field(
            max_length=60, pattern=_SLUG, description="What its files' names begin with; else its own name."
        ),
    ] = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.report is None) is (self.pack is None):
            raise ValueError("name a report or a pack, one of the two")
        if self.pack is not None and (
            self.parameters.keys() - {"currency"} or self.format is not None or self.period is None
        ):
            raise ValueError("a pack takes a period, of parameters `currency` alone, and no format")
        if self.decimal is not None and self.format != "csv":
            raise ValueError("`decimal` is of CSV: leave it out, or let `format` be csv")
        if self.pack is not None and self.parameters.get("currency", "USD") not in CURRENCIES:
            raise ValueError(
                "the currency of a pack is one of ISO 4217: three capital letters, such as USD or EUR"
            )
        return self

    def told(self) -> ItemTold:
        """As events hold it."""
        form = "pdf" if self.pack is not None else self.format or "xlsx"
        return ItemTold(
            name=self.name or self.report or self.pack or "",
            report=self.report,
            pack=self.pack,
            parameters=dict(self.parameters),
            form=form,
            decimal=self.decimal or "point" if form == "csv" else None,
            period=None if self.period is None else self.period.value,
        )


Items = Annotated[list[ScheduledItem], Field(min_length=1, max_length=10)]
Clock = Annotated[
    str,
    StringConstraints(pattern=_CLOCK),
    Field(description="Hour and minute in the time zone, as 06:30.", examples=["06:30"]),
]


def _folder(text: str) -> str:
    if not _FOLDER.fullmatch(text):
        raise ValueError(
            "write a folder in lower case letters, digits, - and _, with / between four parts at most, each of which "
            "begins with a letter or a digit, as finance/daily"
        )
    return text


Folder = Annotated[
    str,
    Field(
        max_length=100,
        description="Folder below your tenant's own: small letters, digits, - and _, with / between.",
        json_schema_extra={"pattern": f"^{_FOLDER.pattern}$", "examples": ["finance/daily"]},
    ),
    AfterValidator(_folder),
]
Recipients = Annotated[
    list[MemberId],
    Field(max_length=20, description="Members by their ids; each is sent it at the address they have then."),
]
Title = Annotated[ShortText, Field(description="What it is called, in mail too: name nobody in it.")]
_SCHEDULE: Final = Permission.REPORTS_SCHEDULE


class CreateSchedule(Command, context="reporting", stream="schedule", permission=_SCHEDULE):
    """Have reports or packs delivered regularly. Who makes a schedule may read all that it delivers."""

    title: Title
    items: Items
    frequency: Frequency
    weekday: Weekday | None = None
    at: Clock = "06:00"
    time_zone: ZoneName = "UTC"
    folder: Folder | None = None
    recipients: Recipients = Field(default_factory=list)


class ChangeSchedule(Command, context="reporting", stream="schedule", permission=_SCHEDULE):
    """Change a schedule; what is left out stays. What was due and not delivered is not made up for."""

    title: Title | None = None
    items: Items | None = None
    frequency: Frequency | None = None
    weekday: Annotated[Weekday | None, Field(description="Null: none any more.")] = None
    at: Clock | None = None
    time_zone: ZoneName | None = None
    folder: Annotated[Folder | None, Field(description="Null: to no folder any more.")] = None
    recipients: Recipients | None = None


class PauseSchedule(Command, context="reporting", stream="schedule", permission=_SCHEDULE):
    """Deliver nothing for now."""


class ResumeSchedule(Command, context="reporting", stream="schedule", permission=_SCHEDULE):
    """Deliver again, from the next due time on. What was due in the pause is not made up for."""


class RemoveSchedule(Command, context="reporting", stream="schedule", permission=_SCHEDULE):
    """Deliver nothing any more, for good. Its history stays in the log."""


ScheduleCommand: TypeAlias = (
    CreateSchedule | ChangeSchedule | PauseSchedule | ResumeSchedule | RemoveSchedule | OfDelivery
)


def decide(command: ScheduleCommand, state: ScheduleState) -> tuple[Event, ...]:
    """What a command does to a schedule."""
    if isinstance(command, CreateSchedule):
        return (_created(command, state),)
    if isinstance(command, OfDelivery):
        return delivered(command, state)
    if not isinstance(state, Schedule):
        if isinstance(state, RemovedSchedule) and isinstance(command, RemoveSchedule):
            return ()
        raise NotFound
    match command:
        case ChangeSchedule():
            return _changed(command, state)
        case PauseSchedule():
            return (
                ()
                if state.due is None
                else (SchedulePaused(schedule_id=state.schedule_id, dropped=state.under_way),)
            )
        case ResumeSchedule():
            if state.due is not None:
                return ()
            due = first_after(rhythm_of(state.terms), command.stamp.at)
            return (ScheduleResumed(schedule_id=state.schedule_id, next_at=due.at, next_day=due.day),)
        case RemoveSchedule():
            return (ScheduleRemoved(schedule_id=state.schedule_id, dropped=state.under_way),)
        case _:
            assert_never(command)


def _created(command: CreateSchedule, state: ScheduleState) -> ScheduleCreated:
    if not isinstance(state, NoSchedule):
        raise ScheduleIdTaken
    terms = _terms({name: getattr(command, name) for name in CreateSchedule.model_fields})
    due = first_after(rhythm_of(terms), command.stamp.at)
    return ScheduleCreated(
        schedule_id=ScheduleId(command.stamp.target),
        author_id=_author(command),
        terms=terms,
        next_at=due.at,
        next_day=due.day,
    )


def _changed(command: ChangeSchedule, state: Schedule) -> tuple[Event, ...]:
    given = {
        name: getattr(command, name)
        for name in command.model_fields_set
        if getattr(command, name) is not None or name in ("weekday", "folder")
    }
    terms = _terms({**dict(state.terms), **given})
    if terms == state.terms:
        return ()
    due = None if state.due is None else first_after(rhythm_of(terms), command.stamp.at)
    changed = ScheduleChanged(
        schedule_id=state.schedule_id,
        author_id=_author(command),
        terms=terms,
        next_at=None if due is None else due.at,
        next_day=None if due is None else due.day,
        dropped=state.under_way,
    )
    return (changed,)


def _terms(given: Mapping[str, Any]) -> ScheduleTerms:
    """The terms, which fit together."""
    items = [one.told() if isinstance(one, ScheduledItem) else one for one in given["items"]]
    recipients = list(dict.fromkeys(given["recipients"]))
    if given["folder"] is None and not recipients:
        raise GoesNowhere
    if (given["weekday"] is None) is (given["frequency"] == Frequency.WEEKLY):
        raise WeekdayOfWeeks
    if len({one.name for one in items}) < len(items):
        raise ItemsShareName
    return ScheduleTerms.model_validate({**given, "items": items, "recipients": recipients})


def _author(command: Command) -> UUID:
    actor = command.stamp.actor
    return actor.member or actor.id


SCHEDULE: Final[Decider[ScheduleState]] = Decider(
    category="schedule", initial=NoSchedule(), evolve=evolve, decide=decide
)
