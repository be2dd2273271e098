"""The reservation of an address in a tenant: who its addressee is, and which contact holds it in each workspace.

The stream's id is a pseudonym (an HMAC under the tenant's key of the address's match form): it appears in no view,
no URL, no log line. After an erasure the address is free again, but `former` still names the erased addressee, so
that an opt-out goes on holding for whoever enters the address anew. What the platform suppresses stands here as well,
for whoever has the address or will have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias, assert_never
from uuid import UUID

from domain.kernel.commands import Decider
from domain.kernel.errors import Refusal
from domain.kernel.events import Event
from domain.kernel.ids import AddresseeId, ContactId, WorkspaceId


class EmailClaimed(Event, name="audience.email_claimed", version=1, subject="addressee_id"):
    """A contact took an address in a workspace."""

    addressee_id: AddresseeId
    workspace_id: WorkspaceId
    contact_id: ContactId


class EmailReleased(Event, name="audience.email_released", version=1, subject="addressee_id"):
    """A contact gave its address up. `erased`: because its person was erased, so the addressee went too."""

    addressee_id: AddresseeId
    workspace_id: WorkspaceId
    contact_id: ContactId
    erased: bool = False


class EmailSuppressed(Event, name="audience.email_suppressed", version=1, subject="addressee_id"):
    """Whoever has this address said stop before anybody entered it: that is kept, and nothing else of them."""

    addressee_id: AddresseeId


class EmailForgotten(Event, name="audience.email_forgotten", version=1, subject="addressee_id"):
    """Whoever had this address was erased while no contact held it."""

    addressee_id: AddresseeId


class EmailKnown(Event, name="audience.email_known", version=1, subject="addressee_id"):
    """An address was entered without a contact: it came on a suppression list."""

    addressee_id: AddresseeId


class EmailBarred(Event, name="audience.email_barred", version=1):
    """The platform suppresses this address, whoever has it here now or later: see `kind`, a `PlatformReason`."""

    suppression_id: UUID
    kind: str
    since: datetime


class EmailUnbarred(Event, name="audience.email_unbarred", version=1):
    """The platform ended that; one that comes after it under the same id is over before it began."""

    suppression_id: UUID


EmailClaimEvent: TypeAlias = (
    EmailClaimed | EmailReleased | EmailSuppressed | EmailForgotten | EmailKnown | EmailBarred | EmailUnbarred
)


class Bar(NamedTuple):
    """A suppression of the platform's."""

    kind: str
    since: datetime


@dataclass(frozen=True, slots=True)
class EmailClaim:
    """Who holds an address. `former` is whose opt-out holds for it: an erased addressee, or one never entered.

    `bars` by the platform's suppression that each is of; `unbarred`: those that ended.
    """

    addressee_id: AddresseeId | None = None
    contacts: Mapping[WorkspaceId, ContactId] = field(default_factory=dict)
    former: AddresseeId | None = None
    bars: Mapping[UUID, Bar] = field(default_factory=dict)
    unbarred: frozenset[UUID] = frozenset()

    @property
    def held_of(self) -> AddresseeId | None:
        """Of whom something is held: who has the address, or who had it last."""
        return self.addressee_id or self.former


def evolve(state: EmailClaim, event: EmailClaimEvent) -> EmailClaim:
    """The reservation after `event`."""
    match event:
        case EmailClaimed():
            contacts = {**state.contacts, event.workspace_id: event.contact_id}
            return replace(state, addressee_id=event.addressee_id, contacts=contacts)
        case EmailReleased():
            left = {key: value for key, value in state.contacts.items() if value != event.contact_id}
            if event.erased:
                return replace(state, addressee_id=None, contacts=left, former=event.addressee_id)
            return replace(state, contacts=left)
        case EmailSuppressed():
            return replace(state, former=event.addressee_id)
        case EmailForgotten():
            return replace(state, addressee_id=None, former=event.addressee_id)
        case EmailKnown():
            return replace(state, addressee_id=event.addressee_id)
        case EmailBarred():
            return replace(state, bars={**state.bars, event.suppression_id: Bar(event.kind, event.since)})
        case EmailUnbarred():
            left_bars = {key: bar for key, bar in state.bars.items() if key != event.suppression_id}
            return replace(state, bars=left_bars, unbarred=state.unbarred | {event.suppression_id})
        case _:
            assert_never(event)


class AddressTaken(Refusal):
    """An address belongs to one contact of a workspace. Update that contact, or remove it first."""

    code = "address-taken"
    field = "/email"


def free_in(state: EmailClaim, workspace_id: WorkspaceId) -> None:
    """The address has no contact in this workspace yet."""
    holder = state.contacts.get(workspace_id)
    if holder is not None:
        raise AddressTaken(contact_id=holder)


EMAIL_CLAIM: Final[Decider[EmailClaim]] = Decider(category="email_claim", initial=EmailClaim(), evolve=evolve)
