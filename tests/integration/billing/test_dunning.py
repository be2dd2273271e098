"""An invoice that is not paid: tried again on days 3, 5, 7, suspended on day 7, ended on day 14; and a trial's end."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from application.billing.jobs import BillingJobs
from application.billing.telling import invoice_told
from application.ports.payment_values import Line
from application.workflow import NotYet
from domain.billing.account import StartTrial
from domain.billing.account_state import Access, Account
from domain.kernel.ids import PLATFORM, InvoiceId
from domain.tenancy.plans import Plan
from tests.support.stripes import START, Desk, at, fake_desk
from tests.support.told import STARTER, TENANT, Books

DAY = timedelta(days=1)


class Time:
    """A clock of commands that a test moves."""

    def __init__(self, moment: datetime) -> None:
        self.now = moment

    def __call__(self) -> datetime:
        return self.now


class Debtor:
    """A tenant whose card failed at the turn of its first cycle, at `since`; provider and log at one moment."""

    def __init__(self, desk: Desk, books: Books, clock: str, time: Time) -> None:
        self.desk, self.books, self.clock, self.time = desk, books, clock, time
        self.heard: set[str] = set()
        self.since = time.now

    @property
    def jobs(self) -> BillingJobs:
        return BillingJobs(self.books.commands, self.desk.gateway)

    async def to(self, moment: datetime) -> None:
        """Let time pass, at the provider too, and hear what it tells."""
        self.time.now = moment
        await self.desk.advance(self.clock, moment)
        told = [event async for event in self.desk.gateway.events(since=at(START) - DAY)][::-1]
        new = [event for event in told if event.ref not in self.heard and event.created <= moment]
        self.heard |= {event.ref for event in new}
        await self.books.hear(new, random.Random(0), 0.0)

    async def account(self) -> Account:
        found: Account = await self.books.account()
        return found

    async def invoice(self) -> InvoiceId:
        (found,) = (await self.account()).dunning
        return found


@pytest.fixture
async def debtor() -> AsyncIterator[Debtor]:
    async with fake_desk() as desk:
        await desk.control("settings", retry_days=[])  # so that nobody but us tries again
        clock = await desk.clock()
        customer = await desk.customer(clock=clock, tenant=TENANT)
        await desk.subscribe(customer, Line(STARTER))
        time = Time(at(START))
        books = Books(desk.gateway, clock=time)
        await books.open(customer)
        found = Debtor(desk, books, clock, time)
        await found.to(at(START) + DAY)
        assert (await found.account()).access is Access.ACTIVE
        await desk.card(customer, "pm_card_chargeCustomerFail")
        await found.to(at(START) + 29 * DAY)
        (began,) = (await found.account()).dunning.values()
        found.since = began.began_at
        yield found


async def test_nobody_pays(debtor: Debtor) -> None:
    invoice, inside = await debtor.invoice(), debtor.books.workflow(TENANT, 1)
    assert (await debtor.account()).access is Access.PAST_DUE
    for number, day in enumerate((3, 5, 7), 1):
        with pytest.raises(NotYet):
            await debtor.jobs.retry(debtor.books.workflow(TENANT, number), invoice)
        await debtor.to(debtor.since + day * DAY)
        await debtor.jobs.retry(debtor.books.workflow(TENANT, number), invoice)
        assert (await debtor.account()).dunning[invoice].retries == number
    shown = await debtor.desk.gateway.invoice(await reference(debtor, invoice))
    assert shown.attempts == 4
    await debtor.jobs.suspend(inside, invoice)
    assert (await debtor.account()).access is Access.SUSPENDED
    with pytest.raises(NotYet):
        await debtor.jobs.give_up(inside, invoice)
    await debtor.to(debtor.since + 14 * DAY)
    await debtor.jobs.give_up(inside, invoice)
    account = await debtor.account()
    assert (account.access, account.dunning) == (Access.CANCELLED, {})
    (subscription,) = await debtor.desk.gateway.subscriptions(
        account.customer.reference if account.customer else ""
    )
    assert subscription.status == "canceled"
    await debtor.jobs.give_up(inside, invoice)
    await debtor.to(debtor.since + 15 * DAY)
    assert (await debtor.account()).access is Access.CANCELLED


async def reference(debtor: Debtor, invoice: UUID) -> str:
    state = await debtor.books.commands.state(TENANT, "invoice", invoice)
    return str(state.finalised.reference)


@pytest.mark.parametrize("day", [3, 7])
async def test_a_card_that_is_mended_is_charged_by_the_next_attempt(debtor: Debtor, day: int) -> None:
    invoice = await debtor.invoice()
    await debtor.to(debtor.since + day * DAY)
    if day == 7:
        await debtor.jobs.suspend(debtor.books.workflow(TENANT, 9), invoice)
    account = await debtor.account()
    assert account.customer is not None
    await debtor.desk.card(account.customer.reference, "pm_card_visa")
    await debtor.jobs.retry(debtor.books.workflow(TENANT, 1), invoice)
    account = await debtor.account()
    assert account.dunning == {}
    await debtor.to(debtor.since + day * DAY + timedelta(minutes=1))
    assert (await debtor.account()).access is Access.ACTIVE
    await debtor.jobs.suspend(debtor.books.workflow(TENANT, 2), invoice)
    assert (await debtor.account()).access is Access.ACTIVE


async def test_the_provider_that_is_about_to_try_by_itself_is_left_to_it(debtor: Debtor) -> None:
    invoice = await debtor.invoice()
    await debtor.to(debtor.since + 3 * DAY)
    ref = await reference(debtor, invoice)
    assert debtor.desk.fake is not None
    debtor.desk.fake.world.kinds["invoice"][ref]["next_payment_attempt"] = (
        int(debtor.time.now.timestamp()) + 60
    )
    before = (await debtor.desk.gateway.invoice(ref)).attempts
    await debtor.jobs.retry(debtor.books.workflow(TENANT, 1), invoice)
    assert (await debtor.desk.gateway.invoice(ref)).attempts == before
    assert (await debtor.account()).dunning[invoice].retries == 1


@pytest.mark.parametrize(("day", "retries", "next_day"), [(4, 1, 5), (6, 2, 7), (8, 3, None)])
async def test_retries_of_the_provider_that_are_heard_of_together_count_each(
    debtor: Debtor, day: int, retries: int, next_day: int | None
) -> None:
    invoice = await debtor.invoice()
    ref = await reference(debtor, invoice)
    assert debtor.desk.fake is not None
    debtor.desk.fake.world.settings["retry_days"] = [3, 5, 7]
    first = int((debtor.since + 3 * DAY).timestamp())
    debtor.desk.fake.world.kinds["invoice"][ref]["next_payment_attempt"] = first
    await debtor.to(debtor.since + day * DAY)
    assert (await debtor.desk.gateway.invoice(ref)).attempts == 1 + retries
    await debtor.jobs.retry(debtor.books.workflow(TENANT, 1), invoice)
    dunned = (await debtor.account()).dunning[invoice]
    following = None if next_day is None else debtor.since + next_day * DAY
    assert (dunned.retries, dunned.retry_at) == (retries, following)


async def test_a_trial_is_spoken_of_and_ends() -> None:
    async with fake_desk(wares=False) as desk:
        time = Time(at(START))
        books = Books(desk.gateway, clock=time)
        await books.open("cus_1")
        jobs = BillingJobs(books.commands, None)
        inside = books.workflow(TENANT, 1)
        await inside.execute(StartTrial(plan=Plan.STARTER), TENANT, key="trial")
        with pytest.raises(NotYet):
            await jobs.remind_of_trial(inside, TENANT, 1)
        for position, day in ((1, 7), (2, 13)):
            time.now = at(START) + day * DAY
            await jobs.remind_of_trial(inside, TENANT, position)
        with pytest.raises(NotYet):
            await jobs.end_trial(inside, TENANT)
        time.now = at(START) + 14 * DAY
        await jobs.end_trial(inside, TENANT)
        assert (await books.account()).access is Access.EXPIRED
        names = [row.name for row in await books.log.read_log(TENANT, limit=100)]
        assert names.count("billing.trial_reminded") == 2
        assert await books.log.head(PLATFORM) is not None


async def test_who_worked_at_nothing_for_days_makes_up_for_nothing(debtor: Debtor) -> None:
    invoice = await debtor.invoice()
    ref = await reference(debtor, invoice)
    await debtor.to(debtor.since + 6 * DAY)
    await debtor.jobs.retry(debtor.books.workflow(TENANT, 1), invoice)
    dunned = (await debtor.account()).dunning[invoice]
    assert (dunned.retries, dunned.retry_at) == (1, debtor.since + 7 * DAY)
    await debtor.to(debtor.since + 15 * DAY)
    await debtor.jobs.retry(debtor.books.workflow(TENANT, 2), invoice)
    dunned = (await debtor.account()).dunning[invoice]
    assert (dunned.retries, dunned.retry_at) == (2, None)
    assert (await debtor.desk.gateway.invoice(ref)).attempts == 3
    await debtor.jobs.suspend(debtor.books.workflow(TENANT, 3), invoice)
    assert (await debtor.account()).access is Access.PAST_DUE, "the end is due as well, and is told alone"
    await debtor.jobs.give_up(debtor.books.workflow(TENANT, 4), invoice)
    assert (await debtor.account()).access is Access.CANCELLED


async def test_an_earlier_failure_that_becomes_known_begins_nothing_anew(debtor: Debtor) -> None:
    invoice = await debtor.invoice()
    for number, day in enumerate((3, 5), 1):
        await debtor.to(debtor.since + day * DAY)
        await debtor.jobs.retry(debtor.books.workflow(TENANT, number), invoice)
    shown = await debtor.desk.gateway.invoice(await reference(debtor, invoice))
    earlier = debtor.since - timedelta(hours=1)
    told = invoice_told(TENANT, shown, failed_at=earlier)
    assert told is not None
    late = told.model_copy(update={"failed_attempt": 99})
    await debtor.books.workflow(TENANT, 7).execute(late, invoice, key="late")
    dunned = (await debtor.account()).dunning[invoice]
    assert (dunned.began_at, dunned.retries, dunned.retry_at) == (earlier, 2, earlier + 7 * DAY)
    for number in (8, 9):
        await debtor.to(debtor.since + (number - 1) * DAY)
        await debtor.jobs.retry(debtor.books.workflow(TENANT, number), invoice)
    assert (await debtor.account()).dunning[invoice].retries == 3


async def test_a_trial_that_was_not_spoken_of_in_time_is_spoken_of_once() -> None:
    async with fake_desk(wares=False) as desk:
        time = Time(at(START))
        books = Books(desk.gateway, clock=time)
        await books.open("cus_1")
        jobs = BillingJobs(books.commands, None)
        inside = books.workflow(TENANT, 1)
        await inside.execute(StartTrial(plan=Plan.STARTER), TENANT, key="trial")
        time.now = at(START) + 13 * DAY + timedelta(hours=2)
        await jobs.remind_of_trial(inside, TENANT, 1)
        trial = (await books.account()).trial
        assert trial is not None
        assert trial.remind_at is None
        await jobs.remind_of_trial(inside, TENANT, 2)
        names = [row.name for row in await books.log.read_log(TENANT, limit=100)]
        assert names.count("billing.trial_reminded") == 1


async def test_without_a_provider_what_needs_it_waits(debtor: Debtor) -> None:
    invoice = await debtor.invoice()
    await debtor.to(debtor.since + 3 * DAY)
    with pytest.raises(NotYet):
        await BillingJobs(debtor.books.commands, None).retry(debtor.books.workflow(TENANT, 1), invoice)
