"""One row a saved query; deleted ones are gone. `sql` is personal: somebody typed it."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "saved_queries",
        key=("query_id",),
        columns={
            "query_id": "uuid",
            "title": "text",
            "sql": "text",
            "author_id": "uuid",
            "saved_at": "timestamptz",
            "changed_at": "timestamptz",
            "created_position": "bigint",
        },
        indexes=(("created_position",),),
        personal=("sql",),
    ),
)
