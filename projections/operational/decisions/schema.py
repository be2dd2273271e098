"""One row a decision; `entry` is the version of its event in the addressee's stream.

Rows are added, and an allow that is used takes one date: a campaign makes 100,000 of them. Whether a later one took a
decision's place is worked out as it is read. `law` and `rule` are those of the first reason, which weighed most.
"""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "decisions",
        key=("addressee_id", "entry"),
        columns={
            "addressee_id": "uuid",
            "entry": "bigint",
            "message_id": "uuid",
            "workspace_id": "uuid",
            "purpose": "text",
            "campaign_type": "text",
            "sender_country": "text",
            "verdict": "text",
            "law": "text",
            "rule": "text",
            "reasons": "jsonb",
            "decided_at": "timestamptz",
            "expires_at": "timestamptz",
            "dispatched_at": "timestamptz",
            "created_position": "bigint",
        },
        indexes=(
            ("created_position",),
            ("workspace_id", "created_position"),
            ("verdict", "created_position"),
        ),
    ),
)
