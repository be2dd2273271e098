"""One row a person and sender, of those who are not erased: how they stood when their stream last told something.

The sender is the tenant, by its own id, or a client, by that of its workspace. The tenant's row is that of every
workspace without one; `for_the_rest`: of these alone, since nothing was given to the tenant itself. It holds `facts`,
and `of_clients`: of each client that has a row, its `due_for` and `created_position`. Most people have no other row.
`ahead` holds the later phases, for whoever reads after `turns_at`: each with `begins_at` and the columns of `PHASE`.
`lapses_at` is the end of an allow that comes by itself, `due_for` an end that is to be announced, ahead or because it
came, and `due_at` when. `facts` is what is known of the person, as the next event finds it: dates, kinds, countries and
workspaces.
"""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

PHASE: Final = {
    "verdict": "text",
    "law": "text",
    "rule": "text",
    "basis": "text",
    "entries": "jsonb",
    "missing": "jsonb",
    "provided": "jsonb",
    "laws": "jsonb",
}
"""What a phase says: the columns of the present one, and the keys of those ahead."""

TABLES: Final = (
    Table("senders", key=("sender_id",), columns={"sender_id": "uuid", "country": "text"}),
    Table(
        "standings",
        key=("addressee_id", "sender_id"),
        columns={
            "addressee_id": "uuid",
            "sender_id": "uuid",
            **PHASE,
            "turns_at": "timestamptz",
            "ahead": "jsonb",
            "lapses_at": "timestamptz",
            "due_for": "timestamptz",
            "due_at": "timestamptz",
            "facts": "jsonb",
            "of_clients": "jsonb",
            "for_the_rest": "boolean",
            "created_position": "bigint",
        },
        indexes=(("created_position",), ("lapses_at",)),
        across=(("due_at", "tenant_id"),),
    ),
)
