"""One row an event that the payment provider told."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "gateway_events",
        key=("gateway_event_id",),
        columns={
            "gateway_event_id": "uuid",
            "gateway": "text",
            "reference": "text",
            "kind": "text",
            "about": "text",
            "customer": "text",
            "state": "text",
            "reason": "text",
            "of_tenant": "uuid",
            "happened_at": "timestamptz",
            "received_at": "timestamptz",
            "created_position": "bigint",
        },
        indexes=(("created_position",), ("state", "created_position")),
    ),
)
