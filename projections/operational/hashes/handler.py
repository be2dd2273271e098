"""How the rows follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.hashes.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

HASHES: Final = Projection("hashes", version=2, tables=TABLES, reveals=False)


@HASHES.on("audience.address_hash_listed")
def listed(event: Fact, rows: Rows) -> None:
    """Nothing goes to whoever has the address behind a hash."""
    told = ("algorithm", "kind", "campaign_type", "workspace_id", "since", "first")
    rows.insert(
        "hashes",
        {
            **{name: event.payload[name] for name in told},
            "created_position": event.position,
            "created_at": event.recorded_at,
        },
    )
