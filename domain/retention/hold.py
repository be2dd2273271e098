"""Legal holds by matter: what a claim, or the fear of one, keeps though its period has ended.

All holds of a tenant stand in one stream, under the tenant's id, so that whoever destroys something knows them all.
What keeps a person's proof stands on that person's own stream, with holds that are over that person alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, NamedTuple, Self, TypeAlias, assert_never
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.kernel.commands import Command, Decider
from domain.kernel.errors import Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.moments import Day
from domain.kernel.permissions import Permission
from domain.kernel.personal import Evidence
from domain.kernel.text import LineText, LongText
from domain.retention.kinds import Over
from domain.retention.retained import held_by, within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.retention.retained import Retained

MOST_STANDING: Final = 1_000
MOST_OVER: Final = 50


class OverTold(BaseModel):
    """What a hold is over: something by its id, all of the tenant's, or what falls into a period, its last day too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    subject: UUID | None
    first_day: date | None
    last_day: date | None


class HoldPlaced(Event, name="retention.hold_placed", version=1, subject="hold_id"):
    """A claim is made or expected: what the hold is over is kept until it is released. `matter`: its file number."""

    hold_id: UUID
    matter: str
    over: list[OverTold]
    occurred_at: datetime
    reason: Evidence[str]


class HoldReleased(Event, name="retention.hold_released", version=1, subject="hold_id"):
    """The matter is settled: what it kept goes as its periods say."""

    hold_id: UUID
    occurred_at: datetime
    reason: Evidence[str]


HoldEvent: TypeAlias = HoldPlaced | HoldReleased


class Keeps(NamedTuple):
    """One thing that a hold is over: marks of what it keeps, and days that this falls into."""

    marks: frozenset[str]
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold that stands. `people` have it on streams of their own."""

    keeps: tuple[Keeps, ...]
    people: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Holds:
    """The holds of a tenant. `known`: every id that was ever used."""

    standing: Mapping[UUID, Hold] = field(default_factory=dict)
    known: frozenset[UUID] = frozenset()

    def over(self, one: Retained) -> tuple[UUID, ...]:
        """The holds that keep a thing, those over a person aside."""
        return tuple(
            hold_id
            for hold_id, hold in self.standing.items()
            if any(
                keeps.marks & one.under and within(one, keeps.first_day, keeps.last_day)
                for keeps in hold.keeps
            )
        )


class NotYourHolds(Refusal):
    """A tenant's holds stand under its own id. Take the id of your tenant, and name the hold in the body."""

    code = "holds-of-another"
    kind = RefusalKind.INVALID


class HoldUnknown(Refusal):
    """A hold is released by the id that placing it answered with. Name one that `GET /v1/retention/holds` has."""

    code = "hold-unknown"
    kind = RefusalKind.INVALID
    field = "/hold_id"


class TooManyHolds(Refusal):
    """At most 1,000 holds stand at a time. Release those whose matter is settled, or hold the whole tenant."""

    code = "too-many-holds"
    kind = RefusalKind.LIMIT


class NothingToHold(Refusal):
    """A hold is over something that is here. Take the id of one of your people, imports, campaigns or workspaces."""

    code = "nothing-to-hold"
    kind = RefusalKind.INVALID
    field = "/over"


class HoldOver(BaseModel):
    """What a hold is over.

    `subject`: the id of a person (an addressee), import, campaign or workspace; `first_day` and `last_day` of a period.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Over
    subject: UUID | None = None
    first_day: Day | None = None
    last_day: Day | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.subject is None) is (self.kind not in (Over.TENANT, Over.PERIOD)):
            raise ValueError(
                "name the `subject` of a person, import, campaign or workspace, and of nothing else"
            )
        if self.kind is not Over.PERIOD:
            if self.first_day is not None or self.last_day is not None:
                raise ValueError("days belong to a `period`; leave them out, or hold a period")
            return self
        if self.first_day is None or self.last_day is None or self.last_day < self.first_day:
            raise ValueError("a period has a `first_day` and a `last_day`, which is not before it")
        return self


class PlaceHold(Command, context="retention", stream="legal_holds", permission=Permission.RETENTION_MANAGE):
    """Keep what a matter is about, whatever its period: nothing of it is destroyed until the hold is released.

    `matter` is its file number or title, shown to all who see holds: name nobody in it. The reason is sealed. The id
    is your tenant's; the answer tells the hold's.
    """

    matter: LineText
    over: Annotated[tuple[HoldOver, ...], Field(min_length=1, max_length=MOST_OVER)]
    reason: Evidence[LongText]

    tells: ClassVar[bool] = True

    @classmethod
    def answer(cls, events: Sequence[Event]) -> dict[str, Any] | None:
        """The id of the hold."""
        return next(({"hold_id": one.hold_id} for one in events if isinstance(one, HoldPlaced)), None)


class ReleaseHold(Command, context="retention", stream="legal_holds", permission=Permission.RETENTION_MANAGE):
    """End a hold: its matter is settled. What it kept beyond its period is destroyed as if it had not been.

    The id is your tenant's.
    """

    hold_id: UUID
    reason: Evidence[LongText]


def evolve(state: Holds, event: HoldEvent) -> Holds:
    """The holds after `event`."""
    match event:
        case HoldPlaced():
            keeps = tuple(
                Keeps(held_by(Over(one.kind), one.subject), one.first_day, one.last_day)
                for one in event.over
                if one.kind != Over.PERSON
            )
            people = tuple(one.subject for one in event.over if one.kind == Over.PERSON and one.subject)
            return replace(
                state,
                standing={**state.standing, event.hold_id: Hold(keeps, people)},
                known=state.known | {event.hold_id},
            )
        case HoldReleased():
            left = {one: hold for one, hold in state.standing.items() if one != event.hold_id}
            return replace(state, standing=left)
        case _:
            assert_never(event)


def placed(command: PlaceHold, state: Holds) -> HoldPlaced:
    """The event that places a hold; what it is over is there."""
    _own(command)
    if len(state.standing) >= MOST_STANDING:
        raise TooManyHolds
    over = [OverTold(**one.model_dump(mode="python")) for one in dict.fromkeys(command.over)]
    return HoldPlaced(
        hold_id=command.stamp.fresh_id("hold"),
        matter=command.matter,
        over=over,
        occurred_at=command.stamp.at,
        reason=command.reason,
    )


def released(command: ReleaseHold, state: Holds) -> HoldReleased | None:
    """The event that ends a hold; None: it was ended before."""
    _own(command)
    if command.hold_id not in state.known:
        raise HoldUnknown
    if command.hold_id not in state.standing:
        return None
    return HoldReleased(hold_id=command.hold_id, occurred_at=command.stamp.at, reason=command.reason)


def _own(command: PlaceHold | ReleaseHold) -> None:
    if command.stamp.target != command.stamp.tenant_id:
        raise NotYourHolds


LEGAL_HOLDS: Final[Decider[Holds]] = Decider(
    category="legal_holds", initial=Holds(), evolve=evolve, remembers_empty=True
)
