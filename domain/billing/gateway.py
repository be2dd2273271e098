"""What the payment provider tells us, as the platform's log keeps it: each event once, and what became of it.

And whose customer is whose: a customer at the provider belongs to one tenant, for ever, and so does a subscription.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from domain.billing.terms import Terms
from domain.kernel.commands import Command, Decider
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.events import Event
from domain.kernel.ids import PLATFORM, GatewayEventId, TenantId, derived_id
from domain.kernel.moments import Moment
from domain.kernel.permissions import Permission
from domain.kernel.text import ShortText

if TYPE_CHECKING:
    from uuid import UUID

STRIPE: Final = "stripe"


def gateway_event_id(gateway: str, reference: str) -> GatewayEventId:
    """The id under which an event of the provider's is kept."""
    return GatewayEventId(derived_id(PLATFORM, "gateway event", gateway, reference))


def gateway_customer_id(gateway: str, reference: str) -> UUID:
    """The id under which it is kept whose a customer is."""
    return derived_id(PLATFORM, "gateway customer", gateway, reference)


def gateway_subscription_id(gateway: str, reference: str) -> UUID:
    """The id under which it is kept whose a subscription is."""
    return derived_id(PLATFORM, "gateway subscription", gateway, reference)


class GatewayEventReceived(Event, name="billing.gateway_event_received", version=1):
    """The provider told something. `kind`: its word for it; `about`: the id of what it is about.

    `told_tenant`: the tenant that its own notes name. `terms`: of a subscription, as it was then; None where it has a
    price that is none of ours. `discounts_told`: whether its discounts are among them, or are to be looked up.
    `attempt`: of a payment that failed, the number of the attempt.
    """

    gateway_event_id: GatewayEventId
    gateway: str
    reference: str
    kind: str
    created_at: datetime
    about: str
    customer: str | None = None
    told_tenant: TenantId | None = None
    terms: Terms | None = None
    discounts_told: bool = True
    attempt: int | None = None


class GatewayEventPlaced(Event, name="billing.gateway_event_placed", version=1):
    """What was told stands in the log of the tenant that it is about."""

    gateway_event_id: GatewayEventId
    tenant_id: TenantId


class GatewayEventSetAside(Event, name="billing.gateway_event_set_aside", version=1):
    """What was told changed nothing, and somebody has to look. `reason`: a code of why."""

    gateway_event_id: GatewayEventId
    reason: str


class GatewayEventTakenUp(Event, name="billing.gateway_event_taken_up", version=1):
    """What was set aside is tried again, because what was in its way is gone."""

    gateway_event_id: GatewayEventId


class GatewayCustomerReserved(Event, name="billing.gateway_customer_reserved", version=1):
    """A customer at the provider is this tenant."""

    gateway: str
    reference: str
    tenant_id: TenantId


class GatewaySubscriptionReserved(Event, name="billing.gateway_subscription_reserved", version=1):
    """A subscription at the provider is this tenant's, by the customer that it was first told of."""

    gateway: str
    reference: str
    customer: str
    tenant_id: TenantId


class Whereabouts(StrEnum):
    """What became of something that was told."""

    WAITING = "waiting"
    PLACED = "placed"
    SET_ASIDE = "set_aside"


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """Something that was told; before it was, there is none of it."""

    told: GatewayEventReceived | None = None
    whereabouts: Whereabouts = Whereabouts.WAITING


GatewayEventEvent: TypeAlias = (
    GatewayEventReceived | GatewayEventPlaced | GatewayEventSetAside | GatewayEventTakenUp
)


def evolve(state: GatewayEvent, event: GatewayEventEvent) -> GatewayEvent:
    """What is known after `event`."""
    match event:
        case GatewayEventReceived():
            return GatewayEvent(event)
        case GatewayEventPlaced():
            return replace(state, whereabouts=Whereabouts.PLACED)
        case GatewayEventSetAside():
            return replace(state, whereabouts=Whereabouts.SET_ASIDE)
        case GatewayEventTakenUp():
            return replace(state, whereabouts=Whereabouts.WAITING)
        case _:
            assert_never(event)


@dataclass(frozen=True, slots=True)
class GatewayCustomer:
    """Whose a customer is, if anybody's."""

    tenant_id: TenantId | None = None


def evolve_customer(_: GatewayCustomer, event: GatewayCustomerReserved) -> GatewayCustomer:
    """Whose it is after `event`."""
    return GatewayCustomer(event.tenant_id)


@dataclass(frozen=True, slots=True)
class GatewaySubscription:
    """Whose a subscription is, if anybody's."""

    tenant_id: TenantId | None = None


def evolve_subscription(_: GatewaySubscription, event: GatewaySubscriptionReserved) -> GatewaySubscription:
    """Whose it is after `event`."""
    return GatewaySubscription(event.tenant_id)


class SubscriptionOfAnother(Refusal):
    """A subscription at the provider is one tenant's, for ever. Look there at who changed its customer."""

    code = "subscription-of-another"


class CustomerOfAnother(Refusal):
    """A customer at the provider is one tenant's, for ever. Make a customer for this tenant."""

    code = "customer-of-another"


class NotSetAside(Refusal):
    """Only what was set aside is taken up again. Nothing is to be done."""

    code = "not-set-aside"


class ReceiveGatewayEvent(
    Command, context="billing", stream="gateway_event", permission=Permission.INTERNAL, internal=True
):
    """Keep what the provider told; told again, it changes nothing."""

    gateway: ShortText
    reference: ShortText
    kind: ShortText
    created_at: Moment
    about: ShortText
    customer: ShortText | None = None
    told_tenant: TenantId | None = None
    terms: Terms | None = None
    discounts_told: bool = True
    attempt: int | None = None


class PlaceGatewayEvent(
    Command, context="billing", stream="gateway_event", permission=Permission.INTERNAL, internal=True
):
    """Say that what was told stands in its tenant's log."""

    tenant_id: TenantId


class SetGatewayEventAside(
    Command, context="billing", stream="gateway_event", permission=Permission.INTERNAL, internal=True
):
    """Say that what was told changed nothing."""

    reason: ShortText


class TakeUpGatewayEvent(
    Command, context="billing", stream="gateway_event", permission=Permission.PLATFORM_BILLING_MANAGE
):
    """Try again what was set aside, once what was in its way is gone."""


class ReserveGatewayCustomer(
    Command, context="billing", stream="gateway_customer", permission=Permission.INTERNAL, internal=True
):
    """Enter whose a customer at the provider is."""

    gateway: ShortText
    reference: ShortText
    tenant_id: TenantId


class ReserveGatewaySubscription(
    Command, context="billing", stream="gateway_subscription", permission=Permission.INTERNAL, internal=True
):
    """Enter whose a subscription at the provider is."""

    gateway: ShortText
    reference: ShortText
    customer: ShortText
    tenant_id: TenantId


GatewayEventCommand: TypeAlias = (
    ReceiveGatewayEvent | PlaceGatewayEvent | SetGatewayEventAside | TakeUpGatewayEvent
)


def decide(command: GatewayEventCommand, state: GatewayEvent) -> tuple[Event, ...]:
    """What a command does to something that was told."""
    event_id = GatewayEventId(command.stamp.target)
    if isinstance(command, ReceiveGatewayEvent):
        if state.told is not None:
            return ()
        received = GatewayEventReceived(
            gateway_event_id=event_id,
            gateway=command.gateway,
            reference=command.reference,
            kind=command.kind,
            created_at=command.created_at,
            about=command.about,
            customer=command.customer,
            told_tenant=command.told_tenant,
            terms=command.terms,
            discounts_told=command.discounts_told,
            attempt=command.attempt,
        )
        return (received,)
    if state.told is None:
        raise NotFound
    waiting = state.whereabouts is Whereabouts.WAITING
    match command:
        case PlaceGatewayEvent():
            if not waiting:
                return ()
            return (GatewayEventPlaced(gateway_event_id=event_id, tenant_id=command.tenant_id),)
        case SetGatewayEventAside():
            return (
                (GatewayEventSetAside(gateway_event_id=event_id, reason=command.reason),) if waiting else ()
            )
        case TakeUpGatewayEvent():
            if state.whereabouts is not Whereabouts.SET_ASIDE:
                raise NotSetAside
            return (GatewayEventTakenUp(gateway_event_id=event_id),)
        case _:
            assert_never(command)


def decide_customer(command: ReserveGatewayCustomer, state: GatewayCustomer) -> tuple[Event, ...]:
    """Whose a customer is from now on."""
    if state.tenant_id == command.tenant_id:
        return ()
    if state.tenant_id is not None:
        raise CustomerOfAnother
    return (
        GatewayCustomerReserved(
            gateway=command.gateway, reference=command.reference, tenant_id=command.tenant_id
        ),
    )


def decide_subscription(command: ReserveGatewaySubscription, state: GatewaySubscription) -> tuple[Event, ...]:
    """Whose a subscription is from now on."""
    if state.tenant_id == command.tenant_id:
        return ()
    if state.tenant_id is not None:
        raise SubscriptionOfAnother
    return (
        GatewaySubscriptionReserved(
            gateway=command.gateway,
            reference=command.reference,
            customer=command.customer,
            tenant_id=command.tenant_id,
        ),
    )


GATEWAY_EVENT: Final[Decider[GatewayEvent]] = Decider(
    category="gateway_event", initial=GatewayEvent(), evolve=evolve, decide=decide
)
GATEWAY_CUSTOMER: Final[Decider[GatewayCustomer]] = Decider(
    category="gateway_customer",
    initial=GatewayCustomer(),
    evolve=evolve_customer,
    decide=decide_customer,
)
GATEWAY_SUBSCRIPTION: Final[Decider[GatewaySubscription]] = Decider(
    category="gateway_subscription",
    initial=GatewaySubscription(),
    evolve=evolve_subscription,
    decide=decide_subscription,
)
