"""What happens by itself as time goes on: trials end, cycles begin, drafts are sent, cards are tried again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from adapters.stripe.fake.billing import collect, end_discount, finalize
from adapters.stripe.fake.calendar import HOUR
from adapters.stripe.fake.customers import method_for
from adapters.stripe.fake.disputes import open_due
from adapters.stripe.fake.problems import Problem, invalid
from adapters.stripe.fake.schedules import abort, next_phase
from adapters.stripe.fake.subscriptions import TOLD_AHEAD, end, end_with_cycle, expire, renew

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.stripe.fake.forms import Params
    from adapters.stripe.fake.world import Json, World

    Due = tuple[int, int, int, Callable[[int], object]]

_INCOMPLETE: Final = 23 * HOUR
_DISCOUNT, _ENDING, _PHASE, _TRIAL, _CYCLE, _SENT, _TRIED = range(7)


def _due(world: World, clock: str | None) -> Iterator[Due]:
    """All that is to happen by a clock: when, in which order at one moment, whose, and what."""
    for one in world.all("subscription", test_clock=clock):
        if one["status"] not in ("canceled", "incomplete_expired"):
            for moment, order, act in _due_of(world, one):
                yield moment, order, one["_n"], act
    for one in world.all("invoice", test_clock=clock):
        if one["status"] == "draft" and one["automatically_finalizes_at"] is not None:
            yield one["automatically_finalizes_at"], _SENT, one["_n"], partial(_send, world, one)
        elif one["status"] == "open" and one["next_payment_attempt"] is not None and one["auto_advance"]:
            yield one["next_payment_attempt"], _TRIED, one["_n"], partial(_retry, world, one)


def _due_of(world: World, one: Json) -> Iterator[tuple[int, int, Callable[[int], object]]]:
    if one["status"] == "incomplete":
        yield one["created"] + _INCOMPLETE, _ENDING, partial(_expired, world, one)
        return
    for ref in one["discounts"]:
        discount = world.get("discount", ref)
        if discount["end"] is not None:
            yield discount["end"], _DISCOUNT, partial(_discount_over, world, one, discount)
    if one["cancel_at"] is not None:
        yield one["cancel_at"], _ENDING, partial(_ended, world, one)
    if one["schedule"] is not None:
        schedule = world.get("subscription_schedule", one["schedule"])
        yield schedule["current_phase"]["end_date"], _PHASE, partial(_phase_over, world, schedule)
    if one["status"] == "trialing":
        if not one["_told_of_trial"]:
            moment = max(one["trial_end"] - TOLD_AHEAD, one["created"])
            yield moment, _TRIAL, partial(_tell_of_trial, world, one)
        yield one["trial_end"], _CYCLE, partial(_trial_over, world, one)
    elif one["status"] in ("active", "past_due", "unpaid"):
        moment = min(item["current_period_end"] for item in one["items"]["data"])
        yield moment, _CYCLE, partial(_next_cycle, world, one)


def _expired(world: World, subscription: Json, at: int) -> None:
    expire(world, subscription, at=at)


def _discount_over(world: World, subscription: Json, discount: Json, at: int) -> None:
    del at
    end_discount(world, subscription, discount)


def _phase_over(world: World, schedule: Json, at: int) -> None:
    try:
        next_phase(world, schedule, at=at)
    except Problem:
        # Something of it is sold no more: the subscription goes on as it is.
        abort(world, schedule, at=at)


def _retry(world: World, invoice: Json, at: int) -> None:
    collect(world, invoice, at=at)


def _ended(world: World, subscription: Json, at: int) -> None:
    end_with_cycle(world, subscription, at=at)


def _tell_of_trial(world: World, subscription: Json, at: int) -> None:
    del at
    subscription["_told_of_trial"] = True
    world.tell("customer.subscription.trial_will_end", subscription)


def _trial_over(world: World, subscription: Json, at: int) -> None:
    customer = world.get("customer", subscription["customer"])
    without = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if method_for(world, customer, subscription) is None and without != "create_invoice":
        if without == "cancel":
            end(world, subscription, "cancellation_requested", at=at)
            return
        with world.changing(subscription, "customer.subscription.updated"):
            subscription["status"] = "paused"
        world.tell("customer.subscription.paused", subscription)
        return
    with world.changing(subscription, "customer.subscription.updated"):
        subscription["status"] = "active"
        subscription["billing_cycle_anchor"] = at
        renew(world, subscription, subscription["items"]["data"], at=at)


def _next_cycle(world: World, subscription: Json, at: int) -> None:
    items = [item for item in subscription["items"]["data"] if item["current_period_end"] <= at]
    renew(world, subscription, items, at=at)


def _send(world: World, invoice: Json, at: int) -> None:
    finalize(world, invoice, at=at)
    if invoice["status"] == "open":
        collect(world, invoice, at=at)


def run(world: World, clock: str | None, to: int) -> None:
    """Let everything happen that is due up to a moment, each thing at its own."""
    while True:
        first = min(_due(world, clock), key=lambda one: one[:3], default=None)
        if first is None or first[0] > to:
            return
        at = first[0]
        if clock is None:
            with world.acting_at(at):
                first[3](at)
        else:
            frozen = world.get("test_helpers.test_clock", clock)
            frozen["frozen_time"] = max(at, frozen["frozen_time"])
            first[3](at)
        open_due(world)


def tick(world: World) -> None:
    """Let the time outside have its way with what lives by no test clock."""
    open_due(world)
    run(world, None, world.wall())
    while world.stirred:
        clock = world.stirred.pop()
        run(world, clock, world.now(clock))


def create_clock(world: World, params: Params) -> Json:
    """POST /v1/test_helpers/test_clocks."""
    at = params.integer("frozen_time")
    if at is None:
        raise Problem("Missing required param: frozen_time.", code="parameter_missing", param="frozen_time")
    return _new_clock(world, at, params.text("name"))


def _new_clock(world: World, at: int, name: str | None) -> Json:
    return world.add(
        "test_helpers.test_clock",
        {
            "deletes_after": at + 30 * 24 * HOUR,
            "frozen_time": at,
            "name": name,
            "status": "ready",
            "status_details": {},
        },
    )


def put_on_clock(world: World, customer: Json, at: int) -> Json:
    """A new test clock by which a customer lives that has been there already, from a moment in the past on.

    At Stripe a clock is a customer's from its creation, or never: so it is moved as if it were new. Raises `Problem`.
    """
    if customer["test_clock"] is not None:
        raise invalid("customer", f"It lives by {customer['test_clock']} already: advance that.")
    if world.all("subscription", customer=customer["id"]) or world.all("invoice", customer=customer["id"]):
        raise invalid("customer", "It has bought something, at another moment: take a customer that has not.")
    if at > world.wall():
        raise invalid("frozen_time", "Give a moment that has been, in seconds since 1970.")
    clock = _new_clock(world, at, None)
    customer |= {"test_clock": clock["id"], "created": at}
    return clock


def advance_clock(world: World, params: Params, ref: str) -> Json:
    """POST /v1/test_helpers/test_clocks/:id/advance: done when it answers."""
    clock = world.get("test_helpers.test_clock", ref)
    to = params.integer("frozen_time")
    if to is None or to <= clock["frozen_time"]:
        raise invalid("frozen_time", "The frozen time must be after the present one.")
    run(world, ref, to)
    clock["frozen_time"] = to
    world.tell("test_helpers.test_clock.ready", clock)
    return clock


def delete_clock(world: World, params: Params, ref: str) -> Json:
    """DELETE /v1/test_helpers/test_clocks/:id: with its customers and all that is theirs."""
    del params
    clock = world.get("test_helpers.test_clock", ref)
    clock["deleted"] = True
    for customer in world.all("customer", test_clock=ref):
        customer["deleted"] = True
        for subscription in world.all("subscription", customer=customer["id"]):
            subscription["status"] = "canceled"
    return {"id": ref, "object": "test_helpers.test_clock", "deleted": True}
