"""One row a letter that is, or was, owed for an event.

`status`: owed, sent, partly (a member was sent nothing), not_sent. `job_id`: of the job that sends it.
"""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "notices",
        key=("notice_id",),
        columns={
            "notice_id": "uuid",
            "job_id": "uuid",
            "kind": "text",
            "status": "text",
            "happened_at": "timestamptz",
            "meter": "text",
            "threshold": "integer",
            "invoice_id": "uuid",
            "settled_at": "timestamptz",
            "reason": "text",
            "trouble": "text",
            "mailed": "integer",
            "withheld": "jsonb",
            "created_position": "bigint",
        },
        indexes=(("created_position",),),
        across=(("settled_at",),),
    ),
)
