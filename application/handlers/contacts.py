"""Commands on contacts that reserve or release an address, or follow a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.comparing import compare_newcomer
from application.unit import handles
from domain.audience.addressee_state import Addressee, NoAddressee, Said
from domain.audience.admission import Newcomer, admit
from domain.audience.contact import (
    PERSONAL,
    Contact,
    ContactRemoved,
    CreateContact,
    RemoveContact,
    RevertContact,
    Segment,
    UpdateContact,
    existing,
    removed,
    reverted,
    unused,
)
from domain.audience.email import match_form
from domain.audience.email_claim import EmailReleased
from domain.audience.ledger import unrestricted
from domain.audience.saying import says_now
from domain.kernel.ids import AddresseeId, ContactId
from domain.tenancy.workspace import usable

if TYPE_CHECKING:
    from application.unit import Unit
    from domain.audience.addressee_state import AddresseeState
    from domain.audience.contact import ContactState
    from domain.audience.email_claim import EmailClaim


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
    """Change the contact; what it says now of country and subscriber is said of its addressee too, or taken back."""
    contact: ContactState = await unit.load("contact", command.stamp.target)
    unit.decide(command)
    if not isinstance(contact, Contact):
        return
    addressee: AddresseeState = await unit.load("addressee", contact.addressee_id)
    unrestricted(addressee)
    told = command.model_fields_set & {*Said._fields}
    if told and isinstance(addressee, Addressee):
        said = addressee.said.get(contact.workspace_id, Said(None, None))
        said = said._replace(**{name: getattr(command, name) for name in told})
        unit.append("addressee", contact.addressee_id, *says_now(addressee, contact.workspace_id, *said))


@handles(RemoveContact)
async def remove_contact(command: RemoveContact, unit: Unit) -> None:
    """Take the contact out, with what it says of its addressee, and release its address in the workspace."""
    contact = existing(await unit.load("contact", command.stamp.target))
    unrestricted(await unit.load("addressee", contact.addressee_id))
    await _take_out(unit, contact, removed(contact, reason="requested"))


@handles(RevertContact)
async def revert_contact(command: RevertContact, unit: Unit) -> None:
    """Undo an import on the contact, where nobody changed it since: what it says of its addressee too."""
    state: ContactState = await unit.load("contact", command.stamp.target)
    event = reverted(state, command.import_id)
    if event is None or not isinstance(state, Contact):
        return
    known: AddresseeState = await unit.load("addressee", state.addressee_id)
    if isinstance(known, Addressee) and known.restricted is not None:
        return  # their data are kept as they are; the roll-back counts them as kept
    if isinstance(event, ContactRemoved):
        await _take_out(unit, state, event)
    else:
        unit.append("contact", state.contact_id, event)
        _says(unit, state, event.segment_after.country, event.segment_after.subscriber_type)


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
        _says(unit, contact, None, None)


def _says(unit: Unit, contact: Contact, country: str | None, subscriber_type: str | None) -> None:
    """Of the contact's addressee its workspace says this from now on, and nothing that it said before."""
    addressee: AddresseeState = unit.state("addressee", contact.addressee_id)
    said = says_now(addressee, contact.workspace_id, country, subscriber_type)
    unit.append("addressee", contact.addressee_id, *said)
