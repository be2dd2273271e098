"""What a tenant may do, has subscribed to, has asked for, and owes.

One row a tenant; one a subscription, with the terms that hold; one a change that was asked for, with what became of it;
one an invoice that is asked for again and again. `limits` and `features` are null as long as those of the plan's list
hold.
"""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "accounts",
        key=("id",),
        columns={
            "id": "uuid",
            "access": "text",
            "plan": "text",
            "catalogue": "text",
            "limits": "jsonb",
            "features": "jsonb",
            "trial_plan": "text",
            "trial_ends_at": "timestamptz",
            "trial_over": "boolean",
            "overage": "text",
            "overage_ceiling": "bigint",
            "usage_notices": "boolean",
            "notice_language": "text",
            "customer": "text",
            "customer_live": "boolean",
            "created_position": "bigint",
        },
    ),
    Table(
        "subscriptions",
        key=("subscription_id",),
        columns={
            "subscription_id": "uuid",
            "teller": "text",
            "reference": "text",
            "effective_at": "timestamptz",
            "rank": "int",
            "told_as": "text",
            "terms": "jsonb",
        },
    ),
    Table(
        "changes",
        key=("change_id",),
        columns={
            "change_id": "uuid",
            "subscription_id": "uuid",
            "kind": "text",
            "at_once": "boolean",
            "plan": "text",
            "lines": "jsonb",
            "coupon": "text",
            "state": "text",
            "reason": "text",
            "asked_position": "bigint",
        },
    ),
    Table(
        "dunning",
        key=("invoice_id",),
        columns={
            "invoice_id": "uuid",
            "began_at": "timestamptz",
            "retries": "int",
            "retry_at": "timestamptz",
            "suspend_at": "timestamptz",
            "cancel_at": "timestamptz",
            "suspended": "boolean",
        },
    ),
)
