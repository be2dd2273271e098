"""One row a sign-off, a question, an alert. What was written about them stands in the history alone."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

_ORDER: Final = (("created_position",),)

TABLES: Final = (
    Table(
        "sign_offs",
        key=("review_id",),
        columns={
            "review_id": "uuid",
            "of_reader": "uuid",
            "signed_by": "uuid",
            "signed_at": "timestamptz",
            "epoch": "bigint",
            "after_position": "bigint",
            "to_position": "bigint",
            "entries": "bigint",
            "own_entries": "bigint",
            "staff_entries": "bigint",
            "denied_requests": "bigint",
            "kinds": "jsonb",
            "readers": "jsonb",
            "readers_count": "bigint",
            "first_at": "timestamptz",
            "last_at": "timestamptz",
            "created_position": "bigint",
        },
        indexes=_ORDER,
    ),
    Table(
        "questions",
        key=("question_id",),
        columns={
            "question_id": "uuid",
            "review_id": "uuid",
            "entry_position": "bigint",
            "reader_id": "uuid",
            "doubt": "text",
            "asked_by": "uuid",
            "asked_at": "timestamptz",
            "outcome": "text",
            "answered_by": "uuid",
            "answered_at": "timestamptz",
            "created_position": "bigint",
        },
        indexes=_ORDER,
    ),
    Table(
        "alerts",
        key=("alert_id",),
        columns={
            "alert_id": "uuid",
            "rule": "text",
            "reader_id": "uuid",
            "staff": "boolean",
            "counts": "text",
            "measured": "bigint",
            "threshold": "bigint",
            "minutes": "bigint",
            "epoch": "bigint",
            "first_position": "bigint",
            "last_position": "bigint",
            "first_at": "timestamptz",
            "last_at": "timestamptz",
            "raised_at": "timestamptz",
            "acknowledged_by": "uuid",
            "acknowledged_at": "timestamptz",
            "created_position": "bigint",
        },
        indexes=_ORDER,
    ),
)
