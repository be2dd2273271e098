"""How costs and rules follow from events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from projections.operational.costs.schema import TABLES
from projections.runtime.facts import Projection

if TYPE_CHECKING:
    from projections.runtime.facts import Fact
    from projections.runtime.rows import Rows

COSTS: Final = Projection("costs", version=1, tables=TABLES, reveals=False)


@COSTS.on("costs.cost_entered")
def entered(event: Fact, rows: Rows) -> None:
    """A cost is there."""
    rows.insert(
        "costs",
        {
            "cost_id": event.payload["cost_id"],
            **event.payload["entry"],
            "state": "entered",
            "created_position": event.position,
            "created_at": event.recorded_at,
        },
    )


@COSTS.on("costs.cost_confirmed")
def confirmed(event: Fact, rows: Rows) -> None:
    """It is known by its invoice."""
    estimated = event.payload["before"]["amount"]
    told = {"cost_id": event.payload["cost_id"], **event.payload["after"]}
    rows.update("costs", {**told, "estimated_amount": estimated, "state": "confirmed"})


@COSTS.on("costs.cost_reversed")
def reversed_(event: Fact, rows: Rows) -> None:
    """It counts no more."""
    told = {"cost_id": event.payload["cost_id"], "reversal_reason": event.payload["reason"]}
    rows.update("costs", {**told, "state": "reversed"})


@COSTS.on("costs.allocation_ruled")
def ruled(event: Fact, rows: Rows) -> None:
    """A pool is divided so from a day on."""
    rows.upsert(
        "allocation_rules",
        {
            "pool": event.payload["pool"],
            "from_day": event.payload["from_day"],
            "allocated_by": event.payload["by"],
            "shares": event.payload["shares"],
            "created_position": event.position,
            "created_at": event.recorded_at,
        },
    )
