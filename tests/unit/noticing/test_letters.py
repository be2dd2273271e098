"""What letters say, to whom, when they are no longer worth sending, and how long they are tried."""

from __future__ import annotations

import random  # kills of a test
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from application.ports.delivering import MailTrouble
from domain.billing.account import (
    EnterRetry,
    RemindOfTrial,
    SetOveragePolicy,
    StartTrial,
    SuspendUnpaid,
)
from domain.billing.account_state import Overage
from domain.billing.catalogue import Meter
from domain.billing.invoice import ReportInvoice
from domain.billing.notices import SetNoticePreferences
from domain.billing.usage import ReserveBlock, SettleBlock, Usage, counter_id, month_of
from domain.kernel.ids import BlockId, InvoiceId, MemberId
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import CloseTenant
from tests.support.billed import OWNER, PORTAL, Bills, pause_of
from tests.support.billing import INVOICE, METERED, SUBSCRIPTION, invoiced, item, terms, told
from tests.support.given import NOW, uid
from tests.support.told import TENANT, Crash

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
INVOICED = InvoiceId(INVOICE)
WHY = f"Your portal: {PORTAL}\nYou are sent this because you may see the bills of Agency.\n"


@pytest.fixture
async def bills() -> Bills:
    made = Bills(NOW)
    await made.books.open("cus_1")
    return made


def owed(**more: Any) -> ReportInvoice:
    """The invoice of the tests, with what became of it."""
    fields: dict[str, Any] = {"number": "PM-7", "subscription_id": SUBSCRIPTION, **more}
    return invoiced(14_900, at=NOW - HOUR, **fields)


async def subscribed(bills: Bills) -> None:
    await bills.act(told(terms(item("professional")), at=bills.now - DAY), SUBSCRIPTION)


async def failing(bills: Bills) -> datetime:
    """A payment failed just now."""
    await subscribed(bills)
    await bills.act(owed(failed_attempt=1, failed_at=bills.now), INVOICE)
    return bills.now


def shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


async def test_a_payment_that_fails_again_and_again_until_all_ends(bills: Bills) -> None:
    began = await failing(bills)
    (first,) = await bills.letters()
    assert (first.to, first.subject) == ("owner@agency.example", "Agency: a payment failed")
    assert first.text == (
        "Invoice PM-7 of USD 149.00 could not be collected. Attempt 1 failed.\n"
        f"It is tried again on {shown(began + 3 * DAY)}.\n"
        f"If it is not paid, access is suspended on {shown(began + 7 * DAY)}: everything can then be read, exported "
        "and paid, and nothing changed.\n"
        f"On {shown(began + 14 * DAY)} the subscription would end.\n"
        "Pay the invoice, or see that your payment method is in order.\n\n" + WHY
    )
    bills.now = began + 5 * DAY
    await bills.act(EnterRetry(invoice_id=INVOICED, retry=1))
    (second,) = await bills.letters()
    assert second.text.startswith(
        "Invoice PM-7 of USD 149.00 could not be collected. Attempt 2 failed.\n"
        f"It is tried again on {shown(began + 7 * DAY)}.\n"
    )
    bills.now = began + 7 * DAY
    await bills.act(EnterRetry(invoice_id=INVOICED, retry=2))
    (third,) = await bills.letters()
    assert "Attempt 3 failed.\nIt is not tried again by itself.\n" in third.text
    await bills.act(SuspendUnpaid(invoice_id=INVOICED))
    (suspended,) = await bills.letters()
    assert suspended.subject == "Agency: access is suspended"
    assert suspended.text.startswith(
        f"Invoice PM-7 of USD 149.00 is not paid. Since {shown(bills.now)} everything can be read, exported and paid, "
        f"and nothing changed.\nPaying it opens access again at once. On {shown(began + 14 * DAY)} the subscription "
        "ends.\n"
    )
    bills.now = began + 14 * DAY
    await bills.act(
        told(terms(item("professional"), status="canceled", ended_at=bills.now), as_="evt_2", at=bills.now),
        SUBSCRIPTION,
    )
    (ended,) = await bills.letters()
    assert ended.subject == "Agency: the subscription has ended"
    assert ended.text.startswith(
        f"On {shown(bills.now)} the last subscription ended. Everything can be read and exported, and nothing "
        f"changed.\nWhat is there is kept until {(bills.now + 90 * DAY).date()}. Export what you need"
    )
    assert len({one.message_id for one in bills.mail.taken}) == 5
    assert set(await bills.settled()) == {("sent", None)}


async def test_a_payment_that_was_made_is_told_and_what_was_still_to_be_told_of_it_is_not(
    bills: Bills,
) -> None:
    began = await failing(bills)
    bills.now = began + HOUR
    await bills.act(owed(paid_at=bills.now, amount_paid=14_900), INVOICE)
    (letter,) = await bills.letters()
    assert letter.subject == "Agency: your payment was received"
    assert letter.text == (
        "Invoice PM-7 of USD 149.00 is paid. Nothing is asked for by it any more.\nEverything works.\n\n"
        + WHY
    )
    assert await bills.settled() == [("not_sent", "no_longer_so"), ("sent", None)]


async def test_a_trial_is_spoken_of_before_its_end_and_not_after_it(bills: Bills) -> None:
    await bills.act(StartTrial(plan=Plan.STARTER))
    ends = bills.now + 14 * DAY
    for day in (7, 13):
        bills.now = ends - (14 - day) * DAY
        await bills.act(RemindOfTrial())
        (letter,) = await bills.letters()
        assert letter.subject == f"Agency: your trial ends on {ends.date()}"
        assert letter.text.startswith(f"The trial of the plan Starter ends on {shown(ends)}.\n")
        assert letter.text.endswith(WHY)


async def test_who_subscribed_meanwhile_is_not_told_of_a_trials_end(bills: Bills) -> None:
    await bills.act(StartTrial(plan=Plan.STARTER))
    bills.now += 7 * DAY
    await bills.act(RemindOfTrial())
    await subscribed(bills)
    assert await bills.letters() == []
    assert await bills.settled() == [("not_sent", "no_longer_so")]


async def sent(bills: Bills, used: int) -> None:
    """So many messages of this month, in as many blocks as it takes."""
    period = month_of(bills.now)
    key = counter_id(TENANT, Meter.EMAILS, period)
    while used:
        block = BlockId(uid(0xB000 + bills.steps))
        await bills.act(ReserveBlock(period=period, block_id=block, consumer=uid(1), wanted=used), key)
        usage: Usage = await bills.books.commands.state(TENANT, "usage", key)
        part = usage.blocks[block].amount
        await bills.act(SettleBlock(period=period, block_id=block, used=part), key)
        used -= part


async def test_usage_of_a_month_is_told_with_what_gives_more_and_only_at_its_highest(bills: Bills) -> None:
    await sent(bills, 240)
    (first,) = await bills.letters()
    assert first.subject == "Agency: 80 % of the e-mails of your plan are used"
    assert first.text == (
        f"Used in {month_of(bills.now)} (UTC): 240 of 300 e-mails, that is 80 %.\n"
        "This gives you more:\n"
        "- plan Starter, 10,000 e-mails: USD 49.00 a month\n\n"
        + WHY
        + "Whoever manages billing may turn letters about usage off.\n"
    )
    await sent(bills, 60)
    (last,) = await bills.letters()
    assert "300 of 300 e-mails" in last.text
    assert "\nNo more are sent this month, unless you buy more.\n" in last.text
    assert await bills.settled() == [("sent", None), *[("not_sent", "no_longer_so")] * 2, ("sent", None)]


@pytest.mark.parametrize(
    ("policy", "ceiling", "said", "offers"),
    [
        (
            Overage.BUY,
            2_500,
            "for up to 2,500 more this month (0 of at most 2,500 are bought so far); each 1,000",
            True,
        ),
        (Overage.BUY, None, "for up to 10,000 more this month", True),
        (Overage.BLOCK, None, "No more are sent this month, unless you buy more.", False),
    ],
)
async def test_at_the_limit_it_is_told_what_was_said_of_going_beyond_it(
    bills: Bills, policy: Any, ceiling: int | None, said: str, *, offers: bool
) -> None:
    await bills.act(told(terms(item("starter"), METERED), at=bills.now - DAY), SUBSCRIPTION)
    await bills.act(SetOveragePolicy(meter=Meter.EMAILS, policy=policy, ceiling=ceiling), TENANT)
    for _ in range(5):
        await sent(bills, 2_000)
    (letter,) = await bills.letters()
    assert "10,000 of 10,000 e-mails" in letter.text
    assert said in letter.text
    assert ("This gives you more:" in letter.text) is offers


async def test_what_was_bought_before_the_letter_goes_out_is_in_it(bills: Bills) -> None:
    await bills.act(told(terms(item("starter"), METERED), at=bills.now - DAY), SUBSCRIPTION)
    await bills.act(SetOveragePolicy(meter=Meter.EMAILS, policy=Overage.BUY, ceiling=2_500), TENANT)
    for _ in range(5):
        await sent(bills, 2_000)
    await sent(bills, 1_200)
    (letter,) = await bills.letters()
    assert "for up to 1,300 more this month (1,200 of at most 2,500 are bought so far)" in letter.text


async def test_the_ceiling_of_what_is_bought_is_told_once_when_it_is_reached(bills: Bills) -> None:
    await bills.act(told(terms(item("starter"), METERED), at=bills.now - DAY), SUBSCRIPTION)
    await bills.act(SetOveragePolicy(meter=Meter.EMAILS, policy=Overage.BUY, ceiling=40), TENANT)
    for _ in range(5):
        await sent(bills, 2_000)
    await bills.letters()
    await sent(bills, 39)
    assert await bills.letters() == []
    await sent(bills, 1)
    (letter,) = await bills.letters()
    assert letter.subject == "Agency: 40 e-mails beyond your limit are bought, and no more may be"
    assert letter.text.startswith(
        f"40 e-mails were bought beyond the limit of 10,000 in {month_of(bills.now)} (UTC). "
        "No more may be bought in that month.\n"
        "No more are sent this month, unless you set a higher ceiling or buy more.\n"
        "This gives you more:\n"
    )
    assert "Whoever manages billing may turn letters about usage off." in letter.text
    await bills.act(SetOveragePolicy(meter=Meter.EMAILS, policy=Overage.BUY, ceiling=50), TENANT)
    await sent(bills, 10)
    await bills.act(SetOveragePolicy(meter=Meter.EMAILS, policy=Overage.BUY, ceiling=90), TENANT)
    assert await bills.letters() == []  # it was raised again before it was told
    assert (await bills.settled())[-1] == ("not_sent", "no_longer_so")


async def test_a_limit_that_was_raised_or_a_month_that_is_over_is_told_of_no_more(bills: Bills) -> None:
    await sent(bills, 240)
    (alert,) = await bills.owed()
    bills.now += 9 * DAY  # the next month
    await bills.run(alert)
    await sent(bills, 240)
    await subscribed(bills)
    assert await bills.letters() == []
    assert await bills.settled() == [("not_sent", "too_late"), ("not_sent", "no_longer_so")]


async def test_the_addressees_are_looked_up_in_the_log_whatever_a_view_says(bills: Bills) -> None:
    unknown = MemberId(uid(0x999))
    bills.known.people = [OWNER, OWNER, unknown]
    await failing(bills)
    assert [one.to for one in await bills.letters()] == ["owner@agency.example"]


async def test_a_tenant_that_closed_is_written_to_no_more(bills: Bills) -> None:
    await failing(bills)
    await bills.act(CloseTenant(tenant_slug="agency"))
    assert await bills.letters() == []
    assert await bills.settled() == [("not_sent", "tenant_closed")]


async def test_a_server_that_is_away_is_asked_twice_as_late_each_time_and_hourly_at_most(
    bills: Bills,
) -> None:
    began = await failing(bills)
    bills.mail.trouble = MailTrouble.CERTIFICATE
    (event,) = await bills.owed()
    pauses = list[timedelta]()
    while (pause := await pause_of(lambda: bills.run(event))) is not None:
        pauses.append(pause)
        bills.now += pause
    assert pauses[:4] == [timedelta(minutes=minutes) for minutes in (1, 1, 2, 4)]
    assert max(pauses) == HOUR
    assert bills.now == began + 7 * DAY
    assert await bills.settled() == [("not_sent", "mail_not_taken_over")]
    entered = (await bills.told())[-1]
    assert b'"trouble":"certificate"' in entered.payload


async def test_a_relay_that_denies_everybody_ends_no_letter_before_its_time(bills: Bills) -> None:
    began = await failing(bills)
    (event,) = await bills.owed()
    bills.mail.denied.add("owner@agency.example")
    assert await pause_of(lambda: bills.run(event)) == timedelta(minutes=1)
    bills.now = began + 7 * DAY - HOUR
    assert await pause_of(lambda: bills.run(event)) == HOUR
    assert await bills.settled() == []
    bills.now += HOUR
    assert await pause_of(lambda: bills.run(event)) is None
    assert await bills.settled() == [("not_sent", "mail_not_taken_over")]
    assert b'"trouble":"denied"' in (await bills.told())[-1].payload


async def test_an_address_where_nobody_is_reached_ends_it_at_once_without_a_trouble(bills: Bills) -> None:
    await failing(bills)
    bills.mail.refused.add("owner@agency.example")
    assert await bills.letters() == []
    assert await bills.settled() == [("not_sent", "mail_not_taken_over")]
    entered = orjson.loads((await bills.told())[-1].payload)
    assert entered["trouble"] is None
    assert entered["withheld"] == [{"member_id": str(OWNER), "reason": "refused"}]


@pytest.mark.parametrize("seed", range(20))
async def test_a_process_that_is_killed_at_any_append_leaves_one_letter_each_under_one_id(
    bills: Bills, seed: int
) -> None:
    await failing(bills)
    (event,) = await bills.owed()
    log = bills.books.log
    log.chance, log.often = random.Random(seed), 0.6
    while True:
        try:
            await bills.run(event)
        except Crash:
            bills.books.start()  # a process that knows nothing but the logs
            continue
        break
    log.often = 0.0
    await bills.run(event)
    assert len({(one.to, one.message_id, one.text) for one in bills.mail.taken}) == 1
    assert await bills.settled() == [("sent", None)]
    names = [one.name for one in await bills.told()]
    assert names.count("billing.notice_mailed") == 1


async def test_what_nobody_foresaw_is_tried_again_and_settled_by_the_last_attempt(
    bills: Bills, monkeypatch: pytest.MonkeyPatch
) -> None:
    await failing(bills)
    (event,) = await bills.owed()

    async def broken(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bills.mail, "send", broken)
    with pytest.raises(ZeroDivisionError):
        await bills.run(event)
    assert await bills.settled() == []
    await bills.run(event, last=True)
    assert await bills.settled() == [("not_sent", "error")]


async def test_a_tenant_is_written_to_in_the_language_it_chose(bills: Bills) -> None:
    await bills.act(SetNoticePreferences(usage=True, language="fr"))
    await sent(bills, 240)
    (letter,) = await bills.letters()
    assert letter.subject == "Agency : 80 % des e-mails de votre offre sont utilisés"
    assert "- offre Starter, 10\u00a0000 e-mails : USD 49,00 par mois\n" in letter.text
