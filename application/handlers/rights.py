"""Requests that touch the person they are about: their address is looked up, and what they ask for takes effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from application.comparing import enter_listed, keys_listed
from application.unit import handles
from domain.audience.addressee_events import (
    AddresseeSuppressed,
    SaleOptedOut,
    SubjectRequestNoted,
    SuppressionLifted,
    address_in,
)
from domain.audience.addressee_state import Addressee, NoAddressee, Said
from domain.audience.consent import opted_out
from domain.audience.consent_commands import OptOutChannel, OptOutKind
from domain.audience.consent_refusals import AddresseeIsErased
from domain.audience.contact import Contact, changed, existing, merged
from domain.audience.email import match_form
from domain.audience.email_claim import EmailSuppressed
from domain.audience.erasure import CertifyErasure
from domain.audience.ledger import DescribeAddressee
from domain.audience.own_word import HeedOptOut, heeded
from domain.audience.saying import forgotten
from domain.audience.settling import settled
from domain.kernel.ids import AddresseeId, SubjectRequestId
from domain.kernel.personal import is_hidden
from domain.law.facts import Scope, SuppressionKind
from domain.rights.commands import (
    BeginErasure,
    CompleteRequest,
    LiftRestriction,
    NameSubject,
    ReceiveRequest,
    RectifyData,
    RestrictProcessing,
)
from domain.rights.events import (
    DataRectified,
    ErasureBegun,
    ErasureConfirmed,
    ProcessingRestricted,
    RequestReceived,
    RequestSubjectNamed,
)
from domain.rights.kinds import AT_ONCE, RequestKind
from domain.rights.refusals import (
    ErasureRuns,
    NoSuchSubject,
    NothingHeldToRectify,
    NothingToRectify,
    OneOfTheTwo,
    RestrictedSince,
    SubjectAlreadyNamed,
    SubjectIsKnownNow,
)
from domain.rights.request import open_request, received, to_be_done
from domain.rights.state import SubjectRequest
from domain.tenancy.tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from application.unit import Unit
    from domain.audience.addressee_state import AddresseeState
    from domain.audience.contact import ContactState
    from domain.audience.email_claim import EmailClaim
    from domain.kernel.events import Event
    from domain.rights.state import RequestState

_SHOWN = (RequestKind.ACCESS, RequestKind.PORTABILITY)
_LIFTED = "The restriction of processing ended; the person was told before."


@handles(ReceiveRequest)
async def receive_request(command: ReceiveRequest, unit: Unit) -> None:
    """Take a request in, and look who asks. What stops something takes effect with it."""
    state: RequestState = await unit.load("subject_request", command.stamp.target)
    sender_country = await _sender_country(unit)
    subject = await _subject(unit, command, command.kind)
    known = None if subject is None else unit.state("addressee", subject)
    event = received(
        command,
        state,
        subject,
        known.person.country if isinstance(known, Addressee) else None,
        sender_country,
    )
    unit.append("subject_request", command.stamp.target, event)
    if subject is not None:
        await _concerned(unit, subject, RequestKind(event.kind), command.submitted_at or command.received_at)


@handles(NameSubject)
async def name_subject(command: NameSubject, unit: Unit) -> None:
    """Tell whose data an open request is about."""
    request = open_request(await unit.load("subject_request", command.stamp.target))
    if request.addressee_id is not None:
        raise SubjectAlreadyNamed
    subject = await _subject(unit, command, request.kind)
    if subject is None:
        raise NoSuchSubject
    named = RequestSubjectNamed(request_id=request.request_id, addressee_id=subject)
    unit.append("subject_request", command.stamp.target, named)
    await _concerned(unit, subject, request.kind, request.submitted_at)


async def _subject(
    unit: Unit, command: ReceiveRequest | NameSubject, kind: RequestKind
) -> AddresseeId | None:
    """Who is meant: by id they have to be there, by address they may be unknown. Their stream is loaded.

    Who wants something stopped is always somebody: what they said holds for whoever has the address later. Who wants
    to see something is whom an id names, also after an erasure: what is kept of that one is shown to nobody else.
    """
    if command.addressee_id is not None and command.email is not None:
        raise OneOfTheTwo
    named = command.addressee_id
    if command.email is not None:
        named = await _of_address(unit, command.email, kind)
    subject: AddresseeId | None = None
    while named is not None:
        state: AddresseeState = await unit.load("addressee", named)
        if isinstance(state, NoAddressee) and command.email is None:
            raise NoSuchSubject
        if isinstance(state, NoAddressee):
            return named  # entered just now, as one who said stop
        if kind in _SHOWN and command.addressee_id is not None:
            return named
        subject, named = named, state.successor_id
    return subject


async def _of_address(unit: Unit, email: str, kind: RequestKind) -> AddresseeId | None:
    """Who has an address, or else who had it: of them something is held, and be it that they said stop.

    Of what is stopped who has none yet is entered now, as one who said stop. So is whose address is on a list by a hash
    alone, with what that says: it is held of them, and here is the address.
    """
    claim: EmailClaim
    key, claim = await unit.find("email_claim", match_form(email))
    if claim.held_of is not None:
        return claim.held_of
    listed = () if kind in (*AT_ONCE, RequestKind.COMPLAINT) else await keys_listed(unit, email)
    if kind not in AT_ONCE and not listed:
        return None
    fresh = AddresseeId(unit.stamp.fresh_id("addressee"))
    unit.assume_new("addressee", fresh)
    unit.append("email_claim", key, EmailSuppressed(addressee_id=fresh))
    enter_listed(unit, fresh, listed)
    return fresh


@handles(CompleteRequest)
async def complete_request(command: CompleteRequest, unit: Unit) -> None:
    """Enter the answer; before somebody is told that nothing is held of them, their address is looked up again."""
    state: RequestState = await unit.load("subject_request", command.stamp.target)
    complains = isinstance(state, SubjectRequest) and state.kind is RequestKind.COMPLAINT
    if isinstance(state, SubjectRequest) and state.addressee_id is None and not complains:
        for event in await unit.opened("subject_request", command.stamp.target):
            email = event.email if isinstance(event, RequestReceived) else None
            if email is not None and not is_hidden(email):
                claim: EmailClaim
                _, claim = await unit.find("email_claim", match_form(email))
                if claim.held_of is not None:
                    raise SubjectIsKnownNow(addressee_id=claim.held_of)
                if await keys_listed(unit, email):
                    raise SubjectIsKnownNow(addressee_id=None)
    unit.decide(command)


@handles(CertifyErasure)
async def certify_erasure(command: CertifyErasure, unit: Unit) -> None:
    """Enter the certificate, and with it that each request for this erasure is done."""
    state: AddresseeState = await unit.load("addressee", command.stamp.target)
    unit.decide(command)
    requests = list(state.requests) if isinstance(state, Addressee) else []
    for request_id, request in zip(requests, await unit.load_many("subject_request", requests), strict=True):
        if isinstance(request, SubjectRequest) and request.erasing and not request.done:
            confirmed = ErasureConfirmed(
                request_id=request.request_id, addressee_id=AddresseeId(command.stamp.target)
            )
            unit.append("subject_request", request_id, confirmed)


async def _concerned(unit: Unit, subject: AddresseeId, kind: RequestKind, told: datetime | None) -> None:
    """Enter the request with the person; what stops something holds at once, before anybody looked who asks.

    It counts from `told`, when they sent it or it was received, as every word of theirs does; None: they ask just now.
    """
    noted = SubjectRequestNoted(
        addressee_id=subject, request_id=SubjectRequestId(unit.stamp.target), kind=kind
    )
    unit.append("addressee", subject, noted)
    state: AddresseeState = unit.state("addressee", subject)
    if not isinstance(state, Addressee):
        return
    if kind is RequestKind.OBJECTION:
        unit.append("addressee", subject, *_objected(unit, state, told, await _sender_country(unit)))
    if kind is RequestKind.SALE_OPT_OUT:
        at = told or unit.stamp.at
        if state.sale_opted_out_at is None or at < state.sale_opted_out_at:
            unit.append("addressee", subject, SaleOptedOut(addressee_id=subject, occurred_at=at))


async def _sender_country(unit: Unit) -> str | None:
    tenant = await unit.load("tenant", unit.tenant_id)
    return tenant.country if isinstance(tenant, Tenant) else None


def _objected(unit: Unit, state: Addressee, told: datetime | None, sender: str | None) -> Sequence[Event]:
    """The objection; of before a consent that stands and ended it, it is history."""
    if told is not None:
        said = (state.addressee_id, state, told, OptOutChannel.REQUEST)
        return opted_out(*said, kind=OptOutKind.OBJECTION, sender_country=sender)
    word = HeedOptOut(channel=OptOutChannel.REQUEST, kind=OptOutKind.OBJECTION)
    return heeded(word.stamped(unit.stamp.aimed_at(state.addressee_id)), state, sender)


@handles(RectifyData)
async def rectify_data(command: RectifyData, unit: Unit) -> None:
    """Put the person's data right in every workspace that has a contact of them.

    A restriction does not stand against it: it is the person's right (GDPR Art. 16), and done as they ask.
    """
    state: RequestState = await unit.load("subject_request", command.stamp.target)
    request, subject = to_be_done(state, RequestKind.RECTIFICATION)
    asked: dict[str, Any] = {name: getattr(command, name) for name in command.model_fields_set}
    if not asked:
        raise NothingToRectify
    contacts = await _contacts(unit, subject)
    if not contacts and not asked.keys() <= {"country", "subscriber_type"}:
        raise NothingHeldToRectify
    for contact in contacts:
        wanted = dict(asked)
        if "attributes" in wanted:
            wanted["attributes"] = merged(contact.attributes, wanted["attributes"])
        unit.append("contact", contact.contact_id, *changed(contact, wanted))
    # Where they are and whose the address is, the person says of themselves: whatever a workspace said before. What
    # they want cleared nobody says any more.
    known: AddresseeState = unit.state("addressee", subject)
    if isinstance(known, Addressee):
        cleared = [name for name in Said._fields if name in asked and asked[name] is None]
        unit.append("addressee", subject, *forgotten(known, cleared))
        told = {name: asked[name] for name in Said._fields if asked.get(name) is not None}
        word = DescribeAddressee.model_validate(told)
        unit.append("addressee", subject, *settled(word.stamped(unit.stamp.aimed_at(subject)), known))
    rectified = DataRectified(
        request_id=request.request_id, fields=tuple(sorted(asked)), contacts=len(contacts)
    )
    unit.append("subject_request", command.stamp.target, rectified)


async def _contacts(unit: Unit, subject: AddresseeId) -> list[Contact]:
    """The person's contacts that are there; their stream is loaded. Raises `AddresseeIsErased`."""
    state: AddresseeState = await unit.load("addressee", subject)
    address = (
        None
        if isinstance(state, Addressee) and state.erased
        else address_in(await unit.opened("addressee", subject))
    )
    if address is None:
        raise AddresseeIsErased
    claim: EmailClaim
    _, claim = await unit.find("email_claim", match_form(address))
    found: list[ContactState] = await unit.load_many("contact", list(claim.contacts.values()))
    return [existing(one) for one in found]


@handles(RestrictProcessing)
async def restrict_processing(command: RestrictProcessing, unit: Unit) -> None:
    """Keep the data: nothing is sent and nothing changed, but for what the person says, or asks for by a request."""
    request, subject = to_be_done(
        await unit.load("subject_request", command.stamp.target), RequestKind.RESTRICTION
    )
    if request.restriction is not None:
        return
    state: AddresseeState = await unit.load("addressee", subject)
    if not isinstance(state, Addressee) or state.erased:
        raise AddresseeIsErased
    if any(one.erasing for one in await _requests(unit, state, RequestKind.ERASURE)):
        raise ErasureRuns
    suppressed = AddresseeSuppressed(
        addressee_id=subject,
        kind=SuppressionKind.RESTRICTION,
        scope=Scope.TENANT,
        occurred_at=unit.stamp.at,
    )
    unit.append("addressee", subject, suppressed)
    restricted = ProcessingRestricted(
        request_id=request.request_id, addressee_id=subject, entry=state.version + 1
    )
    unit.append("subject_request", command.stamp.target, restricted)


async def _requests(unit: Unit, person: Addressee, kind: RequestKind) -> list[SubjectRequest]:
    """What somebody asked of one kind; expected where it was read, so that nothing is begun at the same time."""
    asked = [one for one, told in person.requests.items() if told == kind]
    found = await unit.load_many("subject_request", asked)
    return [one for one in found if isinstance(one, SubjectRequest)]


@handles(LiftRestriction)
async def lift_restriction(command: LiftRestriction, unit: Unit) -> None:
    """End a restriction, with the person too."""
    request: RequestState = await unit.load("subject_request", command.stamp.target)
    unit.decide(command)
    if not isinstance(request, SubjectRequest) or request.addressee_id is None:
        return
    subject, entry = request.addressee_id, request.restriction
    state: AddresseeState = await unit.load("addressee", subject)
    if isinstance(state, Addressee) and not state.erased and entry is not None:
        lifted = SuppressionLifted(
            addressee_id=subject, entry=entry, occurred_at=unit.stamp.at, reason=_LIFTED
        )
        unit.append("addressee", subject, lifted)


@handles(BeginErasure)
async def begin_erasure(command: BeginErasure, unit: Unit) -> None:
    """Have the person erased: a workflow does it, and certifies it.

    Who asked for restriction later wants it instead (GDPR Art. 18(1)(b)). Erasing is processing (Art. 4(2)), and
    restricted data are processed with the person's consent alone (Art. 18(2)).
    """
    state: RequestState = await unit.load("subject_request", command.stamp.target)
    request, subject = to_be_done(state, RequestKind.ERASURE)
    known: AddresseeState = await unit.load("addressee", subject)
    if not request.erasing and isinstance(known, Addressee) and not known.erased:
        for other in await _requests(unit, known, RequestKind.RESTRICTION):
            if other.restriction is not None and other.received_at >= request.received_at:
                raise RestrictedSince(restricted_by=other.request_id)
    if not request.erasing:
        begun = ErasureBegun(request_id=request.request_id, addressee_id=subject)
        unit.append("subject_request", command.stamp.target, begun)
