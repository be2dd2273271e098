"""What the provider told, entered in the log of the tenant that it is about: once, whenever it comes.

The telling waits in the platform's log. A job finds whose it is, looks at the thing itself where its present state
tells all that became of it, and enters it. Whatever is not ours, or does not hold together, is set aside with a reason
and changes no tenant's log.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from application.billing.telling import (
    ENDS,
    INVOICES,
    LAST,
    PAYMENTS,
    SUBSCRIPTIONS,
    invoice_told,
    payment_told,
    received,
    subscription_told,
    thing_id,
)
from application.contention import TooMuchContention
from application.ports.payment_values import Subscription
from application.ports.payments import NotAtProvider
from application.workflow import NotYet
from domain.billing.gateway import (
    STRIPE,
    GatewayCustomer,
    GatewayEvent,
    GatewaySubscription,
    PlaceGatewayEvent,
    ReserveGatewaySubscription,
    SetGatewayEventAside,
    SubscriptionOfAnother,
    Whereabouts,
    gateway_customer_id,
    gateway_event_id,
    gateway_subscription_id,
)
from domain.billing.subscription import ReportSubscription
from domain.billing.terms import ItemKind
from domain.billing.told import TellingBeyondNow
from domain.kernel.errors import Refusal
from domain.kernel.ids import PLATFORM, TenantId

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from application.commanding import Commands
    from application.ports.payment_values import GatewayEvent as ShownEvent
    from application.ports.payments import PaymentGateway
    from application.workflow import Workflow
    from domain.billing.gateway import GatewayEventReceived
    from domain.billing.terms import Discount, Terms
    from domain.kernel.commands import Command

UNKNOWN_CUSTOMER: Final = "unknown-customer"
ANOTHER_TENANT: Final = "another-tenant"
NOT_AT_PROVIDER: Final = "not-at-provider"
UNREADABLE: Final = "unreadable"
_SOON: Final = timedelta(minutes=1)
_LISTED_AFTER: Final = timedelta(minutes=10)
"""So long the provider's list may lack what it has told already."""
_A_CYCLE: Final = timedelta(days=32)
"""What is billed by use is billed by the month."""
_CLOSED: Final = "charge.dispute.closed"


class _OfAnother(Exception):
    """What was told names one tenant, and the thing itself, or what the provider noted on it, is another's."""


class Placing:
    """Receives what is told, and enters it."""

    def __init__(self, commands: Commands, payments: PaymentGateway) -> None:
        """Act through `commands`; look at things with `payments`."""
        self._commands = commands
        self._payments = payments

    async def receive(self, workflow: Workflow, event: ShownEvent) -> bool:
        """Keep something that was told, durably, in the platform's log; whether it is anything to us."""
        command = received(event)
        if command is None:
            return False
        target = gateway_event_id(command.gateway, command.reference)
        await workflow.execute(command, target, key=f"gateway-event/{target}", opens_log=True)
        return True

    async def place(self, workflow: Workflow, event_id: UUID) -> None:
        """Enter what was received. Raises `NotYet` where the provider's clock is ahead, or a payment not settled."""
        state: GatewayEvent = await self._commands.state(PLATFORM, "gateway_event", event_id)
        if state.told is None or state.whereabouts is not Whereabouts.WAITING:
            return
        told = state.told
        try:
            tenant_id = await self._whose(told)
            if tenant_id is None:
                await self._aside(workflow, event_id, UNKNOWN_CUSTOMER)
                return
            inside = workflow.in_tenant(tenant_id)
            entered = await self._command(told, tenant_id)
            if entered is not None:
                command, target = entered
                if isinstance(command, ReportSubscription) and told.customer is not None:
                    await own(self._commands, workflow, told.about, told.customer, tenant_id)
                await inside.execute(command, target, key=step(told.reference, command))
        except (TellingBeyondNow, TooMuchContention):
            raise NotYet(_SOON) from None
        except ValidationError:
            await self._aside(workflow, event_id, UNREADABLE)
            return
        except (_OfAnother, SubscriptionOfAnother):
            await self._aside(workflow, event_id, ANOTHER_TENANT)
            return
        except NotAtProvider:
            await self._aside(workflow, event_id, NOT_AT_PROVIDER)
            return
        except Refusal as refusal:
            await self._aside(workflow, event_id, refusal.code)
            return
        key = f"gateway-event/{event_id}/placed"
        await workflow.execute(PlaceGatewayEvent(tenant_id=tenant_id), event_id, key=key)

    async def _aside(self, workflow: Workflow, event_id: UUID, reason: str) -> None:
        # The job is the key's: what is taken up again can be set aside again.
        key = f"gateway-event/{event_id}/aside/{workflow.workflow_id}"
        await workflow.execute(SetGatewayEventAside(reason=reason), event_id, key=key)

    async def _whose(self, told: GatewayEventReceived) -> TenantId | None:
        customer = told.customer
        if customer is None and told.kind in PAYMENTS:
            customer = (await self._payments.payment(told.about)).customer
        return None if customer is None else await tenant_of(self._commands, told.gateway, customer)

    async def _checked(self, told: GatewayEventReceived, customer: str | None, tenant_id: TenantId) -> None:
        """Let nothing into a tenant's log whose customer, as the thing itself is shown, is another's or nobody's."""
        if customer == told.customer:
            return
        if customer is None or await tenant_of(self._commands, told.gateway, customer) != tenant_id:
            raise _OfAnother

    async def _command(self, told: GatewayEventReceived, tenant_id: TenantId) -> tuple[Command, UUID] | None:
        """What is to be entered, and where; None: nothing yet."""
        if told.told_tenant not in (None, tenant_id):
            raise _OfAnother
        target = thing_id(tenant_id, told.about)
        if told.kind in SUBSCRIPTIONS:
            second = await self._second_of(told)
            discounts = None if told.discounts_told else await self._discounts(told, second)
            command = subscription_told(told, self._rank(told, second), discounts)
            customer = told.customer or ""
            terms = await with_use(self._payments, customer, told.about, command.terms, told.created_at)
            return command.model_copy(update={"terms": terms}), target
        if told.kind in INVOICES:
            invoice = await self._payments.invoice(told.about)
            await self._checked(told, invoice.customer, tenant_id)
            entered = invoice_told(tenant_id, invoice, told)
            return None if entered is None else (entered, target)
        payment = await self._payments.payment(told.about)
        await self._checked(told, payment.customer, tenant_id)
        refunds = await self._payments.refunds(payment=told.about)
        disputes = await self._payments.disputes(since=payment.created) if payment.disputed else ()
        own = [one for one in disputes if one.payment == told.about]
        closed = {one.ref: told.created_at for one in own} if told.kind == _CLOSED else {}
        shown = payment_told(tenant_id, payment, refunds, own, closed)
        if shown is None:
            if payment.status == "failed":
                return None
            raise NotYet(_SOON)
        return shown, target

    async def _second_of(self, told: GatewayEventReceived) -> list[ShownEvent]:
        """What was told of the same subscription in the same second, newest first."""
        moment = told.created_at
        return [
            event
            async for event in self._payments.events(since=moment, until=moment)
            if event.object_ref == told.about and event.type in SUBSCRIPTIONS
        ]

    async def _discounts(self, told: GatewayEventReceived, second: list[ShownEvent]) -> tuple[Discount, ...]:
        """The discounts of then: events tell their ids alone. Those of now, where the event is listed no more."""
        shown = next((event.snapshot for event in second if event.ref == told.reference), None)
        if not isinstance(shown, Subscription):
            return (await self._payments.subscription(told.about)).discounts
        return await self._payments.discounts(told.about, shown.discount_refs)

    def _rank(self, told: GatewayEventReceived, second: list[ShownEvent]) -> int:
        """Where it stands among what was told of the same subscription in the same second.

        Times of events are whole seconds, in which a subscription is often made, paid and changed; the list of them is
        in order. What comes later in the second changes no place of what came before.
        """
        if told.kind == ENDS:
            return LAST
        same = [event.ref for event in second]
        if told.reference in same:
            return len(same) - 1 - same.index(told.reference)
        if self._commands.clock() - told.created_at < _LISTED_AFTER:
            raise NotYet(_SOON)
        return 0  # longer ago than the provider keeps its list


async def with_use(
    payments: PaymentGateway, customer: str, reference: str, terms: Terms, at: datetime
) -> Terms:
    """Terms with what use cost in the cycle that had ended last at a moment: no subscription tells that by itself.

    It is what the line of an invoice says, before discounts; 0 as long as no cycle has ended. Raises `PaymentsError`s.
    """
    if not any(item.kind == ItemKind.METERED for item in terms.items):
        return terms
    lines = [
        line
        for invoice in await payments.invoices(customer, since=at - _A_CYCLE)
        if invoice.subscription == reference
        for line in invoice.lines
        if line.kind == ItemKind.METERED and line.period_end <= at
    ]
    last = {line.price: line.amount for line in sorted(lines, key=lambda line: line.period_end)}
    items = tuple(
        item.model_copy(update={"unit_amount": last.get(item.price, 0)})
        if item.kind == ItemKind.METERED
        else item
        for item in terms.items
    )
    return terms.model_copy(update={"items": items})


async def tenant_of(commands: Commands, gateway: str, customer: str) -> TenantId | None:
    """Whose a customer at the provider is, if anybody's."""
    target = gateway_customer_id(gateway, customer)
    state: GatewayCustomer = await commands.state(PLATFORM, "gateway_customer", target)
    return state.tenant_id


async def owner_of(commands: Commands, gateway: str, subscription: str) -> TenantId | None:
    """Whose a subscription at the provider is, if anybody's: by the customer that it was first told of."""
    target = gateway_subscription_id(gateway, subscription)
    state: GatewaySubscription = await commands.state(PLATFORM, "gateway_subscription", target)
    return state.tenant_id


async def own(
    commands: Commands, workflow: Workflow, subscription: str, customer: str, tenant_id: TenantId
) -> None:
    """Enter in the platform's log whose a subscription is, where nobody has. Raises `SubscriptionOfAnother`."""
    if await owner_of(commands, STRIPE, subscription) == tenant_id:
        return
    reserve = ReserveGatewaySubscription(
        gateway=STRIPE, reference=subscription, customer=customer, tenant_id=tenant_id
    )
    target = gateway_subscription_id(STRIPE, subscription)
    key = f"gateway-subscription/{target}/{tenant_id}"
    await workflow.in_tenant(PLATFORM).execute(reserve, target, key=key, opens_log=True)


def step(reference: str, command: Command) -> str:
    """The key of a step that enters what is shown now: shown otherwise later, it is another step."""
    return f"gateway/{reference}/{sha256(command.model_dump_json().encode()).hexdigest()}"
