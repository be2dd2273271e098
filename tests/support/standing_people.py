"""People of a tenant whose log begins as logs do: who is entered, what they gave, and which contacts they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.audience.addressee import ADDRESSEE
from domain.audience.addressee_events import AddresseeRegistered
from domain.audience.addressee_state import Addressee
from domain.audience.consent_events import ConsentRecorded
from domain.audience.contact import ContactCreated, Segment
from domain.tenancy.tenant import TenantOpened
from tests.support.projecting import World, fresh

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from uuid import UUID

    from domain.kernel.events import Event
    from domain.kernel.ids import AddresseeId


def opened(world: World, country: str | None = "US") -> UUID:
    """A tenant whose log begins as logs do."""
    tenant = fresh()
    told = {"tenant_id": tenant, "tenant_name": "Acme", "slug": "acme", "plan": "free", "country": country}
    world.append(tenant, (f"tenant:{tenant}", TenantOpened.model_validate(told)))
    return tenant


def stream(person: UUID, *events: Event) -> list[tuple[str, Event]]:
    """Events of one person."""
    return [(f"addressee:{person}", event) for event in events]


def registered(person: AddresseeId, country: str | None, **more: Any) -> AddresseeRegistered:
    """An individual of that country."""
    return AddresseeRegistered(
        addressee_id=person, email="a@x.example", country=country, subscriber_type="individual", **more
    )


def consented(person: AddresseeId, on: date, **more: Any) -> ConsentRecorded:
    """A consent that is documented."""
    return ConsentRecorded(
        addressee_id=person, occurred_on=on, source="event", recorded_by="api", documented=True, **more
    )


def contact(person: UUID, workspace: UUID) -> tuple[UUID, tuple[str, Event]]:
    """A contact of theirs in a workspace."""
    made = {"contact_id": fresh(), "workspace_id": workspace, "addressee_id": person}
    event = ContactCreated.model_validate({**made, "email": "a@x.example", "segment": Segment()})
    return event.contact_id, (f"contact:{event.contact_id}", event)


def state_of(events: Iterable[Event]) -> Addressee:
    """What is known of a person after these events."""
    state = ADDRESSEE.fold(tuple(events))
    assert isinstance(state, Addressee)
    return state
