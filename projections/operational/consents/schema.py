"""One row an event of an addressee's stream that enters something, or that ends or retracts an earlier entry.

Rows are only ever added. What an entry has come to, and when, is worked out from the few later rows of the same person
as it is read: a withdrawal of all consents names none of them, and handlers may not look for them. `about` is the
number of the entry that a row speaks of; none: of all. `workspace_id`: of the client to whom alone it was given. Proof
(wording, IP, notes) is evidence and is not in here: the addressee's history shows it to those who may read evidence.
"""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "entries",
        key=("addressee_id", "entry"),
        columns={
            "addressee_id": "uuid",
            "entry": "bigint",
            "what": "text",
            "kind": "text",
            "about": "bigint",
            "occurred_on": "date",
            "occurred_at": "timestamptz",
            "ended_on": "date",
            "scope": "text",
            "within": "text",
            "channel": "text",
            "source": "text",
            "explicit": "boolean",
            "documented": "boolean",
            "refused": "boolean",
            "in_writing": "boolean",
            "workspace_id": "uuid",
            "created_position": "bigint",
            "created_at": "timestamptz",
        },
        indexes=(("created_position",), ("what", "created_position"), ("workspace_id", "created_position")),
    ),
)
