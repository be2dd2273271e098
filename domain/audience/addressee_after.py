"""What each event makes of an addressee: the state holds no rule, and takes every event as it was entered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any, Final

from domain.audience import addressee_events as happened
from domain.audience import consent_events as said
from domain.audience.addressee_ending import AFTER_ENDING
from domain.audience.addressee_state import (
    FIRST_ZONE,
    Addressee,
    AddresseeState,
    Allow,
    Asked,
    Lift,
    Said,
    Word,
    latest,
)
from domain.kernel.events import Event
from domain.kernel.personal import KeyKind
from domain.law.facts import (
    Collected,
    Consent,
    ConsentKind,
    Purpose,
    Relation,
    RelationKind,
    Scope,
    Suppression,
    SuppressionKind,
    Written,
)

if TYPE_CHECKING:
    from domain.audience.addressee_events import AddresseeEvent


def _registered(known: Addressee, version: int, event: happened.AddresseeRegistered) -> Addressee:
    if event.country is None and event.subscriber_type is None:
        return known._replace(version=version)
    said = {**known.said, event.workspace_id: Said(event.country, event.subscriber_type)}
    return known._replace(version=version, said=said)


def _described(known: Addressee, version: int, event: happened.AddresseeDescribed) -> Addressee:
    before = known.said.get(event.workspace_id, Said(None, None))
    now = Said(event.country or before.country, event.subscriber_type or before.subscriber_type)
    generic, objecting, told = event.generic_address, event.could_object, event.told
    if event.workspace_id is not None and (objecting, told) != (None, None):
        known = known._replace(
            collected=_collected(known, str(event.workspace_id), could_object=objecting, told=told)
        )
        objecting = told = None
    return known._replace(
        version=version,
        said={**known.said, event.workspace_id: now},
        generic_address=known.generic_address if generic is None else generic,
        could_object=known.could_object if objecting is None else objecting,
        told=known.told if told is None else told,
    )


def _collected(
    known: Addressee, client: str, *, could_object: bool | None, told: bool | None
) -> tuple[Collected, ...]:
    """What is told of how a client came by the address; what is left out stays."""
    before = next((one for one in known.collected if one.workspace == client), Collected(client, None, None))
    now = Collected(
        client,
        before.could_object if could_object is None else could_object,
        before.told if told is None else told,
    )
    return (*(one for one in known.collected if one.workspace != client), now)


def _taken_back(known: Addressee, version: int, event: happened.DescriptionTakenBack) -> Addressee:
    """Who says nothing is not among those who say something: the others are agreed without them."""
    said = {who: one for who, one in known.said.items() if who != event.workspace_id}
    if (event.country, event.subscriber_type) != (None, None):
        said[event.workspace_id] = Said(event.country, event.subscriber_type)
    return known._replace(version=version, said=said)


def _confirmed(known: Addressee, version: int, event: said.ConsentConfirmed) -> Addressee:
    """The consent counts from its confirmation: before, nobody knew whose address it was.

    What they agreed to is as old as its first step: it ends nothing that they said later than that.
    """
    asked = known.at_link(event.request)
    on = event.occurred_at.astimezone(UTC).date()
    documented = asked is not None and asked.documented
    given = Consent(
        on, ConsentKind.DOUBLE, documented, version, at=event.occurred_at, workspace=_client(event)
    )
    asks = asked is not None and documented and event.at_door
    if asks and asked is not None and event.workspace_id is not None:
        given = replace(given, asks_since=asked.at)
    elif asks and asked is not None and not known.said_since(event.request, asked.at):
        known = _asked_for(known, version, asked.at)
    return known._replace(
        version=version,
        consents=(*known.consents, given),
        asked={one: kept for one, kept in known.asked.items() if one != event.request},
        confirmed=_told_by_sender(known, event, asked),
    )


def _told_by_sender(
    known: Addressee, event: said.ConsentConfirmed, asked: Asked | None
) -> Mapping[int, Asked]:
    """First steps whose confirmation the sender told; their person's own word comes once."""
    others = {one: kept for one, kept in known.confirmed.items() if one != event.request}
    if event.at_door or asked is None:
        return others
    return latest({**others, event.request: asked}, asked.workspace)


def _opted_out(known: Addressee, version: int, event: said.OptedOut) -> Addressee:
    one = Suppression(
        SuppressionKind(event.kind), Scope(event.scope), event.occurred_at, version, event.within
    )
    same = [
        old
        for old in known.suppressions
        if old.ended_at is None and (old.kind, old.scope, old.within) == (one.kind, one.scope, one.within)
    ]
    suppressions = known.suppressions if same else (*known.suppressions, one)
    last = max([one.since, *(known.last_said(old).at for old in same)])
    said_last = {**known.said_last, (one.kind, one.scope, one.within): Word(last, version)}
    of_erasure = known.of_erasure
    if event.channel == said.Unsaid.ERASURE or (event.channel == said.Unsaid.REINSTATED and of_erasure):
        of_erasure |= {version}
    known = known._replace(
        version=version,
        suppressions=suppressions,
        said_last=said_last,
        said_no=known.said_no | {version},
        of_erasure=of_erasure,
    )
    if one.scope is not Scope.TENANT:
        return known
    return known._replace(opted_out_at=max(known.opted_out_at or event.occurred_at, event.occurred_at))


def _asked_for(known: Addressee, entry: int, moment: datetime) -> Addressee:
    """By this consent they asked to be written to: what they said before it, and is told later, it ended as well."""
    lifted_at = max(known.lifted_at or moment, moment)
    return known._replace(
        lifted_at=lifted_at, lifts={**known.lifts, entry: Lift(_history(known, moment), moment)}
    )


def _history(known: Addressee, before: datetime) -> tuple[Suppression, ...]:
    """What others of their consents ended of what they said before a moment: of each word the last."""
    ended = [one for lift in known.lifts.values() for one in lift.suppressions if one.since < before]
    last = {(one.kind, one.scope, one.within): one for one in sorted(ended, key=lambda one: one.since)}
    return tuple(last.values())


def _told_late(known: Addressee, version: int, event: said.OptOutToldLate) -> Addressee:
    """Every consent that is later ended it: it holds again when the last of them is retracted."""
    one = Suppression(
        SuppressionKind(event.kind), Scope(event.scope), event.occurred_at, version, event.within
    )
    lifts = {
        entry: lift._replace(suppressions=(*lift.suppressions, one)) if one.since < lift.ended_at else lift
        for entry, lift in known.lifts.items()
    }
    return known._replace(version=version, lifts=lifts, said_no=known.said_no | {version})


def _listed(known: Addressee, version: int, event: said.ListedUndated) -> Addressee:
    told = (event.kind, event.scope, event.within, str(event.workspace_id), event.file)
    return known._replace(version=version, listed=known.listed | {told})


def _lifted(known: Addressee, version: int, event: said.OptOutLifted) -> Addressee:
    """A lift follows the consent that it is of. One that was asked for ends what was said before it was asked for."""
    ended_at = event.consented_at or datetime.combine(event.consented_on, time(), FIRST_ZONE)
    before = known.lifts[version - 1].ended_at if version - 1 in known.lifts else ended_at
    ended = [one for one in known.own_words() if known.last_said(one).at < ended_at]
    words = tuple(replace(one, since=known.last_said(one).at) for one in ended)
    return known._replace(
        version=version,
        opted_out_at=None,
        lifted_at=max(known.lifted_at or before, before),
        lifts={**known.lifts, version - 1: Lift((*_history(known, before), *words), before)},
        suppressions=tuple(
            replace(one, ended_at=ended_at) if one in ended else one for one in known.suppressions
        ),
    )


def _narrowed(known: Addressee, version: int, event: said.OptOutNarrowed) -> Addressee:
    """Their unsubscription from all mail ends; what is left of it was entered right before."""
    at = event.occurred_at
    everything = [one for one in known.own_words() if one.scope is Scope.TENANT]
    ended = [one for one in everything if one.kind is SuppressionKind.UNSUBSCRIBE]
    left = [known.last_said(one).at for one in everything if one not in ended]
    return known._replace(
        version=version,
        opted_out_at=max(left, default=None),
        narrowed_at=max(known.narrowed_at or at, at),
        suppressions=tuple(replace(one, ended_at=at) if one in ended else one for one in known.suppressions),
    )


def _decided(known: Addressee, version: int, event: happened.PermissionDecided) -> Addressee:
    """An allow takes the place of an earlier one for the same message; any other verdict ends it."""
    allows = {
        one: allow
        for one, allow in known.allows.items()
        if one != event.message_id and allow.expires_at > event.decided_at
    }
    if event.verdict == "allow" and event.expires_at is not None:
        allows[event.message_id] = Allow(
            version, event.expires_at, event.message, event.workspace_id, event.sender_country
        )
    return known._replace(version=version, allows=allows)


def _dispatched(known: Addressee, version: int, event: happened.MessageDispatched) -> Addressee:
    """What it was for, its allow tells. Laws ask of the first one and of those that asked for a consent: these stay."""
    allow = known.allows.get(event.message_id)
    purpose = None if allow is None else allow.message.purpose
    workspace = None if allow is None else str(allow.workspace_id)
    written = known.written
    if purpose is Purpose.CONSENT_REQUEST or all(one.workspace != workspace for one in written):
        written = (*written, Written(event.message_id, purpose, event.occurred_at, workspace))
    allows = {one: allow for one, allow in known.allows.items() if one != event.message_id}
    done = known.dispatched.adding((event.message_id,))
    at = event.occurred_at
    proof = replace(known.proof, relied_on=max(known.proof.relied_on or at, at))
    return known._replace(version=version, allows=allows, dispatched=done, written=written, proof=proof)


def _consented(known: Addressee, version: int, event: said.ConsentRecorded) -> Addressee:
    given = Consent(
        event.occurred_on,
        ConsentKind.SINGLE,
        event.documented,
        version,
        at=event.occurred_at,
        workspace=_client(event),
    )
    if event.explicit and event.documented:
        since = event.occurred_at or datetime.combine(event.occurred_on, time(), FIRST_ZONE)
        if event.workspace_id is None:
            known = _asked_for(known, version, since)
        else:
            given = replace(given, asks_since=since)
    return known._replace(version=version, consents=(*known.consents, given))


def _client(
    event: said.ConsentRecorded
    | said.ConfirmationRequested
    | said.ConsentConfirmed
    | happened.RelationRecorded
    | happened.PermissionLapsing
    | happened.PermissionLapsed,
) -> str | None:
    """The client to whom alone it was given, or whose it is, as a message names its workspace."""
    return None if event.workspace_id is None else str(event.workspace_id)


def _asked(known: Addressee, version: int, event: said.ConfirmationRequested) -> Addressee:
    left = Asked(event.documented, event.occurred_at, _client(event))
    return known._replace(version=version, asked=latest({**known.asked, version: left}, left.workspace))


def _withdrawn(known: Addressee, version: int, event: said.ConsentWithdrawn) -> Addressee:
    ended = tuple(
        replace(one, withdrawn_at=event.occurred_at)
        if one.withdrawn_at is None and event.entry in (None, one.position)
        else one
        for one in known.consents
    )
    return known._replace(version=version, consents=ended, said_no=known.said_no | {version})


def _related(known: Addressee, version: int, event: happened.RelationRecorded) -> Addressee:
    kind, on = RelationKind(event.kind), event.occurred_on
    relation = Relation(
        kind, on, version, event.ended_on, event.refused, event.in_writing, workspace=_client(event)
    )
    return known._replace(version=version, relations=(*known.relations, relation))


def _ended(known: Addressee, version: int, event: happened.RelationEnded) -> Addressee:
    relations = tuple(
        replace(one, ended_on=event.ended_on) if one.position == event.entry else one
        for one in known.relations
    )
    return known._replace(version=version, relations=relations)


def _retracted(known: Addressee, version: int, event: happened.EntryRetracted) -> Addressee:
    """What a consent had lifted is entered again by events of its own, right after this one."""
    lifts = {entry: lift for entry, lift in known.lifts.items() if entry != event.entry}
    lifted_at = known.lifted_at
    if len(lifts) < len(known.lifts):
        lifted_at = max((lift.ended_at for lift in lifts.values()), default=None)
    return known._replace(
        version=version,
        lifts=lifts,
        lifted_at=lifted_at,
        asked={one: kept for one, kept in known.asked.items() if one != event.entry},
        confirmed={one: kept for one, kept in known.confirmed.items() if one != event.entry},
        consents=tuple(one for one in known.consents if one.position != event.entry),
        relations=tuple(one for one in known.relations if one.position != event.entry),
    )


def _suppressed(known: Addressee, version: int, event: happened.AddresseeSuppressed) -> Addressee:
    one = Suppression(
        SuppressionKind(event.kind), Scope(event.scope), event.occurred_at, version, event.within
    )
    return known._replace(version=version, suppressions=(*known.suppressions, one))


def _unsuppressed(known: Addressee, version: int, event: happened.SuppressionLifted) -> Addressee:
    suppressions = tuple(
        replace(one, ended_at=event.occurred_at) if one.position == event.entry else one
        for one in known.suppressions
    )
    return known._replace(version=version, suppressions=suppressions)


def _lapsing(known: Addressee, version: int, event: happened.PermissionLapsing) -> Addressee:
    return known._replace(version=version, lapses_at={**known.lapses_at, _client(event): event.lapses_at})


def _lapsed(known: Addressee, version: int, event: happened.PermissionLapsed) -> Addressee:
    return known._replace(version=version, lapsed_at={**known.lapsed_at, _client(event): event.lapsed_at})


def _noted(known: Addressee, version: int, event: happened.SubjectRequestNoted) -> Addressee:
    return known._replace(version=version, requests={**known.requests, event.request_id: event.kind})


def _sale_opted_out(known: Addressee, version: int, event: happened.SaleOptedOut) -> Addressee:
    return known._replace(version=version, sale_opted_out_at=event.occurred_at)


_AFTER: Final[dict[type[Event], Callable[[Addressee, int, Any], Addressee]]] = {
    happened.AddresseeRegistered: _registered,
    happened.AddresseeDescribed: _described,
    happened.DescriptionTakenBack: _taken_back,
    said.ConsentRecorded: _consented,
    said.ConfirmationRequested: _asked,
    said.ConsentConfirmed: _confirmed,
    said.ConsentWithdrawn: _withdrawn,
    said.OptedOut: _opted_out,
    said.OptOutToldLate: _told_late,
    said.ListedUndated: _listed,
    said.OptOutLifted: _lifted,
    said.OptOutNarrowed: _narrowed,
    happened.RelationRecorded: _related,
    happened.RelationEnded: _ended,
    happened.EntryRetracted: _retracted,
    happened.AddresseeSuppressed: _suppressed,
    happened.SuppressionLifted: _unsuppressed,
    happened.PermissionDecided: _decided,
    happened.MessageDispatched: _dispatched,
    happened.PermissionLapsing: _lapsing,
    happened.PermissionLapsed: _lapsed,
    happened.SubjectRequestNoted: _noted,
    happened.SaleOptedOut: _sale_opted_out,
    **AFTER_ENDING,
}
_PROVING: Final = {
    kind: tuple(field for field, sealed_by in kind.personal.items() if sealed_by is KeyKind.EVIDENCE)
    for kind in _AFTER
    if KeyKind.EVIDENCE in kind.personal.values()
}
"""The fields of each event that are kept as proof."""


def evolve(state: AddresseeState, event: AddresseeEvent) -> AddresseeState:
    """The addressee after `event`."""
    known = state if isinstance(state, Addressee) else Addressee(event.addressee_id)
    after = _AFTER[type(event)](known, known.version + 1, event)
    if after.proof.given or all(getattr(event, name) is None for name in _PROVING.get(type(event), ())):
        return after
    return after._replace(proof=replace(after.proof, given=True))
