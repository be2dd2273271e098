"""A request of a person about their data, from its receipt to its answer.

It is open until the person was answered: it was done, nothing is held of them, it is refused on a ground, or they took
it back. Stopping takes effect at once; everything else waits until it is known that the person asks.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, assert_never

from domain.kernel.commands import Decider
from domain.kernel.errors import NotFound
from domain.kernel.ids import SubjectRequestId
from domain.law.deadlines import Duty
from domain.law.packs import load_packs
from domain.rights import refusals as no
from domain.rights.clock import clock_of, warn_at
from domain.rights.commands import (
    AcknowledgeRequest,
    AskIdentity,
    CheckIdentity,
    CompleteRequest,
    ConfirmErasure,
    DestroyRequestDetails,
    ExtendRequest,
    LiftRestriction,
    NoteDisclosure,
    ReceiveRequest,
    RecordDisclosure,
    RefuseRequest,
    RemindOfRequest,
    RequestCommand,
    WithdrawRequest,
)
from domain.rights.events import (
    DataDisclosed,
    DeadlineApproaching,
    DeadlineMissed,
    DisclosureMade,
    ErasureConfirmed,
    IdentityAsked,
    IdentityChecked,
    RequestAcknowledged,
    RequestCompleted,
    RequestDetailsDestroyed,
    RequestExtended,
    RequestReceived,
    RequestRefused,
    RequestWithdrawn,
    RestrictionLifted,
)
from domain.rights.kinds import AT_ONCE, DUTY, Ground, Identity, RequestKind, RequestOutcome
from domain.rights.state import Closed, NoRequest, Open, RequestState, SubjectRequest, evolve

if TYPE_CHECKING:
    from datetime import datetime

    from domain.kernel.events import Event
    from domain.kernel.ids import AddresseeId

DETAILS_KEPT: Final = timedelta(days=731)
"""How long who asked can be read after the answer: 24 months, as long as 11 CCR 7101(a) wants its log kept."""
_DISCLOSED: Final = frozenset({RequestKind.ACCESS, RequestKind.PORTABILITY})


def received(
    command: ReceiveRequest,
    state: RequestState,
    subject: AddresseeId | None,
    known_country: str | None,
    sender_country: str | None,
) -> RequestReceived:
    """The request as it is taken in, with its clock. `subject`: whose data it is about, as far as that is known.

    Where nobody says where the person is, what is known here counts.
    """
    if not isinstance(state, NoRequest):
        raise no.RequestIdTaken
    at = command.stamp.at
    if command.email is None and command.requester is None and command.addressee_id is None:
        raise no.NobodyAsks
    received_at = command.received_at or at
    submitted_at = command.submitted_at or received_at
    if received_at > at:
        raise no.ReceivedInTheFuture
    if submitted_at > received_at:
        raise no.SubmittedAfterReceipt
    place = command.place or known_country
    asked = (place, sender_country, received_at, submitted_at, load_packs())
    clock, confirm = clock_of(DUTY[command.kind], *asked), clock_of(Duty.ACKNOWLEDGEMENT, *asked)
    if command.kind is RequestKind.COMPLAINT:
        confirm = clock
    by_law = (one.due for one in confirm.terms if one.law is not None)
    return RequestReceived(
        request_id=SubjectRequestId(command.stamp.target),
        kind=command.kind,
        channel=command.channel,
        received_at=received_at,
        submitted_at=submitted_at,
        addressee_id=subject,
        place=place,
        place_assumed=clock.assumed,
        by_agent=command.by_agent,
        terms=clock.terms,
        due=clock.due,
        due_at=clock.due_at,
        warn_at=warn_at(received_at, clock.due_at),
        acknowledge_by=None if command.kind in AT_ONCE else next(by_law, None),
        email=command.email,
        requester=command.requester,
        words=command.words,
    )


def open_request(state: RequestState, *kinds: RequestKind) -> SubjectRequest:
    """A request that is not answered yet, and of one of these kinds where some are named."""
    if isinstance(state, NoRequest):
        raise NotFound
    if isinstance(state.phase, Closed):
        raise no.RequestClosed
    if kinds and state.kind not in kinds:
        raise no.NotOfThisKind
    return state


def to_be_done(state: RequestState, *kinds: RequestKind) -> tuple[SubjectRequest, AddresseeId]:
    """A request that may be fulfilled now, and whose data it is about: it is known that the person asks."""
    request = open_request(state, *kinds)
    if request.addressee_id is None:
        raise no.NoSubjectYet
    if request.identity is not Identity.VERIFIED:
        raise no.IdentityNotEstablished
    return request, request.addressee_id


def decide(command: RequestCommand, state: RequestState) -> tuple[Event, ...]:
    """What a command does to a request by itself."""
    if isinstance(command, LiftRestriction):
        return _lifted(command, state)
    if isinstance(command, DestroyRequestDetails):
        return _forgotten(command, state)
    if isinstance(command, RemindOfRequest):
        return _reminded(command, state)
    if isinstance(command, ConfirmErasure):
        return _erased(state)
    if isinstance(command, CheckIdentity):
        return _checked(command, open_request(state))
    if isinstance(command, NoteDisclosure):
        return _made(command, state)
    if isinstance(command, RecordDisclosure):
        return _disclosed(command, state)
    return _answered(command, open_request(state))


def _answered(
    command: AcknowledgeRequest
    | AskIdentity
    | ExtendRequest
    | CompleteRequest
    | RefuseRequest
    | WithdrawRequest,
    state: SubjectRequest,
) -> tuple[Event, ...]:
    at = command.stamp.at
    match command:
        case AcknowledgeRequest():
            return _acknowledged(command, state)
        case AskIdentity():
            return (_asked(command, state),)
        case ExtendRequest():
            return (_extended(command, state),)
        case CompleteRequest():
            return (_completed(state, at),)
        case RefuseRequest():
            return (_refused(command, state, at),)
        case WithdrawRequest():
            _not_done(state)
            until = _details_until(state, at)
            return (RequestWithdrawn(**_closing(state), withdrawn_at=at, details_until=until),)
        case _:
            assert_never(command)


def _acknowledged(command: AcknowledgeRequest, state: SubjectRequest) -> tuple[Event, ...]:
    if state.acknowledged_at is not None:
        return ()
    moment = command.acknowledged_at or command.stamp.at
    if not state.received_at <= moment <= command.stamp.at:
        raise no.AcknowledgedOutOfOrder
    at = command.stamp.at
    return (RequestAcknowledged(request_id=state.request_id, acknowledged_at=moment, entered_at=at),)


def _asked(command: AskIdentity, state: SubjectRequest) -> IdentityAsked:
    """Asked again while nobody knows, it is another question; a check that was passed is not undone by one."""
    _not_done(state)
    if state.identity is Identity.VERIFIED:
        raise no.IdentityEstablishedAlready
    return IdentityAsked(request_id=state.request_id, asked_at=command.stamp.at, asked_for=command.asked_for)


def _checked(command: CheckIdentity, state: SubjectRequest) -> tuple[Event, ...]:
    """Checked in another way besides is worth entering: of the erased, more is shown by it. Said again is nothing."""
    known = Identity.VERIFIED if command.verified else Identity.FAILED
    if state.identity is known and (not command.verified or command.method in state.checked_by):
        return ()
    _not_done(state)
    checked = IdentityChecked(
        request_id=state.request_id,
        method=command.method,
        verified=command.verified,
        checked_at=command.stamp.at,
        note=command.note,
    )
    return (checked,)


def _made(command: NoteDisclosure, state: RequestState) -> tuple[Event, ...]:
    request, _ = to_be_done(state, *_DISCLOSED)
    if command.digest in request.made:
        return ()
    made = DisclosureMade(
        request_id=request.request_id, digest=command.digest, position=command.position, form=command.form
    )
    return (made,)


def _disclosed(command: RecordDisclosure, state: RequestState) -> tuple[Event, ...]:
    request, _ = to_be_done(state, *_DISCLOSED)
    made = request.made.get(command.digest)
    if made is None:
        raise no.DisclosureNotMade
    if made != (command.position, command.form):
        raise no.DisclosureMadeOtherwise
    disclosed = DataDisclosed(
        request_id=request.request_id,
        disclosed_at=command.stamp.at,
        digest=command.digest,
        position=command.position,
        form=command.form,
    )
    return (disclosed,)


def _extended(command: ExtendRequest, state: SubjectRequest) -> RequestExtended:
    """A longer term is that of every law that applies; the earliest of them is the one to keep then too."""
    if state.kind is RequestKind.COMPLAINT:
        raise no.NoLongerTerm
    if state.extended:
        raise no.AlreadyExtended
    told_at = command.told_at or command.stamp.at
    _told_by(told_at, state, command.stamp.at)
    first = min(state.terms, key=lambda one: one.longest[1])
    due, due_at = first.longest
    if due_at <= state.due_at:
        raise no.NoLongerTerm
    if any(one.tell_until is not None and told_at >= one.tell_until for one in state.terms):
        raise no.ToldTooLate
    return RequestExtended(
        request_id=state.request_id,
        kind=state.kind,
        law=first.law,
        told_at=told_at,
        due=due,
        due_at=due_at,
        warn_at=warn_at(state.received_at, due_at),
        reason=command.reason,
    )


def _completed(state: SubjectRequest, at: datetime) -> RequestCompleted:
    """Whoever is not known here gets that as their answer; everybody else what they asked for.

    A complaint is answered whoever makes it, after it was acknowledged.
    """
    outcome = RequestOutcome.FULFILLED
    if state.kind is RequestKind.COMPLAINT:
        if state.acknowledged_at is None:
            raise no.NotAcknowledgedYet
    elif state.addressee_id is None:
        outcome = RequestOutcome.NOTHING_HELD
    elif state.kind not in AT_ONCE and not (isinstance(state.phase, Open) and state.phase.done):
        raise no.ErasureRuns if isinstance(state.phase, Open) and state.phase.erasing else no.NotDoneYet
    return RequestCompleted(
        **_closing(state),
        outcome=outcome,
        completed_at=at,
        **_in_time(state, at),
        details_until=_details_until(state, at),
    )


def _refused(command: RefuseRequest, state: SubjectRequest, at: datetime) -> RequestRefused:
    _not_done(state)
    if command.ground is Ground.IDENTITY and state.identity not in (Identity.ASKED, Identity.FAILED):
        raise no.IdentityWasNotAsked
    return RequestRefused(
        **_closing(state),
        ground=command.ground,
        refused_at=at,
        **_in_time(state, at),
        details_until=_details_until(state, at),
        reason=command.reason,
    )


def _in_time(state: SubjectRequest, at: datetime) -> dict[str, Any]:
    """In time by what somebody said after the term was over is told apart: its miss may stand in the log."""
    in_time = (state.kept_at or at) < state.due_at
    return {"in_time": in_time, "entered_late": in_time and state.kept_at is not None and state.entered_late}


def _details_until(state: SubjectRequest, at: datetime) -> datetime:
    """Who was erased is not remembered by their request; of all others it can be read who asked, for a while."""
    if state.kind is RequestKind.ERASURE and isinstance(state.phase, Open) and state.phase.done:
        return at
    return at + DETAILS_KEPT


def _lifted(command: LiftRestriction, state: RequestState) -> tuple[Event, ...]:
    """It can be lifted after the request was answered too: a restriction lasts for a while."""
    if isinstance(state, NoRequest):
        raise NotFound
    if state.restriction is None or state.addressee_id is None:
        raise no.NotRestricted
    _told_by(command.told_at, state, command.stamp.at)
    lifted = RestrictionLifted(
        request_id=state.request_id, addressee_id=state.addressee_id, told_at=command.told_at
    )
    return (lifted,)


def _reminded(command: RemindOfRequest, state: RequestState) -> tuple[Event, ...]:
    """Nothing where it was answered meanwhile, or called to mind, or its term was kept."""
    if isinstance(state, NoRequest) or not isinstance(state.phase, Open) or state.kept_at is not None:
        return ()
    at = command.stamp.at
    told = {**_of(state), "due": state.due, "due_at": state.due_at}
    if at >= state.due_at:
        return () if state.phase.missed else (DeadlineMissed(**told),)
    if at < warn_at(state.received_at, state.due_at):
        raise no.NotDueYet
    return () if state.phase.warned else (DeadlineApproaching(**told),)


def _erased(state: RequestState) -> tuple[Event, ...]:
    if not isinstance(state, SubjectRequest) or not isinstance(state.phase, Open):
        return ()
    if not state.phase.erasing or state.phase.done or state.addressee_id is None:
        return ()
    return (ErasureConfirmed(request_id=state.request_id, addressee_id=state.addressee_id),)


def _forgotten(command: DestroyRequestDetails, state: RequestState) -> tuple[Event, ...]:
    if not isinstance(state, SubjectRequest) or not isinstance(state.phase, Closed):
        raise no.NotDueYet
    if state.phase.destroyed:
        return ()
    if command.stamp.at < state.phase.details_until:
        raise no.NotDueYet
    return (RequestDetailsDestroyed(request_id=state.request_id),)


def _of(state: SubjectRequest) -> dict[str, Any]:
    """What events tell of their request, for whoever counts them."""
    return {"request_id": state.request_id, "kind": state.kind.value, "law": state.law}


def _closing(state: SubjectRequest) -> dict[str, Any]:
    return {**_of(state), "received_at": state.received_at}


def _told_by(told_at: datetime, state: SubjectRequest, at: datetime) -> None:
    """Within the time of the request, and not later than now."""
    if told_at > at:
        raise no.ToldInTheFuture
    if told_at < state.received_at:
        raise no.ToldBeforeTheRequest


def _not_done(state: SubjectRequest) -> None:
    """Nothing was done yet, and no erasure runs."""
    if isinstance(state.phase, Open) and state.phase.done:
        raise no.DoneAlready
    if isinstance(state.phase, Open) and state.phase.erasing:
        raise no.ErasureRuns


SUBJECT_REQUEST: Final[Decider[RequestState]] = Decider(
    category="subject_request", initial=NoRequest(), evolve=evolve, decide=decide
)
