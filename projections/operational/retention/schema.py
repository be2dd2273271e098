"""What is kept for a time, a row a thing from the moment on that tells what it is counted from, to after its end.

`under` and `keeps` are marks (`domain.retention.retained`): a hold is over a thing where they share one and the thing
falls into the hold's days. `ended_on`: the day that its period is counted from. There is a rule for each kind, and a
hold has a row for each thing that it is over; a matter's has ended once it is `settled`.
"""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "retained",
        key=("kind", "object_id"),
        columns={
            "kind": "text",
            "object_id": "uuid",
            "under": "jsonb",
            "first_day": "date",
            "last_day": "date",
            "ended_at": "timestamptz",
            "ended_on": "date",
            "promised": "timestamptz",
            "expired": "boolean",
            "destroyed": "boolean",
            "destroyed_at": "timestamptz",
            "created_position": "bigint",
        },
        indexes=(("created_position",), ("object_id",)),
    ),
    Table(
        "rules",
        key=("kind",),
        columns={
            "kind": "text",
            "number": "bigint",
            "terms": "jsonb",
            "agreed_above": "bigint",
            "chosen": "boolean",
            "period": "jsonb",
            "changed_at": "timestamptz",
            "created_position": "bigint",
        },
    ),
    Table("settled", key=("hold_id",), columns={"hold_id": "uuid", "released_at": "timestamptz"}),
    Table(
        "holds",
        key=("placing_id",),
        columns={
            "placing_id": "uuid",
            "hold_id": "uuid",
            "addressee_id": "uuid",
            "entry": "bigint",
            "matter": "text",
            "over_what": "text",
            "subject": "uuid",
            "keeps": "jsonb",
            "first_day": "date",
            "last_day": "date",
            "placed_at": "timestamptz",
            "placed_by": "uuid",
            "released_at": "timestamptz",
            "created_position": "bigint",
            "number": "bigint",
        },
        indexes=(("created_position",), ("hold_id",)),
    ),
    Table(
        "plans",
        key=("plan_id",),
        columns={
            "plan_id": "uuid",
            "status": "text",
            "planned_by": "uuid",
            "planned_at": "timestamptz",
            "agreed_by": "uuid",
            "objects": "jsonb",
            "counts": "jsonb",
            "destroyed": "jsonb",
            "left_out": "jsonb",
            "done_at": "timestamptz",
            "created_position": "bigint",
        },
        indexes=(("created_position",),),
    ),
)
