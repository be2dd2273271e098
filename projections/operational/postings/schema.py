"""One row a posting, stopped ones included. `outcome`: of its latest due time, posted or failed; null before that."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "postings",
        key=("posting_id",),
        columns={
            "posting_id": "uuid",
            "status": "text",
            "title": "text",
            "logs": "jsonb",
            "frequency": "text",
            "folder": "text",
            "bucket": "text",
            "recipients": "jsonb",
            "every_tenant": "boolean",
            "author_id": "uuid",
            "next_at": "timestamptz",
            "outcome": "text",
            "due_at": "timestamptz",
            "settled_at": "timestamptz",
            "posted": "jsonb",
            "mailed": "integer",
            "passed": "jsonb",
            "others": "integer",
            "others_failed": "integer",
            "reason": "text",
            "log": "text",
            "path": "text",
            "created_position": "bigint",
        },
        indexes=(("created_position",),),
    ),
)
