"""Customers at the provider that are nobody's here: named with what they paid, whoever else has customers there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.compared import of_nobody
from application.billing.remedies import UNCLAIMED
from application.billing.totals import in_words_of_theirs
from application.billing.unclaimed import Unclaimed, strangers
from application.ports.payment_values import Line
from tests.support.given import uid
from tests.support.stripes import Desk, fake_desk
from tests.support.told import STARTER, TENANT, Books

NOBODY = uid(0x910)


async def made(desk: Desk, noted: str | None) -> str:
    """A customer by no clock, with a card that pays."""
    notes: Any = {} if noted is None else {"metadata": {"tenant_id": noted}}
    customer = (await desk.raw.v1.customers.create_async(notes)).id
    await desk.card(customer, "pm_card_visa")
    return customer


def sums(of: Unclaimed) -> dict[tuple[str, str], tuple[int, int]]:
    return {(one.measure, one.currency): (one.theirs, one.ours) for one in of.totals if one.theirs}


async def test_what_a_customer_of_nobody_paid_is_named_with_whose_it_was_to_be() -> None:
    async with fake_desk() as desk:
        ours, stranger, other = (
            await made(desk, str(TENANT)),
            await made(desk, str(NOBODY)),
            await made(desk, None),
        )
        for customer in (ours, stranger, other):
            await desk.subscribe(customer, Line(STARTER))
        (payment,) = await desk.gateway.payments(customer=stranger)
        await desk.gateway.refund(payment.ref, amount=900, key=desk.key())
        books = Books(desk.gateway)
        await books.open(ours)
        before = await books.log.head(TENANT)

        found = await strangers(books.commands, desk.gateway)
        (one,) = found.unclaimed
        assert (one.reference, one.noted, one.subscriptions, found.others) == (stranger, str(NOBODY), 1, 1)
        assert sums(one) == {
            ("invoiced", "USD"): (4_900, 0),
            ("received", "USD"): (4_900, 0),
            ("refunded", "USD"): (900, 0),
            ("fees", "USD"): (payment.fee, 0),
        }
        assert in_words_of_theirs(one.totals) == (
            "fees 1.72 USD, invoiced 49.00 USD, received 49.00 USD, refunded 9.00 USD"
        )
        (told,) = of_nobody(found)["unclaimed"]
        received = {
            "measure": "received",
            "currency": "USD",
            "theirs": 4_900,
            "ours": 0,
            "difference": -4_900,
        }
        assert received in told["totals"]
        assert told["next"] == UNCLAIMED
        assert await books.log.head(TENANT) == before


async def test_for_one_tenant_those_that_were_made_for_it_are_named_alone() -> None:
    async with fake_desk() as desk:
        first, second, edited = (
            await made(desk, str(NOBODY).upper()),
            await made(desk, str(TENANT)),
            await made(desk, "Agency"),
        )
        await made(desk, None)
        books = Books(desk.gateway)

        async def named(of: UUID | None) -> tuple[set[str], int]:
            found = await strangers(books.commands, desk.gateway, of)
            return {one.reference for one in found.unclaimed}, found.others

        assert await named(None) == ({first, second, edited}, 1)
        assert await named(NOBODY) == ({first}, 0)
        assert await named(TENANT) == ({second}, 0)
        assert await named(uid(0x911)) == (set(), 0)
        (paid_nothing,) = (await strangers(books.commands, desk.gateway, NOBODY)).unclaimed
        assert (paid_nothing.subscriptions, in_words_of_theirs(paid_nothing.totals)) == (0, "no money")
        await desk.raw.v1.customers.delete_async(first)
        assert await named(NOBODY) == (set(), 0)


async def test_what_a_bank_took_back_of_a_customer_of_nobody_and_drafts_are_told_apart() -> None:
    async with fake_desk() as desk:
        stranger = await made(desk, str(NOBODY))
        await desk.subscribe(stranger, Line(STARTER))
        (payment,) = await desk.gateway.payments(customer=stranger)
        await desk.control("dispute", charge=payment.ref)
        await desk.control("settings", draft_seconds=40 * 86_400)
        await desk.control("skip", seconds=31 * 86_400)
        assert [one.status for one in await desk.gateway.invoices(stranger)] == ["paid", "draft"]
        (one,) = (await strangers(Books(desk.gateway).commands, desk.gateway)).unclaimed
        assert (sums(one)["invoiced", "USD"], sums(one)["received", "USD"]) == ((4_900, 0), (4_900, 0))
        assert (sums(one)["disputed", "USD"], sums(one)["dispute_fees", "USD"]) == ((4_900, 0), (1_500, 0))
