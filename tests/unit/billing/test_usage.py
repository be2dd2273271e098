"""Limits of what stands: seats and workspaces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from domain.billing.account import ChooseFreePlan
from domain.billing.catalogue import Meter
from domain.billing.change import ChangeSubscription
from domain.billing.terms import Interval
from domain.billing.usage import (
    LimitReached,
    UnitReleased,
    UnitTaken,
    Usage,
    UsageAboveLimits,
    UsageAlerted,
    UsageCounted,
    alerts,
    counter_id,
    evolve,
)
from domain.kernel.commands import Actor, ActorKind
from domain.kernel.events import Event
from domain.kernel.ids import MemberId, WorkspaceId
from domain.tenancy.member import InviteMember, LeaveTenant, MemberJoined, RemoveMember, RevokeInvitation
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import ChangePlan, OpenTenant
from domain.tenancy.workspace import ArchiveWorkspace, CreateWorkspace
from tests.support.billing import SUBSCRIPTION, item, terms, told
from tests.support.given import TENANT, uid
from tests.support.unit import World

OWNER, FIRST = MemberId(uid(0x11)), WorkspaceId(uid(0x21))


def opened(plan: Plan = Plan.STARTER) -> World:
    world = World()
    opening = OpenTenant(
        name="Acme",
        tenant_slug="acme",
        plan=plan,
        workspace_id=FIRST,
        owner_id=OWNER,
        owner_email="o@acme.example",
        owner_name="O",
    )
    world.run(opening, TENANT)
    return world


def invite(world: World, number: int) -> list[Event]:
    body = {"email": f"m{number}@acme.example", "full_name": "M", "role": "member"}
    return world.run(InviteMember.model_validate(body).carrying("00"), uid(0x100 + number))


def create(world: World, number: int) -> list[Event]:
    return world.run(CreateWorkspace(name=f"W{number}"), uid(0x200 + number))


def counter(world: World, meter: Meter) -> Usage:
    state: Usage = world.state("usage", counter_id(TENANT, meter))
    return state


def _buy(refused: pytest.ExceptionInfo[LimitReached]) -> dict[str, Any]:
    told_: Any = refused.value.extra["buy"]
    assert isinstance(told_, dict)
    return told_


def counted(events: list[Event]) -> list[Event]:
    return [one for one in events if isinstance(one, UsageCounted | UnitTaken | UnitReleased | UsageAlerted)]


def test_a_counter_begins_with_what_is_there_and_says_how_much_is_used() -> None:
    world = opened()
    begun, taken, told_ = counted(invite(world, 1))
    assert isinstance(begun, UsageCounted)
    assert isinstance(taken, UnitTaken)
    assert isinstance(told_, UsageAlerted)
    assert (begun.used, taken.unit) == (1, uid(0x101))
    assert (told_.threshold, told_.used, told_.limit) == (100, 2, 2)
    world.assert_replays()


def test_a_seat_is_taken_by_whoever_is_invited_and_freed_by_whoever_goes() -> None:
    world = opened()
    invite(world, 1)
    with pytest.raises(LimitReached) as refused:
        invite(world, 2)
    assert refused.value.extra == {
        "meter": "users",
        "limit": 2,
        "used": 2,
        "plan": "starter",
        "buy": {
            "pay": None,
            "add_on": None,
            "plan": {
                "id": "professional",
                "limit": 5,
                "unit_amount": 14_900,
                "currency": "USD",
                "interval": "month",
            },
        },
    }
    assert "2 of 2 users" in refused.value.detail
    world.run(RevokeInvitation(), uid(0x101))
    assert counter(world, Meter.USERS).used == 1
    invite(world, 3)
    with pytest.raises(LimitReached):
        invite(world, 4)


def test_who_is_removed_or_leaves_frees_a_seat() -> None:
    world = opened(Plan.PROFESSIONAL)
    for number in (1, 2):
        body = {
            "member_id": uid(0x100 + number),
            "email": f"m{number}@x.example",
            "full_name": "M",
            "role": "admin",
        }
        invite(world, number)
        world.happened("member", uid(0x100 + number), _joined(body))
    world.run(RemoveMember(), uid(0x101))
    leaver = Actor(ActorKind.MEMBER, uid(0x102))
    world.run(LeaveTenant(), uid(0x102), actor=leaver)
    assert counter(world, Meter.USERS).used == 1


def _joined(body: dict[str, Any]) -> Event:
    return MemberJoined.model_validate(body)


def test_workspaces_have_their_own_counter_and_an_archived_one_makes_room() -> None:
    world = opened()
    create(world, 1)
    create(world, 2)
    with pytest.raises(LimitReached) as refused:
        create(world, 3)
    assert refused.value.extra["meter"] == "workspaces"
    world.run(ArchiveWorkspace(), uid(0x201))
    assert counted(world.run(ArchiveWorkspace(), uid(0x201))) == []
    create(world, 3)
    assert counter(world, Meter.WORKSPACES).used == 3


def test_what_happened_before_there_were_counters_counts() -> None:
    world = opened(Plan.BUSINESS)
    for number in range(5):
        create(world, number)
    assert not counter(world, Meter.WORKSPACES).begun, "a business has no limit of workspaces"
    world.run(ChangePlan(plan=Plan.PROFESSIONAL), TENANT)
    for number in range(5, 9):
        create(world, number)
    with pytest.raises(LimitReached):
        create(world, 9)
    assert counter(world, Meter.WORKSPACES).used == 10
    # Without a limit again, it is counted on: a smaller plan may come once more.
    world.run(ChangePlan(plan=Plan.BUSINESS), TENANT)
    create(world, 9)
    world.run(ArchiveWorkspace(), uid(0x200))
    world.run(ChangePlan(plan=Plan.PROFESSIONAL), TENANT)
    with pytest.raises(LimitReached):
        create(world, 10)


def test_the_first_that_goes_begins_a_counter_too() -> None:
    world = opened()
    begun, released = counted(world.run(ArchiveWorkspace(), FIRST))
    assert isinstance(begun, UsageCounted)
    assert isinstance(released, UnitReleased)
    assert (begun.used, counter(world, Meter.WORKSPACES).used) == (1, 0)


def test_alerts_come_at_each_threshold_and_again_after_it_fell() -> None:
    world = opened(Plan.PROFESSIONAL)
    seen = [
        [one.threshold for one in create(world, number) if isinstance(one, UsageAlerted)]
        for number in range(9)
    ]
    assert seen == [[]] * 6 + [[80], [90], [100]]
    world.run(ArchiveWorkspace(), uid(0x200))
    assert [one.threshold for one in create(world, 9) if isinstance(one, UsageAlerted)] == [100]


def test_a_limit_that_was_raised_within_the_month_is_told_of_anew() -> None:
    month, state = "2026-11", Usage(begun=True, used=950)

    def told_of(limit: int) -> list[int]:
        nonlocal state
        events = alerts(TENANT, Meter.EMAILS, month, 0, state, limit)
        for event in events:
            state = evolve(state, event)
        return [event.threshold for event in events]

    assert [told_of(1_000), told_of(1_000), told_of(2_000)] == [[95], [], []]
    state = replace(state, used=1_800)
    assert [told_of(2_000), told_of(2_000), told_of(2_200)] == [[90], [], [80]]


def test_an_add_on_that_is_bought_lets_the_same_command_through() -> None:
    world = opened()
    world.run(
        told(terms(item("starter", interval=Interval.YEAR), item("user", interval=Interval.YEAR))),
        SUBSCRIPTION,
    )
    invite(world, 1)
    invite(world, 2)
    with pytest.raises(LimitReached) as refused:
        invite(world, 3)
    assert _buy(refused)["add_on"] == {
        "id": "user",
        "adds": 1,
        "unit_amount": 18_000,
        "currency": "USD",
        "interval": "year",
    }
    assert _buy(refused)["plan"]["unit_amount"] == 143_000
    more = terms(item("starter", interval=Interval.YEAR), item("user", quantity=2, interval=Interval.YEAR))
    world.run(told(more, as_="evt_2", rank=2), SUBSCRIPTION)
    invite(world, 3)
    assert counter(world, Meter.USERS).used == 4


def test_the_largest_plan_has_none_above_it_to_buy() -> None:
    world = opened(Plan.ENTERPRISE)
    limited = told(terms(item("business"), currency="EUR", status="canceled"))
    assert limited.terms.currency == "EUR"
    world.run(ChangePlan(plan=Plan.BUSINESS), TENANT)
    for number in range(14):
        invite(world, number)
    with pytest.raises(LimitReached) as refused:
        invite(world, 14)
    assert _buy(refused)["plan"] == {
        "id": "enterprise",
        "limit": None,
        "unit_amount": None,
        "currency": "USD",
        "interval": "month",
    }


@pytest.mark.parametrize("begun", [True, False])
def test_a_plan_is_not_chosen_that_holds_less_than_is_there(*, begun: bool) -> None:
    world = opened()
    if begun:
        invite(world, 1)
        create(world, 1)
    else:
        body = {"member_id": uid(0x101), "email": "m@x.example", "full_name": "M", "role": "admin"}
        world.happened("member", uid(0x101), _joined(body))
    with pytest.raises(UsageAboveLimits) as refused:
        world.run(ChooseFreePlan(), TENANT)
    users = {"meter": "users", "used": 2, "limit": 1}
    workspaces = {"meter": "workspaces", "used": 2, "limit": 1}
    assert refused.value.extra == {"above": [users, workspaces] if begun else [users]}
    for gone, command in (
        (uid(0x101), RevokeInvitation() if begun else RemoveMember()),
        (FIRST, ArchiveWorkspace()),
    ):
        if begun or gone != FIRST:
            world.run(command, gone)
    world.run(ChooseFreePlan(), TENANT)


def test_the_key_of_a_counter_is_the_same_always() -> None:
    assert counter_id(TENANT, Meter.EMAILS, "2026-11") == counter_id(
        UUID(str(TENANT)), Meter.EMAILS, "2026-11"
    )
    assert len({counter_id(TENANT, meter, period) for meter in Meter for period in (None, "2026-11")}) == 8


def test_a_smaller_plan_is_not_asked_for_that_holds_less_than_is_there() -> None:
    world = opened(Plan.PROFESSIONAL)
    world.run(told(terms(item("professional"))), SUBSCRIPTION)
    for number in range(3):
        invite(world, number)
    smaller = ChangeSubscription(plan=Plan.STARTER)
    with pytest.raises(UsageAboveLimits) as refused:
        world.run(smaller, TENANT)
    assert refused.value.extra == {"above": [{"meter": "users", "used": 4, "limit": 2}]}
    with_seats = ChangeSubscription(plan=Plan.STARTER, add_ons={"user": 2})
    assert world.run(with_seats, TENANT)
