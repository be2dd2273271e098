"""One row a cost, reversed ones included; one row a rule for each pool and month from which it holds."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "costs",
        key=("cost_id",),
        columns={
            "cost_id": "uuid",
            "category": "text",
            "amount": "bigint",
            "estimated_amount": "bigint",
            "currency": "text",
            "covers_from": "date",
            "covers_to": "date",
            "incurred_on": "date",
            "provider": "text",
            "resource": "text",
            "assigned": "text",
            "workspace_id": "uuid",
            "customer_id": "uuid",
            "pool": "text",
            "acquires": "text",
            "approximate": "boolean",
            "basis": "text",
            "reference": "text",
            "minutes": "bigint",
            "hourly_rate": "bigint",
            "state": "text",
            "reversal_reason": "text",
            "created_position": "bigint",
            "created_at": "timestamptz",
        },
        indexes=(("created_position",),),
    ),
    Table(
        "allocation_rules",
        key=("pool", "from_day"),
        columns={
            "pool": "text",
            "from_day": "date",
            "allocated_by": "text",
            "shares": "jsonb",
            "created_position": "bigint",
            "created_at": "timestamptz",
        },
        indexes=(("created_position",),),
    ),
)
