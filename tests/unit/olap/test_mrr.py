"""MRR by example: what subscriptions come to, which kind a change is, and what each profile makes of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from domain.billing.terms import Discount, Item
from projections.finance.profiles import PROFILES
from tests.support.mrr_histories import Told, metered, moment, percent, plan, terms
from tests.unit.olap.test_ingest import World

BEGIN = date(2025, 3, 10)
STRIPE, CHARTMOGUL, PROFITWELL, MAXIO = PROFILES


@pytest.fixture
def told() -> Told:
    return Told()


def after(days: float) -> Any:
    return moment(BEGIN) + timedelta(days=days)


def seen(opened: list[World], told: Told) -> World:
    world = World(told.history)
    opened.append(world)
    world.catch_up()
    assert world.projector.health().poisoned == {}
    return world


def amounts(world: World, profile: str = STRIPE) -> list[int]:
    rows = world.rows(
        f"SELECT amount FROM subscription_interval WHERE profile = '{profile}' AND as_of IS NULL"  # noqa: S608 - the test's own
        " ORDER BY subscription_id, from_at"
    )
    return [amount for (amount,) in rows]


def movements(world: World, profile: str) -> list[tuple[int, str, int]]:
    """Days since the beginning, kind, amount."""
    rows = world.rows(
        f"SELECT effective_on, kind, sum(amount)::BIGINT FROM mrr_movement WHERE profile = '{profile}'"  # noqa: S608 - the test's own
        " GROUP BY ALL ORDER BY ALL"
    )
    return [((day - BEGIN).days, kind, amount) for day, kind, amount in rows]


@pytest.mark.parametrize(
    ("items", "discounts", "monthly"),
    [
        ([plan(200_000, "year")], [], 16_667),
        ([plan(4_900)], [], 4_900),
        ([plan(4_900, quantity=3)], [], 14_700),
        ([plan(4_900, "month", 3)], [], 1_633),
        ([plan(1_200, "week")], [], 5_200),
        ([plan(1_200, "week", 2)], [], 2_600),
        ([plan(12, "day")], [], 365),
        ([plan(6, "year")], [], 1),
        ([plan(5, "year")], [], 0),
        ([plan(47_000, "year")], [percent(2_000)], 3_133),
        ([plan(4_900)], [percent(5_000), percent(1_000)], 2_205),
        ([plan(4_900)], [percent(10_000)], 0),
        ([plan(4_900)], [Discount(coupon="x", amount_off=900, duration="forever")], 4_000),
        ([plan(4_900)], [Discount(coupon="x", amount_off=9_000, duration="forever")], 0),
        ([plan(101)], [percent(5_000)], 50),
        ([plan(4_900), plan(12_000, "year")], [], 5_900),
        (
            [plan(4_900), plan(12_000, "year")],
            [Discount(coupon="x", amount_off=5_000, duration="forever")],
            1_000,
        ),
        ([plan(4_900), metered(777)], [], 4_900),
        ([plan(0)], [], 0),
    ],
)
def test_what_a_subscription_comes_to_a_month(
    opened: list[World], told: Told, items: list[Item], discounts: list[Discount], monthly: int
) -> None:
    told.tell(after(0), terms("active", items, discounts))
    assert amounts(seen(opened, told)) == [monthly]


@pytest.mark.parametrize(
    ("status", "counted"),
    [
        ("active", [STRIPE, CHARTMOGUL, PROFITWELL, MAXIO]),
        ("past_due", [STRIPE, CHARTMOGUL, PROFITWELL, MAXIO]),
        ("unpaid", [CHARTMOGUL]),
        *((status, []) for status in ("trialing", "incomplete", "incomplete_expired", "paused", "canceled")),
    ],
)
def test_which_statuses_count(opened: list[World], told: Told, status: str, counted: list[str]) -> None:
    ended = after(0) if status in ("canceled", "incomplete_expired") else None
    told.tell(after(0), terms(status, ended_at=ended))
    world = seen(opened, told)
    assert [profile for profile in PROFILES if amounts(world, profile) == [4_900]] == counted


def test_what_was_used_counts_where_the_profile_says_so(opened: list[World], told: Told) -> None:
    used = metered(700).model_copy(update={"quantity": 3})
    told.tell(after(0), terms("active", [plan(4_900), used]))
    world = seen(opened, told)
    assert [amounts(world, profile) for profile in PROFILES] == [[4_900], [4_900], [5_600], [4_900]]


def test_a_coupon_that_ends_is_contraction_and_its_end_expansion_that_nobody_told(
    opened: list[World], told: Told
) -> None:
    told.tell(after(0), terms())
    told.tell(after(5), terms(discounts=[percent(2_000, BEGIN + timedelta(days=95))]))
    world = seen(opened, told)
    assert movements(world, STRIPE) == [(0, "new", 4_900)]
    assert movements(world, CHARTMOGUL) == [
        (0, "new", 4_900),
        (5, "contraction", -980),
        (95, "expansion", 980),
    ]
    positions = world.rows("SELECT DISTINCT position FROM mrr_movement WHERE kind = 'expansion'")
    assert positions == [(2,)]


def test_the_end_of_one_of_two_subscriptions(opened: list[World], told: Told) -> None:
    told.tell(after(0), terms())
    told.tell(after(9), terms(items=[plan(14_900)]), subscription=2)
    told.tell(after(20), terms("canceled", ended_at=after(20)))
    told.tell(after(40), terms("canceled", ended_at=after(40)), subscription=2)
    world = seen(opened, told)
    begins = [(0, "new", 4_900), (9, "expansion", 14_900)]
    assert movements(world, STRIPE) == [*begins, (20, "churn", -4_900), (40, "churn", -14_900)]
    assert movements(world, CHARTMOGUL) == [*begins, (20, "contraction", -4_900), (40, "churn", -14_900)]


def test_a_canceled_subscription_counts_until_the_cycle_that_was_paid_for_ends(
    opened: list[World], told: Told
) -> None:
    told.tell(after(0), terms(period_end=after(31)))
    told.tell(after(31), terms("past_due", period_end=after(62)))
    told.tell(after(35), terms("active", period_end=after(62)))
    told.tell(after(40), terms("canceled", period_end=after(62), ended_at=after(40)))
    world = seen(opened, told)
    assert movements(world, STRIPE) == [(0, "new", 4_900), (40, "churn", -4_900)]
    assert movements(world, PROFITWELL) == [(0, "new", 4_900), (62, "churn", -4_900)]


def test_a_cycle_that_was_not_paid_for_is_no_reason_to_count(opened: list[World], told: Told) -> None:
    told.tell(after(0), terms(period_end=after(31)))
    told.tell(after(31), terms("past_due", period_end=after(62)))
    told.tell(after(45), terms("canceled", period_end=after(62), ended_at=after(45)))
    assert movements(seen(opened, told), PROFITWELL) == [(0, "new", 4_900), (45, "churn", -4_900)]


def test_changes_within_the_hour_are_one_where_the_profile_says_so(opened: list[World], told: Told) -> None:
    told.tell(after(0), terms())
    hour = timedelta(minutes=60)
    told.tell(after(10), terms("canceled", ended_at=after(10)))
    told.tell(after(10) + hour, terms(items=[plan(14_900)]), subscription=2)
    told.tell(after(20), terms("canceled", ended_at=after(20)), subscription=2)
    told.tell(after(20) + hour + timedelta(seconds=1), terms(), subscription=3)
    world = seen(opened, told)
    assert movements(world, CHARTMOGUL) == [
        (0, "new", 4_900),
        (10, "expansion", 10_000),
        (20, "churn", -14_900),
        (20, "reactivation", 4_900),
    ]
    assert movements(world, STRIPE)[1:3] == [(10, "churn", -4_900), (10, "reactivation", 14_900)]


def test_changes_on_two_days_are_two(opened: list[World], told: Told) -> None:
    told.tell(after(0), terms())
    told.tell(after(10) - timedelta(minutes=5), terms(items=[plan(5_900)]))
    told.tell(after(10), terms(items=[plan(5_000)]))
    assert movements(seen(opened, told), CHARTMOGUL)[1:] == [
        (9, "expansion", 1_000),
        (10, "contraction", -900),
    ]


@pytest.mark.parametrize(("gone", "kind"), [(90, "reactivation"), (91, "new")])
def test_who_comes_back_late_is_new_where_the_profile_says_so(
    opened: list[World], told: Told, gone: int, kind: str
) -> None:
    told.tell(after(0), terms())
    told.tell(after(30), terms("canceled", ended_at=after(30)))
    told.tell(after(30 + gone), terms(), subscription=2)
    world = seen(opened, told)
    assert movements(world, MAXIO)[-1] == (30 + gone, kind, 4_900)
    for profile in (STRIPE, CHARTMOGUL, PROFITWELL):
        assert movements(world, profile)[-1] == (30 + gone, "reactivation", 4_900)


def test_a_stay_within_one_month_never_was_where_the_profile_says_so(opened: list[World], told: Told) -> None:
    told.tell(after(0), terms())
    told.tell(after(21), terms("canceled", ended_at=after(21)))
    told.tell(after(40), terms(), subscription=2)
    told.tell(after(52), terms("canceled", ended_at=after(52)), subscription=2)
    world = seen(opened, told)
    assert movements(world, PROFITWELL) == [(40, "new", 4_900), (52, "churn", -4_900)]
    assert len(movements(world, MAXIO)) == 4


def test_another_currency_is_less_of_one_and_more_of_the_other(opened: list[World], told: Told) -> None:
    told.tell(after(0), terms())
    told.tell(after(30), terms(currency="EUR"))
    world = seen(opened, told)
    rows = "SELECT currency, kind, amount FROM mrr_movement WHERE profile = 'stripe-1' ORDER BY ALL"
    assert world.rows(rows) == [
        ("EUR", "expansion", 4_900),
        ("USD", "contraction", -4_900),
        ("USD", "new", 4_900),
    ]


def test_what_is_told_late_and_doubled_changes_the_past_once(opened: list[World], told: Told) -> None:
    told.tell(after(0), terms(), told_as="evt_a")
    told.tell(after(30), terms(items=[plan(14_900)]), told_as="evt_c")
    world = seen(opened, told)
    assert movements(world, STRIPE) == [(0, "new", 4_900), (30, "expansion", 10_000)]
    told.tell(after(10), terms(items=[plan(39_900)]), told_as="evt_b")
    told.tell(after(20), terms(items=[plan(1)]), told_as="evt_a")
    world.catch_up()
    assert movements(world, STRIPE) == [
        (0, "new", 4_900),
        (10, "expansion", 35_000),
        (30, "contraction", -25_000),
    ]


def test_of_tellings_of_one_moment_the_last_in_order_holds(opened: list[World], told: Told) -> None:
    told.tell(after(0), terms(items=[plan(300)]), rank=1, told_as="b")
    told.tell(after(0), terms(items=[plan(400)]), rank=2, told_as="a")
    told.tell(after(0), terms(items=[plan(200)]), rank=1, told_as="c")
    told.tell(after(0), terms(items=[plan(100)]), rank=0, told_as="d")
    assert movements(seen(opened, told), STRIPE) == [(0, "new", 400)]


def test_a_subscription_is_canceled_while_the_next_telling_says_otherwise(
    opened: list[World], told: Told
) -> None:
    """What is told within a paid cycle holds from then on, whatever was paid for."""
    told.tell(after(0), terms(period_end=after(31)))
    told.tell(after(10), terms("canceled", ended_at=after(10)))
    told.tell(after(25), terms("paused"))
    world = seen(opened, told)
    assert movements(world, PROFITWELL) == [(0, "new", 4_900), (25, "churn", -4_900)]
    assert movements(world, STRIPE) == [(0, "new", 4_900), (10, "churn", -4_900)]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ({"told_as": None}, "no told_as"),
        ({"effective_at": "soon"}, "no effective_at"),
        ({"terms": None}, "no status"),
        ({"terms": {"status": "active", "currency": "USD"}}, "no items"),
        (
            {
                "terms": {
                    "status": "active",
                    "currency": "USD",
                    "items": [{"kind": "plan", "interval": "aeon"}],
                }
            },
            "an item of its terms",
        ),
        (
            {
                "terms": {
                    "status": "active",
                    "currency": "USD",
                    "items": [
                        {
                            "kind": "plan",
                            "interval": "month",
                            "interval_count": 1,
                            "unit_amount": 10**12,
                            "quantity": 10**12,
                        }
                    ],
                }
            },
            "more than an amount may",
        ),
        (
            {
                "terms": {
                    "status": "active",
                    "currency": "USD",
                    "items": [],
                    "discounts": [{"coupon": "x", "duration": "forever"}],
                }
            },
            "of no percentage and of no amount",
        ),
    ],
)
def test_a_telling_without_what_a_fact_needs_stops_its_tenant(
    world: World, spoil: dict[str, Any], reason: str
) -> None:
    history = world.histories[0]
    payload = {
        "subscription_id": str(history.tenant_id),
        "teller": "stripe",
        "told_as": "evt",
        "effective_at": "2026-01-01T00:00:00Z",
        "rank": 1,
    }
    history.happen("billing.subscription_reported", {**payload, **spoil})
    world.catch_up()
    stopped = world.projector.tracked[history.tenant_id]
    assert stopped.state == "poisoned"
    assert reason in (stopped.error or "")


def test_no_reference_at_stripe_gets_in(opened: list[World], told: Told) -> None:
    told.tell(after(0), terms())
    world = seen(opened, told)
    assert "sub_of_stripe" not in str(world.facts())
    assert "sub_of_stripe" in str(told.history.events)
