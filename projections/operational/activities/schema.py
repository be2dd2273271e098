"""One row an activity, ended ones included. `contacts` is personal: it may name a data protection officer."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "activities",
        key=("activity_id",),
        columns={
            "activity_id": "uuid",
            "title": "text",
            "role": "text",
            "record": "jsonb",
            "contacts": "text",
            "entered_at": "timestamptz",
            "changed_at": "timestamptz",
            "reviewed_at": "timestamptz",
            "ended_at": "timestamptz",
            "created_position": "bigint",
        },
        indexes=(("created_position",),),
        personal=("contacts",),
    ),
)
