"""Erasure: every contact of a person, their addressee, and the address itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.unit import handles
from domain.audience.addressee_events import address_in
from domain.audience.addressee_state import Addressee, NoAddressee
from domain.audience.contact import (
    Contact,
    ContactAlreadyErased,
    EraseContact,
    GoneContact,
    NoContact,
    erased,
)
from domain.audience.email import match_form
from domain.audience.email_claim import EmailForgotten, EmailReleased
from domain.audience.erasure import AlreadyErased, EraseAddressee
from domain.audience.erasure import erased as erased_for_good
from domain.audience.ledger import unrestricted
from domain.kernel.commands import ActorKind
from domain.kernel.errors import NotFound
from domain.kernel.personal import is_hidden
from domain.tenancy.tenant import Tenant

if TYPE_CHECKING:
    from application.unit import Unit
    from domain.audience.addressee_state import AddresseeState
    from domain.audience.contact import ContactState
    from domain.audience.email_claim import EmailClaim
    from domain.kernel.ids import AddresseeId


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
