"""One row a person who works for the platform now."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "staff",
        key=("staff_id",),
        columns={
            "staff_id": "uuid",
            "role": "text",
            "email": "text",
            "full_name": "text",
            "created_position": "bigint",
            "created_at": "timestamptz",
        },
        personal=("email", "full_name"),
    ),
)
