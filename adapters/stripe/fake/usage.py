"""Meters, and what was counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.stripe.fake.calendar import DAY
from adapters.stripe.fake.problems import Problem, invalid, missing, needed

if TYPE_CHECKING:
    from adapters.stripe.fake.forms import Params
    from adapters.stripe.fake.world import Json, World

_BACK: Final = 35 * DAY
_AHEAD: Final = 300
_MINUTE: Final = 60


def create_meter(world: World, params: Params) -> Json:
    """POST /v1/billing/meters."""
    name = params.must("event_name")
    if world.all("billing.meter", event_name=name, status="active"):
        raise Problem(f"An active meter with event name {name} already exists.", param="event_name")
    aggregation = params.sub("default_aggregation")
    formula = aggregation.one_of("formula", ("sum", "count", "last"))
    aggregation.must("formula")
    key = params.sub("customer_mapping").text("event_payload_key") or "stripe_customer_id"
    return world.add(
        "billing.meter",
        {
            "customer_mapping": {"event_payload_key": key, "type": "by_id"},
            "default_aggregation": {"formula": formula},
            "display_name": params.must("display_name"),
            "event_name": name,
            "event_time_window": params.text("event_time_window"),
            "status": "active",
            "status_transitions": {"deactivated_at": None},
            "updated": world.now(),
            "value_settings": {
                "event_payload_key": params.sub("value_settings").text("event_payload_key") or "value"
            },
        },
    )


def create_meter_event(world: World, params: Params) -> Json:
    """POST /v1/billing/meter_events: the same identifier again is refused for a day."""
    name = params.must("event_name")
    meter = next(iter(world.all("billing.meter", event_name=name, status="active")), None)
    if meter is None:
        raise missing("meter", name, "event_name")
    payload = params.sub("payload")
    customer = world.get(
        "customer",
        payload.must(meter["customer_mapping"]["event_payload_key"]),
        "payload[stripe_customer_id]",
    )
    value = payload.must(meter["value_settings"]["event_payload_key"])
    if not value.removeprefix("-").isdecimal():
        raise invalid("payload[value]", f"Invalid value: {value}")
    now = world.now(customer["test_clock"])
    at = params.integer("timestamp")
    at = now if at is None else at
    if not now - _BACK <= at <= now + _AHEAD:
        raise Problem(
            "The timestamp must be within the past 35 calendar days or up to 5 minutes in the future.",
            code="timestamp_too_far_in_past" if at < now else "timestamp_in_future",
            param="timestamp",
        )
    identifier = params.text("identifier") or world.fresh("billing.meter_event")
    for before in world.all("billing.meter_event", identifier=identifier):
        if before["created"] > now - DAY:
            raise Problem(
                f"An event already exists with identifier {identifier}.",
                code="duplicate_meter_event",
                param="identifier",
            )
    return world.add(
        "billing.meter_event",
        {
            "event_name": name,
            "identifier": identifier,
            "payload": dict(payload.values),
            "timestamp": at,
            "_customer": customer["id"],
            "_value": int(value),
            "_meter": meter["id"],
        },
        at=now,
    )


def list_summaries(world: World, params: Params, ref: str) -> list[Json]:
    """GET /v1/billing/meters/:id/event_summaries: one of the whole time, where anything was counted in it."""
    meter = world.get("billing.meter", ref)
    customer = world.get("customer", params.must("customer"), "customer")
    start, end = params.integer("start_time"), params.integer("end_time")
    for name, moment in (("start_time", start), ("end_time", end)):
        if moment is None:
            raise needed(name)
        if moment % _MINUTE:
            raise invalid(name, "Timestamps must be aligned with minute boundaries.")
    start, end = start or 0, end or 0
    events = [
        one
        for one in world.all("billing.meter_event", _meter=meter["id"], _customer=customer["id"])
        if start <= one["timestamp"] < end
    ]
    if not events:
        return []
    return [
        {
            "id": f"mtrusg_test_{customer['id']}_{start}_{end}",
            "object": "billing.meter_event_summary",
            "aggregated_value": float(used(world, meter["id"], customer["id"], start, end)),
            "start_time": start,
            "end_time": end,
            "meter": meter["id"],
            "livemode": False,
        }
    ]


def used(world: World, meter: str, customer: str, start: int, end: int) -> int:
    """What a meter says for a time."""
    found = [
        one
        for one in world.all("billing.meter_event", _meter=meter, _customer=customer)
        if start <= one["timestamp"] < end
    ]
    formula = world.get("billing.meter", meter)["default_aggregation"]["formula"]
    if formula == "count":
        return len(found)
    if formula == "last":
        return int(max(found, key=lambda one: (one["timestamp"], one["_n"]))["_value"]) if found else 0
    return sum(one["_value"] for one in found)
