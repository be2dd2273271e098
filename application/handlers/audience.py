"""Audience commands that touch more than one stream: they reserve or release an address, or follow a person."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from application.comparing import compare, compare_newcomer
from application.unit import handles
from domain.audience.addressee_events import address_in
from domain.audience.addressee_state import Addressee, NoAddressee
from domain.audience.admission import Newcomer, admit
from domain.audience.authorisation import AuthoriseMessage, DispatchMessage, authorised, message_of
from domain.audience.authorisation_batch import (
    DISPATCHED,
    AuthorisationIdTaken,
    AuthoriseMessages,
    NoSuchAddressee,
    summary,
)
from domain.audience.consent import RecordOptOut, WithdrawConsent
from domain.audience.contact import (
    PERSONAL,
    Contact,
    ContactAlreadyErased,
    ContactRemoved,
    CreateContact,
    EraseContact,
    GoneContact,
    NoContact,
    RemoveContact,
    RevertContact,
    Segment,
    UpdateContact,
    erased,
    existing,
    removed,
    reverted,
    unused,
)
from domain.audience.contact_import import Import
from domain.audience.contact_list import AddToList, ContactList, CreateList, listable, open_list
from domain.audience.email import match_form
from domain.audience.email_claim import EmailForgotten, EmailReleased
from domain.audience.erasure import AlreadyErased, EraseAddressee
from domain.audience.erasure import erased as erased_for_good
from domain.audience.import_commands import RegisterImport, StartImport
from domain.audience.lapse import AnnounceLapses, announced
from domain.audience.ledger import said_of, unrestricted
from domain.audience.own_word import HeedOptOut
from domain.kernel.commands import ActorKind
from domain.kernel.errors import NotFound
from domain.kernel.ids import AddresseeId, ContactId
from domain.kernel.personal import is_hidden
from domain.tenancy.tenant import Tenant
from domain.tenancy.workspace import usable

if TYPE_CHECKING:
    from application.unit import Unit
    from domain.audience.addressee_state import AddresseeState
    from domain.audience.authorisation_batch import Authorisation
    from domain.audience.contact import ContactState
    from domain.audience.email_claim import EmailClaim
    from domain.kernel.commands import Command


@handles(CreateContact)
async def create_contact(command: CreateContact, unit: Unit) -> None:
    """Reserve the address, find or register the addressee, create the contact."""
    usable(await unit.load("workspace", command.workspace_id))
    contact_id = ContactId(command.stamp.target)
    unused(await unit.load("contact", contact_id))
    newcomer = Newcomer(
        contact_id=contact_id,
        workspace_id=command.workspace_id,
        email=command.email,
        details={name: getattr(command, name) for name in PERSONAL},
        segment=Segment(
            country=command.country, subscriber_type=command.subscriber_type, source=command.source
        ),
    )
    await enter(unit, newcomer, AddresseeId(command.stamp.fresh_id("addressee")))


async def enter(unit: Unit, newcomer: Newcomer, fresh_addressee: AddresseeId) -> AddresseeId:
    """Admit a newcomer whose contact stream is loaded; their addressee."""
    claim: EmailClaim
    key, claim = await unit.find("email_claim", match_form(newcomer.email))
    present: AddresseeState = NoAddressee()
    former: AddresseeState = NoAddressee()
    if claim.addressee_id is not None:
        present = await unit.load("addressee", claim.addressee_id)
    else:
        unit.assume_new("addressee", fresh_addressee)
        if claim.former is not None:
            former = await unit.load("addressee", claim.former)
    admission = admit(newcomer, claim, present, former, fresh_addressee)
    unit.append("email_claim", key, *admission.claim)
    if admission.addressee:
        unit.append("addressee", admission.addressee_id, *admission.addressee)
    if admission.former:
        unit.append("addressee", claim.former, *admission.former)
    await compare_newcomer(unit, admission.addressee_id, newcomer.email)
    unit.append("contact", newcomer.contact_id, *admission.contact)
    return admission.addressee_id


@handles(UpdateContact)
async def update_contact(command: UpdateContact, unit: Unit) -> None:
    """Change the contact; what it says now of country and subscriber is said of its addressee too."""
    contact: ContactState = await unit.load("contact", command.stamp.target)
    unit.decide(command)
    if not isinstance(contact, Contact):
        return
    addressee: AddresseeState = await unit.load("addressee", contact.addressee_id)
    unrestricted(addressee)
    if command.country or command.subscriber_type:
        said = said_of(
            addressee,
            contact.addressee_id,
            contact.workspace_id,
            command.country,
            command.subscriber_type,
        )
        unit.append("addressee", contact.addressee_id, *said)


@handles(AuthoriseMessage)
async def authorise_message(command: AuthoriseMessage, unit: Unit) -> None:
    """Decide on one message to one person, by the laws of theirs and of the tenant's country."""
    usable(await unit.load("workspace", command.workspace_id))
    addressee: AddresseeState = await unit.load("addressee", command.stamp.target)
    if isinstance(addressee, NoAddressee):
        raise NotFound
    tenant, message = await unit.load("tenant", unit.tenant_id), message_of(command)
    await compare(unit, [addressee.addressee_id], message)
    decided = authorised(
        unit.state("addressee", command.stamp.target),
        command.message_id,
        command.workspace_id,
        message,
        tenant.country if isinstance(tenant, Tenant) else None,
        command.stamp.at,
    )
    unit.append("addressee", command.stamp.target, decided)


@handles(AuthoriseMessages)
async def authorise_messages(command: AuthoriseMessages, unit: Unit) -> None:
    """Decide on messages of one kind to many people; those that went before are counted and left alone."""
    usable(await unit.load("workspace", command.workspace_id))
    tenant = await unit.load("tenant", unit.tenant_id)
    asked: Authorisation = await unit.load("authorisation", command.stamp.target)
    if asked.workspace_id is not None:
        raise AuthorisationIdTaken
    sender = tenant.country if isinstance(tenant, Tenant) else None
    message, verdicts = message_of(command), Counter[str]()
    people = [one.addressee_id for one in command.messages]
    await unit.load_many("addressee", people)
    await compare(unit, people, message)
    for number, one in enumerate(command.messages):
        addressee: AddresseeState = unit.state("addressee", one.addressee_id)
        if isinstance(addressee, NoAddressee):
            raise NoSuchAddressee(pointer=f"/messages/{number}/addressee_id")
        if one.message_id in addressee.dispatched:
            verdicts[DISPATCHED] += 1
            continue
        decided = authorised(
            addressee, one.message_id, command.workspace_id, message, sender, command.stamp.at
        )
        verdicts[decided.verdict] += 1
        unit.append("addressee", one.addressee_id, decided)
    unit.append("authorisation", command.stamp.target, summary(command, verdicts))


@handles(DispatchMessage)
async def dispatch_message(command: DispatchMessage, unit: Unit) -> None:
    """Hand a message over; what came onto the list since its allow is found first."""
    addressee: AddresseeState = await unit.load("addressee", command.stamp.target)
    if isinstance(addressee, Addressee) and (allow := addressee.allows.get(command.message_id)) is not None:
        await compare(unit, [addressee.addressee_id], allow.message)
    unit.decide(command)


@handles(AnnounceLapses)
async def announce_lapses(command: AnnounceLapses, unit: Unit) -> None:
    """Announce permissions that end, person by person; who is not there, or stands otherwise by now, is passed over."""
    tenant = await unit.load("tenant", unit.tenant_id)
    sender = tenant.country if isinstance(tenant, Tenant) else None
    await unit.load_many("addressee", [command.stamp.target, *[one.addressee_id for one in command.lapses]])
    for one in command.lapses:
        addressee: AddresseeState = unit.state("addressee", one.addressee_id)
        if isinstance(addressee, Addressee):
            events = announced(addressee, one.lapses_at, sender, command.stamp.at)
            unit.append("addressee", one.addressee_id, *events)


@handles(RemoveContact)
async def remove_contact(command: RemoveContact, unit: Unit) -> None:
    """Take the contact out and release its address in the workspace."""
    contact = existing(await unit.load("contact", command.stamp.target))
    unrestricted(await unit.load("addressee", contact.addressee_id))
    await _take_out(unit, contact, removed(contact, reason="requested"))


@handles(RevertContact)
async def revert_contact(command: RevertContact, unit: Unit) -> None:
    """Undo an import on the contact, where nobody changed it since."""
    state: ContactState = await unit.load("contact", command.stamp.target)
    event = reverted(state, command.import_id)
    if event is not None:
        known: AddresseeState = await unit.load("addressee", event.addressee_id)
        if isinstance(known, Addressee) and known.restricted is not None:
            return  # their data are kept as they are; the roll-back counts them as kept
    if isinstance(event, ContactRemoved) and isinstance(state, Contact):
        await _take_out(unit, state, event)
    elif event is not None:
        unit.append("contact", command.stamp.target, event)


async def _take_out(unit: Unit, contact: Contact, event: ContactRemoved) -> None:
    key, claim = await unit.find("email_claim", match_form(contact.email))
    unit.append("contact", contact.contact_id, event)
    if claim.contacts.get(contact.workspace_id) == contact.contact_id:
        released = EmailReleased(
            addressee_id=contact.addressee_id,
            workspace_id=contact.workspace_id,
            contact_id=contact.contact_id,
        )
        unit.append("email_claim", key, released)


@handles(EraseContact)
async def erase_contact(command: EraseContact, unit: Unit) -> None:
    """Erase the person: this contact, every other of theirs in the tenant, the addressee; free the address."""
    state: ContactState = await unit.load("contact", command.stamp.target)
    if isinstance(state, NoContact):
        raise NotFound
    addressee: AddresseeState = await unit.load("addressee", state.addressee_id)
    if isinstance(addressee, NoAddressee) or addressee.erased:
        raise ContactAlreadyErased(addressee_id=state.addressee_id)
    unrestricted(addressee)
    # Hidden, and not erased: the log was restored from before the erasure, and the key is gone all the same.
    await _erase(unit, addressee, None if is_hidden(state.email) else state.email, state)


@handles(EraseAddressee)
async def erase_addressee(command: EraseAddressee, unit: Unit) -> None:
    """Erase the person, with every contact that has their address; there may be none, and no address either."""
    addressee: AddresseeState = await unit.load("addressee", command.stamp.target)
    if isinstance(addressee, NoAddressee):
        raise NotFound
    if addressee.erased:
        raise AlreadyErased(addressee_id=addressee.addressee_id)
    if unit.stamp.actor.kind is not ActorKind.WORKFLOW:  # who asked for both, asked for this one later
        unrestricted(addressee)
    await _erase(unit, addressee, address_in(await unit.opened("addressee", addressee.addressee_id)))


async def _erase(unit: Unit, addressee: Addressee, email: str | None, *known: Contact | GoneContact) -> None:
    addressee_id = addressee.addressee_id
    tenant = await unit.load("tenant", unit.tenant_id)
    gone = erased_for_good(addressee, tenant.country if isinstance(tenant, Tenant) else None, unit.stamp.at)
    if email is None:
        for contact in known:
            unit.append("contact", contact.contact_id, erased(contact))
    else:
        await _free(unit, addressee_id, email, known)
    unit.append("addressee", addressee_id, gone)


async def _free(
    unit: Unit, addressee_id: AddresseeId, email: str, known: tuple[Contact | GoneContact, ...]
) -> None:
    """Take every contact of the address out, and say at the address who is gone: their opt-outs go on holding."""
    claim: EmailClaim
    key, claim = await unit.find("email_claim", match_form(email))
    ids = {contact.contact_id for contact in known}
    others = [contact_id for contact_id in claim.contacts.values() if contact_id not in ids]
    for contact in (*known, *await unit.load_many("contact", others)):
        unit.append("contact", contact.contact_id, erased(contact))
    # A contact that was removed before holds no address any more; the release says all the same who is gone.
    held = list(claim.contacts.items()) or [(one.workspace_id, one.contact_id) for one in known]
    for workspace_id, contact_id in held:
        released = EmailReleased(
            addressee_id=addressee_id, workspace_id=workspace_id, contact_id=contact_id, erased=True
        )
        unit.append("email_claim", key, released)
    if not held and claim.addressee_id == addressee_id:
        unit.append("email_claim", key, EmailForgotten(addressee_id=addressee_id))


@handles(HeedOptOut)
@handles(RecordOptOut)
async def record_opt_out(command: RecordOptOut | HeedOptOut, unit: Unit) -> None:
    """Enter an opt-out with the addressee, and with whoever has their address after an erasure."""
    await _said_by_whoever_has_the_address(command, command, unit)


@handles(WithdrawConsent)
async def withdraw_consent(command: WithdrawConsent, unit: Unit) -> None:
    """Enter a withdrawal; to whoever has the address after an erasure it is the opt-out that it holds, or all of it."""
    stop = RecordOptOut(occurred_at=command.occurred_at, channel=command.channel, reason=command.reason)
    later = command if command.entry is None else stop.stamped(command.stamp)
    await _said_by_whoever_has_the_address(command, later, unit)


async def _said_by_whoever_has_the_address(command: Command, later: Command, unit: Unit) -> None:
    """Decide a command with the addressee, and what it is to those who came after them, with those."""
    addressee: AddresseeState = await unit.load("addressee", command.stamp.target)
    unit.decide(command)
    while isinstance(addressee, Addressee) and addressee.successor_id is not None:
        successor = addressee.successor_id
        addressee = await unit.load("addressee", successor)
        unit.decide(later, "addressee", successor)


@handles(CreateList)
async def create_list(command: CreateList, unit: Unit) -> None:
    """Make a list in a workspace that is there."""
    usable(await unit.load("workspace", command.workspace_id))
    await unit.load("list", command.stamp.target)
    unit.decide(command)


@handles(AddToList)
async def add_to_list(command: AddToList, unit: Unit) -> None:
    """Add contacts of the list's workspace."""
    state = await unit.load("list", command.stamp.target)
    if isinstance(state, ContactList):
        contacts = await unit.load_many("contact", list(command.contact_ids))
        for contact in contacts:
            listable(state, contact)
    unit.decide(command)


@handles(RegisterImport)
async def register_import(command: RegisterImport, unit: Unit) -> None:
    """Take a file in for a workspace that is there."""
    usable(await unit.load("workspace", command.workspace_id))
    await unit.load("import", command.stamp.target)
    unit.decide(command)


@handles(StartImport)
async def start_import(command: StartImport, unit: Unit) -> None:
    """Start an import; its contacts go onto a list of the same workspace, if onto any."""
    state = await unit.load("import", command.stamp.target)
    if isinstance(state, Import) and command.list_id is not None:
        open_list(await unit.load("list", command.list_id), state.workspace_id)
    unit.decide(command)
