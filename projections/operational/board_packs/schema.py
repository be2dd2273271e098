"""One row a sealed pack; none ever changes. `needs`: the permissions that reading it takes."""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "board_packs",
        key=("pack_id",),
        columns={
            "pack_id": "uuid",
            "definition": "text",
            "definition_version": "text",
            "period_from": "date",
            "period_to": "date",
            "log_position": "text",
            "as_of": "timestamptz",
            "pdf_sha256": "text",
            "pdf_size": "bigint",
            "figures_sha256": "text",
            "figures": "integer",
            "needs": "jsonb",
            "currency": "text",
            "sealed_at": "timestamptz",
            "sealed_by": "uuid",
            "created_position": "bigint",
        },
        indexes=(("created_position",),),
    ),
)
