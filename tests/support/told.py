"""A tenant's year at the payment provider, and logs into which what it told is entered in any order."""

from __future__ import annotations

import random  # orders and crashes of a test
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import application.handlers  # noqa: F401 - the handlers register themselves
from adapters.eventstore.codec import JsonCodec
from adapters.eventstore.memory import MemoryLog
from adapters.keys.maker import CoalescedKeys
from adapters.keys.memory import MemoryKeyStore
from application.billing.placing import Placing
from application.commanding import Clock, Commands
from application.ports.payment_values import GatewayEvent, Line, When
from application.unit import Streams
from application.workflow import Because, Workflow
from domain.billing.account import LinkCustomer
from domain.billing.gateway import (
    STRIPE,
    ReserveGatewayCustomer,
    Whereabouts,
    gateway_customer_id,
    gateway_event_id,
)
from domain.kernel.events import Event
from domain.kernel.ids import PLATFORM, MemberId, TenantId, WorkspaceId
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import OpenTenant
from tests.support.given import uid
from tests.support.stripes import START, Desk, at

TENANT: Final = TenantId(uid(0x900))
LATER: Final = datetime(2027, 6, 1, tzinfo=UTC)
"""When all is told: nothing of it is to come."""
STARTER: Final = "2026-01/starter/month/usd"
PROFESSIONAL: Final = "2026-01/professional/month/usd"
USERS: Final = "2026-01/user/month/usd"
FACTS: Final = (
    "billing.subscription_reported",
    "billing.invoice_finalised",
    "billing.invoice_paid",
    "billing.invoice_payment_failed",
    "billing.invoice_voided",
    "billing.invoice_written_off",
    "billing.payment_received",
    "billing.payment_assigned",
    "billing.refund_made",
    "billing.refund_failed",
    "billing.dispute_opened",
    "billing.dispute_closed",
)


class Remembered:
    """A gateway that asks another once for each thing: what it is asked about changes no more."""

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway
        self._known: dict[tuple[str, str], Any] = {}
        self.livemode = False

    async def _events(self, *, since: datetime, until: datetime) -> AsyncIterator[GatewayEvent]:
        key = ("events", repr((since, until)))
        if key not in self._known:
            found = self._gateway.events(since=since, until=until)
            self._known[key] = [event async for event in found]
        for event in self._known[key]:
            yield event

    def __getattr__(self, name: str) -> Any:
        if name == "events":
            return self._events

        async def asked(*arguments: Any, **named: Any) -> Any:
            key = (name, repr((arguments, named)))
            if key not in self._known:
                self._known[key] = await getattr(self._gateway, name)(*arguments, **named)
            return self._known[key]

        return asked


Mark: TypeAlias = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    """Nobody looks."""


async def lived(desk: Desk, mark: Mark = _nothing) -> tuple[str, list[GatewayEvent]]:
    """A year: a trial, upgrades and downgrades, a card that fails and is mended, refunds, disputes, the end.

    One dispute is lost and one won, one invoice is written off and one voided. The customer, and all that was told of
    it, in its order. `mark` is called now and then, to look at how it is.
    """
    clock = await desk.clock()
    customer = await desk.customer(clock=clock, tenant=TENANT)
    subscription = await desk.subscribe(
        customer, Line(STARTER), trial_period_days=14, discounts=[{"coupon": "launch-20"}]
    )
    now = START

    async def later(days: int) -> None:
        nonlocal now
        now += days * 86_400
        await desk.advance(clock, at(now))
        await mark()

    await mark()
    await later(20)
    for quantity in (2, 3, 1, 2):  # within one second: their order is told by the provider's list alone
        item: Any = {"id": subscription.items[0].ref, "quantity": quantity}
        await desk.raw.v1.subscriptions.update_async(subscription.ref, {"items": [item]})
    await mark()
    await later(40)
    await desk.card(customer, "pm_card_chargeCustomerFail")
    await later(16)
    await desk.card(customer, "pm_card_visa")
    await later(10)
    payments = [one for one in await desk.gateway.payments(customer=customer) if one.status == "succeeded"]
    await desk.gateway.refund(payments[0].ref, amount=900, key=desk.key())
    failing = await desk.gateway.refund(payments[0].ref, amount=100, key=desk.key())
    await mark()
    await desk.control("refund", refund=failing.ref)
    lost, won = [(await desk.control("dispute", charge=one.ref))["id"] for one in payments[:-3:-1]]
    await mark()
    await desk.raw.v1.disputes.close_async(lost)
    evidence: Any = {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}
    await desk.raw.v1.disputes.update_async(won, evidence)
    await mark()
    await desk.card(customer, "pm_card_chargeCustomerFail")
    await later(45)
    await desk.gateway.cancel(subscription.ref, when=When.NOW, key=desk.key())
    await mark()
    unpaid = (await desk.raw.v1.invoices.list_async({"customer": customer, "status": "open"})).data
    for invoice in unpaid:
        await desk.raw.v1.invoices.mark_uncollectible_async(str(invoice.id))
    await desk.card(customer, "pm_card_chargeCustomerFail")
    again = await desk.subscribe(customer, Line(STARTER))
    await mark()
    await desk.raw.v1.invoices.void_invoice_async(again.latest_invoice or "")
    await later(5)
    told = [event async for event in desk.gateway.events(since=at(START - 86_400))]
    return customer, told[::-1]


class Crash(Exception):
    """The process was killed."""


class Killed(MemoryLog):
    """A log whose process dies at some appends: before they are durable, or after."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.chance = random.Random(0)
        self.often = 0.0

    async def append(self, request: Any) -> Any:
        dies = self.chance.random() < self.often
        if dies and self.chance.random() < 0.5:
            raise Crash
        appended = await super().append(request)
        if dies:
            raise Crash
        return appended


@dataclass
class Books:
    """A platform and a tenant whose logs are in memory."""

    gateway: Any
    clock: Clock = lambda: LATER

    def __post_init__(self) -> None:
        self.log = Killed(self.clock)
        keys = MemoryKeyStore()
        self.codec = JsonCodec(keys)
        self._keys = keys
        self.start()

    def start(self) -> None:
        """A process that knows nothing but the logs."""
        streams = Streams(self.log, self.codec, self._keys)
        self.commands = Commands(
            self.log, self.codec, self._keys, CoalescedKeys(self.codec.ring), streams, self.clock
        )
        self.placing = Placing(self.commands, self.gateway)

    def workflow(self, tenant_id: UUID, number: int = 0) -> Workflow:
        return Workflow(self.commands, tenant_id, uid(0x1000 + number), Because(uid(1)))

    async def open(self, customer: str, tenant_id: TenantId = TENANT) -> None:
        """The tenant, whose customer it is."""
        opening = OpenTenant(
            name="Agency",
            tenant_slug="agency",
            plan=Plan.FREE,
            workspace_id=WorkspaceId(uid(0x901)),
            owner_id=MemberId(uid(0x902)),
            owner_email="owner@agency.example",
            owner_name="Olga",
        )
        inside = self.workflow(tenant_id)
        await inside.execute(opening, tenant_id, key="open", opens_log=True)
        link = LinkCustomer(gateway=STRIPE, reference=customer, live=False)
        await inside.execute(link, tenant_id, key="linked")
        reserve = ReserveGatewayCustomer(gateway=STRIPE, reference=customer, tenant_id=tenant_id)
        target = gateway_customer_id(STRIPE, customer)
        await self.workflow(PLATFORM).execute(reserve, target, key=f"reserved/{tenant_id}", opens_log=True)

    async def hear(self, told: Sequence[GatewayEvent], chance: random.Random, often: float) -> None:
        """Receive and place all of it in this order; who is killed begins again, as the provider and jobs do."""
        self.log.chance, self.log.often = chance, often
        waiting: list[UUID] = []
        for event in told:
            while True:
                try:
                    kept = await self.placing.receive(self.workflow(PLATFORM), event)
                except Crash:
                    self.start()
                    continue
                break
            target = gateway_event_id(STRIPE, event.ref)
            if kept and target not in waiting:
                waiting.append(target)
            while waiting and chance.random() < 0.6:
                await self._place(waiting.pop(chance.randrange(len(waiting))))
        while waiting:
            await self._place(waiting.pop(chance.randrange(len(waiting))))
        self.log.often = 0.0

    async def _place(self, target: UUID) -> None:
        number = target.int % 1_000_003
        while True:
            try:
                await self.placing.place(self.workflow(PLATFORM, number), target)
            except Crash:
                self.start()
                continue
            return

    async def ledger(self, tenant_id: UUID = TENANT) -> Counter[str]:
        """The facts that stand in the tenant's log, in no order, and how often each does."""
        facts = await self.facts(tenant_id)
        return Counter(f"{event.name} {event.model_dump_json()}" for event in facts)

    async def facts(self, tenant_id: UUID = TENANT) -> list[Event]:
        """The facts that stand in the tenant's log, in its order."""
        rows = [row for row in await self.log.read_log(tenant_id, limit=10_000) if row.name in FACTS]
        return list(self.codec.decode(rows))

    async def account(self, tenant_id: UUID = TENANT) -> Any:
        return await self.commands.state(tenant_id, "billing_account", tenant_id)

    async def whereabouts(self, told: Sequence[GatewayEvent]) -> dict[str, Whereabouts]:
        """What became of each thing that was told."""
        found = {}
        for event in told:
            state = await self.commands.state(PLATFORM, "gateway_event", gateway_event_id(STRIPE, event.ref))
            if state.told is not None:
                found[event.ref] = state.whereabouts
        return found
