"""How what the payment provider told follows from events of the platform's log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.gateway_events.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

GATEWAY_EVENTS: Final = Projection("gateway_events", version=1, tables=TABLES, reveals=False)


@GATEWAY_EVENTS.on("billing.gateway_event_received")
def received(event: Fact, rows: Rows) -> None:
    """Something was told, and waits for its place."""
    payload = event.payload
    told = {name: payload[name] for name in ("gateway_event_id", "gateway", "reference", "kind", "about")}
    rows.insert(
        "gateway_events",
        {
            **told,
            "customer": payload["customer"],
            "state": "waiting",
            "happened_at": payload["created_at"],
            "received_at": event.recorded_at,
            "created_position": event.position,
        },
    )


@GATEWAY_EVENTS.on("billing.gateway_event_placed")
def placed(event: Fact, rows: Rows) -> None:
    """It stands in its tenant's log."""
    payload = event.payload
    of = {"gateway_event_id": payload["gateway_event_id"], "of_tenant": payload["tenant_id"]}
    rows.update("gateway_events", {**of, "state": "placed", "reason": None})


@GATEWAY_EVENTS.on("billing.gateway_event_set_aside")
def set_aside(event: Fact, rows: Rows) -> None:
    """It changed nothing, for a reason."""
    of = {name: event.payload[name] for name in ("gateway_event_id", "reason")}
    rows.update("gateway_events", {**of, "state": "set_aside"})


@GATEWAY_EVENTS.on("billing.gateway_event_taken_up")
def taken_up(event: Fact, rows: Rows) -> None:
    """It is tried again; why it was set aside before stays until then."""
    rows.update("gateway_events", {"gateway_event_id": event.payload["gateway_event_id"], "state": "waiting"})
