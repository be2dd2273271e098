"""One row a list; one a contact on a list, as long as the contact is there. `members` counts the latter."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Count, Table

TABLES: Final = (
    Table(
        "lists",
        key=("list_id",),
        columns={
            "list_id": "uuid",
            "workspace_id": "uuid",
            "name": "text",
            "archived": "boolean",
            "members": "bigint",
            "created_position": "bigint",
            "created_at": "timestamptz",
        },
        indexes=(("created_position",),),
    ),
    Table(
        "list_members",
        key=("list_id", "contact_id"),
        columns={"list_id": "uuid", "contact_id": "uuid"},
        indexes=(("contact_id",),),
        counted_in=Count("lists", ("list_id",), "members"),
    ),
)
