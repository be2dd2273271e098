"""One row a grant that was asked for."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "grants",
        key=("grant_id",),
        columns={
            "grant_id": "uuid",
            "status": "text",
            "requested_by": "uuid",
            "scope": "jsonb",
            "ticket": "text",
            "reason": "text",
            "hours": "int",
            "decided_by": "uuid",
            "expires_at": "timestamptz",
            "revoked_by_tenant": "boolean",
            "created_position": "bigint",
            "created_at": "timestamptz",
        },
        indexes=(("created_position",),),
        personal=("reason",),
    ),
)
