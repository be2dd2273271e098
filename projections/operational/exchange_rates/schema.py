"""One row a pair and day: the rate that was recorded last."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "exchange_rates",
        key=("rate_id",),
        columns={
            "rate_id": "uuid",
            "base": "text",
            "quote": "text",
            "day": "date",
            "rate": "text",
            "source": "text",
            "recorded_times": "integer",
            "created_position": "bigint",
            "created_at": "timestamptz",
        },
        indexes=(("created_position",),),
    ),
)
