"""Schedules: what a subscription is to become at the end of its cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.stripe.fake.calendar import after
from adapters.stripe.fake.changes import change_items, rhythm_of
from adapters.stripe.fake.forms import Params
from adapters.stripe.fake.items import add_discounts, period_end
from adapters.stripe.fake.problems import Problem, invalid, needed

if TYPE_CHECKING:
    from adapters.stripe.fake.world import Json, World


def create_schedule(world: World, params: Params) -> Json:
    """POST /v1/subscription_schedules: of a subscription that there is."""
    subscription = world.get("subscription", params.must("from_subscription"), "from_subscription")
    if subscription["schedule"] is not None:
        raise Problem(
            "You cannot migrate a subscription that is already attached to a schedule: "
            f"{subscription['schedule']}.",
            param="from_subscription",
        )
    if subscription["status"] not in ("active", "trialing", "past_due"):
        raise Problem("You cannot migrate a subscription of this status to a schedule.")
    at = world.now(subscription["test_clock"])
    start = min(item["current_period_start"] for item in subscription["items"]["data"])
    end = period_end(subscription)
    schedule = world.add(
        "subscription_schedule",
        {
            "application": None,
            "billing_mode": subscription["billing_mode"],
            "canceled_at": None,
            "completed_at": None,
            "current_phase": {"start_date": start, "end_date": end},
            "customer": subscription["customer"],
            "default_settings": {
                "billing_cycle_anchor": "automatic",
                "collection_method": "charge_automatically",
            },
            "end_behavior": "release",
            "metadata": params.metadata(),
            "pause_schedules": [],
            "phases": [
                _phase(
                    [
                        {"price": item["price"]["id"], "quantity": item.get("quantity")}
                        for item in subscription["items"]["data"]
                    ],
                    [{"discount": ref, "coupon": None} for ref in subscription["discounts"]],
                    start,
                    end,
                    subscription["currency"],
                )
            ],
            "released_at": None,
            "released_subscription": None,
            "status": "active",
            "subscription": subscription["id"],
            "test_clock": subscription["test_clock"],
        },
        at=at,
    )
    world.tell("subscription_schedule.created", schedule)
    with world.changing(subscription, "customer.subscription.updated"):
        subscription["schedule"] = schedule["id"]
    return schedule


def _phase(
    items: list[Json],
    discounts: list[Json],
    start: int,
    end: int,
    currency: str,
    metadata: dict[str, str] | None = None,
) -> Json:
    return {
        "add_invoice_items": [],
        "billing_cycle_anchor": None,
        "collection_method": None,
        "currency": currency,
        "discounts": discounts,
        "end_date": end,
        "items": [
            {
                "billing_thresholds": None,
                "discounts": [],
                "metadata": {},
                **{name: value for name, value in one.items() if value is not None},
                "tax_rates": [],
            }
            for one in items
        ],
        "metadata": metadata or {},
        "proration_behavior": "none",
        "start_date": start,
        "trial_end": None,
    }


def update_schedule(world: World, params: Params, ref: str) -> Json:
    """POST /v1/subscription_schedules/:id."""
    schedule = _active(world, ref)
    end_behavior = params.one_of("end_behavior", ("release", "cancel"), schedule["end_behavior"])
    phases: list[Json] = []
    for one in params.subs("phases"):
        start = one.integer("start_date")
        start = start if start is not None else (phases[-1]["end_date"] if phases else None)
        if start is None:
            raise needed(one.name("start_date"))
        items = []
        for item in one.subs("items"):
            price = world.get("price", item.must("price"), item.name("price"))
            items.append({"price": price["id"], "quantity": item.integer("quantity")})
        if not items:
            raise needed(one.name("items"))
        duration = one.sub("duration")
        end = one.integer("end_date")
        if end is None:
            count = duration.integer("interval_count") or 1
            end = after(start, duration.must("interval"), count)
        if end <= start or (phases and start != phases[-1]["end_date"]):
            raise invalid(one.name("start_date"), "Phases follow each other without a gap.")
        discounts = [_given(world, given) for given in one.subs("discounts")]
        phases.append(
            _phase(
                items,
                discounts,
                start,
                end,
                world.get("subscription", schedule["subscription"])["currency"],
                one.metadata(),
            )
        )
    if phases and phases[0]["start_date"] != schedule["phases"][0]["start_date"]:
        raise invalid("phases", "You can not modify the start date of the current phase.")
    with world.changing(schedule, "subscription_schedule.updated"):
        schedule["end_behavior"] = end_behavior
        schedule["phases"] = phases or schedule["phases"]
        schedule["metadata"] = params.metadata(schedule["metadata"])
    return schedule


def _given(world: World, given: Params) -> Json:
    coupon = given.text("coupon")
    if coupon is not None:
        world.get("coupon", coupon, given.name("coupon"))
    return {"coupon": coupon, "discount": given.text("discount")}


def _active(world: World, ref: str) -> Json:
    schedule = world.get("subscription_schedule", ref)
    if schedule["status"] != "active":
        raise Problem(
            f"You cannot update a subscription schedule that is currently in the `{schedule['status']}` status.",
            param="id",
        )
    return schedule


def release_schedule(world: World, params: Params, ref: str) -> Json:
    """POST /v1/subscription_schedules/:id/release: the subscription goes on as it is."""
    del params
    schedule = _active(world, ref)
    _release(world, schedule, world.now(schedule["test_clock"]))
    return schedule


def abort(world: World, schedule: Json, *, at: int) -> None:
    """What was settled cannot be done: the subscription goes on without it."""
    world.tell("subscription_schedule.aborted", schedule)
    _release(world, schedule, at)


def _release(world: World, schedule: Json, at: int) -> None:
    subscription = world.get("subscription", schedule["subscription"])
    with world.changing(schedule, None):
        schedule |= {
            "status": "released",
            "released_at": at,
            "released_subscription": subscription["id"],
            "subscription": None,
            "current_phase": None,
        }
    world.tell("subscription_schedule.released", schedule)
    with world.changing(subscription, "customer.subscription.updated"):
        subscription["schedule"] = None


def next_phase(world: World, schedule: Json, *, at: int) -> None:
    """The phase that begins now takes the place of the one that ended; after the last one, the schedule lets go."""
    subscription = world.get("subscription", schedule["subscription"])
    following = next((one for one in schedule["phases"] if one["start_date"] == at), None)
    if following is None:
        _release(world, schedule, at)
        return
    current = {item["price"]["id"]: item["id"] for item in subscription["items"]["data"]}
    wanted = {one["price"]: one.get("quantity") for one in following["items"]}
    kept = [
        {"id": ref, "price": price, **({} if wanted[price] is None else {"quantity": str(wanted[price])})}
        for price, ref in current.items()
        if price in wanted
    ]
    left = [ref for price, ref in current.items() if price not in wanted]
    new = [price for price in wanted if price not in current]
    changed = [
        {
            **({"id": left[number]} if number < len(left) else {}),
            "price": price,
            **({} if wanted[price] is None else {"quantity": str(wanted[price])}),
        }
        for number, price in enumerate(new)
    ]
    removed = [{"id": ref, "deleted": "true"} for ref in left[len(new) :]]
    with world.changing(subscription, "customer.subscription.updated"):
        subscription["metadata"] = {**subscription["metadata"], **following["metadata"]}
        given = [
            {name: value for name, value in one.items() if value is not None}
            for one in following["discounts"]
        ]
        add_discounts(world, subscription, [Params(one) for one in given], at, settled=True)
        request = {"items": [*kept, *changed, *removed], "proration_behavior": "none"}
        _without_billing(world, subscription, Params(request), at)
    with world.changing(schedule, "subscription_schedule.updated"):
        schedule["current_phase"] = {"start_date": at, "end_date": following["end_date"]}
    if following is schedule["phases"][-1] and schedule["end_behavior"] == "release":
        _release(world, schedule, at)


def _without_billing(world: World, subscription: Json, params: Params, at: int) -> None:
    """Change the items at the end of a cycle: the renewal that follows bills what they cost."""
    ended = period_end(subscription)
    before = {item["id"]: item for item in subscription["items"]["data"]}
    rhythm, status = rhythm_of(before.values()), subscription["status"]
    subscription["status"] = "trialing"
    try:
        change_items(world, subscription, params, at)
    finally:
        subscription["status"] = status
    items = subscription["items"]["data"]
    if rhythm_of(items) != rhythm:
        subscription["billing_cycle_anchor"] = at
    for item in items:
        old = before.get(item["id"])
        item["current_period_start"] = old["current_period_start"] if old else ended
        item["current_period_end"] = ended
        item["_metered_from"] = (old or {}).get("_metered_from", at)
        item["_debit"] = None
