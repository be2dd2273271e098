"""One row a campaign, archived ones included. `missing` is what its last check found; null: it was never checked."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "campaigns",
        key=("campaign_id",),
        columns={
            "campaign_id": "uuid",
            "workspace_id": "uuid",
            "name": "text",
            "purpose": "text",
            "campaign_type": "text",
            "list_ids": "jsonb",
            "countries": "jsonb",
            "similar_goods": "boolean",
            "role_relevant": "boolean",
            "charitable": "boolean",
            "content": "jsonb",
            "state": "text",
            "outcome": "text",
            "content_hash": "text",
            "missing": "jsonb",
            "missing_tokens": "jsonb",
            "checked_at": "timestamptz",
            "recipients": "bigint",
            "parts": "jsonb",
            "answer_by": "timestamptz",
            "manager": "uuid",
            "officer": "uuid",
            "created_position": "bigint",
            "created_at": "timestamptz",
        },
        indexes=(("created_position",),),
    ),
)
