"""Messages beyond a month's limit: who may buy them, up to where, and what is reported of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.billing.account import CeilingNeedsBuying, OverageNeedsPlan, SetOveragePolicy, StartTrial
from domain.billing.account_events import ChangeRequested, OveragePolicySet
from domain.billing.account_state import Access, Account, Beyond, Entitlements, Overage
from domain.billing.account_state import evolve as after_account
from domain.billing.catalogue import CatalogueUnusable, Meter, read_tariff
from domain.billing.change import (
    ChangeIsAhead,
    ChangeSubscription,
    EnterChange,
    NotSubscribed,
    metered_behind,
)
from domain.billing.overage import (
    EnterOverage,
    OverageMoved,
    OverageReported,
    OverageUsed,
    OverageWrittenOff,
    WriteOffOverage,
    ceiling_told,
    entered,
    most_of,
    unit_name,
)
from domain.billing.tariffs import load_tariffs, tariff_of
from domain.billing.usage import (
    BlockReserved,
    LimitReached,
    ReserveBlock,
    SettleBlock,
    Usage,
    UsageCounted,
    counter_id,
    evolve,
    month_of,
    reserved,
    settled,
)
from domain.kernel.commands import Command, Stamp
from domain.kernel.events import EVENTS, Event
from domain.kernel.ids import BlockId, TenantId
from domain.tenancy.plans import Plan
from tests.support.billing import INVOICE, METERED, SUBSCRIPTION, failed, item, terms, told
from tests.support.given import ACTOR, NOW, TENANT, uid
from tests.support.limited import agreed
from tests.support.unit import World
from tests.unit.billing.test_usage import opened

STARTER = "2026-01/starter/month/usd"


def said(policy: Any, ceiling: int | None = None) -> SetOveragePolicy:
    return SetOveragePolicy(meter=Meter.EMAILS, policy=policy, ceiling=ceiling)


def test_only_who_pays_buys_beyond_a_limit_and_the_subscription_gets_its_price() -> None:
    world = opened()
    with pytest.raises(OverageNeedsPlan):
        world.run(said(Overage.BUY), TENANT)
    assert world.run(said(Overage.ASK), TENANT) == []  # so it is anyway
    world.run(StartTrial(plan=Plan.STARTER), TENANT)
    with pytest.raises(OverageNeedsPlan):
        world.run(said(Overage.BUY), TENANT)
    world.run(told(terms(item("starter"))), SUBSCRIPTION)
    policy, asked = world.run(said(Overage.BUY, 500), TENANT)
    assert policy == OveragePolicySet(tenant_id=TenantId(TENANT), meter="emails", policy="buy", ceiling=500)
    assert isinstance(asked, ChangeRequested)
    assert (asked.kind, asked.at_once, asked.plan) == ("change", True, "starter")
    assert asked.lines == {STARTER: 1, METERED.price: 1}
    assert world.run(said(Overage.BUY, 500), TENANT) == []  # it is asked for already
    world.run(told(terms(item("starter"), METERED), as_="evt_2", rank=2), SUBSCRIPTION)
    (higher,) = world.run(said(Overage.BUY, 900), TENANT)
    assert isinstance(higher, OveragePolicySet)
    (block,) = world.run(said(Overage.BLOCK), TENANT)
    assert block == OveragePolicySet(tenant_id=TenantId(TENANT), meter="emails", policy="block", ceiling=None)
    world.assert_replays()


@pytest.mark.parametrize(
    ("status", "says"),
    [("unpaid", "Pay what is open"), ("canceled", "Subscribe again"), ("trialing", "this one is tried out")],
)
def test_who_may_not_buy_beyond_a_limit_is_told_what_is_so(status: str, says: str) -> None:
    world = opened()
    ended: dict[str, Any] = {"ended_at": NOW} if status == "canceled" else {}
    world.run(told(terms(status=status, **ended)), SUBSCRIPTION)
    with pytest.raises(OverageNeedsPlan, match=says):
        world.run(said(Overage.BUY), TENANT)


def at_the_limit(world: World) -> LimitReached:
    """What is said where the month's limit, or what is bought beyond it, is reached."""
    month = month_of(world.now)
    counter = counter_id(TENANT, Meter.EMAILS, month)
    used = UsageCounted(tenant_id=TenantId(TENANT), meter=Meter.EMAILS, period=month, used=10_005)
    world.happened("usage", counter, used)
    with pytest.raises(LimitReached) as refused:
        world.run(ReserveBlock(period=month, block_id=BlockId(uid(1)), consumer=uid(2), wanted=8), counter)
    return refused.value


def test_who_owes_is_told_at_the_limit_to_pay_before_anything_is_bought() -> None:
    world = opened()
    world.run(told(terms(item("starter"), METERED)), SUBSCRIPTION)
    world.run(said(Overage.BUY, 500), TENANT)
    world.run(failed(at=NOW), INVOICE)
    refused = at_the_limit(world)
    buy: Any = refused.extra["buy"]
    assert buy["pay"] == {"page": "/v1/billing/portal", "invoices": [str(INVOICE)]}
    assert list(buy) == ["pay", "add_on", "plan"]
    assert "An invoice is not paid. Pay it first" in refused.detail
    assert "messages go beyond the limit again" in refused.detail


def test_who_is_at_the_ceiling_is_told_that_a_higher_one_helps() -> None:
    world = opened()
    world.run(told(terms(item("starter"), METERED)), SUBSCRIPTION)
    world.run(said(Overage.BUY, 5), TENANT)
    refused = at_the_limit(world)
    buy: Any = refused.extra["buy"]
    assert (refused.extra["ceiling"], buy["pay"]) == (5, None)
    assert "A higher `ceiling` (`set-overage-policy`)" in refused.detail


def test_a_ceiling_is_one_of_what_is_bought() -> None:
    world = opened()
    for policy in (Overage.ASK, Overage.BLOCK):
        with pytest.raises(CeilingNeedsBuying):
            world.run(said(policy, 5), TENANT)


def test_what_is_agreed_with_staff_has_nothing_to_be_billed_by() -> None:
    world = opened()
    world.run(agreed(world.now, emails=5), SUBSCRIPTION)
    with pytest.raises(NotSubscribed):
        world.run(said(Overage.BUY), TENANT)


def test_what_was_allowed_before_there_was_a_price_goes_on_and_is_not_billed() -> None:
    name, version = "billing.overage_policy_set", 1
    cls, payload = EVENTS.upcast(
        name, version, {"tenant_id": str(TENANT), "meter": "emails", "policy": "allow"}
    )
    event = cls.model_validate(payload)
    assert event == OveragePolicySet(tenant_id=TenantId(TENANT), meter="emails", policy="allow", ceiling=None)
    account = after_account(Account(), event)
    assert account.overage == {"emails": Beyond(Overage.ALLOW)}
    pays = replace(
        account, subscriptions=(SUBSCRIPTION,), entitlements=Entitlements(Plan.STARTER, "2026-01", {}, ())
    )
    beyond = pays.beyond("emails", metered=False)
    assert most_of(10, beyond) == 20
    asked = ReserveBlock(period="2026-11", block_id=BlockId(uid(1)), consumer=uid(2), wanted=8)
    (block,) = reserved(stamped(asked), Usage(begun=True, used=10), 10, beyond)
    assert (block.over, block.billed) == (1, False)


@pytest.mark.parametrize("access", list(Access))
def test_who_owes_buys_no_more(access: Access) -> None:
    account = replace(
        Account(),
        overage={"emails": Beyond(Overage.BUY, 7)},
        subscriptions=(SUBSCRIPTION,),
        entitlements=Entitlements(Plan.STARTER, "2026-01", {}, ()),
        access=access,
    )
    beyond = account.beyond("emails", metered=True)
    assert most_of(10, beyond) == (17 if access is Access.ACTIVE else 10)
    assert account.beyond("emails", metered=False) is None


BUYS = Beyond(Overage.BUY, 2_500)
PERIOD = "2026-11"
STAMP = Stamp(NOW, uid(0x999), ACTOR, TENANT, TENANT)


def stamped(command: Any) -> Any:
    assert isinstance(command, Command)
    return command.stamped(STAMP)


def after(*events: Any, usage: Usage | None = None) -> Usage:
    state = usage or Usage(begun=True, used=10_000)
    for event in events:
        state = evolve(state, event)
    return state


def block(number: int, used: int, state: Usage, beyond: Beyond | None = BUYS) -> list[Event]:
    """A block of 2,000 at most that is wanted, had and settled."""
    block_id = BlockId(uid(number))
    asked = ReserveBlock(period=PERIOD, block_id=block_id, consumer=uid(2), wanted=2_000)
    had = reserved(stamped(asked), state, 10_000, beyond)
    settle = SettleBlock(period=PERIOD, block_id=block_id, used=used)
    return [*had, *settled(stamped(settle), after(*had, usage=state))]


def test_what_a_block_used_beyond_the_limit_is_to_be_billed_where_it_is_bought() -> None:
    reservation, ended, used = block(1, 300, after())
    assert isinstance(reservation, BlockReserved)
    assert (reservation.over, reservation.billed) == (312, True)
    assert isinstance(used, OverageUsed)
    assert used.messages == 300
    state = after(reservation, ended, used)
    assert (state.used, state.over, state.unbilled) == (10_300, 300, {uid(1): 300})
    assert len(block(2, 0, after())) == 2  # nothing was used beyond it
    assert len(block(3, 300, Usage(begun=True, used=9_000))) == 2  # nothing of it was beyond


def test_a_ceiling_is_passed_by_no_block() -> None:
    state, sent = after(), 0
    for number in range(1, 3_000):
        asked = ReserveBlock(period=PERIOD, block_id=BlockId(uid(number)), consumer=uid(2), wanted=2_000)
        had = reserved(stamped(asked), state, 10_000, BUYS)
        if not had:
            break
        sent += had[0].amount
        state = after(*had, usage=state)
    assert sent == 2_500


@pytest.mark.parametrize("settles", [True, False])
@pytest.mark.parametrize("limit", [10_000, 12_000, 50_000])
def test_a_ceiling_is_of_the_month_whatever_its_limits_were(limit: int, *, settles: bool) -> None:
    state, number = after(), 0
    for held in (10_000, limit):  # bought up to the ceiling, and then again at the limit of a larger plan
        state = replace(state, used=max(state.used, held))
        while True:
            number += 1
            block_id = BlockId(uid(number))
            asked = ReserveBlock(period=PERIOD, block_id=block_id, consumer=uid(2), wanted=2_000)
            had = reserved(stamped(asked), state, held, BUYS)
            if not had:
                break
            state = after(*had, usage=state)
            if settles:
                settle = SettleBlock(period=PERIOD, block_id=block_id, used=had[0].amount)
                state = after(*settled(stamped(settle), state), usage=state)
    assert state.bought == 2_500


def report(state: Usage, number: int, before: int, units: int) -> tuple[Event, ...]:
    return entered(
        stamped(
            EnterOverage(
                period=PERIOD,
                block_id=BlockId(uid(number)),
                before=before,
                units=units,
                price=METERED.price,
                unit_amount=100,
                currency="USD",
            )
        ),
        state,
    )


def test_units_are_reported_one_after_another_and_each_block_once() -> None:
    used = [
        OverageUsed(
            tenant_id=TenantId(TENANT), meter="emails", period=PERIOD, block_id=BlockId(uid(n)), messages=m
        )
        for n, m in ((1, 900), (2, 200))
    ]
    state = after(*used)
    (first,) = report(state, 1, 0, 1)
    assert isinstance(first, OverageReported)
    assert (first.messages, first.before, first.units, first.unit_amount) == (900, 0, 1, 100)
    moved = after(first, usage=state)
    with pytest.raises(OverageMoved):  # it was told while the other one was: 1,100 messages begin two units
        report(moved, 2, 0, 1)
    (second,) = report(moved, 2, 1, 1)
    done = after(second, usage=moved)
    assert (done.unbilled, done.reported, done.units) == ({}, 1_100, 2)
    assert report(done, 2, 2, 1) == ()
    assert report(done, 1, 2, 1) == ()


def test_what_is_written_off_begins_no_unit() -> None:
    used = OverageUsed(
        tenant_id=TenantId(TENANT), meter="emails", period=PERIOD, block_id=BlockId(uid(1)), messages=900
    )
    written = entered(stamped(WriteOffOverage(period=PERIOD, block_id=BlockId(uid(1)))), after(used))
    assert [type(one) for one in written] == [OverageWrittenOff]
    done = after(used, *written)
    assert (done.unbilled, done.reported, done.units) == ({}, 0, 0)


@pytest.mark.parametrize(("used", "units"), [(0, 0), (1, 1), (999, 1), (1_000, 1), (1_001, 2), (10_000, 10)])
def test_a_unit_is_paid_for_whole_once_it_is_begun(used: int, units: int) -> None:
    (tariff,) = load_tariffs()
    assert tariff.begun(used) == units


def test_ten_thousand_messages_cost_by_use_what_the_add_on_of_so_many_costs() -> None:
    (tariff,) = load_tariffs()
    add_on = item("emails")
    assert [price.unit_amount * tariff.begun(10_000) for price in tariff.prices] == [add_on.unit_amount] * 3
    assert [tariff_of(price.id) for price in tariff.prices] == [tariff] * 3


def test_a_tariff_that_cannot_be_sold_by_names_its_field() -> None:
    with pytest.raises(CatalogueUnusable, match=r"catalogue odd\.toml: per: "):
        read_tariff(
            'version = "x"\nsold_from = 2026-01-01\nmeter = "emails"\nof = "o"\nname = "N"\nper = 0\n'
            "unit_amounts = { USD = 1 }",
            "odd.toml",
        )


def test_the_name_of_a_unit_is_the_same_always() -> None:
    names = {
        unit_name("emails-beyond", TENANT, period, n) for period in ("2026-11", "2026-12") for n in (1, 2)
    }
    assert len(names) == 4
    assert unit_name("emails-beyond", TENANT, "2026-11", 1) in names


def test_another_plan_keeps_what_is_billed_by_use_and_less_that_is_ahead_is_not_lost() -> None:
    world = opened(Plan.PROFESSIONAL)
    world.run(told(terms(item("professional"), METERED)), SUBSCRIPTION)
    (asked,) = world.run(ChangeSubscription(plan=Plan.BUSINESS), TENANT)
    assert isinstance(asked, ChangeRequested)
    assert asked.lines == {"2026-01/business/month/usd": 1, METERED.price: 1}
    other = opened(Plan.PROFESSIONAL)
    other.run(told(terms(item("professional"))), SUBSCRIPTION)
    (less,) = other.run(ChangeSubscription(plan=Plan.STARTER), TENANT)
    assert isinstance(less, ChangeRequested)
    other.run(EnterChange(change_id=less.change_id), TENANT)
    with pytest.raises(ChangeIsAhead):
        other.run(said(Overage.BUY), TENANT)


def test_a_ceiling_is_told_once_and_again_only_if_it_is_another() -> None:
    """A block of what the limit still held may be settled after the last one that was bought."""
    reached = Usage(used=140, over=40, reported=30, unbilled={BlockId(uid(1)): 10})
    buys = Beyond(Overage.BUY, 40)
    (told_of,) = ceiling_told(TENANT, "2026-11", reached, 100, buys)
    assert (told_of.bought, told_of.ceiling, told_of.limit) == (40, 40, 100)
    assert ceiling_told(TENANT, "2026-11", evolve(reached, told_of), 100, buys) == ()
    assert ceiling_told(TENANT, "2026-11", evolve(reached, told_of), 100, Beyond(Overage.BUY, 41)) == ()
    assert ceiling_told(TENANT, "2026-11", evolve(reached, told_of), 100, Beyond(Overage.BUY, 39)) != ()
    for limit, beyond in ((None, buys), (100, None), (100, Beyond(Overage.ASK))):
        assert ceiling_told(TENANT, "2026-11", reached, limit, beyond) == ()


def test_what_has_begun_gets_no_price_by_use_once_its_end_is_said_or_while_something_is_asked_for() -> None:
    account = Account(overage={Meter.EMAILS: Beyond(Overage.BUY)})
    began = (SUBSCRIPTION, terms(item("starter")))
    (asked,) = metered_behind(STAMP, account, began, [began])
    assert asked.lines == {STARTER: 1, METERED.price: 1}
    ends = (SUBSCRIPTION, terms(item("starter"), cancel_at=NOW))
    assert metered_behind(STAMP, account, ends, [ends]) == ()
    assert metered_behind(STAMP, replace(account, asked=asked), began, [began]) == ()
    assert metered_behind(STAMP, replace(account, overage={}), began, [began]) == ()


def test_that_nothing_more_may_be_bought_is_told_under_a_limit_that_was_lowered_too() -> None:
    """9,000 of 10,000 were used when the plan became one of 5,000, and 1,000 were bought: twice 5,000 are used."""
    lowered, buys = Usage(used=10_000, over=1_000, reported=1_000), Beyond(Overage.BUY)
    (told_of,) = ceiling_told(TENANT, "2026-11", lowered, 5_000, buys)
    assert (told_of.bought, told_of.ceiling, told_of.limit) == (1_000, 5_000, 5_000)
    assert ceiling_told(TENANT, "2026-11", replace(lowered, used=9_999), 5_000, buys) == ()
    assert ceiling_told(TENANT, "2026-11", evolve(lowered, told_of), 5_000, buys) == ()
