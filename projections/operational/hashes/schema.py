"""One row an entry of a list under a hash. Neither the hash nor a pseudonym of it is in here: they can be counted.

`first`: the hash was not on the list before; so many rows of these, so many hashes.
"""

from __future__ import annotations

from typing import Final

from projections.runtime.tables import Table

TABLES: Final = (
    Table(
        "hashes",
        key=("created_position",),
        columns={
            "created_position": "bigint",
            "algorithm": "text",
            "kind": "text",
            "campaign_type": "text",
            "workspace_id": "uuid",
            "since": "timestamptz",
            "first": "boolean",
            "created_at": "timestamptz",
        },
    ),
)
