"""One row a person who was erased, with what became of their keys and the certificate; one row a legal hold.

Nothing in here is anybody's value: a certificate names stores and days. Reasons of holds are evidence and are not in
here; the addressee's history shows them to those who may read evidence.
"""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "erasures",
        key=("addressee_id",),
        columns={
            "addressee_id": "uuid",
            "status": "text",
            "erased_at": "timestamptz",
            "key_destroyed_at": "timestamptz",
            "certified_at": "timestamptz",
            "complete_by": "timestamptz",
            "stores": "jsonb",
            "kept": "jsonb",
            "positions": "jsonb",
            "evidence_ends": "timestamptz",
            "evidence_until": "timestamptz",
            "evidence_by": "jsonb",
            "evidence_destroyed_at": "timestamptz",
            "created_position": "bigint",
        },
        indexes=(("created_position",),),
    ),
    Table(
        "legal_holds",
        key=("addressee_id", "entry"),
        columns={
            "addressee_id": "uuid",
            "entry": "bigint",
            "placed_at": "timestamptz",
            "released_at": "timestamptz",
            "created_position": "bigint",
        },
        indexes=(("created_position",),),
    ),
)
