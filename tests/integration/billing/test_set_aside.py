"""What is not ours, or does not hold together, changes no tenant's log; somebody is told why, and can try again."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application.billing.placing import ANOTHER_TENANT, NOT_AT_PROVIDER, UNKNOWN_CUSTOMER
from application.billing.reconciling import Reconciling
from application.ports.payment_values import GatewayEvent, Line, Subscription
from application.workflow import NotYet
from domain.billing.gateway import (
    STRIPE,
    NotSetAside,
    ReserveGatewayCustomer,
    TakeUpGatewayEvent,
    Whereabouts,
    gateway_customer_id,
    gateway_event_id,
)
from domain.kernel.ids import PLATFORM, TenantId
from tests.support.given import uid
from tests.support.stripes import Desk, fake_desk
from tests.support.told import LATER, PROFESSIONAL, STARTER, TENANT, Books

ANOTHER = TenantId(uid(0x999))


async def begun(desk: Desk) -> tuple[Books, str, list[GatewayEvent]]:
    """A tenant with a subscription at the provider, of which nothing was heard yet."""
    customer = await desk.customer(tenant=TENANT)
    await desk.subscribe(customer, Line(STARTER))
    books = Books(desk.gateway)
    await books.open(customer)
    told = [event async for event in desk.gateway.events(since=LATER - timedelta(days=3_000))][::-1]
    return books, customer, told


async def aside(books: Books, event: GatewayEvent) -> str | None:
    """Hear one thing; why it was set aside."""
    before = await books.ledger()
    await books.hear([event], random.Random(0), 0.0)
    target = gateway_event_id(STRIPE, event.ref)
    rows = await books.log.read_log(PLATFORM, limit=10_000)
    reasons = [
        found.reason  # type: ignore[attr-defined]  # this event has one
        for found in books.codec.decode(
            [row for row in rows if row.name == "billing.gateway_event_set_aside"]
        )
        if found.gateway_event_id == target  # type: ignore[attr-defined]  # the same
    ]
    if reasons:
        assert await books.ledger() == before
    return reasons[-1] if reasons else None


def of_kind(told: list[GatewayEvent], kind: str) -> GatewayEvent:
    return next(event for event in told if event.type == kind)


async def test_a_customer_that_nobody_here_is_is_set_aside_and_taken_up_once_it_is_known() -> None:
    async with fake_desk() as desk:
        books, _, told = await begun(desk)
        event = replace(of_kind(told, "customer.subscription.created"), customer="cus_of_nobody")
        assert await aside(books, event) == UNKNOWN_CUSTOMER
        target = gateway_event_id(STRIPE, event.ref)
        up = books.workflow(PLATFORM, 7)
        await up.execute(TakeUpGatewayEvent(), target, key="up")
        with pytest.raises(NotSetAside):
            await up.execute(TakeUpGatewayEvent(), target, key="up again")
        await books.placing.place(books.workflow(PLATFORM, 8), target)
        assert (await books.whereabouts([event]))[event.ref] is Whereabouts.SET_ASIDE
        known = ReserveGatewayCustomer(gateway=STRIPE, reference="cus_of_nobody", tenant_id=TENANT)
        await up.execute(known, gateway_customer_id(STRIPE, "cus_of_nobody"), key="known", opens_log=True)
        await up.execute(TakeUpGatewayEvent(), target, key="up at last")
        await books.placing.place(books.workflow(PLATFORM, 9), target)
        assert (await books.whereabouts([event]))[event.ref] is Whereabouts.PLACED
        assert any("billing.subscription_reported" in fact for fact in await books.ledger())


async def test_a_payment_whose_invoice_is_known_later_is_of_it_then() -> None:
    class Late:
        """A provider that does not tell yet which invoice a payment is for."""

        def __init__(self, gateway: Any) -> None:
            self._gateway = gateway
            self.knows = False

        def __getattr__(self, name: str) -> Any:
            return getattr(self._gateway, name)

        async def payment(self, ref: str) -> Any:
            found = await self._gateway.payment(ref)
            return found if self.knows else replace(found, invoice=None)

    async with fake_desk() as desk:
        books, _, told = await begun(desk)
        books.gateway = late = Late(desk.gateway)
        books.start()
        event = of_kind(told, "charge.succeeded")
        assert await aside(books, event) is None
        late.knows = True
        assert await aside(books, replace(event, ref="evt_again")) is None
        (fact,) = [one for one in await books.facts() if one.name == "billing.payment_assigned"]
        await books.hear(told, random.Random(0), 0.0)
        (invoice,) = [one for one in await books.facts() if one.name == "billing.invoice_paid"]
        assert fact.model_dump()["invoice_id"] == invoice.model_dump()["invoice_id"]


async def test_what_names_another_tenant_than_its_customer_is_set_aside() -> None:
    async with fake_desk() as desk:
        books, _, told = await begun(desk)
        event = of_kind(told, "customer.subscription.created")
        assert isinstance(event.snapshot, Subscription)
        other = replace(event, snapshot=replace(event.snapshot, tenant_id=ANOTHER))
        assert await aside(books, other) == ANOTHER_TENANT


@pytest.mark.parametrize("kind", ["invoice.finalized", "invoice.paid", "charge.succeeded", "charge.refunded"])
async def test_what_is_told_of_another_tenants_customer_enters_nobodys_log(kind: str) -> None:
    """Whose an invoice or a payment is, it shows itself; what is told of it besides has to agree."""
    async with fake_desk() as desk:
        books, customer, _ = await begun(desk)
        others = await desk.customer(tenant=ANOTHER)
        await books.open(others, ANOTHER)
        (payment,) = await desk.gateway.payments(customer=customer)
        await desk.gateway.refund(payment.ref, amount=100, key=desk.key())
        told = [event async for event in desk.gateway.events(since=LATER - timedelta(days=3_000))]
        event = of_kind(told, kind)
        assert event.customer == customer
        before = await books.log.head(ANOTHER)
        for named, ref in ((others, "evt_other"), ("cus_of_nobody", "evt_nobody")):
            reason = await aside(books, replace(event, ref=ref, customer=named))
            assert reason == (ANOTHER_TENANT if named == others else UNKNOWN_CUSTOMER)
            assert await books.log.head(ANOTHER) == before
            assert await books.ledger() == await books.ledger(ANOTHER) == Counter()
        assert await aside(books, event) is None
        assert await books.ledger()
        assert await books.log.head(ANOTHER) == before


async def test_a_subscription_whose_customer_was_swapped_enters_nobodys_log() -> None:
    """Its notes may name nobody: whose it is, the customer says that it was first told of."""
    async with fake_desk() as desk:
        books, _, told = await begun(desk)
        others = await desk.customer(tenant=ANOTHER)
        await books.open(others, ANOTHER)
        event = of_kind(told, "customer.subscription.created")
        assert isinstance(event.snapshot, Subscription)
        unnamed = replace(event, snapshot=replace(event.snapshot, tenant_id=None))
        assert await aside(books, unnamed) is None
        before = await books.log.head(ANOTHER)
        swapped = replace(unnamed, ref="evt_swapped", customer=others)
        assert await aside(books, swapped) == ANOTHER_TENANT
        assert await books.log.head(ANOTHER) == before
        assert desk.fake is not None
        assert event.object_ref is not None
        desk.fake.world.kinds["subscription"][event.object_ref]["customer"] = others
        reconciling = Reconciling(books.commands, desk.gateway)
        found = await reconciling.reconcile(books.workflow(ANOTHER, 1), repair=True)
        assert found.unrepaired == ((event.object_ref, ANOTHER_TENANT),)
        facts = [one for one in await books.log.read_log(ANOTHER, limit=100) if "subscription" in one.name]
        assert facts == []


async def test_a_subscription_that_nobody_reserved_is_its_tenants_once_it_was_compared() -> None:
    """It stands in a log since before whose it is was entered, or was found by looking, and never told."""
    async with fake_desk() as desk:
        books, _, told = await begun(desk)
        others = await desk.customer(tenant=ANOTHER)
        await books.open(others, ANOTHER)
        reconciling = Reconciling(books.commands, desk.gateway)
        found = await reconciling.reconcile(books.workflow(TENANT, 1), repair=True)
        assert found.unrepaired == ()
        event = of_kind(told, "customer.subscription.created")
        assert isinstance(event.snapshot, Subscription)
        swapped = replace(event, customer=others, snapshot=replace(event.snapshot, tenant_id=None))
        assert await aside(books, swapped) == ANOTHER_TENANT
        assert [one for one in await books.log.read_log(ANOTHER, limit=100) if "scription" in one.name] == []


async def test_a_subscription_whose_notes_name_another_tenant_is_nobodys_by_looking() -> None:
    async with fake_desk() as desk:
        customer = await desk.customer(tenant=TENANT)
        held = await desk.subscribe(customer, Line(STARTER), metadata={"tenant_id": str(ANOTHER)})
        books = Books(desk.gateway)
        await books.open(customer)
        found = await Reconciling(books.commands, desk.gateway).reconcile(
            books.workflow(TENANT, 1), repair=True
        )
        assert (held.ref, ANOTHER_TENANT) in found.unrepaired
        assert [one for one in await books.facts() if one.name == "billing.subscription_reported"] == []


async def test_a_price_that_is_none_of_ours_is_set_aside() -> None:
    async with fake_desk() as desk:
        books, _, told = await begun(desk)
        event = of_kind(told, "customer.subscription.created")
        assert isinstance(event.snapshot, Subscription)
        strange = replace(event.snapshot.items[0], price=None, kind=None, of=None)
        assert (
            await aside(books, replace(event, snapshot=replace(event.snapshot, items=(strange,))))
            == "price-unknown"
        )
        cheaper = replace(event.snapshot.items[0], unit_amount=1)
        other = replace(event, ref="evt_2", snapshot=replace(event.snapshot, items=(cheaper,)))
        assert await aside(books, other) == "price-unknown"


async def test_currencies_that_are_mixed_in_one_subscription_are_set_aside() -> None:
    async with fake_desk() as desk:
        books, _, told = await begun(desk)
        event = of_kind(told, "customer.subscription.created")
        assert isinstance(event.snapshot, Subscription)
        assert (
            await aside(books, replace(event, snapshot=replace(event.snapshot, currency="EUR")))
            == "price-unknown"
        )


async def test_what_the_provider_does_not_have_is_set_aside() -> None:
    async with fake_desk() as desk:
        books, _, told = await begun(desk)
        assert (
            await aside(books, replace(of_kind(told, "invoice.paid"), object_ref="in_of_nobody"))
            == NOT_AT_PROVIDER
        )


async def test_a_refund_above_its_payment_is_set_aside() -> None:
    class Lying:
        """A provider that gives back more than it took."""

        def __init__(self, gateway: Any) -> None:
            self._gateway = gateway

        def __getattr__(self, name: str) -> Any:
            return getattr(self._gateway, name)

        async def refunds(self, **asked: Any) -> Any:
            found = await self._gateway.refunds(**asked)
            return tuple(replace(one, amount=one.amount * 10) for one in found)

    async with fake_desk() as desk:
        books, customer, _ = await begun(desk)
        (payment,) = await desk.gateway.payments(customer=customer)
        await desk.gateway.refund(payment.ref, amount=4_000, key=desk.key())
        told = [event async for event in desk.gateway.events(since=LATER - timedelta(days=3_000))]
        books.gateway = Lying(desk.gateway)
        books.start()
        assert await aside(books, of_kind(told, "charge.refunded")) == "refund-above-payment"


async def test_what_is_to_come_waits() -> None:
    async with fake_desk() as desk:
        books, _, told = await begun(desk)
        event = replace(of_kind(told, "customer.subscription.created"), created=LATER + timedelta(hours=1))
        with pytest.raises(NotYet):
            await books.hear([event], random.Random(0), 0.0)
        assert (await books.whereabouts([event]))[event.ref] is Whereabouts.WAITING


async def test_what_is_nothing_to_us_is_not_kept() -> None:
    async with fake_desk() as desk:
        books, _, told = await begun(desk)
        event = replace(of_kind(told, "invoice.paid"), type="customer.updated")
        assert not await books.placing.receive(books.workflow(PLATFORM), event)
        assert await books.whereabouts([event]) == {}


async def test_a_subscription_is_told_of_the_moment_and_not_of_now() -> None:
    """What it is now, it became by something else, which is told by itself."""
    async with fake_desk() as desk:
        books, customer, told = await begun(desk)
        (subscription,) = await desk.gateway.subscriptions(customer)
        await desk.raw.v1.subscriptions.update_async(
            subscription.ref,
            {"items": [{"id": subscription.items[0].ref, "price": (await price(desk, PROFESSIONAL))}]},
        )
        await books.hear(
            [event for event in told if event.type.startswith("customer.subscription")], random.Random(0), 0.0
        )
        entitled = (await books.account()).entitlements
        assert entitled is not None
        assert entitled.plan == "starter"


async def price(desk: Desk, ours: str) -> str:
    found = await desk.raw.v1.prices.list_async({"lookup_keys": [ours]})
    return str(found.data[0].id)
