"""One row a person who is in, or invited; one a role in a workspace; one an owner.

`email_match` is the address in its matching form, for exact look-up; null where the key is gone.
"""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "members",
        key=("member_id",),
        columns={
            "member_id": "uuid",
            "email": "text",
            "email_match": "text",
            "full_name": "text",
            "role": "text",
            "status": "text",
            "expires_at": "timestamptz",
            "created_position": "bigint",
            "created_at": "timestamptz",
        },
        indexes=(("email_match",),),
        personal=("email", "email_match", "full_name"),
    ),
    Table(
        "member_workspaces",
        key=("member_id", "workspace_id"),
        columns={"member_id": "uuid", "workspace_id": "uuid", "role": "text"},
    ),
    Table("owners", key=("member_id",), columns={"member_id": "uuid"}),
)
