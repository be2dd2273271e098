"""Messages of a month, counted in blocks: never more than the plan has, and exact at the end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from application.block_ledger import LogLedger, settle_by_log
from application.blocks import FIRST, HELD, IDLE, Blocks
from application.ports.log import Append, Appended, LogUnavailable, OutcomeUnknown
from application.workflow import Because, Workflow
from domain.audience.authorisation import AlreadyDispatched, AuthoriseMessage, DispatchMessage
from domain.billing.account import SetOveragePolicy
from domain.billing.account_state import Overage
from domain.billing.catalogue import Meter
from domain.billing.usage import LimitReached, Usage, month_of
from domain.kernel.ids import MessageId
from tests.support.billing import METERED, item, terms, told
from tests.support.given import uid
from tests.support.limited import dispatched, limit, somebody, used, write
from tests.support.office import Office, open_office


@dataclass(slots=True)
class SetClock:
    """Stands still, and is moved by hand."""

    moment: datetime

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
async def office() -> Office:
    """An office in the United States, which may write to people there."""
    return await open_office("US")


async def emails(office: Office) -> Usage:
    return await used(
        office.log,
        office.commands,
        office.principal.tenant_id,
        Meter.EMAILS,
        office.commands.clock(),
    )


async def gone(office: Office) -> int:
    return await dispatched(office.log, office.principal.tenant_id)


async def test_every_message_of_the_plan_goes_and_not_one_more(office: Office) -> None:
    await limit(office, emails=50)
    who = await somebody(office)
    for _ in range(50):
        await write(office, who)
    with pytest.raises(LimitReached) as refused:
        await write(office, who)
    assert refused.value.extra["limit"] == 50
    assert await gone(office) == 50
    await office.commands.blocks.close()
    state = await emails(office)
    assert (state.used, state.blocks) == (50, {})


async def test_senders_that_come_at_once_share_blocks_and_pass_no_limit(office: Office) -> None:
    await limit(office, emails=40)
    people = [await somebody(office) for _ in range(60)]
    told = await asyncio.gather(*(write(office, who) for who in people), return_exceptions=True)
    assert sum(isinstance(one, LimitReached) for one in told) == 20
    assert await gone(office) == 40
    await office.commands.blocks.close()
    assert (await emails(office)).used == 40


def another(office: Office) -> Blocks:
    """The blocks of another process over the same log; those of the first one are not closed: it was killed."""
    return Blocks(LogLedger(office.commands))


async def test_a_block_of_a_process_that_was_killed_is_settled_once_and_exactly(office: Office) -> None:
    await limit(office, emails=80)
    who, tenant = await somebody(office), office.principal.tenant_id
    for _ in range(3):
        await write(office, who)
    (block_id,) = before = (await emails(office)).blocks
    assert before[block_id].amount == 10
    killed, office.commands.blocks = office.commands.blocks, another(office)
    period, workflow = (
        month_of(office.commands.clock()),
        Workflow(office.commands, tenant, uuid4(), Because(uuid4())),
    )
    for _ in range(2):
        await settle_by_log(office.commands, workflow, period, block_id, 0)
        state = await emails(office)
        assert (state.used, state.blocks) == (3, {})
    # It was only asleep: what it held is not used any more, and it sends all the same, from a new block.
    office.commands.blocks = killed
    await write(office, who)
    await killed.close()
    state = await emails(office)
    assert (state.used, state.blocks, await gone(office)) == (4, {}, 4)


async def test_a_message_of_which_nobody_knows_is_counted_by_the_log(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await limit(office, emails=80)
    who = await somebody(office)
    append, faults = office.log.append, iter([OutcomeUnknown("lost"), None, LogUnavailable("away")])

    async def faulty(request: Append) -> Appended:
        if not any(event.name == "audience.message_dispatched" for event in request.events):
            return await append(request)
        fault = next(faults, None)
        if isinstance(fault, LogUnavailable):
            raise fault
        answer = await append(request)
        if fault is not None:
            raise fault
        return answer

    monkeypatch.setattr(office.log, "append", faulty)
    with pytest.raises(OutcomeUnknown):
        await write(office, who)
    await write(office, who)
    with pytest.raises(LogUnavailable):
        await write(office, who)
    await office.commands.blocks.close()
    assert ((await emails(office)).used, await gone(office)) == (2, 2)


async def test_what_does_not_go_is_given_back(office: Office) -> None:
    await limit(office, emails=80)
    who = await somebody(office)
    first = await write(office, who)
    again = office.order(DispatchMessage(message_id=first, workspace_id=office.workspace), who)
    with pytest.raises(AlreadyDispatched):
        await office.commands.execute(again)
    message, key = MessageId(uuid4()), "once"
    await office.do(AuthoriseMessage(message_id=message, workspace_id=office.workspace), who)
    dispatch = DispatchMessage(message_id=message, workspace_id=office.workspace)
    assert not (await office.do(dispatch, who, key)).replayed
    assert (await office.do(dispatch, who, key)).replayed
    await office.commands.blocks.close()
    assert (await emails(office)).used == 2


async def test_without_a_limit_nothing_is_counted_until_there_is_one(office: Office) -> None:
    await limit(office)
    who = await somebody(office)
    for _ in range(3):
        await write(office, who)
    assert await emails(office) == Usage()
    await limit(office, emails=5)
    for _ in range(2):
        await write(office, who)
    with pytest.raises(LimitReached):
        await write(office, who)
    # Without one again, a month that is counted is counted to its end.
    await limit(office)
    for _ in range(2):
        await write(office, who)
    await office.commands.blocks.close()
    assert ((await emails(office)).used, await gone(office)) == (7, 7)


async def test_a_dry_run_takes_nothing_and_knows_the_limit(office: Office) -> None:
    await limit(office, emails=1)
    who, message = await somebody(office), MessageId(uuid4())
    dispatch = DispatchMessage(message_id=message, workspace_id=office.workspace)
    await office.do(AuthoriseMessage(message_id=message, workspace_id=office.workspace), who)
    assert (await office.commands.rehearse(office.order(dispatch, who))).rehearsed
    assert await emails(office) == Usage()
    await write(office, who)
    with pytest.raises(LimitReached):
        await office.commands.rehearse(office.order(dispatch, who))


async def test_each_month_begins_anew_and_a_block_of_the_last_is_not_used_in_it() -> None:
    clock = SetClock(datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC))
    office = await open_office("US", clock)
    await limit(office, emails=30)
    who = await somebody(office)
    await write(office, who)
    clock.moment += timedelta(seconds=2)
    for _ in range(30):
        await write(office, who)
    with pytest.raises(LimitReached):
        await write(office, who)
    await office.commands.blocks.close()
    assert (await emails(office)).used == 30
    clock.moment -= timedelta(seconds=2)
    assert ((await emails(office)).used, (await emails(office)).blocks) == (1, {})


async def test_what_lies_idle_is_given_back_and_what_is_held_for_long_too(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.blocks._LOOKS", 0.001)
    moment = [0.0]
    office.commands.blocks = Blocks(LogLedger(office.commands), lambda: moment[0])
    await limit(office, emails=1_000)
    who = await somebody(office)
    await write(office, who)
    assert (await emails(office)).committed == FIRST
    moment[0] = IDLE
    async with asyncio.timeout(5):
        while (await emails(office)).blocks:  # noqa: ASYNC110 - it is entered in the log
            await asyncio.sleep(0.001)
    assert (await emails(office)).used == 1
    await write(office, who)
    moment[0] += HELD
    await write(office, who)
    await office.commands.blocks.close()
    assert (await emails(office)).used == 3


async def test_blocks_grow_with_the_rate(office: Office) -> None:
    await limit(office, emails=100_000)
    who = await somebody(office)
    for _ in range(FIRST + 1):
        await write(office, who)
    await asyncio.sleep(0)
    assert max(block.amount for block in (await emails(office)).blocks.values()) == 2 * FIRST
    await office.commands.blocks.close()
    assert ((await emails(office)).used, (await emails(office)).blocks) == (FIRST + 1, {})


async def buys(office: Office, ceiling: int | None = None) -> None:
    """Five messages of the plan, and further ones that are billed by use."""
    await limit(office, emails=5)
    await office.do(told(terms(item("starter"), METERED)), uid(0x511))
    policy = SetOveragePolicy(meter=Meter.EMAILS, policy=Overage.BUY, ceiling=ceiling)
    await office.do(policy, office.principal.tenant_id)


async def test_beyond_the_limit_goes_who_pays_and_wants_to_and_it_is_counted(office: Office) -> None:
    await buys(office)
    who = await somebody(office)
    for _ in range(9):
        await write(office, who)
    await office.commands.blocks.close()
    state = await emails(office)
    assert (state.used, state.over) == (9, 4)
    assert sum(state.unbilled.values()) == 4


async def test_who_goes_beyond_the_limit_goes_as_much_again_and_no_further(office: Office) -> None:
    await buys(office)
    who = await somebody(office)
    for _ in range(10):
        await write(office, who)
    with pytest.raises(LimitReached):
        await write(office, who)
    await office.commands.blocks.close()
    state = await emails(office)
    assert (state.used, state.over) == (10, 5)


async def test_at_the_ceiling_of_what_is_bought_nothing_goes_and_the_answer_names_it(office: Office) -> None:
    await buys(office, ceiling=2)
    who = await somebody(office)
    for _ in range(7):
        await write(office, who)
    with pytest.raises(LimitReached, match="More than 2 beyond the limit are not bought") as refused:
        await write(office, who)
    assert (refused.value.extra["limit"], refused.value.extra["used"]) == (5, 7)
    assert refused.value.extra["ceiling"] == 2
    await office.do(
        SetOveragePolicy(meter=Meter.EMAILS, policy=Overage.BUY, ceiling=3), office.principal.tenant_id
    )
    await write(office, who)
    await office.do(SetOveragePolicy(meter=Meter.EMAILS, policy=Overage.ASK), office.principal.tenant_id)
    with pytest.raises(LimitReached) as refused:
        await write(office, who)
    assert "ceiling" not in refused.value.extra
    await office.commands.blocks.close()
    assert sum((await emails(office)).unbilled.values()) == 3  # what was sent before is billed all the same
