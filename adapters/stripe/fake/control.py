"""What Stripe has not: addresses by which a test, or whoever develops, makes the fake misbehave.

All are POST with a JSON object: `/_control/deliver`, `fail`, `skip`, `clock`, `dispute`, `refund`, `card`, `settings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.stripe.fake.calendar import DAY
from adapters.stripe.fake.clocks import put_on_clock, tick
from adapters.stripe.fake.customers import BEHAVIOURS
from adapters.stripe.fake.disputes import open_dispute
from adapters.stripe.fake.payments import fail_refund
from adapters.stripe.fake.problems import Problem, invalid

if TYPE_CHECKING:
    from adapters.stripe.fake.app import Fake
    from adapters.stripe.fake.world import Json

_FARTHEST: Final = 400 * DAY
"""Ahead of the clock outside: what is told of a moment to come is entered by nobody before it comes."""


async def control(fake: Fake, what: str, asked: Json) -> Any:
    """Do it. Raises `Problem`."""
    world = fake.world
    match what:
        case "deliver":
            _only(asked, "seed", "doubled", "lost", "all_now")
            return await fake.courier.deliver(**asked)
        case "fail":
            _only(asked, "status", "when", "path", "times", "code", "headers")
            order = {"when": "before", "path": "/v1/", "times": 1, "headers": {}, "code": None, **asked}
            if order["when"] not in ("before", "after") or not isinstance(order.get("status"), int):
                raise invalid("status", "Give `status` (an integer) and `when` (before or after).")
            world.failures.append(order)
            return order
        case "skip":
            _only(asked, "seconds")
            seconds = asked.get("seconds")
            if not isinstance(seconds, int) or seconds < 0:
                raise invalid("seconds", "Give `seconds`, a whole number not below zero.")
            if world.wall() - world.outside() + seconds > _FARTHEST:
                raise invalid(
                    "seconds",
                    "That is more than 400 days ahead of the clock outside, and whoever is told of it waits so long. "
                    f"At most {max(0, _FARTHEST - (world.wall() - world.outside()))} seconds can be skipped now; use a "
                    "test clock for more.",
                )
            world.skip(seconds)
            tick(world)
            return {"now": world.wall(), "ahead": world.wall() - world.outside()}
        case "clock":
            _only(asked, "customer", "frozen_time")
            at = asked.get("frozen_time")
            if not isinstance(at, int) or at < 0:
                raise invalid("frozen_time", "Give `frozen_time`, a moment in whole seconds since 1970.")
            customer = world.get("customer", str(asked.get("customer")), "customer")
            return world.public(put_on_clock(world, customer, at))
        case "dispute":
            _only(asked, "charge")
            return world.public(open_dispute(world, world.get("charge", str(asked.get("charge")))))
        case "refund":
            _only(asked, "refund")
            return world.public(fail_refund(world, world.get("refund", str(asked.get("refund")))))
        case "card":
            _only(asked, "payment_method", "behaviour")
            method = world.get("payment_method", str(asked.get("payment_method")))
            if asked.get("behaviour") not in BEHAVIOURS:
                raise invalid("behaviour", f"Give one of {', '.join(sorted(BEHAVIOURS))}.")
            method["_card"] = [*method["_card"][:2], asked["behaviour"]]
            return world.public(method)
        case "settings":
            _only(asked, *world.settings)
            world.settings |= asked
            return world.settings
        case _:
            raise Problem("There is no such control.", param="what")


def _only(asked: Json, *names: str) -> None:
    for name in asked:
        if name not in names:
            raise invalid(name, f"Received unknown parameter: {name}; there are {', '.join(names)}.")
