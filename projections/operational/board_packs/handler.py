"""How the list of sealed packs follows from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.board_packs.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

BOARD_PACKS: Final = Projection("board_packs", version=2, reveals=False, tables=TABLES)


@BOARD_PACKS.on("reporting.pack_sealed")
def sealed(event: Fact, rows: Rows) -> None:
    """A pack is kept for ever."""
    told = dict(event.payload)
    actor = event.actor or {}
    rows.insert(
        "board_packs",
        {
            "log_position": told.pop("position"),
            **told,
            "sealed_at": event.recorded_at,
            "sealed_by": actor.get("member") or actor.get("id"),
            "created_position": event.position,
        },
    )
