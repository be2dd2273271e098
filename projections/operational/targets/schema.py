"""One row a target, withdrawn ones included."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "targets",
        key=("target_id",),
        columns={
            "target_id": "uuid",
            "metric": "text",
            "period_kind": "text",
            "period": "text",
            "segment": "text",
            "comparison": "text",
            "value": "text",
            "value_to": "text",
            "unit": "text",
            "source": "text",
            "withdrawn": "boolean",
            "created_position": "bigint",
            "created_at": "timestamptz",
        },
        indexes=(("created_position",),),
    ),
)
