"""Retention: holds over people and things, plans, and the end of one thing, each judged by the log as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from application.unit import handles
from domain.audience.addressee_state import Addressee
from domain.audience.contact_import import NoImport
from domain.audience.erasure import ExpireEvidence, held, released
from domain.campaign.state import NoCampaign
from domain.kernel.commands import stream_name
from domain.kernel.events import EVENTS
from domain.retention.destroying import AlreadyGone, ExpireObject, expired, may_go, stream_of
from domain.retention.hold import NothingToHold, PlaceHold, ReleaseHold, placed
from domain.retention.hold import released as settled
from domain.retention.kinds import Kind, Over
from domain.retention.plan import ObjectTold, PlanDisposal, planned
from domain.retention.retained import Told, retained_of
from domain.tenancy.workspace import NoWorkspace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from application.ports.log import Recorded
    from application.unit import Unit
    from domain.retention.policy import Policy
    from domain.retention.retained import Retained

_NONE: Final[dict[Over, tuple[str, type]]] = {
    Over.IMPORT: ("import", NoImport),
    Over.CAMPAIGN: ("campaign", NoCampaign),
    Over.WORKSPACE: ("workspace", NoWorkspace),
}
"""What a hold can be over besides people: the category of its stream, and the state of one that is not there."""

_STREAMS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.IMPORT_FILES: ("import",),
    Kind.REQUEST_DETAILS: ("subject_request",),
    Kind.EVIDENCE: ("addressee",),
    Kind.BOARD_PACKS: ("board_pack",),
    Kind.DELIVERY_FILES: ("schedule",),
    Kind.SAVED_QUERIES: ("saved_query",),
    Kind.ACTOR_TRACES: ("member", "api_key"),
}
"""Categories of the streams that tell of a thing of each kind, under its id."""


@handles(PlaceHold)
async def place_hold(command: PlaceHold, unit: Unit) -> None:
    """Place a hold over what is there; over a person, on that person's own stream."""
    holds = await unit.load("legal_holds", unit.tenant_id)
    event = placed(command, holds)
    for one in command.over:
        if one.kind in _NONE and one.subject is not None:
            category, none = _NONE[one.kind]
            if isinstance(await unit.load(category, one.subject), none):
                raise NothingToHold
            # It moves on while the hold is placed, and is there all the same.
            unit.let_go(category, one.subject)
    for subject in dict.fromkeys(one.subject for one in command.over if one.kind is Over.PERSON):
        person = await unit.load("addressee", subject)
        if not isinstance(person, Addressee):
            raise NothingToHold
        unit.append("addressee", subject, held(person, command.reason, command.stamp.at, event.hold_id))
    unit.append("legal_holds", unit.tenant_id, event)


@handles(ReleaseHold)
async def release_hold(command: ReleaseHold, unit: Unit) -> None:
    """Release a hold, of every person that it is over too."""
    holds = await unit.load("legal_holds", unit.tenant_id)
    event = settled(command, holds)
    if event is None:
        return
    for subject in holds.standing[event.hold_id].people:
        person = await unit.load("addressee", subject)
        for entry, hold_id in person.proof.matters:
            if hold_id == event.hold_id:
                unit.append("addressee", subject, released(person, entry, command.reason, command.stamp.at))
    unit.append("legal_holds", unit.tenant_id, event)


@handles(PlanDisposal)
async def plan_disposal(command: PlanDisposal, unit: Unit) -> None:
    """Plan what may all be destroyed as the log stands."""
    state = await unit.load("disposal", command.stamp.target)
    policy: Policy = await unit.load("retention_policy", unit.tenant_id)
    found = await _retained(unit, [(named.kind, named.object_id) for named in command.objects])
    named = []
    for one in found:
        if one.retained is not None and one.retained.expired:
            raise AlreadyGone(object_id=one.object_id)
        due = may_go(one.retained, policy, one.holds, command.stamp.at)
        named.append(ObjectTold(kind=one.kind.value, object_id=one.object_id, due_at=due))
    unit.append("disposal", command.stamp.target, planned(command, state, named, policy.agreed_above))


@handles(ExpireObject)
async def expire_object(command: ExpireObject, unit: Unit) -> None:
    """Enter that nothing keeps a thing; a hold or a period that comes first makes the append a conflict."""
    key = stream_of(command.kind, command.object_id)
    state = await unit.load("retained", key)
    policy: Policy = await unit.load("retention_policy", unit.tenant_id)
    (one,) = await _retained(unit, [(command.kind, command.object_id)])
    unit.append("retained", key, *expired(command, state, one.retained, policy, one.holds))


@handles(ExpireEvidence)
async def expire_evidence(command: ExpireEvidence, unit: Unit) -> None:
    """Enter that nothing keeps the proof about an erased person, no hold over a workspace or the tenant either."""
    await unit.load("addressee", command.stamp.target)
    if unit.decide(command):
        policy: Policy = await unit.load("retention_policy", unit.tenant_id)
        (one,) = await _retained(unit, [(Kind.EVIDENCE, command.stamp.target)])
        may_go(one.retained, policy, one.holds, command.stamp.at)


class _Found(NamedTuple):
    kind: Kind
    object_id: UUID
    retained: Retained | None
    holds: tuple[UUID, ...]


async def _retained(unit: Unit, named: Sequence[tuple[Kind, UUID]]) -> list[_Found]:
    """Things as the log tells of them, with the holds that keep them: the tenant's, and those over their person.

    Holds are expected to stay as they were read. What tells of a thing is not: nothing that comes later moves its end.
    """
    wanted = {
        stream_name(category, key): None
        for kind, object_id in named
        for category, key in (
            *((category, object_id) for category in _STREAMS.get(kind, ())),
            ("retained", stream_of(kind, object_id)),
        )
    }
    recorded = dict(zip(wanted, await unit.recorded(list(wanted)), strict=True))
    holds = await unit.load("legal_holds", unit.tenant_id)
    found = []
    for kind, object_id in named:
        streams = [stream_name(category, object_id) for category in _STREAMS.get(kind, ())]
        streams.append(stream_name("retained", stream_of(kind, object_id)))
        events = [told(event) for stream in streams for event in recorded[stream]]
        one = retained_of(kind, object_id, events)
        over = () if one is None else (*holds.over(one), *await _over_their_person(unit, one))
        found.append(_Found(kind, object_id, one, tuple(dict.fromkeys(over))))
    return found


async def _over_their_person(unit: Unit, one: Retained) -> list[UUID]:
    """The holds over the person whom a thing is about: of a matter by its id, others by that of the person."""
    found: list[UUID] = []
    for mark in one.under:
        over, _, subject = mark.partition(":")
        if over == Over.PERSON:
            person = await unit.load("addressee", subject)
            if isinstance(person, Addressee):
                of_matters = dict(person.proof.matters)
                found += [of_matters.get(entry, person.addressee_id) for entry in person.proof.holds]
    return found


def told(event: Recorded) -> Told:
    """An event in its current shape, its values sealed: none of them matters here."""
    payload: dict[str, Any] = orjson.loads(event.payload)
    known = EVENTS.classes.get(event.name)
    if known is None or known.schema_version != event.schema_version:
        _, payload = EVENTS.upcast(event.name, event.schema_version, payload)
    return Told(event.name, payload, event.recorded_at)
