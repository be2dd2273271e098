"""How targets follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.targets.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

TARGETS: Final = Projection("targets", version=1, tables=TABLES, reveals=False)


@TARGETS.on("finance.target_set")
def target_set(event: Fact, rows: Rows) -> None:
    """It stands from now on; set again, it keeps its place."""
    told = {**event.payload, "withdrawn": False}
    if event.recorded.version == 1:
        rows.insert("targets", {**told, "created_position": event.position, "created_at": event.recorded_at})
    else:
        rows.update("targets", told)


@TARGETS.on("finance.target_withdrawn")
def target_withdrawn(event: Fact, rows: Rows) -> None:
    """Nobody aims at it any more."""
    rows.update("targets", {"target_id": event.payload["target_id"], "withdrawn": True})
