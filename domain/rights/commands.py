"""What may be asked of a request: to take it in, to find out who asks, to answer it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

from pydantic import Field, StringConstraints

from domain.audience.email import EmailText
from domain.audience.intake.vocabularies import SubscriberType
from domain.kernel import limits
from domain.kernel.commands import Command
from domain.kernel.ids import AddresseeId
from domain.kernel.moments import Moment
from domain.kernel.permissions import Permission
from domain.kernel.personal import Profile
from domain.kernel.places import CountryCode, PlaceCode
from domain.kernel.text import AttributeKey, AttributeText, LineText, LongText, PhoneText, ShortText
from domain.rights.events import RequestReceived
from domain.rights.kinds import DisclosureForm, Ground, IdentityMethod, RequestChannel, RequestKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.kernel.events import Event

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256, hex."""

PositionToken = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{4,64}$")]
"""Where a log stood, as answers tell it."""


class ReceiveRequest(
    Command, context="rights", stream="subject_request", permission=Permission.REQUESTS_HANDLE
):
    """Take in what a person asks for. Give what they wrote from (`email`), or who they are here (`addressee_id`).

    `received_at`: now, if left out; `submitted_at`: when they sent it, where that was earlier. What stops something
    counts from the earlier of them.
    """

    tells: ClassVar[bool] = True

    kind: RequestKind
    channel: RequestChannel
    received_at: Moment | None = None
    submitted_at: Moment | None = None
    addressee_id: AddresseeId | None = None
    email: Profile[EmailText | None] = None
    requester: Profile[LineText | None] = None
    words: Profile[LongText | None] = None
    place: PlaceCode | None = None
    by_agent: bool = False

    @classmethod
    def answer(cls, events: Sequence[Event]) -> dict[str, Any] | None:
        """By when it is to be answered, by which laws, and whether somebody is known by this address."""
        received = next((one for one in events if isinstance(one, RequestReceived)), None)
        if received is None:
            return None
        told = received.model_dump(mode="json", include={"due", "due_at", "acknowledge_by", "place_assumed"})
        terms = [one.model_dump(mode="json") for one in received.terms]
        return {**told, "addressee_id": received.addressee_id, "terms": terms}


class NameSubject(Command, context="rights", stream="subject_request", permission=Permission.REQUESTS_HANDLE):
    """Tell whose data it is about, where that was found out later: by their address, or by their id here."""

    addressee_id: AddresseeId | None = None
    email: Profile[EmailText | None] = None


class AcknowledgeRequest(
    Command, context="rights", stream="subject_request", permission=Permission.REQUESTS_HANDLE
):
    """Enter that the person was told that it was received."""

    acknowledged_at: Moment | None = None


class AskIdentity(Command, context="rights", stream="subject_request", permission=Permission.REQUESTS_HANDLE):
    """Enter that the person was asked to show that it is them. The clock does not stop for it."""

    asked_for: Profile[LongText]


class CheckIdentity(
    Command, context="rights", stream="subject_request", permission=Permission.REQUESTS_HANDLE
):
    """Enter whether the person asks, and how that was found out; where it was in several ways, each.

    Of somebody erased the words are disclosed by more than `mailbox`, or to a request that came with their id.
    """

    method: IdentityMethod
    verified: bool
    note: Profile[LongText | None] = None


class ExtendRequest(
    Command, context="rights", stream="subject_request", permission=Permission.REQUESTS_HANDLE
):
    """Make the term longer, once and as far as every law lets it; the person was told so, and why."""

    reason: Profile[LongText]
    told_at: Moment | None = None


class NoteDisclosure(
    Command, context="rights", stream="subject_request", permission=Permission.INTERNAL, internal=True
):
    """Enter that what is held was put together for whoever answers the request."""

    digest: Digest
    position: PositionToken
    form: DisclosureForm


class RecordDisclosure(
    Command, context="rights", stream="subject_request", permission=Permission.REQUESTS_HANDLE
):
    """Enter that what is held was handed to the person. `digest`, `position`: as the disclosure's answer told them."""

    digest: Digest
    position: PositionToken
    form: DisclosureForm


class RectifyData(Command, context="rights", stream="subject_request", permission=Permission.REQUESTS_HANDLE):
    """Put right what is wrong, in every contact of the person: fields left out stay, null clears."""

    first_name: Profile[ShortText | None] = None
    last_name: Profile[ShortText | None] = None
    company: Profile[LineText | None] = None
    title: Profile[LineText | None] = None
    phone: Profile[PhoneText | None] = None
    attributes: Profile[
        Annotated[dict[AttributeKey, AttributeText | None], Field(max_length=limits.ATTRIBUTES)] | None
    ] = None
    country: CountryCode | None = None
    subscriber_type: SubscriberType | None = None


class RestrictProcessing(
    Command, context="rights", stream="subject_request", permission=Permission.REQUESTS_HANDLE
):
    """Keep the person's data and do nothing else with them (GDPR Art. 18)."""


class LiftRestriction(
    Command, context="rights", stream="subject_request", permission=Permission.REQUESTS_HANDLE
):
    """End a restriction. The person is told before it ends (GDPR Art. 18(3)): at `told_at`."""

    told_at: Moment


class BeginErasure(Command, context="rights", stream="subject_request", permission=Permission.CONTACTS_ERASE):
    """Have the person erased, for good. What follows runs by itself, until it is certified."""


class CompleteRequest(
    Command, context="rights", stream="subject_request", permission=Permission.REQUESTS_HANDLE
):
    """Enter that the person was answered: it is done, or, where nobody is known as them, nothing of them is held."""


class RefuseRequest(
    Command, context="rights", stream="subject_request", permission=Permission.REQUESTS_HANDLE
):
    """Enter that the person was told that it is not done, why, and where they may complain."""

    ground: Ground
    reason: Profile[LongText]


class WithdrawRequest(
    Command, context="rights", stream="subject_request", permission=Permission.REQUESTS_HANDLE
):
    """Enter that the person took it back."""


class RemindOfRequest(
    Command, context="rights", stream="subject_request", permission=Permission.INTERNAL, internal=True
):
    """Call to mind that a term is near, or say that it is over."""


class ConfirmErasure(
    Command, context="rights", stream="subject_request", permission=Permission.INTERNAL, internal=True
):
    """Enter that the erasure was certified."""


class DestroyRequestDetails(
    Command, context="rights", stream="subject_request", permission=Permission.INTERNAL, internal=True
):
    """Enter that the key of who asked is gone."""


RequestCommand: TypeAlias = (
    AcknowledgeRequest
    | AskIdentity
    | CheckIdentity
    | ExtendRequest
    | NoteDisclosure
    | RecordDisclosure
    | LiftRestriction
    | CompleteRequest
    | RefuseRequest
    | WithdrawRequest
    | RemindOfRequest
    | ConfirmErasure
    | DestroyRequestDetails
)
"""What is decided on the request's own stream; the others touch the person's too (see the handlers)."""
