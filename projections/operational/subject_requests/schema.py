"""One row a request, closed ones included. Nothing in it says who asks: that is in the log, sealed.

`state`: open or closed. `done_at`: what was asked for was done. `approaching`, `missed`: that was announced.
"""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "subject_requests",
        key=("request_id",),
        columns={
            "request_id": "uuid",
            "addressee_id": "uuid",
            "kind": "text",
            "channel": "text",
            "by_agent": "boolean",
            "place": "text",
            "place_assumed": "boolean",
            "received_at": "timestamptz",
            "submitted_at": "timestamptz",
            "terms": "jsonb",
            "law": "text",
            "due": "text",
            "due_at": "timestamptz",
            "acknowledge_by": "text",
            "acknowledged_at": "timestamptz",
            "acknowledgement_entered_at": "timestamptz",
            "identity": "text",
            "extended": "boolean",
            "state": "text",
            "done_at": "timestamptz",
            "outcome": "text",
            "ground": "text",
            "closed_at": "timestamptz",
            "in_time": "boolean",
            "entered_late": "boolean",
            "approaching": "boolean",
            "missed": "boolean",
            "details_until": "timestamptz",
            "details_destroyed": "boolean",
            "created_position": "bigint",
        },
        indexes=(("created_position",), ("addressee_id",), ("state", "due_at")),
    ),
)
