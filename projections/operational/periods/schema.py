"""One row a month that was ever locked by name."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "periods",
        key=("period",),
        columns={
            "period": "text",
            "locked": "boolean",
            "locked_at": "timestamptz",
            "locked_by": "uuid",
            "reopened_at": "timestamptz",
            "reopened_by": "uuid",
            "reason": "text",
            "created_position": "bigint",
        },
        indexes=(("created_position",),),
    ),
)
