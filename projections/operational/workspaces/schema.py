"""One row a workspace."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "workspaces",
        key=("workspace_id",),
        columns={
            "workspace_id": "uuid",
            "name": "text",
            "country": "text",
            "archived": "boolean",
            "created_position": "bigint",
            "created_at": "timestamptz",
        },
    ),
)
