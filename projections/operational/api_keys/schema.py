"""One row a key, revoked ones included; and the people who are gone, whose keys are dead."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "api_keys",
        key=("api_key_id",),
        columns={
            "api_key_id": "uuid",
            "label": "text",
            "role": "text",
            "permissions": "jsonb",
            "workspaces": "jsonb",
            "person_id": "uuid",
            "expires_at": "timestamptz",
            "revoked": "boolean",
            "created_position": "bigint",
            "created_at": "timestamptz",
        },
        indexes=(("created_position",),),
    ),
    Table("people_gone", key=("person_id",), columns={"person_id": "uuid"}),
)
