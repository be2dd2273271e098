"""What the provider tells ends in the same ledger, in whatever order it comes, how often, and whoever is killed."""

import os
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import pytest

from application.billing.differing import Difference
from application.billing.reconciling import Reconciling
from application.billing.telling import SUBSCRIPTIONS, thing_id
from application.ports.log import Append, NewEvent
from application.ports.payment_values import GatewayEvent, Line, When
from domain.billing.account_state import Access
from domain.billing.gateway import Whereabouts
from domain.billing.subscription import SubscriptionReported, order_of
from tests.support.stripes import START, at, fake_desk, gateway_at
from tests.support.told import STARTER, TENANT, Books, Remembered, lived

Year = tuple[Remembered, str, list[GatewayEvent]]
ORDERS = int(os.environ.get("PENGUINMAILS_ORDERS", "40"))
"""`PENGUINMAILS_ORDERS=1000 scripts/test tests/integration/billing/test_orders.py` tries a thousand: two minutes."""


@pytest.fixture
async def year() -> Year:
    async with fake_desk() as desk:
        customer, told = await lived(desk)
        gateway = Remembered(desk.gateway)
        books = Books(gateway)
        await books.open(customer)
        await books.hear(told, random.Random(0), 0.0)
        await differing(books)  # all that will be asked for was asked for, while the desk is open
        return gateway, customer, told


async def differing(books: Books) -> tuple[Difference, ...]:
    """How the ledger differs from what the provider has: an expectation that no order of tellings made."""
    reconciling = Reconciling(books.commands, books.gateway)
    found = await reconciling.reconcile(books.workflow(TENANT), repair=False)
    assert found.compared > 0
    return found.differences


async def in_order(books: Books) -> dict[str, list[str]]:
    """What was told of each subscription, in the order in which it holds, by the provider's names for it."""
    facts = [fact for fact in await books.facts() if isinstance(fact, SubscriptionReported)]
    held = defaultdict[str, list[str]](list)
    for fact in sorted(facts, key=order_of):
        held[str(fact.reference)].append(fact.told_as)
    return held


def as_told(told: Sequence[GatewayEvent]) -> dict[str, list[str]]:
    """The same, of each subscription as the provider lists it."""
    listed = defaultdict[str, list[str]](list)
    for event in told:
        if event.type in SUBSCRIPTIONS:
            listed[str(event.object_ref)].append(event.ref)
    return listed


async def test_any_order_any_repetition_and_any_crash_end_in_the_same_ledger(year: Year) -> None:
    gateway, customer, told = year
    straight = Books(gateway)
    await straight.open(customer)
    await straight.hear(told, random.Random(0), 0.0)
    ledger, account = await straight.ledger(), await straight.account()
    names = {fact.partition(" ")[0] for fact in ledger}
    assert names == {
        "billing.subscription_reported",
        "billing.invoice_finalised",
        "billing.invoice_paid",
        "billing.invoice_payment_failed",
        "billing.payment_received",
        "billing.refund_made",
        "billing.refund_failed",
        "billing.dispute_opened",
        "billing.dispute_closed",
        "billing.invoice_voided",
        "billing.invoice_written_off",
    }
    assert account.access is Access.CANCELLED
    assert await in_order(straight) == as_told(told)
    assert len(as_told(told)) > 1
    assert set((await straight.whereabouts(told)).values()) == {Whereabouts.PLACED}
    for seed in range(ORDERS):
        chance = random.Random(seed)
        order = [*told, *chance.choices(told, k=len(told) // 2)]
        chance.shuffle(order)
        books = Books(gateway)
        await books.open(customer)
        await books.hear(order, chance, 0.15)
        assert await books.ledger() == ledger, seed
        after = await books.account()
        assert (after.access, after.entitlements, after.dunning) == (
            account.access,
            account.entitlements,
            account.dunning,
        ), seed
        assert set((await books.whereabouts(told)).values()) == {Whereabouts.PLACED}, seed
        assert await differing(books) == (), seed


async def test_what_a_year_comes_to_leaves_out_what_was_voided_and_what_never_arrived(year: Year) -> None:
    gateway, customer, told = year
    books = Books(gateway)
    await books.open(customer)
    await books.hear(told, random.Random(0), 0.0)
    found = await Reconciling(books.commands, gateway).reconcile(books.workflow(TENANT), repair=False)
    invoices = await gateway.invoices(customer, since=None)
    payments = await gateway.payments(customer=customer, since=None)
    received = [one for one in payments if one.status == "succeeded"]
    refunds = [one for paid in received if paid.refunded for one in await gateway.refunds(payment=paid.ref)]
    assert {one.status for one in invoices} >= {"paid", "void", "uncollectible"}
    assert {one.status for one in refunds} >= {"succeeded", "failed"}
    listed = [one for paid in received if paid.disputed for one in await gateway.disputes(since=paid.created)]
    disputes = {one.ref: one for one in listed}.values()
    assert {one.status for one in disputes} == {"lost", "won"}
    expected = {
        "dispute_fees": sum(one.fee for one in disputes),
        "disputed": sum(one.amount for one in disputes if one.status == "lost"),
        "fees": sum(one.fee for one in received),
        "invoiced": sum(one.total for one in invoices if one.status != "void"),
        "received": sum(one.amount for one in received),
        "refunded": sum(one.amount for one in refunds if one.status == "succeeded"),
    }
    assert [(one.measure, one.currency, one.theirs, one.ours) for one in found.totals] == [
        (measure, "USD", amount, amount) for measure, amount in expected.items()
    ]


class Forgetful(Remembered):
    """A gateway that keeps its list of what happened no longer."""

    async def _events(self, **_: datetime) -> AsyncIterator[GatewayEvent]:
        for event in list[GatewayEvent]():
            yield event


async def test_an_end_is_the_last_of_its_second_though_the_list_is_kept_no_longer() -> None:
    async with fake_desk() as desk:
        customer = await desk.customer(clock=await desk.clock(), tenant=TENANT)
        held = await desk.subscribe(customer, Line(STARTER))
        for quantity in range(2, 14):
            item: Any = {"id": held.items[0].ref, "quantity": quantity}
            await desk.raw.v1.subscriptions.update_async(held.ref, {"items": [item]})
        await desk.gateway.cancel(held.ref, when=When.NOW, key=desk.key())
        told = [event async for event in desk.gateway.events(since=at(START - 86_400))]
        assert len({event.created for event in told}) == 1
        books = Books(Forgetful(desk.gateway))
        await books.open(customer)
        await books.hear(told, random.Random(1), 0.0)
    state = await books.commands.state(TENANT, "subscription", thing_id(TENANT, held.ref))
    assert state.terms.status == "canceled"
    assert len(state.told) == len([event for event in told if event.type in SUBSCRIPTIONS])


async def test_a_fact_that_stands_twice_is_another_ledger(year: Year) -> None:
    """The comparison itself: it would see a payment that was entered twice."""
    gateway, customer, told = year
    books = Books(gateway)
    await books.open(customer)
    await books.hear(told, random.Random(0), 0.0)
    before = await books.ledger()
    assert set(before.values()) == {1}
    row = next(
        row
        for row in await books.log.read_log(TENANT, limit=10_000)
        if row.name == "billing.payment_received"
    )
    again = NewEvent(row.stream, row.name, row.schema_version, row.payload, row.metadata)
    await books.log.append(Append(TENANT, (again,)))
    after = await books.ledger()
    assert after != before
    assert (after - before).total() == 1
    assert set(after) == set(before)


async def test_looking_at_any_moment_tells_no_other_facts_than_looking_at_the_end() -> None:
    """At each moment all that was told until then, in any order, makes one ledger, whenever it was looked up."""
    moments: list[tuple[Remembered, int]] = []
    async with fake_desk() as desk:
        assert desk.fake is not None
        world = desk.fake.world

        async def mark() -> None:
            so_far = [event async for event in desk.gateway.events(since=at(START - 86_400))]
            then = world.copied()
            then.kinds["event"] = dict(world.kinds["event"])
            moments.append((Remembered(gateway_at(then)), len(so_far)))

        customer, told = await lived(desk, mark)
        await mark()
    ledgers = []
    for gateway, count in moments:
        straight = Books(gateway)
        await straight.open(customer)
        await straight.hear(told[:count], random.Random(0), 0.0)
        ledgers.append((await straight.ledger(), (await straight.account()).access))
        assert await differing(straight) == ()
    assert len({len(ledger) for ledger, _ in ledgers}) > 5
    compared = 0
    for seed in range(max(ORDERS // 4, 1)):
        chance, waiting, heard = random.Random(seed), list[GatewayEvent](), 0
        books = Books(moments[0][0])
        await books.open(customer)
        for (gateway, count), expected in zip(moments, ledgers, strict=True):
            books.gateway = gateway
            books.start()
            waiting += told[heard:count]
            heard = count
            chance.shuffle(waiting)
            whole = count == len(told) or chance.random() < 0.4
            now = len(waiting) if whole else chance.randrange(len(waiting) + 1)
            order = [*waiting[:now], *chance.choices(told[:count], k=3)]
            del waiting[:now]
            await books.hear(order, chance, 0.15)
            if whole:
                ledger, access = expected
                assert await books.ledger() == ledger, (seed, count)
                assert (await books.account()).access is access, (seed, count)
                assert await differing(books) == (), (seed, count)
                compared += 1
    assert compared > ORDERS // 4
