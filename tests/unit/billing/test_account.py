"""What a tenant may use follows from its trial, its subscriptions, and whether its invoices are paid."""

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from pydantic import ValidationError

from domain.billing.account import (
    AlreadySubscribed,
    ChooseFreePlan,
    CustomerLinkedAlready,
    EndTrial,
    EnterRetry,
    FreePlanTaken,
    GiveUpUnpaid,
    LinkCustomer,
    NotDunned,
    RemindOfTrial,
    StartTrial,
    SuspendUnpaid,
    TrialNotOver,
    TrialUsed,
)
from domain.billing.account_events import DunningBegan, DunningEnded, DunningRetried, TrialReminded
from domain.billing.account_state import Access, Account
from domain.billing.catalogue import Meter
from domain.billing.change import (
    CancelSubscription,
    ChangeSubscription,
    CouponRedeemed,
    CouponUnknown,
    EndIsAhead,
)
from domain.billing.settling import PlanFollowsBilling
from domain.billing.subscription import AgreeSubscription, EndAgreement
from domain.billing.terms import Discount
from domain.kernel.errors import NotFound, Refusal
from domain.kernel.ids import InvoiceId
from domain.tenancy.plans import Plan
from domain.tenancy.tenant import ChangePlan, CloseTenant, TenantOpened
from tests.support.billing import (
    INVOICE,
    MONTH_AGO,
    SUBSCRIPTION,
    failed,
    invoiced,
    item,
    paid,
    terms,
    told,
)
from tests.support.given import NOW, TENANT, uid
from tests.support.unit import World

ID = InvoiceId(INVOICE)
DAY = timedelta(days=1)


@pytest.fixture
def world() -> World:
    return opened()


def opened(plan: str = "free") -> World:
    world = World()
    told = {"tenant_id": TENANT, "tenant_name": "Acme", "slug": "acme", "plan": plan, "country": "DE"}
    world.happened("tenant", TENANT, TenantOpened.model_validate(told))
    return world


def account(world: World) -> Account:
    found: Account = world.state("billing_account", TENANT)
    return found


def limits(world: World) -> dict[str, int]:
    entitled = account(world).entitlements
    assert entitled is not None
    return entitled.limits


def refused(world: World, refusal: type[Refusal], *arguments: Any, **more: Any) -> None:
    with pytest.raises(refusal):
        world.run(*arguments, **more)


def test_who_never_had_anything_to_do_with_billing_is_active(world: World) -> None:
    assert account(world).access is Access.ACTIVE
    assert account(world).entitlements is None


def test_a_trial_gives_its_plan_for_fourteen_days_once(world: World) -> None:
    world.run(StartTrial(plan=Plan.PROFESSIONAL), TENANT)
    assert account(world).access is Access.TRIAL
    assert limits(world) == {"users": 5, "workspaces": 10, "domains": 15, "emails": 50_000}
    assert world.state("tenant", TENANT).plan is Plan.PROFESSIONAL
    refused(world, TrialUsed, StartTrial(plan=Plan.STARTER), TENANT)
    refused(world, TrialNotOver, EndTrial(), TENANT, at=NOW + 14 * DAY - timedelta(seconds=1))
    world.run(EndTrial(), TENANT, at=NOW + 14 * DAY)
    assert account(world).access is Access.EXPIRED
    assert limits(world)["emails"] == 300
    refused(world, TrialUsed, StartTrial(plan=Plan.STARTER), TENANT)
    assert world.run(EndTrial(), TENANT, at=NOW + 15 * DAY) == []
    world.assert_replays()


@pytest.mark.parametrize("plan", ["free", "enterprise", "gold"])
def test_what_is_free_or_agreed_is_not_tried_out(plan: str) -> None:
    with pytest.raises(ValidationError):
        StartTrial.model_validate({"plan": plan})


def test_a_trial_is_spoken_of_seven_days_and_one_day_before_its_end(world: World) -> None:
    world.run(StartTrial(plan=Plan.STARTER), TENANT)
    assert world.run(RemindOfTrial(), TENANT, at=NOW + 6 * DAY) == []
    assert world.run(RemindOfTrial(), TENANT, at=NOW + 7 * DAY) == [
        TrialReminded(tenant_id=account_id(), days_left=7, remind_at=NOW + 13 * DAY)
    ]
    assert world.run(RemindOfTrial(), TENANT, at=NOW + 8 * DAY) == []
    assert world.run(RemindOfTrial(), TENANT, at=NOW + 13 * DAY) == [
        TrialReminded(tenant_id=account_id(), days_left=1)
    ]
    assert world.run(RemindOfTrial(), TENANT, at=NOW + 13 * DAY) == []


def account_id() -> Any:
    return TENANT


def test_a_subscription_takes_the_place_of_a_trial(world: World) -> None:
    world.run(StartTrial(plan=Plan.BUSINESS), TENANT)
    world.run(told(terms()), SUBSCRIPTION)
    assert account(world).access is Access.ACTIVE
    assert limits(world) == {"users": 2, "workspaces": 3, "domains": 5, "emails": 10_000}
    assert world.run(EndTrial(), TENANT, at=NOW + 15 * DAY) == []
    refused(world, AlreadySubscribed, ChooseFreePlan(), TENANT)
    fresh = opened()
    fresh.run(told(terms()), SUBSCRIPTION)
    refused(fresh, AlreadySubscribed, StartTrial(plan=Plan.STARTER), TENANT)


@pytest.mark.parametrize("status", ["past_due", "unpaid"])
def test_who_has_not_paid_is_told_to_pay_and_not_to_subscribe_or_change(world: World, status: str) -> None:
    world.run(told(terms(status=status), at=NOW), SUBSCRIPTION)
    for command in (ChooseFreePlan(), StartTrial(plan=Plan.STARTER)):
        with pytest.raises(AlreadySubscribed, match="POST /v1/billing/portal") as refusal:
            world.run(command, TENANT)
        assert refusal.value.extra == {"access": account(world).access.value}


def test_after_an_expired_trial_the_free_plan_lets_go_on(world: World) -> None:
    world.run(StartTrial(plan=Plan.BUSINESS), TENANT)
    world.run(EndTrial(), TENANT, at=NOW + 14 * DAY)
    world.run(ChooseFreePlan(), TENANT, at=NOW + 15 * DAY)
    assert account(world).access is Access.ACTIVE
    assert world.state("tenant", TENANT).plan is Plan.FREE
    assert world.run(ChooseFreePlan(), TENANT) == []


def test_the_free_plan_ends_a_trial_and_bars_one(world: World) -> None:
    world.run(StartTrial(plan=Plan.BUSINESS), TENANT)
    world.run(ChooseFreePlan(), TENANT)
    assert limits(world)["emails"] == 300
    assert account(world).access is Access.ACTIVE
    assert not account(world).pays
    fresh = opened()
    fresh.run(ChooseFreePlan(), TENANT)
    refused(fresh, FreePlanTaken, StartTrial(plan=Plan.BUSINESS), TENANT)


def test_the_free_plan_is_left_with_a_subscription_and_not_with_a_card_that_was_declined(
    world: World,
) -> None:
    world.run(ChooseFreePlan(), TENANT)
    world.run(told(terms(status="incomplete"), rank=0), SUBSCRIPTION)
    assert (account(world).access, account(world).free) == (Access.ACTIVE, True)
    world.run(told(terms(), as_="evt_2"), SUBSCRIPTION)
    assert not account(world).free
    world.run(told(terms(status="canceled", ended_at=NOW), as_="evt_3", at=NOW), SUBSCRIPTION)
    assert account(world).access is Access.CANCELLED


def test_a_card_that_was_declined_takes_no_plan_away() -> None:
    world = opened("business")
    world.run(told(terms(status="incomplete"), rank=0), SUBSCRIPTION)
    assert world.state("tenant", TENANT).plan is Plan.BUSINESS
    world.run(StartTrial(plan=Plan.STARTER), TENANT)


def test_who_does_not_pay_keeps_the_plan_that_access_alone_shuts(world: World) -> None:
    world.run(told(terms(item("business"))), SUBSCRIPTION)
    world.run(failed(at=NOW), INVOICE)
    world.run(told(terms(item("business"), status="unpaid"), as_="evt_2", at=NOW), SUBSCRIPTION)
    assert account(world).access is Access.PAST_DUE
    assert limits(world)["emails"] == 200_000
    (asked,) = world.run(CancelSubscription(), TENANT)
    assert asked.name == "billing.change_requested"
    ended = terms(item("business"), status="canceled", ended_at=NOW)
    world.run(told(ended, as_="evt_3", at=NOW, rank=3), SUBSCRIPTION)
    assert account(world).asked is None, "nobody is left to answer it"


def test_limits_that_are_agreed_anew_take_the_place_of_those_before() -> None:
    world = opened()
    agree: dict[str, Any] = {"plan": Plan.BUSINESS, "currency": "EUR", "unit_amount": 1}
    world.run(AgreeSubscription(**agree, limits={Meter.USERS: 40}, since=MONTH_AGO), SUBSCRIPTION)
    world.run(AgreeSubscription(**agree, since=NOW), SUBSCRIPTION)
    assert limits(world) == {"users": 15, "emails": 200_000}


def test_a_larger_plan_is_had_at_once_whatever_goes_with_it(world: World) -> None:
    world.run(told(terms(item("starter"), item("user"))), SUBSCRIPTION)
    (asked,) = world.run(ChangeSubscription(plan=Plan.BUSINESS), TENANT)
    assert asked.at_once  # type: ignore[attr-defined]  # this event has it


def test_what_ends_with_its_cycle_is_not_changed(world: World) -> None:
    world.run(told(terms(cancel_at=NOW + DAY)), SUBSCRIPTION)
    refused(world, EndIsAhead, ChangeSubscription(plan=Plan.BUSINESS), TENANT)


def test_a_coupon_is_redeemed_once_and_those_of_staff_by_nobody(world: World) -> None:
    had = Discount(coupon="launch-20", percent_off=2_000, duration="repeating", ends_on=NOW.date())
    world.run(told(terms(discounts=(had,))), SUBSCRIPTION)
    world.run(told(terms(), as_="evt_2", at=NOW), SUBSCRIPTION)
    refused(world, CouponRedeemed, ChangeSubscription(plan=Plan.BUSINESS, coupon="launch-20"), TENANT)
    refused(world, CouponUnknown, ChangeSubscription(plan=Plan.BUSINESS, coupon="nonprofit-30"), TENANT)


def test_add_ons_add_to_the_limits_of_the_plan_and_to_no_other() -> None:
    world = opened()
    bought = terms(item("professional"), item("user", quantity=3), item("emails", quantity=2), item("ip"))
    world.run(told(bought), SUBSCRIPTION)
    assert limits(world) == {"users": 8, "workspaces": 10, "domains": 15, "emails": 70_000}
    boundless = terms(item("business"), item("workspace", quantity=5))
    world.run(told(boundless, as_="evt_2", at=NOW), SUBSCRIPTION)
    assert limits(world) == {"users": 15, "emails": 200_000}


def test_of_several_subscriptions_the_best_plan_counts_and_all_add_ons() -> None:
    world, second = opened(), uid(0x511)
    world.run(told(terms(item("starter"), item("user"))), SUBSCRIPTION)
    world.run(told(terms(item("business"), item("user")), reference="sub_2", as_="evt_2"), second)
    assert limits(world)["users"] == 17
    ended = terms(item("business"), status="canceled", ended_at=NOW)
    world.run(told(ended, reference="sub_2", as_="evt_3", at=NOW, rank=3), second)
    assert limits(world)["users"] == 3
    assert account(world).access is Access.ACTIVE


@pytest.mark.parametrize(
    ("status", "access"),
    [
        ("incomplete", Access.ACTIVE),
        ("trialing", Access.TRIAL),
        ("active", Access.ACTIVE),
        ("past_due", Access.PAST_DUE),
        ("unpaid", Access.SUSPENDED),
        ("paused", Access.SUSPENDED),
        ("canceled", Access.CANCELLED),
        ("incomplete_expired", Access.ACTIVE),
    ],
)
def test_access_follows_from_how_a_subscription_stands(world: World, status: str, access: Access) -> None:
    ended: dict[str, Any] = {"ended_at": NOW} if status in ("canceled", "incomplete_expired") else {}
    world.run(told(terms(status=status, **ended), at=NOW), SUBSCRIPTION)
    assert account(world).access is access


def test_what_was_agreed_has_limits_of_its_own() -> None:
    world = opened()
    agreed = AgreeSubscription(
        plan=Plan.ENTERPRISE, currency="EUR", unit_amount=90_000, limits={Meter.USERS: 40}, since=MONTH_AGO
    )
    world.run(agreed, SUBSCRIPTION)
    assert limits(world) == {"users": 40}
    anew = AgreeSubscription(plan=Plan.BUSINESS, currency="EUR", unit_amount=1, since=NOW)
    world.run(anew, uid(0x511))
    assert limits(world) == {"users": 40}, "an enterprise is more than a business"
    world.run(EndAgreement(ended_at=NOW), SUBSCRIPTION)
    assert limits(world) == {"users": 15, "emails": 200_000}


def test_a_failed_payment_is_asked_for_until_it_suspends_and_ends(world: World) -> None:
    world.run(told(terms(), at=MONTH_AGO), SUBSCRIPTION)
    since = NOW
    began = DunningBegan(
        tenant_id=account_id(),
        invoice_id=ID,
        began_at=since,
        retry_at=since + 3 * DAY,
        suspend_at=since + 7 * DAY,
        cancel_at=since + 14 * DAY,
    )
    assert began in world.run(failed(at=since), INVOICE)
    assert account(world).access is Access.PAST_DUE
    assert world.run(EnterRetry(invoice_id=ID, retry=1), TENANT, at=since + 3 * DAY) == [
        DunningRetried(tenant_id=account_id(), invoice_id=ID, retry=1, retry_at=since + 5 * DAY)
    ]
    assert world.run(EnterRetry(invoice_id=ID, retry=1), TENANT) == []
    world.run(EnterRetry(invoice_id=ID, retry=2), TENANT, at=since + 5 * DAY)
    refused(world, NotDunned, SuspendUnpaid(invoice_id=ID), TENANT, at=since + 7 * DAY - timedelta(seconds=1))
    world.run(SuspendUnpaid(invoice_id=ID), TENANT, at=since + 7 * DAY)
    assert account(world).access is Access.SUSPENDED
    assert world.run(SuspendUnpaid(invoice_id=ID), TENANT, at=since + 8 * DAY) == []
    assert world.run(EnterRetry(invoice_id=ID, retry=3), TENANT, at=since + 7 * DAY) == [
        DunningRetried(tenant_id=account_id(), invoice_id=ID, retry=3)
    ]
    refused(world, NotDunned, GiveUpUnpaid(invoice_id=ID), TENANT, at=since + 13 * DAY)
    ended = terms(status="canceled", ended_at=since + 14 * DAY)
    world.now = since + 14 * DAY
    world.run(told(ended, as_="evt_9", at=world.now, rank=3), SUBSCRIPTION)
    world.run(GiveUpUnpaid(invoice_id=ID), TENANT)
    assert account(world).access is Access.CANCELLED
    assert world.state("tenant", TENANT).plan is Plan.FREE
    refused(world, NotDunned, GiveUpUnpaid(invoice_id=ID), TENANT)
    world.assert_replays()


@pytest.mark.parametrize("days", [1, 8])
def test_who_pays_goes_on(world: World, days: int) -> None:
    world.run(told(terms(), at=MONTH_AGO), SUBSCRIPTION)
    world.run(failed(at=NOW), INVOICE)
    world.now = NOW + days * DAY
    if days > 7:
        world.run(SuspendUnpaid(invoice_id=ID), TENANT)
    events = world.run(paid(at=world.now), INVOICE)
    assert DunningEnded(tenant_id=account_id(), invoice_id=ID, outcome="paid") in events
    assert account(world).access is Access.ACTIVE
    assert account(world).dunning == {}


def test_a_voided_invoice_is_asked_for_no_more(world: World) -> None:
    world.run(failed(), INVOICE)
    events = world.run(invoiced(voided_at=NOW), INVOICE)
    assert DunningEnded(tenant_id=account_id(), invoice_id=ID, outcome="dropped") in events


@pytest.mark.parametrize("command", [EnterRetry(invoice_id=ID, retry=1), SuspendUnpaid(invoice_id=ID)])
def test_what_is_not_asked_for_has_no_consequences(world: World, command: EnterRetry | SuspendUnpaid) -> None:
    refused(world, NotDunned, command, TENANT)


def test_any_order_of_tellings_ends_in_the_same_account() -> None:
    ended = terms(status="canceled", ended_at=NOW)
    steps: list[Callable[[World], object]] = [
        lambda world: world.run(told(terms(), as_="evt_1", rank=0), SUBSCRIPTION),
        lambda world: world.run(told(terms(item("professional")), as_="evt_2"), SUBSCRIPTION),
        lambda world: world.run(failed(), INVOICE),
        lambda world: world.run(paid(), INVOICE),
        lambda world: world.run(told(ended, as_="evt_3", at=NOW, rank=3), SUBSCRIPTION),
    ]
    found = set()
    for order in permutations(steps):
        world = opened()
        for step in order:
            step(world)
        world.assert_replays()
        found.add(repr(account(world)))
    assert len(found) == 1
    assert "CANCELLED" in found.pop()


def test_a_customer_is_linked_once(world: World) -> None:
    link = LinkCustomer(gateway="stripe", reference="cus_1", live=False)
    assert len(world.run(link, TENANT)) == 1
    assert world.run(link, TENANT) == []
    refused(
        world, CustomerLinkedAlready, LinkCustomer(gateway="stripe", reference="cus_2", live=False), TENANT
    )


def test_staff_put_nobody_on_a_plan_past_what_is_paid_for(world: World) -> None:
    world.run(ChangePlan(plan=Plan.BUSINESS), TENANT)
    world.run(told(terms()), SUBSCRIPTION)
    refused(world, PlanFollowsBilling, ChangePlan(plan=Plan.BUSINESS), TENANT)
    world.run(ChangePlan(plan=Plan.STARTER, commands_a_minute=500), TENANT)
    assert world.state("tenant", TENANT).commands_a_minute == 500
    world.run(told(terms(item("business")), as_="evt_2", at=NOW), SUBSCRIPTION)
    assert world.state("tenant", TENANT).commands_a_minute == 500


def test_what_comes_after_the_end_of_a_tenant_opens_nothing(world: World) -> None:
    world.run(told(terms()), SUBSCRIPTION)
    world.run(CloseTenant(tenant_slug="acme"), TENANT)
    events = world.run(told(terms(item("business")), as_="evt_2", at=NOW), SUBSCRIPTION)
    assert [event.name for event in events] == ["billing.subscription_reported"]


@pytest.mark.parametrize("command", [StartTrial(plan=Plan.STARTER), ChooseFreePlan()])
def test_a_tenant_has_one_account(world: World, command: StartTrial | ChooseFreePlan) -> None:
    refused(world, NotFound, command, uid(77))


def test_a_log_that_has_not_begun_is_billed_for_nothing() -> None:
    refused(World(), NotFound, told(terms()), SUBSCRIPTION)
