"""What the provider tells ends in the same ledger, in whatever order it comes, how often, and whoever is killed."""

import os
import random

import pytest

from application.ports.payment_values import GatewayEvent
from domain.billing.account_state import Access
from domain.billing.gateway import Whereabouts
from tests.support.stripes import fake_desk
from tests.support.told import Books, Remembered, lived

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
        await books.hear(
            told, random.Random(0), 0.0
        )  # asks for all that will be asked for, while the desk is open
        return gateway, customer, told


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
