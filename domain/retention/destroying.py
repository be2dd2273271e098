"""The end of one thing that was kept: it is said that it expired, its key is destroyed, and that is said too.

From the first of these on no hold reaches it, so that none comes between the look and the destroying.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never
from uuid import UUID

from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.events import Event
from domain.kernel.ids import derived_id
from domain.kernel.permissions import Permission
from domain.retention.kinds import Kind
from domain.retention.retained import due_at

if TYPE_CHECKING:
    from domain.retention.policy import Policy
    from domain.retention.retained import Retained


class ObjectExpired(Event, name="retention.object_expired", version=1):
    """Nothing keeps it any more: its period ended at `due_at`, and no hold is over it.

    `plan_id`: the plan that names it, if one does.
    """

    kind: str
    object_id: UUID
    due_at: datetime
    plan_id: UUID | None


class ObjectDestroyed(Event, name="retention.object_destroyed", version=1):
    """The key that it was sealed under is gone, and its files are: nobody can read it any more."""

    kind: str
    object_id: UUID


DestroyingEvent: TypeAlias = ObjectExpired | ObjectDestroyed


@dataclass(frozen=True, slots=True)
class Destroying:
    """How far it is."""

    expired: bool = False
    destroyed: bool = False


class StillKept(Refusal):
    """Nothing is destroyed before its period has ended. Wait until `due_at`, or set another period first."""

    code = "retention-period-not-over"


class UnderHold(Refusal):
    """Nothing under a legal hold is destroyed. Release the holds named in `holds` once their matters are settled."""

    code = "under-legal-hold"


class AlreadyGone(Refusal):
    """A thing is destroyed once, and this one is gone or going. Leave it out of the plan."""

    code = "retained-already-gone"


class NotExpired(Refusal):
    """Something is destroyed after it was said that it expired. Say that first."""

    code = "retained-not-expired"


class ExpireObject(
    Command, context="retention", stream="retained", permission=Permission.INTERNAL, internal=True
):
    """Enter that nothing keeps a thing any more."""

    kind: Kind
    object_id: UUID
    plan_id: UUID | None = None


class ConfirmObjectDestroyed(
    Command, context="retention", stream="retained", permission=Permission.INTERNAL, internal=True
):
    """Enter that the key of a thing is destroyed."""

    kind: Kind
    object_id: UUID


def stream_of(kind: Kind, object_id: UUID) -> UUID:
    """The stream of a thing's end: ids of different kinds may be the same."""
    return derived_id(object_id, "retained", kind.value)


def may_go(one: Retained | None, policy: Policy, holds: tuple[UUID, ...], at: datetime) -> datetime:
    """When it was due. Raises `NotFound`, `UnderHold` and `StillKept`."""
    if one is None:
        raise NotFound
    due = due_at(one, policy.period(one.kind), chosen=one.kind in policy.chosen)
    if due is None or at < due:
        raise StillKept(object_id=one.object_id, due_at=due)
    if holds:
        raise UnderHold(object_id=one.object_id, holds=list(holds))
    return due


def expired(
    command: ExpireObject,
    state: Destroying,
    one: Retained | None,
    policy: Policy,
    holds: tuple[UUID, ...],
) -> tuple[Event, ...]:
    """What says that a thing expired; nothing where that was said."""
    if state.expired:
        return ()
    due = may_go(one, policy, holds, command.stamp.at)
    return (
        ObjectExpired(
            kind=command.kind.value, object_id=command.object_id, due_at=due, plan_id=command.plan_id
        ),
    )


def decide(command: ConfirmObjectDestroyed, state: Destroying) -> tuple[Event, ...]:
    """What says that a thing is gone."""
    if not state.expired:
        raise NotExpired
    if state.destroyed:
        return ()
    return (ObjectDestroyed(kind=command.kind.value, object_id=command.object_id),)


def evolve(state: Destroying, event: DestroyingEvent) -> Destroying:
    """How far it is after `event`."""
    match event:
        case ObjectExpired():
            return replace(state, expired=True)
        case ObjectDestroyed():
            return replace(state, destroyed=True)
        case _:
            assert_never(event)


RETAINED: Final[Decider[Destroying]] = Decider(
    category="retained", initial=Destroying(), evolve=evolve, decide=decide
)
