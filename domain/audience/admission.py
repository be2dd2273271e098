"""Admitting a contact: the reservation of its address, its addressee, and the contact, decided together.

An address is one contact's in each workspace, and one addressee's in the tenant. Whoever comes back after an erasure
gets a new addressee, since the old one's key is gone, and the old one's opt-out with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.audience.addressee_events import AddresseeRegistered, AddresseeSucceeded
from domain.audience.addressee_state import Addressee, AddresseeState
from domain.audience.barring import under_bar
from domain.audience.carrying import carried
from domain.audience.contact import ContactCreated, Segment
from domain.audience.email_claim import EmailClaim, EmailClaimed, free_in
from domain.audience.ledger import unrestricted
from domain.audience.saying import says_now

if TYPE_CHECKING:
    from typing import Any

    from domain.kernel.events import Event
    from domain.kernel.ids import AddresseeId, ContactId, ImportId, WorkspaceId


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who is to become a contact. `details`: personal fields of the contact by name."""

    contact_id: ContactId
    workspace_id: WorkspaceId
    email: str
    details: dict[str, Any]
    segment: Segment
    import_id: ImportId | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """The events of an admission, by stream."""

    addressee_id: AddresseeId
    claim: tuple[Event, ...]
    addressee: tuple[Event, ...]
    contact: tuple[Event, ...]
    former: tuple[Event, ...]
    """For the erased addressee that `claim.former` names."""


def admit(
    newcomer: Newcomer,
    claim: EmailClaim,
    present: AddresseeState,
    former: AddresseeState,
    fresh_addressee: AddresseeId,
) -> Admission:
    """Admit a newcomer under `fresh_addressee` unless the address has an addressee already.

    `present` and `former` are the states of the addressees that `claim` names. Refused with `AddressTaken`, and for
    somebody whose data are restricted.
    """
    free_in(claim, newcomer.workspace_id)
    unrestricted(present)
    addressee_id, segment = claim.addressee_id, newcomer.segment
    addressee: tuple[Event, ...] = ()
    succeeded: tuple[Event, ...] = ()
    if addressee_id is None:
        addressee_id = fresh_addressee
        registered = AddresseeRegistered(
            addressee_id=addressee_id,
            email=newcomer.email,
            workspace_id=newcomer.workspace_id,
            country=segment.country,
            subscriber_type=segment.subscriber_type,
        )
        barred = under_bar(addressee_id, present, claim)
        addressee = (registered, *carried(former, addressee_id), *barred)
        if isinstance(former, Addressee):
            succeeded = (AddresseeSucceeded(addressee_id=former.addressee_id, successor_id=addressee_id),)
    else:
        # It has no contact here: a word of one that left, kept from when words stayed behind, ends.
        addressee = says_now(present, newcomer.workspace_id, segment.country, segment.subscriber_type)
    claimed = EmailClaimed(
        addressee_id=addressee_id, workspace_id=newcomer.workspace_id, contact_id=newcomer.contact_id
    )
    created = ContactCreated(
        contact_id=newcomer.contact_id,
        workspace_id=newcomer.workspace_id,
        addressee_id=addressee_id,
        email=newcomer.email,
        segment=newcomer.segment,
        import_id=newcomer.import_id,
        **newcomer.details,
    )
    return Admission(addressee_id, (claimed,), addressee, (created,), succeeded)
