"""Whatever is done with subscriptions at our own Stripe, its books balance to the minor unit."""

from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from adapters.stripe.fake import catalogue, changes, clocks, customers, payments, schedules, subscriptions
from adapters.stripe.fake.forms import Params
from adapters.stripe.fake.problems import Problem
from adapters.stripe.fake.world import World

DAY = 86_400
START = 1_769_853_600
PRICES = {
    "small/month": ("small", 4_900, "month"),
    "large/month": ("large", 14_900, "month"),
    "small/year": ("small", 47_000, "year"),
    "seat/month": ("seat", 1_500, "month"),
}
COUPONS: dict[str, dict[str, str]] = {
    "third": {"percent_off": "33.33", "duration": "forever"},
    "first": {"amount_off": "1000", "currency": "usd", "duration": "once"},
    "months": {"percent_off": "20", "duration": "repeating", "duration_in_months": "2"},
}


class Books(RuleBasedStateMachine):
    """A customer, a subscription, and time."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(lambda: START)
        for product in ("small", "large", "seat"):
            catalogue.create_product(self.world, Params({"id": product, "name": product}))
        self.prices = {
            key: self.make(
                catalogue.create_price,
                product=product,
                currency="usd",
                unit_amount=str(amount),
                recurring={"interval": interval},
            )["id"]
            for key, (product, amount, interval) in PRICES.items()
        }
        for name, terms in COUPONS.items():
            self.make(catalogue.create_coupon, id=name, **terms)
        self.clock = self.make(clocks.create_clock, frozen_time=str(START))
        self.customer = self.make(
            customers.create_customer, test_clock=self.clock["id"], payment_method="pm_card_visa"
        )
        self.held: dict[str, Any] | None = None

    def make(self, handler: Callable[..., Any], *refs: str, **values: Any) -> Any:
        return handler(self.world, Params(values), *refs)

    def attempt(self, handler: Callable[..., Any], *refs: str, **values: Any) -> Any:
        """Do it, unless Stripe refuses it: then nothing of money may have changed."""
        before = self.books()
        try:
            return self.make(handler, *refs, **values)
        except Problem:
            assert self.books() == before
            return None

    def books(self) -> tuple[Any, ...]:
        kinds = self.world.kinds
        return (
            {ref: (one["status"], one["total"]) for ref, one in kinds["invoice"].items()},
            {ref: one["net"] for ref, one in kinds["balance_transaction"].items()},
            {ref: one["times_redeemed"] for ref, one in kinds["coupon"].items()},
            [(one["status"], one["discounts"], one["items"]) for one in kinds["subscription"].values()],
            self.customer["balance"],
        )

    def held_and_going_on(self) -> bool:
        return self.held is not None and self.held["status"] not in ("canceled", "incomplete_expired")

    @precondition(lambda self: not self.held_and_going_on())
    @rule(
        price=st.sampled_from(["small/month", "large/month", "small/year"]),
        coupon=st.sampled_from([None, *COUPONS]),
        trial=st.sampled_from([None, "5"]),
    )
    def subscribe(self, price: str, coupon: str | None, trial: str | None) -> None:
        more: dict[str, Any] = {"discounts": [{"coupon": coupon}]} if coupon else {}
        if trial:
            more["trial_period_days"] = trial
        items = [{"price": self.prices[price]}]
        self.held = self.attempt(
            subscriptions.create_subscription, customer=self.customer["id"], items=items, **more
        )

    @precondition(held_and_going_on)
    @rule(
        price=st.sampled_from(["small/month", "large/month", "small/year"]),
        behaviour=st.sampled_from(["always_invoice", "create_prorations", "none"]),
        strict=st.booleans(),
        coupon=st.sampled_from([None, "nonsense", *COUPONS]),
    )
    def change(self, price: str, behaviour: str, coupon: str | None, *, strict: bool) -> None:
        assert self.held is not None
        item = self.held["items"]["data"][0]
        more: dict[str, Any] = {"discounts": [{"coupon": coupon}]} if coupon else {}
        if strict:
            more["payment_behavior"] = "error_if_incomplete"
        self.attempt(
            changes.update_subscription,
            self.held["id"],
            items=[{"id": item["id"], "price": self.prices[price]}],
            proration_behavior=behaviour,
            **more,
        )

    @precondition(held_and_going_on)
    @rule(seats=st.integers(0, 5))
    def seats(self, seats: int) -> None:
        assert self.held is not None
        has = [one for one in self.held["items"]["data"] if one["price"]["id"] == self.prices["seat/month"]]
        change: dict[str, Any] = {"quantity": str(seats)}
        change |= {"id": has[0]["id"]} if has else {"price": self.prices["seat/month"]}
        self.attempt(changes.update_subscription, self.held["id"], items=[change])

    @precondition(held_and_going_on)
    @rule()
    def downgrade_later(self) -> None:
        assert self.held is not None
        schedule = self.attempt(schedules.create_schedule, from_subscription=self.held["id"])
        if schedule is not None:
            (now,) = schedule["phases"]
            price = {"price": self.prices["small/month"]}
            ahead = {"items": [price], "duration": {"interval": "month"}}
            kept = {"items": [price], "start_date": str(now["start_date"]), "end_date": str(now["end_date"])}
            self.attempt(schedules.update_schedule, schedule["id"], phases=[kept, ahead])

    @rule(card=st.sampled_from(["pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_createDispute"]))
    def take_a_card(self, card: str) -> None:
        method = customers.attach(self.world, card, self.customer)
        self.customer["invoice_settings"]["default_payment_method"] = method["id"]

    @rule(amount=st.integers(1, 5_000))
    def refund(self, amount: int) -> None:
        charges = self.world.all("charge")
        if charges:
            self.attempt(payments.create_refund, charge=charges[-1]["id"], amount=str(amount))

    @precondition(held_and_going_on)
    @rule(later=st.booleans())
    def cancel(self, *, later: bool) -> None:
        assert self.held is not None
        if later:
            self.attempt(changes.update_subscription, self.held["id"], cancel_at_period_end="true")
        else:
            self.attempt(subscriptions.cancel_subscription, self.held["id"])

    @rule(seconds=st.integers(1, 80 * DAY))
    def time_passes(self, seconds: int) -> None:
        to = self.clock["frozen_time"] + seconds
        self.make(clocks.advance_clock, self.clock["id"], frozen_time=str(to))

    @invariant()
    def invoices_add_up(self) -> None:
        for one in self.world.all("invoice"):
            lines = one["lines"]["data"]
            assert one["subtotal"] == sum(line["amount"] for line in lines)
            off = sum(each["amount"] for each in one["total_discount_amounts"])
            assert one["total"] == one["subtotal"] - off
            assert off == sum(each["amount"] for line in lines for each in line["discount_amounts"])
            assert 0 <= one["amount_due"] <= max(one["total"], 0)
            if one["status"] == "paid":
                assert one["amount_paid"] == one["amount_due"]

    @invariant()
    def what_is_paid_was_charged(self) -> None:
        charged = {
            one["payment_intent"]: one["amount"] for one in self.world.all("charge", status="succeeded")
        }
        for one in self.world.all("invoice_payment", status="paid"):
            invoice = self.world.get("invoice", one["invoice"])
            assert charged.pop(one["payment"]["payment_intent"]) == invoice["amount_paid"]
        assert charged == {}, "nothing else was"

    @invariant()
    def credit_is_kept_and_spent_once(self) -> None:
        sent = [one for one in self.world.all("invoice") if one["status"] != "draft"]
        assert self.customer["balance"] == sum(one["total"] - one["amount_due"] for one in sent) <= 0

    @invariant()
    def our_account_moved_by_what_is_told(self) -> None:
        moved = sum(one["amount"] for one in self.world.all("balance_transaction"))
        charged = sum(one["amount"] for one in self.world.all("charge", status="succeeded"))
        refunded = sum(one["amount"] for one in self.world.all("refund"))
        disputed = sum(
            each["amount"] for one in self.world.all("dispute") for each in one["balance_transactions"]
        )
        assert moved == charged - refunded + disputed
        assert all(one["amount_refunded"] <= one["amount"] for one in self.world.all("charge"))

    @invariant()
    def cycles_go_on(self) -> None:
        for one in self.world.all("subscription"):
            for item in one["items"]["data"]:
                assert item["current_period_start"] <= item["current_period_end"]
                if one["status"] in ("active", "trialing", "past_due", "unpaid"):
                    assert item["current_period_end"] > self.clock["frozen_time"]


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
