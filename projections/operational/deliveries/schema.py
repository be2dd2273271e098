"""One row a schedule, removed ones included, and one row a due time that came to something.

`status` of a schedule: active, paused, removed; of a due time: under_way (its files are made), delivered, partly (a
member was sent nothing, an item could not be made, or the folder not be written to), failed, dropped (the schedule was
changed meanwhile), skipped (it passed while nothing ran, with others: `skipped` in all).
"""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "schedules",
        key=("schedule_id",),
        columns={
            "schedule_id": "uuid",
            "status": "text",
            "title": "text",
            "items": "jsonb",
            "frequency": "text",
            "weekday": "text",
            "at": "text",
            "time_zone": "text",
            "folder": "text",
            "recipients": "jsonb",
            "author_id": "uuid",
            "next_at": "timestamptz",
            "created_position": "bigint",
        },
        indexes=(("created_position",),),
    ),
    Table(
        "deliveries",
        key=("delivery_id",),
        columns={
            "delivery_id": "uuid",
            "schedule_id": "uuid",
            "status": "text",
            "day": "date",
            "due_at": "timestamptz",
            "settled_at": "timestamptz",
            "log_position": "text",
            "as_of": "timestamptz",
            "files": "jsonb",
            "folder": "text",
            "mailed": "integer",
            "withheld": "jsonb",
            "refused": "jsonb",
            "folder_failed": "text",
            "reason": "text",
            "skipped": "integer",
            "created_position": "bigint",
        },
        indexes=(("created_position",), ("schedule_id", "created_position")),
    ),
)
