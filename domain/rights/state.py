"""A request as it stands: open, with what was done so far, or closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final, NamedTuple, TypeAlias

from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, SubjectRequestId
from domain.rights import events as happened
from domain.rights.clock import RequestTerm
from domain.rights.kinds import Identity, IdentityMethod, RequestKind, RequestOutcome


@dataclass(frozen=True, slots=True)
class NoRequest:
    """No request has this id."""


@dataclass(frozen=True, slots=True)
class Open:
    """It waits for its answer. `done`: what was asked for is done, and the person has to be told."""

    done: bool = False
    erasing: bool = False
    warned: bool = False
    missed: bool = False


@dataclass(frozen=True, slots=True)
class Closed:
    """The person was answered, or took it back. `details_until`: how long who asked can be read."""

    outcome: RequestOutcome
    details_until: datetime
    destroyed: bool = False


Phase: TypeAlias = Open | Closed


MOST_MADE: Final = 50
"""Different disclosures of one request that are known, the latest: what was handed over is one of them."""


class Made(NamedTuple):
    """Of a disclosure that was made: from which position, and in which form."""

    position: str
    form: str


@dataclass(frozen=True, slots=True)
class SubjectRequest:
    """A request. `law`: whose term is the one to keep; None: our policy's. `made`: disclosures by digest, the latest.

    `checked_by`: the ways in which it was found that they ask. `entered_late`: that it was acknowledged was entered
    after its term was over. `restriction`: the entry of the one that holds; `extended`: its term was made longer.
    """

    request_id: SubjectRequestId
    kind: RequestKind
    addressee_id: AddresseeId | None
    received_at: datetime
    submitted_at: datetime
    terms: tuple[RequestTerm, ...]
    due: date
    due_at: datetime
    law: str | None
    identity: Identity = Identity.UNCHECKED
    checked_by: frozenset[str] = frozenset()
    acknowledged_at: datetime | None = None
    entered_late: bool = False
    extended: bool = False
    restriction: int | None = None
    made: Mapping[str, Made] = field(default_factory=dict)
    phase: Phase = field(default_factory=Open)

    @property
    def kept_at(self) -> datetime | None:
        """When its term was kept, if that is before its answer: a complaint has to be acknowledged by then."""
        return self.acknowledged_at if self.kind is RequestKind.COMPLAINT else None

    @property
    def done(self) -> bool:
        """Whether what was asked for is done, and the person is to be told."""
        return isinstance(self.phase, Open) and self.phase.done

    @property
    def surely(self) -> bool:
        """Whether more shows that they ask than that they can read what goes to a mailbox, which may change hands."""
        return bool(self.checked_by - {IdentityMethod.MAILBOX})

    @property
    def erasing(self) -> bool:
        """Whether its erasure has begun."""
        return isinstance(self.phase, Open) and self.phase.erasing


RequestState: TypeAlias = NoRequest | SubjectRequest


def _received(event: happened.RequestReceived) -> SubjectRequest:
    return SubjectRequest(
        event.request_id,
        RequestKind(event.kind),
        event.addressee_id,
        event.received_at,
        event.submitted_at,
        event.terms,
        event.due,
        event.due_at,
        event.terms[0].law,
    )


def _named(state: SubjectRequest, event: happened.RequestSubjectNamed) -> SubjectRequest:
    """Whoever was checked before, it was not checked that they are this person."""
    return replace(
        state, addressee_id=event.addressee_id, identity=Identity.UNCHECKED, checked_by=frozenset()
    )


def _acknowledged(state: SubjectRequest, event: happened.RequestAcknowledged) -> SubjectRequest:
    missed = isinstance(state.phase, Open) and state.phase.missed
    late = missed if event.entered_at is None else event.entered_at >= state.due_at
    return replace(state, acknowledged_at=event.acknowledged_at, entered_late=late)


def _asked(state: SubjectRequest, _: happened.IdentityAsked) -> SubjectRequest:
    return replace(state, identity=Identity.ASKED)


def _checked(state: SubjectRequest, event: happened.IdentityChecked) -> SubjectRequest:
    if not event.verified:
        return replace(state, identity=Identity.FAILED, checked_by=frozenset())
    return replace(state, identity=Identity.VERIFIED, checked_by=state.checked_by | {event.method})


def _extended(state: SubjectRequest, event: happened.RequestExtended) -> SubjectRequest:
    """What was called to mind of the shorter term is called to mind of the longer one again."""
    anew = replace(state, extended=True, due=event.due, due_at=event.due_at, law=event.law)
    return replace(anew, phase=_still_open(state, warned=False, missed=False))


def _made(state: SubjectRequest, event: happened.DisclosureMade) -> SubjectRequest:
    made = {**state.made, event.digest: Made(event.position, event.form)}
    return replace(state, made=dict(list(made.items())[-MOST_MADE:]))


def _done(
    state: SubjectRequest, _: happened.DataDisclosed | happened.DataRectified | happened.ErasureConfirmed
) -> SubjectRequest:
    return replace(state, phase=_still_open(state, done=True))


def _restricted(state: SubjectRequest, event: happened.ProcessingRestricted) -> SubjectRequest:
    return replace(state, restriction=event.entry, phase=_still_open(state, done=True))


def _lifted(state: SubjectRequest, _: happened.RestrictionLifted) -> SubjectRequest:
    return replace(state, restriction=None)


def _erasing(state: SubjectRequest, _: happened.ErasureBegun) -> SubjectRequest:
    return replace(state, phase=_still_open(state, erasing=True))


def _completed(state: SubjectRequest, event: happened.RequestCompleted) -> SubjectRequest:
    return replace(state, phase=Closed(RequestOutcome(event.outcome), event.details_until))


def _refused(state: SubjectRequest, event: happened.RequestRefused) -> SubjectRequest:
    return replace(state, phase=Closed(RequestOutcome.REFUSED, event.details_until))


def _withdrawn(state: SubjectRequest, event: happened.RequestWithdrawn) -> SubjectRequest:
    return replace(state, phase=Closed(RequestOutcome.WITHDRAWN, event.details_until))


def _warned(state: SubjectRequest, _: happened.DeadlineApproaching) -> SubjectRequest:
    return replace(state, phase=_still_open(state, warned=True))


def _missed(state: SubjectRequest, _: happened.DeadlineMissed) -> SubjectRequest:
    return replace(state, phase=_still_open(state, missed=True))


def _forgotten(state: SubjectRequest, _: happened.RequestDetailsDestroyed) -> SubjectRequest:
    closed = state.phase
    return replace(state, phase=replace(closed, destroyed=True)) if isinstance(closed, Closed) else state


def _still_open(state: SubjectRequest, **changes: bool) -> Phase:
    return replace(state.phase, **changes) if isinstance(state.phase, Open) else state.phase


_AFTER: Final[dict[type[Event], Callable[[SubjectRequest, Any], SubjectRequest]]] = {
    happened.RequestSubjectNamed: _named,
    happened.RequestAcknowledged: _acknowledged,
    happened.IdentityAsked: _asked,
    happened.IdentityChecked: _checked,
    happened.RequestExtended: _extended,
    happened.DisclosureMade: _made,
    happened.DataDisclosed: _done,
    happened.DataRectified: _done,
    happened.ProcessingRestricted: _restricted,
    happened.RestrictionLifted: _lifted,
    happened.ErasureBegun: _erasing,
    happened.ErasureConfirmed: _done,
    happened.RequestCompleted: _completed,
    happened.RequestRefused: _refused,
    happened.RequestWithdrawn: _withdrawn,
    happened.DeadlineApproaching: _warned,
    happened.DeadlineMissed: _missed,
    happened.RequestDetailsDestroyed: _forgotten,
}


def evolve(state: RequestState, event: happened.RequestEvent) -> RequestState:
    """The request after `event`."""
    if isinstance(event, happened.RequestReceived):
        return _received(event)
    if isinstance(state, NoRequest):
        return state
    return _AFTER[type(event)](state, event)
