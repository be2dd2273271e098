"""How endpoints, their runs and their secrets follow from events."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from domain.kernel.ids import derived_id
from projections.operational.webhook_endpoints.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

WEBHOOK_ENDPOINTS: Final = Projection("webhook_endpoints", version=1, tables=TABLES, reveals=False)


@WEBHOOK_ENDPOINTS.on("webhooks.endpoint_created")
def created(event: Fact, rows: Rows) -> None:
    """An endpoint is there; its own run has the endpoint's id, begins after this event and never ends."""
    payload = event.payload
    rows.insert(
        "webhook_endpoints",
        {
            **{name: payload[name] for name in ("endpoint_id", "url", "events", "description")},
            "state": "active",
            "era": event.position,
            "created_position": event.position,
            "created_at": event.recorded_at,
        },
    )
    own = {"run_id": payload["endpoint_id"], "endpoint_id": payload["endpoint_id"]}
    rows.insert("webhook_runs", {**own, "after_position": event.position})
    rows.insert("webhook_secrets", {name: payload[name] for name in ("secret_id", "endpoint_id")})


@WEBHOOK_ENDPOINTS.on("webhooks.endpoint_changed")
def changed(event: Fact, rows: Rows) -> None:
    """It is as told here, and what failed before counts no more."""
    told = {name: event.payload[name] for name in ("url", "events", "description")}
    _update(event, rows, era=event.position, **told)


@WEBHOOK_ENDPOINTS.on("webhooks.secret_rotated")
def rotated(event: Fact, rows: Rows) -> None:
    """It signs with one more secret."""
    rows.insert("webhook_secrets", {name: event.payload[name] for name in ("secret_id", "endpoint_id")})


@WEBHOOK_ENDPOINTS.on("webhooks.secret_retired")
def retired(event: Fact, rows: Rows) -> None:
    """A secret signs for some time yet."""
    rows.update("webhook_secrets", {name: event.payload[name] for name in ("secret_id", "retires_at")})


@WEBHOOK_ENDPOINTS.on("webhooks.secret_destroyed")
def destroyed(event: Fact, rows: Rows) -> None:
    """A secret is gone."""
    rows.delete("webhook_secrets", {"secret_id": event.payload["secret_id"]})


@WEBHOOK_ENDPOINTS.on("webhooks.endpoint_paused")
def paused(event: Fact, rows: Rows) -> None:
    """Nothing is sent."""
    _update(event, rows, state="paused", pause_reason=event.payload["reason"])


@WEBHOOK_ENDPOINTS.on("webhooks.endpoint_resumed")
def resumed(event: Fact, rows: Rows) -> None:
    """Sending goes on, and what failed before counts no more."""
    _update(event, rows, state="active", pause_reason=None, era=event.position)


@WEBHOOK_ENDPOINTS.on("webhooks.endpoint_removed")
def removed(event: Fact, rows: Rows) -> None:
    """Nothing is sent any more; what it was stays to be seen."""
    _update(event, rows, state="removed", pause_reason=None)


@WEBHOOK_ENDPOINTS.on("webhooks.replay_asked")
def replay_asked(event: Fact, rows: Rows) -> None:
    """One more run, over a range that ends at this event at the latest."""
    payload, moment = event.payload, event.recorded_at.astimezone(UTC).isoformat()
    rows.insert(
        "webhook_runs",
        {
            # Positions of a tail that a restore lost are given anew, moments are not.
            "run_id": derived_id(event.tenant_id, "webhook replay", event.position, moment),
            "endpoint_id": payload["endpoint_id"],
            "after_position": payload["first"] - 1,
            "last_position": min(payload["last"], event.position),
        },
    )


def _update(event: Fact, rows: Rows, **values: Any) -> None:
    rows.update("webhook_endpoints", {"endpoint_id": event.payload["endpoint_id"], **values})
