"""What is refused of requests: one class a rule, and what to do next."""

from __future__ import annotations

from domain.kernel.errors import Refusal, RefusalKind


class RequestIdTaken(Refusal):
    """A request's id is used once. Take a new id."""

    code = "request-id-taken"


class NobodyAsks(Refusal):
    """A request is somebody's. Give the address they wrote from, who they are, or the addressee's id."""

    code = "nobody-asks"
    kind = RefusalKind.INVALID
    field = "/email"


class OneOfTheTwo(Refusal):
    """Whose data it is about is told by their address, or by their id here. Give one of the two."""

    code = "one-of-the-two"
    kind = RefusalKind.INVALID
    field = "/addressee_id"


class NoSuchSubject(Refusal):
    """Nobody here has this id or this address. Correct it; where nothing of them is held, complete the request."""

    code = "no-such-subject"
    kind = RefusalKind.INVALID
    field = "/addressee_id"


class ReceivedInTheFuture(Refusal):
    """A request was received now, or in the past. Correct the moment, or leave it out."""

    code = "received-in-the-future"
    kind = RefusalKind.INVALID
    field = "/received_at"


class SubmittedAfterReceipt(Refusal):
    """A request is sent before it is received. Correct one of the moments."""

    code = "submitted-after-receipt"
    kind = RefusalKind.INVALID
    field = "/submitted_at"


class ToldInTheFuture(Refusal):
    """What a person was told lies in the past. Tell them first, then enter it."""

    code = "told-in-the-future"
    kind = RefusalKind.INVALID
    field = "/told_at"


class ToldBeforeTheRequest(Refusal):
    """Nobody is told of a request before it is received. Correct the moment."""

    code = "told-before-the-request"
    kind = RefusalKind.INVALID
    field = "/told_at"


class AcknowledgedOutOfOrder(Refusal):
    """A request is confirmed after it was received, and not in the future. Correct the moment, or leave it out."""

    code = "acknowledged-out-of-order"
    kind = RefusalKind.INVALID
    field = "/acknowledged_at"


class RequestClosed(Refusal):
    """A request that was answered or withdrawn does not change any more. Take in a new one."""

    code = "request-closed"


class IdentityNotEstablished(Refusal):
    """Data are shown, changed or erased for the person alone. Check who asks first, and enter it."""

    code = "identity-not-established"


class IdentityEstablishedAlready(Refusal):
    """It is known that the person asks. Go on; where that turned out to be wrong, enter a check that failed first."""

    code = "identity-established-already"


class IdentityWasNotAsked(Refusal):
    """Nobody is turned away for their identity who was not asked for it. Ask them, and enter what came of it."""

    code = "identity-not-asked"
    field = "/ground"


class NotOfThisKind(Refusal):
    """This answers another kind of request. Do what was asked for, or take in what was asked for besides as another."""

    code = "request-of-another-kind"


class NoSubjectYet(Refusal):
    """Nobody here is named as the one it is about. Name the addressee, or complete it: nothing of them is held."""

    code = "request-without-subject"


class SubjectAlreadyNamed(Refusal):
    """It is known whose data this is about. Take in another request for somebody else."""

    code = "subject-already-named"


class NothingToRectify(Refusal):
    """Something is put right by naming it. Give at least one field; null clears it."""

    code = "nothing-to-rectify"
    kind = RefusalKind.INVALID


class NothingHeldToRectify(Refusal):
    """No contact holds anything of the person but their address. Give where they are, or refuse what does not apply."""

    code = "nothing-held-to-rectify"


class SubjectIsKnownNow(Refusal):
    """Somebody has this address by now, or had it and was erased, or a list has its hash: something of them is held.

    Name the addressee under `addressee_id` as the subject, or the address where that is null, and answer them, or
    refuse on a ground.
    """

    code = "subject-known-now"


class DoneAlready(Refusal):
    """What was asked for was done, and the person has to be told. Complete the request."""

    code = "request-done-already"


class NotDoneYet(Refusal):
    """A person is answered after what they asked for was done. Do it first; a refusal needs a ground."""

    code = "request-not-done"


class NotAcknowledgedYet(Refusal):
    """A complaint is answered after it was acknowledged. Tell the person that it came, and enter that first."""

    code = "complaint-not-acknowledged"


class AlreadyExtended(Refusal):
    """A term is made longer once. Answer the request, as far as that is possible, by its day."""

    code = "request-already-extended"


class NoLongerTerm(Refusal):
    """A law that applies gives no longer term. Answer the request by its day."""

    code = "no-longer-term"


class ToldTooLate(Refusal):
    """A term is made longer only if the person is told in time, and that day is over. Answer now."""

    code = "told-too-late"
    field = "/told_at"


class ErasureRuns(Refusal):
    """The erasure has begun, and nothing stops it. Wait until it is certified, then complete the request."""

    code = "erasure-runs"


class DisclosureNotMade(Refusal):
    """No disclosure with this digest is among the request's last 50. Get it, hand it over, and tell its `etag`."""

    code = "disclosure-not-made"
    kind = RefusalKind.INVALID
    field = "/digest"


class DisclosureMadeOtherwise(Refusal):
    """The disclosure with this digest has another position or form. Tell both as its answer told them."""

    code = "disclosure-made-otherwise"
    kind = RefusalKind.INVALID
    field = "/position"


class RestrictedSince(Refusal):
    """The person asked later to have their data restricted instead, and that holds: erasing waits for their word.

    Ask them. If they want to be erased, enter `lift-restriction` at the request named in `restricted_by`, or take in
    their new erasure request; if not, enter `withdraw-request` at this one (GDPR Art. 18(1)(b), 18(2)).
    """

    code = "restricted-since"


class NotRestricted(Refusal):
    """No restriction by this request holds. Nothing is to be lifted."""

    code = "not-restricted"


class NotDueYet(Refusal):
    """It is too early to call this request to mind, or to destroy its details. Wait until it is due."""

    code = "request-not-due"
