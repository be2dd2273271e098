"""What the provider tells ends in the same ledger, in whatever order it comes, how often, and whoever is killed."""

import os
import random

import pytest

from application.billing.differing import Difference
from application.billing.reconciling import Reconciling
from application.billing.telling import SUBSCRIPTIONS
from application.ports.log import Append, NewEvent
from application.ports.payment_values import GatewayEvent
from domain.billing.account_state import Access
from domain.billing.gateway import Whereabouts
from domain.billing.subscription import SubscriptionReported, order_of
from tests.support.stripes import START, at, fake_desk, gateway_at
from tests.support.told import TENANT, Books, Remembered, lived

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


async def in_order(books: Books) -> list[str]:
    """What was told of subscriptions, in the order in which it holds, by the provider's names for it."""
    facts = [fact for fact in await books.facts() if isinstance(fact, SubscriptionReported)]
    return [fact.told_as for fact in sorted(facts, key=order_of)]


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
    }
    assert account.access is Access.CANCELLED
    assert await in_order(straight) == [event.ref for event in told if event.type in SUBSCRIPTIONS]
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
