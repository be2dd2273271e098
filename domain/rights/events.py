"""What happens to a request. Who asks, their words and ours are sealed under the request's own key.

That key is destroyed when nobody needs them any more, at `details_until`: the request log of dates, kinds and outcomes
stays, and names nobody. `law`: whose term is the one to keep; None: our policy's.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TypeAlias

from domain.kernel.events import EVENTS, Event, Payload
from domain.kernel.ids import AddresseeId, SubjectRequestId
from domain.kernel.personal import Profile
from domain.rights.clock import RequestTerm


class RequestReceived(Event, name="rights.request_received", version=1, subject="request_id"):
    """Somebody asked. `addressee_id` None: nobody known by the address they gave. `place`: theirs, as far as known.

    `terms`: what every law says of when to answer, the earliest first, which is `due`; `acknowledge_by`: the last day
    to confirm it. At `warn_at` and `due_at` it is called to mind.
    """

    request_id: SubjectRequestId
    kind: str
    channel: str
    received_at: datetime
    submitted_at: datetime
    addressee_id: AddresseeId | None
    place: str | None
    place_assumed: bool
    by_agent: bool
    terms: tuple[RequestTerm, ...]
    due: date
    due_at: datetime
    warn_at: datetime
    acknowledge_by: date | None
    email: Profile[str | None] = None
    requester: Profile[str | None] = None
    words: Profile[str | None] = None


class RequestSubjectNamed(Event, name="rights.subject_named", version=1):
    """It was found out whose data it is about."""

    request_id: SubjectRequestId
    addressee_id: AddresseeId


class RequestAcknowledged(Event, name="rights.request_acknowledged", version=2):
    """The person was told that it was received, and how it goes on. `entered_at`: when that was said to us.

    Version 1 did not tell when.
    """

    request_id: SubjectRequestId
    acknowledged_at: datetime
    entered_at: datetime | None


@EVENTS.upcaster("rights.request_acknowledged", 1)
def _entered_at_some_time(payload: Payload) -> Payload:
    return {**payload, "entered_at": None}


class IdentityAsked(Event, name="rights.identity_asked", version=1, subject="request_id"):
    """The person was asked to show that it is them."""

    request_id: SubjectRequestId
    asked_at: datetime
    asked_for: Profile[str]


class IdentityChecked(Event, name="rights.identity_checked", version=1, subject="request_id"):
    """It was found out whether the person asks. What they showed for it is not kept."""

    request_id: SubjectRequestId
    method: str
    verified: bool
    checked_at: datetime
    note: Profile[str | None] = None


class RequestExtended(Event, name="rights.request_extended", version=1, subject="request_id"):
    """The term was made longer, once, and the person was told so and why, at `told_at`."""

    request_id: SubjectRequestId
    kind: str
    law: str | None
    told_at: datetime
    due: date
    due_at: datetime
    warn_at: datetime
    reason: Profile[str]


class DisclosureMade(Event, name="rights.disclosure_made", version=1):
    """What is held of the person was put together, so that it can be handed to them; see `DataDisclosed`."""

    request_id: SubjectRequestId
    digest: str
    position: str
    form: str


class DataDisclosed(Event, name="rights.data_disclosed", version=1):
    """What is held was handed to the person: `digest`, the SHA-256 of its bytes, made from the log at `position`."""

    request_id: SubjectRequestId
    disclosed_at: datetime
    digest: str
    position: str
    form: str


class DataRectified(Event, name="rights.data_rectified", version=1):
    """What was wrong was put right, in so many contacts. `fields`: their names."""

    request_id: SubjectRequestId
    fields: tuple[str, ...]
    contacts: int


class ProcessingRestricted(Event, name="rights.processing_restricted", version=1):
    """The data are kept, and nothing else is done with them. `entry`: its suppression's, in the person's stream."""

    request_id: SubjectRequestId
    addressee_id: AddresseeId
    entry: int


class RestrictionLifted(Event, name="rights.restriction_lifted", version=1):
    """The restriction ended; the person was told before (GDPR Art. 18(3)), at `told_at`."""

    request_id: SubjectRequestId
    addressee_id: AddresseeId
    told_at: datetime


class ErasureBegun(Event, name="rights.erasure_begun", version=1):
    """The person is being erased: that goes on by itself until it is certified."""

    request_id: SubjectRequestId
    addressee_id: AddresseeId


class ErasureConfirmed(Event, name="rights.erasure_confirmed", version=1):
    """The erasure is over, and certified in the addressee's stream."""

    request_id: SubjectRequestId
    addressee_id: AddresseeId


class RequestCompleted(Event, name="rights.request_completed", version=2):
    """The person was answered: `outcome` fulfilled or nothing_held. `in_time`: before its term was over.

    `entered_late`: what makes it in time was entered after that, as a day before it. Version 1 did not tell.
    """

    request_id: SubjectRequestId
    kind: str
    law: str | None
    received_at: datetime
    outcome: str
    completed_at: datetime
    in_time: bool
    entered_late: bool | None
    details_until: datetime


class RequestRefused(Event, name="rights.request_refused", version=2, subject="request_id"):
    """The person was told that it is not done, why, and where they may complain (GDPR Art. 12(4)).

    `in_time`, `entered_late`: as of `RequestCompleted`.
    """

    request_id: SubjectRequestId
    kind: str
    law: str | None
    received_at: datetime
    ground: str
    refused_at: datetime
    in_time: bool
    entered_late: bool | None
    details_until: datetime
    reason: Profile[str]


@EVENTS.upcaster("rights.request_completed", 1)
@EVENTS.upcaster("rights.request_refused", 1)
def _nobody_said_whether_it_was_entered_late(payload: Payload) -> Payload:
    return {**payload, "entered_late": None}


class RequestWithdrawn(Event, name="rights.request_withdrawn", version=1):
    """The person took it back."""

    request_id: SubjectRequestId
    kind: str
    law: str | None
    received_at: datetime
    withdrawn_at: datetime
    details_until: datetime


class DeadlineApproaching(Event, name="rights.deadline_approaching", version=1):
    """A request is not answered yet, and its term is near."""

    request_id: SubjectRequestId
    kind: str
    law: str | None
    due: date
    due_at: datetime


class DeadlineMissed(Event, name="rights.deadline_missed", version=1):
    """The term of a request is over, and it is not answered."""

    request_id: SubjectRequestId
    kind: str
    law: str | None
    due: date
    due_at: datetime


class RequestDetailsDestroyed(Event, name="rights.details_destroyed", version=1):
    """The key of a request's personal details is gone: who asked can be read by nobody any more."""

    request_id: SubjectRequestId


RequestEvent: TypeAlias = (
    RequestReceived
    | RequestSubjectNamed
    | RequestAcknowledged
    | IdentityAsked
    | IdentityChecked
    | RequestExtended
    | DisclosureMade
    | DataDisclosed
    | DataRectified
    | ProcessingRestricted
    | RestrictionLifted
    | ErasureBegun
    | ErasureConfirmed
    | RequestCompleted
    | RequestRefused
    | RequestWithdrawn
    | DeadlineApproaching
    | DeadlineMissed
    | RequestDetailsDestroyed
)
