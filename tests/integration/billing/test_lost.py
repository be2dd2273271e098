"""What is never told, told by a clock that is ahead, or told while others write: looking it up mends it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from application.billing.jobs import BillingJobs
from application.billing.work import BillingWork
from application.contention import TooMuchContention
from application.jobs import Job
from application.ports.payment_values import When
from application.ports.payments import PaymentsUnavailable
from application.workflow import NotYet
from domain.billing.account_state import Access
from domain.billing.gateway import STRIPE, Whereabouts, gateway_event_id
from domain.billing.payment import DisputeClosed, PaymentAssigned
from domain.kernel.ids import PLATFORM
from domain.tenancy.tenant import CloseTenant
from tests.support.given import uid
from tests.support.stripes import START, at
from tests.support.told import TENANT, Books
from tests.support.told_shop import Shop, comes_to, open_told_shop

DAY = timedelta(days=1)


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_told_shop() as opened:
        yield opened


async def test_an_end_that_was_lost_is_found_though_our_clock_is_ahead(shop: Shop) -> None:
    shop.ahead = timedelta(minutes=1)
    await shop.desk.card(shop.customer, "pm_card_visa")
    assert (await shop.compares()).differences == ()
    before = shop.now
    quantity: Any = {
        "items": [{"id": (await shop.desk.gateway.subscription(shop.subscription)).items[0].ref}]
    }
    quantity["items"][0]["quantity"] = 2
    await shop.desk.raw.v1.subscriptions.update_async(shop.subscription, quantity)
    found = await shop.compares()
    assert len(found.repaired) >= 1
    # What differs is told as JSON has it, not as Python writes it.
    told = json.loads(json.dumps([asdict(one) for one in found.differences]))
    (items,) = [one for one in told if one["field"] == "items"]
    assert [
        (one["quantity"], other["quantity"])
        for one, other in zip(items["theirs"], items["ours"], strict=True)
    ] == [(2, 1)]
    await shop.desk.gateway.cancel(shop.subscription, when=When.NOW, key=shop.desk.key())
    await shop.hear(before)
    await shop.compares()
    assert (await shop.account()).access is Access.CANCELLED
    assert (await shop.compares()).differences == ()


async def test_an_invoice_that_was_taken_back_unheard_suspends_nobody(shop: Shop) -> None:
    await shop.desk.control("settings", retry_days=[], after_retries="past_due")
    await shop.desk.card(shop.customer, "pm_card_chargeCustomerFail")
    await shop.to(at(START) + 30 * DAY)
    (invoice,) = (await shop.account()).dunning
    shown = (await shop.desk.gateway.invoices(shop.customer))[-1]
    await shop.desk.raw.v1.invoices.void_invoice_async(shown.ref)
    await shop.compares()
    assert (await shop.account()).dunning == {}
    await BillingJobs(shop.books.commands, shop.desk.gateway).suspend(shop.books.workflow(TENANT, 1), invoice)
    assert (await shop.account()).access is not Access.SUSPENDED
    assert (await shop.compares()).differences == ()


async def test_a_failure_that_was_never_told_is_asked_for_all_the_same(shop: Shop) -> None:
    await shop.desk.control("settings", retry_days=[])
    await shop.desk.card(shop.customer, "pm_card_chargeCustomerFail")
    await shop.to(at(START) + 30 * DAY, lost=("invoice.payment_failed",))
    assert (await shop.account()).dunning == {}
    found = await shop.compares()
    assert ("invoice", "failed") in {(one.kind, one.field) for one in found.differences}
    (dunning,) = (await shop.account()).dunning.values()
    assert at(START) + 28 * DAY - DAY < dunning.began_at <= shop.now
    assert (await shop.account()).access is Access.PAST_DUE
    assert (await shop.compares()).differences == ()


async def test_a_refund_that_failed_unheard_is_undone(shop: Shop) -> None:
    (payment,) = await shop.desk.gateway.payments(customer=shop.customer)
    refund = await shop.desk.gateway.refund(payment.ref, key=shop.desk.key())
    await shop.hear(at(START) - DAY)
    await shop.desk.control("refund", refund=refund.ref)
    found = await shop.compares()
    assert [(one.field, one.theirs, one.ours) for one in found.differences] == [("refunded", 0, 4900)]
    assert (await shop.compares()).differences == ()
    assert [one.name for one in await shop.books.facts()][-2:] == [
        "billing.refund_made",
        "billing.refund_failed",
    ]
    again = await shop.desk.gateway.refund(payment.ref, key=shop.desk.key())
    assert again.amount == 4_900
    await shop.hear(at(START) - DAY)
    assert (await shop.compares()).differences == ()


@pytest.mark.parametrize("evidence", ["winning_evidence", "losing_evidence"])
async def test_a_dispute_whose_end_was_never_told_is_ended(shop: Shop, evidence: str) -> None:
    await shop.to(at(START) + 40 * DAY)
    (_, payment) = await shop.desk.gateway.payments(customer=shop.customer)
    dispute = await shop.desk.control("dispute", charge=payment.ref)
    await shop.hear(at(START) - DAY)
    assert (await shop.compares()).differences == ()
    text: Any = {"evidence": {"uncategorized_text": evidence}, "submit": True}
    await shop.desk.raw.v1.disputes.update_async(dispute["id"], text)
    found = await shop.compares()
    back = [("payment", payment.ref, "disputed", 0, 4_900)] if evidence == "winning_evidence" else []
    assert [(one.kind, one.reference, one.field, one.theirs, one.ours) for one in found.differences] == [
        ("payment", payment.ref, "disputes_ended", 1, 0),
        *back,
    ]
    left = 0 if back else 4_900
    assert comes_to(found)["disputed", "USD"] == (left, 4_900)
    assert comes_to(found)["dispute_fees", "USD"] == (1_500, 1_500)
    assert found.repaired == (payment.ref,)
    closed = (await shop.books.facts())[-1]
    assert isinstance(closed, DisputeClosed)
    assert closed.outcome == ("won" if evidence == "winning_evidence" else "lost")
    assert closed.closed_at == shop.now
    before = await shop.books.facts()
    await shop.hear(at(START) - DAY)  # told late, it is known already
    assert await shop.books.facts() == before
    after = await shop.compares()
    assert (after.differences, comes_to(after)["disputed", "USD"]) == ((), (left, left))


async def test_what_a_bank_took_back_unheard_is_in_a_sum_and_named(shop: Shop) -> None:
    (payment,) = await shop.desk.gateway.payments(customer=shop.customer)
    dispute = await shop.desk.control("dispute", charge=payment.ref)
    await shop.desk.raw.v1.disputes.close_async(dispute["id"])
    found = await shop.compares()
    assert {(one.field, one.theirs, one.ours) for one in found.differences} == {
        ("disputes", 1, 0),
        ("disputes_ended", 1, 0),
        ("disputed", 4_900, 0),
        ("dispute_fees", 1_500, 0),
    }
    assert (comes_to(found)["disputed", "USD"], comes_to(found)["dispute_fees", "USD"]) == (
        (4_900, 0),
        (1_500, 0),
    )
    again = await shop.compares()
    assert again.differences == ()
    assert (comes_to(again)["disputed", "USD"], comes_to(again)["dispute_fees", "USD"]) == (
        (4_900, 4_900),
        (1_500, 1_500),
    )


async def test_what_a_bank_only_asks_about_takes_nothing_back(shop: Shop) -> None:
    assert shop.desk.fake is not None
    (payment,) = await shop.desk.gateway.payments(customer=shop.customer)
    dispute = await shop.desk.control("dispute", charge=payment.ref)
    asked = shop.desk.fake.world.kinds["dispute"][dispute["id"]]
    moved = asked["balance_transactions"]
    asked |= {"status": "warning_needs_response", "balance_transactions": []}
    found = await shop.compares()
    assert (found.differences, comes_to(found)["disputed", "USD"]) == ((), (0, 0))
    asked |= {"status": "needs_response", "balance_transactions": moved}
    assert (await shop.compares()).repaired == (payment.ref,)
    assert comes_to(await shop.compares())["disputed", "USD"] == (4_900, 4_900)


async def test_a_payment_whose_invoice_was_not_known_when_it_was_told_is_assigned(shop: Shop) -> None:
    assert shop.desk.fake is not None
    before = shop.now
    await shop.to(at(START) + 40 * DAY, lost=("charge.succeeded",))
    links = shop.desk.fake.world.kinds["invoice_payment"]
    kept = dict(links)
    links.clear()
    await shop.hear(before)
    links.update(kept)
    payment = (await shop.desk.gateway.payments(customer=shop.customer))[-1]
    found = await shop.compares()
    assert [(one.kind, one.reference, one.field, one.ours) for one in found.differences] == [
        ("payment", payment.ref, "invoice_id", None)
    ]
    assert found.repaired == (payment.ref,)
    assert isinstance((await shop.books.facts())[-1], PaymentAssigned)
    assert (await shop.compares()).differences == ()


async def test_a_tenant_that_closes_is_charged_no_more(shop: Shop) -> None:
    inside = shop.books.workflow(TENANT, 1)
    await inside.execute(CloseTenant(tenant_slug="agency"), TENANT, key="close")
    await BillingJobs(shop.books.commands, shop.desk.gateway).end_all(inside)
    assert (await shop.desk.gateway.subscription(shop.subscription)).status == "canceled"
    charged = len(await shop.desk.gateway.payments(customer=shop.customer))
    await shop.to(at(START) + 70 * DAY)
    assert len(await shop.desk.gateway.payments(customer=shop.customer)) == charged


async def test_a_provider_that_is_away_is_waited_for(shop: Shop) -> None:
    class Away:
        """Whatever is asked, nobody is there."""

        livemode = False

        def __getattr__(self, name: str) -> Any:
            async def asked(*_: Any, **__: Any) -> None:
                raise PaymentsUnavailable("nobody answers")

            return asked

    gateway: Any = Away()
    work = BillingWork(shop.books.commands, shop.books.codec, gateway)
    (row,) = await shop.books.log.read_log(TENANT, limit=1)
    job = Job(uid(1), TENANT, 1, "gateway.reconcile", TENANT)
    with pytest.raises(NotYet):
        await work.by_name["gateway.reconcile"](job, row, shop.books.workflow(TENANT, 1), lambda: False)


async def test_what_meets_others_that_write_is_tried_again_and_not_set_aside(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [event async for event in shop.desk.gateway.events(since=at(START) - DAY)]
    event = next(one for one in told if one.type == "invoice.paid")
    books = Books(shop.desk.gateway, clock=lambda: shop.now)
    await books.open(shop.customer)
    await books.placing.receive(books.workflow(PLATFORM), event)
    target: UUID = gateway_event_id(STRIPE, event.ref)

    async def busy(*_: Any, **__: Any) -> None:
        raise TooMuchContention

    with monkeypatch.context() as patched:
        patched.setattr(type(books.placing), "_command", busy)
        with pytest.raises(NotYet):
            await books.placing.place(books.workflow(PLATFORM, 1), target)
    assert (await books.whereabouts([event]))[event.ref] is Whereabouts.WAITING
    await books.placing.place(books.workflow(PLATFORM, 1), target)
    assert (await books.whereabouts([event]))[event.ref] is Whereabouts.PLACED
