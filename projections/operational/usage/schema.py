"""One row a meter of what stands, whose `period` is empty, and one a month (UTC) of what flows."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "usage",
        key=("meter", "period"),
        columns={"meter": "text", "period": "text", "used": "bigint", "created_position": "bigint"},
        indexes=(("created_position",),),
    ),
)
