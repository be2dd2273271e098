"""A plan of disposal: things whose periods have ended, named one by one, before any of them is destroyed.

planned -> agreed, where it names more than one person decides alone -> done; or cancelled before that.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, TypeAlias, assert_never
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal, RefusalKind
from domain.kernel.events import Event
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from domain.kernel.text import LongText
from domain.retention.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.kernel.commands import Actor

MOST_OBJECTS: Final = 500


class ObjectTold(BaseModel):
    """A thing that a plan names, and when nothing but a hold kept it any more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    object_id: UUID
    due_at: datetime


class LeftOut(BaseModel):
    """A thing that a plan named and that was not destroyed. `why`: the code of the rule that kept it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    object_id: UUID
    why: str


class DisposalPlanned(Event, name="retention.disposal_planned", version=1, subject="plan_id"):
    """These things are to be destroyed. `run_at`: when; None: once a second person agreed. `counts`: by kind."""

    plan_id: UUID
    planned_by: UUID
    objects: list[ObjectTold]
    counts: dict[str, int]
    run_at: datetime | None
    reason: Profile[str]


class DisposalAgreed(Event, name="retention.disposal_agreed", version=1):
    """A second person agreed to a plan: from here on it is carried out."""

    plan_id: UUID
    agreed_by: UUID
    run_at: datetime


class DisposalCancelled(Event, name="retention.disposal_cancelled", version=1):
    """Nothing of a plan is destroyed."""

    plan_id: UUID


class DisposalDone(Event, name="retention.disposal_done", version=1):
    """A plan was carried out. `destroyed`: how many by kind; `left_out`: what a hold or a new period kept meanwhile."""

    plan_id: UUID
    destroyed: dict[str, int]
    left_out: list[LeftOut]


PlanEvent: TypeAlias = DisposalPlanned | DisposalAgreed | DisposalCancelled | DisposalDone


class PlanStatus(StrEnum):
    """Where a plan stands."""

    WAITING = "waiting"
    RUNNING = "running"
    CANCELLED = "cancelled"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class NoPlan:
    """No plan has this id."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as it stands. `planned_by`: the person, or the key that acts for nobody."""

    plan_id: UUID
    planned_by: UUID
    objects: tuple[ObjectTold, ...]
    status: PlanStatus


PlanState: TypeAlias = NoPlan | Plan


class PlanIdTaken(Refusal):
    """The id of a plan is used once. Take a new id."""

    code = "disposal-plan-id-taken"


class SamePerson(Refusal):
    """Who made a plan does not agree to it. Somebody else with the permission does."""

    code = "disposal-agreed-by-planner"
    kind = RefusalKind.FORBIDDEN


class PlanNotWaiting(Refusal):
    """Only a plan that waits for agreement is agreed to or cancelled. This one is carried out already, or cancelled."""

    code = "disposal-plan-not-waiting"


class NamedTwice(Refusal):
    """A plan names each thing once. Leave the second one out."""

    code = "disposal-named-twice"
    kind = RefusalKind.INVALID
    field = "/objects"


class ObjectNamed(BaseModel):
    """A thing to be destroyed, as `GET /v1/retention/due` names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    object_id: UUID


class PlanDisposal(Command, context="retention", stream="disposal", permission=Permission.RETENTION_MANAGE):
    """Plan to destroy things whose periods have ended and that no hold keeps: try it first with `dry_run`.

    It begins at once, or, of more things than the policy lets one person decide about, once a second one agreed.
    """

    objects: Annotated[tuple[ObjectNamed, ...], Field(min_length=1, max_length=MOST_OBJECTS)]
    reason: Profile[LongText]

    tells: ClassVar[bool] = True

    @classmethod
    def answer(cls, events: Sequence[Event]) -> dict[str, Any] | None:
        """What would be destroyed, by kind, and whether somebody has to agree first."""
        for event in events:
            if isinstance(event, DisposalPlanned):
                return {"counts": event.counts, "agreement_needed": event.run_at is None}
        return None


class AgreeToDisposal(
    Command, context="retention", stream="disposal", permission=Permission.RETENTION_MANAGE
):
    """Agree to a plan that somebody else made: it is carried out now. A hold of meanwhile keeps its things."""


class CancelDisposal(Command, context="retention", stream="disposal", permission=Permission.RETENTION_MANAGE):
    """Take back a plan that waits for agreement."""


class FinishDisposal(
    Command, context="retention", stream="disposal", permission=Permission.INTERNAL, internal=True
):
    """Enter that a plan was carried out."""

    destroyed: dict[str, int]
    left_out: list[LeftOut]


PlanCommand: TypeAlias = AgreeToDisposal | CancelDisposal | FinishDisposal


def person(actor: Actor) -> UUID:
    """Who acts: the person whose key it is, or the key that is nobody's."""
    return actor.member or actor.id


def planned(
    command: PlanDisposal, state: PlanState, objects: Sequence[ObjectTold], agreed_above: int
) -> DisposalPlanned:
    """The event of a plan whose things may all be destroyed."""
    if isinstance(state, Plan):
        raise PlanIdTaken
    if len({(one.kind, one.object_id) for one in objects}) < len(objects):
        raise NamedTwice
    return DisposalPlanned(
        plan_id=command.stamp.target,
        planned_by=person(command.stamp.actor),
        objects=list(objects),
        counts=dict(sorted(Counter(one.kind for one in objects).items())),
        run_at=None if len(objects) > agreed_above else command.stamp.at,
        reason=command.reason,
    )


def decide(command: PlanCommand, state: PlanState) -> tuple[Event, ...]:
    """What becomes of a plan."""
    if isinstance(state, NoPlan):
        raise NotFound
    match command:
        case AgreeToDisposal():
            if state.status is not PlanStatus.WAITING:
                raise PlanNotWaiting
            who = person(command.stamp.actor)
            if who == state.planned_by:
                raise SamePerson
            return (DisposalAgreed(plan_id=state.plan_id, agreed_by=who, run_at=command.stamp.at),)
        case CancelDisposal():
            if state.status is PlanStatus.CANCELLED:
                return ()
            if state.status is not PlanStatus.WAITING:
                raise PlanNotWaiting
            return (DisposalCancelled(plan_id=state.plan_id),)
        case FinishDisposal():
            if state.status is not PlanStatus.RUNNING:
                return ()
            done = DisposalDone(plan_id=state.plan_id, destroyed=command.destroyed, left_out=command.left_out)
            return (done,)
        case _:
            assert_never(command)


def evolve(state: PlanState, event: PlanEvent) -> PlanState:
    """The plan after `event`."""
    if isinstance(event, DisposalPlanned):
        status = PlanStatus.WAITING if event.run_at is None else PlanStatus.RUNNING
        return Plan(event.plan_id, event.planned_by, tuple(event.objects), status)
    if isinstance(state, NoPlan):
        return state
    match event:
        case DisposalAgreed():
            return replace(state, status=PlanStatus.RUNNING)
        case DisposalCancelled():
            return replace(state, status=PlanStatus.CANCELLED)
        case DisposalDone():
            return replace(state, status=PlanStatus.DONE)
        case _:
            assert_never(event)


DISPOSAL: Final[Decider[PlanState]] = Decider(
    category="disposal", initial=NoPlan(), evolve=evolve, decide=decide
)
