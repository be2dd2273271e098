"""A comparison names what differs, what cannot be read, what is of somebody else, and what only a person can mend."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from application.billing.placing import ANOTHER_TENANT, NOT_AT_PROVIDER, UNREADABLE
from application.billing.reconciling import Reconciliation, Reconciling
from application.billing.remedies import LOG_SAYS_MORE, next_step
from domain.billing.told import TellingBeyondNow
from tests.support.stripes import START, at
from tests.support.told import TENANT
from tests.support.told_shop import Shop, comes_to, open_told_shop

DAY = timedelta(days=1)


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_told_shop() as opened:
        yield opened


async def test_what_cannot_be_read_is_in_what_all_comes_to(shop: Shop) -> None:
    assert shop.desk.fake is not None
    await shop.to(at(START) + 40 * DAY, lost=("charge.succeeded", "invoice.paid", "invoice.finalized"))
    _, invoice = await shop.desk.gateway.invoices(shop.customer)
    charge = (await shop.desk.gateway.payments(customer=shop.customer))[-1]
    world = shop.desk.fake.world.kinds
    world["invoice"][invoice.ref]["currency"] = "xyz"
    dispute = await shop.desk.control("dispute", charge=charge.ref)
    world["charge"][charge.ref]["currency"] = "xyz"
    world["dispute"][dispute["id"]]["currency"] = "xyz"
    found = await shop.compares()
    assert {(invoice.ref, UNREADABLE), (charge.ref, UNREADABLE)} <= set(found.unrepaired)
    told = comes_to(found)
    assert (told["disputed", "XYZ"], told["dispute_fees", "USD"]) == ((charge.amount, 0), (1_500, 0))
    assert told["invoiced", "XYZ"] == (invoice.total, 0)
    assert told["received", "XYZ"] == (charge.amount, 0)
    fees = sum(one.fee or 0 for one in await shop.desk.gateway.payments(customer=shop.customer))
    assert told["fees", "USD"][0] == fees


async def test_one_thing_that_cannot_be_read_holds_up_no_other(shop: Shop) -> None:
    assert shop.desk.fake is not None
    await shop.to(at(START) + 40 * DAY, lost=("charge.succeeded", "invoice.paid", "invoice.finalized"))
    _, invoice = await shop.desk.gateway.invoices(shop.customer)
    world = shop.desk.fake.world.kinds
    world["invoice"][invoice.ref]["currency"] = "xyz"
    found = await shop.compares()
    assert (invoice.ref, UNREADABLE) in found.unrepaired
    assert len(found.repaired) == 1
    assert {one.reference for one in (await shop.compares()).differences} == {invoice.ref}


def named(found: Reconciliation) -> set[tuple[str, str, Any]]:
    """What we have and the provider has not."""
    assert {(one.field, one.theirs) for one in found.differences} <= {("missing", None)}
    assert found.repaired == ()
    return {(one.kind, one.reference, one.ours) for one in found.differences}


async def test_what_we_have_and_the_provider_has_not_is_named_and_stays(shop: Shop) -> None:
    await shop.to(at(START) + 40 * DAY)
    first, second = await shop.desk.gateway.payments(customer=shop.customer)
    refunds = [
        await shop.desk.gateway.refund(second.ref, amount=amount, key=shop.desk.key())
        for amount in (500, 700)
    ]
    dispute = await shop.desk.control("dispute", charge=second.ref)
    await shop.hear(at(START) - DAY)
    assert (await shop.compares()).differences == ()
    before = await shop.books.facts()
    assert first.invoice is not None
    for kind, ref in (
        ("charge", first.ref),
        ("invoice", first.invoice),
        ("refund", refunds[0].ref),
        ("dispute", dispute["id"]),
    ):
        shop.loses(kind, ref)
    expected = {
        ("payment", first.ref, 4_900),
        ("invoice", first.invoice, 4_900),
        ("refund", refunds[0].ref, 500),
        ("dispute", dispute["id"], "open"),
    }
    found = await shop.compares()
    assert named(found) == expected
    (paid,) = [one for one in found.totals if one.measure == "received"]
    (invoiced,) = [one for one in found.totals if one.measure == "invoiced"]
    assert (paid.difference, invoiced.difference, paid.theirs) == (4_900, 4_900, second.amount)
    assert [one.difference for one in found.totals if one.measure == "refunded"] == [500]
    assert set(found.unrepaired) == {(ref, NOT_AT_PROVIDER) for _, ref, _ in expected}
    assert await shop.books.facts() == before
    recent = await shop.compares(shop.now - 20 * DAY)
    assert named(recent) == {one for one in expected if one[0] in ("refund", "dispute")}


async def test_what_the_provider_has_of_somebody_else_is_named(shop: Shop) -> None:
    assert shop.desk.fake is not None
    (payment,) = await shop.desk.gateway.payments(customer=shop.customer)
    other = await shop.desk.customer()
    for kind, ref in (("charge", payment.ref), ("invoice", payment.invoice or "")):
        shop.desk.fake.world.kinds[kind][ref]["customer"] = other
    found = await shop.compares()
    assert named(found) == {("payment", payment.ref, 4_900), ("invoice", payment.invoice, 4_900)}
    assert {code for _, code in found.unrepaired} == {ANOTHER_TENANT}
    assert other not in repr(found)


async def test_what_was_made_before_the_time_that_is_compared_is_not_missed(shop: Shop) -> None:
    """An invoice waits before it is final: by its dates it is of the time, by the provider's list it is not."""
    assert shop.desk.fake is not None
    await shop.to(at(START) + 40 * DAY)
    _, invoice = await shop.desk.gateway.invoices(shop.customer)
    assert invoice.finalized_at is not None
    shop.desk.fake.world.kinds["invoice"][invoice.ref]["created"] -= 3_600
    since = invoice.finalized_at - timedelta(minutes=1)
    assert await shop.desk.gateway.invoices(shop.customer, since=since) == ()
    assert (await shop.compares(since)).differences == ()
    shop.loses("invoice", invoice.ref)
    assert named(await shop.compares(since)) == {("invoice", invoice.ref, invoice.total)}


async def test_what_the_log_says_more_of_an_invoice_is_not_told_as_repaired(shop: Shop) -> None:
    """Paid here and open there: nothing is entered, so nothing is repaired; what else differs is."""
    assert shop.desk.fake is not None
    (shown,) = await shop.desk.gateway.invoices(shop.customer)
    invoice = shop.desk.fake.world.kinds["invoice"][shown.ref]
    invoice |= {"status": "open", "attempt_count": 0}
    invoice["status_transitions"]["paid_at"] = None
    before = await shop.books.facts()
    found = await shop.compares()
    assert [(one.field, one.theirs, one.ours, one.repaired) for one in found.differences] == [
        ("paid", False, True, False)
    ]
    assert (found.repaired, found.unrepaired) == ((), ((shown.ref, LOG_SAYS_MORE),))
    assert await shop.books.facts() == before
    rows = await shop.books.log.read_log(TENANT, limit=10_000)
    (entered,) = shop.books.codec.decode([row for row in rows if row.name == "billing.reconciled"])
    told = entered.model_dump()
    assert (told["differed"], told["repaired"]) == (1, 0)
    invoice["status"] = "uncollectible"
    invoice["status_transitions"]["marked_uncollectible_at"] = int(shop.now.timestamp())
    found = await shop.compares()
    assert {(one.field, one.repaired) for one in found.differences} == {
        ("paid", False),
        ("uncollectible", True),
    }
    assert (found.repaired, found.unrepaired) == ((), ((shown.ref, LOG_SAYS_MORE),))
    assert "dashboard" in next_step(LOG_SAYS_MORE, TENANT)


async def test_what_has_not_come_by_our_clock_is_not_entered_as_if_it_held(shop: Shop) -> None:
    later, before = at(START) + 40 * DAY, await shop.books.facts()
    await shop.desk.advance(shop.clock, later)
    found = await shop.compares()
    assert {one.kind for one in found.differences} == {"subscription", "invoice", "payment"}
    assert (found.repaired, {code for _, code in found.unrepaired}) == ((), {TellingBeyondNow.code})
    assert await shop.books.facts() == before
    assert "Wait" in next_step(TellingBeyondNow.code, TENANT)
    shop.now = later
    assert (await shop.compares()).unrepaired == ()
    assert (await shop.compares()).differences == ()


async def test_who_only_looks_changes_nothing(shop: Shop) -> None:
    before = await shop.books.log.head(TENANT)
    looked = Reconciling(shop.books.commands, shop.desk.gateway)
    await looked.reconcile(shop.books.workflow(TENANT, 1), repair=False)
    assert await shop.books.log.head(TENANT) == before
